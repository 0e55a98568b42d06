"""Draw the clustered heat map of judge similarity."""

from prefdissect.job import run_job
from prefdissect.stages.drawing import plot_similarity


def main():
    run_job(
        plot_similarity,
        snakemake.log[0],
        similarity=snakemake.input.similarity,
        clusters=snakemake.input.clusters,
        linkage=snakemake.input.linkage,
        labels=snakemake.params.labels,
        group=snakemake.params.group,
        pdf=snakemake.output.pdf,
        png=snakemake.output.png,
    )


if __name__ == "__main__":
    main()
