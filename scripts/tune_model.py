"""Fine-tune a generator's model on preference data."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import tune_model


def main():
    run_job(
        tune_model,
        snakemake.log[0],
        data=snakemake.input.data,
        record=snakemake.params.record,
        settings=snakemake.params.settings,
        tune_python=snakemake.config["tune_python"],
        gpus=snakemake.resources.gpu,
        folder=snakemake.output.model,
    )


if __name__ == "__main__":
    main()
