"""Intervals where neither draws nor pairs exist: the scenario groups are the resampled unit.

Published coefficients come without standard deviations. What can be said is how much a mean over scenario groups
depends on which scenarios were looked at: the groups are drawn with replacement, for all judges jointly. That says
nothing about the noise within a group, so nothing is called (not) distinguishable by it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.names import OVERALL

RESAMPLES = 2000
QUANTILES = (0.025, 0.975)


def group_weights(n_groups: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Share of each group in each resample of `n_groups` groups with replacement, shape (resamples, groups)."""
    drawn = np.random.default_rng([seed, n_groups]).multinomial(n_groups, np.full(n_groups, 1 / n_groups), resamples)
    return drawn / n_groups


def resampled_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over the first axis in every resample, without the groups in which a value is missing.

    Parameters
    ----------
    values : ndarray, shape (groups, ...)
        May hold NaN.
    weights : ndarray, shape (resamples, groups)

    Returns
    -------
    ndarray, shape (resamples, ...)
        NaN where a resample holds no group with a value.
    """
    flat = values.reshape(len(values), -1)
    there = ~np.isnan(flat)
    total, weight = weights @ np.nan_to_num(flat), weights @ there
    mean = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
    return mean.reshape(len(weights), *values.shape[1:])


def degree_intervals(coefficients: pd.DataFrame, groups: list[str], seed: int) -> pd.DataFrame:
    """The rows for `overall` with intervals of their degree from resampling scenario groups.

    Parameters
    ----------
    coefficients
        Table `coefficients` of one estimator, with the rows of the scenario groups and of `overall`.
    groups
        The scenario groups that `overall` averages.
    seed
        Seed of the resamples.
    """
    wide = coefficients.pivot(index=["judge", "property"], columns="group", values="degree")[groups]
    means = resampled_mean(wide.to_numpy().T, group_weights(len(groups), seed))
    low, high = np.quantile(means, QUANTILES, axis=0)
    intervals = pd.DataFrame({"degree_q025": low, "degree_q975": high}, index=wide.index)
    rows = coefficients[coefficients["group"] == OVERALL].drop(columns=list(intervals))
    return rows.join(intervals, on=["judge", "property"])
