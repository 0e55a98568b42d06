"""Compare and cluster judges."""

from prefdissect.job import run_job
from prefdissect.stages.comparing import compare_judges


def main():
    run_job(
        compare_judges,
        snakemake.log[0],
        coefficients=snakemake.input.coefficients,
        draws=snakemake.input.draws,
        groups=snakemake.input.groups,
        preferences=snakemake.input.preferences,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
