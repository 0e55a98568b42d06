"""Have a fine-tuned model answer the benchmark."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import generate_tuned


def main():
    run_job(
        generate_tuned,
        snakemake.log[0],
        questions=snakemake.input.questions,
        record=snakemake.params.record,
        model=snakemake.input.model,
        tuned=snakemake.params.tuned,
        machine=snakemake.config["generating_machine"] | {"given": snakemake.resources.gpu},
        output=snakemake.output.outputs,
    )


if __name__ == "__main__":
    main()
