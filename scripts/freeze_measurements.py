"""Write the measured tables as one checksummed archive."""

from prefdissect.freezing import freeze
from prefdissect.job import run_job


def main():
    run_job(
        freeze,
        snakemake.log[0],
        folder=snakemake.params.folder,
        files=list(snakemake.input.measured),
        study=snakemake.params.study,
        judges=snakemake.params.judges,
        output=snakemake.output.archive,
    )


if __name__ == "__main__":
    main()
