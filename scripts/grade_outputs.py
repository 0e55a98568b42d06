"""Have one judge grade every output from 1 to 10."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import grade_outputs


def main():
    run_job(
        grade_outputs,
        snakemake.log[0],
        outputs=snakemake.input.outputs,
        questions=snakemake.input.questions,
        record=snakemake.params.record,
        model=snakemake.input.model,
        settings=snakemake.params.settings,
        machine=snakemake.config["machine"] | {"given": snakemake.resources.gpu},
        grades=snakemake.output.grades,
    )


if __name__ == "__main__":
    main()
