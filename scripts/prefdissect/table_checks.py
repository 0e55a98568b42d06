"""Giving a frame the types of a table, and checking it: the first fault becomes one message with row and column."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pandera.pandas as pa

from prefdissect.errors import InputError
from prefdissect.table_schemas import SCHEMAS


def conform(frame: pd.DataFrame, name: str, where: str | None = None) -> pd.DataFrame:
    """Give a frame the columns of a table: missing nullable ones are added, the types and the order fixed.

    Types are changed only where nothing is lost: 3.0 becomes the whole number 3; 1.5, "3" and true do not.

    Parameters
    ----------
    where
        File that the frame is from or for, for messages.

    Raises
    ------
    InputError
        When a required column is missing or doubled, or a value is not of the column's type.
    """
    schema = SCHEMAS[name]
    if twice := [column for column in schema.columns if list(frame.columns).count(column) > 1]:
        raise InputError(f"table `{name}` has the column `{twice[0]}` twice", where=where)
    columns = {}
    for column, spec in schema.columns.items():
        if column in frame:
            values = frame[column]
        elif spec.nullable or len(frame) == 0:
            values = pd.Series([None] * len(frame), index=frame.index, dtype=object)
        else:
            present = ", ".join(map(str, frame))
            raise InputError(f"table `{name}` lacks column `{column}`", where=where, fix=f"present: {present}")
        columns[column] = _cast(values, spec, lambda row, c=column: _place(frame, row, c, name), where)
    return pd.DataFrame(columns, index=frame.index).reset_index(drop=True)


def _cast(values: pd.Series, spec: pa.Column, place: Callable[[int], str], where: str | None) -> pd.Series:
    kind = _kind(spec)
    missing, wrong = values.isna().to_numpy(dtype=bool), ~_fits(values, kind)
    if str(spec.dtype) in ("int64", "bool"):
        wrong |= missing
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(_fault(place(row), values.iloc[row], spec), where=where)
    return values.astype("str" if kind == "str" else str(spec.dtype))


def _kind(spec: pa.Column) -> str:
    """str, int, float or bool, whatever the exact type is called."""
    return next(kind for kind in _FITS if str(spec.dtype).startswith(kind))


def _fits(values: pd.Series, kind: str) -> np.ndarray:
    """Which values are missing or can take a type without loss; array of bool, shape (n,)."""
    types = values.dtype
    if kind == "str" and isinstance(types, pd.StringDtype):
        return np.ones(len(values), dtype=bool)
    if kind == "float" and pd.api.types.is_numeric_dtype(types) and not pd.api.types.is_bool_dtype(types):
        return np.ones(len(values), dtype=bool)
    if pd.api.types.is_integer_dtype(types) and kind == "int":
        return (values <= _INT_MAX).fillna(True).to_numpy(dtype=bool)
    fits = _FITS[kind]
    return np.fromiter((_is_missing(value) or fits(value) for value in values), dtype=bool, count=len(values))


def _is_missing(value) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _is_number(value) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _is_unicode(value) -> bool:
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


_INT_MAX = np.iinfo(np.int64).max
_FITS = {
    "str": _is_unicode,
    "float": _is_number,
    "int": lambda value: _is_number(value) and math.isfinite(value) and int(value) == value and abs(value) <= _INT_MAX,
    "bool": lambda value: isinstance(value, bool | np.bool_),
}


def validate(frame: pd.DataFrame, name: str, where: str) -> pd.DataFrame:
    """Check a conformed frame against its table's schema; the first fault becomes the message.

    Raises
    ------
    InputError
        Naming file, row (from 1), column, value and what would be right.
    """
    try:
        checked = SCHEMAS[name].validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        raise InputError(_first_fault(errors.failure_cases, frame, name), where=where) from None
    for column, is_wrong, problem in _RULES.get(name, ()):
        wrong = is_wrong(checked).to_numpy(dtype=bool)
        if wrong.any():
            raise InputError(f"{_place(frame, int(wrong.argmax()), column, name)} {problem}", where=where)
    return checked


def _verdict_of_a_failure(rows: pd.DataFrame) -> pd.Series:
    return rows["verdict"].notna() & (rows["status"] != "ok")


def _unrated(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: rows[column].isna() & (rows["status"] == "ok")


# What no single column can say: column to name, which rows are wrong, the problem.
_RULES = {
    "judgements": [("status", _verdict_of_a_failure, "is not ok though there is a verdict")],
    "annotations": [(column, _unrated(column), "is null though the status is ok") for column in ("score_a", "score_b")],
}
_RULES["annotation_repeats"] = _RULES["annotations"]


def _first_fault(cases: pd.DataFrame, frame: pd.DataFrame, name: str) -> str:
    """The first fault in words: one about columns, else the one in the first row."""
    by_check = cases.drop_duplicates("check").set_index("check")["failure_case"]
    if "column_in_dataframe" in by_check:
        return f"table `{name}` lacks column `{by_check['column_in_dataframe']}`"
    if "column_in_schema" in by_check:
        known = ", ".join(SCHEMAS[name].columns)
        return f"table `{name}` has the unknown column `{by_check['column_in_schema']}` (known: {known})"
    values = cases[cases["index"].notna() & ~cases["check"].astype(str).str.contains("unique")]
    if len(values):
        case = values.iloc[values["index"].astype(int).argmin()]
        row, column = int(case["index"]), case["column"]
        return _fault(_place(frame, row, column, name), frame[column].iloc[row], SCHEMAS[name].columns[column])
    return _doubled(frame, name) or f"table `{name}`: {cases.iloc[0]['check']} {cases.iloc[0]['failure_case']}"


def _doubled(frame: pd.DataFrame, name: str) -> str | None:
    key = SCHEMAS[name].metadata["key"]
    again = frame.duplicated(key).to_numpy()
    if not again.any():
        return None
    row = int(again.argmax())
    same = frame[key].astype(object).where(frame[key].notna(), None)
    first = next(other for other in range(row) if list(same.iloc[other]) == list(same.iloc[row]))
    shared = _key_values(frame, row, name)
    return f"table `{name}`: rows {first + 1} and {row + 1} share the key {shared}; keys must be unique"


def _fault(place: str, value, spec: pa.Column) -> str:
    problem = "is null" if _is_missing(value) else f"holds {_shown(value)}"
    return f"{place} {problem} (expected: {spec.metadata['rule']}{', or null' if spec.nullable else ''})"


def _place(frame: pd.DataFrame, row: int, column: str, name: str) -> str:
    values = _key_values(frame, row, name)
    return f"table `{name}`, row {row + 1}{f' ({values})' if values else ''}, column `{column}`"


def _key_values(frame: pd.DataFrame, row: int, name: str) -> str:
    values = {key: frame[key].iloc[row] for key in SCHEMAS[name].metadata["key"] if key in frame}
    return ", ".join(f"{key}={_shown(value)}" for key, value in values.items() if not _is_missing(value))


def _shown(value) -> str:
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."
