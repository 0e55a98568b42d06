# How alike judges are, and what they differ in.
COMPARISON = f"{OUT}/comparison"
COMPARISON_INPUTS = {
    "coefficients": f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
    "draws": f"{OUT}/regression/{ESTIMATOR}/draws.parquet",
    "pairs": f"{OUT}/pairs.parquet",
    "groups": f"{OUT}/groups.parquet",
    "preferences": f"{OUT}/preferences.parquet",
}
COMPARISON_SETTINGS = {
    **STUDY["comparison"],
    # Published coefficients have no draws.
    **({"resample": "groups"} if PUBLISHED else {}),
    "resamples": STUDY["regression"]["resamples"],
    "seed": STUDY["seed"],
}
# What judges are called in figures and how they were asked changes nothing here.
COMPARISON_RECORDS = {
    name: {key: record[key] for key in ("label", "kind", "rule", "attributes") if key in record}
    for name, record in STUDY.judges.items()
}
ALIKE = [
    "similarity",
    "judge_reliability",
    "clusters",
    "linkage",
    "cluster_numbers",
    "nearest_judges",
    "control_similarity",
    "base_similarity",
    "attribute_similarity",
]
DIFFERENT = [
    "judge_differences",
    "group_differences",
    "base_differences",
    "drift",
    "flip_counts",
    "flipped_pairs",
]


rule compare_judges:
    """Similarity of judges and of groups, clusters of judges, neighbours, and judges of a kind against others."""
    input:
        **COMPARISON_INPUTS,
    output:
        **{table: f"{COMPARISON}/{table}.parquet" for table in ALIKE},
        group_similarity=f"{COMPARISON}/group_similarity.csv",
        undefined=f"{COMPARISON}/undefined.json",
    log:
        f"{LOGS}/compare_judges.log",
    benchmark:
        f"{BENCHMARKS}/compare_judges.tsv"
    # Figures and tables wait for it.
    priority: 3
    conda:
        "../../envs/workflow.yaml"
    params:
        records=COMPARISON_RECORDS,
        settings=COMPARISON_SETTINGS,
        code=code_hash("prefdissect.comparison.compare", "prefdissect.comparison.labels"),
    script:
        "../../scripts/compare_judges.py"


rule contrast_judges:
    """Differences between judges, groups and versions of a judge, by property; pairs whose preference flipped."""
    input:
        **COMPARISON_INPUTS,
    output:
        **{table: f"{COMPARISON}/{table}.parquet" for table in DIFFERENT},
    log:
        f"{LOGS}/contrast_judges.log",
    benchmark:
        f"{BENCHMARKS}/contrast_judges.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        records=COMPARISON_RECORDS,
        settings=COMPARISON_SETTINGS,
        code=code_hash("prefdissect.comparison.contrast"),
    script:
        "../../scripts/contrast_judges.py"
