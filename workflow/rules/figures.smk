# Figures: one job for each part, for loading the libraries takes longer than drawing.
DRAWING = {
    "records": STUDY.judges,
    "look": {key: STUDY["figures"][key] for key in ("width", "font", "palette")},
    "attributes": shown_attributes(STUDY),
    "compared": compared_attributes(STUDY),
    "human": STUDY["comparison"]["human"],
    "base": STUDY["comparison"]["base"],
    "published": PUBLISHED,
    "resampled": not intervals_of_posterior(ESTIMATOR),
    "resamples": STUDY["regression"]["resamples"],
    "graded": STUDY["regression"]["graded"],
    "seed": STUDY["seed"],
    "wanted": STUDY["annotations"]["reliability"],
}
DRAWING_CODE = code_hash("prefdissect.stages.drawing")


if "degree" in FIGURES:

    rule plot_degree:
        """Draw the degree of preference per property for the chosen judges, one figure per group."""
        input:
            **FLAGS,
            coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
            groups=f"{OUT}/groups.parquet",
            catalogue=STUDY.catalogue_path,
        output:
            pdf=pdf_files("degree"),
            png=png_files("degree"),
        log:
            f"{LOGS}/plot_degree.log",
        benchmark:
            f"{BENCHMARKS}/plot_degree.tsv"
        # The longest of the drawing jobs starts first.
        priority: 2
        conda:
            "../../envs/workflow.yaml"
        params:
            part="degree",
            figures=list(FIGURES["degree"].values()),
            settings=DRAWING,
            code=DRAWING_CODE,
        script:
            "../../scripts/draw_figures.py"


rule plot_effects:
    """Draw top and last properties, differences between judges, shifts by alignment."""
    input:
        **FLAGS,
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        judge_differences=rules.contrast_judges.output.judge_differences,
        base_differences=rules.contrast_judges.output.base_differences,
        groups=f"{OUT}/groups.parquet",
        catalogue=STUDY.catalogue_path,
    output:
        pdf=pdf_files("effects"),
        png=png_files("effects"),
    log:
        f"{LOGS}/plot_effects.log",
    benchmark:
        f"{BENCHMARKS}/plot_effects.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        part="effects",
        figures=list(FIGURES["effects"].values()),
        settings=DRAWING,
        code=DRAWING_CODE,
    script:
        "../../scripts/draw_figures.py"


rule plot_similarity:
    """Draw how alike judges and groups are."""
    input:
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        groups=f"{OUT}/groups.parquet",
        similarity=rules.compare_judges.output.similarity,
        group_similarity=rules.compare_judges.output.group_similarity,
        clusters=rules.compare_judges.output.clusters,
        linkage=rules.compare_judges.output.linkage,
        base_similarity=rules.compare_judges.output.base_similarity,
    output:
        pdf=pdf_files("similarity"),
        png=png_files("similarity"),
    log:
        f"{LOGS}/plot_similarity.log",
    benchmark:
        f"{BENCHMARKS}/plot_similarity.tsv"
    priority: 1
    conda:
        "../../envs/workflow.yaml"
    params:
        part="similarity",
        figures=list(FIGURES["similarity"].values()),
        settings=DRAWING,
        code=DRAWING_CODE,
    script:
        "../../scripts/draw_figures.py"


if "quality" in FIGURES:

    rule plot_quality:
        """Draw how judges behave, how well the fits predict, and what the data hold."""
        input:
            **FLAGS,
            datasheet=f"{OUT}/tables/judge_datasheet.csv",
            fit_quality=f"{OUT}/regression/{ESTIMATOR}/fit_quality.parquet",
            statistics=f"{OUT}/tables/property_statistics.csv",
            correlations=f"{OUT}/tables/property_correlations.csv",
            catalogue=STUDY.catalogue_path,
        output:
            pdf=pdf_files("quality"),
            png=png_files("quality"),
        log:
            f"{LOGS}/plot_quality.log",
        benchmark:
            f"{BENCHMARKS}/plot_quality.tsv"
        conda:
            "../../envs/workflow.yaml"
        params:
            part="quality",
            figures=list(FIGURES["quality"].values()),
            settings=DRAWING,
            code=DRAWING_CODE,
        script:
            "../../scripts/draw_figures.py"


if "pairs" in FIGURES:

    rule plot_pairs:
        """Take the preference for single pairs apart, property by property."""
        input:
            **FLAGS,
            pairs=f"{OUT}/pairs.parquet",
            preferences=f"{OUT}/preferences.parquet",
            features=f"{OUT}/features.parquet",
            groups=f"{OUT}/groups.parquet",
            coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
            catalogue=STUDY.catalogue_path,
        output:
            pdf=pdf_files("pairs"),
            png=png_files("pairs"),
        log:
            f"{LOGS}/plot_pairs.log",
        benchmark:
            f"{BENCHMARKS}/plot_pairs.tsv"
        conda:
            "../../envs/workflow.yaml"
        params:
            part="pairs",
            figures=list(FIGURES["pairs"].values()),
            settings=DRAWING,
            code=DRAWING_CODE,
        script:
            "../../scripts/draw_figures.py"
