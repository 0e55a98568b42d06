"""Stage that says what the models of a study would cost, before they cost it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

from prefdissect.annotators.llm import plan_annotating
from prefdissect.catalogue import load_catalogue
from prefdissect.judges.scoring import plan_judge
from prefdissect.manipulation.planning import plan_of, printed_plan
from prefdissect.stages.models import machine_for, with_model
from prefdissect.tables import read_table

HOUR = 3600


def plan_manipulation(section: dict, judges: dict[str, dict], catalogue: str, settings: dict) -> None:
    """Print what the manipulation experiment would cost: requests, tokens, GPU-hours or money."""
    _print(printed_plan(plan_of(section, judges, load_catalogue(catalogue), settings)))


def plan_judging(
    pairs: str, records: list[dict], models: dict[str, str], machine: dict, settings: dict,
    annotators: list[dict], catalogue: str, annotating_machine: dict, manipulation: dict | None = None,
) -> None:  # fmt: skip
    """Print one line per model: requests, those answered already, prompt tokens, GPU-hours or money.

    Nothing is asked and no model is loaded; tokens are counted with the model's own tokenizer where it has one here.
    What an annotator asks depends on what it finds: before that the figures are guesses.
    """
    if manipulation:
        plan_manipulation(**manipulation, catalogue=catalogue, settings=settings)
    table, properties = read_table(pairs, "pairs"), load_catalogue(catalogue)
    rows = []
    for record in annotators:
        with tempfile.TemporaryDirectory(prefix=f"plan-{record['name']}-") as workdir:
            where = machine_for(record, annotating_machine)
            rows.append(_row("annotator", record, plan_annotating(record, table, properties, workdir, where), settings))
    for record in records:
        with tempfile.TemporaryDirectory(prefix=f"plan-{record['name']}-") as workdir:
            where, loaded = machine_for(record, machine), with_model(record, models.get(record["name"]))
            rows.append(
                _row("judge", record, plan_judge(loaded, record["template"], table, Path(workdir), where), settings)
            )
    text = pd.DataFrame(rows).to_string(index=False) if rows else "no judge and no annotator of this study is a model"
    _print(text)


def _print(text: str) -> None:
    print(text)
    print(text, file=sys.__stdout__, flush=True)


def _row(role: str, record: dict, found: dict, settings: dict) -> dict:
    tokens = f"{found['tokens']:,}" if found["counted"] else f"about {found['tokens']:,}"
    shared = f"{found['shared_tokens'] / found['tokens']:.0%}" if found["counted"] and found["tokens"] else "-"
    return {
        "name": record["name"],
        "role": role,
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
        # A verdict takes the tokens it may take; most answers of an annotator are far shorter than they may be.
        told = "at most " if "engine" in record else "" if found["counted"] else "about "
        return f"{told}{cost:.2f}, at the prices given"
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
