# Annotations: every annotator yields the same four tables.
ANNOTATION_TABLES = ["annotations", "query_info", "errors", "features"]


rule import_annotations:
    """Take recorded ratings from a source."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        tables=lambda wildcards: [
            f"{OUT}/sources/{STUDY.annotators[wildcards.annotator]['source']}/{table}.parquet"
            for table in ANNOTATION_TABLES
        ],
    output:
        **{table: f"{OUT}/annotations/{{annotator}}.{table}.parquet" for table in ANNOTATION_TABLES},
    log:
        f"{LOGS}/import_annotations/{{annotator}}.log",
    benchmark:
        f"{BENCHMARKS}/import_annotations/{{annotator}}.tsv"
    wildcard_constraints:
        annotator=one_of(STUDY.annotators_of("recorded")),
    conda:
        "../../envs/workflow.yaml"
    params:
        tables=ANNOTATION_TABLES,
        code=code_hash("prefdissect.tables"),
    script:
        "../../scripts/import_annotations.py"


rule annotate_lexically:
    """Measure what words alone can measure: length, layout, repetition, readability, markers."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        catalogue=STUDY.catalogue_path,
    output:
        **{table: f"{OUT}/annotations/{{annotator}}.{table}.parquet" for table in ANNOTATION_TABLES},
    log:
        f"{LOGS}/annotate_lexically/{{annotator}}.log",
    benchmark:
        f"{BENCHMARKS}/annotate_lexically/{{annotator}}.tsv"
    wildcard_constraints:
        annotator=one_of(STUDY.annotators_of("lexical")),
    conda:
        "../../envs/workflow.yaml"
    params:
        properties=lambda wildcards: STUDY.annotators[wildcards.annotator].get("properties", []),
        code=code_hash("prefdissect.annotators.lexical"),
    script:
        "../../scripts/annotate_lexically.py"
