"""Win rates, grades and shifts of all arms."""

from prefdissect.job import run_job
from prefdissect.stages.manipulating import score_manipulation


def main():
    run_job(
        score_manipulation,
        snakemake.log[0],
        inputs=dict(snakemake.input.items()),
        judges=snakemake.params.judges,
        settings=snakemake.params.settings,
        dataset=snakemake.params.benchmark,
        folder=snakemake.output.alpaca_eval,
        results={name: path for name, path in snakemake.output.items() if name != "alpaca_eval"},
    )


if __name__ == "__main__":
    main()
