"""Give prompts without a scenario one, by a classifier trained on labelled queries."""

from prefdissect.job import run_job
from prefdissect.stages.sourcing import classify_scenarios


def main():
    run_job(
        classify_scenarios,
        snakemake.log[0],
        sources=list(snakemake.input.sources),
        settings=snakemake.params.settings,
        seed=snakemake.params.seed,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
