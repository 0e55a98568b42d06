"""Say how far ratings agree: with repeats, with exchanged responses, between annotators."""

from prefdissect.job import run_job
from prefdissect.stages.reliability import measure_reliability


def main():
    run_job(
        measure_reliability,
        snakemake.log[0],
        inputs={
            "pairs": snakemake.input.pairs,
            "features": snakemake.input.features,
            "annotations": list(snakemake.input.annotations),
            "repeats": list(snakemake.input.repeats),
        },
        catalogue=snakemake.input.catalogue,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
