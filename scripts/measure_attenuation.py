"""Say what the error of the annotators leaves of the effects."""

from prefdissect.job import run_job
from prefdissect.stages.reliability import measure_attenuation


def main():
    run_job(
        measure_attenuation,
        snakemake.log[0],
        inputs={name: snakemake.input[name] for name in ("pairs", "groups", "features", "preferences")}
        | {"repeats": list(snakemake.input.repeats)},
        catalogue=snakemake.input.catalogue,
        settings=snakemake.params.settings,
        cache_dir=snakemake.params.cache_dir,
        output=snakemake.output.attenuation,
    )


if __name__ == "__main__":
    main()
