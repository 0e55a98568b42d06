"""Write versions, config, and hashes of inputs and results."""

from prefdissect.job import run_job
from prefdissect.stages.publishing import write_provenance


def main():
    run_job(
        write_provenance,
        snakemake.log[0],
        config=snakemake.params.config,
        files=list(snakemake.input.files),
        tables=list(snakemake.input.tables),
        output=snakemake.output.provenance,
    )


if __name__ == "__main__":
    main()
