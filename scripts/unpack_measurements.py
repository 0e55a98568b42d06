"""Take the measured tables from an archive."""

from prefdissect.freezing import unpack
from prefdissect.job import run_job


def main():
    run_job(
        unpack,
        snakemake.log[0],
        archive_path=snakemake.input.archive,
        folder=snakemake.params.folder,
        wanted=list(snakemake.output.measured),
    )


if __name__ == "__main__":
    main()
