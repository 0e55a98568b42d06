"""Draw one part of a study's figures."""

from prefdissect.job import run_job
from prefdissect.stages.drawing import draw_figures


def main():
    run_job(
        draw_figures,
        snakemake.log[0],
        part=snakemake.params.part,
        figures=list(snakemake.params.figures),
        inputs=dict(snakemake.input.items()),
        settings=snakemake.params.settings,
        pdfs=list(snakemake.output.pdf),
        pngs=list(snakemake.output.png),
    )


if __name__ == "__main__":
    main()
