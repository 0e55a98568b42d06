"""What judges, groups and versions of a judge differ in, property by property and pair by pair."""

from __future__ import annotations

import pandas as pd

from prefdissect.comparison import differences
from prefdissect.comparison.drift import drift_table, flip_counts, flipped_pairs
from prefdissect.comparison.estimates import Estimates
from prefdissect.comparison.neighbours import versions_of
from prefdissect.comparison_config import asked_differences, base_judges
from prefdissect.errors import InputError
from prefdissect.names import MEAN_OF_VERSIONS
from prefdissect.tables import conform


def contrast_coefficients(estimates: Estimates, records: dict[str, dict], settings: dict) -> dict[str, pd.DataFrame]:
    """Tables judge_differences, group_differences, base_differences and drift.

    Parameters
    ----------
    estimates
        From `read_estimates`; with or without resamples.
    records
        Judge -> record with `label` and `attributes`.
    settings
        Section `comparison` of the study.

    Raises
    ------
    InputError
        When a group that is to be compared was not fitted.
    """
    for number, pair in enumerate(settings["group_differences"]):
        for group in pair:
            if group not in estimates.groups:
                problem = f"config key `comparison.group_differences[{number}]`: `{group}` was not fitted"
                raise InputError(problem, fix=f"one of {', '.join(estimates.groups)}")
    there = set(estimates.judges)
    pairs = [pair for pair in asked_differences(settings, estimates.judges) if there.issuperset(pair)]
    versions = versions_of(base_judges(records, settings["base"]), estimates.judges)
    tables = {
        "judge_differences": differences.judge_differences(estimates, pairs),
        "group_differences": differences.group_differences(estimates, settings["group_differences"]),
        "base_differences": differences.base_differences(estimates, versions, MEAN_OF_VERSIONS),
        "drift": drift_table(estimates, [tuple(pair) for pair in settings["drift"]]),
    }
    return {name: conform(table, name) for name, table in tables.items()}


def contrast_preferences(
    pairs: pd.DataFrame, groups: pd.DataFrame, preferences: pd.DataFrame, settings: dict
) -> dict[str, pd.DataFrame]:
    """Tables flip_counts and flipped_pairs.

    Parameters
    ----------
    pairs, groups, preferences
        Tables of these names.
    settings
        Section `comparison` of the study, `resamples` and `seed` of its fit.
    """
    versions = [tuple(pair) for pair in settings["drift"]]
    options = {"resamples": settings["resamples"], "seed": settings["seed"]}
    return {
        "flip_counts": flip_counts(pairs, groups, preferences, versions, **options),
        "flipped_pairs": flipped_pairs(preferences, versions),
    }
