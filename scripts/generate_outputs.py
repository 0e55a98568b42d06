"""Have a model answer the benchmark under every arm."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import generate_outputs


def main():
    run_job(
        generate_outputs,
        snakemake.log[0],
        arms=snakemake.input.arms,
        questions=snakemake.input.questions,
        record=snakemake.params.record,
        machine=snakemake.config["generating_machine"] | {"given": snakemake.resources.gpu},
        output=snakemake.output.outputs,
    )


if __name__ == "__main__":
    main()
