"""How alike two vectors of effect strengths are: the metrics, for any number of judges and resamples at once.

Each function takes an array (..., judges, p) and returns one of shape (..., judges, judges).
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def correlation(coefficients: np.ndarray) -> np.ndarray:
    """Pearson correlation between judges over properties.

    Parameters
    ----------
    coefficients : ndarray, shape (..., judges, p)

    Returns
    -------
    ndarray, shape (..., judges, judges)
        NaN for a judge whose coefficients are all equal (for instance all zero).
    """
    return cosine(coefficients - coefficients.mean(axis=-1, keepdims=True))


def rank_correlation(coefficients: np.ndarray) -> np.ndarray:
    """Spearman's correlation: Pearson's of the ranks of the properties, equal effects sharing their mean rank."""
    # pandas is here already, and loading scipy.stats would take half as long again as everything else.
    ranks = pd.DataFrame(coefficients.reshape(-1, coefficients.shape[-1])).rank(axis=1).to_numpy()
    return correlation(ranks.reshape(coefficients.shape))


def cosine(coefficients: np.ndarray) -> np.ndarray:
    """Cosine of the angle: like the correlation, but about zero, so that an effect common to all properties counts.

    NaN for a judge whose coefficients are all zero.
    """
    norm = np.sqrt((coefficients**2).sum(axis=-1, keepdims=True))
    unit = np.divide(coefficients, norm, out=np.full(coefficients.shape, np.nan), where=norm > 1e-12)
    return np.clip(unit @ np.swapaxes(unit, -1, -2), -1, 1)


def covariance(coefficients: np.ndarray) -> np.ndarray:
    """Covariance between judges over properties (divisor p)."""
    centred = coefficients - coefficients.mean(axis=-1, keepdims=True)
    return centred @ np.swapaxes(centred, -1, -2) / coefficients.shape[-1]
