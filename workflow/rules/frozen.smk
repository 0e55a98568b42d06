# A frozen study takes what was measured from an archive; no judge or annotate rule exists.
rule unpack_measurements:
    """Take the measured tables from the archive, after checking all of its checksums."""
    input:
        archive=STUDY["archive"],
    output:
        measured=MEASURED,
    log:
        f"{LOGS}/unpack_measurements.log",
    conda:
        "../../envs/workflow.yaml"
    params:
        folder=lambda wildcards, output: str(Path(output.measured[0]).parent),
    script:
        "../../scripts/unpack_measurements.py"
