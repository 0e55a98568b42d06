"""Files beside a table of pairs: recorded judgements, ratings, facts about the queries, and groups.

All take a record's entry (`{path, columns, values}` or just the path) and the pairs they must belong to, and give
the table and the number of rows left out because their pair was left out.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd

from prefdissect.catalogue import Catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.checks import CheckedPairs, check_ratings, keep_known_pairs
from prefdissect.pairs.columns import (
    Place,
    as_label,
    choices,
    flags,
    floats,
    labels,
    nothing,
    refuse_doubled,
    short,
    whole,
)
from prefdissect.pairs.files import read_frame, require_columns
from prefdissect.tables import ORDERS, SCHEMAS, STATUSES, VERDICTS, conform

JUDGEMENT_KEY = ["judge", "pair_id", "order", "sample"]
LISTS = ("constraints", "stances", "mistakes")
# Published log-probabilities are rounded, so that those of two tokens may add up to a little more than one.
MASS_TOLERANCE = 1e-3
_WHOLE = re.compile(r"^(-?\d+)\.0$")


def select(
    frame: pd.DataFrame, mapping: dict | None, required: tuple[str, ...], optional: tuple[str, ...], where: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Pick a file's columns and give them the contract's names.

    Parameters
    ----------
    mapping
        Contract name -> the file's name; None as the file's name leaves a column out. A contract column without an
        entry is looked for by its own name. Other columns of the file are ignored.

    Returns
    -------
    The frame with contract names, and contract name -> the file's name.

    Raises
    ------
    InputError
        When a mapped or required column is not in the file, or the mapping names no contract column.
    """
    mapping = mapping or {}
    unknown = [name for name in mapping if name not in (*required, *optional)]
    if unknown:
        known = ", ".join((*required, *optional))
        raise InputError(f"`columns` names `{unknown[0]}`, which is not read here", where=where, fix=f"known: {known}")
    chosen = {}
    for name in (*required, *optional):
        theirs = mapping.get(name, name)
        if theirs is not None and (name in mapping or name in required or theirs in frame):
            require_columns(frame, [theirs], where)
            chosen[name] = theirs
        elif name in required:
            raise InputError(f"`columns: {name}` is null", where=where, fix="this column is needed")
    return pd.DataFrame({name: frame[theirs] for name, theirs in chosen.items()}, index=frame.index), chosen


def verdict_values(values: dict | None, where: str) -> dict[str | None, str | None]:
    """The file's value (as text; None = empty cell) -> a, b, tie or None; by default these stand for themselves."""
    known = {as_label(key): value for key, value in (values or dict(zip(VERDICTS, VERDICTS, strict=True))).items()}
    for key, value in known.items():
        if value is not None and value not in VERDICTS:
            fix = f"one of {', '.join(VERDICTS)}, or null for no verdict"
            raise InputError(f"`values` turns `{key}` into `{value}`", where=where, fix=fix)
    return {None: None} | known


def verdicts(frame: pd.DataFrame, column: str, known: dict, place: Place) -> pd.Series:
    """Translate a column of labels with `verdict_values`; numbers and truth values compare as text (1.0 is "1").

    Raises
    ------
    InputError
        For a value that is not listed.
    """
    names = labels(frame, column, place)
    # A CSV file written from numbers with gaps holds 1.0 where 1 is meant.
    found = [name if name in known else _WHOLE.sub(r"\1", name or "") or None for name in names]
    bad = pd.Series([name not in known for name in found], index=frame.index)
    listed = ", ".join(key for key in known if key is not None)
    fix = f"one of {listed}, or empty; `values` translates others into a, b, tie or null"
    place.refuse(bad, column, lambda value: f"holds `{value}`, which is no verdict", names, fix)
    return pd.Series([known[name] for name in found], index=frame.index, dtype=object)


def read_judgements(entry, checked: CheckedPairs) -> tuple[pd.DataFrame, int]:
    """Judgements of a file in the contract's columns (or mapped ones) as table `judgements`.

    A row without a verdict takes the answer with the larger log-probability, else the larger rating (equal = tie);
    where these are missing too it stays without a verdict, with the status unparsed unless another one is given.

    Raises
    ------
    InputError
        For a missing column, an unknown pair, verdict, order or status, a positive or infinite log-probability,
        two answers that are together more likely than certain, and a judgement that occurs twice.
    """
    path, entry = _entry(entry)
    columns = tuple(column for column in SCHEMAS["judgements"].columns if column not in ("judge", "pair_id"))
    frame, names = select(read_frame(path), entry.get("columns"), ("judge", "pair_id"), columns, path)
    if not ({"verdict"} <= set(names) or {"logp_a", "logp_b"} <= set(names) or {"rating_a", "rating_b"} <= set(names)):
        fix = "verdict, or logp_a and logp_b, or rating_a and rating_b"
        raise InputError("no column says what the judges preferred", where=path, fix=fix)
    place = Place.of_file(path, names)
    known = keep_known_pairs(frame, checked, place)
    result = known[["pair_id"]].assign(
        judge=labels(known, "judge", place, nullable=False),
        order=choices(known, "order", ORDERS, place),
        sample=whole(known, "sample", place),
        truncated=flags(known, "truncated", place),
        **{column: floats(known, column, place) for column in ("rating_a", "rating_b")},
        **_log_probabilities(known, place),
    )
    given = verdicts(known, "verdict", verdict_values(entry.get("values"), path), place)
    result["verdict"], result["status"] = _outcome(known, given, derived_verdicts(result), place)
    refuse_doubled(result, JUDGEMENT_KEY, place)
    return conform(result, "judgements"), len(frame) - len(known)


def _outcome(frame: pd.DataFrame, given: pd.Series, derived: pd.Series, place: Place) -> tuple[pd.Series, pd.Series]:
    """Verdict and status; a request that failed has no verdict, and one without a verdict is not ok."""
    status = choices(frame, "status", STATUSES, place)
    failed = status.notna() & (status != "ok")
    fix = "leave the verdict empty, or the status"
    both = failed & given.notna()
    place.refuse(both, "status", lambda value: f"is `{value}` though there is a verdict", status, fix)
    verdict = given.where(given.notna() | failed, derived)
    return verdict, status.where(failed, verdict.notna().map({True: "ok", False: "unparsed"}))


def derived_verdicts(frame: pd.DataFrame) -> pd.Series:
    """Verdict that log-probabilities imply, or else ratings; None where neither is complete."""
    result = nothing(frame.index)
    for a, b in (("rating_a", "rating_b"), ("logp_a", "logp_b")):  # the latter overrides the former
        difference = frame[a] - frame[b]
        for verdict, chosen in (("a", difference > 0), ("b", difference < 0), ("tie", difference == 0)):
            result = result.mask(chosen, verdict)
    return result


def _log_probabilities(frame: pd.DataFrame, place: Place) -> dict[str, pd.Series]:
    result = {column: floats(frame, column, place) for column in ("logp_a", "logp_b", "mass")}
    for column in ("logp_a", "logp_b"):
        place.refuse(result[column] > 1e-6, column, _positive, result[column], "a natural logarithm, at most 0")
    total = np.exp(result["logp_a"]) + np.exp(result["logp_b"])
    place.refuse(total > 1 + MASS_TOLERANCE, "logp_b", _above_one, total, "at most 1")
    outside = (result["mass"] < 0) | (result["mass"] > 1 + MASS_TOLERANCE)
    place.refuse(outside, "mass", lambda value: f"holds the probability {value:g}", result["mass"], "0 to 1")
    result["mass"] = result["mass"].fillna(total).clip(upper=1.0)
    return result


def _positive(value: float) -> str:
    return f"holds the positive log-probability {value:g}"


def _above_one(total: float) -> str:
    return f"together with logp_a gives the two answers the probability {total:.4g}"


def read_annotations(entry, checked: CheckedPairs, catalogue: Catalogue) -> tuple[pd.DataFrame, int]:
    """Ratings of a file in long form (pair_id, property, score_a, score_b; item, status) as table `annotations`."""
    path, options = _entry(entry)
    required, optional = ("pair_id", "property", "score_a", "score_b"), ("item", "status")
    frame, names = select(read_frame(path), None, required, optional, path)
    place = Place.of_file(path, names)
    known = keep_known_pairs(frame, checked, place)
    ratings = check_ratings(known, catalogue, place, options.get("bad_ratings", "refuse")).assign(annotator="recorded")
    return conform(ratings, "annotations"), len(frame) - len(known)


def read_query_info(entry, checked: CheckedPairs) -> tuple[pd.DataFrame, int]:
    """Facts about queries as table `query_info`; a row is about a prompt_id, or about the prompt of a pair_id.

    Raises
    ------
    InputError
        For an unknown prompt or pair, a truth value or list that is none, and two unlike rows about one prompt.
    """
    path, _ = _entry(entry)
    frame = read_frame(path)
    key = "prompt_id" if "prompt_id" in frame else "pair_id"
    frame, names = select(frame, None, (key, "clear_intent", "feelings"), (*LISTS, "reference"), path)
    place = Place.of_file(path, names)
    known = _with_prompt_id(frame, checked, place)
    result = known[["prompt_id"]].assign(
        annotator="recorded",
        reference=labels(known, "reference", place),
        **{column: flags(known, column, place, nullable=False) for column in ("clear_intent", "feelings")},
        **{column: _json_lists(known, column, place) for column in LISTS},
    )
    result = result.drop_duplicates()
    refuse_doubled(result, ["prompt_id"], place)
    return conform(result, "query_info"), len(frame) - len(known)


def _with_prompt_id(frame: pd.DataFrame, checked: CheckedPairs, place: Place) -> pd.DataFrame:
    if "prompt_id" not in frame:
        known = keep_known_pairs(frame, checked, place)
        return known.assign(prompt_id=known["pair_id"].map(checked.pairs.set_index("pair_id")["prompt_id"]))
    prompts = labels(frame, "prompt_id", place, nullable=False)
    there = prompts.isin(set(checked.pairs["prompt_id"]))
    if not checked.dropped:  # else the prompt may have gone with its pairs
        place.refuse(~there, "prompt_id", lambda value: f"prompt `{value}` is not among those of this source", prompts)
    return frame.assign(prompt_id=prompts)[there]


def _json_lists(frame: pd.DataFrame, column: str, place: Place) -> pd.Series:
    if column not in frame:
        return pd.Series("[]", index=frame.index, dtype=object)
    texts = [_json_list(value, place.at(row, column)) for row, value in frame[column].items()]
    return pd.Series(texts, index=frame.index, dtype=object)


def _json_list(value, where: str) -> str:
    """A list of texts, given as such or as JSON text, as JSON text; a missing one is empty."""
    items = value
    if isinstance(value, str):
        try:
            items = json.loads(value)
        except ValueError:
            items = None
    elif value is None or isinstance(value, float):
        items = []
    if isinstance(items, np.ndarray):
        items = items.tolist()
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise InputError(f"holds {short(value)}", where=where, fix='a list of texts, ["...", "..."]')
    return json.dumps(items, ensure_ascii=False)


def read_groups(entry, checked: CheckedPairs) -> tuple[pd.DataFrame, int]:
    """Membership in groups that a file states (pair_id, group) as table `groups`, of the kind `defined`."""
    path, _ = _entry(entry)
    frame, names = select(read_frame(path), None, ("pair_id", "group"), (), path)
    place = Place.of_file(path, names)
    known = keep_known_pairs(frame, checked, place)
    result = known[["pair_id"]].assign(group=labels(known, "group", place, nullable=False), kind="defined")
    refuse_doubled(result, ["pair_id", "group"], place)
    return conform(result, "groups"), len(frame) - len(known)


def _entry(entry) -> tuple[str, dict]:
    return (str(entry["path"]), entry) if isinstance(entry, dict) else (str(entry), {})
