"""Find what would stop the study later, before any expensive job."""

from prefdissect.job import run_job
from prefdissect.stages.judging import check_inputs


def main():
    run_job(
        check_inputs,
        snakemake.log[0],
        pairs=snakemake.input.pairs,
        groups=snakemake.input.groups,
        judgements=dict(zip(snakemake.params.judges, snakemake.input.judgements, strict=True)),
        settings=snakemake.params.settings,
        output=snakemake.output.summary,
    )


if __name__ == "__main__":
    main()
