"""Stage that says what the model judges of a study would cost, before they cost it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

from prefdissect.judges.scoring import plan_judge
from prefdissect.stages.models import machine_for, with_model
from prefdissect.tables import read_table

HOUR = 3600


def plan_judging(pairs: str, records: list[dict], models: dict[str, str], machine: dict, settings: dict) -> None:
    """Print one line per model judge: requests, those answered already, prompt tokens, GPU-hours or money.

    Nothing is asked and no model is loaded; tokens are counted with the judge's own tokenizer where it has one here.
    """
    table = read_table(pairs, "pairs")
    rows = [_row(record, table, models.get(record["name"]), machine, settings) for record in records]
    text = pd.DataFrame(rows).to_string(index=False) if rows else "no judge of this study is a model"
    print(text)
    print(text, file=sys.__stdout__, flush=True)


def _row(record: dict, pairs: pd.DataFrame, model: str | None, machine: dict, settings: dict) -> dict:
    with tempfile.TemporaryDirectory(prefix=f"plan-{record['name']}-") as workdir:
        where = machine_for(record, machine)
        found = plan_judge(with_model(record, model), record["template"], pairs, Path(workdir), where)
    tokens = f"{found['tokens']:,}" if found["counted"] else f"about {found['tokens']:,}"
    shared = f"{found['shared_tokens'] / found['tokens']:.0%}" if found["counted"] and found["tokens"] else "-"
    return {
        "judge": record["name"],
        "requests": f"{found['requests']:,}",
        "answered": f"{found['known']:,}",
        "tokens to read": tokens,
        "shared": shared,
        "estimate": estimate(record, found, settings),
    }


def estimate(record: dict, found: dict, settings: dict) -> str:
    """Time, GPU-hours or money for what is missing, and what the figure rests on.

    Notes
    -----
    A model that has run before is expected to be as fast as then. Else a forward pass takes 2 operations per parameter
    and token, at the `tflops` that the config's `plan` supposes.
    """
    if not found["missing"]:
        return "nothing to ask"
    if price := record.get("price"):
        cost = (found["tokens"] * price["read"] + found["most_written"] * price["written"]) / 1e6
        return f"{'' if found['counted'] else 'about '}{cost:.2f}, at the prices given"
    gpus = record.get("gpu") or 0
    if found["tokens_per_s"]:
        copies = record.get("data_parallel", 1)
        seconds = found["tokens"] / (found["tokens_per_s"] * copies)
        return _hours(seconds, gpus, settings) + ", as fast as its last run"
    if gpus and found["parameters"]:
        seconds = 2 * found["parameters"] * found["tokens"] / (gpus * settings["tflops"] * 1e12)
        return _hours(seconds, gpus, settings) + f", at {settings['tflops']:g} TFLOP/s a GPU"
    return "not known before a first run"


def _hours(seconds: float, gpus: int, settings: dict) -> str:
    if not gpus:
        return f"{seconds / 60:.1f} min"
    hours = gpus * seconds / HOUR
    cost = f" ({hours * settings['gpu_hour']:.2f})" if settings["gpu_hour"] else ""
    return f"{hours:.2f} GPU-hours{cost}"
