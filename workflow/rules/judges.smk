# Judgements: one table per judge, whatever its kind. Judges that cost something wait for `check_inputs`.
RECORDED = STUDY.judges_of("recorded")
RECORDED_SOURCES = list(dict.fromkeys(STUDY.judges[judge]["source"] for judge in RECORDED))


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
        judge=one_of(RANDOM_MODELS),
    conda:
        "../../envs/judge.yaml"
    params:
        settings=lambda wildcards: STUDY.judges[wildcards.judge]["random_model"],
        protocol=PROTOCOL,
    script:
        "../../scripts/make_random_model.py"


rule judge_by_model:
    """Ask a model judge about every pair in both orders; what was answered before is not asked again."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        # Only its success matters: a new recorded judge must not cost this one a GPU-day.
        checked=ancient(f"{OUT}/inputs.json"),
        template=lambda wildcards: STUDY.judges[wildcards.judge]["template"],
        model=random_model,
    output:
        judgements=f"{OUT}/judgements/{{judge}}.parquet",
        usage=f"{OUT}/judgements/{{judge}}.usage.json",
    log:
        f"{LOGS}/judge_by_model/{{judge}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_by_model/{{judge}}.tsv"
    wildcard_constraints:
        judge=one_of(judge for judge in MODELS if n_shards(judge) == 1),
    conda:
        "../../envs/judge.yaml"
    threads: judge_threads
    resources:
        gpu=judge_gpus,
        gpu_model=judge_gpu_model,
        mem_mb=judge_memory,
        runtime=judge_minutes,
    params:
        record=judge_record,
        protocol=PROTOCOL,
    script:
        "../../scripts/judge_by_model.py"


rule judge_shard:
    """Have one shard of a very large study's requests answered into the store of answers."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        # Only its success matters: a new recorded judge must not cost this one a GPU-day.
        checked=ancient(f"{OUT}/inputs.json"),
        template=lambda wildcards: STUDY.judges[wildcards.judge]["template"],
        model=random_model,
    output:
        done=f"{OUT}/judgements/{{judge}}.shards/{{shard}}.json",
    log:
        f"{LOGS}/judge_shard/{{judge}}.{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_shard/{{judge}}.{{shard}}.tsv"
    wildcard_constraints:
        judge=one_of(judge for judge in MODELS if n_shards(judge) > 1),
        shard=r"\d+",
    conda:
        "../../envs/judge.yaml"
    threads: judge_threads
    resources:
        gpu=judge_gpus,
        gpu_model=judge_gpu_model,
        mem_mb=judge_memory,
        runtime=judge_minutes,
    params:
        record=judge_record,
        shards=lambda wildcards: n_shards(wildcards.judge),
        protocol=PROTOCOL,
    script:
        "../../scripts/judge_shard.py"


rule join_shards:
    """Take a judge's answers from the store once all its shards are done; no model is loaded."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        template=lambda wildcards: STUDY.judges[wildcards.judge]["template"],
        model=random_model,
        shards=lambda wildcards: expand(
            "{out}/judgements/{judge}.shards/{shard}.json",
            out=OUT,
            judge=wildcards.judge,
            shard=range(n_shards(wildcards.judge)),
        ),
    output:
        judgements=f"{OUT}/judgements/{{judge}}.parquet",
        usage=f"{OUT}/judgements/{{judge}}.usage.json",
    log:
        f"{LOGS}/join_shards/{{judge}}.log",
    benchmark:
        f"{BENCHMARKS}/join_shards/{{judge}}.tsv"
    wildcard_constraints:
        judge=one_of(judge for judge in MODELS if n_shards(judge) > 1),
    conda:
        "../../envs/judge.yaml"
    params:
        record=judge_record,
        protocol=PROTOCOL,
    script:
        "../../scripts/join_shards.py"


rule plan:
    """Print what annotating and judging by models would cost: requests, tokens, what is known, GPU-hours or money."""
    input:
        pairs=f"{OUT}/pairs.parquet",
        catalogue=STUDY.catalogue_path,
        prompts=sorted({path for name in MODEL_ANNOTATORS for path in STUDY.prompt_files(STUDY.annotators[name])}),
        templates=sorted({STUDY.judges[judge]["template"] for judge in MODELS}),
        models=expand("{out}/models/{judge}", out=OUT, judge=RANDOM_MODELS),
    log:
        f"{LOGS}/plan.log",
    conda:
        "../../envs/judge.yaml"
    params:
        records=[STUDY.judges[judge] for judge in MODELS],
        models={judge: f"{OUT}/models/{judge}" for judge in RANDOM_MODELS},
        annotators=[STUDY.annotators[name] for name in MODEL_ANNOTATORS],
        settings=STUDY["plan"],
        manipulation={"section": STUDY["manipulation"], "judges": STUDY.judges} if STUDY["manipulation"] else None,
    script:
        "../../scripts/plan_judging.py"
