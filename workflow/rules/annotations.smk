# Annotations: every annotator yields the same four tables; a model also says how it rated pairs again, and what it took.
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


rule import_sheet:
    """Take what people filled in on a sheet."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        sheet=lambda wildcards: STUDY.annotators[wildcards.annotator]["path"],
        catalogue=STUDY.catalogue_path,
    output:
        **{table: f"{OUT}/annotations/{{annotator}}.{table}.parquet" for table in ANNOTATION_TABLES},
    log:
        f"{LOGS}/import_sheet/{{annotator}}.log",
    benchmark:
        f"{BENCHMARKS}/import_sheet/{{annotator}}.tsv"
    wildcard_constraints:
        annotator=one_of(STUDY.annotators_of("sheet")),
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_hash("prefdissect.annotators.sheet"),
    script:
        "../../scripts/import_sheet.py"


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


rule annotate_by_model:
    """Ask a language model about the properties of every pair, pass by pass; what was answered before is not asked again."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        catalogue=STUDY.catalogue_path,
        prompts=lambda wildcards: STUDY.prompt_files(STUDY.annotators[wildcards.annotator]),
        replies=lambda wildcards: STUDY.annotators[wildcards.annotator].get("replies", []),
    output:
        **{table: f"{OUT}/annotations/{{annotator}}.{table}.parquet" for table in ANNOTATION_TABLES},
        annotation_repeats=f"{OUT}/annotations/{{annotator}}.annotation_repeats.parquet",
        usage=f"{OUT}/annotations/{{annotator}}.usage.json",
    log:
        f"{LOGS}/annotate_by_model/{{annotator}}.log",
    benchmark:
        f"{BENCHMARKS}/annotate_by_model/{{annotator}}.tsv"
    wildcard_constraints:
        annotator=one_of(MODEL_ANNOTATORS),
    conda:
        "../../envs/judge.yaml"
    threads: annotator_threads
    resources:
        gpu=annotator_gpus,
        gpu_model=annotator_gpu_model,
        mem_mb=annotator_memory,
        runtime=annotator_minutes,
    params:
        record=annotator_record,
        protocol=ANNOTATION_PROTOCOL,
    script:
        "../../scripts/annotate_by_model.py"
