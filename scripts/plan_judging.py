"""Say what the models of a study would cost."""

from prefdissect.job import run_job
from prefdissect.stages.planning import plan_judging


def main():
    run_job(
        plan_judging,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        records=snakemake.params.records,
        models=snakemake.params.models,
        machine=snakemake.config["machine"],
        annotators=snakemake.params.annotators,
        catalogue=snakemake.input.catalogue,
        annotating_machine=snakemake.config["annotating_machine"],
        settings=snakemake.params.settings,
        manipulation=snakemake.params.manipulation,
    )


if __name__ == "__main__":
    main()
