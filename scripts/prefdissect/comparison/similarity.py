"""How alike judges are: correlation of their coefficients, agreement of their preferences."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from prefdissect.names import OVERALL
from prefdissect.tables import conform


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
    centred = coefficients - coefficients.mean(axis=-1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=-1, keepdims=True))
    unit = np.divide(centred, norm, out=np.full_like(centred, np.nan), where=norm > 1e-12)
    return np.clip(unit @ np.swapaxes(unit, -1, -2), -1, 1)


def judge_arrays(table: pd.DataFrame, column: str, judges: list[str], groups: list[str], properties: list[str]) -> dict:
    """Per group an array of shape (judges, p), or (judges, p, resamples) for draws; only groups with all judges."""
    arrays = {}
    for group, part in table[table["group"].isin(groups)].groupby("group", sort=False):
        index = part.set_index(["judge", "property"])[column]
        if len(index) == len(judges) * len(properties):
            ordered = index.reindex(pd.MultiIndex.from_product([judges, properties]))
            values = np.stack([np.asarray(value, dtype=float) for value in ordered])
            arrays[group] = values.reshape(len(judges), len(properties), *values.shape[1:])
    return arrays


def coefficient_similarity(
    coefficients: pd.DataFrame, draws: pd.DataFrame, scenario_groups: list[str], estimator: str
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Similarity of all judges, per group and overall.

    Returns
    -------
    table : DataFrame
        Table `similarity`, each unordered pair once. `overall` is the mean over the scenario groups that all judges
        share (Li et al. 2024), leaving out groups in which it is undefined for the pair because one judge's
        coefficients are all equal. Intervals are quantiles over resamples of prompts, joint for all judges, each with a
        refit; they are null where a resample leaves the similarity undefined more than half of the time.
    per_resample : dict
        Group -> ndarray, shape (resamples, judges, judges).
    """
    judges = list(dict.fromkeys(coefficients["judge"]))
    properties = list(dict.fromkeys(coefficients["property"]))
    groups = [group for group in dict.fromkeys(coefficients["group"]) if group != OVERALL]
    means = judge_arrays(coefficients, "mean", judges, groups, properties)
    drawn = judge_arrays(draws, "draws", judges, groups, properties)
    values = {group: correlation(array) for group, array in means.items()}
    spread = {group: correlation(np.moveaxis(array, 2, 0)) for group, array in drawn.items()}
    shared = [group for group in scenario_groups if group in values]
    if shared:
        values[OVERALL] = _mean_defined([values[group] for group in shared])
        spread[OVERALL] = _mean_defined([spread[group] for group in shared])
    tables = [_long(group, judges, values[group], spread[group], estimator, "pearson") for group in values]
    return conform(pd.concat(tables, ignore_index=True), "similarity"), spread


def _mean_defined(arrays: list[np.ndarray]) -> np.ndarray:
    stacked = np.stack(arrays)
    counted = (~np.isnan(stacked)).sum(axis=0)
    total = np.nansum(stacked, axis=0)
    return np.divide(total, counted, out=np.full(total.shape, np.nan), where=counted > 0)


def _long(group: str, judges: list[str], value, spread, estimator: str, metric: str) -> pd.DataFrame:
    rows = []
    low, high = _quantiles(spread)
    for i, j in itertools.combinations(range(len(judges)), 2):
        rows.append((group, judges[i], judges[j], estimator, metric, value[i, j], low[i, j], high[i, j]))
    names = ["group", "judge_1", "judge_2", "estimator", "metric", "value", "q025", "q975"]
    return pd.DataFrame(rows, columns=names)


def _quantiles(spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    missing = np.isnan(spread).mean(axis=0) if len(spread) else np.ones(spread.shape[1:])
    low, high = np.full(missing.shape, np.nan), np.full(missing.shape, np.nan)
    usable = missing <= 0.5
    if usable.any():
        low[usable], high[usable] = np.nanquantile(spread[:, usable], [0.025, 0.975], axis=0)
    return low, high


def preference_agreement(preferences: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Share of pairs on which two judges prefer the same response, among those both decided, per group."""
    sides = preferences["preference"].map({"a": 1.0, "b": -1.0})
    wide = preferences.assign(side=sides).pivot(index="pair_id", columns="judge", values="side")
    judges = list(dict.fromkeys(preferences["judge"]))
    wide = wide.reindex(columns=judges)
    tables = []
    for group, part in groups.groupby("group", sort=False):
        side = wide.reindex(part["pair_id"]).to_numpy()
        decided = (~np.isnan(side)).astype(float)
        side = np.nan_to_num(side)
        both = decided.T @ decided
        agreed = (both + side.T @ side) / 2
        value = np.divide(agreed, both, out=np.full(both.shape, np.nan), where=both > 0)
        tables.append(_long(group, judges, value, np.empty((0, *both.shape)), "labels", "agreement"))
    return conform(pd.concat(tables, ignore_index=True), "similarity")


def group_similarity(coefficients: pd.DataFrame) -> pd.DataFrame:
    """How alike two groups are: Pearson of one judge's coefficients in both, averaged over judges.

    Returns
    -------
    DataFrame
        Columns group_1, group_2, value, n_judges (judges for whom it is defined).
    """
    properties = list(dict.fromkeys(coefficients["property"]))
    groups = [group for group in dict.fromkeys(coefficients["group"]) if group != OVERALL]
    totals, counts = np.zeros((len(groups),) * 2), np.zeros((len(groups),) * 2)
    for _, part in coefficients.groupby("judge", sort=False):
        wide = part.pivot(index="group", columns="property", values="mean").reindex(index=groups, columns=properties)
        value = correlation(wide.to_numpy(float))
        totals += np.nan_to_num(value)
        counts += ~np.isnan(value)
    mean = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    rows = [
        (groups[i], groups[j], mean[i, j], int(counts[i, j])) for i, j in itertools.combinations(range(len(groups)), 2)
    ]
    return pd.DataFrame(rows, columns=["group_1", "group_2", "value", "n_judges"])
