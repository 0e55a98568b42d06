"""Join the pairs of all sources."""

from prefdissect.job import run_job
from prefdissect.stages.sourcing import assemble_sources


def main():
    run_job(
        assemble_sources,
        snakemake.log[0],
        sources=dict(zip(snakemake.params.names, snakemake.input.sources, strict=True)),
        samples=snakemake.params.samples,
        output=snakemake.output.pairs,
        scenarios="".join(snakemake.input.scenarios),
    )


if __name__ == "__main__":
    main()
