"""Have models answer a benchmark, arm by arm, in worker processes of the judges' environment."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.judges.scoring import Machine, ask, check_failures, plan_asking
from prefdissect.manipulation.arms import NONE
from prefdissect.tables import conform
from prefdissect.yaml_files import read_yaml

PLAIN = {"text": "", "system_text": "", "system": "message"}


def generate(
    record: dict, arms: pd.DataFrame, questions: pd.DataFrame, workdir: str | Path, machine: Machine
) -> pd.DataFrame:
    """Have a model answer every question under every arm.

    Parameters
    ----------
    record
        The generator's record.
    arms
        Table `arms`; those that name no properties, but for `none`, are left out.
    questions
        Table `questions`.
    workdir
        Folder for the workers' files.
    machine
        Where and how.

    Returns
    -------
    Table `outputs`.

    Raises
    ------
    InputError
        As `prefdissect.judges.scoring.run_judge`.
    """
    asked = build_questions(arms, questions)
    outcomes = ask(worker_record(record), asked, workdir, machine)
    check_failures(outcomes, record | {"role": "generator"})
    return to_outputs(record["name"], outcomes)


def plan_generating(
    record: dict, arms: pd.DataFrame, questions: pd.DataFrame, workdir: str | Path, machine: Machine
) -> dict:
    """What `generate` would cost: see `prefdissect.judges.costs.costs_of`. Raises `InputError`."""
    return plan_asking(worker_record(record), build_questions(arms, questions), workdir, machine)


def is_run(arms: pd.DataFrame) -> pd.Series:
    """Which arms are run: those with a system message, and `none`."""
    return arms["system"].notna() | (arms["arm"] == NONE)


def build_questions(arms: pd.DataFrame, questions: pd.DataFrame) -> list[dict]:
    """Questions as the worker takes them (`prefdissect.manipulation.job`)."""
    return [
        {"id": f"{arm.arm_id}|{question.question_id}", "system": arm.system if pd.notna(arm.system) else None}
        | {"texts": json.loads(question.turns), "prompt": question.turns, "turns": None}
        for arm in arms[is_run(arms)].itertuples(index=False)
        for question in questions.itertuples(index=False)
    ]


def worker_record(record: dict) -> dict:
    """A generator's record as the worker and its engine read it."""
    return {**record, "role": "generator", "generation": style_of(record)}


def style_of(record: dict) -> dict:
    """How a model is spoken to: in its chat template, or by the text of a file. Raises `InputError`."""
    style = PLAIN | {"system": record.get("system_in", "message")}
    path = record.get("template")
    if not path:
        return style
    data = read_yaml(path, "prompt")
    text, system = data.get("text"), data.get("system", "{system}\n\n")
    for key, value, name in (("text", text, "{conversation}"), ("system", system, "{system}")):
        if not isinstance(value, str) or value.count(name) != 1:
            raise InputError(f"key `{key}` must hold {name} once", where=str(path))
    return style | {"text": text, "system_text": system}


def to_outputs(generator: str, outcomes: list[dict]) -> pd.DataFrame:
    """Table `outputs` from the worker's outcomes: one row per turn, the last one of a failure without a text."""
    rows = []
    for outcome in outcomes:
        arm, _, question = outcome["id"].rpartition("|")
        named = {"generator": generator, "arm_id": arm, "question_id": question}
        for turn, (text, cut) in enumerate(zip(outcome["outputs"], outcome["cut"], strict=True), 1):
            rows.append(named | {"turn": turn, "output": text, "status": "ok", "cut": cut})
        if outcome["status"] != "ok":
            turn = len(outcome["outputs"]) + 1
            rows.append(named | {"turn": turn, "output": None, "status": outcome["status"], "cut": False})
    return conform(pd.DataFrame(rows), "outputs")
