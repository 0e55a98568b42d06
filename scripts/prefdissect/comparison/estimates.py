"""Coefficients of all judges as arrays, with the draws of the same resamples of prompts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from prefdissect.names import OVERALL

PROMPTS, GROUPS = "prompts", "scenario groups"
# Resamples of scenario groups; nothing is fitted again, but every one is clustered.
GROUP_RESAMPLES = 500


@dataclass
class Estimates:
    """Effect strengths of one estimator.

    Attributes
    ----------
    judges, properties
        Names, in the order of the arrays.
    estimator
        Name of the estimator.
    mean : dict
        Group -> ndarray, shape (judges, p); NaN for a judge that was not fitted there.
    draws : dict
        Group -> ndarray, shape (resamples, judges, p): refits of resamples of prompts. The same position is the same
        resample for all judges and groups. No resamples where the fit kept none.
    shared : list
        Scenario groups that were fitted for every judge: those that `overall` averages.
    unit
        What is resampled for intervals: `prompts`, or `scenario groups` where coefficients are all there is; the latter
        gives intervals to `overall` only.
    """

    judges: list[str]
    properties: list[str]
    estimator: str
    mean: dict[str, np.ndarray]
    draws: dict[str, np.ndarray]
    shared: list[str]
    unit: str = PROMPTS
    seed: int = 1
    _counts: np.ndarray | None = field(default=None, repr=False)

    @property
    def groups(self) -> list[str]:
        """Groups that were fitted, then `overall` where scenario groups are shared."""
        return [*self.mean, *([OVERALL] if self.shared else [])]

    def fitted(self, group: str) -> np.ndarray:
        """Which judges were fitted in a group; array of bool, shape (judges,). Everybody in `overall`."""
        if group == OVERALL:
            return np.ones(len(self.judges), dtype=bool)
        return ~np.isnan(self.mean[group]).any(axis=1)

    def interval_of(self, group: str) -> str | None:
        """What the intervals of a group resample: `prompts`, `scenario groups`, or None where there are none."""
        if self.unit == GROUPS:
            return GROUPS if group == OVERALL and len(self.shared) > 1 else None
        sizes = [len(self.draws[name]) for name in (self.shared if group == OVERALL else [group])]
        return PROMPTS if sizes and min(sizes) > 1 else None

    def over_groups(self, quantity) -> tuple[np.ndarray, np.ndarray]:
        """`overall` of any quantity: its mean over the shared groups, and the same in resamples.

        Parameters
        ----------
        quantity
            Function of an array (..., judges, p), called on means and on draws of each shared group.

        Returns
        -------
        value, spread
            NaN entries of a group play no part in the mean; `spread` has one more axis in front, of length 0 without
            resamples.
        """
        values = np.stack([quantity(self.mean[group]) for group in self.shared])
        if self.unit == GROUPS:
            return mean_defined(values), self.resample_groups(values)
        return mean_defined(values), mean_defined(quantity(self.draws[group]) for group in self.shared)

    def resample_groups(self, values: np.ndarray) -> np.ndarray:
        """Means over resamples of the groups, drawn with replacement; values (groups, ...) -> (resamples, ...)."""
        if len(values) < 2:
            return np.empty((0, *values.shape[1:]))
        flat = values.reshape(len(values), -1)
        present = ~np.isnan(flat)
        counts = self.group_counts()
        number = counts @ present
        total = counts @ np.where(present, flat, 0.0)
        mean = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
        return mean.reshape(len(counts), *values.shape[1:])

    def group_counts(self) -> np.ndarray:
        """How often each shared group occurs in each resample, shape (GROUP_RESAMPLES, groups)."""
        if self._counts is None:
            n = len(self.shared)
            draw = np.random.default_rng(self.seed).multinomial(n, np.full(n, 1 / n), GROUP_RESAMPLES)
            self._counts = draw.astype(float)
        return self._counts


def read_estimates(
    coefficients: pd.DataFrame,
    draws: pd.DataFrame | None,
    scenario_groups: list[str],
    *,
    unit: str = PROMPTS,
    seed: int = 1,
) -> Estimates:
    """Arrays from the tables of a fit.

    Parameters
    ----------
    coefficients
        Table `coefficients` of one estimator.
    draws
        As `Fits.draws`; None where coefficients are all there is.
    scenario_groups
        Groups whose unweighted mean is `overall`.
    unit
        `prompts` or `scenario groups`.
    seed
        Seed of the resamples of scenario groups.
    """
    judges = list(dict.fromkeys(coefficients["judge"]))
    properties = list(dict.fromkeys(coefficients["property"]))
    mean = _arrays(coefficients[coefficients["group"] != OVERALL], "mean", judges, properties)
    drawn = {} if draws is None else _arrays(draws[draws["group"].isin(list(mean))], "draws", judges, properties)
    empty = np.empty((0, len(judges), len(properties)))
    spread = {group: np.moveaxis(drawn[group], 2, 0) if group in drawn else empty for group in mean}
    shared = [group for group in scenario_groups if group in mean and not np.isnan(mean[group]).any()]
    return Estimates(judges, properties, coefficients["estimator"].iloc[0], mean, spread, shared, unit, seed)


def _arrays(table: pd.DataFrame, column: str, judges: list[str], properties: list[str]) -> dict[str, np.ndarray]:
    """Group -> array (judges, p) or, for draws, (judges, p, resamples); NaN where a judge lacks the group."""
    arrays = {}
    for group, part in table.groupby("group", sort=False):
        row = pd.Index(judges).get_indexer(part["judge"])
        place = pd.Index(properties).get_indexer(part["property"])
        values = np.stack([np.asarray(value, dtype=float) for value in part[column]])
        arrays[group] = np.full((len(judges), len(properties), *values.shape[1:]), np.nan)
        arrays[group][row, place] = values
    return arrays


def mean_defined(arrays) -> np.ndarray:
    """Mean of arrays of one shape, entry by entry, over those in which the entry is not NaN."""
    total = counted = 0
    for array in arrays:
        present = ~np.isnan(array)
        total, counted = total + np.where(present, array, 0.0), counted + present
    return np.divide(total, counted, out=np.full(np.shape(total), np.nan), where=counted > 0)
