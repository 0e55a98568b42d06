"""The instructions that models answer, in AlpacaEval's form (one a row) or MT-Bench's (`turns`)."""

from __future__ import annotations

import json

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.names import safe_name
from prefdissect.pairs.files import read_frame, read_jsonl
from prefdissect.tables import conform

INSTRUCTIONS = ("instruction", "prompt", "question", "query")


def read_benchmark(record: dict) -> pd.DataFrame:
    """Read a benchmark.

    Parameters
    ----------
    record
        `path` (JSON, JSON Lines, CSV, TSV, Parquet) with a column `turns` (lists of the user's messages) or one of
        instructions (`column`, by default the first of `INSTRUCTIONS` that is there), and maybe `question_id`,
        `category` and `reference`; `references`: MT-Bench's file of reference answers, or ""; `limit`: 0 for all, else
        how many, spread evenly.

    Returns
    -------
    Table `questions`.

    Raises
    ------
    InputError
        For a missing column, an empty instruction, or an id or instruction that occurs twice.
    """
    path = str(record["path"])
    frame = read_frame(path)
    table = pd.DataFrame({"turns": _turns(frame, record.get("column") or "", path)})
    table["question_id"] = _ids(frame)
    category = next((frame[name] for name in ("category", "dataset") if name in frame), None)
    table["category"] = None if category is None else category.map(lambda value: None if pd.isna(value) else str(value))
    table["reference"] = _references(frame, record.get("references") or "")
    for column, shown in (("question_id", "the id"), ("turns", "the instruction")):
        twice = table[column].duplicated()
        if twice.any():
            row = int(twice.to_numpy().argmax()) + 1
            raise InputError(f"{shown} `{table[column].iloc[row - 1]}` occurs twice", where=f"{path}: row {row}")
    return conform(_limited(table, record.get("limit") or 0), "questions")


def _limited(table: pd.DataFrame, limit: int) -> pd.DataFrame:
    if not limit or limit >= len(table):
        return table
    return table.iloc[[number * len(table) // limit for number in range(limit)]]


def _turns(frame: pd.DataFrame, column: str, path: str) -> list[str]:
    """The user's messages of every row as JSON."""
    if not column and "turns" in frame:
        return [json.dumps(_messages(value, f"{path}: row {row}")) for row, value in enumerate(frame["turns"], 1)]
    names = (column,) if column else INSTRUCTIONS
    found = next((name for name in names if name in frame), None)
    if found is None:
        fix = f"a column {' or '.join(names)}; present: {', '.join(map(str, frame))}"
        raise InputError("there is no column of instructions", where=path, fix=fix)
    for row, value in enumerate(frame[found], 1):
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"holds {value!r}", where=f"{path}: row {row}, column `{found}`", fix="an instruction")
    return [json.dumps([value]) for value in frame[found]]


def _messages(value, where: str) -> list[str]:
    if isinstance(value, str):  # a CSV holds the list as JSON
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    messages = list(value) if value is not None and not isinstance(value, str | dict | int | float) else []
    if not messages or not all(isinstance(text, str) and text.strip() for text in messages):
        raise InputError(f"holds {value!r}", where=f"{where}, column `turns`", fix="a list of the user's messages")
    return messages


def _ids(frame: pd.DataFrame) -> list[str]:
    for name in ("question_id", "id"):
        if name in frame:
            return [safe_name(str(value)) for value in frame[name]]
    return [str(number) for number in range(len(frame))]


def _references(frame: pd.DataFrame, path: str) -> list[str | None]:
    if not path:
        return [None] * len(frame)
    found = {}
    for number, row in read_jsonl(path):
        try:
            found[safe_name(str(row["question_id"]))] = json.dumps(_messages(row["choices"][0]["turns"], path))
        except (KeyError, IndexError, TypeError):
            fix = '{"question_id": ..., "choices": [{"turns": [...]}]}'
            raise InputError("is no reference answer", where=f"{path}: line {number}", fix=fix) from None
    return [found.get(identity) for identity in _ids(frame)]


def first_messages(questions: pd.DataFrame) -> pd.Series:
    """First message of every question, by its id."""
    return pd.Series([json.loads(turns)[0] for turns in questions["turns"]], index=questions["question_id"])
