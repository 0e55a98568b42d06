"""Ratings of the same thing, side by side: what reliability is measured on."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

KEY = ["comparison", "annotator_1", "annotator_2", "property"]
COLUMNS = [*KEY, "pair_id", "item", "turn", "a_1", "b_1", "a_2", "b_2"]
_ITEM = ["annotator", "pair_id", "property", "item"]


def matched_ratings(annotations: pd.DataFrame, repeats: pd.DataFrame) -> pd.DataFrame:
    """Two ratings of both responses of a pair per row, wherever something was rated twice.

    Parameters
    ----------
    annotations
        Table `annotations` of all annotators, in their order of precedence.
    repeats
        Table `annotation_repeats` of those that rated again.

    Returns
    -------
    DataFrame
        `comparison` (repeats, orders or annotators), `annotator_1`, `annotator_2`, `property`, `pair_id`, `item`,
        `turn` (which two ratings), the scores `a_1`, `b_1` of the first rating and `a_2`, `b_2` of the second.
        Failed ratings, and those of a property that does not apply to the query, are in no row.
    """
    rated = repeats[repeats["status"] == "ok"]
    parts = [_repeated(rated), _exchanged(rated), *_of_annotators(annotations[annotations["status"] == "ok"])]
    found = [part[COLUMNS] for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def _side_by_side(first: pd.DataFrame, second: pd.DataFrame, on: list[str], comparison: str) -> pd.DataFrame:
    names = {f"score_{side}_{k}": f"{side}_{k}" for side in "ab" for k in (1, 2)}
    both = first.merge(second, on=on, suffixes=("_1", "_2")).rename(columns=names)
    return both.assign(comparison=comparison)


def _of_itself(both: pd.DataFrame) -> pd.DataFrame:
    return both.assign(annotator_1=both["annotator"], annotator_2=both["annotator"])


def _repeated(rated: pd.DataFrame) -> pd.DataFrame:
    """Every two repeats with the responses in the same order; without an order each was rated by itself."""
    rated = rated.assign(order=rated["order"].astype(object).where(rated["order"].notna(), "single"))
    both = _side_by_side(rated, rated, [*_ITEM, "order"], "repeats")
    both = both[both["repeat_1"] < both["repeat_2"]]
    turn = both["order"] + both["repeat_1"].astype(str) + "-" + both["repeat_2"].astype(str)
    return _of_itself(both.assign(turn=turn))


def _exchanged(rated: pd.DataFrame) -> pd.DataFrame:
    """The same repeat with the one and the other response shown first."""
    orders = [rated[rated["order"] == order] for order in ("ab", "ba")]
    both = _side_by_side(*orders, [*_ITEM, "repeat"], "orders")
    return _of_itself(both.assign(turn=both["repeat"].astype(str)))


def _of_annotators(rated: pd.DataFrame) -> list[pd.DataFrame]:
    """Every two annotators. Each found constraints, stances and mistakes of its own: means over these are compared."""
    # Annotators keep their order of precedence.
    means = rated.groupby(["annotator", "pair_id", "property"], sort=False)[["score_a", "score_b"]].mean().reset_index()
    parts = dict(list(means.assign(item=0, turn="").groupby("annotator", sort=False)))
    return [
        _side_by_side(parts[one], parts[other], ["pair_id", "property", "item", "turn"], "annotators")
        for one, other in combinations(parts, 2)
    ]
