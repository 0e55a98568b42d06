"""Weights that a model's files lack, which a loader may take in silence.

vLLM joins projections that read the same input (query, key and value; gate and up) into one matrix and counts it as
loaded when any part of it was, or when any expert was; the rest is then whatever lay in memory. So the names in the
files are compared with the files' own index, and the joined projections with the model that transformers would build.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.judges.local_model import files_of, tensors_in
from prefdissect.judges.tokens import where

INDEX = "model.safetensors.index.json"


def check_weights(judge: dict, config) -> None:
    """Refuse a model whose safetensors files lack weights; other formats are left to the loader.

    Parameters
    ----------
    judge
        The record; its model must have been downloaded.
    config
        The model's configuration, as transformers reads it.

    Raises
    ------
    InputError
        When weights are missing; names the first.
    """
    folder = files_of(judge)
    stored = {name for path in sorted(folder.glob("*.safetensors")) for name in tensors_in(path)} if folder else set()
    if not stored:
        return
    lacking = sorted(_indexed(folder) - stored) or half_joined(_expected(judge, config), stored)
    if lacking:
        problem = f"the model `{judge['model']}` lacks {len(lacking)} weights, such as {lacking[0]}"
        raise InputError(problem, where=where(judge), fix="the download is incomplete")


def half_joined(expected: Iterable[str], stored: Iterable[str]) -> list[str]:
    """Projections that the files lack while another projection of the same block is there, by name.

    A block that is stored under other names altogether raises no alarm, nor does one that the model does not have.
    """
    present = {_kind(name) for name in stored}
    blocks = {(_block(module), leaf) for module, leaf in present if _is_projection(module)}
    lacking = []
    for name in sorted(expected):
        module, leaf = _kind(name)
        if _is_projection(module) and (module, leaf) not in present and (_block(module), leaf) in blocks:
            lacking.append(name)
    return lacking


def _kind(name: str) -> tuple[str, str]:
    """Module and whether it is its bias; the parts of a quantised weight count as the weight."""
    module, _, leaf = name.rpartition(".")
    return module, "bias" if leaf == "bias" else "weight"


def _block(module: str) -> str:
    return module.rpartition(".")[0]


def _is_projection(module: str) -> bool:
    return module.endswith("_proj")


def _expected(judge: dict, config) -> list[str]:
    """Names of the weights of the model that transformers would build, on no device and without any values."""
    import torch
    import transformers

    try:
        with torch.device("meta"):
            model = transformers.AutoModelForCausalLM.from_config(
                config, trust_remote_code=bool(judge.get("trust_remote_code", False))
            )
    except Exception as error:  # vLLM knows models that transformers does not, and remote code may raise anything
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        print(f"{where(judge)}: not checked for half-stored layers: {reason}", file=sys.stderr, flush=True)
        return []
    return list(model.state_dict())


def _indexed(folder: Path) -> set[str]:
    index = folder / INDEX
    return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"]) if index.is_file() else set()
