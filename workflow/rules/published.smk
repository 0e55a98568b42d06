# A study of published coefficients: they stand where the fits of other studies stand. No pair, no judge, no annotator.
PUBLISHED_FILES = sorted(str(path) for path in Path(STUDY["published"]).glob(PUBLISHED_PATTERN))


rule import_published:
    """Take the published coefficients; what was not published stays empty."""
    input:
        files=PUBLISHED_FILES,
        catalogue=STUDY.catalogue_path,
    output:
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        fit_quality=f"{OUT}/regression/{ESTIMATOR}/fit_quality.parquet",
        draws=f"{OUT}/regression/{ESTIMATOR}/draws.parquet",
        pairs=f"{OUT}/pairs.parquet",
        groups=f"{OUT}/groups.parquet",
        preferences=f"{OUT}/preferences.parquet",
    log:
        f"{LOGS}/import_published.log",
    benchmark:
        f"{BENCHMARKS}/import_published.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        folder=lambda wildcards, input: str(Path(input.files[0]).parent),
        records=STUDY.judges,
        code=code_hash("prefdissect.published_study"),
    script:
        "../../scripts/import_published.py"
