"""Take the verdicts of recorded judges from their sources."""

from prefdissect.job import run_job
from prefdissect.stages.judging import import_judgements


def main():
    run_job(
        import_judgements,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        sources=dict(zip(snakemake.params.sources, snakemake.input.sources, strict=True)),
        records=snakemake.params.records,
        outputs=snakemake.output.judgements,
    )


if __name__ == "__main__":
    main()
