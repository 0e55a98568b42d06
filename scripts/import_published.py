"""Start a study from published coefficients."""

from prefdissect.job import run_job
from prefdissect.stages.importing import import_published


def main():
    run_job(
        import_published,
        snakemake.log[0],
        folder=snakemake.params.folder,
        records=snakemake.params.records,
        catalogue=snakemake.input.catalogue,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
