"""Ask one shard of a model judge's requests."""

from prefdissect.job import run_job
from prefdissect.stages.models import judge_shard


def main():
    run_job(
        judge_shard,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        record=snakemake.params.record,
        model=snakemake.input.model,
        template=snakemake.input.template,
        machine=snakemake.config["machine"] | {"given": snakemake.resources.gpu},
        shard=int(snakemake.wildcards.shard),
        shards=snakemake.params.shards,
        output=snakemake.output.done,
    )


if __name__ == "__main__":
    main()
