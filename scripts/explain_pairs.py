"""Say what every property adds to every pair's preference."""

from prefdissect.job import run_job
from prefdissect.stages.fitting import explain_pairs


def main():
    run_job(
        explain_pairs,
        snakemake.log[0],
        coefficients=snakemake.input.coefficients,
        features=snakemake.input.features,
        groups=snakemake.input.groups,
        graded=snakemake.params.graded,
        output=snakemake.output.contributions,
    )


if __name__ == "__main__":
    main()
