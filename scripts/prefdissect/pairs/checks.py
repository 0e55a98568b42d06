"""Checks that every reader of pairs applies: pairs, ratings, and rows that must belong to a pair.

A reader brings its file into columns of the contract, keeps the frame's index (= position of the row in the file)
and says with a `Place` how a row and a column are called in the file, so that a message can name them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from prefdissect.catalogue import Catalogue, Property
from prefdissect.errors import InputError
from prefdissect.pairs.columns import (
    Place,
    choices,
    is_unicode,
    labels,
    no_text,
    no_unicode,
    nothing,
    refuse_doubled,
    short,
    whole,
)
from prefdissect.pairs.files import as_floats
from prefdissect.tables import RATING_STATUSES, conform, prompt_id, validate

TEXTS = ("prompt", "response_a", "response_b")
OPTIONAL = ("prompt_id", "model_a", "model_b", "scenario", "language", "reference")
EMPTY_POLICIES = ("error", "keep", "drop")
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class CheckedPairs:
    """What `check_pairs` found.

    Attributes
    ----------
    pairs
        Table `pairs`.
    rows
        Index that each of these pairs had in the frame given.
    dropped
        Ids of the pairs left out for an empty response.
    notes
        What was left out and why.
    """

    pairs: pd.DataFrame
    rows: pd.Index
    dropped: frozenset[str] = frozenset()
    notes: dict[str, int] = field(default_factory=dict)


def check_pairs(frame: pd.DataFrame, record: dict, place: Place) -> CheckedPairs:
    """Check pairs and complete them to the table `pairs`; texts stay as they are.

    Parameters
    ----------
    frame
        Columns prompt, response_a, response_b and any of pair_id, turns, prompt_id, model_a, model_b, scenario,
        language, reference. Without pair_id a pair is called `<source name>-<row number from 1>`.
    record
        The source's record: `name`, and `empty_responses` = error (default), keep or drop, for responses without
        anything but white space.

    Raises
    ------
    InputError
        For a null or empty prompt, a null response, an empty response (policy error), a pair_id that is missing or
        occurs twice, turns that are no list of messages, and text that is not valid Unicode.
    """
    columns = {column: _texts(frame[column], column, place) for column in TEXTS}
    columns["pair_id"] = pair_ids(frame, record["name"], place)
    columns["turns"] = _turns(frame, place)
    for column in OPTIONAL:
        columns[column] = labels(frame, column, place)
    checked = pd.DataFrame(columns, index=frame.index, dtype=object)
    _refuse_blank(checked, "prompt", place)
    empty = _empty_responses(checked, record, place)
    dropped = frozenset(checked.loc[empty, "pair_id"])
    checked = checked[~empty]
    if checked.empty:
        raise InputError("no pair is left: every one has an empty response", where=f"source `{record['name']}`")
    hashes = [prompt_id(p, t) for p, t in zip(checked["prompt"], checked["turns"], strict=True)]
    checked = checked.assign(
        source=record["name"], prompt_id=checked["prompt_id"].where(checked["prompt_id"].notna(), hashes)
    )
    pairs = validate(conform(checked, "pairs"), "pairs", f"source `{record['name']}`")
    return CheckedPairs(
        pairs, checked.index, dropped, {"pairs with an empty response": len(dropped)} if dropped else {}
    )


def pair_ids(frame: pd.DataFrame, name: str, place: Place) -> pd.Series:
    """Ids of the pairs: the column pair_id, or `<name>-<row number>`; missing and doubled ones are errors."""
    if "pair_id" not in frame:
        return pd.Series([f"{name}-{row + 1}" for row in frame.index], index=frame.index, dtype=object)
    ids = labels(frame, "pair_id", place, nullable=False)
    twice = ids.duplicated()
    if twice.any():
        row = twice.idxmax()
        first = place.label(ids.index[ids == ids.loc[row]][0])
        raise InputError(
            f"pair_id `{ids.loc[row]}` occurs twice", where=place.at(row, "pair_id"), fix=f"first: {first}"
        )
    return ids


def keep_known_pairs(frame: pd.DataFrame, checked: CheckedPairs, place: Place) -> pd.DataFrame:
    """Rows about pairs that are there, with pair_id as text; rows of dropped pairs go, an unknown pair is an error."""
    ids = labels(frame, "pair_id", place, nullable=False)
    unknown = ~ids.isin(set(checked.pairs["pair_id"]) | checked.dropped)
    place.refuse(unknown, "pair_id", lambda value: f"pair `{value}` is not among the pairs of this source", ids)
    return frame.assign(pair_id=ids)[~ids.isin(checked.dropped)]


def check_ratings(frame: pd.DataFrame, catalogue: Catalogue, place: Place, bad_ratings: str = "refuse") -> pd.DataFrame:
    """Check ratings against the catalogue and give them as columns of the table `annotations` (without annotator).

    Parameters
    ----------
    frame
        Columns pair_id, property (the catalogue's name or a published spelling), score_a, score_b; item (default 0)
        and status (default ok) may be absent.
    bad_ratings
        `refuse` a score that is missing or off its scale, or count it as `zero`, as the code of Li et al. 2024 does.

    Raises
    ------
    InputError
        For an unknown property or status, a score that is missing, NaN or off the property's scale, a score where
        the status says there is none, and a pair, property and item that occur twice.
    """
    names = property_names(frame["property"], catalogue, place)
    status = choices(frame, "status", RATING_STATUSES, place, default="ok")
    result = pd.DataFrame({"pair_id": frame["pair_id"], "property": names, "item": whole(frame, "item", place)})
    for column in ("score_a", "score_b"):
        result[column] = _scores(
            frame[column], names, status, catalogue, lambda row, c=column: place.at(row, c), bad_ratings
        )
    result["status"] = status
    refuse_doubled(result, ["pair_id", "property", "item"], place)
    return result


def property_names(values: pd.Series, catalogue: Catalogue, place: Place) -> pd.Series:
    """Translate published spellings into the catalogue's names; an unknown property is an error."""
    known = {**catalogue.published_names(), **{name: name for name in catalogue}}
    names = values.map(lambda value: known.get(value) if isinstance(value, str) else None).astype(object)
    fix = f"known: {', '.join(catalogue)}"
    place.refuse(names.isna(), "property", lambda value: f"property `{value}` is unknown", values, fix)
    return names


def score_problem(prop: Property, score: float) -> str | None:
    """What is wrong with one score of a property, None when nothing is."""
    if math.isnan(score):
        return f"the score of `{prop.name}` is missing or NaN; its scale is {prop.scale_text}"
    counted = prop.maximum is None
    outside = score < prop.minimum or not math.isfinite(score) or (not counted and score > prop.maximum)
    if outside or (counted and score != int(score)):
        return f"score {score:g} of `{prop.name}` is outside its scale, {prop.scale_text}"
    return None


def _scores(
    values: pd.Series, names: pd.Series, status: pd.Series, catalogue: Catalogue, where: Callable, bad_ratings: str
) -> pd.Series:
    scores, bad = as_floats(values)
    scores = scores.copy()
    for row, name, state, score, is_bad in zip(scores.index, names, status, scores, bad, strict=True):
        problem = None
        if is_bad:
            problem = f"{short(values.loc[row])} is no score of `{name}`; its scale is {catalogue[name].scale_text}"
        elif state == "ok":
            problem = score_problem(catalogue[name], score)
        elif not math.isnan(score):
            problem = f"a score is given though the status of `{name}` is {state}"
        if problem and bad_ratings == "zero" and state == "ok":
            scores.loc[row] = 0.0
        elif problem:
            raise InputError(problem, where=where(row))
    return scores


def _texts(values: pd.Series, column: str, place: Place) -> pd.Series:
    values = values.astype(object)
    place.refuse(values.isna(), column, lambda _: "is null", values, "every pair needs a prompt and two responses")
    place.refuse(~values.map(lambda value: isinstance(value, str)), column, no_text, values, "a text")
    place.refuse(~values.map(is_unicode), column, no_unicode, values)
    return values


def _refuse_blank(frame: pd.DataFrame, column: str, place: Place) -> None:
    blank = frame[column].map(lambda text: not text.strip())
    place.refuse(blank, column, lambda text: "is empty" if not text else "holds only white space", frame[column])


def _empty_responses(frame: pd.DataFrame, record: dict, place: Place) -> pd.Series:
    policy = record.get("empty_responses", "error")
    if policy not in EMPTY_POLICIES:
        where = f"source `{record['name']}`, key `empty_responses`"
        raise InputError(f"`{policy}` is unknown", where=where, fix=f"one of {', '.join(EMPTY_POLICIES)}")
    if policy == "keep":
        return pd.Series(False, index=frame.index)
    empty = frame[["response_a", "response_b"]].map(lambda text: not text.strip())
    if policy == "error" and empty.any(axis=None):
        row = empty.any(axis=1).idxmax()
        column = empty.loc[row].idxmax()
        problem = "holds only white space" if frame.loc[row, column] else "is empty"
        raise InputError(problem, where=place.at(row, column), fix="`empty_responses: keep` or `drop` allows it")
    return empty.any(axis=1)


def _turns(frame: pd.DataFrame, place: Place) -> pd.Series:
    if "turns" not in frame:
        return nothing(frame.index)
    values = frame["turns"].astype(object)
    return pd.Series(
        [_turns_text(value, place.at(row, "turns")) for row, value in values.items()], index=frame.index, dtype=object
    )


def _turns_text(value, where: str) -> str | None:
    """Earlier messages as JSON text in one spelling, so that equal conversations have equal hashes."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except ValueError:
            raise InputError(f"holds {short(value)}, which is not JSON", where=where, fix=_TURNS) from None
    if value is None or isinstance(value, float) and math.isnan(value):
        return None
    if not isinstance(value, list | tuple | np.ndarray):
        raise InputError(f"holds {short(value)}", where=where, fix=_TURNS)
    text = json.dumps([_message(turn, where) for turn in value], ensure_ascii=False)
    if not is_unicode(text):
        raise InputError(no_unicode(text), where=where)
    return text if len(value) else None


_TURNS = 'a list of messages, [{"role": "user", "content": "..."}, ...]'


def _message(turn, where: str) -> dict[str, str]:
    if not isinstance(turn, dict) or not isinstance(turn.get("content"), str):
        raise InputError(f"holds the message {short(turn)}", where=where, fix=_TURNS)
    if turn.get("role") not in ROLES:
        raise InputError(f"a message has the role {turn.get('role')!r}", where=where, fix=f"one of {', '.join(ROLES)}")
    return {"role": turn["role"], "content": turn["content"]}
