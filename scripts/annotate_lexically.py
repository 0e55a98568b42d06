"""Measure what words alone can measure."""

from prefdissect.job import run_job
from prefdissect.stages.annotating import annotate_lexically


def main():
    run_job(
        annotate_lexically,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        annotator=snakemake.wildcards.annotator,
        properties=list(snakemake.params.properties) or None,
        catalogue=snakemake.input.catalogue,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
