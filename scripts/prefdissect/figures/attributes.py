"""The figure of groups of judges: mean similarity within and between the values of an attribute."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from prefdissect.attributes import NONE, attribute_similarity
from prefdissect.figures.colours import colour_bar, ink_on, lowest, shade
from prefdissect.figures.style import (
    BODY,
    GREY,
    INK,
    MARGIN,
    PALE,
    SMALL,
    TINY,
    TITLE,
    Sheet,
    figure_style,
    line_height,
    text_width,
    wrap,
)

_GAP = 0.25
_CELL = 0.33


def attribute_similarity_figure(
    similarity: pd.DataFrame,
    attributes: pd.DataFrame,
    *,
    group: str,
    n: str = "",
    notes: dict[str, str] | None = None,
    width: float = 7.0,
) -> Figure:
    """Mean similarity within and between the values of every attribute, as one small map each.

    Parameters
    ----------
    similarity
        Columns judge_1, judge_2, value of one group and metric; each pair of judges once.
    attributes
        Attributes of the judges, index judge; one map per column.
    group
        Text that names the group of pairs.
    n
        Sentence that says how much data there is.
    notes
        What is to be said about an attribute, for instance that its division was chosen after seeing the data.
    width
        Inches. Maps that do not fit side by side stand below each other.
    """
    tables = {name: attribute_similarity(similarity, attributes, name) for name in attributes}
    everything = pd.concat(tables.values())["value"].to_numpy()
    with figure_style():
        sheet = Sheet(width)
        sheet.text("Are judges of one kind alike?", TITLE, weight="bold")
        sheet.advance(0.03)
        text = (
            f"{group}. Mean Pearson correlation of effect strengths over pairs of judges, within (bordered) and between"
            f" the values of an attribute; {len(attributes)} judges. {n} In small figures: pairs of judges. Pairs share"
            " judges, so they are not independent; no interval is shown. Dash: no pair; none: not known."
        )
        sheet.text(" ".join(text.split()), BODY, colour=GREY)
        sheet.advance(0.1)
        if not np.isfinite(everything).any():
            return sheet.finish()
        low, step = lowest(everything)
        norm = Normalize(low, 1.0)
        colour_bar(sheet, norm, step, "mean similarity")
        sheet.advance(0.04)
        _place(sheet, tables, norm, notes or {})
        return sheet.finish()


def _place(sheet: Sheet, tables: dict[str, pd.DataFrame], norm: Normalize, notes: dict[str, str]) -> None:
    """Maps side by side as long as they fit, then below."""
    left, bottom = MARGIN, sheet.top
    for name, table in tables.items():
        levels = list(dict.fromkeys(table["level_1"]))
        room = sheet.inner_width
        labels = [wrap(level, SMALL, 0.3 * room) for level in levels]
        label_width = max(text_width(line, SMALL) for lines in labels for line in lines) + 0.08
        cell = min(_CELL, (room - label_width - 0.02) / len(levels))
        wide = label_width + cell * len(levels)
        if left > MARGIN and left + wide > sheet.width - MARGIN:
            sheet.advance(bottom - sheet.top)
            left = MARGIN
        wide = max(wide, min(1.6, room))  # what stands above a small map
        end = _draw_map(sheet, name, table, levels, labels, left, label_width, cell, norm, notes.get(name), wide)
        bottom = max(bottom, end + _GAP)
        left += wide + _GAP
    sheet.advance(bottom - sheet.top - _GAP)


def _draw_map(sheet, name, table, levels, labels, left, label_width, cell, norm, note, wide) -> float:
    """Draw one map; the lower edge of what was drawn."""
    n = len(levels)
    _, within, between = _means(table)
    sheet.label(left, sheet.top, name, BODY, weight="bold")
    top = sheet.top + line_height(BODY)
    said = f"within {within:.2f}, between {between:.2f}" if np.isfinite([within, between]).all() else ""
    for line in [line for text in (said, note) if text for line in wrap(text, SMALL, wide)]:
        sheet.label(left, top, line, SMALL, colour=GREY)
        top += line_height(SMALL)
    top += 0.06
    axes = sheet.axes(left + label_width, top, cell * n, cell * n)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    place = {level: number for number, level in enumerate(levels)}
    for _, row in table.iterrows():
        _draw_cell(axes, place[row["level_2"]], place[row["level_1"]], row, cell, norm)
    for number, lines in enumerate(labels):
        sheet.label(
            left + label_width - 0.05, top + (number + 0.5) * cell, "\n".join(lines), SMALL, ha="right", va="center"
        )
    turned = max(text_width(level, SMALL) for level in levels) > cell - 0.03
    reach = 0.0
    for number, level in enumerate(levels):
        style = {"rotation": 90} if turned else {"va": "baseline"}
        down = 0.05 if turned else 0.05 + 0.8 * line_height(SMALL)
        place = (left + label_width + (number + 0.5) * cell, top + cell * n + down)
        sheet.label(*place, level, SMALL, ha="center", **style)
        reach = max(reach, text_width(level, SMALL) if turned else line_height(SMALL))
    return top + cell * n + 0.05 + reach


def _draw_cell(axes: Axes, row: int, column: int, entry: pd.Series, cell: float, norm: Normalize) -> None:
    """One cell of the lower triangle."""
    inside, given = row == column, entry["n_pairs"] > 0
    face = shade(norm(entry["value"])) if given else "white"
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=PALE, linewidth=0.4))
    colour = ink_on(face) if given else GREY
    text = f"{entry['value']:.2f}".replace("-", "−").replace("0.", ".", 1) if given else "–"
    size = min(SMALL, SMALL * (cell - 0.04) / text_width(".88", SMALL))
    axes.text(
        column, row - (0.1 if given and cell > 0.3 else 0), text, size=size, color=colour, ha="center", va="center"
    )
    if given and cell > 0.3:
        axes.text(column, row + 0.27, f"{entry['n_pairs']}", size=TINY, color=colour, ha="center", va="center")
    if inside:
        axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fill=False, edgecolor=INK, linewidth=1.3))


def _means(table: pd.DataFrame) -> tuple[str, float, float]:
    """Mean over pairs of judges within and between known values."""
    known = table[(table["level_1"] != NONE) & (table["level_2"] != NONE) & (table["n_pairs"] > 0)]
    inside = known["level_1"] == known["level_2"]
    means = []
    for part in (known[inside], known[~inside]):
        total = part["n_pairs"].sum()
        means.append(float((part["value"] * part["n_pairs"]).sum() / total) if total else np.nan)
    return str(table["attribute"].iloc[0]), *means
