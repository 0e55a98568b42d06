"""The figure of how well the fits predict pairs that they have not seen, beside two baselines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prefdissect.errors import InputError
from prefdissect.figures.dots import Dots, Scale, dot_panel, legend_of
from prefdissect.figures.style import BODY, GREY, SMALL, TITLE, Sheet, figure_style, palette

MOST_IN_STUDY_ORDER = 12  # more judges than these are sorted
_COLUMNS = ("judge", "group", "n_pairs", "accuracy", "majority_accuracy", "length_accuracy", "skipped")


def fit_quality_figure(
    quality: pd.DataFrame, labels: dict[str, str], *, group: str = "pooled", folds: str = "", width: float = 7.0
) -> Figure:
    """Held-out accuracy of every judge's fit in one group, with the majority and the length baseline.

    Parameters
    ----------
    quality
        Table `fit_quality` of one estimator; further groups may be present.
    labels
        Text to show for a judge; the name is shown where none is given.
    group
        Group of pairs to show.
    folds
        Sentence that says how pairs were held out.
    width
        Inches.

    Raises
    ------
    InputError
        When a column or the group is missing.
    """
    rows = _rows(quality, group)
    fitted = rows[rows["accuracy"].notna()]
    with figure_style():
        sheet = Sheet(width)
        shown = "all pairs" if group == "pooled" else group
        sheet.text(f"How well the properties predict what judges prefer: {shown}", TITLE, weight="bold")
        sheet.advance(0.03)
        sheet.text(_subtitle(rows, fitted, labels, folds), BODY, colour=GREY)
        sheet.advance(0.09)
        if len(fitted):
            _body(sheet, fitted, labels)
        return sheet.finish()


def _rows(quality: pd.DataFrame, group: str) -> pd.DataFrame:
    missing = [column for column in _COLUMNS if column not in quality]
    if missing:
        raise InputError(f"table `fit_quality` lacks column `{missing[0]}`", fix=f"needed: {', '.join(_COLUMNS)}")
    rows = quality[quality["group"] == group]
    if rows.empty:
        there = ", ".join(dict.fromkeys(quality["group"]))
        raise InputError(f"table `fit_quality` has no group `{group}`", fix=f"one of {there}")
    if len(rows) > MOST_IN_STUDY_ORDER:
        return rows.sort_values("accuracy", ascending=False, kind="stable", ignore_index=True)
    return rows.reset_index(drop=True)


def _subtitle(rows: pd.DataFrame, fitted: pd.DataFrame, labels: dict[str, str], folds: str) -> str:
    if fitted.empty:
        return "No judge has a fit with held-out scores in this group."
    low, high = fitted["n_pairs"].min(), fitted["n_pairs"].max()
    span = f"{low:,} to {high:,} pairs per judge" if low < high else f"{low:,} pairs for each judge"
    sentences = [f"Share of held-out pairs predicted right, in per cent; {span}.", folds]
    sentences.append("A fit is worth something where its dot lies right of both baselines. No intervals.")
    if len(fitted) < len(rows):
        left_out = [labels.get(judge, judge) for judge in rows.loc[rows["accuracy"].isna(), "judge"]]
        sentences.append(f"Not fitted: {', '.join(left_out)}.")
    if len(rows) > MOST_IN_STUDY_ORDER:
        sentences.append("Sorted by accuracy.")
    return " ".join(filter(None, sentences))


def _body(sheet: Sheet, fitted: pd.DataFrame, labels: dict[str, str]) -> None:
    accuracy, majority, length = (
        100 * fitted[name].to_numpy(float) for name in ("accuracy", "majority_accuracy", "length_accuracy")
    )
    best = np.fmax(majority, length)
    dots = [
        Dots(majority, colour=palette()[1], marker="s", size=4.0, hollow=True, label="baseline: the commoner side"),
        Dots(length, colour=palette()[2], marker="^", size=4.6, hollow=True, label="baseline: the longer response"),
        # The line runs from the better baseline to the fit: its length is what the properties add.
        Dots(accuracy, np.fmin(best, accuracy), np.fmax(best, accuracy), colour=palette()[0], size=5.2, width=1.6,
             label="fit on the properties; line: distance to the better baseline"),
    ]  # fmt: skip
    legend_of(sheet, dots if np.isfinite(length).any() else [dots[0], dots[2]])
    least = np.nanmin([np.nanmin(part) for part in (accuracy, majority, length) if np.isfinite(part).any()])
    low = max(0.0, 10 * np.floor((least - 1) / 10))
    ticks = list(np.arange(low, 101, 10 if sheet.width > 4 or low >= 40 else 20))
    scale = Scale(
        low, 101, ticks, "held-out accuracy (%)", neutral=50.0 if low < 50 else None,
        numbers=[f"{value:.0f}" for value in accuracy],
    )  # fmt: skip
    font = BODY if len(fitted) <= MOST_IN_STUDY_ORDER else SMALL
    dot_panel(sheet, [labels.get(judge, judge) for judge in fitted["judge"]], dots, scale, font=font)
