"""Intervals from resamples."""

from __future__ import annotations

import math

import numpy as np

# Fisher's z of a correlation of exactly 1 is infinite.
NEARLY_ONE = 1 - 1e-9
ENDS = (0.025, 0.975)


def quantiles(spread: np.ndarray, shares=ENDS) -> np.ndarray:
    """Quantiles over resamples.

    Parameters
    ----------
    spread : ndarray, shape (resamples, ...)

    Returns
    -------
    ndarray, shape (shares, ...)
        Of the resamples in which an entry is defined; NaN where more than half of them are undefined.
    """
    flat = spread.reshape(len(spread), math.prod(spread.shape[1:]))
    found = np.full((len(shares), flat.shape[1]), np.nan)
    missing = np.isnan(flat).sum(axis=0) if len(flat) else np.ones(flat.shape[1])
    whole, partly = missing == 0, (missing > 0) & (missing <= len(flat) / 2)
    if whole.any():
        found[:, whole] = np.quantile(flat[:, whole], shares, axis=0)
    if partly.any():
        found[:, partly] = np.nanquantile(flat[:, partly], shares, axis=0)
    return found.reshape(len(shares), *spread.shape[1:])


def centred_interval(value: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a correlation: the spread of the resamples, moved so that its median lies on the value.

    Resamples hold the noise of the data and their own, so their correlations lie lower than the value, and an
    interval of their quantiles may not even hold it. The move is made in Fisher's z (artanh).

    Parameters
    ----------
    value : ndarray, shape (...)
    spread : ndarray, shape (resamples, ...)

    Returns
    -------
    low, high
        NaN where the value or more than half of the resamples are undefined.
    """
    low, middle, high = quantiles(np.arctanh(np.clip(spread, -NEARLY_ONE, NEARLY_ONE)), (ENDS[0], 0.5, ENDS[1]))
    moved = np.arctanh(np.clip(value, -NEARLY_ONE, NEARLY_ONE)) - middle
    return np.tanh(low + moved), np.tanh(high + moved)


def shifted_interval(value: np.ndarray, spread: np.ndarray, limit: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The same without Fisher's z, for means (limit 1) and differences of means (limit 2) of correlations."""
    low, middle, high = quantiles(spread, (ENDS[0], 0.5, ENDS[1]))
    return np.clip(low - middle + value, -limit, limit), np.clip(high - middle + value, -limit, limit)
