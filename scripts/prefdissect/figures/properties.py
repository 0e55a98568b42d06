"""The figure of what the data hold: how often properties differ, and which of them move together."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from prefdissect.errors import InputError
from prefdissect.figures.colours import ink_on
from prefdissect.figures.style import (
    BAND,
    BODY,
    GREY,
    INK,
    LINE_SPACING,
    MARGIN,
    PALE,
    SMALL,
    TINY,
    TITLE,
    Sheet,
    figure_style,
    line_height,
    palette,
    text_width,
)

STRONG = 0.5  # correlations from which on the number is written
WEAK = 0.1  # and from here on its sign is marked
_LEAST_ROW = 0.125
_BARS = 0.8  # inches


def properties_figure(
    statistics: pd.DataFrame,
    correlations: pd.DataFrame,
    property_labels: dict[str, str],
    *,
    group: str = "pooled",
    note: str = "",
    width: float = 7.0,
) -> Figure:
    """Share of pairs in which each property differs, and the correlation of every two properties.

    Parameters
    ----------
    statistics
        Table `property_statistics`; further groups may be present.
    correlations
        Table `property_correlations`; likewise.
    property_labels
        Text to show for a property.
    group
        Group of pairs to show.
    note
        Sentence that says what marks at properties mean.
    width
        Inches. Exceeded where the cells would become too small to read.

    Raises
    ------
    InputError
        When a table has no row for the group.
    """
    rows = statistics[statistics["group"] == group].set_index("property")
    if rows.empty:
        there = ", ".join(dict.fromkeys(statistics["group"]))
        raise InputError(f"table `property_statistics` has no group `{group}`", fix=f"one of {there}")
    rows = rows.sort_values("frequency", ascending=False, kind="stable")
    matrix = _matrix(correlations[correlations["group"] == group], list(rows.index))
    with figure_style():
        labels = [f"{k}  {property_labels.get(name, name)}" for k, name in enumerate(rows.index, start=1)]
        label_width = max(text_width(label, BODY) for label in labels)
        left = MARGIN + label_width + 0.08
        bars = _BARS if width > 4.5 else 0.45
        room = width - left - bars - 0.42 - 2 * MARGIN
        cell = float(np.clip(room / len(rows), _LEAST_ROW, 0.3))
        sheet = Sheet(max(width, left + bars + 0.42 + cell * len(rows) + MARGIN))
        shown = "all pairs" if group == "pooled" else group
        sheet.text(f"What the data can tell apart: {shown}", TITLE, weight="bold")
        sheet.advance(0.03)
        sheet.text(f"{_subtitle(rows, matrix)} {note}".rstrip(), BODY, colour=GREY)
        sheet.advance(0.12)
        _body(sheet, rows, matrix, labels, left, bars, cell)
        return sheet.finish()


def _matrix(correlations: pd.DataFrame, names: list[str]) -> np.ndarray:
    place = {name: number for number, name in enumerate(names)}
    matrix = np.full((len(names),) * 2, np.nan)
    first, second = correlations["property_1"].map(place), correlations["property_2"].map(place)
    matrix[first, second] = matrix[second, first] = correlations["correlation"]
    return matrix


def _subtitle(rows: pd.DataFrame, matrix: np.ndarray) -> str:
    never = int((rows["frequency"] == 0).sum())
    strong = int((np.abs(matrix[np.triu_indices(len(matrix), 1)]) >= STRONG).sum())
    text = (
        f"{int(rows['n_pairs'].max()):,} pairs with ratings. Bars: share of pairs in which the responses differ in a"
        " property, in per cent. Map: uncentred correlation of the differences; numbers in it are tenths, from 0.5 on;"
        f" {strong} of {len(matrix) * (len(matrix) - 1) // 2} pairs of properties are that strongly correlated."
    )
    if never:
        text += f" {never} {'property' if never == 1 else 'properties'} never differ{'s' if never == 1 else ''}."
    return text + " What rarely differs or moves with another has no effect that could be told."


def _body(sheet: Sheet, rows: pd.DataFrame, matrix: np.ndarray, labels, left: float, bars: float, cell: float) -> None:
    n = len(rows)
    map_left = left + bars + 0.42
    sheet.label(left, sheet.top, "differs (%)", SMALL, colour=GREY)
    _scale_bar(sheet, map_left, min(cell * n, 2.2))
    sheet.advance(0.34)
    for number in range(n):
        if cell >= 0.15 or number % 2 == 0:
            sheet.label(map_left + (number + 0.5) * cell, sheet.top, str(number + 1), TINY, ha="center", colour=GREY)
    sheet.advance(line_height(TINY) + 0.02)
    axes = sheet.axes(left, sheet.top, bars, cell * n)
    _draw_bars(axes, rows, labels, bars, BODY if cell >= line_height(BODY) else SMALL)
    axes = sheet.axes(map_left, sheet.top, cell * n, cell * n)
    _draw_map(axes, matrix, cell)
    sheet.advance(cell * n)


def _colours() -> str:
    """Diverging, white at 0; greyscale shows the strength, a stroke through negative cells the sign."""
    return "PuOr_r"


def _scale_bar(sheet: Sheet, left: float, length: float) -> None:
    sheet.label(left, sheet.top, "correlation", SMALL, colour=GREY)
    start = left + text_width("correlation", SMALL) + 0.12
    axes = sheet.axes(start, sheet.top + 0.02, length, 0.09)
    shades = np.linspace(-1, 1, 65)
    axes.pcolormesh(shades, [0, 1], [(shades[:-1] + shades[1:]) / 2], norm=Normalize(-1, 1), cmap=_colours())
    axes.add_collection(_strokes([(x - 0.03, x + 0.03, 0, 1) for x in (-0.9, -0.7, -0.5, -0.3)]))
    axes.set_xticks([-1, 0, 1], ["−1", "0", "1"], size=SMALL)
    axes.set_yticks([])
    axes.tick_params(length=2, width=0.6, pad=1)


def _draw_bars(axes: Axes, rows: pd.DataFrame, labels: list[str], width: float, font: float) -> None:
    n = len(rows)
    axes.set(xlim=(0, 100), ylim=(n - 0.5, -0.5))
    for number in range(0, n, 2):
        axes.axhspan(number - 0.5, number + 0.5, color=BAND, linewidth=0, zorder=0)
    share = 100 * rows["frequency"].fillna(0).to_numpy(float)
    axes.barh(range(n), share, 0.66, color=palette()[0], linewidth=0, zorder=2)
    for number, value in enumerate(share):
        text = f"{value:.0f}" if value == 0 or value >= 0.5 else "<1"
        axes.text(value + 5 / width, number, text, size=SMALL, va="center_baseline", color=INK, zorder=3)
    axes.set_yticks(range(n), labels, size=font, linespacing=LINE_SPACING)
    for tick, value in zip(axes.get_yticklabels(), share, strict=True):
        tick.set_color(INK if value else GREY)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, pad=4)
    for side in ("right", "top", "bottom"):
        axes.spines[side].set_visible(False)


def _strokes(ends: list[tuple[float, float, float, float]]) -> LineCollection:
    """Strokes from the lower left to the upper right of cells: left, right, bottom, top."""
    lines = [((left, bottom), (right, top)) for left, right, bottom, top in ends]
    return LineCollection(lines, colors=INK, linewidths=0.5, capstyle="round")


def _draw_map(axes: Axes, matrix: np.ndarray, cell: float) -> None:
    n = len(matrix)
    norm, colours = Normalize(-1, 1), matplotlib.colormaps[_colours()]
    edges = np.arange(n + 1) - 0.5
    axes.pcolormesh(
        edges, edges, np.ma.masked_invalid(matrix), norm=norm, cmap=colours, edgecolors="white", linewidth=0.4
    )
    negative = np.argwhere((matrix <= -WEAK) & (matrix > -STRONG))
    axes.add_collection(_strokes([(column - 0.3, column + 0.3, row + 0.3, row - 0.3) for row, column in negative]))
    size = min(SMALL, TINY * (cell - 0.02) / text_width("−9", TINY))
    for row, column in np.argwhere(np.abs(matrix) >= STRONG):
        value = matrix[row, column]
        text = f"{10 * value:.0f}".replace("-", "−")
        axes.text(column, row, text, size=size, color=ink_on(colours(norm(value))), ha="center", va="center_baseline")
    for row, column in np.argwhere(np.isnan(matrix)):
        colour = PALE if row != column else GREY
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour if row == column else "white",
                                 edgecolor=PALE, linewidth=0.3))  # fmt: skip
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
