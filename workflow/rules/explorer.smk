# One page per study, to look at it from the cluster of judges down to single pairs.
PAGE = product_file("workflow/explorer")
if PUBLISHED:
    EXPLORED = {}
else:
    EXPLORED = {
        "features": f"{OUT}/features.parquet",
        "fit_quality": f"{OUT}/regression/{ESTIMATOR}/fit_quality.parquet",
        "datasheet": f"{OUT}/tables/judge_datasheet.csv",
        "judgements": expand("{out}/judgements/{judge}.parquet", out=OUT, judge=JUDGES),
        **{
            table: expand("{out}/annotations/{annotator}.{table}.parquet", out=OUT, annotator=ANNOTATORS, table=table)
            for table in ["annotations", "query_info", "errors"]
        },
    }


rule write_explorer:
    """Write the page that the study is looked at with; it needs no server and no network."""
    input:
        **EXPLORED,
        **FLAGS,
        **COMPARISON_INPUTS,
        similarity=rules.compare_judges.output.similarity,
        clusters=rules.compare_judges.output.clusters,
        catalogue=STUDY.catalogue_path,
        page=page_files(PAGE),
    output:
        explorer=report(
            f"{OUT}/explorer.html",
            caption=f"{REPORT}/explorer.rst",
            category="Explorer",
            labels={"document": "from the judges down to the pairs"},
        ),
    log:
        f"{LOGS}/write_explorer.log",
    benchmark:
        f"{BENCHMARKS}/write_explorer.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        # How figures look, and what else the config says, redoes nothing here.
        config={
            **{key: STUDY[key] for key in ["study", "title", "seed", "measurements", "comparison", "explorer"]},
            "figures": {"judges": shown_judges(STUDY)},
            "regression": {key: STUDY["regression"][key] for key in ["resamples", "graded"]},
        },
        records=COMPARISON_RECORDS,
        settings={**COMPARISON_SETTINGS, "page": PAGE},
        code=code_hash("prefdissect.stages.exploring"),
    script:
        "../../scripts/write_explorer.py"
