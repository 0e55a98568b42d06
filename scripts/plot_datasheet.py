"""Draw the datasheet of the judges."""

from prefdissect.job import run_job
from prefdissect.stages.drawing import plot_datasheet


def main():
    run_job(
        plot_datasheet,
        snakemake.log[0],
        datasheet=snakemake.input.datasheet,
        labels=snakemake.params.labels,
        human=snakemake.params.human,
        group=snakemake.params.group,
        pdf=snakemake.output.pdf,
        png=snakemake.output.png,
    )


if __name__ == "__main__":
    main()
