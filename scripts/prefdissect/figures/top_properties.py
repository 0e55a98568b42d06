"""The figure of what one judge prefers most and least in every group: the top three and the last three properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

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
from prefdissect.names import OVERALL

N_TOP = 3
NEUTRAL = 50.0
NOT_DISTINGUISHABLE = "not distinguishable"
_CELL = 0.2  # inches, at most in width
_SLANT = 60  # degrees by which the groups' names are turned
_COLUMNS = ("group", "property", "degree", "word", "n_pairs")


def top_properties_figure(
    coefficients: pd.DataFrame,
    property_labels: dict[str, str],
    *,
    judge: str,
    groups: list[str] | None = None,
    group_labels: dict[str, str] | None = None,
    note: str = "",
    width: float = 7.0,
) -> Figure:
    """Rank of the three most and the three least preferred properties of one judge in every group.

    Rows are the properties that are among them anywhere, those with the highest mean degree at the top; columns are the
    groups. Dark squares are the most preferred, bordered ones the least preferred; degrees that are exactly neutral or
    not distinguishable from it are not ranked.

    Parameters
    ----------
    coefficients
        Rows of table `coefficients` for one judge and one estimator.
    property_labels
        Text to show for a property.
    judge
        Text to show for the judge.
    groups
        Groups in the order of the columns; by default those of the table.
    group_labels
        Text to show for a group.
    note
        Sentence that says what marks at properties mean.
    width
        Inches.

    Raises
    ------
    InputError
        When a column is missing or a group and property have several rows.
    """
    ranks, degrees = _ranks(coefficients, groups)
    with figure_style():
        sheet = Sheet(width)
        sheet.text(f"What {judge} prefers most and least", TITLE, weight="bold")
        sheet.advance(0.03)
        sheet.text(f"{_subtitle(coefficients, ranks)} {note}".rstrip(), BODY, colour=GREY)
        sheet.advance(0.09)
        if len(ranks):
            top = Patch(facecolor=palette()[0], edgecolor="none")
            last = Patch(facecolor="white", edgecolor=palette()[1], linewidth=1.2)
            sheet.legend([top, last], ["most preferred (1 = first)", "least preferred (1 = last)"])
            sheet.advance(0.08)
            _body(sheet, ranks, degrees, property_labels, group_labels or {})
        return sheet.finish()


def _ranks(table: pd.DataFrame, groups: list[str] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ranks (1 to 3 from the top, -1 to -3 from the end, 0 else) and degrees; index property, columns groups."""
    missing = [column for column in _COLUMNS if column not in table]
    if missing:
        raise InputError(f"table `coefficients` lacks column `{missing[0]}`", fix=f"needed: {', '.join(_COLUMNS)}")
    if table.duplicated(["group", "property"]).any():
        raise InputError("table `coefficients` has several rows for one group and property", fix="select one judge")
    groups = [group for group in groups or dict.fromkeys(table["group"]) if (table["group"] == group).any()]
    degrees = table.pivot(index="property", columns="group", values="degree")[groups]
    ranks = pd.DataFrame(0, index=degrees.index, columns=degrees.columns)
    for group, part in table[table["group"].isin(groups)].groupby("group"):
        told = part[(part["degree"] != NEUTRAL) & (part["word"] != NOT_DISTINGUISHABLE)].set_index("property")["degree"]
        for sign, side in ((1, told[told > NEUTRAL]), (-1, told[told < NEUTRAL])):
            chosen = side.sort_values(ascending=sign < 0, kind="stable").head(N_TOP)
            ranks.loc[chosen.index, group] = sign * np.arange(1, len(chosen) + 1)
    named = ranks.index[(ranks != 0).any(axis=1)]
    order = degrees.loc[named].mean(axis=1).sort_values(ascending=False, kind="stable").index
    return ranks.loc[order], degrees.loc[order]


def _subtitle(table: pd.DataFrame, ranks: pd.DataFrame) -> str:
    if ranks.empty:
        return "No property is distinguishable from neutral in any group."
    counts = table.loc[table["group"].isin(ranks.columns)].groupby("group")["n_pairs"].max()
    span = f"{counts.min():,} to {counts.max():,} pairs" if counts.min() < counts.max() else f"{counts.min():,} pairs"
    text = f"The three properties with the highest and the lowest degree of preference in each group; {span} per group."
    if (table["word"] == "no interval").all():
        return text + " No intervals: the source gives none, so close ranks may be chance."
    return text + " Only effects that can be told from neutral are ranked."


def _body(sheet: Sheet, ranks: pd.DataFrame, degrees: pd.DataFrame, property_labels: dict, group_labels: dict) -> None:
    labels = [wrap(property_labels.get(name, name), BODY, 0.3 * sheet.width) for name in ranks.index]
    label_width = max(text_width(line, BODY) for lines in labels for line in lines)
    heads = [group_labels.get(group, group) for group in ranks.columns]
    left = MARGIN + label_width + 0.08
    cell, font, slant = _columns(heads, sheet.width - left - MARGIN)
    heights = [max(_CELL * 0.95, len(lines) * line_height(BODY) + 0.02) for lines in labels]
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    reach = max(text_width(head, font) for head in heads)
    top = sheet.top + reach * np.sin(np.deg2rad(slant)) + line_height(font) * 0.6
    for number, head in enumerate(heads):
        place = left + (number + (0.5 if slant < 90 else 0.68)) * cell
        weight = "bold" if ranks.columns[number] == OVERALL else "normal"
        style = {"rotation": slant, "rotation_mode": "anchor", "va": "baseline", "weight": weight}
        sheet.label(place, top - 0.03, head, font, **style)
    axes = sheet.axes(left, top, cell * len(heads), edges[-1])
    axes.set(xlim=(0, len(heads)), ylim=(edges[-1], 0))
    _draw_grid(axes, labels, edges)
    for row, name in enumerate(ranks.index):
        for column, group in enumerate(ranks.columns):
            if rank := ranks.loc[name, group]:
                _draw_rank(axes, column, edges[row], edges[row + 1], int(rank), cell)
    sheet.top = top
    sheet.advance(edges[-1])


def _columns(heads: list[str], room: float) -> tuple[float, float, float]:
    """Width of a column in inches, size of its head in points and the angle at which this is turned."""
    overhang = text_width(heads[-1], SMALL) * np.cos(np.deg2rad(_SLANT)) + 0.05  # the last one leans to the right
    cell = min((room - overhang) / len(heads), 2 * _CELL)
    if cell * np.sin(np.deg2rad(_SLANT)) > line_height(SMALL):
        return cell, SMALL, _SLANT
    cell = min(room / len(heads), 2 * _CELL)
    return cell, min(SMALL, cell * 72 / LINE_SPACING), 90.0


def _draw_grid(axes: Axes, labels: list[list[str]], edges: np.ndarray) -> None:
    for low, high in list(zip(edges, edges[1:], strict=False))[::2]:
        axes.axhspan(low, high, color=BAND, linewidth=0, zorder=0)
    for line in range(1, int(axes.get_xlim()[1])):
        axes.axvline(line, color=PALE, linewidth=0.4, zorder=0.5)
    centres = (edges[:-1] + edges[1:]) / 2
    axes.set_yticks(centres, ["\n".join(lines) for lines in labels], size=BODY, linespacing=LINE_SPACING)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, pad=4)
    axes.spines[:].set_visible(False)


def _draw_rank(axes: Axes, column: int, low: float, high: float, rank: int, cell: float) -> None:
    side = min(cell, _CELL, high - low) - 0.025
    wide = side / cell
    middle = (low + high) / 2
    first, last = palette()[0], palette()[1]
    look = {"facecolor": first, "edgecolor": first} if rank > 0 else {"facecolor": "white", "edgecolor": last}
    corner = (column + 0.5 - wide / 2, middle - side / 2)
    axes.add_patch(Rectangle(corner, wide, side, linewidth=1.2, zorder=2, **look))
    style = {"color": "white", "weight": "bold"} if rank > 0 else {"color": INK}
    size = min(SMALL, side * 72 / 1.25)
    place = (column + 0.5, middle)
    axes.text(*place, str(abs(rank)), size=size, ha="center", va="center_baseline", zorder=3, **style)
