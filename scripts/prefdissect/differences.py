"""Differences between judges that are drawn: two judges property by property, aligned judges and their base models."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform
from scipy.special import expit

from prefdissect.group_resampling import QUANTILES, group_weights, resampled_mean
from prefdissect.names import OVERALL

COLUMNS = ["property", "value", "q025", "q975"]


def degree_difference(
    coefficients: pd.DataFrame, draws: pd.DataFrame, judges: tuple[str, str], group: str, scenarios: list[str]
) -> pd.DataFrame:
    """Degree of preference of one judge minus that of another, with intervals from the joint resamples of prompts.

    Parameters
    ----------
    coefficients
        Table `coefficients` of one estimator.
    draws
        Columns judge, group, property, draws (effect strengths; the same position is the same resample everywhere).
    judges
        The two judges.
    group
        Group of pairs, or `overall`: the mean over `scenarios`.
    scenarios
        Scenario groups that `overall` averages.

    Returns
    -------
    DataFrame
        Columns property, value (points of degree), q025, q975 (null without draws).
    """
    value = _value(coefficients, judges, group)
    spread = {judge: _degrees(draws, judge, scenarios if group == OVERALL else [group]) for judge in judges}
    low, high = {}, {}
    for name in value.index:
        one, other = (spread[judge].get(name) for judge in judges)
        if one is not None and other is not None and len(one) and len(one) == len(other):
            low[name], high[name] = np.quantile(one - other, QUANTILES)
    table = pd.DataFrame({"property": value.index, "value": value.to_numpy()})
    return table.assign(q025=table["property"].map(low).astype(float), q975=table["property"].map(high).astype(float))


def group_differences(
    coefficients: pd.DataFrame, judges: tuple[str, str], scenarios: list[str], seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same for the mean over scenario groups, with intervals from resampling these groups.

    Returns
    -------
    differences
        Columns property, value, q025, q975.
    points
        Columns property, group, value: the difference in every scenario group.
    """
    points = pd.concat([_value(coefficients, judges, group).rename(group) for group in scenarios], axis=1)
    means = resampled_mean(points.to_numpy(float).T, group_weights(len(scenarios), seed))
    low, high = np.quantile(means, QUANTILES, axis=0)
    value = points.mean(axis=1)
    table = pd.DataFrame({"property": value.index, "value": value.to_numpy(), "q025": low, "q975": high})
    points.index.name, points.columns.name = "property", "group"
    return table, points.stack().rename("value").reset_index()


def aligned_shifts(coefficients: pd.DataFrame, versions: list[tuple[str, str]], group: str) -> pd.DataFrame:
    """Degree of aligned judges minus that of their base models: columns base, aligned, property, value."""
    there = set(coefficients.loc[coefficients["group"] == group, "judge"])
    tables = [
        _value(coefficients, (aligned, base), group).rename("value").reset_index().assign(base=base, aligned=aligned)
        for base, aligned in versions
        if {base, aligned} <= there
    ]
    columns = ["base", "aligned", "property", "value"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def aligned_similarity(similarity: pd.DataFrame, versions: list[tuple[str, str]]) -> pd.DataFrame:
    """Similarity of aligned judges with their base models: columns base, aligned, value, q025, q975.

    Parameters
    ----------
    similarity
        Rows of table `similarity` of one group and metric.
    versions
        Base judge and aligned judge.
    """
    both = pd.concat([similarity, similarity.rename(columns={"judge_1": "judge_2", "judge_2": "judge_1"})])
    pairs = pd.DataFrame(versions, columns=["base", "aligned"])
    found = pairs.merge(both, left_on=["base", "aligned"], right_on=["judge_1", "judge_2"])
    return found.dropna(subset="value")[["base", "aligned", "value", "q025", "q975"]]


def _value(coefficients: pd.DataFrame, judges: tuple[str, str], group: str) -> pd.Series:
    rows = coefficients[coefficients["group"] == group]
    one, other = (rows[rows["judge"] == judge].set_index("property")["degree"] for judge in judges)
    return (one - other.reindex(one.index)).dropna()


def _degrees(draws: pd.DataFrame, judge: str, groups: list[str]) -> dict[str, np.ndarray]:
    """Per property the degree in every resample, averaged over groups; nothing where groups differ in their number."""
    rows = draws[(draws["judge"] == judge) & draws["group"].isin(groups)]
    found = {}
    for name, part in rows.groupby("property", sort=False):
        lists = [np.asarray(values, dtype=float) for values in part["draws"]]
        if len({len(values) for values in lists}) == 1:
            found[name] = 100 * expit(np.stack(lists)).mean(axis=0)
    return found


def group_linkage(similarity: pd.DataFrame, groups: list[str]) -> np.ndarray | None:
    """Average linkage of groups on 1 - similarity, leaves in optimal order; None where a similarity is missing.

    Parameters
    ----------
    similarity
        Columns judge_1, judge_2 (names of groups), value; each pair once.
    groups
        Leaves.
    """
    if len(groups) < 2 or similarity["value"].isna().any():
        return None
    place = {group: number for number, group in enumerate(groups)}
    distance = np.zeros((len(groups),) * 2)
    first, second = similarity["judge_1"].map(place), similarity["judge_2"].map(place)
    distance[first, second] = distance[second, first] = (1 - similarity["value"]).clip(lower=0)
    condensed = squareform(distance, checks=False)
    return linkage(condensed, "average", optimal_ordering=True)
