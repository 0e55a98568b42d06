"""Where judges lie on the map: like judges close to each other."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import MDS


def place_judges(similarity: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Places in the plane whose distances are as close to 1 - similarity as two dimensions allow.

    Parameters
    ----------
    similarity : ndarray, shape (n, n)
        Symmetric; NaN where it is undefined.
    seed
        Seed of the search, which starts from classical scaling.

    Returns
    -------
    places : ndarray, shape (n, 2)
        NaN for a judge without a similarity to every other judge that has any. Turned so that the longer extent lies
        across.
    misfit : float
        Kruskal's stress 1: root of the squared misfit of distances over their sum of squares; NaN without places.
    """
    places = np.full((len(similarity), 2), np.nan)
    there = _comparable(similarity)
    if len(there) < 2:
        places[there] = 0
        return places, np.nan
    distance = np.clip(1 - similarity[np.ix_(there, there)], 0, None)
    np.fill_diagonal(distance, 0)
    distance = (distance + distance.T) / 2
    if len(there) == 2 or not distance.any():
        places[there] = np.outer(np.linspace(-0.5, 0.5, len(there)) * distance.max(), [1, 0])
        return places, 0.0
    scaling = MDS(n_components=2, metric="precomputed", n_init=1, init="classical_mds", random_state=seed, max_iter=500)
    found = scaling.fit_transform(distance)
    places[there] = _turned(found)
    gaps = np.linalg.norm(found[:, None] - found[None], axis=2)
    return places, float(np.sqrt(((gaps - distance) ** 2).sum() / (distance**2).sum()))


def _comparable(similarity: np.ndarray) -> np.ndarray:
    """Judges left when the one with most undefined similarities is taken away until none is undefined."""
    left = np.arange(len(similarity))
    while len(left):
        missing = np.isnan(similarity[np.ix_(left, left)])
        np.fill_diagonal(missing, False)
        worst = missing.sum(axis=1)
        if not worst.any():
            break
        left = np.delete(left, worst.argmax())
    return left


def _turned(places: np.ndarray) -> np.ndarray:
    """Turned to the principal axes; signs fixed, so that equal data give equal maps."""
    centred = places - places.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turned = centred @ axes.T
    return turned * np.where(turned[np.abs(turned).argmax(axis=0), [0, 1]] < 0, -1, 1)
