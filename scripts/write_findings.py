"""Say in plain sentences what the study found."""

from prefdissect.job import run_job
from prefdissect.stages.publishing import write_findings


def main():
    run_job(
        write_findings,
        snakemake.log[0],
        inputs=dict(snakemake.input.items()),
        config=snakemake.params.config,
        records=snakemake.params.records,
        catalogue=snakemake.input.catalogue,
        output=snakemake.output.findings,
    )


if __name__ == "__main__":
    main()
