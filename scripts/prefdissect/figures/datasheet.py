"""The figure of how judges behave: one row per judge, one column per measure of the datasheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prefdissect.errors import InputError
from prefdissect.figures.style import (
    BAND,
    BODY,
    GREY,
    INK,
    LINE_SPACING,
    MARGIN,
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

MOST_IN_STUDY_ORDER = 12  # more judges than these are sorted
TROUBLE = 0.05  # share of requests from which on lost ones get a column
NOT_APPLICABLE = "–"
_LONGEST_LABEL = 1.9  # inches; longer labels are wrapped
_NARROWEST, _WIDEST = 0.5, 1.5  # inches: the part of a column with the dots
_GAP = 0.14  # inches between columns
_BAR = 0.55  # share of a row's height
_DOT = 3.1  # points: small, so that it leaves narrow intervals to be seen


@dataclass(frozen=True)
class _Measure:
    """A column: the datasheet's name for it, what stands above it, and the value that means neither way."""

    name: str
    title: str
    note: str
    neutral: float | None = None


MEASURES = (
    _Measure("flipped", "flipped", "verdict changes with the order"),
    _Measure("first_slot", "first slot", "the response shown first wins", 50.0),
    _Measure("undecided", "undecided", "pairs without a winner"),
    _Measure("picks_longer", "longer wins", "of the pairs it decided", 50.0),
    _Measure("mass", "token mass", "probability on the two answers"),
    _Measure("repeats_equal", "repeatable", "same verdict when asked again"),
    _Measure("agreement", "agrees with {human}", "of the pairs both decided", 50.0),
    _Measure("unparsed", "unparsed", "answers without a verdict"),
    _Measure("failed", "failed", "requests without an answer"),
)
_LOST = ("unparsed", "failed")


@dataclass(frozen=True)
class _Plan:
    """Measures in inches: edges of the rows from the top of the plot, left edge of each column from the margin."""

    labels: list[list[str]]
    font: float
    edges: np.ndarray
    lefts: list[float]
    plot: float
    number: float
    inner: float

    @property
    def centres(self) -> np.ndarray:
        return (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def column(self) -> float:
        return self.plot + self.number


def datasheet_figure(
    datasheet: pd.DataFrame,
    labels: dict[str, str],
    *,
    group: str = "pooled",
    human: str | None = None,
    width: float = 7.0,
) -> Figure:
    """How every judge behaves in one group of pairs: dots with interval lines and the values in figures.

    A column is shown where any judge has the measure; unparsed and failed requests where a judge lost 5 % of its
    requests to them. Judges stand in the order of the table; more than twelve are sorted, those whose verdicts flip
    least first. A hollow dot cannot be told from the neutral value of its column.

    Parameters
    ----------
    datasheet
        Table `judge_datasheet`; further groups may be present.
    labels
        Text to show for a judge; the name is shown where none is given.
    group
        Group of pairs to show.
    human
        Judge that agreement is with.
    width
        Inches. Exceeded where the columns would otherwise become too narrow to read. The height follows from the rows.

    Raises
    ------
    InputError
        When a column or the group is missing, or a judge has several rows in it.
    """
    rows = _ordered(_rows(datasheet, group))
    shown = [measure for measure in MEASURES if _is_shown(measure, rows)]
    with figure_style():
        plan = _plan([labels.get(judge, judge) for judge in rows["judge"]], len(shown), width)
        sheet = Sheet(plan.inner + 2 * MARGIN)
        _head(sheet, rows, shown, group)
        if shown:
            _column_heads(sheet, plan, shown, labels.get(human, human))
            _body(sheet, plan, rows, shown)
        return sheet.finish()


def _rows(datasheet: pd.DataFrame, group: str) -> pd.DataFrame:
    needed = ["judge", "group", "n_pairs"]
    needed += [f"{measure.name}{end}" for measure in MEASURES for end in ("", "_q025", "_q975")]
    missing = [column for column in needed if column not in datasheet]
    if missing:
        raise InputError(f"table `judge_datasheet` lacks column `{missing[0]}`", fix=f"needed: {', '.join(needed)}")
    rows = datasheet[datasheet["group"] == group].reset_index(drop=True)
    if rows.empty:
        there = ", ".join(dict.fromkeys(datasheet["group"]))
        raise InputError(f"table `judge_datasheet` has no group `{group}`", fix=f"one of {there}")
    if (twice := rows["judge"].duplicated()).any():
        judge = rows.loc[twice, "judge"].iloc[0]
        raise InputError(f"table `judge_datasheet` has several rows for judge `{judge}`, group `{group}`")
    return rows


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    if len(rows) <= MOST_IN_STUDY_ORDER:
        return rows
    return rows.sort_values(["flipped", "undecided"], kind="stable", ignore_index=True)


def _is_shown(measure: _Measure, rows: pd.DataFrame) -> bool:
    values = rows[measure.name]
    return bool((values >= TROUBLE).any() if measure.name in _LOST else values.notna().any())


def _plan(labels: list[str], n_columns: int, width: float) -> _Plan:
    font = BODY if len(labels) <= MOST_IN_STUDY_ORDER else SMALL
    wrapped = [wrap(label, font, _LONGEST_LABEL) for label in labels]
    label_width = max(text_width(line, font) for lines in wrapped for line in lines)
    number = text_width("100", font) + 0.11
    left = 0.05 + label_width + _GAP
    n = max(n_columns, 1)
    room = (width - 2 * MARGIN - left) / n - number - _GAP
    plot = float(np.clip(room, _NARROWEST, _WIDEST))
    lefts = [left + k * (plot + number + _GAP) for k in range(n)]
    inner = max(width - 2 * MARGIN, lefts[-1] + plot + number + 0.08)
    least = 0.23 if font == BODY else 0.135
    heights = [max(least, len(lines) * line_height(font) + 0.03) for lines in wrapped]
    return _Plan(wrapped, font, np.concatenate([[0.0], np.cumsum(heights)]), lefts, plot, number, inner)


def _head(sheet: Sheet, rows: pd.DataFrame, shown: list[_Measure], group: str) -> None:
    whose = "the judge behaves" if len(rows) == 1 else "the judges behave"
    sheet.text(f"How {whose}: {'all pairs' if group == 'pooled' else group}", TITLE, weight="bold")
    sheet.advance(0.03)
    sheet.text(_subtitle(rows, shown), BODY, colour=GREY)
    sheet.advance(0.12)


def _subtitle(rows: pd.DataFrame, shown: list[_Measure]) -> str:
    if not shown:
        return "No judge gave a verdict here."
    low, high = rows["n_pairs"].min(), rows["n_pairs"].max()
    span = f"{low:,} to {high:,} pairs per judge" if low < high else f"{low:,} pairs"
    sentences = [f"{span}; all numbers in per cent."]
    names = [measure.name for measure in shown]
    if rows[[f"{name}_q025" for name in names]].notna().any(axis=None):
        sentences.append("Lines: 95\u00a0% intervals from resampling prompts.")
    else:
        sentences.append("No intervals: the study asks for no resamples.")
    if any(measure.neutral is not None for measure in shown):
        sentences.append("Thick line: no pull either way, as a coin has none.")
    if any(_unsure(rows, measure).any() for measure in shown):
        sentences.append("Hollow: cannot be told from that.")
    if rows[names].isna().any(axis=None):
        sentences.append("Dash: does not apply.")
    if len(rows) > MOST_IN_STUDY_ORDER:
        sentences.append("Sorted by the share flipped.")
    return " ".join(sentences)


def _unsure(rows: pd.DataFrame, measure: _Measure) -> np.ndarray:
    """Where the interval holds the neutral value, or there is none and the value is the neutral one."""
    if measure.neutral is None:
        return np.zeros(len(rows), dtype=bool)
    value, low, high = _percent(rows, measure.name)
    holds = (low <= measure.neutral) & (measure.neutral <= high)
    return np.where(np.isnan(low), value == measure.neutral, holds)


def _percent(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Value and interval, shape (3, judges)."""
    return 100 * rows[[name, f"{name}_q025", f"{name}_q975"]].to_numpy(dtype=float).T


def _column_heads(sheet: Sheet, plan: _Plan, shown: list[_Measure], human: str | None) -> None:
    """Name and meaning of every column, then the scale, so that a tall figure is read from its top."""
    limit = plan.column + _GAP - 0.06
    titles = [wrap(measure.title.format(human=human or "people"), BODY, limit, "bold") for measure in shown]
    notes = [wrap(measure.note, SMALL, limit) for measure in shown]
    title_height = max(map(len, titles)) * line_height(BODY)
    # Line by line on the baseline: a block of text is placed by its ink, which differs from word to word.
    for left, title, note in zip(plan.lefts, titles, notes, strict=False):
        bottom = sheet.top + title_height
        for down, line in enumerate(title, start=1):
            place = bottom - (len(title) - down) * line_height(BODY) - 0.03
            sheet.label(MARGIN + left, place, line, BODY, weight="bold", va="baseline")
        for down, line in enumerate(note, start=1):
            place = bottom + down * line_height(SMALL)
            sheet.label(MARGIN + left, place, line, SMALL, colour=GREY, va="baseline")
    sheet.advance(title_height + 0.02 + max(map(len, notes)) * line_height(SMALL) + 0.08)
    for left in plan.lefts:
        for tick in (0, 50, 100):
            place = MARGIN + left + plan.plot * tick / 100
            sheet.label(place, sheet.top, f"{tick}", SMALL, colour=GREY, ha="center")
    sheet.advance(line_height(SMALL) + 0.02)


def _body(sheet: Sheet, plan: _Plan, rows: pd.DataFrame, shown: list[_Measure]) -> None:
    height = plan.edges[-1]
    axes = sheet.axes(MARGIN, sheet.top, plan.inner, height)
    axes.set(xlim=(0, plan.inner), ylim=(height, 0))
    axes.axis("off")
    for top, bottom in list(zip(plan.edges, plan.edges[1:], strict=False))[::2]:
        axes.axhspan(top, bottom, color=BAND, linewidth=0, zorder=0)
    for centre, lines in zip(plan.centres, plan.labels, strict=True):
        middle = "center" if len(lines) > 1 else "center_baseline"
        axes.text(0.05, centre, "\n".join(lines), size=plan.font, linespacing=LINE_SPACING, va=middle)
    for left, measure in zip(plan.lefts, shown, strict=False):
        _draw_scale(axes, plan, left, measure)
        _draw_values(axes, plan, left, measure, rows)
        _write_values(axes, plan, left, measure, rows)
    sheet.advance(height)


def _draw_scale(axes: Axes, plan: _Plan, left: float, measure: _Measure) -> None:
    height = plan.edges[-1]
    axes.vlines(left + plan.plot * np.array([0, 0.5, 1]), 0, height, color=PALE, linewidth=0.5, zorder=1)
    if measure.neutral is not None:
        axes.vlines(left + plan.plot * measure.neutral / 100, 0, height, color=INK, linewidth=1.6, zorder=2)


def _draw_values(axes: Axes, plan: _Plan, left: float, measure: _Measure, rows: pd.DataFrame) -> None:
    """A pale bar from the neutral value, or from 0, then the interval and the dot."""
    given = rows[measure.name].notna().to_numpy()
    value, low, high = left + plan.plot * _percent(rows, measure.name)[:, given] / 100
    start = left + plan.plot * (measure.neutral or 0.0) / 100
    y, heights = plan.centres[given], np.diff(plan.edges)[given]
    axes.barh(y, value - start, _BAR * np.minimum(heights, 0.23), left=start, color=PALE, linewidth=0, zorder=1.5)
    axes.hlines(y, low, high, color=palette()[0], linewidth=1.3, zorder=3)
    unsure = _unsure(rows, measure)[given]
    for part, face in ((~unsure, palette()[0]), (unsure, "white")):
        axes.plot(
            value[part], y[part], "o", color=palette()[0], markerfacecolor=face, markersize=_DOT, markeredgewidth=0.8,
            zorder=4, clip_on=False,
        )  # fmt: skip


def _write_values(axes: Axes, plan: _Plan, left: float, measure: _Measure, rows: pd.DataFrame) -> None:
    for centre, share, unsure in zip(plan.centres, rows[measure.name], _unsure(rows, measure), strict=True):
        colour = GREY if unsure or pd.isna(share) else INK
        place = (left + plan.column, centre)
        axes.text(*place, _number(share), size=plan.font, color=colour, ha="right", va="center_baseline")


def _number(share: float) -> str:
    """Whole per cent; nothing that is not 0 or 100 is called so."""
    if pd.isna(share):
        return NOT_APPLICABLE
    if 0 < share < 0.005:
        return "<1"
    return ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"
