"""Hold the coefficients against the published ones."""

from prefdissect.job import run_job
from prefdissect.stages.fitting import compare_fits_with_published


def main():
    run_job(
        compare_fits_with_published,
        snakemake.log[0],
        coefficients=snakemake.input.coefficients,
        published=snakemake.params.published,
        catalogue=snakemake.input.catalogue,
        labels=snakemake.params.labels,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
