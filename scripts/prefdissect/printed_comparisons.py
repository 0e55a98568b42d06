"""The tables of the comparison of judges as people print them: one group, one metric, values with their intervals."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

MISSING = "–"
MOST = 40  # rows of effects that are printed
UNWORDED = ("not distinguishable", "no interval")
TITLES = {
    "judge_reliability": "Share of the variation of each judge's effects over properties that is not noise",
    "cluster_numbers": "Numbers of clusters: silhouette, how often resamples choose them, and how stable the clusters "
    "are (adjusted Rand index against those shown)",
    "nearest_judges": "The judges most like each judge, by Pearson correlation of effects",
    "control_similarity": "Similarity of judges with the control judges, by Pearson correlation of effects",
    "base_similarity": "Similarity of aligned judges with their base models, by Pearson correlation of effects; rows "
    "without judge are means",
    "attribute_similarity": "Mean similarity (Pearson correlation of effects) of judges that share an attribute, of "
    "those that do not, and the difference, with a one-sided test that permutes the attribute over judges",
    "flip_counts": "Pairs whose preference flipped between two versions of a judge",
    "judge_differences": "Effect strength of the first judge minus that of the second",
    "base_differences": "Effect strength of aligned judges minus that of their base models",
    "group_differences": "Effect strength in the first group minus that in the second",
    "drift": "Effect strength of the newer version minus that of the older",
}
JUDGES = ("judge", "judge_1", "judge_2", "neighbour", "control", "base", "older", "newer")
HIDDEN = ("estimator", "group", "metric", "interval", "q025", "q975", "rand_q025", "rand_q975", "false_sign", "exact",
          "degree_difference", "degree_move", "degree_q025", "degree_q975", "n_permutations")  # fmt: skip
SPANNED = {"difference": ".2f", "move": ".2f", "value": ".3f", "reliability": ".2f", "share_flipped": ".3f"}


def printed_comparison(
    name: str, table: pd.DataFrame, group: str, group_text: str, labels: dict[str, str], properties: dict[str, str]
) -> tuple[pd.DataFrame, str]:
    """A table of texts and its caption.

    Parameters
    ----------
    name, table
        One of `TITLES`, and its rows as written to CSV.
    group, group_text
        Group that is printed, and what it is called.
    labels, properties
        Texts for judges and properties.
    """
    rows, where = table, ""
    if "group" in table:
        rows, where = table[table["group"] == group], f", {group_text}"
    if "metric" in rows:
        rows = rows[rows["metric"] == "pearson"]
    told = ""
    if "property" in rows:
        rows, told = _worded(rows)
    shown = [column for column in rows if column not in HIDDEN and rows[column].notna().any()]
    texts = pd.DataFrame({_head(column): _cells(rows, column, labels, properties) for column in shown})
    return texts, f"{TITLES[name]}{where}.{told}{_interval(rows)}"


def _worded(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The effects that have a word, the largest first; where none can have one, the largest."""
    size = rows["difference" if "difference" in rows else "move"].abs()
    ordered = rows.loc[size.sort_values(ascending=False, kind="stable").index]
    named = ordered[~ordered["word"].isin(UNWORDED)]
    if len(rows) and (rows["word"] == "no interval").all():
        return ordered.head(
            MOST
        ), f" The largest {min(MOST, len(rows))} of {len(rows):,}; without intervals any may be chance."
    few = f" The {MOST} largest of these." if len(named) > MOST else ""
    return named.head(MOST), f" The {len(named)} of {len(rows):,} that can be told from 0.{few}"


def _interval(rows: pd.DataFrame) -> str:
    units = rows["interval"].dropna().unique() if "interval" in rows else []
    return f" In brackets: 95 % intervals from resampling {' and '.join(units)}." if len(units) else ""


def _head(column: str) -> str:
    return column.replace("_", " ")


def _cells(rows: pd.DataFrame, column: str, labels: dict[str, str], properties: dict[str, str]) -> list[str]:
    values = rows[column]
    if column in SPANNED and "q025" in rows:
        form = SPANNED[column]
        return [spanned(*row, form) for row in rows[[column, "q025", "q975"]].to_numpy(float)]
    return [_text(value, _names(column, labels, properties)) for value in values]


def _names(column: str, labels: dict[str, str], properties: dict[str, str]) -> Callable[[str], str]:
    texts = labels if column in JUDGES else properties if column == "property" else {}
    return lambda value: texts.get(value, value)


def spanned(value: float, low: float, high: float, form: str) -> str:
    """A number with its interval in brackets, where it has one."""
    if pd.isna(value):
        return MISSING
    return f"{value:{form}}" + ("" if pd.isna(low) else f" [{low:{form}}, {high:{form}}]")


def _text(value, name: Callable[[str], str]) -> str:
    if pd.isna(value):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(name(value))
