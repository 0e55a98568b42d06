"""Differences of effect strengths by property: between judges, between groups, between base and aligned versions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from prefdissect.comparison.estimates import PROMPTS, Estimates
from prefdissect.comparison.intervals import quantiles
from prefdissect.names import OVERALL

MORE, LESS, UNCLEAR = "first rewards more", "first rewards less", "not distinguishable"
# Resampled scenario groups say how much groups differ, not what the data of a group can tell.
NONE, NOT_JUDGED = "no interval", "not judged"


@dataclass(frozen=True)
class Effects:
    """Effects of one judge in one group: of the properties, in the data and in resamples.

    Attributes
    ----------
    mean, degree : ndarray, shape (p,)
        Effect strength, and its sigmoid (averaged over groups in `overall`).
    draws, degree_draws : ndarray, shape (resamples, p)
    unit
        What was resampled; None where nothing was.
    """

    mean: np.ndarray
    degree: np.ndarray
    draws: np.ndarray
    degree_draws: np.ndarray
    unit: str | None


def effects_of(estimates: Estimates, judges: list[str], group: str) -> Effects:
    """Mean effects of some judges in a group (of one judge: its effects)."""
    rows = [estimates.judges.index(judge) for judge in judges]

    def mean_over_judges(array: np.ndarray) -> np.ndarray:
        return array[..., rows, :].mean(axis=-2)

    def shares(array: np.ndarray) -> np.ndarray:
        return expit(array[..., rows, :]).mean(axis=-2)

    unit = estimates.interval_of(group)
    if group == OVERALL:
        (mean, draws), (degree, degree_draws) = (estimates.over_groups(part) for part in (mean_over_judges, shares))
    else:
        drawn = estimates.draws[group]
        mean, draws = mean_over_judges(estimates.mean[group]), mean_over_judges(drawn)
        degree, degree_draws = shares(estimates.mean[group]), shares(drawn)
    if unit is None:
        draws, degree_draws = draws[:0], degree_draws[:0]
    return Effects(mean, degree, draws, degree_draws, unit)


def difference_table(properties: list[str], first: Effects, second: Effects) -> pd.DataFrame:
    """First minus second, per property; both from the same resamples.

    Returns
    -------
    DataFrame
        Columns property, effect_1, effect_2, difference, q025, q975, degree_difference (points), degree_q025,
        degree_q975, false_sign (share of resamples whose difference is zero or of the other sign), word, interval.
        Nothing is called (not) distinguishable unless prompts were resampled.
    """
    difference, degree = first.mean - second.mean, 100 * (first.degree - second.degree)
    table = pd.DataFrame({"property": properties, "effect_1": first.mean, "effect_2": second.mean})
    table = table.assign(difference=difference, degree_difference=degree)
    unit = first.unit if first.unit == second.unit else None
    draws = first.draws - second.draws if unit else first.draws[:0]
    shares = 100 * (first.degree_draws - second.degree_draws) if unit else draws
    (table["q025"], table["q975"]), (table["degree_q025"], table["degree_q975"]) = quantiles(draws), quantiles(shares)
    if unit != PROMPTS:
        return table.assign(false_sign=None, word=NOT_JUDGED if unit else NONE, interval=unit)
    wrong = (np.sign(draws) != np.sign(difference)).mean(axis=0)
    table["false_sign"] = np.where(difference == 0, np.nan, wrong)
    conditions = [(table["q025"] > 0) & (difference > 0), (table["q975"] < 0) & (difference < 0)]
    return table.assign(word=np.select(conditions, [MORE, LESS], UNCLEAR), interval=unit)


def judge_differences(estimates: Estimates, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """First judge minus second, in every group in which both were fitted: columns judge_1, judge_2, group and more."""
    tables = []
    for one, two in pairs:
        for group in _common_groups(estimates, [one, two]):
            rows = _between(estimates, ([one], group), ([two], group))
            tables.append(rows.assign(judge_1=one, judge_2=two, group=group))
    return _joined(tables, estimates)


def group_differences(estimates: Estimates, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """First group minus second, for every judge that was fitted in both: columns judge, group_1, group_2 and more.

    The resamples are those of all prompts of the study, so prompts that both groups hold are drawn for both alike.
    """
    tables = []
    for one, two in pairs:
        for number, judge in enumerate(estimates.judges):
            if estimates.fitted(one)[number] and estimates.fitted(two)[number]:
                rows = _between(estimates, ([judge], one), ([judge], two))
                tables.append(rows.assign(judge=judge, group_1=one, group_2=two))
    return _joined(tables, estimates)


def base_differences(estimates: Estimates, versions: dict[str, list[str]], mean_of: str) -> pd.DataFrame:
    """Aligned version minus base, for each version and for their mean: columns base, judge, group and more."""
    tables = []
    for base, aligned in versions.items():
        for name, judges in [*((judge, [judge]) for judge in aligned), (mean_of, aligned)]:
            for group in _common_groups(estimates, [base, *judges]):
                rows = _between(estimates, (judges, group), ([base], group))
                tables.append(rows.assign(base=base, judge=name, group=group, n_judges=len(judges)))
    return _joined(tables, estimates)


def _common_groups(estimates: Estimates, judges: list[str]) -> list[str]:
    numbers = [estimates.judges.index(judge) for judge in judges]
    return [group for group in estimates.groups if estimates.fitted(group)[numbers].all()]


def _between(estimates: Estimates, first: tuple, second: tuple) -> pd.DataFrame:
    return difference_table(estimates.properties, effects_of(estimates, *first), effects_of(estimates, *second))


def _joined(tables: list[pd.DataFrame], estimates: Estimates) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame()
    return pd.concat(tables, ignore_index=True).assign(estimator=estimates.estimator)
