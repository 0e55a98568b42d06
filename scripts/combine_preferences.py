"""Combine orders and samples into one preference per pair."""

from prefdissect.job import run_job
from prefdissect.stages.judging import combine_preferences


def main():
    run_job(
        combine_preferences,
        snakemake.log[0],
        judgements=snakemake.input.judgements,
        output=snakemake.output.preferences,
    )


if __name__ == "__main__":
    main()
