"""Compare and cluster judges."""

from prefdissect.job import run_job
from prefdissect.stages.comparing import compare_judges


def main():
    run_job(
        compare_judges,
        snakemake.log[0],
        inputs=dict(snakemake.input.items()),
        records=snakemake.params.records,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
