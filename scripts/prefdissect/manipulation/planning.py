"""What a manipulation experiment would cost, reckoned from its config and benchmark alone."""

from __future__ import annotations

import json

import pandas as pd

from prefdissect.catalogue import Catalogue
from prefdissect.manipulation.arms import PLACEHOLDER, system_text
from prefdissect.manipulation.benchmark import read_benchmark
from prefdissect.manipulation_config import tuned_arms

CHARACTERS_PER_TOKEN = 4
USUAL_OUTPUT = 400  # tokens of an output
USUAL_VERDICT = 150  # tokens of a judge's reasons with its grade
USUAL_DATA = 4000  # pairs that are left after relabelling, as in the published experiment
TEMPLATE = 150  # tokens of a judge's prompt beside the texts
# Writing a token takes as long as reading so many; training on one as many operations as eight times reading it.
WRITING, TRAINING = 10, 8
ORDERS = 2
NOTE = (
    f"Reckoned with {USUAL_OUTPUT} tokens an output, {USUAL_VERDICT} a verdict with reasons, {CHARACTERS_PER_TOKEN} "
    f"characters a token, {USUAL_DATA:,} pairs to tune on, and writing {WRITING} times as long as reading. GPU-hours "
    "need `size` (billions of weights) at generators and as an attribute of judges."
)


def plan_of(section: dict, judges: dict[str, dict], catalogue: Catalogue, settings: dict) -> pd.DataFrame:
    """One row per model and task.

    Parameters
    ----------
    section
        The config's `manipulation`.
    judges
        Judge -> record.
    catalogue
        The properties.
    settings
        The config's `plan`: tflops, gpu_hour.

    Returns
    -------
    Columns name, task, requests, read, written (tokens), gpu_hours (null where no GPU or no size is given), cost.
    """
    questions = read_benchmark(section["benchmark"])
    turns = [json.loads(text) for text in questions["turns"]]
    prompted, tuned = 1 + len(section["targets"]) * (2 + len(section["seeds"])), tuned_arms(section)
    system = _system_tokens(section, catalogue)
    read, written = _reading(turns, 0), sum(map(len, turns)) * USUAL_OUTPUT
    rows = []
    for record in section["generators"]:
        mine = len([each for each in tuned if each["generator"] == record["name"]])
        tokens = prompted * read + (prompted - 1) * system * sum(map(len, turns)) + mine * read
        count = (prompted + mine) * sum(map(len, turns))
        rows.append(_row(record, record.get("size"), "write", count, tokens, (prompted + mine) * written, settings))
        if mine:
            epochs = mine * section["tuning"]["epochs"] * USUAL_DATA
            trained = int(epochs * 2 * USUAL_OUTPUT)
            rows.append(_row(record, record.get("size"), "tune", int(epochs), trained, 0, settings, TRAINING / 2))
    arms = len(section["generators"]) * prompted + len(tuned)
    held = arms - (0 if section["benchmark"]["baseline"] else len(section["generators"]))
    shown = TEMPLATE * len(turns) + sum(len(each[0]) // CHARACTERS_PER_TOKEN + 2 * USUAL_OUTPUT for each in turns)
    for name in section["judges"]:
        if "template" in judges[name]:
            asked, size = held * ORDERS * judges[name]["samples"], judges[name]["attributes"].get("size")
            count = asked * len(turns)
            rows.append(_row(judges[name], size, "judge", count, asked * shown, count, settings))
    for name in (section["grading"] or {"judges": []})["judges"]:
        size, count = judges[name]["attributes"].get("size"), arms * sum(map(len, turns))
        tokens = arms * _reading(turns, USUAL_OUTPUT + TEMPLATE)
        rows.append(_row(judges[name], size, "grade", count, tokens, count * USUAL_VERDICT, settings))
    return pd.DataFrame(rows)


def _reading(turns: list[list[str]], beside: int) -> int:
    """Tokens read over all turns: every turn holds the earlier ones and their outputs, and `beside` more."""
    tokens = 0
    for texts in turns:
        for number in range(1, len(texts) + 1):
            tokens += sum(map(len, texts[:number])) // CHARACTERS_PER_TOKEN + (number - 1) * USUAL_OUTPUT + beside
    return tokens


def _system_tokens(section: dict, catalogue: Catalogue) -> int:
    """Of a system message with instructions of mean length."""
    mean = sum(len(prop.instruction) for prop in catalogue.values()) / len(catalogue)
    wording = len(system_text(section["prompt"])) - len(PLACEHOLDER)
    return int((wording + section["k"] * mean) / CHARACTERS_PER_TOKEN)


def _row(
    record: dict, size, task: str, requests: int, read: int, written: int, settings: dict, factor: float = 1
) -> dict:
    gpus, price = record.get("gpu") or 0, record.get("price")
    hours = None
    if gpus and size:
        work = 2 * float(size) * 1e9 * (factor * read + WRITING * written)
        hours = work / (settings["tflops"] * 1e12) / 3600
    cost = (read * price["read"] + written * price["written"]) / 1e6 if price else None
    if hours is not None and settings["gpu_hour"]:
        cost = hours * settings["gpu_hour"]
    counts = {"requests": requests, "read": read, "written": written}
    return {"name": record["name"], "task": task, **counts, "gpu_hours": hours, "cost": cost}


def printed_plan(plan: pd.DataFrame) -> str:
    """The plan as text, with its totals."""
    total = plan[["requests", "read", "written", "gpu_hours", "cost"]].sum(min_count=1)
    table = pd.concat([plan, pd.DataFrame([{"name": "all", "task": "", **total}])], ignore_index=True)
    for column in ("requests", "read", "written"):
        table[column] = [f"{int(value):,}" for value in table[column]]
    for column in ("gpu_hours", "cost"):
        table[column] = ["-" if pd.isna(value) else f"{value:,.2f}" for value in table[column]]
    table = table.rename(columns={"read": "tokens to read", "written": "tokens to write", "gpu_hours": "GPU-hours"})
    return f"{table.to_string(index=False)}\n{NOTE}"
