"""How alike judges are: metrics on their coefficients, in each group and overall, with intervals."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.comparison.attenuation import Moments, moments, pooled
from prefdissect.comparison.estimates import PROMPTS, Estimates
from prefdissect.comparison.intervals import centred_interval
from prefdissect.comparison.metrics import correlation, cosine, rank_correlation
from prefdissect.names import OVERALL
from prefdissect.tables import conform, empty_table

METRICS = {"pearson": correlation, "spearman": rank_correlation, "cosine": cosine}
PEARSON, CORRECTED = "pearson", "pearson_corrected"


@dataclass(frozen=True)
class Similarity:
    """One metric in one group.

    Attributes
    ----------
    value : ndarray, shape (judges, judges)
        NaN where it is undefined.
    spread : ndarray, shape (resamples, judges, judges)
        The same in resamples; none for intervals that do not exist.
    unit
        What was resampled; None where nothing was.
    """

    value: np.ndarray
    spread: np.ndarray
    unit: str | None


def similarities(estimates: Estimates, metrics=tuple(METRICS)):
    """Every metric in every group: yields (group, metric, `Similarity`).

    `overall` is the mean over the scenario groups that all judges share (Li et al. 2024), leaving out groups in which
    it is undefined for the pair because one judge's coefficients are all equal.
    """
    for metric in metrics:
        function = METRICS[metric]
        for group, mean in estimates.mean.items():
            unit = estimates.interval_of(group)
            draws = estimates.draws[group] if unit == PROMPTS else estimates.draws[group][:0]
            yield group, metric, Similarity(function(mean), function(draws), unit)
        if estimates.shared:
            value, spread = estimates.over_groups(function)
            unit = estimates.interval_of(OVERALL)
            yield OVERALL, metric, Similarity(value, spread if unit else spread[:0], unit)


def corrected_similarities(estimates: Estimates):
    """Pearson's correlation corrected for attenuation in every group: yields (group, `Similarity`, reliability).

    It needs resamples of prompts, so groups without them are left out.
    """
    if estimates.unit != PROMPTS:
        return
    found: dict[str, Moments] = {
        group: moments(mean, estimates.draws[group])
        for group, mean in estimates.mean.items()
        if len(estimates.draws[group]) > 1
    }
    if estimates.shared and all(group in found for group in estimates.shared):
        found[OVERALL] = pooled([found[group] for group in estimates.shared])
    for group, part in found.items():
        yield group, Similarity(*part.correlation(), PROMPTS), part.reliability()


def coefficient_similarity(estimates: Estimates) -> tuple[pd.DataFrame, dict[tuple[str, str], Similarity]]:
    """Similarity of all judges by every metric on coefficients, per group and overall.

    Returns
    -------
    table : DataFrame
        Table `similarity`, each unordered pair of judges that were both fitted once.
    arrays : dict
        (group, metric) -> `Similarity`, for `pearson` and `pearson_corrected`.
    """
    tables, arrays = [], {}
    for group, metric, found in similarities(estimates):
        tables.append(long_table(estimates, group, metric, found))
        if metric == PEARSON:
            arrays[group, metric] = found
    for group, found, _ in corrected_similarities(estimates):
        tables.append(long_table(estimates, group, CORRECTED, found))
        arrays[group, CORRECTED] = found
    return conform(pd.concat(tables, ignore_index=True), "similarity"), arrays


def long_table(estimates: Estimates, group: str, metric: str, found: Similarity) -> pd.DataFrame:
    """Rows of the table `similarity` about the judges that were fitted in a group."""
    fitted = np.flatnonzero(estimates.fitted(group))
    first, second = (fitted[index] for index in np.triu_indices(len(fitted), 1))
    value, spread = found.value[first, second], found.spread[:, first, second]
    low, high = centred_interval(value, spread)
    names = np.array(estimates.judges, dtype=object)
    table = pd.DataFrame({"group": group, "judge_1": names[first], "judge_2": names[second]})
    table = table.assign(estimator=estimates.estimator, metric=metric, value=value, q025=low, q975=high)
    return table.assign(interval=np.where(np.isnan(low), None, found.unit))


def reliability_table(estimates: Estimates) -> pd.DataFrame:
    """Table `judge_reliability`: share of the variance of each judge's coefficients that is not noise."""
    tables = [empty_table("judge_reliability")]
    for group, _, reliability in corrected_similarities(estimates):
        rows = pd.DataFrame({"judge": estimates.judges, "group": group, "reliability": reliability})
        tables.append(rows[estimates.fitted(group)].assign(estimator=estimates.estimator))
    return conform(pd.concat(tables, ignore_index=True), "judge_reliability")


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
