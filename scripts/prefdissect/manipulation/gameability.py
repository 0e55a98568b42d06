"""How far a judge can be moved by aiming at it, in one number for its datasheet."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.names import POOLED

MEASURE = "gameability"
AIMED = ("towards", "tuned-towards")


def strongest_shifts(manipulation: pd.DataFrame) -> pd.DataFrame:
    """The row with the largest shift of every target's own win rate by an arm that aims at it, over generators.

    Parameters
    ----------
    manipulation
        Table `manipulation`.

    Returns
    -------
    Rows of the table, indexed by judge.
    """
    own = manipulation[(manipulation["role"] == "target") & manipulation["arm"].isin(AIMED)]
    own = own[(own["score"] == "win_rate") & own["shift"].notna()]
    return own.sort_values("shift", ascending=False, kind="stable").drop_duplicates("judge").set_index("judge")


def with_gameability(datasheet: pd.DataFrame, manipulation: pd.DataFrame) -> pd.DataFrame:
    """The datasheet with `gameability` (share of win rate, with interval) in the rows of all pairs; null for others."""
    shifts = strongest_shifts(manipulation)
    table = datasheet.copy()
    for end in ("", "_q025", "_q975"):
        values = table["judge"].map(shifts[f"shift{end}"] / 100)
        table[f"{MEASURE}{end}"] = np.where(table["group"] == POOLED, values, np.nan)
    return table
