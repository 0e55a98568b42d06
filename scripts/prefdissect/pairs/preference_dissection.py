"""The files of Li et al. 2024 (*Dissecting Human and LLM Preferences*) as their authors publish them.

Pairs, one JSON object per line; resolved annotations, one line per annotated pair with a comparison of the two
responses for every property; lists of row numbers per group; and lists of "A" and "B" per judge. Rows are numbered
from 0 in the order of the pairs file: the lists go by these numbers, also where a pair has no annotation.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from prefdissect.catalogue import CASES, Catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.checks import check_pairs, check_ratings
from prefdissect.pairs.columns import Place, choices, labels, short
from prefdissect.pairs.files import read_frame, read_json, require_columns, row_label
from prefdissect.pairs.source import Source
from prefdissect.tables import conform, empty_table, validate

HUMAN, ANNOTATOR = "human", "published"
WINNERS = {"model_a": "a", "model_b": "b", "tie": "tie", "tie (bothbad)": "tie"}
LABELS = {"A": "a", "B": "b"}
WORDS = {"score_a": "response_a word", "score_b": "response_b word"}
ALL, NOT_APPLICABLE, SEVERITIES = "all", 999, ("Severe", "Moderate", "Minor")
QUERY_LISTS = {
    "constraints": "explicit constraints",
    "stances": "explicit subjective stances",
    "mistakes": "explicit mistakes or biases",
}
REFERENCE = "gpt4_ref_output"


def read(record: dict, catalogue: Catalogue) -> Source:
    """Read the published pairs and what goes with them.

    Parameters
    ----------
    record
        `name`; `path`: pairs; if there: `annotations`: resolved annotations; `groups`: query_aware_idxs.json;
        `labels`: judge label -> list of "A"/"B"; `empty_responses`: error, keep or drop.
    catalogue
        Translates the published names of properties.

    Returns
    -------
    Source
        `judgements`: the user's vote as judge `human`, and the lists. `features`: the comparisons; a pair whose errors
        could not be checked (999) has none, and its error properties are marked not applicable in `annotations`,
        which also holds the stored word counts where no length comparison is published. `groups`: the cases (scenario
        lists become the pairs' scenario). `query_info` only without lists of cases, which it would contradict where
        a prompt occurs twice.

    Raises
    ------
    InputError
        When a file is damaged or not of the published form, or files do not fit together.
    """
    path = record["path"]
    frame = read_frame(path)
    require_columns(frame, ("prompt", "response_a", "response_b"), path)
    place = Place.of_file(path, {"pair_id": "id", "reference": REFERENCE, **WORDS})
    ids = _pair_ids(frame, place)
    lists = _group_lists(record.get("groups"), len(frame))
    scenario = _scenarios(frame, lists, record.get("groups"), place)
    pairs = frame[["prompt", "response_a", "response_b"]].assign(pair_id=ids, scenario=scenario)
    for column, published in (("model_a", "model_a"), ("model_b", "model_b"), ("reference", REFERENCE)):
        pairs[column] = frame.get(published)
    checked = check_pairs(pairs, record, place)
    annotated = _annotated(record.get("annotations"), frame, lists.get(ALL), place)
    known = {**catalogue.published_names(), **{name: name for name in catalogue}}
    compared = {row: _compared(entry, known, catalogue) for row, entry in annotated.items()}
    tables = {
        "judgements": _judgements(frame, ids, record.get("labels") or {}, place),
        "features": _features(compared, ids),
        "annotations": _annotations(compared, frame, ids, catalogue, place, complete=not record.get("annotations")),
        "groups": _case_groups(lists, ids),
    }
    kept = set(checked.pairs["pair_id"])
    tables = {name: table[table["pair_id"].isin(kept)].reset_index(drop=True) for name, table in tables.items()}
    notes = _notes(compared, len(frame) if record.get("annotations") else 0)
    if not any(case in lists for case in CASES.values()):
        prompts = ids.map(checked.pairs.set_index("pair_id")["prompt_id"]).dropna()
        tables["query_info"], repeated = _query_info(annotated, prompts, frame)
        notes |= {"query analyses that differ from an earlier one of the same prompt": repeated}
    tables = {name: validate(conform(table, name), name, path) for name, table in tables.items()}
    return Source(checked.pairs, **tables, notes={k: n for k, n in notes.items() if n} | checked.notes)


def _pair_ids(frame: pd.DataFrame, place: Place) -> pd.Series:
    if "id" in frame:
        numbers = labels(frame.rename(columns={"id": "pair_id"}), "pair_id", place, nullable=False)
    else:
        numbers = frame.index.to_series().astype(str)
    return numbers.map(lambda number: f"preference-dissection-{number.zfill(4)}").astype(object)


def _group_lists(path: str | None, n_pairs: int) -> dict[str, list[int]]:
    if not path:
        return {}
    lists = read_json(path)
    if not isinstance(lists, dict):
        raise InputError(f"holds {short(lists)}", where=path, fix="an object, group -> list of row numbers")
    for group, rows in lists.items():
        _check_rows(rows, n_pairs, f"{path}: group `{group}`")
    return lists


def _check_rows(rows, n_pairs: int, where: str) -> None:
    if not isinstance(rows, list):
        raise InputError(f"holds {short(rows)}", where=where, fix="a list of row numbers")
    if len(rows) > n_pairs:
        raise InputError(f"lists {len(rows)} rows where there are {n_pairs} pairs", where=where)
    for row in rows:
        if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row < n_pairs:
            fix = f"row numbers from 0 to {n_pairs - 1}, those of the pairs file"
            raise InputError(f"lists row {short(row)}", where=where, fix=fix)
    twice = [row for row, count in Counter(rows).items() if count > 1]
    if twice:
        raise InputError(f"lists row {twice[0]} twice", where=where)


def _scenarios(frame: pd.DataFrame, lists: dict, path: str | None, place: Place) -> pd.Series:
    """Scenario group of each row: stated with the pair, or by the lists whose name begins with a capital."""
    column = "group" if "group" in frame else "scenario"
    scenarios = labels(frame, column, place)
    stated = scenarios.where(scenarios.notna(), None).to_dict() if column == "group" else {}
    for group, rows in lists.items():
        if not group[:1].isupper():
            continue
        for row in rows:
            if stated.get(row) not in (None, group):
                problem = f"lists row {row}, which belongs to `{stated[row]}`"
                raise InputError(
                    problem, where=f"{path}: group `{group}`", fix=f"one scenario per pair; {place.label(row)}"
                )
            stated[row] = group
    return scenarios.where(~scenarios.index.isin(list(stated)), scenarios.index.map(stated.get)).astype(object)


def _case_groups(lists: dict[str, list[int]], ids: pd.Series) -> pd.DataFrame:
    cases = set(CASES.values())
    members = [
        (ids.loc[row], group, "case" if group in cases else "defined")
        for group, rows in lists.items()
        if group != ALL and not group[:1].isupper()
        for row in rows
    ]
    return conform(pd.DataFrame(members, columns=["pair_id", "group", "kind"]), "groups")


def _judgements(frame: pd.DataFrame, ids: pd.Series, files: Mapping[str, str], place: Place) -> pd.DataFrame:
    votes = {}
    if "winner" in frame:
        votes[HUMAN] = choices(frame, "winner", WINNERS, place).map(WINNERS.get)
    for judge, path in files.items():
        if judge in votes:
            raise InputError(f"label `{judge}` is the vote stored as `winner` already", where=path, fix="leave it out")
        votes[judge] = _label_list(path, len(frame))
    blocks = [
        pd.DataFrame({"judge": judge, "pair_id": ids, "verdict": verdicts})[verdicts.notna()]
        for judge, verdicts in votes.items()
    ]
    if not blocks:
        return empty_table("judgements")
    rows = pd.concat(blocks, ignore_index=True)
    return conform(rows.assign(sample=0, status="ok", truncated=False), "judgements")


def _label_list(path: str, n_pairs: int) -> pd.Series:
    values = read_json(path)
    if not isinstance(values, list) or len(values) != n_pairs:
        held = f"{len(values)} labels" if isinstance(values, list) else short(values)
        raise InputError(f"holds {held}", where=path, fix=f'a list of {n_pairs} labels "A" or "B", one per pair')
    for number, value in enumerate(values, start=1):
        if not isinstance(value, str) or value not in LABELS:
            raise InputError(f"entry {number} is {short(value)}", where=path, fix='"A" or "B"')
    return pd.Series([LABELS[value] for value in values], dtype=object)


@dataclass(frozen=True)
class Entry:
    """One line of the annotations, and the word counts stored with its pair."""

    where: str
    comparison: object
    query: object
    words: tuple


def _annotated(path: str | None, frame: pd.DataFrame, listed: list[int] | None, place: Place) -> dict[int, Entry]:
    """Row number of each annotated pair -> its annotation."""
    if not path:
        return {}
    annotations = read_frame(path)
    require_columns(annotations, ("comparison",), path)
    entries = {}
    for position, row in enumerate(_row_numbers(annotations, path, frame, listed, place)):
        comparison, query = (annotations.get(key, {}).get(position) for key in ("comparison", "query_info"))
        words = tuple(frame.get(column, {}).get(row) for column in WORDS.values())
        if comparison is not None:
            entries[row] = Entry(row_label(path, position), comparison, query, words)
    return entries


def _row_numbers(annotations: pd.DataFrame, path: str, frame: pd.DataFrame, listed, place: Place) -> list[int]:
    """Which pair each annotation is about: by `id`, by position, or by the published list `all`.

    The published code writes no line for a pair whose annotation could not be parsed, and keeps its row out of `all`.
    """
    if "id" in annotations and "id" in frame:
        rows = {number: row for row, number in labels(frame, "id", place).items()}
        own = Place.of_file(path)
        numbers = labels(annotations, "id", own, nullable=False)
        own.refuse(~numbers.isin(list(rows)), "id", lambda number: f"pair `{number}` is not among the pairs", numbers)
        own.refuse(numbers.duplicated(), "id", lambda number: f"pair `{number}` was annotated already", numbers)
        return [rows[number] for number in numbers]
    if len(annotations) == len(frame):
        return list(range(len(frame)))
    if listed is not None and len(listed) == len(annotations):
        return sorted(listed)
    raise InputError(
        f"holds {len(annotations)} annotations for {len(frame)} pairs, and nothing says whose they are",
        where=path,
        fix="one line per pair, or `groups` with a list `all` of the rows annotated, or a key `id` in both files",
    )


def _compared(entry: Entry, known: dict[str, str], catalogue: Catalogue) -> dict[str, tuple[int, float]] | None:
    """Property -> (sign, graded difference); None where the errors could not be checked."""
    if not isinstance(entry.comparison, Mapping):
        raise InputError(f"`comparison` is {short(entry.comparison)}", where=entry.where, fix="an object per property")
    compared, unchecked = {}, False
    for key, sign, graded in _differences(entry):
        name = known.get(key)
        if name is None:
            raise InputError(f"property `{key}` is unknown", where=entry.where, fix="see `published` in the catalogue")
        unchecked |= catalogue[name].family == "errors" and sign == NOT_APPLICABLE
        if unchecked:
            continue
        if isinstance(sign, bool) or sign not in (-1, 0, 1):
            raise InputError(f"`comparison` of `{key}` is {short(sign)}", where=entry.where, fix="-1, 0 or 1")
        if isinstance(graded, bool) or not isinstance(graded, int | float) or not math.isfinite(graded):
            raise InputError(f"`norm_diff` of `{key}` is {short(graded)}", where=entry.where, fix="a number")
        compared[name] = (int(sign), float(min(max(graded, -1.0), 1.0)))
    return None if unchecked else compared


def _differences(entry: Entry) -> Iterator[tuple[str, object, object]]:
    """Published name, comparison and graded difference; errors come as one entry, repetition with the other sign."""
    for key, value in entry.comparison.items():
        if not isinstance(value, Mapping):
            raise InputError(f"`{key}` is {short(value)}", where=entry.where, fix="comparison, diff, norm_diff, meta")
        sign, graded = value.get("comparison"), value.get("norm_diff")
        if key == "accuracy":
            for severity in SEVERITIES:
                parts = [part.get(severity) if isinstance(part, Mapping) else part for part in (sign, graded)]
                yield f"no {severity.lower()} errors", *parts
        elif key == "repetitive":
            yield "non-repetitive", *(-part if isinstance(part, int | float) else part for part in (sign, graded))
        else:
            _check_words(key, value.get("meta"), entry)
            yield key, sign, graded


def _check_words(key: str, meta, entry: Entry) -> None:
    """The counts behind the length comparison are those of the pair, or the lines are not about the same pairs."""
    if key != "length" or not isinstance(meta, Mapping) or any(count is None for count in entry.words):
        return
    counts = (meta.get("Response 1"), meta.get("Response 2"))
    if None not in counts and counts != entry.words:
        theirs, mine = (" and ".join(map(str, words)) for words in (counts, entry.words))
        problem = f"compares responses of {theirs} words, but its pair has {mine}"
        raise InputError(problem, where=entry.where, fix="annotations and pairs must be in the same order")


def _features(compared: dict[int, dict | None], ids: pd.Series) -> pd.DataFrame:
    rows = [
        (ids.loc[row], name, sign, graded, ANNOTATOR)
        for row, properties in compared.items()
        for name, (sign, graded) in (properties or {}).items()
    ]
    return conform(pd.DataFrame(rows, columns=["pair_id", "property", "sign", "graded", "annotator"]), "features")


def _annotations(compared: dict, frame: pd.DataFrame, ids: pd.Series, catalogue, place: Place, *, complete: bool):
    """Error properties that do not apply, and word counts where no length comparison is published.

    `complete` asks for the word counts of every pair: there are no published annotations at all.
    """
    errors = [prop.name for prop in catalogue.values() if prop.family == "errors"]
    unchecked = [(ids.loc[row], name) for row, properties in compared.items() if properties is None for name in errors]
    table = pd.DataFrame(unchecked, columns=["pair_id", "property"]).assign(item=0, status="not_applicable")
    length = next((prop.name for prop in catalogue.values() if prop.family == "length"), None)
    lacking = [row for row, properties in compared.items() if properties is not None and length not in properties]
    rows = frame.loc[frame.index if complete else lacking]
    if length and len(rows) and set(WORDS.values()) <= set(frame.columns):
        rows = rows[rows[list(WORDS.values())].notna().all(axis=1)]
        counted = pd.DataFrame({"pair_id": ids.loc[rows.index], "property": length}, index=rows.index)
        counted = counted.assign(**{score: rows[column] for score, column in WORDS.items()})
        table = pd.concat([table, check_ratings(counted, catalogue, place)], ignore_index=True)
    return conform(table.assign(annotator=ANNOTATOR), "annotations")


def _query_info(annotated: dict[int, Entry], prompts: pd.Series, frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Query analyses, one per prompt (the first), and how many others of the same prompt differ."""
    found, repeated = {}, 0
    for row, entry in annotated.items():
        if entry.query is None or row not in prompts.index:
            continue
        info = _query_row(entry)
        first = found.setdefault(prompts.loc[row], {**info, "reference": frame.get(REFERENCE, {}).get(row)})
        repeated += any(first[key] != info[key] for key in info)
    table = pd.DataFrame([{"annotator": ANNOTATOR, "prompt_id": prompt, **info} for prompt, info in found.items()])
    return table, repeated


def _query_row(entry: Entry) -> dict:
    if not isinstance(entry.query, Mapping):
        raise InputError(f"`query_info` is {short(entry.query)}", where=entry.where, fix="an object")
    lists = {column: entry.query.get(key) for column, key in QUERY_LISTS.items()}
    for column, items in lists.items():
        if not isinstance(items, list):
            raise InputError(f"`{QUERY_LISTS[column]}` is {short(items)}", where=entry.where, fix="a list, maybe empty")
    # Other words than Yes and No are taken as the published code takes them.
    flags = {
        "clear_intent": entry.query.get("clear intent") != "No",
        "feelings": entry.query.get("explicitly express feelings") == "Yes",
    }
    return {**flags, **{column: json.dumps(items, ensure_ascii=False) for column, items in lists.items()}}


def _notes(compared: dict[int, dict | None], n_pairs: int) -> dict[str, int]:
    usable = [properties for properties in compared.values() if properties is not None]
    every = {name for properties in usable for name in properties}
    return {
        "pairs without an annotation": max(n_pairs - len(compared), 0),
        "pairs whose errors could not be checked (no features)": len(compared) - len(usable),
        "annotated pairs that lack a property others have": sum(set(p) != every for p in usable),
    }
