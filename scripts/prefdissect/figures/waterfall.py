"""The figure of one pair: what each property adds to the preference that a judge's fit predicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from scipy.special import expit

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

_ROW, _BAR = 0.17, 0.62
_MOST_LINES = 3  # of a text that is quoted
_MOST_BARS = 8  # of a judge
_COLUMNS = ("judge", "property", "log_odds")


def waterfall_figure(
    contributions: pd.DataFrame,
    labels: dict[str, str],
    property_labels: dict[str, str],
    *,
    judges: list[str],
    texts: dict[str, str],
    title: str,
    group: str,
    verdicts: dict[str, str] | None = None,
    note: str = "",
    width: float = 7.0,
) -> Figure:
    """What every property in which two responses differ adds to the log-odds that a judge prefers response A.

    One panel per judge: bars start where the one above ends, the strongest first, and end at the sum. The weakest share
    one bar, those that add nothing have none.

    Parameters
    ----------
    contributions
        Rows of table `contributions` for one pair, group and estimator; further judges may be present.
    labels
        Text to show for a judge.
    property_labels
        Text to show for a property.
    judges
        Judges to show, one panel each. A judge without rows has no difference that it reacts to.
    texts
        Beginning of the figure: heading -> text, for instance the prompt and the responses; long ones are shortened.
    title
        Text above the figure.
    group
        Text that names the group whose coefficients are used.
    verdicts
        What the judge itself said, by judge.
    note
        Sentence that says what marks at properties mean.
    width
        Inches.

    Raises
    ------
    InputError
        When a column is missing or a judge and property have several rows.
    """
    _check(contributions)
    with figure_style():
        sheet = Sheet(width)
        sheet.text(title, TITLE, weight="bold")
        sheet.advance(0.03)
        sheet.text(
            "Each bar: what one property in which the responses differ adds to the log-odds that a judge's fit gives to"
            f" A. Coefficients of {group}; no intervals. {note}".rstrip(),
            BODY, colour=GREY,
        )  # fmt: skip
        sheet.advance(0.08)
        _quote(sheet, texts)
        sides = [Patch(facecolor=palette()[0], edgecolor=palette()[0]), Patch(**_against())]
        sheet.legend(sides, ["speaks for A", "speaks for B"])
        sheet.advance(0.08)
        parts = {judge: _ordered(contributions, judge) for judge in judges}
        reach = _reach(parts.values())
        plan = _label_width(parts.values(), property_labels, 0.38 * width)
        drawn = [judge for judge, part in parts.items() if len(part)]
        for judge, part in parts.items():
            head = _said(part, labels.get(judge, judge), (verdicts or {}).get(judge))
            _panel(sheet, part, head, property_labels, reach, plan, with_scale=judge == drawn[-1] if drawn else False)
        return sheet.finish()


def _check(contributions: pd.DataFrame) -> None:
    missing = [column for column in _COLUMNS if column not in contributions]
    if missing:
        raise InputError(f"table `contributions` lacks column `{missing[0]}`", fix=f"needed: {', '.join(_COLUMNS)}")
    if contributions.duplicated(["judge", "property"]).any():
        raise InputError("table `contributions` has several rows for one judge and property", fix="select one pair")


def _against() -> dict:
    """Look of bars for B: hatched, so that they differ without colour too."""
    return {"facecolor": "white", "edgecolor": palette()[1], "hatch": "//////", "linewidth": 0.8}


def _quote(sheet: Sheet, texts: dict[str, str]) -> None:
    for heading, text in texts.items():
        head = f"{heading}: "
        indent = text_width(head, BODY, "bold")
        lines = wrap(text or "(empty)", BODY, sheet.inner_width - indent)
        if len(lines) > _MOST_LINES:
            lines = lines[:_MOST_LINES]
            while text_width(lines[-1] + " …", BODY) > sheet.inner_width - indent:
                lines[-1] = lines[-1].rpartition(" ")[0] or lines[-1][:-1]
            lines[-1] += " …"
        sheet.label(MARGIN, sheet.top, head.strip(), BODY, weight="bold")
        sheet.label(MARGIN + indent, sheet.top, "\n".join(lines), BODY)
        sheet.advance(len(lines) * line_height(BODY) + 0.03)
    sheet.advance(0.06)


def _ordered(contributions: pd.DataFrame, judge: str) -> pd.Series:
    """Log-odds by property, the strongest first; what is too weak for a bar of its own comes last, as one sum."""
    mine = contributions[(contributions["judge"] == judge) & (contributions["log_odds"] != 0)]
    values = mine.set_index("property")["log_odds"]
    values = values.reindex(values.abs().sort_values(ascending=False, kind="stable").index)
    if len(values) <= _MOST_BARS + 1:
        return values
    weak = values.iloc[_MOST_BARS:]
    return pd.concat([values.iloc[:_MOST_BARS], pd.Series({f"{len(weak)} weaker ones": weak.sum()})])


def _reach(parts) -> float:
    sums = [np.abs(np.cumsum(part.to_numpy(float))).max() for part in parts if len(part)]
    return 1.12 * max([0.5, *sums])


def _label_width(parts, property_labels: dict[str, str], limit: float) -> float:
    names = {name for part in parts for name in part.index}
    lines = [line for name in names for line in wrap(property_labels.get(name, name), BODY, limit)]
    return max((text_width(line, BODY) for line in [*lines, "sum: P(A) = 100 %"]), default=1.0)


def _said(part: pd.Series, judge: str, verdict: str | None) -> str:
    """What the fit predicts, and what the judge itself said."""
    total = float(part.sum())
    likelier, share = "A" if total > 0 else "B", max(expit(total), expit(-total))
    found = f"the fit gives {likelier} {100 * share:.0f}\u00a0%" if len(part) else "no difference counts"
    return f"{judge}: {found}" + (f"; it chose {verdict}" if verdict else "")


def _panel(sheet: Sheet, part, head: str, property_labels, reach, label_width, with_scale: bool) -> None:
    for line in wrap(head, BODY, sheet.inner_width, "bold"):
        sheet.label(MARGIN, sheet.top, line, BODY, weight="bold")
        sheet.advance(line_height(BODY))
    sheet.advance(0.03)
    if len(part):
        _bars(sheet, part, property_labels, reach, label_width, with_scale)
    sheet.advance(0.08)


def _bars(sheet: Sheet, part: pd.Series, property_labels, reach, label_width, with_scale: bool) -> None:
    labels = [wrap(property_labels.get(name, name), BODY, label_width + 1e-6) for name in part.index] + [["sum"]]
    heights = [max(_ROW, len(lines) * line_height(BODY) + 0.02) for lines in labels]
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    left = MARGIN + label_width + 0.08
    width = sheet.width - left - MARGIN - 0.08
    axes = sheet.axes(left, sheet.top, width, edges[-1])
    axes.set(xlim=(-reach, reach), ylim=(edges[-1], 0))
    for top, bottom in list(zip(edges, edges[1:], strict=False))[::2]:
        axes.axhspan(top, bottom, color=BAND, linewidth=0, zorder=0)
    axes.axvline(0, color=INK, linewidth=1.2, zorder=1)
    centres = (edges[:-1] + edges[1:]) / 2
    end = np.cumsum(part.to_numpy(float))
    for centre, start, stop in zip(centres, [0.0, *end], end, strict=False):
        _bar(axes, centre, start, stop, width, reach)
    for centre, below, stop in zip(centres, centres[1:], end, strict=False):
        axes.plot([stop, stop], [centre, below], color=GREY, linewidth=0.6, zorder=1.5)
    axes.plot([end[-1]], [centres[-1]], marker="D", color=INK, markersize=4.2, zorder=3)
    _number(axes, centres[-1], end[-1], end[-1], width, reach, "bold")
    axes.set_yticks(centres, ["\n".join(lines) for lines in labels], size=BODY, linespacing=LINE_SPACING)
    axes.get_yticklabels()[-1].set_weight("bold")
    axes.tick_params(axis="y", length=0, pad=4)
    _draw_scale(axes, reach, width, with_scale)
    sheet.advance(edges[-1])
    if with_scale:
        sheet.advance(0.07 + line_height(SMALL))
        sheet.label(left, sheet.top, "← towards B", SMALL, colour=GREY)
        sheet.label(left + width, sheet.top, "towards A →", SMALL, colour=GREY, ha="right")
        if width > 2.2:
            sheet.label(left + width / 2, sheet.top, "log-odds", SMALL, ha="center", colour=GREY)
        sheet.advance(line_height(SMALL))


def _draw_scale(axes: Axes, reach: float, width: float, with_scale: bool) -> None:
    """Grid lines in every panel, numbers below the last one."""
    step = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if reach / step <= width / 0.8), 1000)
    ticks = np.arange(-int(reach // step), int(reach // step) + 1) * step
    texts = [f"{tick:g}".replace("-", "−") for tick in ticks.round(6)] if with_scale else [""] * len(ticks)
    axes.set_xticks(ticks, texts, size=SMALL)
    axes.tick_params(axis="x", length=2.5 if with_scale else 0, width=0.6, pad=2)
    axes.grid(axis="x", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_visible(with_scale)


def _bar(axes: Axes, centre: float, start: float, stop: float, width: float, reach: float) -> None:
    look = {"facecolor": palette()[0], "edgecolor": palette()[0], "linewidth": 0.8} if stop > start else _against()
    height = _ROW * _BAR
    corner = (min(start, stop), centre - height / 2)
    axes.add_patch(Rectangle(corner, abs(stop - start), height, zorder=2, **look))
    _number(axes, centre, stop - start, max(start, stop, key=abs), width, reach)


def _number(
    axes: Axes, centre: float, value: float, beside: float, width: float, reach: float, weight="normal"
) -> None:
    """The value, on the outer side of where the bar lies; inside where there is no room."""
    text = "0.00" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")
    gap = 0.06 * 2 * reach / width
    room = (text_width(text, SMALL, weight) + 0.07) * 2 * reach / width
    right = beside >= 0
    if abs(beside) + room > reach:
        right = not right
        beside = 0.0
    place, side = (beside + gap, "left") if right else (beside - gap, "right")
    axes.text(place, centre, text, size=SMALL, ha=side, va="center_baseline", weight=weight, zorder=4)
