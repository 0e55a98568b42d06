"""Say what the manipulation experiment would cost."""

from prefdissect.job import run_job
from prefdissect.stages.planning import plan_manipulation


def main():
    run_job(
        plan_manipulation,
        snakemake.log[0],
        section=snakemake.params.section,
        judges=snakemake.params.judges,
        catalogue=snakemake.input.catalogue,
        settings=snakemake.params.settings,
    )


if __name__ == "__main__":
    main()
