"""Write the page that a study is looked at with, from the judges down to single pairs."""

from prefdissect.job import run_job
from prefdissect.stages.exploring import write_explorer


def main():
    run_job(
        write_explorer,
        snakemake.log[0],
        inputs=dict(snakemake.input.items()),
        config=snakemake.params.config,
        records=snakemake.params.records,
        settings=snakemake.params.settings,
        output=snakemake.output.explorer,
    )


if __name__ == "__main__":
    main()
