"""The figure of reliability: how far ratings of each property agree, with repeats and with other annotators."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prefdissect.figures.dots import Dots, Scale, dot_panel, legend_of
from prefdissect.figures.style import BODY, GREY, MARKERS, TITLE, Sheet, figure_style, nothing_figure, palette
from prefdissect.printed_ratings import comparison_text

MOST = 5  # comparisons in one figure; the table holds all
_STEP = 0.07  # inches between the dots of two comparisons in one row
_HEADING = "How far ratings agree"
_COMPARED = ["comparison", "annotator_1", "annotator_2"]


def reliability_figure(
    table: pd.DataFrame,
    property_labels: dict[str, str],
    *,
    limit: float | None = None,
    note: str = "",
    intervals: str = "",
    width: float = 7.0,
) -> Figure:
    """Quadratically weighted kappa of every property, one dot per comparison.

    Parameters
    ----------
    table
        Table `reliability`.
    property_labels
        Text to show for a property.
    limit
        Least kappa that the study asks for.
    note
        Sentence that says what marks at properties mean.
    intervals
        Sentence that says what the lines are.
    width
        Inches.
    """
    if table.empty:
        return nothing_figure(_HEADING, "No rating was given twice.", width)
    groups = list(table.groupby(_COMPARED, sort=False))
    shown = [(key, rows.set_index("property")) for key, rows in groups[:MOST]]
    order = _order(pd.concat([rows for _, rows in groups[:MOST]]))
    with figure_style():
        sheet = Sheet(width)
        sheet.text(_HEADING, TITLE, weight="bold")
        sheet.advance(0.03)
        sheet.text(_subtitle(table, limit, note, intervals, len(groups)), BODY, colour=GREY)
        sheet.advance(0.09)
        dots = [_dots(number, len(shown), key, rows.reindex(order)) for number, (key, rows) in enumerate(shown)]
        legend_of(sheet, dots)
        dot_panel(sheet, [property_labels.get(name, name) for name in order], dots, _scale(dots, shown, order, limit))
        return sheet.finish()


def _order(rows: pd.DataFrame) -> list[str]:
    """Properties by falling least kappa; those without one last."""
    return list(rows.groupby("property", sort=False)["kappa"].min().sort_values(ascending=False, kind="stable").index)


def _subtitle(table: pd.DataFrame, limit: float | None, note: str, intervals: str, groups: int) -> str:
    low, high = table["n_pairs"].min(), table["n_pairs"].max()
    pairs = f"{low:,} to {high:,} pairs" if low < high else f"{high:,} pairs"
    sentences = [f"Quadratically weighted kappa: 1 = equal ratings, 0 = chance; {pairs} of up to "
                 f"{table['n_prompts'].max():,} prompts."]  # fmt: skip
    sentences += [intervals, "Without a dot: all ratings are one value." if table["kappa"].isna().any() else ""]
    sentences += [f"Thick line: {limit:g}, the least that the study asks for." if limit is not None else "", note]
    worst = "" if groups == 1 else " in the worst comparison"
    sentences.append(f"Right: share of ratings at most one step apart{worst}.")
    if groups > MOST:
        sentences.append(f"{groups - MOST} further comparisons are in the table.")
    return " ".join(filter(None, sentences))


def _dots(number: int, count: int, key: tuple, rows: pd.DataFrame) -> Dots:
    values, low, high = (rows[name].to_numpy(float) for name in ("kappa", "kappa_q025", "kappa_q975"))
    shift = (number - (count - 1) / 2) * _STEP
    return Dots(
        values, low, high, colour=palette()[number], marker=MARKERS[number], shift=shift, label=comparison_text(*key)
    )


def _scale(dots: list[Dots], shown: list, order: list[str], limit: float | None) -> Scale:
    found = np.concatenate([np.concatenate([kind.values, kind.low]) for kind in dots])
    found = found[np.isfinite(found)]
    low = min(0.0, np.floor(10 * min(found, default=0.0)) / 10)
    near = pd.concat([rows["within_one"] for _, rows in shown]).groupby(level=0).min().reindex(order)
    return Scale(
        low - 0.02, 1.02, [tick / 5 for tick in range(int(np.ceil(5 * low)), 6)], "kappa",
        neutral=0.0 if limit is None else limit, numbers=[f"{100 * share:.0f}" for share in near],
        numbers_title="≤ 1 step (%)",
    )  # fmt: skip
