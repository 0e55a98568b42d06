"""Attributes of judges (size, family, stage ...): their values as levels, and how alike judges of one kind are."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from prefdissect.names import USUAL_ATTRIBUTES

NONE = "none"  # judges without a value


def level_text(value: object) -> str | None:
    """An attribute's value as text; None where there is none."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


def level_order(levels: pd.Series) -> list[str]:
    """Values of an attribute: numbers by size, then texts as they first occur."""
    found = list(dict.fromkeys(levels.dropna()))
    numbers = pd.to_numeric(pd.Series(found, dtype=object), errors="coerce")
    order = sorted(range(len(found)), key=lambda k: (np.isnan(numbers[k]), np.nan_to_num(numbers[k])))
    return [found[k] for k in order]


def cut(value: object, cuts: list[float]) -> str | None:
    """The class that a number falls into; [14, 40] makes <= 14, > 14 to 40 and > 40."""
    number = _as_number(value)
    if number == np.inf:
        return None
    place = int(np.searchsorted(sorted(cuts), number, side="left"))
    edges = [f"{edge:g}" for edge in sorted(cuts)]
    if place == 0:
        return f"≤ {edges[0]}"
    return f"> {edges[-1]}" if place == len(edges) else f"> {edges[place - 1]} to {edges[place]}"


def _as_number(value: object) -> float:
    """A value as a number; infinity where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.inf


def known_attributes(records: dict[str, dict]) -> list[str]:
    """Those of size, family and stage that any judge has."""
    there = {name for record in records.values() for name in record["attributes"]}
    return [name for name in USUAL_ATTRIBUTES if name in there]


def attribute_table(records: dict[str, dict], wanted: list[dict]) -> pd.DataFrame:
    """Attributes of the judges, index judge; numbers divided where `cuts` say so.

    Parameters
    ----------
    records
        The judges.
    wanted
        Attributes: name, and perhaps cuts.
    """
    columns = {}
    for entry in wanted:
        values = {judge: record["attributes"].get(entry["name"]) for judge, record in records.items()}
        if entry.get("cuts"):
            classes = {judge: cut(value, entry["cuts"]) for judge, value in values.items()}
            # By size, so that the classes come in their order.
            values = {judge: classes[judge] for judge in sorted(values, key=lambda judge: _as_number(values[judge]))}
        columns[entry["name"]] = pd.Series(values, dtype=object)
    return pd.DataFrame(columns)


def attribute_similarity(similarity: pd.DataFrame, attributes: pd.DataFrame, name: str) -> pd.DataFrame:
    """Mean similarity of judges within and between the values of one attribute.

    Parameters
    ----------
    similarity
        Columns judge_1, judge_2, value; each pair of judges once.
    attributes
        Index judge; a judge without a value counts as `none`.
    name
        Column of `attributes`.

    Returns
    -------
    DataFrame
        Columns attribute, level_1, level_2, value, n_pairs (pairs of judges); levels as text,
        numbers in their own order.
    """
    levels = attributes[name].map(level_text)
    named = [*level_order(levels), *([NONE] if levels.isna().any() else [])]
    levels, order = levels.fillna(NONE), {level: number for number, level in enumerate(named)}
    pairs = similarity.dropna(subset="value")
    first, second = pairs["judge_1"].map(levels), pairs["judge_2"].map(levels)
    swap = first.map(order) > second.map(order)
    table = pd.DataFrame(
        {
            "level_1": np.where(swap, second, first),
            "level_2": np.where(swap, first, second),
            "value": pairs["value"].to_numpy(),
        }
    )
    found = table.groupby(["level_1", "level_2"], sort=False)["value"].agg(["mean", "size"])
    rows = [
        (name, one, other, *(found.loc[(one, other)] if (one, other) in found.index else (np.nan, 0)))
        for one, other in itertools.combinations_with_replacement(order, 2)
    ]
    return pd.DataFrame(rows, columns=["attribute", "level_1", "level_2", "value", "n_pairs"]).astype({"n_pairs": int})
