"""Pair the outputs of every arm with the baseline's."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import hold_against_baseline


def main():
    run_job(
        hold_against_baseline,
        snakemake.log[0],
        outputs=snakemake.input.outputs,
        questions=snakemake.input.questions,
        baseline=snakemake.input.baseline,
        benchmark=snakemake.params.benchmark,
        results=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
