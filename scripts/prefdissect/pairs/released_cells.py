"""Nested cells of the released data set: ratings, errors and query-specific ratings of the two responses of a pair.

What a cell may hold is written down here; anything else is an `InputError` that names column and key. A null is a
rating that was not given, never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prefdissect.catalogue import CASE_KEYS, Catalogue, Property
from prefdissect.errors import InputError
from prefdissect.pairs.columns import short

SIDES = ("1", "2")
BASIC, ERRORS, SPECIFIC = "basic_response_{}", "errors_response_{}", "query-specific_response_{}"
SEVERITIES = ("minor", "moderate", "severe")
# Repetition is rated, and its feature negated; a rating of its absence would have the other sign.
RATED_NAMES = {"repetitive": "non_repetitive"}
# The second spelling of each is that of the annotations that the release was made from.
APPLICABLE, FOUND = ("applicable or not", "accuracy check"), ("errors", "inaccuracies")
DESCRIPTION = ("brief description", "description")
# Levels in words, as the published code scores them.
LEVELS = {
    "supports_stances": {
        "strongly supported": 2,
        "weakly supported": 1,
        "neutral": 0,
        "weakly opposed": -1,
        "strongly opposed": -2,
    },
    "corrects_mistakes": {
        "pointed out and corrected": 3,
        "corrected without being pointed out": 2,
        "pointed out but not corrected": 1,
        "neither pointed out nor corrected": 0,
    },
}


@dataclass(frozen=True)
class Names:
    """Keys of the cells -> properties of the catalogue."""

    basic: dict[str, str]
    specific: dict[str, str]
    errors: dict[str, str]

    @classmethod
    def of(cls, catalogue: Catalogue) -> Names:
        rated = [prop for prop in catalogue.values() if prop.family in ("query_free", "query_aware")]
        basic = {key: prop.name for prop in rated if prop.name not in RATED_NAMES.values() for key in _keys(prop)}
        basic |= {key: name for key, name in RATED_NAMES.items() if name in catalogue}
        specific = {key: p.name for p in catalogue.values() if p.family == "query_specific" for key in _keys(p)}
        severities = {severity: f"no_{severity}_errors" for severity in SEVERITIES}
        return cls(basic, specific, {s: name for s, name in severities.items() if name in catalogue})


def _keys(prop: Property) -> tuple[str, ...]:
    return (*prop.published, prop.name)


def named(cell, names: Mapping[str, str], where: str) -> dict[str, object]:
    """The cell's values by our names; a key that is unknown and holds something is an error."""
    values = {}
    for key, value in mapping(cell, where).items():
        value = None if _is_nan(value) else value
        if key in names:
            values[names[key]] = value
        elif value is not None:  # a key that holds nothing in any row is a trace of the file's common structure
            fix = f"known: {', '.join(names)}"
            raise InputError(f"key `{key}` cannot be interpreted", where=where, fix=fix)
    return values


def _is_nan(value) -> bool:
    """Whether a value is the NaN that Parquet's nulls become in a list of numbers."""
    return isinstance(value, float) and value != value


def mapping(cell, where: str) -> Mapping:
    if cell is None:
        return {}
    if not isinstance(cell, Mapping):
        raise InputError(f"holds {short(cell)}", where=where, fix="an object with named values")
    return cell


def texts(cell, where: str) -> list[str]:
    """A list of texts; null is an empty one."""
    items = listed(cell, where)
    for item in items:
        if not isinstance(item, str):
            raise InputError(f"lists {short(item)}", where=where, fix="a list of texts")
    return items


def listed(cell, where: str) -> list:
    if cell is None:
        return []
    if not isinstance(cell, list | tuple | np.ndarray):
        raise InputError(f"holds {short(cell)}", where=where, fix="a list")
    return list(cell)


def specific_scores(cell, names: Names, where: str) -> dict[str, list]:
    """Property -> scores of its items; an empty list where nothing was rated.

    One number, a list of numbers or levels, and an object of item -> number or level are understood.
    """
    return {
        name: [_level(name, score) for score in _items(value, f"{where}, key `{name}`")]
        for name, value in named(cell, names.specific, where).items()
    }


def _items(value, where: str) -> list:
    if isinstance(value, Mapping):
        return [score for score in value.values() if score is not None]
    if value is None or isinstance(value, list | tuple | np.ndarray):
        return listed(value, where)
    return [value]


def _level(name: str, score):
    """A level in words as its score, and what is missing as None; anything else as it is, for the check of scores."""
    if _is_nan(score):
        return None
    if isinstance(score, str):
        return LEVELS.get(name, {}).get(score.strip().lower(), score)
    return score


def called_for(prop: Property, info: Mapping) -> int:
    """How many scores the analysis of a query calls for."""
    key = CASE_KEYS[prop.case]
    if key == "clear_intent":
        return int(not info[key])
    return int(info[key]) if isinstance(info[key], bool) else len(info[key])


@dataclass(frozen=True)
class Check:
    """What the check of a response found: `applicable` is None where there was no check, `unknown` counts errors
    without a known severity that were passed over."""

    applicable: bool | None
    errors: list[dict]
    unknown: int = 0


def checked_errors(cell, where: str, *, lenient: bool) -> Check:
    """Read one cell of errors.

    Parameters
    ----------
    lenient
        An error without a known severity is passed over, as the published code does, and not refused.

    Raises
    ------
    InputError
        For a key that cannot be interpreted, or a word for applicability or severity that is unknown.
    """
    cell = mapping(cell, where)
    if not cell:
        return Check(None, [])
    known = dict.fromkeys(APPLICABLE, "applicable") | dict.fromkeys(FOUND, "errors")
    parts = named(cell, known, where)
    word = parts.get("applicable")
    if word is None:
        return Check(None, [])
    if not isinstance(word, str) or word.strip().lower() not in ("applicable", "not applicable"):
        if not lenient:
            fix = "applicable or not applicable"
            raise InputError(f"the check of errors is {short(word)}", where=f"{where}, key `{APPLICABLE[0]}`", fix=fix)
        return Check(False, [])
    if word.strip().lower() == "not applicable":
        return Check(False, [])
    found = [_error(error, f"{where}, key `{FOUND[0]}`", lenient) for error in listed(parts.get("errors"), where)]
    return Check(True, [error for error in found if error], found.count(None))


def _error(raw, where: str, lenient: bool) -> dict | None:
    keys = dict.fromkeys(DESCRIPTION, "description") | {"severity": "severity", "type": "type"}
    error = {"type": None, "severity": None, "description": None} | named(mapping(raw, where), keys, where)
    severity = error["severity"]
    error["severity"] = severity.strip().lower() if isinstance(severity, str) else severity
    if error["severity"] in SEVERITIES:
        return error
    if lenient:
        return None
    fix = f"one of {', '.join(SEVERITIES)}; or `bad_ratings: zero`"
    raise InputError(f"an error has the severity {short(severity)}", where=where, fix=fix)
