"""The figure of aligned judges: how alike each one still is to the base model it was made from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prefdissect.figures.difference import NO_VERSION
from prefdissect.figures.dots import Dots, Scale, dot_panel, legend_of
from prefdissect.figures.style import BODY, GREY, SMALL, TITLE, Sheet, figure_style, nothing_figure, palette

_INDENT = "↳ "


def aligned_similarity_figure(
    similarity: pd.DataFrame,
    labels: dict[str, str],
    *,
    group: str,
    n: str = "",
    intervals: str = "",
    width: float = 7.0,
) -> Figure:
    """Similarity of every aligned judge with its base model, and the mean per base model, the least alike first.

    Parameters
    ----------
    similarity
        Columns base, aligned, value, q025, q975 (may be null).
    labels
        Text to show for a judge.
    group
        Text that names the group of pairs.
    n
        Sentence that says how much data there is.
    intervals
        Sentence that says what the lines are.
    width
        Inches.
    """
    if similarity.empty:
        return nothing_figure(
            "How alike aligned judges are to their base models", NO_VERSION.format(group=group), width
        )
    mean = similarity.groupby("base", sort=False)["value"].mean().sort_values(kind="stable")
    names, rows, bold = [], [], []
    for base, value in mean.items():
        names.append(labels.get(base, base))
        rows.append((value, np.nan, np.nan, np.nan))
        bold.append(True)
        for _, row in similarity[similarity["base"] == base].sort_values("value", kind="stable").iterrows():
            names.append(_INDENT + labels.get(row["aligned"], row["aligned"]))
            rows.append((np.nan, row["value"], row["q025"], row["q975"]))
            bold.append(False)
    means, values, low, high = np.array(rows, dtype=float).T
    with figure_style():
        sheet = Sheet(width)
        sheet.text("How alike aligned judges still are to their base models", TITLE, weight="bold")
        sheet.advance(0.03)
        text = (
            f"{group}. Pearson correlation of effect strengths over properties; {len(similarity)} aligned versions of"
            f" {len(mean)} base models. {n} {intervals}"
        )
        sheet.text(" ".join(text.split()), BODY, colour=GREY)
        sheet.advance(0.09)
        dots = [
            Dots(values, low, high, colour=palette()[0], label="aligned version"),
            Dots(means, colour=palette()[1], marker="D", size=5.2, label="mean over the versions of a base model"),
        ]
        legend_of(sheet, dots)
        numbers = [f"{value:.3f}" for value in np.where(np.isnan(means), values, means)]
        scale = _scale(np.array(rows, dtype=float), bold=bold, numbers=numbers)
        dot_panel(sheet, names, dots, scale, font=BODY if len(names) <= 40 else SMALL)
        return sheet.finish()


def _scale(rows: np.ndarray, **settings) -> Scale:
    """From a round number below the least value up to 1."""
    least = float(np.nanmin(rows)) if np.isfinite(rows).any() else 0.0
    low = max(-1.0, np.floor((least - 0.02) * 10) / 10)
    step = 0.1 if low >= 0.3 else 0.2 if low >= 0 else 0.5
    ticks = [tick for tick in np.round(np.arange(-1, 1.001, step), 2) + 0.0 if tick >= low]
    return Scale(low, 1.01, ticks, "similarity with the base model", **settings)
