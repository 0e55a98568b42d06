"""Source kind `released`: the data set of Li et al. 2024 (*Dissecting Human and LLM Preferences*) as released on the
Hugging Face hub, `GAIR/preference-dissection`: pairs, preferences of 33 judges, and ratings of both responses.

Built on the data card; the data set is gated and was not at hand.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from prefdissect.catalogue import Catalogue
from prefdissect.errors import InputError
from prefdissect.pairs import released_cells as cells
from prefdissect.pairs.checks import CheckedPairs, check_pairs, check_ratings
from prefdissect.pairs.columns import Place, short
from prefdissect.pairs.files import require_columns
from prefdissect.pairs.hub import data_files, read_files
from prefdissect.pairs.released_cells import BASIC, ERRORS, SIDES, SPECIFIC, Names
from prefdissect.pairs.source import Source
from prefdissect.tables import conform, empty_table, validate

ANNOTATOR = "released"
REFERENCE, LABELS, FINE, GROUP = "gpt-4-turbo_reference", "preference_labels", "scenario_auto-j", "scenario_group"
REQUIRED = ("query", "response_1", "response_2")
FLAGS = {"clear_intent": "clear intent", "feelings": "explicitly express feelings"}
LISTS = {
    "constraints": "explicit constraints",
    "stances": "explicit subjective stances",
    "mistakes": "explicit mistakes or biases",
}
RATED = tuple(form.format(side) for form in (BASIC, ERRORS, SPECIFIC) for side in SIDES)
KNOWN = (*REQUIRED, FINE, GROUP, REFERENCE, LABELS, *FLAGS.values(), *LISTS.values(), *RATED)
VERDICTS = {"response_1": "a", "response_2": "b"}
RESPONSE = {"content": "text", "model": "model", "num_words": "words"}


@dataclass(frozen=True)
class Reading:
    """What the cells of a row are read with."""

    catalogue: Catalogue
    names: Names
    place: Place
    lenient: bool


def read(record: dict, catalogue: Catalogue) -> Source:
    """Read the released data set.

    Parameters
    ----------
    record
        `name`; `path`: Parquet or JSON Lines, a file or a folder, or `dataset`: a hub id, with `revision`; `scenario`:
        group (default) or fine; `ignore_columns`: columns to pass over; `bad_ratings`: refuse (default) what is off its
        scale, or `zero`, the published way; `empty_responses`: error, keep or drop.
    catalogue
        Translates the published names of properties.

    Returns
    -------
    Source
        `judgements` by the published labels of the judges. `annotations` with the stored word counts. A rating that is
        missing is `failed`, a check of errors that is not applicable to a response is `not_applicable`, and so is a
        query-specific property that the analysis of the query does not call for. `query_info` per prompt; where the
        analyses of one prompt differ the first one counts.

    Raises
    ------
    InputError
        For a column, key or word that cannot be interpreted, by name; a file that is damaged; a data set that the hub
        does not give.
    """
    files = data_files(record)
    frame, place = read_files(files)
    where = str(files[0])
    require_columns(frame, REQUIRED, where)
    _refuse_unknown(frame, record.get("ignore_columns") or [], where)
    reading = Reading(catalogue, Names.of(catalogue), place, record.get("bad_ratings") == "zero")
    rows = _rows(frame)
    texts = _responses(rows, place)
    checked = check_pairs(_pairs(frame, texts, record), record, _text_place(place))
    ids = dict(zip(checked.rows, checked.pairs["pair_id"], strict=True))
    infos = {row: _info(rows[row], row, reading) for row in ids}
    errors = _checks(rows, ids, reading)
    notes = Counter()
    tables = {
        "judgements": _judgements(rows, ids, place),
        "annotations": _annotations(rows, texts, ids, infos, errors, reading, notes),
        "errors": _error_rows(errors, ids),
        "query_info": _query_info(infos, checked, notes),
    }
    passed_over = sum(check.unknown for pair in errors.values() for check in pair)
    notes["errors without a known severity, not counted"] += passed_over
    tables = {name: validate(conform(table, name), name, where) for name, table in tables.items()}
    return Source(checked.pairs, **tables, notes={**checked.notes, **{k: n for k, n in notes.items() if n}})


def _refuse_unknown(frame: pd.DataFrame, ignored: list[str], where: str) -> None:
    for column in ignored:
        if column not in frame:
            present = ", ".join(map(str, frame.columns))
            raise InputError(f"`ignore_columns`: there is no column `{column}`", where=where, fix=f"present: {present}")
    for column in frame:
        if column not in (*KNOWN, *ignored):
            fix = f"known: {', '.join(KNOWN)}; list it under `ignore_columns` to pass over it"
            raise InputError(f"column `{column}` cannot be interpreted", where=where, fix=fix)
    for column in RATED:
        twin = column[:-1] + {"1": "2", "2": "1"}[column[-1]]
        if column in frame and twin not in frame:
            raise InputError(f"column `{twin}` is missing", where=where, fix=f"`{column}` is of no use alone")
    if any(column in frame for column in RATED[4:]):
        require_columns(frame, (*FLAGS.values(), *LISTS.values()), where)


def _rows(frame: pd.DataFrame) -> list[dict]:
    """Rows as dicts, null as None (a column of numbers would hold NaN)."""
    rows = frame.astype(object).to_dict("records")
    return [{key: None if isinstance(v, float) and v != v else v for key, v in row.items()} for row in rows]


def _responses(rows: list[dict], place: Place) -> list[tuple[dict, dict]]:
    return [
        tuple(cells.named(row[column], RESPONSE, place.at(number, column)) for column in ("response_1", "response_2"))
        for number, row in enumerate(rows)
    ]


def _pairs(frame: pd.DataFrame, texts: list[tuple[dict, dict]], record: dict) -> pd.DataFrame:
    pairs = pd.DataFrame({"prompt": frame["query"]}, index=frame.index, dtype=object)
    for position, side in enumerate("ab"):
        for column, key in (("response", "text"), ("model", "model")):
            values = [pair[position].get(key) for pair in texts]
            pairs[f"{column}_{side}"] = pd.Series(values, index=frame.index, dtype=object)
    pairs["scenario"] = frame.get(FINE if record.get("scenario") == "fine" else GROUP)
    pairs["reference"] = frame.get(REFERENCE)
    return pairs


def _text_place(place: Place) -> Place:
    names = {"prompt": "query", "response_a": "response_1", "response_b": "response_2", "scenario": GROUP}
    return Place(place.label, {**names, "reference": REFERENCE})


def _judgements(rows: list[dict], ids: dict[int, str], place: Place) -> pd.DataFrame:
    votes = []
    for row, pair_id in ids.items():
        where = place.at(row, LABELS)
        for judge, label in cells.mapping(rows[row].get(LABELS), where).items():
            if label is None:
                continue
            if not isinstance(label, str) or label not in VERDICTS:
                fix = " or ".join(VERDICTS)
                raise InputError(f"the label is {short(label)}", where=f"{where}, judge `{judge}`", fix=fix)
            votes.append((judge, pair_id, VERDICTS[label]))
    if not votes:
        return empty_table("judgements")
    table = pd.DataFrame(votes, columns=["judge", "pair_id", "verdict"])
    return table.assign(sample=0, status="ok", truncated=False)


def _info(row: dict, number: int, reading: Reading) -> dict | None:
    """The analysis of a query; None where there is none."""
    if row.get(FLAGS["clear_intent"]) is None:
        return None
    info = {key: _yes(row, column, number, reading) for key, column in FLAGS.items()}
    return info | {key: cells.texts(row.get(column), reading.place.at(number, column)) for key, column in LISTS.items()}


def _yes(row: dict, column: str, number: int, reading: Reading) -> bool:
    value = row.get(column)
    word = value.strip().lower() if isinstance(value, str) else None
    if word not in ("yes", "no") and not reading.lenient:
        where = reading.place.at(number, column)
        raise InputError(f"holds {short(value)}", where=where, fix="Yes or No; or `bad_ratings: zero`")
    # The published code takes other words so: the intent is clear, no feelings are expressed.
    return word != "no" if column == FLAGS["clear_intent"] else word == "yes"


def _query_info(infos: dict[int, dict | None], checked: CheckedPairs, notes: Counter) -> pd.DataFrame:
    found: dict[str, dict] = {}
    pairs = checked.pairs[["prompt_id", "reference"]].itertuples(index=False)
    for row, pair in zip(checked.rows, pairs, strict=True):
        info = infos[row]
        if info is None:
            continue
        first = found.setdefault(pair.prompt_id, {**info, "reference": pair.reference})
        differs = any(first[key] != value for key, value in info.items())
        notes["query analyses that differ from an earlier one of the same prompt"] += differs
    if not found:
        return empty_table("query_info")
    table = pd.DataFrame([{"annotator": ANNOTATOR, "prompt_id": prompt, **info} for prompt, info in found.items()])
    return table.assign(**{key: table[key].map(lambda items: json.dumps(items, ensure_ascii=False)) for key in LISTS})


def _checks(rows: list[dict], ids: dict[int, str], reading: Reading) -> dict[int, tuple[cells.Check, cells.Check]]:
    """Checks of errors of both responses, by row."""
    columns = [ERRORS.format(side) for side in SIDES]
    return {
        row: tuple(
            cells.checked_errors(rows[row].get(column), reading.place.at(row, column), lenient=reading.lenient)
            for column in columns
        )
        for row in ids
        if columns[0] in rows[row]
    }


def _error_rows(checks: dict, ids: dict[int, str]) -> pd.DataFrame:
    listed = [
        {"annotator": ANNOTATOR, "pair_id": ids[row], "response": side, "n": n, **error}
        for row, pair in checks.items()
        if all(check.applicable for check in pair)
        for side, check in zip("ab", pair, strict=True)
        for n, error in enumerate(check.errors)
    ]
    return pd.DataFrame(listed) if listed else empty_table("errors")


def _annotations(rows, texts, ids, infos, checks, reading: Reading, notes: Counter) -> pd.DataFrame:
    """All ratings, checked against the scales of the catalogue."""
    length = next((prop.name for prop in reading.catalogue.values() if prop.family == "length"), None)
    found: dict[str, list[tuple]] = {BASIC: [], SPECIFIC: [], ERRORS: [], "response_{}": []}
    for row in ids:
        found[BASIC] += _basic(rows[row], row, reading)
        found[SPECIFIC] += _specific(rows[row], row, infos[row], reading, notes)
        found[ERRORS] += _counts(checks[row], row, reading) if row in checks else []
        words = [response.get("words") for response in texts[row]]
        if length and None not in words:
            found["response_{}"].append((row, length, 0, *words))
    blocks = [_block(values, ids, form, reading) for form, values in found.items() if values]
    if not blocks:
        return empty_table("annotations")
    return pd.concat(blocks, ignore_index=True).assign(annotator=ANNOTATOR)


def _block(values: list[tuple], ids: dict[int, str], form: str, reading: Reading) -> pd.DataFrame:
    """Rows (row, property, item, score_a, score_b) or (row, property, item, status) of one kind of column."""
    records = []
    for row, name, item, *rest in values:
        status = rest[0] if len(rest) == 1 else "failed" if None in rest else "ok"
        scores = rest if status == "ok" else [None, None]
        records.append((ids[row], name, item, *scores, status))
    columns = ["pair_id", "property", "item", "score_a", "score_b", "status"]
    sources = [row for row, *_ in values]
    place = Place(
        lambda number: reading.place.label(sources[number]),
        {"score_a": form.format(1), "score_b": form.format(2)},
    )
    frame = pd.DataFrame(records, columns=columns, dtype=object)
    return check_ratings(frame, reading.catalogue, place, "zero" if reading.lenient else "refuse")


def _basic(row: dict, number: int, reading: Reading) -> list[tuple]:
    columns = [BASIC.format(side) for side in SIDES]
    if columns[0] not in row:
        return []
    a, b = (cells.named(row[column], reading.names.basic, reading.place.at(number, column)) for column in columns)
    # Every property of the pass applies to every pair: what is missing on either side was not rated.
    names = dict.fromkeys(reading.names.basic.values()) if a or b else {}
    return [(number, name, 0, a.get(name), b.get(name)) for name in names]


def _specific(row: dict, number: int, info: dict | None, reading: Reading, notes: Counter) -> list[tuple]:
    columns = [SPECIFIC.format(side) for side in SIDES]
    if columns[0] not in row:
        return []
    a, b = (cells.specific_scores(row[c], reading.names, reading.place.at(number, c)) for c in columns)
    rows = []
    for name in dict.fromkeys(reading.names.specific.values()):
        ours, theirs = a.get(name, []), b.get(name, [])
        if len(ours) != len(theirs):
            problem = f"`{name}` has {len(ours)} scores here and {len(theirs)} in `{columns[1]}`"
            raise InputError(problem, where=reading.place.at(number, columns[0]), fix="as many for both responses")
        wanted = cells.called_for(reading.catalogue[name], info) if info else len(ours)
        notes["query-specific properties with another number of ratings than the query calls for"] += wanted != len(
            ours
        )
        rows += [(number, name, item, *scores) for item, scores in enumerate(zip(ours, theirs, strict=True))]
        if not ours:
            rows.append((number, name, 0, "failed" if wanted or info is None else "not_applicable"))
    return rows


def _counts(checks: tuple, number: int, reading: Reading) -> list[tuple]:
    """Errors by severity; no number where the check is not applicable to a response, or was not made."""
    rows = []
    for severity, name in reading.names.errors.items():
        if all(check.applicable for check in checks):
            counts = [sum(error["severity"] == severity for error in check.errors) for check in checks]
            rows.append((number, name, 0, *counts))
        else:
            said_no = any(check.applicable is False for check in checks)
            rows.append((number, name, 0, "not_applicable" if said_no else "failed"))
    return rows
