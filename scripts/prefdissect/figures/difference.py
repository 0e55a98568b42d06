"""The figures of differences: two judges property by property, and aligned judges against their base models."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prefdissect.errors import InputError
from prefdissect.figures.dots import Dots, dot_panel, legend_of, scale_around_zero
from prefdissect.figures.style import BODY, GREY, SMALL, TITLE, Sheet, figure_style, nothing_figure, palette

POINTS = "#9a9a9a"
MOST_EQUAL_ROWS = 5  # more rows than these that say nothing become a footnote
NO_VERSION = "{group}: no aligned judge was fitted together with its base model."
_LEAST = 3.0  # half the scale, in points of degree, so that trifles look like trifles


def difference_figure(
    differences: pd.DataFrame,
    property_labels: dict[str, str],
    *,
    judges: tuple[str, str],
    group: str,
    n: str = "",
    intervals: str = "",
    mark_unsure: bool = True,
    points: pd.DataFrame | None = None,
    points_label: str = "one scenario group",
    width: float = 7.0,
) -> Figure:
    """Degree of preference of one judge minus that of another, for every property.

    Properties are sorted, what the first judge values more at the top.

    Parameters
    ----------
    differences
        Columns property, value (points of degree), q025, q975 (may be null); one row per property.
    property_labels
        Text to show for a property.
    judges
        Text to show for the two judges.
    group
        Text that names the group of pairs.
    n
        Sentence that says how much data there is.
    intervals
        Sentence that says what the lines are.
    mark_unsure
        Draw a dot hollow, and its label pale, where the interval holds 0.
    points
        Columns property, value: further dots in the background.
    points_label
        What one of them is.
    width
        Inches.

    Raises
    ------
    InputError
        When a column is missing or a property has several rows.
    """
    table = _checked(differences).sort_values("value", ascending=False, kind="stable")
    table, equal = _without_equal(table)
    with figure_style():
        sheet = Sheet(width)
        sheet.text(f"{judges[0]} against {judges[1]}: what they value differently", TITLE, weight="bold")
        sheet.advance(0.03)
        hollow = _holds_zero(table) if mark_unsure else np.zeros(len(table), dtype=bool)
        sentences = [f"{group}. Degree of preference of the first minus that of the second, in points; 0 = equal.", n]
        sentences += [intervals, "Hollow: the interval holds 0." if hollow.any() else ""]
        sheet.text(" ".join(filter(None, sentences)), BODY, colour=GREY)
        sheet.advance(0.09)
        main = Dots(
            *table[["value", "q025", "q975"]].to_numpy(float).T, colour=palette()[0], hollow=hollow, width=1.4, size=4.8
        )
        background = _points(table["property"], points, points_label)
        legend_of(sheet, background[:1])
        everything = np.concatenate([table[["value", "q025", "q975"]].to_numpy(float).ravel(), *_values(background)])
        sides = (f"← {judges[1]} values it more", f"{judges[0]} values it more →")
        scale = scale_around_zero(
            everything, width * 0.5, least=_LEAST, title="difference in degree of preference", sides=sides,
            pale=list(hollow),
        )  # fmt: skip
        dot_panel(sheet, [property_labels.get(name, name) for name in table["property"]], [*background, main], scale)
        if equal:
            sheet.advance(0.06)
            sheet.text(f"{equal} further properties without any difference.", SMALL, colour=GREY)
        return sheet.finish()


def aligned_shifts_figure(
    shifts: pd.DataFrame,
    labels: dict[str, str],
    property_labels: dict[str, str],
    *,
    group: str,
    n: str = "",
    width: float = 7.0,
) -> Figure:
    """What alignment changes: degree of aligned judges minus that of their base models, per property.

    The large dot is the mean over base models of the mean over their aligned versions; small dots are single versions.
    Versions of the base model that moved most are set apart, for one outlier can make a mean.

    Parameters
    ----------
    shifts
        Columns base, aligned, property, value (points of degree).
    labels
        Text to show for a judge.
    property_labels
        Text to show for a property.
    group
        Text that names the group of pairs.
    n
        Sentence that says how much data there is.
    width
        Inches.
    """
    if shifts.empty:
        return nothing_figure("What alignment changes", NO_VERSION.format(group=group), width)
    per_base = shifts.groupby(["base", "property"], sort=False)["value"].mean().unstack("property")
    mean = per_base.mean().sort_values(ascending=False, kind="stable")
    moved = per_base.abs().mean(axis=1).idxmax() if len(per_base) > 2 else None
    others = per_base.drop(index=moved).mean() if moved is not None else None
    with figure_style():
        sheet = Sheet(width)
        sheet.text("What alignment changes: aligned judges against their base models", TITLE, weight="bold")
        sheet.advance(0.03)
        versions = shifts.drop_duplicates(["base", "aligned"])
        text = (
            f"{group}. Degree of preference of the aligned judge minus that of its base model, in points, per property;"
            f" {len(versions)} aligned versions of {len(per_base)} base models. {n} No intervals: the small dots show"
            " how far single versions lie apart."
        )
        sheet.text(" ".join(text.split()), BODY, colour=GREY)
        sheet.advance(0.09)
        dots = _version_dots(shifts, mean.index, moved, labels)
        dots.append(Dots(mean.to_numpy(), colour=palette()[0], size=5.2, label="mean over base models"))
        if others is not None:
            text = f"mean without {labels.get(moved, moved)}"
            dots.append(Dots(others[mean.index].to_numpy(), colour=palette()[0], marker="|", size=8, label=text))
        legend_of(sheet, dots)
        everything = np.concatenate([dot.values for dot in dots])
        sides = ("← base model values it more", "aligned values it more →")
        scale = scale_around_zero(
            everything, width * 0.5, least=_LEAST, title="shift in degree of preference", sides=sides
        )
        dot_panel(sheet, [property_labels.get(name, name) for name in mean.index], dots, scale)
        return sheet.finish()


def _checked(differences: pd.DataFrame) -> pd.DataFrame:
    needed = ["property", "value", "q025", "q975"]
    missing = [column for column in needed if column not in differences]
    if missing:
        raise InputError(f"the table of differences lacks column `{missing[0]}`", fix=f"needed: {', '.join(needed)}")
    twice = differences["property"].duplicated()
    if twice.any():
        raise InputError(
            f"the table of differences has several rows for property `{differences['property'][twice].iloc[0]}`"
        )
    return differences


def _without_equal(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Leave out the properties in which nothing differs where they are many, and say how many these are."""
    equal = (table[["value", "q025", "q975"]].fillna(0) == 0).all(axis=1)
    if equal.sum() <= MOST_EQUAL_ROWS or equal.all():
        return table, 0
    return table[~equal], int(equal.sum())


def _holds_zero(table: pd.DataFrame) -> np.ndarray:
    low, high = table["q025"].to_numpy(float), table["q975"].to_numpy(float)
    return (low <= 0) & (high >= 0)


def _points(order, points: pd.DataFrame | None, label: str) -> list[Dots]:
    """One `Dots` per rank of a point within its property."""
    if points is None or points.empty:
        return []
    lists = points.groupby("property")["value"].apply(list).reindex(order)
    most = max(len(values) for values in lists)
    filled = np.array([[*values, *[np.nan] * (most - len(values))] for values in lists], dtype=float)
    return [Dots(column, colour=POINTS, size=2.0, label=label if k == 0 else "") for k, column in enumerate(filled.T)]


def _values(dots: list[Dots]) -> list[np.ndarray]:
    return [kind.values for kind in dots]


def _version_dots(shifts: pd.DataFrame, order, moved: str | None, labels: dict[str, str]) -> list[Dots]:
    wide = shifts.pivot(index="property", columns=["base", "aligned"], values="value").reindex(order)
    dots, named = [], set()
    for base, aligned in wide:
        apart = base == moved
        label = f"versions of {labels.get(moved, moved)}, which moved most" if apart else "one aligned version"
        look = {"colour": palette()[1], "marker": "D", "hollow": True, "size": 2.8} if apart else {"colour": POINTS}
        dots.append(
            Dots(wide[base, aligned].to_numpy(float), **({"size": 2.0} | look), label="" if label in named else label)
        )
        named.add(label)
    return sorted(dots, key=lambda kind: kind.marker == "D")
