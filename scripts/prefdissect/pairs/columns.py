"""Columns of a file that a user gave, as text, numbers or words of a list; a bad cell is named by row and column."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from prefdissect.errors import InputError
from prefdissect.pairs.files import as_floats, row_label


@dataclass(frozen=True)
class Place:
    """How rows and columns are called in the file they came from.

    Attributes
    ----------
    label
        Gives the name of a row ("file: line 5") from its index in the frame.
    columns
        The file's own names of columns, where they differ from the contract's.
    """

    label: Callable[[int], str]
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_file(cls, path: str | Path, columns: Mapping[str, str] | None = None) -> Place:
        """The place for a frame that `read_frame(path)` gave."""
        return cls(lambda row: row_label(path, row), columns or {})

    def at(self, row: int, column: str) -> str:
        return f"{self.label(row)}, column `{self.columns.get(column, column)}`"

    def refuse(self, bad: pd.Series, column: str, problem: Callable[[object], str], values: pd.Series, fix=None):
        """Raise an `InputError` for the first row where `bad` is true; `problem` words it from the value there."""
        if bad.any():
            row = bad.idxmax()
            raise InputError(problem(values.loc[row]), where=self.at(row, column), fix=fix)


def labels(frame: pd.DataFrame, column: str, place: Place, *, nullable: bool = True) -> pd.Series:
    """A column of names as text: whole numbers become text, missing and empty ones None (or an error)."""
    if column not in frame:
        return nothing(frame.index)
    values = frame[column].astype(object)
    names = pd.Series([as_label(value) for value in values], index=frame.index, dtype=object)
    given = values.notna() & values.map(lambda value: not (isinstance(value, str) and value == "")).astype(bool)
    place.refuse(names.isna() & given, column, no_text, values, "a text")
    if not nullable:
        place.refuse(names.isna(), column, lambda _: "is empty", values, "every row needs a value")
    place.refuse(~names.map(is_unicode).astype(bool), column, no_unicode, values)
    return names


def nothing(index: pd.Index) -> pd.Series:
    """A column of None; `pd.Series(None)` would hold NaN, which is true where a text is asked for."""
    return pd.Series([None] * len(index), index=index, dtype=object)


def as_label(value) -> str | None:
    """Text of a name or code: 3 and 3.0 give "3", true gives "true"; None for what is missing, empty or no scalar."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, int | np.integer) or (isinstance(value, float | np.floating) and math.isfinite(value)):
        return str(value)
    return value if isinstance(value, str) and value else None


def choices(frame: pd.DataFrame, column: str, allowed, place: Place, *, default=None) -> pd.Series:
    """A column that holds one of a few words; missing ones take the default, others are an error."""
    if column not in frame:
        return pd.Series([default] * len(frame), index=frame.index, dtype=object)
    values = frame[column].astype(object)
    bad = values.notna() & ~values.map(lambda value: value in allowed if isinstance(value, str) else False).astype(bool)
    place.refuse(bad, column, lambda value: f"holds {value!r}", values, f"one of {', '.join(allowed)}, or empty")
    return values.where(values.notna(), default)


def floats(frame: pd.DataFrame, column: str, place: Place) -> pd.Series:
    """A column of finite numbers, missing as NaN (also when the whole column is missing)."""
    if column not in frame:
        return pd.Series(np.nan, index=frame.index, dtype="float64")
    values, bad = as_floats(frame[column])
    place.refuse(bad | np.isinf(values), column, lambda value: f"holds {value!r}", frame[column], "a number, or empty")
    return values


def whole(frame: pd.DataFrame, column: str, place: Place) -> pd.Series:
    """A column of whole numbers from 0; missing ones are 0."""
    values = floats(frame, column, place).fillna(0)
    bad = (values < 0) | (values != np.floor(values))
    place.refuse(bad, column, lambda value: f"holds {value:g}", values, "a whole number from 0")
    return values.astype("int64")


def flags(frame: pd.DataFrame, column: str, place: Place, *, nullable: bool = True) -> pd.Series:
    """A column of truth values (true and false, also as text or as 1 and 0); missing ones are False or an error."""
    known = {"true": True, "false": False, "1": True, "0": False, None: False if nullable else None}
    if column not in frame:
        return pd.Series(False, index=frame.index)
    values = frame[column].astype(object)
    names = [as_label(value) for value in values]
    result = pd.Series([known.get(name.lower() if name else None) for name in names], index=frame.index, dtype=object)
    place.refuse(result.isna(), column, lambda value: f"holds {short(value)}", values, "true or false")
    return result.astype(bool)


def refuse_doubled(frame: pd.DataFrame, key: list[str], place: Place) -> None:
    """Raise an `InputError` naming both rows when a key occurs twice (missing values count as equal)."""
    twice = frame.duplicated(key)
    if twice.any():
        row = twice.idxmax()
        same = (frame[key].eq(frame.loc[row, key]) | (frame[key].isna() & frame.loc[row, key].isna())).all(axis=1)
        shown = ", ".join(f"{name}={frame.loc[row, name]}" for name in key if pd.notna(frame.loc[row, name]))
        first = place.label(frame.index[same][0])
        raise InputError(f"{shown} occurs twice", where=place.label(row), fix=f"first: {first}; give each once")


def is_unicode(text: str | None) -> bool:
    try:
        return text is None or text.encode("utf-8") is not None
    except UnicodeEncodeError:
        return False


def no_unicode(text) -> str:
    bad = next(character for character in str(text) if "\ud800" <= character <= "\udfff")
    return f"holds half a surrogate pair (U+{ord(bad):04X}), which is not valid Unicode"


def no_text(value) -> str:
    return f"holds {short(value)}, which is no text"


def short(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
