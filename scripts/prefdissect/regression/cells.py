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

    All cells of a study share its features and prompts; `rows` picks those that this judge decided.

    Attributes
    ----------
    judge, group
        Names.
    matrix : ndarray, shape (pairs of the study, p)
        Features of all pairs that have them, in the order of the study.
    prompt_numbers : ndarray of int, shape (pairs of the study,)
        Number of the prompt of each of these pairs.
    rows : ndarray of int, shape (n,)
        Rows of `matrix` in the fit, ascending; the two halves of a tie under `ties: model` follow each other.
    y : ndarray of {0, 1}, shape (n,)
        1 where A is preferred.
    weight : ndarray, shape (n,)
        1, or 1/2 for the two halves of a tie under `ties: model`.
    n_pairs, n_undecided, n_missing
        Pairs in the fit; pairs of the group with a tie; pairs of the group without preference or features.
    """

    judge: str
    group: str
    matrix: np.ndarray
    prompt_numbers: np.ndarray
    rows: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    n_pairs: int
    n_undecided: int
    n_missing: int

    @property
    def x(self) -> np.ndarray:
        """Features, shape (n, p)."""
        return self.matrix[self.rows]

    @property
    def prompts(self) -> np.ndarray:
        """Prompts, shape (n,)."""
        return self.prompt_numbers[self.rows]

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
    shared = _Shared(pairs, groups, matrix)
    cells = []
    for judge, mine in preferences.groupby("judge", sort=False):
        cells += _cells_of(judge, mine, ties, shared)
    return cells


class _Shared:
    """What all judges share.

    Attributes
    ----------
    position : Index
        The pairs of the study, for their positions in it.
    members : dict of ndarray of bool, shape (pairs,)
        Group -> which rows belong to it.
    sizes : dict of int
        Group -> number of its pairs.
    row : ndarray of int, shape (pairs,)
        Row of `values` of each pair of the study; -1 where it has no features.
    values, prompts : ndarray, shapes (pairs with features, p) and (pairs with features,)
        Features and number of the prompt.
    """

    def __init__(self, pairs: pd.DataFrame, groups: pd.DataFrame, matrix: pd.DataFrame):
        self.position = pd.Index(pairs["pair_id"])
        self.members, self.sizes = {}, {}
        for name, part in groups.groupby("group", sort=False):
            ids = part["pair_id"].unique()
            self.members[name], self.sizes[name] = pairs["pair_id"].isin(ids).to_numpy(), len(ids)
        known = pairs["pair_id"].isin(matrix.index).to_numpy()
        self.row = np.where(known, np.cumsum(known) - 1, -1)
        self.values = matrix.loc[pairs["pair_id"][known]].to_numpy(float)
        self.prompts = pd.factorize(pairs["prompt_id"])[0][known]


@dataclass(frozen=True)
class _Labels:
    """What one judge says: position in the study, label and weight of each row, and the positions of its ties."""

    position: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    tied: np.ndarray

    def at(self, inside: np.ndarray) -> _Labels:
        """Those of the pairs that are `inside`, an array of shape (pairs of the study,)."""
        kept = inside[self.position]
        return _Labels(self.position[kept], self.label[kept], self.weight[kept], self.tied[inside[self.tied]])


def _cells_of(judge: str, preferences: pd.DataFrame, ties: str, shared: _Shared) -> list[Cell]:
    position = shared.position.get_indexer(preferences["pair_id"])
    order = np.argsort(position, kind="stable")[(position < 0).sum() :]
    mine = preferences.iloc[order]
    table = labels(mine, ties)
    tied = position[order][(mine["preference"] == "tie").to_numpy()]
    said = _Labels(
        shared.position.get_indexer(table["pair_id"]), table["label"].to_numpy(), table["weight"].to_numpy(float), tied
    )
    return [_cell(judge, group, said.at(inside), shared) for group, inside in shared.members.items()]


def _cell(judge: str, group: str, said: _Labels, shared: _Shared) -> Cell:
    row = shared.row[said.position]
    usable = row >= 0
    n_pairs, n_tied = len(np.unique(row[usable])), len(said.tied)
    used_ties = np.isin(said.tied, said.position[usable]).sum()
    return Cell(
        judge,
        group,
        shared.values,
        shared.prompts,
        row[usable],
        said.label[usable],
        said.weight[usable],
        n_pairs,
        n_tied,
        int(shared.sizes[group] - n_pairs - (n_tied - used_ties)),
    )


def require_usable(reasons: dict[tuple[str, str], str | None]) -> None:
    """Refuse a judge without one usable group; `reasons` maps (judge, group) to why it is skipped, or None."""
    for judge in dict.fromkeys(judge for judge, _ in reasons):
        mine = {group: reason for (name, group), reason in reasons.items() if name == judge}
        if all(mine.values()):
            listed = "; ".join(f"{group}: {reason}" for group, reason in mine.items())
            raise InputError(f"judge `{judge}` has no usable group", fix=listed)
