"""Source kind `table`: one row per pair in a file of any known format, with columns of any names.

Beside the pairs a record may name votes (columns of the same file), recorded judgements, recorded ratings, facts
about the queries, and groups; see `prefdissect.pairs.recorded` for these.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.pairs.checks import TEXTS, CheckedPairs, check_pairs
from prefdissect.pairs.columns import Place, as_label
from prefdissect.pairs.files import CSV_DELIMITERS, read_frame, require_columns
from prefdissect.pairs.recorded import (
    JUDGEMENT_KEY,
    read_annotations,
    read_groups,
    read_judgements,
    read_query_info,
    select,
    verdict_values,
    verdicts,
)
from prefdissect.pairs.source import Source
from prefdissect.tables import conform

OPTIONAL = ("pair_id", "prompt_id", "turns", "model_a", "model_b", "scenario", "language", "reference")


def read(record: dict, catalogue) -> Source:
    """Read a table of pairs and what belongs to it.

    Parameters
    ----------
    record
        `name`; `path`; `columns`: contract name -> the file's name (default: the contract's names); `votes`: list of
        {judge, column, values}; `judgements`: {path, columns, values}; `annotations`, `query_info`, `groups`: {path};
        `empty_responses`: error, keep or drop. Without pair_id a pair is called `<name>-<row number from 1>`.

    Raises
    ------
    InputError
        For anything wrong in the files, naming file, row and column.
    """
    path = str(record["path"])
    raw = read_frame(path)
    frame, names = select(raw, record.get("columns"), TEXTS, OPTIONAL, path)
    if Path(path).suffix.lower() in CSV_DELIMITERS:
        # CSV cannot tell a missing text from an empty one; `empty_responses` decides about the latter.
        frame = frame.assign(**{column: frame[column].fillna("") for column in TEXTS})
    place = Place.of_file(path, names)
    checked = check_pairs(frame, record, place)
    notes = dict(checked.notes)
    judgements = [vote_rows(raw, checked, vote, path) for vote in record.get("votes") or []]
    tables = {}
    for key, reader in (("annotations", read_annotations), ("query_info", read_query_info), ("groups", read_groups)):
        if record.get(key):
            extra = (catalogue,) if key == "annotations" else ()
            tables[key], left_out = reader(record[key], checked, *extra)
            _note(notes, key, left_out)
    if record.get("judgements"):
        rows, left_out = read_judgements(record["judgements"], checked)
        judgements.append(rows)
        _note(notes, "judgements", left_out)
    if judgements:
        tables["judgements"] = _together(judgements, record["name"])
    return Source(checked.pairs, notes=notes, **tables)


def vote_rows(raw: pd.DataFrame, checked: CheckedPairs, vote: dict, path: str) -> pd.DataFrame:
    """Verdicts of one judge that stand in a column of the pairs' own file, as table `judgements`.

    Raises
    ------
    InputError
        When the column is missing or holds a value that `values` does not list.
    """
    column = vote["column"]
    where = f"{path}, votes of `{vote['judge']}`"
    require_columns(raw, [column], where)
    verdict = verdicts(raw, column, verdict_values(vote.get("values"), where), Place.of_file(path)).loc[checked.rows]
    rows = pd.DataFrame({"pair_id": checked.pairs["pair_id"].to_numpy(), "verdict": verdict.to_numpy(dtype=object)})
    return judgement_rows(rows, vote["judge"])


def judgement_rows(rows: pd.DataFrame, judge: str) -> pd.DataFrame:
    """Complete verdicts (pair_id, verdict) of a judge that was shown each pair once, in an order that is not known."""
    status = rows["verdict"].notna().map({True: "ok", False: "unparsed"})
    return conform(rows.assign(judge=as_label(judge), sample=0, status=status, truncated=False), "judgements")


def _together(judgements: list[pd.DataFrame], name: str) -> pd.DataFrame:
    table = pd.concat(judgements, ignore_index=True)
    twice = table.duplicated(JUDGEMENT_KEY)
    if twice.any():
        row = table.loc[twice.idxmax()]
        problem = f"judge `{row['judge']}` judges pair `{row['pair_id']}` in `votes` or `judgements` more than once"
        raise InputError(problem, where=f"source `{name}`", fix="give every judge a name of its own")
    return table


def _note(notes: dict[str, int], table: str, left_out: int) -> None:
    if left_out:
        notes[f"rows of {table} about pairs with an empty response"] = left_out
