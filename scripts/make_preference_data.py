"""Relabel the study's pairs by a judge's regression."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import make_preference_data


def main():
    run_job(
        make_preference_data,
        snakemake.log[0],
        inputs=dict(snakemake.input.items()),
        target=snakemake.params.tuned["target"],
        arm=snakemake.params.tuned["arm"],
        settings=snakemake.params.settings,
        output=snakemake.output.data,
    )


if __name__ == "__main__":
    main()
