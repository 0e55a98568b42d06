"""Draw the verdicts of a judge with known coefficients."""

from prefdissect.job import run_job
from prefdissect.stages.controls import simulate_judge


def main():
    run_job(
        simulate_judge,
        snakemake.log[0],
        features=snakemake.input.features,
        record=snakemake.params.record,
        output=snakemake.output.judgements,
    )


if __name__ == "__main__":
    main()
