# Pairs: every source is read into the same tables, then they are joined.
SOURCE_TABLES = ["pairs", "judgements", "annotations", "query_info", "errors", "features", "groups"]


rule import_source:
    """Read one source in its published form; all faults in its rows are found here."""
    input:
        files=lambda wildcards: FILES[wildcards.source],
        catalogue=STUDY.catalogue_path,
    output:
        **{table: f"{OUT}/sources/{{source}}/{table}.parquet" for table in SOURCE_TABLES},
        notes=f"{OUT}/sources/{{source}}/notes.json",
    log:
        f"{LOGS}/import_source/{{source}}.log",
    benchmark:
        f"{BENCHMARKS}/import_source/{{source}}.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        record=lambda wildcards: {
            key: value for key, value in STUDY.sources[wildcards.source].items() if key != "sample"
        },
        code=lambda wildcards: code_hash(
            "prefdissect.pairs.registry",
            f"prefdissect.pairs.{STUDY.sources[wildcards.source]['kind']}",
        ),
    script:
        "../../scripts/import_source.py"


rule classify_scenarios:
    """Give prompts without a scenario one, by a classifier trained on labelled queries; measure it on held-out ones."""
    input:
        sources=expand("{out}/sources/{source}/pairs.parquet", out=OUT, source=STUDY.sources),
        queries=STUDY["scenarios"]["queries"] or [],
        groups=STUDY["scenarios"]["groups"] or [],
    output:
        scenarios=f"{OUT}/scenarios.parquet",
        quality=f"{OUT}/scenario_quality.parquet",
    log:
        f"{LOGS}/classify_scenarios.log",
    benchmark:
        f"{BENCHMARKS}/classify_scenarios.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        settings=STUDY["scenarios"],
        seed=STUDY["seed"],
        code=code_hash("prefdissect.scenarios"),
    script:
        "../../scripts/classify_scenarios.py"


rule assemble_pairs:
    """Join and sample the pairs of all sources."""
    input:
        sources=expand("{out}/sources/{source}/pairs.parquet", out=OUT, source=STUDY.sources),
        scenarios=f"{OUT}/scenarios.parquet" if CLASSIFIED else [],
    output:
        pairs=f"{OUT}/pairs.parquet",
    log:
        f"{LOGS}/assemble_pairs.log",
    benchmark:
        f"{BENCHMARKS}/assemble_pairs.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        names=list(STUDY.sources),
        samples={name: record["sample"] for name, record in STUDY.sources.items() if "sample" in record},
        code=code_hash("prefdissect.pairs.assemble"),
    script:
        "../../scripts/assemble_pairs.py"


rule group_pairs:
    """Say which scenario, query-specific case and group of the study each pair is in."""
    input:
        pairs=rules.assemble_pairs.output.pairs,
        query_info=expand("{out}/annotations/{annotator}.query_info.parquet", out=OUT, annotator=ANNOTATORS),
        source_groups=expand("{out}/sources/{source}/groups.parquet", out=OUT, source=STUDY.sources),
        scenario_groups=STUDY["groups"]["scenario_groups"] or [],
    output:
        groups=f"{OUT}/groups.parquet",
    log:
        f"{LOGS}/group_pairs.log",
    benchmark:
        f"{BENCHMARKS}/group_pairs.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        settings=STUDY["groups"],
        code=code_hash("prefdissect.groups"),
    script:
        "../../scripts/group_pairs.py"
