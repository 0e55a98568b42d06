"""Rows of dots with interval lines on one scale: the common part of the figures that compare numbers row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from prefdissect.figures.style import (
    BAND,
    BODY,
    GREY,
    INK,
    LINE_SPACING,
    MARGIN,
    PALE,
    SMALL,
    Sheet,
    line_height,
    text_width,
    wrap,
)

_LEAST_ROW = 0.17  # inches


@dataclass(frozen=True)
class Dots:
    """One kind of dot: a value per row (NaN for none), with an interval where there is one.

    `hollow` says row by row which dots are drawn without filling; `shift` moves them within their row, in inches.
    """

    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    colour: str = INK
    marker: str = "o"
    size: float = 4.3
    hollow: np.ndarray | bool = False
    shift: float = 0.0
    label: str = ""
    width: float = 1.1

    def handle(self) -> Line2D:
        """Entry for a legend."""
        face = "white" if self.hollow is True else self.colour
        return Line2D([], [], color=self.colour, marker=self.marker, markersize=self.size + 0.6, linestyle="none",
                      markerfacecolor=face, markeredgewidth=0.8)  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """The horizontal scale of a panel.

    `neutral` gets a thick line, `sides` say what left and right of it mean, `numbers` are written at the right edge.
    """

    low: float
    high: float
    ticks: Sequence[float]
    title: str
    neutral: float | None = None
    sides: tuple[str, str] | None = None
    numbers: Sequence[str] = ()
    numbers_title: str = ""
    bold: Sequence[bool] = field(default_factory=tuple)
    pale: Sequence[bool] = field(default_factory=tuple)


def scale_around_zero(values: np.ndarray, width: float, *, least: float, title: str, **settings) -> Scale:
    """A scale that reaches every value, and at least to `least` on both sides of 0.

    Parameters
    ----------
    values
        Everything that is drawn; NaN is passed over.
    width
        Inches that the scale will have.
    """
    found = values[np.isfinite(values)]
    low, high = min([-least, *found]), max([least, *found])
    rim = 0.03 * (high - low)
    low, high = float(low - rim), float(high + rim)
    most = max(2, int(width / 0.5))
    step = next((step for step in (1, 2, 5, 10, 20, 25) if (high - low) / step <= most), 50)
    ticks = [step * k for k in range(-int(-low // step), int(high // step) + 1)]
    return Scale(low, high, ticks, title, neutral=0.0, **settings)


def dot_panel(sheet: Sheet, labels: Sequence[str], dots: Sequence[Dots], scale: Scale, *, font: float = BODY) -> Axes:
    """Add rows of dots over the whole width of a sheet; labels are wrapped, nothing is cut.

    Returns
    -------
    The axes, with rows at the positions of its `yticks`.
    """
    weights = ["bold" if bold else "normal" for bold in scale.bold] or ["normal"] * len(labels)
    wrapped = [wrap(label, font, 0.38 * sheet.width, weight) for label, weight in zip(labels, weights, strict=True)]
    label_width = max(
        text_width(line, font, weight) for lines, weight in zip(wrapped, weights, strict=True) for line in lines
    )
    left = MARGIN + label_width + 0.08
    texts = [*scale.numbers, scale.numbers_title]
    right = max((text_width(text, SMALL) for text in texts), default=0) + (0.1 if scale.numbers else 0.06)
    width = sheet.width - left - MARGIN - right
    least = max(_LEAST_ROW if font >= BODY else 0.125, 0.1 + max((abs(kind.shift) for kind in dots), default=0) * 2)
    heights = [max(least, len(lines) * line_height(font) + 0.025) for lines in wrapped]
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    _heads(sheet, scale, left, width)
    axes = sheet.axes(left, sheet.top, width, edges[-1])
    _draw_scale(axes, scale, edges)
    centres = (edges[:-1] + edges[1:]) / 2
    _draw_labels(axes, wrapped, centres, scale, font)
    for kind in dots:
        _draw(axes, kind, centres)
    for centre, number in zip(centres, scale.numbers, strict=False):
        axes.text(1 + right / width, centre, number, size=SMALL, ha="right", va="center_baseline",
                  transform=axes.get_yaxis_transform())  # fmt: skip
    sheet.advance(edges[-1] + 0.07 + line_height(SMALL))
    for line in wrap(scale.title, BODY, width + right):
        sheet.label(left + width / 2, sheet.top, line, BODY, ha="center")
        sheet.advance(line_height(BODY))
    return axes


def legend_of(sheet: Sheet, dots: Sequence[Dots], more: Sequence[tuple] = ()) -> None:
    """Add the legend of those dots that have a label, then further handles with their texts."""
    entries = [(kind.handle(), kind.label) for kind in dots if kind.label] + list(more)
    if entries:
        sheet.legend(*zip(*entries, strict=True))
        sheet.advance(0.08)


def _heads(sheet: Sheet, scale: Scale, left: float, width: float) -> None:
    """What left and right mean; on two lines where they would meet."""
    if scale.numbers_title:
        right = sheet.width - MARGIN
        sheet.label(right, sheet.top, scale.numbers_title, SMALL, colour=GREY, ha="right")
    if scale.sides:
        style = {"weight": "bold", "va": "baseline"}
        sheet.advance(line_height(BODY) * 0.8)
        start, end = scale.sides
        crowded = sum(text_width(side, BODY, "bold") for side in scale.sides) + 0.2 > width
        for line in wrap(start, BODY, width, "bold") if crowded else [start]:
            sheet.label(left, sheet.top, line, BODY, **style)
            sheet.advance(line_height(BODY) if crowded else 0)
        for number, line in enumerate(wrap(end, BODY, width, "bold") if crowded else [end]):
            sheet.advance(line_height(BODY) if number else 0)
            sheet.label(left + width, sheet.top, line, BODY, ha="right", **style)
        sheet.advance(0.03)
    elif scale.numbers_title:
        sheet.advance(line_height(SMALL))
    sheet.advance(0.05)


def _draw_scale(axes: Axes, scale: Scale, edges: np.ndarray) -> None:
    axes.set(xlim=(scale.low, scale.high), ylim=(edges[-1], 0))
    axes.set_xticks(scale.ticks, [f"{tick:g}".replace("-", "−") for tick in scale.ticks], size=SMALL)
    axes.tick_params(length=2.5, width=0.6, pad=2)
    axes.grid(axis="x", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    for top, bottom in list(zip(edges, edges[1:], strict=False))[::2]:
        axes.axhspan(top, bottom, color=BAND, linewidth=0, zorder=0)
    if scale.neutral is not None:
        axes.axvline(scale.neutral, color=INK, linewidth=1.6, zorder=1)


def _draw_labels(axes: Axes, wrapped, centres: np.ndarray, scale: Scale, font: float) -> None:
    axes.set_yticks(centres, ["\n".join(lines) for lines in wrapped], size=font, linespacing=LINE_SPACING)
    axes.tick_params(axis="y", length=0, pad=4)
    for tick, bold in zip(axes.get_yticklabels(), scale.bold, strict=False):
        tick.set_weight("bold" if bold else "normal")
    for tick, pale in zip(axes.get_yticklabels(), scale.pale, strict=False):
        tick.set_color(GREY if pale else INK)


def _draw(axes: Axes, kind: Dots, centres: np.ndarray) -> None:
    y = centres + kind.shift
    if kind.low is not None and kind.high is not None:
        axes.hlines(y, kind.low, kind.high, color=kind.colour, linewidth=kind.width, zorder=2)
    hollow = np.broadcast_to(kind.hollow, len(y))
    for part, face in ((hollow, "white"), (~hollow, kind.colour)):
        if part.any():
            axes.plot(
                kind.values[part], y[part], linestyle="none", marker=kind.marker, markersize=kind.size,
                markerfacecolor=face, markeredgecolor=kind.colour, markeredgewidth=0.8, zorder=3, clip_on=False,
            )  # fmt: skip
