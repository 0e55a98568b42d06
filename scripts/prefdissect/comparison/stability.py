"""How many clusters of judges there are by a stated criterion, and how stable number and assignments are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from prefdissect.comparison.estimates import mean_defined
from prefdissect.comparison.intervals import quantiles

MAX_CLUSTERS = 10


def average_tree(distance: np.ndarray) -> np.ndarray:
    """Average-linkage tree of a distance matrix, shape (judges - 1, 4)."""
    return linkage(squareform(distance, checks=False), "average")


def distance_of(similarity: np.ndarray) -> np.ndarray:
    """1 - similarity, symmetric, with zeros on the diagonal."""
    distance = 1 - (similarity + similarity.T) / 2
    np.fill_diagonal(distance, 0)
    return np.maximum(distance, 0)


def cuts(tree: np.ndarray) -> dict[int, np.ndarray]:
    """Every cut that can be scored: number of clusters (2 to 10, fewer than judges) -> cluster of each judge."""
    n = len(tree) + 1
    found = {k: fcluster(tree, k, "maxclust") for k in range(2, min(MAX_CLUSTERS, n - 1) + 1)}
    return {k: cut for k, cut in found.items() if len(set(cut)) == k}


def silhouettes(cut_by_number: dict[int, np.ndarray], distance: np.ndarray) -> dict[int, float]:
    """Number of clusters -> mean silhouette (Rousseeuw 1987, *Silhouettes: a graphical aid*).

    scikit-learn's function gives the same and takes fifty times as long for so few judges, for every number in every
    resample.
    """
    return {k: _silhouette(cut, distance) for k, cut in cut_by_number.items()}


def _silhouette(cut: np.ndarray, distance: np.ndarray) -> float:
    member = cut[:, None] == np.unique(cut)
    sizes = member.sum(axis=0)
    sums = distance @ member
    own = sizes[member.argmax(axis=1)]
    # A judge's distance to itself is 0; one alone in its cluster counts as 0.
    within = sums[member] / np.maximum(own - 1, 1)
    nearest = np.where(member, np.inf, sums / sizes).min(axis=1)
    larger = np.maximum(within, nearest)
    shape = np.divide(nearest - within, larger, out=np.zeros(len(cut)), where=(larger > 0) & (own > 1))
    return float(shape.mean())


def best_number(scores: dict[int, float]) -> int:
    """The number with the largest mean silhouette, the smaller one of two equals; 1 where none can be scored."""
    return max(scores, key=lambda k: (scores[k], -k)) if scores else 1


def stability(chosen: np.ndarray, similarity: np.ndarray, spread: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Number and assignments of clusters in resamples.

    Parameters
    ----------
    chosen : ndarray of int, shape (judges,)
        Cluster of each judge.
    similarity : ndarray, shape (judges, judges)
    spread : ndarray, shape (resamples, judges, judges)
        Resamples with undefined similarities are left out.

    Returns
    -------
    numbers : DataFrame
        Columns n_clusters, silhouette, chosen, share_chosen (of the resamples, by the same criterion), rand, rand_q025,
        rand_q975: adjusted Rand index (Hubert and Arabie 1985, *Comparing partitions*) of the cut into so many clusters
        against that of each resample; 1 is the same partition, 0 what chance gives.
    judges : DataFrame
        Columns together (mean share of resamples in which a judge falls into one cluster with each judge of its own
        cluster; null for a cluster of one) and apart (the same with judges of other clusters).
    """
    distance = distance_of(similarity)
    ours = cuts(average_tree(distance))
    scores = silhouettes(ours, distance)
    k = len(set(chosen))
    best, others, partitions = [], {number: [] for number in ours}, []
    for sample in spread[~np.isnan(spread).any(axis=(1, 2))]:
        theirs_distance = distance_of(sample)
        tree = average_tree(theirs_distance)
        theirs = cuts(tree)
        best.append(best_number(silhouettes(theirs, theirs_distance)))
        partitions.append(fcluster(tree, k, "maxclust"))
        for number in ours.keys() & theirs.keys():
            others[number].append(theirs[number])
    rows = [
        _number_row(number, scores, number == k, best, adjusted_rand(ours[number], others[number])) for number in ours
    ]
    return pd.DataFrame(rows), _assignments(chosen, np.array(partitions).reshape(-1, len(chosen)))


def adjusted_rand(partition: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """Adjusted Rand index of one partition with each of many, all of two or more clusters; shape (len(others),).

    scikit-learn's function takes one pair at a time: most of the run time for 70 judges.
    """
    if not others:
        return np.empty(0)
    ours = (partition[:, None] == np.unique(partition)).astype(float)
    theirs = np.stack(others)
    theirs = (theirs[..., None] == np.unique(theirs)).astype(float)
    both = ours.T @ theirs
    pairs, first, second = (_pairs(counts) for counts in (both, both.sum(axis=2), both.sum(axis=1)))
    expected = first * second / (len(partition) * (len(partition) - 1) / 2)
    return (pairs - expected) / ((first + second) / 2 - expected)


def _pairs(counts: np.ndarray) -> np.ndarray:
    """Pairs of judges within the cells of each table of counts; the first axis is kept."""
    return (counts * (counts - 1) / 2).reshape(len(counts), -1).sum(axis=1)


def _number_row(number: int, scores: dict, is_chosen: bool, best: list[int], rand: np.ndarray) -> dict:
    low, high = quantiles(rand)
    return {
        "n_clusters": number,
        "silhouette": scores[number],
        "chosen": is_chosen,
        "share_chosen": np.mean(np.array(best) == number) if best else np.nan,
        "rand": np.mean(rand) if len(rand) else np.nan,
        "rand_q025": low,
        "rand_q975": high,
    }


def _assignments(chosen: np.ndarray, partitions: np.ndarray) -> pd.DataFrame:
    """Co-clustering of each judge with its own cluster and with the others."""
    if len(partitions) == 0:
        return pd.DataFrame({"together": np.nan, "apart": np.nan}, index=range(len(chosen)))
    share = (partitions[:, :, None] == partitions[:, None, :]).mean(axis=0)
    same = chosen[:, None] == chosen[None]
    np.fill_diagonal(share, np.nan)
    with_own, with_others = np.where(same, share, np.nan), np.where(same, np.nan, share)
    return pd.DataFrame({"together": mean_defined(with_own.T), "apart": mean_defined(with_others.T)})
