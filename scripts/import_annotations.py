"""Take recorded ratings from a source."""

from prefdissect.job import run_job
from prefdissect.stages.annotating import import_annotations


def main():
    run_job(
        import_annotations,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        annotator=snakemake.wildcards.annotator,
        tables=dict(zip(snakemake.params.tables, snakemake.input.tables, strict=True)),
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
