"""Draw the degree of preference per property."""

from prefdissect.job import run_job
from prefdissect.stages.drawing import plot_degree


def main():
    run_job(
        plot_degree,
        snakemake.log[0],
        coefficients=snakemake.input.coefficients,
        labels=snakemake.params.labels,
        catalogue=snakemake.input.catalogue,
        group=snakemake.params.group,
        judges=list(snakemake.params.judges),
        estimator=snakemake.params.estimator,
        pdf=snakemake.output.pdf,
        png=snakemake.output.png,
    )


if __name__ == "__main__":
    main()
