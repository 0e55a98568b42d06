"""Write the tables that people read."""

from prefdissect.job import run_job
from prefdissect.stages.publishing import write_tables


def main():
    run_job(
        write_tables,
        snakemake.log[0],
        inputs=dict(snakemake.input.items()),
        records=snakemake.params.records,
        catalogue=snakemake.input.catalogue,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
