"""Grades from 1 to 10 for single answers, in MT-Bench's form: both turns, references where answers can be wrong.

Zheng et al. 2023, *Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena*, arXiv 2306.05685.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.judges.prompts import ROLES
from prefdissect.judges.scoring import Machine, ask, check_failures
from prefdissect.manipulation.generating import PLAIN
from prefdissect.tables import conform
from prefdissect.yaml_files import read_yaml

_GRADE = re.compile(r"Grade: \[\[(10|[1-9])\]\]")
KEY = ["generator", "arm_id", "question_id", "turn"]


def read_grade(text: str) -> int | None:
    """The grade on the last line that is not empty, in just the form asked for; None for anything else."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = _GRADE.fullmatch(lines[-1]) if lines else None
    return int(found.group(1)) if found else None


def grade(
    record: dict,
    outputs: pd.DataFrame,
    questions: pd.DataFrame,
    settings: dict,
    workdir: str | Path,
    machine: Machine,
) -> pd.DataFrame:
    """Have a judge grade every output.

    Parameters
    ----------
    record
        The judge's record.
    outputs, questions
        Tables of these names.
    settings
        The config's `manipulation.grading`.
    workdir
        Folder for the workers' files.
    machine
        Where and how.

    Returns
    -------
    Table `grades`: `unparsed` where the answer is cut or its last line is no grade, `no_output` where the model failed.

    Raises
    ------
    InputError
        As `prefdissect.judges.scoring.run_judge`.
    """
    wording = load_wording(settings["prompt"])
    asked = build_questions(outputs, questions, wording, settings["referenced"])
    own = {**record, "max_tokens": settings["max_tokens"], "generation": PLAIN}
    outcomes = ask(own, asked, workdir, machine)
    check_failures(outcomes, record)
    return to_grades(record["name"], outputs, {outcome["id"]: outcome for outcome in outcomes})


def load_wording(path: str | Path) -> dict[str, str]:
    """Text of the question and of the part about a reference. Raises `InputError`."""
    data = read_yaml(path, "prompt")
    for key, names in (("text", ("{conversation}", "{reference}")), ("reference", ("{reference}",))):
        value = data.get(key)
        if not isinstance(value, str) or any(value.count(name) != 1 for name in names):
            raise InputError(f"key `{key}` must hold {' and '.join(names)} once each", where=str(path))
    return {key: data[key] for key in ("text", "reference")}


def build_questions(
    outputs: pd.DataFrame, questions: pd.DataFrame, wording: dict[str, str], referenced: list[str]
) -> list[dict]:
    """Questions for the worker, one per output that is there."""
    about = questions.set_index("question_id")
    found = []
    for key, part in outputs[outputs["status"] == "ok"].groupby(KEY[:3], sort=False):
        asked = json.loads(about.at[key[2], "turns"])
        written = part.sort_values("turn")["output"].tolist()
        reference = about.at[key[2], "reference"]
        shown = about.at[key[2], "category"] in referenced and pd.notna(reference)
        for turn in range(1, len(written) + 1):
            wanted = _reference(json.loads(reference), asked, turn) if shown else ""
            text = _question(wording, asked, written, turn, wanted)
            identity = "|".join([*key, str(turn)])
            found.append({"id": identity, "system": None, "texts": [text], "prompt": text, "turns": None})
    return found


def _reference(answers: list[str], asked: list[str], turn: int) -> str:
    """Reference answers up to a turn, with the messages they answer where there are several."""
    return _conversation(asked, answers, min(turn, len(answers))) if turn > 1 else answers[0]


def _conversation(asked: list[str], written: list[str], turn: int) -> str:
    replies = [{"role": "assistant", "content": text} for text in written[:turn]]
    users = [{"role": "user", "content": text} for text in asked[:turn]]
    turns = [message for pair in zip(users, replies, strict=True) for message in pair]
    return "\n\n".join(f"{ROLES[turn['role']]}: {turn['content']}" for turn in turns)


def _question(wording: dict[str, str], asked: list[str], written: list[str], turn: int, reference: str) -> str:
    part = _filled(wording["reference"], reference=reference) if reference else ""
    return _filled(wording["text"], reference=part, conversation=_conversation(asked, written, turn))


def _filled(text: str, **values: str) -> str:
    """Put values in place of their names, in one pass: a value that holds `{conversation}` is text."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match.group(1), match.group(0)), text)


def to_grades(judge: str, outputs: pd.DataFrame, outcomes: dict[str, dict]) -> pd.DataFrame:
    """Table `grades` from the worker's outcomes."""
    rows = []
    for row in outputs.itertuples(index=False):
        named = {"judge": judge, **{key: getattr(row, key) for key in KEY}}
        outcome = outcomes.get("|".join([row.generator, row.arm_id, row.question_id, str(row.turn)]))
        if outcome is None or outcome["status"] != "ok":
            rows.append(named | {"grade": None, "status": outcome["status"] if outcome else "no_output"})
            continue
        found = None if outcome["cut"][0] else read_grade(outcome["outputs"][0])
        rows.append(named | {"grade": found, "status": "ok" if found else "unparsed"})
    return conform(pd.DataFrame(rows), "grades")


def by_category(grades: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    """Mean grade of every judge, generator, arm, category and turn; `n` counts those that were given."""
    table = grades.merge(questions[["question_id", "category"]], on="question_id")
    key = ["judge", "generator", "arm_id", "category", "turn"]
    return table.groupby(key, sort=False, dropna=False)["grade"].agg(grade="mean", n="count").reset_index()
