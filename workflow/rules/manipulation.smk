# The manipulation experiments: models are told what a judge rewards, and judged again. Only where a study asks for them.
rule prepare_manipulation:
    """Choose the properties that models are told to show, arm by arm, and read the instructions."""
    input:
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
        catalogue=STUDY.catalogue_path,
        prompt=AIM["prompt"],
        files=[BENCHMARK[key] for key in ["path", "references"] if BENCHMARK[key]],
    output:
        arms=f"{AIMED}/arms.parquet",
        questions=f"{AIMED}/questions.parquet",
    log:
        f"{LOGS}/prepare_manipulation.log",
    benchmark:
        f"{BENCHMARKS}/prepare_manipulation.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        benchmark=BENCHMARK,
        targets=AIM["targets"],
        tuned=list(TUNED.values()),
        settings={
            "group": AIM["group"],
            "estimator": ESTIMATOR,
            **{key: AIM[key] for key in ("k", "seeds", "random_from", "too_few")},
        },
        code=code_hash("prefdissect.manipulation.arms", "prefdissect.manipulation.benchmark"),
    script:
        "../../scripts/prepare_manipulation.py"


rule generate_outputs:
    """Have a model answer every instruction under every arm; what was written before is not asked again."""
    input:
        arms=rules.prepare_manipulation.output.arms,
        questions=rules.prepare_manipulation.output.questions,
        replies=lambda wildcards: GENERATORS[wildcards.generator].get("replies", []),
    output:
        outputs=f"{AIMED}/outputs/{{generator}}.parquet",
    log:
        f"{LOGS}/generate_outputs/{{generator}}.log",
    benchmark:
        f"{BENCHMARKS}/generate_outputs/{{generator}}.tsv"
    conda:
        "../../envs/judge.yaml"
    threads: lambda wildcards: on_cpu_threads(GENERATORS[wildcards.generator])
    resources:
        gpu=lambda wildcards: GENERATORS[wildcards.generator].get("gpu", 0),
        mem_mb=lambda wildcards, attempt: GENERATORS[wildcards.generator]["mem_mb"] * attempt,
        runtime=lambda wildcards, attempt: GENERATORS[wildcards.generator]["runtime"] * attempt,
    params:
        record=generator_record,
        protocol=GENERATION_PROTOCOL,
    script:
        "../../scripts/generate_outputs.py"


rule make_preference_data:
    """Relabel the study's pairs by a judge's regression: what a model is tuned on to please it, displease it, or neither."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        groups=f"{OUT}/groups.parquet",
        features=f"{OUT}/features.parquet",
        coefficients=f"{OUT}/regression/{ESTIMATOR}/coefficients.parquet",
    output:
        data=f"{AIMED}/data/{{tuned}}.parquet",
    log:
        f"{LOGS}/make_preference_data/{{tuned}}.log",
    benchmark:
        f"{BENCHMARKS}/make_preference_data/{{tuned}}.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        tuned=lambda wildcards: TUNED[wildcards.tuned],
        settings={
            "group": AIM["group"],
            "estimator": ESTIMATOR,
            "graded": STUDY["regression"]["graded"],
            **{key: TUNING.get(key) for key in ("margin", "seed")},
        },
        code=code_hash("prefdissect.manipulation.preference_data"),
    script:
        "../../scripts/make_preference_data.py"


rule tune_model:
    """Fine-tune a model by DPO with a LoRA adapter, in the environment that has TRL."""
    input:
        data=rules.make_preference_data.output.data,
    output:
        model=directory(f"{AIMED}/tuned/{{tuned}}"),
    log:
        f"{LOGS}/tune_model/{{tuned}}.log",
    benchmark:
        f"{BENCHMARKS}/tune_model/{{tuned}}.tsv"
    conda:
        "../../envs/finetune.yaml"
    threads: workflow.cores or 1
    resources:
        gpu=TUNING.get("gpu", 0),
        mem_mb=lambda wildcards, attempt: TUNING["mem_mb"] * attempt,
        runtime=lambda wildcards, attempt: TUNING["runtime"] * attempt,
    params:
        record=lambda wildcards: tuned_record(wildcards, ("name", "model", "revision", "template", "system_in")),
        settings={key: value for key, value in TUNING.items() if key in TUNED_BY},
        protocol=TUNING_PROTOCOL,
    script:
        "../../scripts/tune_model.py"


rule generate_tuned:
    """Have a fine-tuned model answer every instruction, told nothing."""
    input:
        questions=rules.prepare_manipulation.output.questions,
        model=rules.tune_model.output.model,
    output:
        outputs=f"{AIMED}/outputs/{{tuned}}.parquet",
    log:
        f"{LOGS}/generate_tuned/{{tuned}}.log",
    benchmark:
        f"{BENCHMARKS}/generate_tuned/{{tuned}}.tsv"
    conda:
        "../../envs/judge.yaml"
    threads: lambda wildcards: on_cpu_threads(tuned_record(wildcards))
    resources:
        gpu=lambda wildcards: tuned_record(wildcards).get("gpu", 0),
        mem_mb=lambda wildcards, attempt: tuned_record(wildcards)["mem_mb"] * attempt,
        runtime=lambda wildcards, attempt: tuned_record(wildcards)["runtime"] * attempt,
    params:
        record=lambda wildcards: {
            key: value for key, value in tuned_record(wildcards).items() if key not in WHERE_AND_HOW
        },
        tuned=lambda wildcards: TUNED[wildcards.tuned],
        protocol=GENERATION_PROTOCOL,
    script:
        "../../scripts/generate_tuned.py"


rule hold_against_baseline:
    """Pair the outputs of every arm with the baseline's, for the judges."""
    input:
        outputs=expand("{aimed}/outputs/{generator}.parquet", aimed=AIMED, generator=[*GENERATORS, *TUNED]),
        questions=rules.prepare_manipulation.output.questions,
        baseline=BENCHMARK["baseline"] or [],
    output:
        outputs=f"{AIMED}/outputs.parquet",
        contests=f"{AIMED}/contests.parquet",
        pairs=f"{AIMED}/pairs.parquet",
    log:
        f"{LOGS}/hold_against_baseline.log",
    benchmark:
        f"{BENCHMARKS}/hold_against_baseline.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        benchmark=BENCHMARK["name"],
        code=code_hash("prefdissect.manipulation.contests"),
    script:
        "../../scripts/hold_against_baseline.py"


rule judge_outputs:
    """Have one judge compare the outputs of every arm with the baseline's, as it judges any other pairs."""
    input:
        pairs=rules.hold_against_baseline.output.pairs,
        catalogue=STUDY.catalogue_path,
        template=lambda wildcards: STUDY.judges[wildcards.scorer].get("template", []),
        model=lambda wildcards: f"{OUT}/models/{wildcards.scorer}" if wildcards.scorer in RANDOM_MODELS else [],
    output:
        judgements=f"{AIMED}/judgements/{{scorer}}.parquet",
    log:
        f"{LOGS}/judge_outputs/{{scorer}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_outputs/{{scorer}}.tsv"
    conda:
        "../../envs/judge.yaml"
    threads: lambda wildcards: on_cpu_threads(STUDY.judges[wildcards.scorer])
    resources:
        gpu=lambda wildcards: STUDY.judges[wildcards.scorer].get("gpu", 0),
        mem_mb=lambda wildcards, attempt: STUDY.judges[wildcards.scorer].get("mem_mb", 4000) * attempt,
        runtime=lambda wildcards, attempt: STUDY.judges[wildcards.scorer].get("runtime", 60) * attempt,
    params:
        record=lambda wildcards: {
            key: value for key, value in STUDY.judges[wildcards.scorer].items() if key not in WHERE_AND_HOW
        },
        protocol=PROTOCOL,
        code=lambda wildcards: (
            "" if wildcards.scorer in MODELS else code_hash("prefdissect.judges.rules", "prefdissect.judges.simulated")
        ),
    script:
        "../../scripts/judge_outputs.py"


rule grade_outputs:
    """Have one judge grade every output from 1 to 10, both turns, with references where answers can be wrong."""
    input:
        outputs=rules.hold_against_baseline.output.outputs,
        questions=rules.prepare_manipulation.output.questions,
        prompt=AIM["grading"]["prompt"] if AIM["grading"] else [],
        replies=lambda wildcards: STUDY.judges[wildcards.grader].get("replies", []),
        model=lambda wildcards: f"{OUT}/models/{wildcards.grader}" if wildcards.grader in RANDOM_MODELS else [],
    output:
        grades=f"{AIMED}/grades/{{grader}}.parquet",
    log:
        f"{LOGS}/grade_outputs/{{grader}}.log",
    benchmark:
        f"{BENCHMARKS}/grade_outputs/{{grader}}.tsv"
    conda:
        "../../envs/judge.yaml"
    threads: lambda wildcards: on_cpu_threads(STUDY.judges[wildcards.grader])
    resources:
        gpu=lambda wildcards: STUDY.judges[wildcards.grader].get("gpu", 0),
        mem_mb=lambda wildcards, attempt: STUDY.judges[wildcards.grader]["mem_mb"] * attempt,
        runtime=lambda wildcards, attempt: STUDY.judges[wildcards.grader]["runtime"] * attempt,
    params:
        record=lambda wildcards: {
            key: value for key, value in STUDY.judges[wildcards.grader].items() if key not in WHERE_AND_HOW
        },
        settings=AIM["grading"],
        protocol=GENERATION_PROTOCOL,
    script:
        "../../scripts/grade_outputs.py"


rule score_manipulation:
    """Win rates and shifts of all arms under all judges, with AlpacaEval's own files beside them."""
    input:
        arms=rules.prepare_manipulation.output.arms,
        questions=rules.prepare_manipulation.output.questions,
        outputs=rules.hold_against_baseline.output.outputs,
        contests=rules.hold_against_baseline.output.contests,
        judgements=expand("{aimed}/judgements/{scorer}.parquet", aimed=AIMED, scorer=SCORING),
        grades=GRADES,
    output:
        win_rates=f"{AIMED}/win_rates.parquet",
        manipulation=f"{AIMED}/manipulation.parquet",
        grades=f"{AIMED}/grades.csv",
        alpaca_eval=directory(f"{AIMED}/alpaca_eval"),
    log:
        f"{LOGS}/score_manipulation.log",
    benchmark:
        f"{BENCHMARKS}/score_manipulation.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        judges=SCORING,
        settings={"resamples": AIM["resamples"], "seed": STUDY["seed"]},
        benchmark=BENCHMARK["name"],
        code=code_hash("prefdissect.manipulation.shifts", "prefdissect.manipulation.contests"),
    script:
        "../../scripts/score_manipulation.py"


rule plot_manipulation:
    """Draw how far judges can be moved."""
    input:
        manipulation=rules.score_manipulation.output.manipulation,
    output:
        pdf=pdf_files("manipulation"),
        png=png_files("manipulation"),
    log:
        f"{LOGS}/plot_manipulation.log",
    benchmark:
        f"{BENCHMARKS}/plot_manipulation.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        part="manipulation",
        figures=list(FIGURES["manipulation"].values()),
        settings=DRAWING,
        code=DRAWING_CODE,
    script:
        "../../scripts/draw_figures.py"


rule plan_manipulation:
    """Print what the experiment would cost; needs the benchmark alone, neither pairs nor models."""
    input:
        catalogue=STUDY.catalogue_path,
        benchmark=BENCHMARK["path"],
    log:
        f"{LOGS}/plan_manipulation.log",
    conda:
        "../../envs/workflow.yaml"
    params:
        section=AIM,
        judges=STUDY.judges,
        settings=STUDY["plan"],
    script:
        "../../scripts/plan_manipulation.py"
