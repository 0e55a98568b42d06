"""Apply a rule judge."""

from prefdissect.job import run_job
from prefdissect.stages.controls import judge_by_rule


def main():
    run_job(
        judge_by_rule,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        record=snakemake.params.record,
        output=snakemake.output.judgements,
    )


if __name__ == "__main__":
    main()
