# One archive of everything that was measured, for figures without a GPU.
rule freeze:
    """Write the measured tables as one checksummed archive."""
    input:
        measured=MEASURED,
    output:
        archive=f"{OUT}/measurements.zip",
    log:
        f"{LOGS}/freeze.log",
    conda:
        "../../envs/workflow.yaml"
    params:
        folder=lambda wildcards, output: str(Path(output.archive).parent),
        study=STUDY.name,
        judges=STUDY["judges"],
    script:
        "../../scripts/freeze_measurements.py"
