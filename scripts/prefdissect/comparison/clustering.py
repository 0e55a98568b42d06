"""Hierarchical clusters of judges, with support for every branch from resampled prompts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster

from prefdissect.comparison.stability import average_tree, best_number, cuts, distance_of, silhouettes, stability
from prefdissect.tables import conform, empty_table


@dataclass
class Clustering:
    """Tables `clusters`, `linkage` and `cluster_numbers`; `undefined` are judges without similarity to the others."""

    clusters: pd.DataFrame
    linkage: pd.DataFrame
    numbers: pd.DataFrame
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
        numbers = empty_table("cluster_numbers")
        return Clustering(conform(clusters, "clusters"), empty_table("linkage"), numbers, names, undefined)
    similarity, spread = similarity[np.ix_(kept, kept)], spread[:, kept][:, :, kept]
    distance = distance_of(similarity)
    tree = _tree(distance)
    cut = _cut(tree, distance, n_clusters)
    numbers, assignments = stability(cut, similarity, spread)
    clusters = conform(pd.DataFrame({"judge": names, "cluster": cut}).join(assignments), "clusters")
    linked = _linkage_table(tree, branch_support(tree, spread))
    return Clustering(clusters, linked, conform(numbers, "cluster_numbers"), names, undefined)


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


def _tree(distance: np.ndarray) -> np.ndarray:
    tree = average_tree(distance)
    position = np.argsort(optimal_order(tree, distance))
    # The first leaf of each node: a child whose leaves come first is the left one.
    first = list(position)
    for row in tree:
        left, right = int(row[0]), int(row[1])
        if first[left] > first[right]:
            row[:2] = right, left
        first.append(min(first[left], first[right]))
    return tree


def optimal_order(tree: np.ndarray, distance: np.ndarray) -> list[int]:
    """The order of leaves with the least sum of distances between neighbours, among those that keep branches together.

    The dynamic programme of Bar-Joseph, Gifford and Jaakkola 2001 (*Fast optimal leaf ordering for hierarchical
    clustering*). scipy's own function often returns a longer order than it found (scipy issue 11227).
    """
    n = len(distance)
    children = tree[:, :2].astype(int)
    leaves = [[leaf] for leaf in range(n)]
    # costs[node][i, j]: least sum below a node with its i-th leaf first and its j-th leaf last.
    costs = [np.zeros((1, 1)) for _ in range(n)]
    for left, right in children:
        across = _min_plus(_min_plus(costs[left], distance[np.ix_(leaves[left], leaves[right])]), costs[right])
        within = [np.full((len(leaves[child]),) * 2, np.inf) for child in (left, right)]
        leaves.append(leaves[left] + leaves[right])
        costs.append(np.block([[within[0], across], [across.T, within[1]]]))

    def order(node: int, first: int, last: int) -> list[int]:
        if node < n:
            return [node]
        left, right = children[node - n]
        size = len(leaves[left])
        if first >= size:
            return order(node, last, first)[::-1]
        joint = costs[left][first][:, None] + distance[np.ix_(leaves[left], leaves[right])]
        joint = joint + costs[right][:, last - size]
        end, start = np.unravel_index(joint.argmin(), joint.shape)
        return order(left, first, end) + order(right, start, last - size)

    return order(2 * n - 2, *np.unravel_index(costs[-1].argmin(), costs[-1].shape))


def _min_plus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a[:, :, None] + b[None]).min(axis=1)


def _cut(tree: np.ndarray, distance: np.ndarray, n_clusters: int) -> np.ndarray:
    n = len(distance)
    if n_clusters:
        return fcluster(tree, min(n_clusters, n), "maxclust")
    found = cuts(tree)
    return found.get(best_number(silhouettes(found, distance)), np.ones(n, dtype=int))


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
            found = set(_members(average_tree(distance_of(similarity))))
            hits += [branch in found for branch in branches]
    return hits / len(spread)


def _linkage_table(tree: np.ndarray, support: np.ndarray) -> pd.DataFrame:
    n = len(tree) + 1
    table = pd.DataFrame(tree, columns=["left", "right", "height", "size"])
    table = table.assign(node=range(n, 2 * n - 1), support=support)
    return conform(table.astype({"left": int, "right": int, "size": int}), "linkage")
