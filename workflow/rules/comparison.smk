# How alike judges are.
COMPARISON = f"{OUT}/comparison"


rule compare_judges:
    """Similarity of judges and of groups, and clusters of judges with support."""
    input:
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        draws=f"{OUT}/regression/{ESTIMATOR}/draws.parquet",
        groups=f"{OUT}/groups.parquet",
        preferences=f"{OUT}/preferences.parquet",
    output:
        similarity=f"{COMPARISON}/similarity.parquet",
        group_similarity=f"{COMPARISON}/group_similarity.csv",
        clusters=f"{COMPARISON}/clusters.parquet",
        linkage=f"{COMPARISON}/linkage.parquet",
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
        # Published coefficients have no draws: there scenario groups are resampled.
        settings={**STUDY["comparison"], "resample": "groups" if PUBLISHED else "prompts", "seed": STUDY["seed"]},
        code=code_hash(
            "prefdissect.comparison.similarity", "prefdissect.comparison.clustering", "prefdissect.group_resampling"
        ),
    script:
        "../../scripts/compare_judges.py"
