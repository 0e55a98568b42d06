# What rules ask of a judge's record.
MODELS = STUDY.judges_of(*ASKED)
RANDOM_MODELS = [judge for judge in MODELS if "random_model" in STUDY.judges[judge]]
WHERE_AND_HOW = ("label", "attributes", "gpu", "mem_mb", "runtime", "threads", "shards")


def judge_record(wildcards):
    """What a judge's table depends on, and how it is asked."""
    return {key: value for key, value in STUDY.judges[wildcards.judge].items() if key not in WHERE_AND_HOW}


def random_model(wildcards):
    """Folder of the model that is made on the spot, for a judge that has one."""
    return f"{OUT}/models/{wildcards.judge}" if wildcards.judge in RANDOM_MODELS else []


def judge_gpus(wildcards):
    return STUDY.judges[wildcards.judge].get("gpu", 0)


def judge_memory(wildcards, attempt):
    return STUDY.judges[wildcards.judge]["mem_mb"] * attempt


def judge_minutes(wildcards, attempt):
    return STUDY.judges[wildcards.judge]["runtime"] * attempt


def judge_threads(wildcards):
    """All cores for a model on the CPU; judges on GPUs and servers run side by side."""
    record = STUDY.judges[wildcards.judge]
    on_cpu = record["kind"] in LOADED and not record["gpu"]
    return record.get("threads") or ((workflow.cores or 1) if on_cpu else 1)


def n_shards(judge):
    return STUDY.judges[judge].get("shards", 1)
