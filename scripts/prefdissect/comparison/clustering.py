"""Hierarchical clusters of judges, with support for every branch from resampled prompts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_score

from prefdissect.tables import conform, empty_table

MAX_CLUSTERS = 10


@dataclass
class Clustering:
    """Tables `clusters` and `linkage`; `undefined` are judges whose similarity to the others does not exist."""

    clusters: pd.DataFrame
    linkage: pd.DataFrame
    judges: list[str]
    undefined: list[str]


def cluster_judges(judges: list[str], similarity: np.ndarray, spread: np.ndarray, n_clusters: int = 0) -> Clustering:
    """Average-linkage clusters on the distance 1 - similarity, leaves in optimal order.

    Parameters
    ----------
    judges
        Names.
    similarity : ndarray, shape (judges, judges)
        May hold NaN; judges without any defined similarity are left out and named.
    spread : ndarray, shape (resamples, judges, judges)
        Similarity in resamples of the prompts.
    n_clusters
        Number of clusters; 0 takes the number from 2 to 10 with the largest mean silhouette.
    """
    kept = _complete(similarity)
    undefined = [name for number, name in enumerate(judges) if number not in kept]
    names = [judges[number] for number in kept]
    if len(names) < 2:
        clusters = pd.DataFrame({"judge": names, "cluster": [1] * len(names)})
        return Clustering(conform(clusters, "clusters"), empty_table("linkage"), names, undefined)
    distance = _distance(similarity[np.ix_(kept, kept)])
    tree = _tree(distance)
    cut = _cut(tree, distance, n_clusters)
    clusters = pd.DataFrame({"judge": names, "cluster": cut})
    support = branch_support(tree, spread[:, kept][:, :, kept])
    return Clustering(conform(clusters, "clusters"), _linkage_table(tree, support), names, undefined)


def _complete(similarity: np.ndarray) -> list[int]:
    """The judges left after leaving out, one by one, the one with most undefined similarities."""
    kept = list(range(len(similarity)))
    while kept:
        missing = np.isnan(similarity[np.ix_(kept, kept)])
        np.fill_diagonal(missing, False)
        if not missing.any():
            break
        kept.pop(int(missing.sum(axis=1).argmax()))
    return kept


def _distance(similarity: np.ndarray) -> np.ndarray:
    distance = 1 - (similarity + similarity.T) / 2
    np.fill_diagonal(distance, 0)
    return np.maximum(distance, 0)


def _tree(distance: np.ndarray) -> np.ndarray:
    condensed = squareform(distance, checks=False)
    return optimal_leaf_ordering(linkage(condensed, "average"), condensed)


def _cut(tree: np.ndarray, distance: np.ndarray, n_clusters: int) -> np.ndarray:
    n = len(distance)
    if n_clusters:
        return fcluster(tree, min(n_clusters, n), "maxclust")
    best, best_score = np.ones(n, dtype=int), -np.inf
    for k in range(2, min(MAX_CLUSTERS, n - 1) + 1):
        cut = fcluster(tree, k, "maxclust")
        if 1 < len(set(cut)) < n and (score := silhouette_score(distance, cut, metric="precomputed")) > best_score:
            best, best_score = cut, score
    return best


def _members(tree: np.ndarray) -> list[frozenset[int]]:
    n = len(tree) + 1
    below = [frozenset([leaf]) for leaf in range(n)]
    for left, right, *_ in tree:
        below.append(below[int(left)] | below[int(right)])
    return below[n:]


def branch_support(tree: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Share of resamples whose own tree holds the same set of judges under one branch.

    Returns
    -------
    ndarray, shape (merges,)
        NaN without resamples. A resample with an undefined similarity supports nothing.
    """
    branches = _members(tree)
    if len(spread) == 0:
        return np.full(len(branches), np.nan)
    hits = np.zeros(len(branches))
    for similarity in spread:
        if not np.isnan(similarity).any():
            found = set(_members(linkage(squareform(_distance(similarity), checks=False), "average")))
            hits += [branch in found for branch in branches]
    return hits / len(spread)


def _linkage_table(tree: np.ndarray, support: np.ndarray) -> pd.DataFrame:
    n = len(tree) + 1
    table = pd.DataFrame(tree, columns=["left", "right", "height", "size"])
    table = table.assign(node=range(n, 2 * n - 1), support=support)
    return conform(table.astype({"left": int, "right": int, "size": int}), "linkage")
