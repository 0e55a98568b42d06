# What people read beside the figures: tables, findings, provenance.
# What published coefficients come without.
if PUBLISHED:
    PAIR_TABLES, EVIDENCE = {}, {}
else:
    PAIR_TABLES = {
        "pairs": f"{OUT}/pairs.parquet",
        "judgements": expand("{out}/judgements/{judge}.parquet", out=OUT, judge=JUDGES),
        "features": f"{OUT}/features.parquet",
        "annotations": expand("{out}/annotations/{annotator}.annotations.parquet", out=OUT, annotator=ANNOTATORS),
        "scenario_quality": SCENARIO_QUALITY,
    }
    EVIDENCE = {
        "pairs": f"{OUT}/pairs.parquet",
        "features": f"{OUT}/features.parquet",
        "dropped": f"{OUT}/dropped_pairs.parquet",
        "datasheet": f"{OUT}/tables/judge_datasheet.csv",
        "notes": expand("{out}/sources/{source}/notes.json", out=OUT, source=STUDY.sources),
        "scenario_quality": SCENARIO_QUALITY,
    }


rule write_tables:
    """Write the tables that people read."""
    input:
        **{table: f"{COMPARISON}/{table}.parquet" for table in COMPARED},
        **{table: f"{OUT}/annotations/{table}.parquet" for table in RELIABILITY},
        **{table: f"{OUT}/manipulation/{table}.parquet" for table in MANIPULATION},
        **PAIR_TABLES,
        coefficients=expand("{out}/regression/{estimator}/coefficients.parquet", out=OUT, estimator=ESTIMATORS),
        fit_quality=expand("{out}/regression/{estimator}/fit_quality.parquet", out=OUT, estimator=ESTIMATORS),
        similarity=rules.compare_judges.output.similarity,
        group_similarity=rules.compare_judges.output.group_similarity,
        clusters=rules.compare_judges.output.clusters,
        undefined=rules.compare_judges.output.undefined,
        groups=f"{OUT}/groups.parquet",
        preferences=f"{OUT}/preferences.parquet",
        catalogue=STUDY.catalogue_path,
    output:
        **{
            table: report(
                f"{OUT}/tables/{table}.csv",
                caption=f"{REPORT}/{table}.rst",
                category="Tables",
                labels={"table": table.replace("_", " ")},
            )
            for table in TABLES
        },
        **{f"{table}_{form}": f"{OUT}/tables/{table}.{form}" for table in PRINTED for form in ["md", "tex"]},
    log:
        f"{LOGS}/write_tables.log",
    benchmark:
        f"{BENCHMARKS}/write_tables.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        records=STUDY.judges,
        settings={
            "resamples": STUDY["regression"]["resamples"],
            "seed": STUDY["seed"],
            "human": STUDY["comparison"]["human"],
            "group": STUDY["comparison"]["group"],
            "compared": [*COMPARED, *RELIABILITY, *MANIPULATION],
            "limited": bool(FLAGS),
            "graded": STUDY["regression"]["graded"],
            "judges": shown_judges(STUDY),
            "shown": STUDY["figures"]["groups"],
            "data_group": data_groups(STUDY)[0],
            "published": PUBLISHED,
        },
        code=code_hash(
            "prefdissect.publication",
            "prefdissect.printed_tables",
            "prefdissect.datasheet",
            "prefdissect.regression.collinearity",
        ),
    script:
        "../../scripts/write_tables.py"


rule write_findings:
    """Say in plain sentences what the study found, and what it could not find."""
    input:
        **EVIDENCE,
        **FLAGS,
        **{table: f"{OUT}/annotations/{table}.parquet" for table in ATTENUATION},
        **{table: f"{OUT}/manipulation/{table}.parquet" for table in MANIPULATION},
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        fit_quality=f"{OUT}/regression/{ESTIMATOR}/fit_quality.parquet",
        similarity=rules.compare_judges.output.similarity,
        attribute_similarity=rules.compare_judges.output.attribute_similarity,
        groups=f"{OUT}/groups.parquet",
        clusters=rules.compare_judges.output.clusters,
        linkage=rules.compare_judges.output.linkage,
        judge_differences=rules.contrast_judges.output.judge_differences,
        base_similarity=rules.compare_judges.output.base_similarity,
        catalogue=STUDY.catalogue_path,
        template=product_file("workflow/report/findings.html.j2"),
    output:
        findings=report(
            f"{OUT}/findings.html",
            caption=f"{REPORT}/findings.rst",
            category="Findings",
            labels={"document": "findings and limits"},
        ),
    log:
        f"{LOGS}/write_findings.log",
    benchmark:
        f"{BENCHMARKS}/write_findings.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        config=STUDY.config,
        records=STUDY.judges,
        code=code_hash("prefdissect.findings"),
    script:
        "../../scripts/write_findings.py"


rule write_provenance:
    """Write versions, config, and hashes of inputs and results."""
    input:
        files=PUBLISHED_FILES if PUBLISHED else [file for files in FILES.values() for file in files],
        tables=[
            *expand("{out}/regression/{estimator}/coefficients.parquet", out=OUT, estimator=ESTIMATORS),
            rules.compare_judges.output.similarity,
            f"{OUT}/preferences.parquet",
            *([] if PUBLISHED else [f"{OUT}/features.parquet"]),
        ],
    output:
        provenance=report(
            f"{OUT}/provenance.json",
            caption=f"{REPORT}/provenance.rst",
            category="Provenance",
            labels={"document": "versions, config and hashes"},
        ),
    log:
        f"{LOGS}/write_provenance.log",
    conda:
        "../../envs/workflow.yaml"
    params:
        config=STUDY.config,
        code=code_hash("prefdissect.provenance"),
    script:
        "../../scripts/write_provenance.py"
