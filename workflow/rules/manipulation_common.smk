# What the rules of the manipulation experiments ask of the study.
AIM = STUDY["manipulation"]
AIMED = f"{OUT}/manipulation"
BENCHMARK = AIM["benchmark"]
GENERATORS = {record["name"]: record for record in AIM["generators"]}
SCORING = AIM["judges"]
TUNED = {each["name"]: each for each in tuned_arms(AIM)}
TUNING = AIM["tuning"] or {}
# Which of these a tuned model depends on.
TUNED_BY = (
    *("batch_size", "micro_batch", "learning_rate", "schedule", "warmup", "epochs", "beta", "max_length"),
    *("lora_r", "lora_alpha", "lora_dropout", "dtype", "seed"),
)
GRADERS = AIM["grading"]["judges"] if AIM["grading"] else []
GRADES = expand("{aimed}/grades/{grader}.parquet", aimed=AIMED, grader=GRADERS)


wildcard_constraints:
    generator=one_of(GENERATORS),
    scorer=one_of(SCORING),
    grader=one_of(GRADERS),
    tuned=one_of(TUNED),


# Where models write and not what: no rule's `params` hold it.
config["generating_machine"] = {
    "store": f"{STUDY['cache_dir']}/outputs",
    "judge_python": STUDY["judge_python"],
    "gpus": {name: record.get("gpu", 0) for name, record in GENERATORS.items()},
}


def generator_record(wildcards):
    return {key: value for key, value in GENERATORS[wildcards.generator].items() if key not in WHERE_AND_HOW}


def on_cpu_threads(record):
    """All cores for a model on the CPU."""
    loaded = record["kind"] in LOADED and not record["gpu"]
    return record.get("threads") or ((workflow.cores or 1) if loaded else 1)


def tuned_record(wildcards, keys=None):
    """Record of the generator whose model was tuned, or some of its keys."""
    record = GENERATORS[TUNED[wildcards.tuned]["generator"]]
    return record if keys is None else {key: record[key] for key in keys if key in record}
