"""Judges whose verdicts exist already: people, and published runs."""

from __future__ import annotations

import pandas as pd

from prefdissect.errors import InputError


def select_recorded(judgements: pd.DataFrame, record: dict, pair_ids: set[str]) -> pd.DataFrame:
    """The verdicts of one judge among those of a source, on the pairs that the study keeps.

    Parameters
    ----------
    judgements
        Table `judgements` of the source; `judge` is the label as published.
    record
        The judge's record in the study.
    pair_ids
        Pairs of the study.

    Raises
    ------
    InputError
        When the source has no such judge, or none of its verdicts is on a pair of the study.
    """
    label = record.get("judge", record["label"])
    where = f"judge `{record['name']}`"
    mine = judgements[judgements["judge"] == label]
    if mine.empty:
        there = sorted(set(judgements["judge"]))
        shown = ", ".join(there[:20]) + (" ..." if len(there) > 20 else "")
        raise InputError(
            f"source `{record['source']}` holds no verdict of `{label}`",
            where=where,
            fix=f"it has: {shown or 'no judge'}",
        )
    mine = mine[mine["pair_id"].isin(pair_ids)]
    if mine.empty:
        raise InputError("none of its verdicts is on a pair of the study", where=where)
    return mine.assign(judge=record["name"]).reset_index(drop=True)
