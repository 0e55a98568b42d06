"""The figure of a group: which properties each judge rewards or penalises, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prefdissect.errors import InputError
from prefdissect.figures.style import (
    BAND,
    BODY,
    GREY,
    INK,
    LINE_SPACING,
    MARGIN,
    MARKERS,
    PALE,
    SMALL,
    TITLE,
    Sheet,
    figure_style,
    line_height,
    palette,
    text_width,
    wrap,
)

NEUTRAL = 50.0
MOST_JUDGES = len(MARKERS)
MOST_NEUTRAL_ROWS = 15  # more rows than these that say nothing become a footnote
NOT_DISTINGUISHABLE = "not distinguishable"
INTERVALS = "Lines: 95\u00a0% intervals (2.5\u00a0% to 97.5\u00a0% quantiles)."
_COLUMNS = ("judge", "property", "degree", "degree_q025", "degree_q975", "word", "n_pairs")
_STEP = 0.058  # inches between the dots of two judges in one row
_DOT = 4.1  # points


@dataclass(frozen=True)
class _Rows:
    """Rows of the plot: names, wrapped labels, edges (inches from the top), whether any judge differs."""

    names: list[str]
    labels: list[list[str]]
    edges: np.ndarray
    telling: list[bool]

    @property
    def centres(self) -> np.ndarray:
        return (self.edges[:-1] + self.edges[1:]) / 2


def degree_figure(
    coefficients: pd.DataFrame,
    labels: dict[str, str],
    property_labels: dict[str, str],
    *,
    group: str,
    judges: list[str],
    n_pairs: dict[str, int] | None = None,
    intervals: str = INTERVALS,
    width: float = 7.0,
) -> Figure:
    """Degree of preference of one to six judges for every property, as dots with interval lines.

    Properties are sorted by the largest distance from 50 over the judges shown. Effects that are not
    distinguishable from 50 are hollow and pale.

    Parameters
    ----------
    coefficients
        Rows of table `coefficients` for one group and one estimator; further judges may be present.
    labels
        Text to show for a judge; the name is shown where none is given.
    property_labels
        Text to show for a property.
    group
        Text that names the group of pairs.
    judges
        Judges to show, 1 to 6. One without rows stays in the legend as `not fitted`.
    n_pairs
        Pairs per judge; by default the column of that name says it.
    intervals
        Sentence that says what the lines are.
    width
        Inches: 3.5 for one print column, 7 for two. The height follows from the number of rows.

    Raises
    ------
    InputError
        When a column is missing, no judge or more than six are asked for, or a judge and property have several rows.
    """
    _check(coefficients, judges)
    shown = coefficients[coefficients["judge"].isin(judges) & coefficients["degree"].notna()]
    pairs = _pair_counts(shown) | (n_pairs or {})
    order, further = _rows_to_show(shown)
    with figure_style():
        sheet = Sheet(width)
        _head(sheet, shown, labels, judges, group, pairs, intervals)
        if order:
            _body(sheet, shown, order, property_labels, judges)
        if further:
            sheet.advance(0.06)
            sheet.text(f"{further} further properties at 50 for every judge shown.", SMALL, colour=GREY)
        return sheet.finish()


def _check(coefficients: pd.DataFrame, judges: list[str]) -> None:
    missing = [column for column in _COLUMNS if column not in coefficients]
    if missing:
        raise InputError(f"table `coefficients` lacks column `{missing[0]}`", fix=f"needed: {', '.join(_COLUMNS)}")
    if not 1 <= len(judges) <= MOST_JUDGES or len(set(judges)) < len(judges):
        raise InputError(
            f"a figure of degrees of preference cannot show these {len(judges)} judges: {', '.join(judges) or 'none'}",
            fix=f"1 to {MOST_JUDGES} different judges",
        )
    shown = coefficients[coefficients["judge"].isin(judges)]
    doubled = shown[shown.duplicated(["judge", "property"])]
    if len(doubled):
        judge, prop = doubled.iloc[0][["judge", "property"]]
        raise InputError(
            f"table `coefficients` has several rows for judge `{judge}`, property `{prop}`",
            fix="select one group and one estimator",
        )


def _pair_counts(shown: pd.DataFrame) -> dict[str, int]:
    return {judge: int(count) for judge, count in shown.groupby("judge")["n_pairs"].max().items()}


def _rows_to_show(shown: pd.DataFrame) -> tuple[list[str], int]:
    """Properties by falling distance from 50 (ties keep the table's order), and how many neutral ones were left out."""
    distance = (shown["degree"] - NEUTRAL).abs().groupby(shown["property"], sort=False).max()
    order = distance.sort_values(ascending=False, kind="stable")
    telling, neutral = order[order > 0], order[order == 0]
    if len(neutral) > MOST_NEUTRAL_ROWS and len(telling):
        return list(telling.index), len(neutral)
    return list(order.index), 0


def _head(sheet: Sheet, shown, labels, judges, group, pairs, intervals) -> None:
    who = labels.get(judges[0], judges[0]) if len(judges) == 1 else "the judges"
    verbs = "rewards and penalises" if len(judges) == 1 else "reward and penalise"
    sheet.text(f"{group}: what {who} {verbs}", TITLE, weight="bold")
    sheet.advance(0.03)
    sheet.text(_subtitle(shown, judges, pairs, intervals), BODY, colour=GREY)
    sheet.advance(0.09)
    handles = [_handle(number) for number in range(len(judges))]
    sheet.legend(handles, [_entry(judge, labels, shown, judges, pairs) for judge in judges])
    sheet.advance(0.08)


def _subtitle(shown, judges, pairs, intervals) -> str:
    counts = sorted({pairs[judge] for judge in judges if judge in pairs})
    if not counts or not len(shown):
        return "No judge shown has a fit for this group."
    each = " for each judge" if len(judges) > 1 else ""
    span = f"{counts[0]:,} to {counts[-1]:,} pairs" if len(counts) > 1 else f"{counts[0]:,} pairs{each}"
    sentences = [f"Degree of preference per property, 50 = neutral; {span}."]
    with_interval = shown[["degree_q025", "degree_q975"]].notna().all(axis=1)
    sentences.append(intervals if with_interval.any() else "No intervals: this estimator gives none.")
    if with_interval.any() and not with_interval.all():
        sentences.append("A dot without a line has no interval.")
    if (shown["word"] == NOT_DISTINGUISHABLE).any():
        sentences.append("Hollow: not distinguishable from 50.")
    return " ".join(sentences)


def _entry(judge, labels, shown, judges, pairs) -> str:
    label = str(labels.get(judge, judge))
    if not (shown["judge"] == judge).any():
        return f"{label} (not fitted)"
    differ = len({pairs[other] for other in judges if other in pairs}) > 1
    return f"{label} ({pairs[judge]:,} pairs)" if differ else label


def _handle(number: int) -> Line2D:
    return Line2D([], [], color=palette()[number], marker=MARKERS[number], markersize=_DOT + 1, linewidth=1.2)


def _body(sheet: Sheet, shown, order, property_labels, judges) -> None:
    rows = _layout(shown, order, property_labels, len(judges), 0.4 * sheet.width)
    label_width = max(text_width(line, BODY) for lines in rows.labels for line in lines)
    left = MARGIN + label_width + 0.08
    plot_width = sheet.width - left - MARGIN - 0.1  # the last tick label reaches beyond the axis
    half = _half_range(shown)
    height = rows.edges[-1]
    _words(sheet, left, plot_width)
    axes = sheet.axes(left, sheet.top, plot_width, height)
    _scale(axes, half, height, plot_width)
    _draw_rows(axes, rows)
    for number, judge in enumerate(judges):
        offset = (number - (len(judges) - 1) / 2) * _STEP
        _draw_judge(axes, shown[shown["judge"] == judge], rows, number, offset)
    sheet.advance(height + 0.07 + line_height(SMALL))
    caption = "degree of preference"
    sheet.label(left + plot_width / 2, sheet.top, caption, BODY, ha="center")
    sheet.advance(line_height(BODY))


def _layout(shown, order, property_labels, n_judges: int, limit: float) -> _Rows:
    labels = [wrap(property_labels.get(name, name), BODY, limit) for name in order]
    least = n_judges * _STEP + 0.05
    heights = [max(0.17, least, len(lines) * line_height(BODY) + 0.03) for lines in labels]
    differs = shown[(shown["word"] != NOT_DISTINGUISHABLE) & (shown["degree"] != NEUTRAL)]
    telling = set(differs["property"])
    return _Rows(order, labels, np.concatenate([[0.0], np.cumsum(heights)]), [name in telling for name in order])


def _half_range(shown: pd.DataFrame) -> float:
    """Half the width of the axis: reaches every dot and interval, at least 5 so that trifles look like trifles."""
    values = shown[["degree", "degree_q025", "degree_q975"]].to_numpy(dtype=float)
    return float(max(5.0, np.nanmax(np.abs(values - NEUTRAL))) * 1.05)


def _tick_step(half: float, width: float) -> float:
    most = max(1, int(width / 2 / 0.36))  # a tick label needs 0.36 inches
    return next((step for step in (1, 2, 5, 10, 25) if half / step <= most), 50)


def _words(sheet: Sheet, left: float, width: float) -> None:
    """Say at the axis which side is which; the middle word moves up where the axis is short."""
    sides = ("← penalised", "rewarded →")
    crowded = sum(text_width(word, BODY, "bold") for word in (*sides, "neutral")) + 0.25 > width
    style = {"weight": "bold", "va": "baseline"}
    sheet.advance(line_height(BODY))
    sheet.label(left + width / 2, sheet.top, "neutral", BODY, ha="center", **style)
    if crowded:
        sheet.advance(line_height(BODY))
    sheet.label(left, sheet.top, sides[0], BODY, **style)
    sheet.label(left + width, sheet.top, sides[1], BODY, ha="right", **style)
    sheet.advance(0.06)


def _scale(axes: Axes, half: float, height: float, width: float) -> None:
    step = _tick_step(half, width)
    reach = int(half // step)
    ticks = NEUTRAL + step * np.arange(-reach, reach + 1)
    axes.set_xlim(NEUTRAL - half, NEUTRAL + half)
    axes.set_ylim(height, 0)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], size=SMALL)
    axes.tick_params(length=2.5, width=0.6, pad=2)
    axes.set_yticks([])
    axes.grid(axis="x", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def _draw_rows(axes: Axes, rows: _Rows) -> None:
    for number, (top, bottom) in enumerate(zip(rows.edges, rows.edges[1:], strict=False)):
        if number % 2 == 0:
            axes.axhspan(top, bottom, color=BAND, linewidth=0, zorder=0)
    axes.axvline(NEUTRAL, color=INK, linewidth=1.6, zorder=1)
    axes.set_yticks(rows.centres, ["\n".join(lines) for lines in rows.labels], size=BODY, linespacing=LINE_SPACING)
    axes.tick_params(axis="y", length=0, pad=4)
    for tick, telling in zip(axes.get_yticklabels(), rows.telling, strict=True):
        tick.set_color(INK if telling else GREY)


def _draw_judge(axes: Axes, table: pd.DataFrame, rows: _Rows, number: int, offset: float) -> None:
    place = dict(zip(rows.names, rows.centres + offset, strict=True))
    table = table[table["property"].isin(place)]
    hollow = (table["word"] == NOT_DISTINGUISHABLE) | (table["degree"] == NEUTRAL)
    colour = palette()[number]
    for part, line, face in ((table[hollow], _lighter(colour), "white"), (table[~hollow], colour, colour)):
        if not len(part):
            continue
        y = part["property"].map(place)
        axes.hlines(y, part["degree_q025"], part["degree_q975"], color=line, linewidth=1.1, zorder=2)
        axes.plot(
            part["degree"],
            y,
            linestyle="none",
            marker=MARKERS[number],
            markersize=_DOT,
            markerfacecolor=face,
            markeredgecolor=line,
            markeredgewidth=0.8,
            zorder=3,
            clip_on=False,
        )


def _lighter(colour: str, share: float = 0.5) -> tuple[float, ...]:
    return tuple(1 - (1 - value) * (1 - share) for value in to_rgb(colour))
