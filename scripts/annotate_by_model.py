"""Have a language model rate the properties of all pairs."""

from prefdissect.job import run_job
from prefdissect.stages.annotating import annotate_by_model


def main():
    tables = {name: path for name, path in snakemake.output.items() if name != "usage"}
    run_job(
        annotate_by_model,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        catalogue=snakemake.input.catalogue,
        record=snakemake.params.record,
        machine=snakemake.config["annotating_machine"] | {"given": snakemake.resources.gpu},
        outputs=tables,
        usage=snakemake.output.usage,
    )


if __name__ == "__main__":
    main()
