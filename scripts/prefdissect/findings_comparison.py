"""What a study found about likeness: sentences on kinds of judges, clusters, aligned versions and differences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.attributes import NONE, attribute_similarity, attribute_table

N_LISTED = 3
PAIRS_SHARE = "pairs of judges share judges, so this describes and does not test"


def describe_kinds(similarity: pd.DataFrame, records: dict[str, dict], wanted: list[dict]) -> list[str]:
    """How alike judges with the same and with different values of an attribute are.

    Parameters
    ----------
    similarity
        Columns judge_1, judge_2, value of one group and metric.
    records
        The judges.
    wanted
        Attributes: name, and perhaps cuts and chosen_after_seeing.
    """
    sentences = []
    for entry in wanted:
        table = attribute_similarity(similarity, attribute_table(records, [entry]), entry["name"])
        known = table[(table["level_1"] != NONE) & (table["level_2"] != NONE) & (table["n_pairs"] > 0)]
        inside = known[known["level_1"] == known["level_2"]]
        between = known[known["level_1"] != known["level_2"]]
        if inside.empty or between.empty:
            continue
        each = "; ".join(f"{row.level_1}: {row.value:.3f} ({row.n_pairs} pairs)" for row in inside.itertuples())
        cut = ", a division chosen after seeing the data" if entry.get("chosen_after_seeing") else ""
        sentences.append(
            f"By {entry['name']}{cut}: mean similarity of judges of one kind {each}; of different kinds "
            f"{_mean(between):.3f} ({between['n_pairs'].sum()} pairs); {PAIRS_SHARE}."
        )
    return sentences


def _mean(table: pd.DataFrame) -> float:
    return float((table["value"] * table["n_pairs"]).sum() / table["n_pairs"].sum())


def describe_clusters(clusters: pd.DataFrame, linkage: pd.DataFrame, records: dict[str, dict], unit: str) -> list[str]:
    """The clusters, and how many branches of the tree resamples agree on."""
    if clusters["cluster"].nunique() < 2:
        return []
    parts = []
    for number, part in clusters.groupby("cluster"):
        names = [records[judge]["label"] for judge in part["judge"]]
        listed = ", ".join(names[:N_LISTED]) + (f" and {len(names) - N_LISTED} more" if len(names) > N_LISTED else "")
        parts.append(f"{number}: {listed}")
    sentence = f"Average linkage divides the judges into {clusters['cluster'].nunique()} clusters ({'; '.join(parts)})."
    support = linkage["support"].dropna() if "support" in linkage else pd.Series(dtype=float)
    if len(support) > 1:
        inner = support.iloc[:-1]  # the root is in every tree
        sentence += (
            f" {int((inner >= 0.95).sum())} of the {len(inner)} inner branches of the tree are found in at least 95 % "
            f"of the resamples of {unit}; the others are not to be relied on."
        )
    return [sentence]


def describe_aligned(table: pd.DataFrame, records: dict[str, dict]) -> list[str]:
    """How near aligned judges stay to their base models; `table` has columns base, aligned, value."""
    if table.empty:
        return []
    mean = table.groupby("base")["value"].agg(["mean", "size"]).sort_values("mean")
    first, rest = mean.iloc[0], mean.iloc[1:]
    sentence = (
        f"Aligned judges against the base models they were made from: furthest away are those of "
        f"{records[mean.index[0]]['label']}, similarity {first['mean']:.3f} (mean over {first['size']:.0f})"
    )
    if len(rest):
        low, high = rest["mean"].min(), rest["mean"].max()
        sentence += f"; for the other {len(rest)} base models it lies between {low:.2f} and {high:.2f}"
    return [sentence + "."]


def describe_difference(
    table: pd.DataFrame, judges: tuple[str, str], property_labels: dict[str, str], test: bool
) -> str:
    """The largest differences of two judges; where `test`, only those whose interval excludes 0.

    Parameters
    ----------
    table
        Columns property, value, q025, q975.
    judges
        Labels of the two judges.
    property_labels
        Texts for properties.
    test
        Whether the intervals say how exact the fits are.
    """
    told = table[(table["q025"] > 0) | (table["q975"] < 0)] if test else table[table["value"].abs() > 0]
    both = f"{judges[0]} against {judges[1]}"
    if told.empty:
        return f"{both}: no difference can be told from none, which is no evidence that there is none."
    order = told["value"].abs().sort_values(ascending=False, kind="stable").index[:N_LISTED]
    listed = "; ".join(_difference(row, judges, property_labels) for _, row in told.loc[order].iterrows())
    hedge = "" if test else " Whether a smaller one is chance cannot be said."
    return f"{both}, largest differences in degree of preference: {listed}.{hedge}"


def _difference(row: pd.Series, judges: tuple[str, str], property_labels: dict[str, str]) -> str:
    more = judges[0] if row["value"] > 0 else judges[1]
    label = property_labels.get(row["property"], row["property"])
    text = f"{label}, which {more} values {abs(row['value']):.1f} points more"
    if np.isnan(row["q025"]):
        return text
    if row["q025"] * row["q975"] <= 0:
        return f"{text} (its 95 % interval holds 0)"
    low, high = sorted((abs(row["q025"]), abs(row["q975"])))
    return f"{text} (95 % interval {low:.1f} to {high:.1f})"
