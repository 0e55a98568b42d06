"""Join the pairs of all sources."""

from prefdissect.job import run_job
from prefdissect.stages.measure import assemble


def main():
    run_job(
        assemble,
        snakemake.log[0],
        sources=dict(zip(snakemake.params.names, snakemake.input.sources, strict=True)),
        samples=snakemake.params.samples,
        output=snakemake.output.pairs,
    )


if __name__ == "__main__":
    main()
