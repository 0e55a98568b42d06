"""Make a random-weights model on the spot."""

from prefdissect.job import run_job
from prefdissect.stages.models import make_model


def main():
    run_job(
        make_model,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        settings=snakemake.params.settings,
        output=snakemake.output.model,
    )


if __name__ == "__main__":
    main()
