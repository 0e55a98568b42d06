"""Judges next to a judge, how like the control judges it is, and base models against their aligned versions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.comparison.intervals import centred_interval, shifted_interval
from prefdissect.comparison.similarity import Similarity
from prefdissect.names import MEAN_OF_VERSIONS
from prefdissect.tables import conform, empty_table

N_NEAREST = 5


def nearest_judges(judges: list[str], found: Similarity, named: dict, first: str = "") -> pd.DataFrame:
    """Table `nearest_judges`: the most similar other judges of every judge.

    Parameters
    ----------
    judges
        Names, in the order of the arrays.
    found
        One metric in one group.
    named
        Columns group, estimator, metric with their values.
    first
        Judge to be listed first: the human judge, where there is one.

    Returns
    -------
    DataFrame
        `share_nearest` is the share of resamples in which this neighbour is the nearest one of all.
    """
    order = sorted(range(len(judges)), key=lambda number: judges[number] != first)
    tables = [empty_table("nearest_judges")]
    for number in order:
        near = _order(found.value[number], number)[:N_NEAREST]
        low, high = centred_interval(found.value[number, near], found.spread[:, number, near])
        rows = pd.DataFrame({"judge": judges[number], "rank": range(1, len(near) + 1)})
        rows["neighbour"] = [judges[other] for other in near]
        rows = rows.assign(**named, value=found.value[number, near], q025=low, q975=high)
        rows["share_nearest"] = _share_nearest(found.spread[:, number], number, near)
        tables.append(rows.assign(interval=np.where(np.isnan(low), None, found.unit)))
    return conform(pd.concat(tables, ignore_index=True), "nearest_judges")


def _order(similarity: np.ndarray, own: int) -> np.ndarray:
    """Other judges whose similarity is defined, the most similar first."""
    others = np.array([number for number in np.argsort(-similarity, kind="stable") if number != own], dtype=int)
    return others[~np.isnan(similarity[others])]


def _share_nearest(spread: np.ndarray, own: int, near: np.ndarray) -> np.ndarray:
    """Share of resamples with any defined similarity in which each of `near` is the nearest; NaN without any."""
    others = np.delete(np.arange(spread.shape[1]), own)
    defined = spread[~np.isnan(spread[:, others]).all(axis=1)]
    if len(defined) == 0:
        return np.full(len(near), np.nan)
    nearest = others[np.nanargmax(defined[:, others], axis=1)]
    return (nearest[:, None] == near).mean(axis=0)


def chosen_pairs(judges: list[str], pairs: list[tuple[str, str]], found: Similarity) -> pd.DataFrame:
    """Similarity with interval of chosen pairs of judges: columns value, q025, q975, interval."""
    number = {judge: position for position, judge in enumerate(judges)}
    one, two = (np.array([number[pair[side]] for pair in pairs], dtype=int) for side in (0, 1))
    value = found.value[one, two]
    low, high = centred_interval(value, found.spread[:, one, two])
    interval = np.where(np.isnan(low), None, found.unit)
    return pd.DataFrame({"value": value, "q025": low, "q975": high, "interval": interval})


def control_similarity(judges: list[str], controls: dict[str, str], found: Similarity, named: dict) -> pd.DataFrame:
    """Table `control_similarity`: every judge against every control judge.

    Parameters
    ----------
    controls
        Control judge -> its rule.
    """
    pairs = [(judge, control) for control in controls if control in judges for judge in judges if judge not in controls]
    if not pairs:
        return empty_table("control_similarity")
    rows = pd.DataFrame(pairs, columns=["judge", "control"])
    rows["rule"] = rows["control"].map(controls)
    return conform(rows.assign(**named).join(chosen_pairs(judges, pairs, found)), "control_similarity")


def versions_of(bases: dict[str, str], judges: list[str]) -> dict[str, list[str]]:
    """Base judge -> its aligned versions, among the judges compared; `bases`: judge -> its base."""
    versions: dict[str, list[str]] = {}
    for judge in judges:
        if bases.get(judge) in judges:
            versions.setdefault(bases[judge], []).append(judge)
    return versions


def base_similarity(judges: list[str], versions: dict[str, list[str]], found: Similarity, named: dict) -> pd.DataFrame:
    """Table `base_similarity`: each aligned judge against its base, and the mean per base."""
    tables = [empty_table("base_similarity")]
    for base, aligned in versions.items():
        rows = pd.DataFrame({"base": base, "judge": aligned})
        tables.append(rows.join(chosen_pairs(judges, [(base, judge) for judge in aligned], found)).assign(n_judges=1))
        tables.append(_mean_over_versions(judges, base, aligned, found))
    return conform(pd.concat(tables, ignore_index=True).assign(**named), "base_similarity")


def _mean_over_versions(judges: list[str], base: str, aligned: list[str], found: Similarity) -> pd.DataFrame:
    one, others = judges.index(base), [judges.index(judge) for judge in aligned]
    value = found.value[one, others].mean()
    (low,), (high,) = shifted_interval(np.array([value]), found.spread[:, one, others].mean(axis=1)[:, None])
    row = {"base": base, "judge": MEAN_OF_VERSIONS, "n_judges": len(aligned), "value": value, "q025": low, "q975": high}
    return pd.DataFrame([row | {"interval": None if np.isnan(low) else found.unit}])
