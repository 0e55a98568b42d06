"""The published folds, and honest ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import GroupKFold

N_PUBLISHED = 10


def published_folds(n: int) -> Iterator[np.ndarray]:
    """Rows kept in each of the ten published fits.

    `numpy.random.seed(0)` and a legacy shuffle of the n rows; fold i leaves out the int(n/10) rows from int(i/10*n) on.
    The products are floating point as the published code has them, so a remainder is never left out.

    Yields
    ------
    ndarray of int
        Row numbers of the fit, in shuffled order.
    """
    order = np.arange(n)
    np.random.RandomState(0).shuffle(order)
    size = int(n / N_PUBLISHED)
    for fold in range(N_PUBLISHED):
        start = int(fold / N_PUBLISHED * n)
        yield np.concatenate([order[:start], order[start + size :]])


def prompt_folds(prompts: np.ndarray, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Folds that keep all pairs of a prompt together, so that nothing of a test prompt was seen in training.

    Yields
    ------
    (train, test) row numbers
    """
    yield from GroupKFold(folds, shuffle=True, random_state=seed).split(prompts, groups=prompts)
