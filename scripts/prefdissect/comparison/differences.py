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
    """One side of k comparisons in one group: effects of the properties, in the data and in resamples.

    Attributes
    ----------
    mean, degree : ndarray, shape (k, p)
        Effect strength, and its sigmoid (averaged over groups in `overall`).
    draws, degree_draws : ndarray, shape (resamples, k, p)
    unit
        What was resampled; None where nothing was.
    """

    mean: np.ndarray
    degree: np.ndarray
    draws: np.ndarray
    degree_draws: np.ndarray
    unit: str | None


def effects_of(estimates: Estimates, sides: list[list[str]], group: str) -> Effects:
    """Mean effects of the judges on one side of each comparison; all of them were fitted in the group."""
    weights = np.zeros((len(sides), len(estimates.judges)))
    for row, judges in enumerate(sides):
        weights[row, [estimates.judges.index(judge) for judge in judges]] = 1 / len(judges)

    def strengths(array: np.ndarray) -> np.ndarray:
        return weights @ np.nan_to_num(array)

    def shares(array: np.ndarray) -> np.ndarray:
        return weights @ expit(np.nan_to_num(array))

    unit = estimates.interval_of(group)
    if group == OVERALL:
        (mean, draws), (degree, degree_draws) = (estimates.over_groups(part) for part in (strengths, shares))
    else:
        mean, draws = strengths(estimates.mean[group]), strengths(estimates.draws[group])
        degree, degree_draws = shares(estimates.mean[group]), shares(estimates.draws[group])
    if unit is None:
        draws, degree_draws = draws[:0], degree_draws[:0]
    return Effects(mean, degree, draws, degree_draws, unit)


def difference_table(properties: list[str], first: Effects, second: Effects) -> pd.DataFrame:
    """First minus second, per comparison and property; both from the same resamples.

    Returns
    -------
    DataFrame
        k p rows, comparison by comparison. Columns property, effect_1, effect_2, difference, q025, q975,
        degree_difference (points), degree_q025, degree_q975, false_sign (share of resamples whose difference is zero or
        of the other sign), word, interval. Nothing is called (not) distinguishable unless prompts were resampled.
    """
    difference, degree = first.mean - second.mean, 100 * (first.degree - second.degree)
    unit = first.unit if first.unit == second.unit else None
    draws = first.draws - second.draws if unit else first.draws[:0]
    shares = 100 * (first.degree_draws - second.degree_draws) if unit else draws
    (low, high), (degree_low, degree_high) = quantiles(draws), quantiles(shares)
    wrong, word = None, np.full(difference.shape, NOT_JUDGED if unit else NONE, dtype=object)
    if unit == PROMPTS:
        wrong = np.where(difference == 0, np.nan, (np.sign(draws) != np.sign(difference)).mean(axis=0)).ravel()
        word = np.select([(low > 0) & (difference > 0), (high < 0) & (difference < 0)], [MORE, LESS], UNCLEAR)
    columns = {"effect_1": first.mean, "effect_2": second.mean, "difference": difference, "q025": low, "q975": high}
    columns |= {"degree_difference": degree, "degree_q025": degree_low, "degree_q975": degree_high, "word": word}
    table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    return table.assign(property=np.tile(properties, len(difference)), false_sign=wrong, interval=unit)


def judge_differences(estimates: Estimates, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """First judge minus second, in every group in which both were fitted: columns judge_1, judge_2, group and more."""
    named = [({"judge_1": one, "judge_2": two}, [one], [two]) for one, two in pairs]
    return _in_every_group(estimates, named)


def base_differences(estimates: Estimates, versions: dict[str, list[str]], mean_of: str) -> pd.DataFrame:
    """Aligned version minus base, for each version and for their mean: columns base, judge, n_judges and more."""
    named = []
    for base, aligned in versions.items():
        for name, judges in [*((judge, [judge]) for judge in aligned), (mean_of, aligned)]:
            named.append(({"base": base, "judge": name, "n_judges": len(judges)}, judges, [base]))
    return _in_every_group(estimates, named)


def group_differences(estimates: Estimates, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """First group minus second, for every judge that was fitted in both: columns judge, group_1, group_2 and more.

    The resamples are those of all prompts of the study, so prompts that both groups hold are drawn for both alike.
    """
    tables = []
    for one, two in pairs:
        fitted = estimates.fitted(one) & estimates.fitted(two)
        named = [({"judge": judge, "group_1": one, "group_2": two}, [judge], [judge]) for judge in estimates.judges]
        named = [comparison for comparison, both in zip(named, fitted, strict=True) if both]
        tables.append(_between(estimates, named, one, two))
    return _joined(tables, estimates)


def _in_every_group(estimates: Estimates, named: list[tuple[dict, list[str], list[str]]]) -> pd.DataFrame:
    tables = []
    for group in estimates.groups:
        fitted = {judge for judge, there in zip(estimates.judges, estimates.fitted(group), strict=True) if there}
        inside = [comparison for comparison in named if fitted.issuperset([*comparison[1], *comparison[2]])]
        tables.append(_between(estimates, inside, group, group).assign(group=group))
    return _joined(tables, estimates)


def _between(estimates: Estimates, named: list[tuple], first: str, second: str) -> pd.DataFrame:
    """Rows of some comparisons (columns that name one, judges of the first side, of the second) between two groups."""
    if not named:
        return pd.DataFrame()
    effects = [
        effects_of(estimates, [names[side] for names in named], group) for side, group in ((1, first), (2, second))
    ]
    names = pd.DataFrame([columns for columns, *_ in named])
    repeated = names.loc[names.index.repeat(len(estimates.properties))].reset_index(drop=True)
    return repeated.join(difference_table(estimates.properties, *effects))


def _joined(tables: list[pd.DataFrame], estimates: Estimates) -> pd.DataFrame:
    tables = [table for table in tables if len(table)]
    if not tables:
        return pd.DataFrame()
    return pd.concat(tables, ignore_index=True).assign(estimator=estimates.estimator)
