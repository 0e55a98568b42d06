"""Say which groups each pair is in."""

from prefdissect.job import run_job
from prefdissect.stages.sourcing import group_pairs


def main():
    run_job(
        group_pairs,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        query_info=snakemake.input.query_info,
        source_groups=snakemake.input.source_groups,
        settings=snakemake.params.settings,
        output=snakemake.output.groups,
    )


if __name__ == "__main__":
    main()
