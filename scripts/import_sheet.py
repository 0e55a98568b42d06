"""Take the ratings that people filled in on a sheet."""

from prefdissect.job import run_job
from prefdissect.stages.annotating import import_sheet


def main():
    run_job(
        import_sheet,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        annotator=snakemake.wildcards.annotator,
        sheet=snakemake.input.sheet,
        catalogue=snakemake.input.catalogue,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
