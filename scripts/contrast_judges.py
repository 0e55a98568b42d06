"""Say what judges, groups and versions of a judge differ in."""

from prefdissect.job import run_job
from prefdissect.stages.comparing import contrast_judges


def main():
    run_job(
        contrast_judges,
        snakemake.log[0],
        inputs=dict(snakemake.input.items()),
        records=snakemake.params.records,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
