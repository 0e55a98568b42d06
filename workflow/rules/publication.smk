# What people read: figures, tables, findings, provenance.
REPORT = "../report"


rule plot_degree:
    """Draw the degree of preference per property for the chosen judges in one group."""
    input:
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        catalogue=STUDY.catalogue_path,
    output:
        pdf=f"{OUT}/figures/degree/{{group}}.pdf",
        png=report(
            f"{OUT}/figures/degree/{{group}}.png",
            caption=f"{REPORT}/degree_figure.rst",
            category="What judges reward",
            labels={"figure": "degree of preference", "group": "{group}"},
        ),
    log:
        f"{LOGS}/plot_degree/{{group}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_degree/{{group}}.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        group=lambda wildcards: next(
            group for group, name in zip(DEGREE_GROUPS, FIGURES) if name == f"degree/{wildcards.group}"
        ),
        judges=DEGREE_JUDGES,
        labels=STUDY.labels,
        estimator=ESTIMATOR,
        code=code_hash("prefdissect.figures.degree", "prefdissect.figures.saving"),
    script:
        "../../scripts/plot_degree.py"


rule plot_similarity:
    """Draw the clustered heat map of judge similarity."""
    input:
        similarity=rules.compare_judges.output.similarity,
        clusters=rules.compare_judges.output.clusters,
        linkage=rules.compare_judges.output.linkage,
    output:
        pdf=f"{OUT}/figures/similarity.pdf",
        png=report(
            f"{OUT}/figures/similarity.png",
            caption=f"{REPORT}/similarity_figure.rst",
            category="How alike judges are",
            labels={"figure": "similarity of judges", "group": STUDY["comparison"]["group"]},
        ),
    log:
        f"{LOGS}/plot_similarity.log",
    benchmark:
        f"{BENCHMARKS}/plot_similarity.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        group=STUDY["comparison"]["group"],
        labels=STUDY.labels,
        code=code_hash("prefdissect.figures.heatmap", "prefdissect.figures.saving"),
    script:
        "../../scripts/plot_similarity.py"


rule plot_datasheet:
    """Draw how each judge behaves: order, slots, indecision, length, token mass, agreement with people."""
    input:
        datasheet=f"{OUT}/tables/judge_datasheet.csv",
    output:
        pdf=f"{OUT}/figures/datasheet/{{group}}.pdf",
        png=report(
            f"{OUT}/figures/datasheet/{{group}}.png",
            caption=f"{REPORT}/datasheet.rst",
            category="How judges behave",
            labels={"figure": "datasheet of the judges", "group": "{group}"},
        ),
    log:
        f"{LOGS}/plot_datasheet/{{group}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_datasheet/{{group}}.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        group=lambda wildcards: DATASHEET_GROUPS[wildcards.group],
        labels=STUDY.labels,
        human=STUDY["comparison"]["human"],
        code=code_hash("prefdissect.figures.datasheet", "prefdissect.figures.saving"),
    script:
        "../../scripts/plot_datasheet.py"


rule write_tables:
    """Write the tables that people read."""
    input:
        **{table: f"{COMPARISON}/{table}.parquet" for table in COMPARED},
        coefficients=expand("{out}/regression/{estimator}/coefficients.parquet", out=OUT, estimator=ESTIMATORS),
        fit_quality=expand("{out}/regression/{estimator}/fit_quality.parquet", out=OUT, estimator=ESTIMATORS),
        similarity=rules.compare_judges.output.similarity,
        group_similarity=rules.compare_judges.output.group_similarity,
        clusters=rules.compare_judges.output.clusters,
        undefined=rules.compare_judges.output.undefined,
        pairs=f"{OUT}/pairs.parquet",
        groups=f"{OUT}/groups.parquet",
        judgements=expand("{out}/judgements/{judge}.parquet", out=OUT, judge=JUDGES),
        preferences=f"{OUT}/preferences.parquet",
        features=f"{OUT}/features.parquet",
        annotations=expand("{out}/annotations/{annotator}.annotations.parquet", out=OUT, annotator=ANNOTATORS),
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
        **{f"{table}_tex": f"{OUT}/tables/{table}.tex" for table in LATEX},
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
            "compared": COMPARED,
            "graded": STUDY["regression"]["graded"],
        },
        code=code_hash("prefdissect.publication", "prefdissect.datasheet", "prefdissect.regression.collinearity"),
    script:
        "../../scripts/write_tables.py"


rule write_findings:
    """Say in plain sentences what the study found, and what it could not find."""
    input:
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        fit_quality=f"{OUT}/regression/{ESTIMATOR}/fit_quality.parquet",
        similarity=rules.compare_judges.output.similarity,
        datasheet=f"{OUT}/tables/judge_datasheet.csv",
        pairs=f"{OUT}/pairs.parquet",
        groups=f"{OUT}/groups.parquet",
        features=f"{OUT}/features.parquet",
        dropped=f"{OUT}/dropped_pairs.parquet",
        notes=expand("{out}/sources/{source}/notes.json", out=OUT, source=STUDY.sources),
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
        files=[file for files in FILES.values() for file in files],
        tables=[
            *expand("{out}/regression/{estimator}/coefficients.parquet", out=OUT, estimator=ESTIMATORS),
            rules.compare_judges.output.similarity,
            f"{OUT}/preferences.parquet",
            f"{OUT}/features.parquet",
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
