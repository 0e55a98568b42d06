"""Score the two answer tokens with a language model."""

from prefdissect.job import run_job
from prefdissect.stages.models import judge_by_model


def main():
    record = dict(snakemake.params.record)
    if record.pop("random_model", None):
        record["model"] = snakemake.input.model
    run_job(
        judge_by_model,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        record=record,
        template=snakemake.input.template,
        output=snakemake.output.judgements,
    )


if __name__ == "__main__":
    main()
