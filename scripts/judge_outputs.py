"""Have one judge compare the outputs of every arm with the baseline's."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import judge_outputs


def main():
    run_job(
        judge_outputs,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        record=snakemake.params.record,
        model=snakemake.input.model,
        machine=snakemake.config["machine"] | {"given": snakemake.resources.gpu},
        catalogue=snakemake.input.catalogue,
        judgements=snakemake.output.judgements,
    )


if __name__ == "__main__":
    main()
