"""Turn ratings into features."""

from prefdissect.job import run_job
from prefdissect.stages.fitting import make_features


def main():
    run_job(
        make_features,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        annotations=snakemake.input.annotations,
        resolved=snakemake.input.resolved,
        catalogue=snakemake.input.catalogue,
        precedence=list(snakemake.params.precedence),
        unchecked_errors=snakemake.params.unchecked_errors,
        features=snakemake.output.features,
        dropped=snakemake.output.dropped,
    )


if __name__ == "__main__":
    main()
