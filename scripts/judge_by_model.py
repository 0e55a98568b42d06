"""Ask a model judge in both orders."""

from prefdissect.job import run_job
from prefdissect.stages.models import judge_by_model


def main():
    run_job(
        judge_by_model,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        record=snakemake.params.record,
        model=snakemake.input.model,
        template=snakemake.input.template,
        machine=snakemake.config["machine"] | {"given": snakemake.resources.gpu},
        judgements=snakemake.output.judgements,
        usage=snakemake.output.usage,
    )


if __name__ == "__main__":
    main()
