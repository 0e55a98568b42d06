# Judgements: one table per judge, whatever its kind. Judges that cost something wait for `check_inputs`.
RECORDED = STUDY.judges_of("recorded")
RECORDED_SOURCES = list(dict.fromkeys(STUDY.judges[judge]["source"] for judge in RECORDED))
MODELS = STUDY.judges_of("transformers")
# Raised by hand when the engine's results change, so that an edited comment never costs a GPU-day.
JUDGE_PROTOCOL = 1


rule import_judgements:
    """Take the verdicts of all recorded judges from their sources: people, and published runs."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        sources=expand("{out}/sources/{source}/judgements.parquet", out=OUT, source=RECORDED_SOURCES),
    output:
        judgements=expand("{out}/judgements/{judge}.parquet", out=OUT, judge=RECORDED),
    log:
        f"{LOGS}/import_judgements.log",
    benchmark:
        f"{BENCHMARKS}/import_judgements.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        sources=RECORDED_SOURCES,
        records=[STUDY.judges[judge] for judge in RECORDED],
        code=code_hash("prefdissect.judges.recorded"),
    script:
        "../../scripts/import_judgements.py"


rule judge_by_rule:
    """Apply a rule such as *longer wins*: a control to measure other judges against."""
    input:
        pairs=f"{OUT}/pairs.parquet",
    output:
        judgements=f"{OUT}/judgements/{{judge}}.parquet",
    log:
        f"{LOGS}/judge_by_rule/{{judge}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_by_rule/{{judge}}.tsv"
    wildcard_constraints:
        judge=one_of(STUDY.judges_of("rule")),
    conda:
        "../../envs/workflow.yaml"
    params:
        record=lambda wildcards: STUDY.judges[wildcards.judge],
        code=code_hash("prefdissect.judges.rules"),
    script:
        "../../scripts/judge_by_rule.py"


rule simulate_judge:
    """Draw the verdicts of a judge with known coefficients."""
    input:
        features=f"{OUT}/features.parquet",
    output:
        judgements=f"{OUT}/judgements/{{judge}}.parquet",
    log:
        f"{LOGS}/simulate_judge/{{judge}}.log",
    benchmark:
        f"{BENCHMARKS}/simulate_judge/{{judge}}.tsv"
    wildcard_constraints:
        judge=one_of(STUDY.judges_of("simulated")),
    conda:
        "../../envs/workflow.yaml"
    params:
        record=lambda wildcards: STUDY.judges[wildcards.judge],
        code=code_hash("prefdissect.judges.simulated"),
    script:
        "../../scripts/simulate_judge.py"


rule check_inputs:
    """Find what would stop the study later, before any expensive job starts."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        groups=f"{OUT}/groups.parquet",
        judgements=rules.import_judgements.output.judgements,
        features=f"{OUT}/features.parquet",
    output:
        summary=f"{OUT}/inputs.json",
    log:
        f"{LOGS}/check_inputs.log",
    benchmark:
        f"{BENCHMARKS}/check_inputs.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        judges=RECORDED,
        settings={"ties": STUDY["preferences"]["ties"], "folds": STUDY["regression"]["folds"]},
        code=code_hash("prefdissect.regression.cells"),
    script:
        "../../scripts/check_inputs.py"


rule make_random_model:
    """Make a small random-weights model: a judge that knows nothing, scored by the real engine."""
    input:
        pairs=f"{OUT}/pairs.parquet",
    output:
        model=directory(f"{OUT}/models/{{judge}}"),
    log:
        f"{LOGS}/make_random_model/{{judge}}.log",
    benchmark:
        f"{BENCHMARKS}/make_random_model/{{judge}}.tsv"
    wildcard_constraints:
        judge=one_of(judge for judge in MODELS if "random_model" in STUDY.judges[judge]),
    conda:
        "../../envs/judge.yaml"
    params:
        settings=lambda wildcards: STUDY.judges[wildcards.judge]["random_model"],
        protocol=JUDGE_PROTOCOL,
    script:
        "../../scripts/make_random_model.py"


rule judge_by_transformers:
    """Score the two answer tokens in both orders with a language model."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        # Only its success matters: a new recorded judge must not cost this one a GPU-day.
        checked=ancient(f"{OUT}/inputs.json"),
        template=lambda wildcards: STUDY.judges[wildcards.judge]["template"],
        model=lambda wildcards: (
            f"{OUT}/models/{wildcards.judge}" if "random_model" in STUDY.judges[wildcards.judge] else []
        ),
    output:
        judgements=f"{OUT}/judgements/{{judge}}.parquet",
    log:
        f"{LOGS}/judge_by_transformers/{{judge}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_by_transformers/{{judge}}.tsv"
    wildcard_constraints:
        judge=one_of(MODELS),
    conda:
        "../../envs/judge.yaml"
    threads: workflow.cores or 1
    resources:
        gpu=lambda wildcards: STUDY.judges[wildcards.judge]["gpu"],
        mem_mb=lambda wildcards, attempt: STUDY.judges[wildcards.judge]["mem_mb"] * attempt,
        runtime=lambda wildcards, attempt: STUDY.judges[wildcards.judge]["runtime"] * attempt,
    params:
        record=lambda wildcards: {
            key: value
            for key, value in STUDY.judges[wildcards.judge].items()
            if key not in ("gpu", "mem_mb", "runtime", "label", "attributes")
        },
        protocol=JUDGE_PROTOCOL,
    script:
        "../../scripts/judge_by_transformers.py"
