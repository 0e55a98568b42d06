"""Cells: the data of one judge in one group, ready to fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.errors import InputError
from prefdissect.preferences import labels


@dataclass
class Cell:
    """One judge in one group.

    Attributes
    ----------
    judge, group
        Names.
    x : ndarray, shape (n, p)
        Features of the usable pairs, in the order of the study's pairs.
    y : ndarray of {0, 1}, shape (n,)
        1 where A is preferred.
    weight : ndarray, shape (n,)
        1, or 1/2 for the two halves of a tie under `ties: model`.
    prompts : ndarray of int, shape (n,)
        Number of the prompt in the study.
    n_pairs, n_undecided, n_missing
        Pairs in the fit; pairs of the group with a tie; pairs of the group without preference or features.
    """

    judge: str
    group: str
    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    prompts: np.ndarray
    n_pairs: int
    n_undecided: int
    n_missing: int

    def why_skipped(self, folds: int) -> str | None:
        """Why this cell cannot be fitted, or None."""
        if self.n_pairs < folds:
            return f"{self.n_pairs} usable pairs, fewer than the {folds} folds"
        if len(np.unique(self.y)) < 2:
            return f"all {self.n_pairs} labels are {'a' if self.y[0] else 'b'}"
        return None


def build_cells(
    pairs: pd.DataFrame, groups: pd.DataFrame, matrix: pd.DataFrame, preferences: pd.DataFrame, ties: str
) -> list[Cell]:
    """All cells of a study, by judge and then group.

    Parameters
    ----------
    pairs
        Table `pairs` (columns pair_id, prompt_id).
    groups
        Table `groups`.
    matrix
        Features, one row per pair (index pair_id), one column per property.
    preferences
        Table `preferences`.
    ties
        See `prefdissect.preferences.labels`.
    """
    rows = pairs[["pair_id"]].assign(prompt=pd.factorize(pairs["prompt_id"])[0], position=range(len(pairs)))
    rows = rows.set_index("pair_id")
    members = {name: set(part["pair_id"]) for name, part in groups.groupby("group", sort=False)}
    cells = []
    for judge, mine in preferences.groupby("judge", sort=False):
        mine = mine[mine["pair_id"].isin(rows.index)]
        mine = mine.iloc[np.argsort(rows.loc[mine["pair_id"], "position"].to_numpy(), kind="stable")]
        table = labels(mine, ties)
        table = table[table["pair_id"].isin(matrix.index)]
        tied = set(mine.loc[mine["preference"] == "tie", "pair_id"])
        cells += [_cell(judge, group, pair_ids, table, tied, matrix, rows) for group, pair_ids in members.items()]
    return cells


def _cell(judge: str, group: str, pair_ids: set, table, tied: set, matrix, rows) -> Cell:
    part = table[table["pair_id"].isin(pair_ids)]
    n_pairs = part["pair_id"].nunique()
    undecided = len(pair_ids & tied)
    used_ties = len(set(part["pair_id"]) & tied)
    return Cell(
        judge,
        group,
        matrix.loc[part["pair_id"]].to_numpy(float),
        part["label"].to_numpy(np.int64),
        part["weight"].to_numpy(float),
        rows.loc[part["pair_id"], "prompt"].to_numpy(np.int64),
        n_pairs,
        undecided,
        len(pair_ids) - n_pairs - (undecided - used_ties),
    )


def require_usable(reasons: dict[tuple[str, str], str | None]) -> None:
    """Refuse a judge without one usable group; `reasons` maps (judge, group) to why it is skipped, or None."""
    for judge in dict.fromkeys(judge for judge, _ in reasons):
        mine = {group: reason for (name, group), reason in reasons.items() if name == judge}
        if all(mine.values()):
            listed = "; ".join(f"{group}: {reason}" for group, reason in mine.items())
            raise InputError(f"judge `{judge}` has no usable group", fix=listed)
