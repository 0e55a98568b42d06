"""The figure of who judges alike: a heat map of similarities in the order of its dendrogram."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from prefdissect.attributes import level_order, level_text
from prefdissect.errors import InputError
from prefdissect.figures.colours import colour_bar, ink_on, lowest, shade
from prefdissect.figures.style import (
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
    similarity_colours,
    text_width,
    wrap,
)

MOST_WITH_VALUES = 20
MOST_ATTRIBUTES = 3
SURE_SUPPORT = 0.95
_LONGEST_LABEL = 2.2  # inches; longer labels are wrapped
_LARGEST_CELL = 0.52
_TREE, _GAP, _BAR = 0.85, 0.2, 0.15  # inches: the dendrogram, the room for cluster numbers, one side bar
_NARROWEST = 3.5
_MISSING = {"facecolor": "#e4e4e4", "hatch": "//////", "edgecolor": "#9a9a9a", "linewidth": 0}


@dataclass(frozen=True)
class _Tree:
    """Leaf order; branches as (position along the leaves, height), shape (n - 1, 4, 2); support per branch, or NaN."""

    leaves: list[int]
    branches: np.ndarray
    support: np.ndarray


@dataclass(frozen=True)
class _Plan:
    """Measures in inches, font size in points, and the wrapped labels in the order of the rows."""

    labels: list[list[str]]
    font: float
    label_width: float
    cell: float
    tree: float
    bars: float

    @property
    def left(self) -> float:
        return MARGIN + self.tree + _GAP + self.bars

    @property
    def side(self) -> float:
        return self.cell * len(self.labels)


def similarity_figure(
    similarity: pd.DataFrame,
    linkage: pd.DataFrame | np.ndarray | None,
    labels: dict[str, str],
    *,
    title: str,
    subtitle: str = "",
    judges: list[str] | None = None,
    clusters: dict[str, int | None] | None = None,
    attributes: pd.DataFrame | None = None,
    value_label: str = "similarity",
    items: str = "judges",
    width: float = 7.0,
) -> Figure:
    """Clustered heat map of the similarity of judges.

    Parameters
    ----------
    similarity
        Columns judge_1, judge_2, value: one or both triangles, at most one value per ordered pair. A judge's
        similarity with itself is 1 where the table does not say otherwise. Rows of other judges are left out.
    linkage
        Table `linkage` (leaves 0 to n - 1 are `judges` in their order; a branch that at least 95 % of the resamples
        contain gets a dot), or an array of `scipy.cluster.hierarchy.linkage`, shape (n - 1, 4). The order of
        left and right is kept. None: no dendrogram, the judges in the order given.
    labels
        Text to show for a judge; the name is shown where none is given.
    title, subtitle
        Text above the figure.
    judges
        Judges to show, in the order of the linkage's leaves; by default the keys of `labels`.
    clusters
        Cluster of a judge; neighbours of one cluster get a common border. None: the judge is in no cluster.
    attributes
        At most three columns that describe judges, as bars beside the map; indexed by judge, or with a column `judge`.
    value_label
        What a value is, for the colour bar.
    items
        What is compared, where it is not judges.
    width
        Inches. Exceeded where labels would otherwise become too small to read (beyond some 40 judges).

    Raises
    ------
    InputError
        When a column is missing, a pair has two different values, or the linkage does not fit the judges.
    """
    judges = list(labels) if judges is None else list(judges)
    matrix = _matrix(similarity, judges)
    tree = _tree(linkage, len(judges))
    order = [judges[leaf] for leaf in tree.leaves]
    matrix = matrix[np.ix_(tree.leaves, tree.leaves)]
    codes = _attribute_codes(attributes, order)
    with figure_style():
        plan = _plan([labels.get(judge, judge) for judge in order], len(tree.branches) > 0, len(codes), matrix, width)
        needed = plan.left + plan.side + 0.06 + plan.label_width + MARGIN
        sheet = Sheet(max(needed, _NARROWEST))
        low, step = lowest(matrix)
        norm = Normalize(low, 1.0)
        sheet.text(title, TITLE, weight="bold")
        if subtitle:
            sheet.advance(0.03)
            sheet.text(subtitle, BODY, colour=GREY)
        sheet.advance(0.1)
        colour_bar(sheet, norm, step, value_label)
        _keys(sheet, matrix, tree, codes, clusters or {}, items)
        _body(sheet, plan, matrix, tree, codes, norm, [(clusters or {}).get(judge) for judge in order])
        return sheet.finish()


def _matrix(similarity: pd.DataFrame, judges: list[str]) -> np.ndarray:
    """Symmetric matrix of shape (n, n); NaN where the table has no value."""
    missing = [column for column in ("judge_1", "judge_2", "value") if column not in similarity]
    if missing:
        raise InputError(f"table `similarity` lacks column `{missing[0]}`", fix="needed: judge_1, judge_2, value")
    if not judges or len(set(judges)) < len(judges):
        raise InputError(f"a heat map cannot show these {len(judges)} judges", fix="one or more different judges")
    rows = similarity[similarity["judge_1"].isin(judges) & similarity["judge_2"].isin(judges)]
    doubled = rows[rows.duplicated(["judge_1", "judge_2"])]
    if len(doubled):
        raise InputError(
            f"table `similarity` has several values for {_pair(doubled.iloc[0])}",
            fix="select one group, estimator and metric",
        )
    position = {judge: number for number, judge in enumerate(judges)}
    matrix = np.full((len(judges), len(judges)), np.nan)
    matrix[rows["judge_1"].map(position), rows["judge_2"].map(position)] = rows["value"]
    differ = np.argwhere(np.abs(matrix - matrix.T) > 1e-6)
    if len(differ):
        first, second = (judges[k] for k in differ[0])
        raise InputError(f"table `similarity` has two different values for judges `{first}` and `{second}`")
    matrix = np.where(np.isnan(matrix), matrix.T, matrix)
    diagonal = np.diag(matrix)
    np.fill_diagonal(matrix, np.where(np.isnan(diagonal), 1.0, diagonal))
    return matrix


def _pair(row: pd.Series) -> str:
    return f"judges `{row['judge_1']}` and `{row['judge_2']}`"


def _tree(linkage: pd.DataFrame | np.ndarray | None, n: int) -> _Tree:
    support = {}
    if isinstance(linkage, pd.DataFrame):
        table = linkage.sort_values("node")
        support = dict(zip(table["node"], table["support"], strict=True)) if "support" in table else {}
        linkage = table[["left", "right", "height", "size"]].to_numpy(dtype=float)
    if linkage is None or n == 1:
        return _Tree(list(range(n)), np.empty((0, 4, 2)), np.empty(0))
    merges = np.array(linkage, dtype=float)
    if merges.shape != (n - 1, 4):
        raise InputError(f"a linkage of {len(merges)} merges does not fit {n} judges", fix=f"{n - 1} merges")
    merges[:, 2] = merges[:, 2].clip(min=0)  # rounding may leave -1e-16, which scipy refuses
    try:
        # With `str` for the colours each branch is returned with the number of its node.
        drawn = hierarchy.dendrogram(merges, no_plot=True, link_color_func=str)
    except ValueError as error:
        raise InputError(f"the linkage is not valid: {error}") from error
    along, height = np.array(drawn["icoord"]) / 10 - 0.5, np.array(drawn["dcoord"])
    found = [support.get(int(node), np.nan) for node in drawn["color_list"]]
    return _Tree(drawn["leaves"], np.stack([along, height], axis=-1), np.array(found, dtype=float))


def _attribute_codes(attributes: pd.DataFrame | None, order: list[str]) -> dict[str, pd.Categorical]:
    """Levels of each attribute in the order of the rows; a judge that the table does not name has none."""
    if attributes is None:
        return {}
    table = attributes.set_index("judge") if "judge" in attributes else attributes
    if table.shape[1] > MOST_ATTRIBUTES:
        raise InputError(
            f"{table.shape[1]} attributes are too many beside a heat map", fix=f"at most {MOST_ATTRIBUTES}"
        )
    return {str(name): _levels(table[name], order) for name in table}


def _levels(values: pd.Series, order: list[str]) -> pd.Categorical:
    """Levels in the order of the study, their values in the order of the rows."""
    texts = values.map(level_text)
    return pd.Categorical(texts.reindex(order), categories=level_order(texts))


def _are_numbers(levels: pd.Categorical) -> bool:
    return len(levels.categories) > 1 and pd.to_numeric(levels.categories, errors="coerce").notna().all()


def _plan(labels: list[str], has_tree: bool, n_bars: int, matrix: np.ndarray, width: float) -> _Plan:
    n = len(labels)
    font = BODY if n <= 12 else SMALL if n <= 30 else TINY
    wrapped = [wrap(label, font, _LONGEST_LABEL) for label in labels]
    label_width = max(text_width(line, font) for lines in wrapped for line in lines)
    tree, bars = (_TREE if has_tree else 0.0), n_bars * _BAR + (0.05 if n_bars else 0)
    least = max(len(lines) for lines in wrapped) * line_height(font) + 0.01
    if n <= MOST_WITH_VALUES:
        least = max(least, _widest_value(matrix, TINY) + 0.04)
    fitting = (width - 2 * MARGIN - tree - _GAP - bars - 0.06 - label_width) / n
    return _Plan(wrapped, font, label_width, max(least, min(fitting, _LARGEST_CELL)), tree, bars)


def _value(value: float, n: int) -> str:
    """Two decimals; without the zero before the point where cells are many and small."""
    text = f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−")
    return text.replace("0.", ".", 1) if n > 10 else text


def _widest_value(matrix: np.ndarray, size: float) -> float:
    return max(text_width(_value(value, len(matrix)), size) for value in np.unique(matrix[~np.isnan(matrix)]))


def _keys(sheet: Sheet, matrix: np.ndarray, tree: _Tree, codes: dict, clusters: dict, items: str) -> None:
    """Legends for what the figure holds: gaps, clusters, well-supported branches, attributes."""
    missing = int(np.isnan(matrix[np.triu_indices(len(matrix), 1)]).sum())
    keys = []
    if missing:
        keys.append((Patch(**_MISSING), f"no value ({missing} pair{'s' if missing > 1 else ''} of {items})"))
    if any(cluster is not None for cluster in clusters.values()):
        keys.append((Patch(facecolor="none", edgecolor=INK, linewidth=1.4), "cluster, with its number"))
    if (tree.support >= SURE_SUPPORT).any():
        dot = Line2D([], [], linestyle="none", marker="o", markersize=3.5, color=INK)
        keys.append((dot, "branch found in at least 95\u00a0% of the resamples"))
    if keys:
        sheet.legend(*zip(*keys, strict=True))
        sheet.advance(0.07)
    for name, levels in codes.items():
        _attribute_legend(sheet, name, levels)
    sheet.advance(0.03)


def _shades(n: int, in_order: bool = False) -> list[tuple[float, ...]]:
    """Colours for the levels of an attribute. Their numbers, not the colours, tell the levels apart in print."""
    if in_order:
        return list(matplotlib.colormaps["Greys"](np.linspace(0.12, 0.9, n)))
    if n <= len(palette()):
        return list(palette()[:n])
    return list(matplotlib.colormaps["viridis"](np.linspace(0.05, 0.95, n)))


def _attribute_legend(sheet: Sheet, name: str, levels: pd.Categorical) -> None:
    if _are_numbers(levels):
        unknown = "; empty: unknown" if (levels.codes < 0).any() else ""
        sheet.text(f"{name}: the number in the bar, darker = larger{unknown}", BODY)
        sheet.advance(0.07)
        return
    shades = _shades(len(levels.categories))
    handles = [Patch(facecolor=shade, edgecolor="none") for shade in shades]
    texts = [f"{number}: {level}" for number, level in enumerate(levels.categories, start=1)]
    if (levels.codes < 0).any():
        handles.append(Patch(**_MISSING))
        texts.append("unknown")
    sheet.text(name, BODY, weight="bold")
    sheet.advance(0.02)
    if handles:
        sheet.legend(handles, texts)
    sheet.advance(0.07)


def _body(sheet: Sheet, plan: _Plan, matrix, tree: _Tree, codes, norm: Normalize, clusters: list) -> None:
    if codes:
        sheet.advance(max(text_width(name, SMALL) for name in codes) + 0.04)
    axes = sheet.axes(plan.left, sheet.top, plan.side, plan.side)
    _draw_map(axes, plan, matrix, norm)
    _draw_clusters(axes, clusters, plan)
    bar_left = MARGIN + plan.tree + _GAP
    for number, (name, levels) in enumerate(codes.items()):
        _draw_bar(sheet, plan, bar_left + number * _BAR, name, levels)
    if len(tree.branches):
        _draw_tree(sheet.axes(MARGIN, sheet.top, plan.tree, plan.side), tree, len(matrix))
    sheet.advance(plan.side + 0.06 + max(plan.label_width, 0.4))


def _draw_map(axes: Axes, plan: _Plan, matrix: np.ndarray, norm: Normalize) -> None:
    n = len(matrix)
    style = {"norm": norm, "cmap": similarity_colours()}
    if n <= MOST_WITH_VALUES:
        edges = np.arange(n + 1) - 0.5
        axes.pcolormesh(edges, edges, np.ma.masked_invalid(matrix), edgecolors="white", linewidth=0.6, **style)
    else:  # thousands of cells as one picture: quick to draw and to page through
        axes.imshow(np.ma.masked_invalid(matrix), interpolation="nearest", aspect="auto", **style)
    for row, column in np.argwhere(np.isnan(matrix)):
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **_MISSING))
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    texts = ["\n".join(lines) for lines in plan.labels]
    axes.set_yticks(range(n), texts, size=plan.font, linespacing=LINE_SPACING)
    axes.set_xticks(range(n), texts, size=plan.font, linespacing=LINE_SPACING, rotation=90)
    axes.yaxis.tick_right()
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)
    if n <= MOST_WITH_VALUES:
        _write_values(axes, plan, matrix, norm)


def _write_values(axes: Axes, plan: _Plan, matrix: np.ndarray, norm: Normalize) -> None:
    size = min(BODY, TINY * (plan.cell - 0.03) / _widest_value(matrix, TINY))
    for (row, column), value in np.ndenumerate(matrix):
        if row != column and not np.isnan(value):
            colour = ink_on(shade(norm(value)))
            axes.text(
                column, row, _value(value, len(matrix)), size=size, color=colour, ha="center", va="center_baseline"
            )


def _draw_clusters(axes: Axes, clusters: list, plan: _Plan) -> None:
    start = 0
    for cluster, members in groupby(clusters):
        size = len(list(members))
        if cluster is not None and not pd.isna(cluster):
            for colour, line in (("white", 2.8), (INK, 1.4)):  # a white rim keeps the border visible on dark cells
                corner = (start - 0.5, start - 0.5)
                axes.add_patch(
                    Rectangle(corner, size, size, fill=False, edgecolor=colour, linewidth=line, clip_on=False)
                )
            place = -0.5 - (plan.bars + 0.06) / plan.cell
            text = f"{cluster:g}" if isinstance(cluster, float) else str(cluster)
            axes.text(place, start + size / 2 - 0.5, text, size=SMALL, weight="bold", ha="right", va="center")
        start += size


def _draw_bar(sheet: Sheet, plan: _Plan, left: float, name: str, levels: pd.Categorical) -> None:
    n = len(levels)
    axes = sheet.axes(left, sheet.top, _BAR - 0.02, plan.side)
    numbers = _are_numbers(levels)
    shades = _shades(len(levels.categories), numbers)
    texts = list(levels.categories) if numbers else [str(code + 1) for code in range(len(levels.categories))]
    size = min([SMALL, plan.cell * 72 / LINE_SPACING, *(_fitting(text) for text in texts)])
    for row, code in enumerate(levels.codes):
        look = {"facecolor": shades[code], "linewidth": 0} if code >= 0 else _MISSING
        axes.add_patch(Rectangle((0, row - 0.5), 1, 1, **look))
        if code >= 0:
            axes.text(0.5, row, texts[code], size=size, color=ink_on(shades[code]), ha="center", va="center_baseline")
    axes.set(xlim=(0, 1), ylim=(n - 0.5, -0.5))
    axes.axis("off")
    centre = left + (_BAR - 0.02) / 2
    sheet.label(centre, sheet.top - 0.03, name, SMALL, rotation=90, ha="center", va="bottom")


def _fitting(text: str) -> float:
    """Largest size in points at which a text fits into a side bar."""
    return SMALL * (_BAR - 0.035) / text_width(text, SMALL)


def _draw_tree(axes: Axes, tree: _Tree, n: int) -> None:
    flipped = tree.branches[:, :, ::-1]  # heights run leftwards, away from the map
    axes.add_collection(LineCollection(flipped, colors=GREY, linewidths=0.8, capstyle="projecting"))
    sure = flipped[tree.support >= SURE_SUPPORT]
    if len(sure):
        middle = (sure[:, 1] + sure[:, 2]) / 2
        axes.plot(middle[:, 0], middle[:, 1], "o", color=INK, markersize=3 if n <= 40 else 2, clip_on=False)
    top = float(tree.branches[:, :, 1].max()) or 1.0
    axes.set_xlim(top * 1.12, 0)
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xticks([0, top], ["0", f"{top:.2f}"], size=SMALL)
    axes.tick_params(length=2, width=0.6, pad=1.5)
    axes.set_xlabel("1 − similarity", size=SMALL, labelpad=1)
    axes.spines["bottom"].set_color(PALE)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def group_linkage(similarity: pd.DataFrame, groups: list[str]) -> np.ndarray | None:
    """Average linkage of groups on 1 - similarity, leaves in optimal order; None where a similarity is missing.

    Parameters
    ----------
    similarity
        Columns judge_1, judge_2 (names of groups), value; each pair once.
    groups
        Leaves.
    """
    if len(groups) < 2 or similarity["value"].isna().any():
        return None
    place = {group: number for number, group in enumerate(groups)}
    distance = np.zeros((len(groups),) * 2)
    first, second = similarity["judge_1"].map(place), similarity["judge_2"].map(place)
    distance[first, second] = distance[second, first] = (1 - similarity["value"]).clip(lower=0)
    condensed = squareform(distance, checks=False)
    return hierarchy.linkage(condensed, "average", optimal_ordering=True)
