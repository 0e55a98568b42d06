"""How far judges prefer the same responses: agreement and Cohen's kappa of their preferences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from prefdissect.comparison.estimates import PROMPTS, mean_defined
from prefdissect.comparison.intervals import quantiles
from prefdissect.datasheet import kappa
from prefdissect.names import OVERALL
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import conform, empty_table

LABELS = "labels"
METRICS = ("agreement", "kappa")


def label_similarity(
    pairs: pd.DataFrame,
    groups: pd.DataFrame,
    preferences: pd.DataFrame,
    scenario_groups: list[str],
    *,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Agreement and kappa of every two judges, per group and overall.

    Parameters
    ----------
    pairs, groups, preferences
        Tables of these names.
    scenario_groups
        Groups whose mean is `overall`, leaving out those in which a metric is undefined for the two judges.
    resamples, seed
        Resampling of prompts: with those of the fit the resamples are the same ones.

    Returns
    -------
    DataFrame
        Table `similarity`. Agreement: share of pairs with the same preference among those both decided. Kappa: Cohen
        1960, *A coefficient of agreement for nominal scales*, over the same pairs; null where both judges always name
        the same response. Intervals are quantiles over resamples of prompts. Without preferences there is no row.
    """
    if preferences.empty:
        return empty_table("similarity")
    judges = list(dict.fromkeys(preferences["judge"]))
    wide = preferences.pivot(index="pair_id", columns="judge", values="preference").reindex(columns=judges)
    prompts, names = pd.factorize(pairs["prompt_id"])
    counts = resample_counts(len(names), resamples, seed)
    position = pd.Series(range(len(pairs)), index=pairs["pair_id"])
    tables, kept = [empty_table("similarity")], {metric: [] for metric in METRICS}
    for group, part in groups.groupby("group", sort=False):
        chosen = wide.reindex(part["pair_id"]).to_numpy(object)
        weights = counts[:, prompts[position[part["pair_id"]]]]
        for metric, found in zip(METRICS, _metrics(chosen, weights), strict=True):
            tables.append(_rows(group, judges, metric, found))
            if group in scenario_groups:
                kept[metric].append(found)
    if kept["agreement"]:
        tables += [_rows(OVERALL, judges, metric, mean_defined(found)) for metric, found in kept.items()]
    return conform(pd.concat(tables, ignore_index=True), "similarity")


def _metrics(chosen: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Agreement and kappa, each (1 + resamples, pairs of judges): first the data, then the resamples.

    Parameters
    ----------
    chosen : ndarray of str, shape (n, judges)
    weights : ndarray, shape (resamples, n)
    """
    # Counts below 2^24 are exact in single precision.
    a, b = (chosen == "a").astype(np.float32), (chosen == "b").astype(np.float32)
    tables = np.stack(list(_tables(a, b, weights)))
    flat = tables.reshape(-1, 4).astype(float)
    number = flat.sum(axis=1)
    agreed = np.divide(flat[:, 0] + flat[:, 3], number, out=np.full(len(flat), np.nan), where=number > 0)
    return agreed.reshape(tables.shape[:2]), kappa(flat).reshape(tables.shape[:2])


def _tables(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """Counts aa, ab, ba, bb of every two judges, shape (pairs of judges, 4): in the data, then in each resample."""
    first, second = np.triu_indices(a.shape[1], 1)
    for weight in [np.ones(len(a), np.float32), *weights]:
        column = weight.astype(np.float32)[:, None]
        both_a, a_b, both_b = a.T @ (column * a), a.T @ (column * b), b.T @ (column * b)
        yield np.stack([both_a[first, second], a_b[first, second], a_b[second, first], both_b[first, second]], axis=-1)


def _rows(group: str, judges: list[str], metric: str, found: np.ndarray) -> pd.DataFrame:
    names = np.array(judges, dtype=object)
    first, second = np.triu_indices(len(judges), 1)
    low, high = quantiles(found[1:])
    undefined = np.isnan(found[0]) | np.isnan(low)
    low[undefined] = high[undefined] = np.nan
    table = pd.DataFrame({"group": group, "judge_1": names[first], "judge_2": names[second], "estimator": LABELS})
    interval = np.where(undefined, None, PROMPTS)
    return table.assign(metric=metric, value=found[0], q025=low, q975=high, interval=interval)
