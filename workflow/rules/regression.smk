# Preferences, features, and the fit that joins them.
rule combine_preferences:
    """Combine the orders and samples of every judge into one preference per pair."""
    input:
        judgements=expand("{out}/judgements/{judge}.parquet", out=OUT, judge=JUDGES),
    output:
        preferences=f"{OUT}/preferences.parquet",
    log:
        f"{LOGS}/combine_preferences.log",
    benchmark:
        f"{BENCHMARKS}/combine_preferences.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_hash("prefdissect.preferences"),
    script:
        "../../scripts/combine_preferences.py"


rule build_features:
    """Turn ratings into one number per property and pair."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        annotations=expand("{out}/annotations/{annotator}.annotations.parquet", out=OUT, annotator=STUDY.suppliers),
        resolved=expand("{out}/annotations/{annotator}.features.parquet", out=OUT, annotator=STUDY.suppliers),
        catalogue=STUDY.catalogue_path,
    output:
        features=f"{OUT}/features.parquet",
        dropped=f"{OUT}/dropped_pairs.parquet",
    log:
        f"{LOGS}/build_features.log",
    benchmark:
        f"{BENCHMARKS}/build_features.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        precedence=STUDY.suppliers,
        unchecked_errors=STUDY["features"]["unchecked_errors"],
        code=code_hash("prefdissect.features"),
    script:
        "../../scripts/build_features.py"


rule fit_coefficients:
    """Fit every judge in every group; cells fitted before come from the cache."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        groups=f"{OUT}/groups.parquet",
        features=rules.build_features.output.features,
        preferences=rules.combine_preferences.output.preferences,
    output:
        coefficients=f"{OUT}/regression/{{estimator}}/coefficients.parquet",
        fit_quality=f"{OUT}/regression/{{estimator}}/fit_quality.parquet",
        draws=f"{OUT}/regression/{{estimator}}/draws.parquet",
    log:
        f"{LOGS}/fit_coefficients/{{estimator}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_coefficients/{{estimator}}.tsv"
    conda:
        "../../envs/workflow.yaml"
    threads: workflow.cores or 1
    params:
        settings={
            "ties": STUDY["preferences"]["ties"],
            "seed": STUDY["seed"],
            **{key: value for key, value in STUDY["regression"].items() if key != "estimators"},
        },
        # An edit of one estimator refits that one.
        code=lambda wildcards: code_hash(
            "prefdissect.regression.fit",
            "prefdissect.regression.quality",
            "prefdissect.regression.folds",
            ESTIMATOR_MODULES[wildcards.estimator],
        ),
        cache_dir=STUDY["cache_dir"],
    script:
        "../../scripts/fit_coefficients.py"


rule explain_pairs:
    """Say what every property adds to every pair's preference, in log-odds and in probability."""
    input:
        coefficients=rules.fit_coefficients.output.coefficients,
        features=rules.build_features.output.features,
        groups=f"{OUT}/groups.parquet",
    output:
        contributions=f"{OUT}/regression/{{estimator}}/contributions.parquet",
    log:
        f"{LOGS}/explain_pairs/{{estimator}}.log",
    benchmark:
        f"{BENCHMARKS}/explain_pairs/{{estimator}}.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        graded=STUDY["regression"]["graded"],
        code=code_hash("prefdissect.regression.contributions"),
    script:
        "../../scripts/explain_pairs.py"


if AGAINST_PUBLISHED:

    rule compare_with_published:
        """Hold the coefficients against the published ones, cell by cell."""
        input:
            coefficients=expand("{out}/regression/{estimator}/coefficients.parquet", out=OUT, estimator=ESTIMATORS),
            files=REFERENCE_FILES,
            catalogue=STUDY.catalogue_path,
        output:
            **{name: f"{OUT}/tables/{name}.csv" for name in AGAINST_PUBLISHED},
        log:
            f"{LOGS}/compare_with_published.log",
        benchmark:
            f"{BENCHMARKS}/compare_with_published.tsv"
        conda:
            "../../envs/workflow.yaml"
        params:
            published=STUDY["regression"]["published"],
            labels={
                judge: (record.get("judge", record["label"]), record["label"], judge)
                for judge, record in STUDY.judges.items()
            },
            code=code_hash("prefdissect.regression.against_published", "prefdissect.regression.published"),
        script:
            "../../scripts/compare_with_published.py"
