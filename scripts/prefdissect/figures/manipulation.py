"""The figure of the manipulation experiments: how far every judge's score moves, arm by arm, over the random arms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prefdissect.figures.dots import Dots, dot_panel, legend_of, scale_around_zero
from prefdissect.figures.style import (
    BODY,
    GREY,
    MARKERS,
    PALE,
    TITLE,
    Sheet,
    figure_style,
    nothing_figure,
    palette,
)
from prefdissect.printed_manipulation import ARM_TEXTS

_STEP = 0.06  # inches between the dots of two arms in one row
_HEADING = "How far judges can be moved"
_ARMS = ("towards", "against", "tuned-towards", "tuned-against", "tuned-shuffled")
_SCORES = {"win_rate": "points of win rate", "grade": "grades (1 to 10)"}


def manipulation_figure(
    table: pd.DataFrame, labels: dict[str, str], *, target: str, score: str = "win_rate", width: float = 7.0
) -> Figure:
    """Shift of every judge for every model that was aimed at one target: a dot per arm, random arms behind.

    Parameters
    ----------
    table
        Table `manipulation`.
    labels
        Text to show for a judge.
    target
        Judge aimed at.
    score
        win_rate or grade.
    width
        Inches.
    """
    rows = table[(table["target"] == target) & (table["score"] == score) & table["shift"].notna()]
    if rows.empty:
        return nothing_figure(_HEADING, "No arm has a score.", width)
    keys = list(dict.fromkeys(zip(rows["generator"], rows["judge"], strict=True)))
    keys.sort(key=lambda key: (list(dict.fromkeys(rows["generator"])).index(key[0]), key[1] != target))
    by_key = rows.set_index(["generator", "judge"])
    arms = [arm for arm in _ARMS if (rows["arm"] == arm).any()]
    with figure_style():
        sheet = Sheet(width)
        sheet.text(_HEADING, TITLE, weight="bold")
        sheet.advance(0.03)
        sheet.text(_subtitle(rows, labels.get(target, target)), BODY, colour=GREY)
        sheet.advance(0.09)
        dots = [*_random(by_key, keys), *(_dots(number, arms, by_key, keys) for number in range(len(arms)))]
        legend_of(sheet, dots)
        values = np.concatenate(
            [part for each in dots for part in (each.values, each.low, each.high) if part is not None]
        )
        least = 5 if score == "win_rate" else 0.5
        title = f"Shift from the same model told nothing, {_SCORES[score]}"
        bold = [judge == target for _, judge in keys]
        several = len({generator for generator, _ in keys}) > 1
        names = [labels.get(judge, judge) + (f" · {generator}" if several else "") for generator, judge in keys]
        scale = scale_around_zero(
            values, 0.55 * width, least=least, title=title, bold=bold, sides=("moved down", "moved up")
        )
        dot_panel(sheet, names, dots, scale)
        return sheet.finish()


def _subtitle(rows: pd.DataFrame, target: str) -> str:
    low, high = rows["n"].min(), rows["n"].max()
    n = f"{low}" if low == high else f"{low} to {high}"
    models = ", ".join(dict.fromkeys(rows["generator"]))
    return (
        f"Models aimed at {target} (bold): {models}. Paired over {n} instructions; lines: 95\u00a0% intervals from "
        "resampling instructions. Grey: properties drawn at random, a dot per seed. A judge that moves alone was gamed."
    )


def _dots(number: int, arms: list[str], rows: pd.DataFrame, keys: list[tuple]) -> Dots:
    arm = arms[number]
    mine = rows[rows["arm"] == arm].reindex(pd.MultiIndex.from_tuples(keys))
    values, low, high = (mine[name].to_numpy(float) for name in ("shift", "shift_q025", "shift_q975"))
    hollow = (low <= 0) & (high >= 0)
    return Dots(
        values, low, high, colour=palette()[number], marker=MARKERS[number], hollow=hollow,
        shift=(number - (len(arms) - 1) / 2) * _STEP, label=ARM_TEXTS[arm],
    )  # fmt: skip


def _random(rows: pd.DataFrame, keys: list[tuple]) -> list[Dots]:
    """The random arms: every seed as a pale dot, their mean with its interval as a broad line."""
    mine = rows[rows["arm"] == "random"]
    index = pd.MultiIndex.from_tuples(keys)
    found = [
        Dots(part["shift"].reindex(index).to_numpy(float), colour=PALE, size=3.5)
        for _, part in mine[mine["seed"].notna()].groupby("seed", sort=False)
    ]
    mean = mine[mine["seed"].isna()].reindex(index)
    values, low, high = (mean[name].to_numpy(float) for name in ("shift", "shift_q025", "shift_q975"))
    if np.isfinite(values).any():
        found.append(Dots(values, low, high, colour=GREY, size=3.5, width=3.0, label="at random, mean over seeds"))
    elif found:
        found[0] = Dots(found[0].values, colour=PALE, size=3.5, label="at random")
    return found
