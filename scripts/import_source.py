"""Read one source of pairs into the study's tables."""

from prefdissect.job import run_job
from prefdissect.stages.sourcing import import_source


def main():
    outputs = {name: path for name, path in snakemake.output.items() if name != "notes"}
    run_job(
        import_source,
        snakemake.log[0],
        record=snakemake.params.record,
        catalogue=snakemake.input.catalogue,
        outputs=outputs,
        notes=snakemake.output.notes,
    )


if __name__ == "__main__":
    main()
