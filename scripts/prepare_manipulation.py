"""Choose the arms of a manipulation experiment, and read its instructions."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import prepare_manipulation


def main():
    run_job(
        prepare_manipulation,
        snakemake.log[0],
        coefficients=snakemake.input.coefficients,
        catalogue=snakemake.input.catalogue,
        prompt=snakemake.input.prompt,
        benchmark=snakemake.params.benchmark,
        targets=snakemake.params.targets,
        tuned=snakemake.params.tuned,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
