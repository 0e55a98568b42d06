# What rules ask of a judge's record.
MODELS = STUDY.judges_of(*ASKED)
RANDOM_MODELS = [judge for judge in MODELS if "random_model" in STUDY.judges[judge]]
WHERE_AND_HOW = ("label", "attributes", "gpu", "gpu_model", "mem_mb", "runtime", "threads", "shards")


def judge_record(wildcards):
    """What a judge's table depends on, and how it is asked."""
    return {key: value for key, value in STUDY.judges[wildcards.judge].items() if key not in WHERE_AND_HOW}


def random_model(wildcards):
    """Folder of the model that is made on the spot, for a judge that has one."""
    return f"{OUT}/models/{wildcards.judge}" if wildcards.judge in RANDOM_MODELS else []


def judge_gpus(wildcards):
    return STUDY.judges[wildcards.judge].get("gpu", 0)


def judge_gpu_model(wildcards):
    return STUDY.judges[wildcards.judge].get("gpu_model", "")


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


# What rules ask of the record of a model that annotates.
MODEL_ANNOTATORS = STUDY.annotators_of("llm")


def annotator_record(wildcards):
    """What an annotator's tables depend on, and how it is asked."""
    return {key: value for key, value in STUDY.annotators[wildcards.annotator].items() if key not in WHERE_AND_HOW}


def annotator_gpus(wildcards):
    return STUDY.annotators[wildcards.annotator].get("gpu", 0)


def annotator_gpu_model(wildcards):
    return STUDY.annotators[wildcards.annotator].get("gpu_model", "")


def annotator_memory(wildcards, attempt):
    return STUDY.annotators[wildcards.annotator]["mem_mb"] * attempt


def annotator_minutes(wildcards, attempt):
    return STUDY.annotators[wildcards.annotator]["runtime"] * attempt


def annotator_threads(wildcards):
    """As for judges: all cores for a model on the CPU."""
    record = STUDY.annotators[wildcards.annotator]
    on_cpu = record["engine"] in LOADED and not record["gpu"]
    return record.get("threads") or ((workflow.cores or 1) if on_cpu else 1)


# Where models run and not what they answer: no rule's `params` hold it, so that another machine redoes nothing.
config["machine"] = {
    "store": f"{STUDY['cache_dir']}/judgements",
    "judge_python": STUDY["judge_python"],
    "gpus": {judge: STUDY.judges[judge].get("gpu", 0) for judge in MODELS},
}
config["annotating_machine"] = {
    "store": f"{STUDY['cache_dir']}/annotations",
    "judge_python": STUDY["judge_python"],
    "gpus": {annotator: STUDY.annotators[annotator].get("gpu", 0) for annotator in MODEL_ANNOTATORS},
}
