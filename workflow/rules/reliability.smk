# How far ratings can be trusted, where anything was rated twice.
rule measure_reliability:
    """Agreement of ratings on repeats, with the responses exchanged and between annotators, property by property."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        features=f"{OUT}/features.parquet",
        annotations=expand("{out}/annotations/{annotator}.annotations.parquet", out=OUT, annotator=ANNOTATORS),
        repeats=expand(
            "{out}/annotations/{annotator}.annotation_repeats.parquet",
            out=OUT,
            annotator=STUDY.annotators_of("llm"),
        ),
        catalogue=STUDY.catalogue_path,
    output:
        **{table: f"{OUT}/annotations/{table}.parquet" for table in ["reliability", "property_reliability"]},
    log:
        f"{LOGS}/measure_reliability.log",
    benchmark:
        f"{BENCHMARKS}/measure_reliability.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        settings={
            "wanted": STUDY["annotations"]["reliability"],
            "resamples": STUDY["regression"]["resamples"],
            "seed": STUDY["seed"],
        },
        code=code_hash("prefdissect.annotators.reliability", "prefdissect.annotators.verdicts"),
    script:
        "../../scripts/measure_reliability.py"


rule plot_ratings:
    """Draw how far ratings agree."""
    input:
        reliability=f"{OUT}/annotations/reliability.parquet",
        verdicts=f"{OUT}/annotations/property_reliability.parquet",
        catalogue=STUDY.catalogue_path,
    output:
        pdf=pdf_files("ratings"),
        png=png_files("ratings"),
    log:
        f"{LOGS}/plot_ratings.log",
    benchmark:
        f"{BENCHMARKS}/plot_ratings.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        part="ratings",
        figures=list(FIGURES.get("ratings", {}).values()),
        settings=DRAWING,
        code=DRAWING_CODE,
    script:
        "../../scripts/draw_figures.py"


if ATTENUATION:

    rule measure_attenuation:
        """What the annotators' error leaves of the effects: perturb, refit, compare; judges refitted before are not again."""
        input:
            pairs=f"{OUT}/pairs.parquet",
            groups=f"{OUT}/groups.parquet",
            features=f"{OUT}/features.parquet",
            preferences=f"{OUT}/preferences.parquet",
            repeats=rules.measure_reliability.input.repeats,
            catalogue=STUDY.catalogue_path,
        output:
            attenuation=f"{OUT}/annotations/attenuation.parquet",
        log:
            f"{LOGS}/measure_attenuation.log",
        benchmark:
            f"{BENCHMARKS}/measure_attenuation.tsv"
        conda:
            "../../envs/workflow.yaml"
        params:
            settings={
                "ties": STUDY["preferences"]["ties"],
                "seed": STUDY["seed"],
                **{key: STUDY["regression"][key] for key in ("prior_scale", "folds")},
                "code": code_hash("prefdissect.regression.map_logistic"),
            },
            cache_dir=STUDY["cache_dir"],
            code=code_hash("prefdissect.regression.attenuation", "prefdissect.annotators.confusion"),
        script:
            "../../scripts/measure_attenuation.py"
