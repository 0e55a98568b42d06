"""Fit every judge in every group."""

from prefdissect.job import run_job
from prefdissect.stages.fitting import fit_coefficients


def main():
    run_job(
        fit_coefficients,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        groups=snakemake.input.groups,
        features=snakemake.input.features,
        preferences=snakemake.input.preferences,
        estimator=snakemake.wildcards.estimator,
        settings={**snakemake.params.settings, "code": snakemake.params.code},
        cache_dir=snakemake.params.cache_dir,
        workers=snakemake.threads,
        outputs=dict(snakemake.output.items()),
    )


if __name__ == "__main__":
    main()
