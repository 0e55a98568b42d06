"""Which feature a second rating of a pair yields, given the first: the error of an annotator as it enters a fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.annotators.matching import matched_ratings
from prefdissect.catalogue import Catalogue
from prefdissect.features import sign_feature
from prefdissect.tables import empty_table

SIGNS = np.array([-1, 0, 1])
LEAST_PAIRS = 20  # fewer say too little about nine cells


def confusions(repeats: pd.DataFrame, supplied: dict[str, str], catalogue: Catalogue) -> dict[str, np.ndarray]:
    """Counts of (first, second) sign for every property that its supplier rated again in at least 20 pairs.

    Parameters
    ----------
    repeats
        Table `annotation_repeats`.
    supplied
        Property -> annotator that supplies it.

    Returns
    -------
    dict of ndarray, shape (3, 3)
        Rows: sign of the first rating (-1, 0, 1), columns: of the second. Which rating came first and which response
        is called A mean nothing, so each two ratings count in all four ways.
    """
    matched = matched_ratings(empty_table("annotations"), repeats)
    found = {}
    for name, rows in matched.groupby("property", sort=False):
        mine = rows[rows["annotator_1"] == supplied.get(name)]
        if name in catalogue and mine["pair_id"].nunique() >= LEAST_PAIRS:
            found[name] = _counts(mine, catalogue[name])
    return found


def error_rate(counts: np.ndarray) -> float:
    """Share of second ratings whose feature is another one."""
    return float(1 - np.trace(counts) / counts.sum())


def single_error(counts: np.ndarray) -> np.ndarray:
    """Error of one rating, P(rated | true), of which two make the disagreement of two ratings; shape (3, 3).

    With errors that leave the shares of the signs as they are, P(second | first) = S S for the error S of one
    rating. The counts are symmetric, so S is a root by eigenvalues; negative ones, of ratings that agree less than
    chance, are 0.
    """
    error, there = np.eye(3), counts.sum(axis=1) > 0
    table = counts[np.ix_(there, there)]
    root = np.sqrt(table.sum(axis=1))
    values, vectors = np.linalg.eigh(table / np.outer(root, root))
    half = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    steps = np.maximum(half * root[None, :] / root[:, None], 0)
    # A sign that no repeated pair had says nothing about its error, and stays.
    error[np.ix_(there, there)] = steps / steps.sum(axis=1, keepdims=True)
    return error


def perturbed(matrix: np.ndarray, errors: list[np.ndarray | None], rng: np.random.Generator) -> np.ndarray:
    """Features with the error of one rating once more: each one drawn anew given what it is.

    Parameters
    ----------
    matrix : ndarray of {-1, 0, 1}, shape (pairs, p)
    errors : list of ndarray or None, length p
        From `single_error`; a property without stays as it is.
    """
    result = matrix.copy()
    for column, table in enumerate(errors):
        if table is None:
            continue
        cumulative = np.cumsum(table, axis=1)
        place = np.searchsorted(SIGNS, matrix[:, column])
        drawn = (rng.random(len(matrix))[:, None] > cumulative[place]).sum(axis=1)
        result[:, column] = SIGNS[np.minimum(drawn, 2)]
    return result


def _counts(rows: pd.DataFrame, prop) -> np.ndarray:
    scores = rows.groupby(["comparison", "pair_id", "turn"])[["a_1", "b_1", "a_2", "b_2"]].mean()
    signs = [sign_feature(prop, scores[f"a_{k}"], scores[f"b_{k}"]) + 1 for k in (1, 2)]
    counts = np.zeros((3, 3))
    np.add.at(counts, tuple(signs), 1)
    counts = counts + counts.T
    return counts + counts[::-1, ::-1]
