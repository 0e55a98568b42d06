"""Which properties reach the reliability that a study asks for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.tables import conform

REACHED, BELOW, UNKNOWN = "reached", "below", "not measured"
MARK = "†"
LIMITS = ("kappa", "within_one")


def property_reliability(reliability: pd.DataFrame, features: pd.DataFrame, wanted: dict) -> pd.DataFrame:
    """Hold every property in the fits against the limits of the study.

    What counts is what the annotator that supplies the property said on repeats, with the responses exchanged, and
    against the annotators that the study names. The worst of these decides.

    Parameters
    ----------
    reliability
        Table `reliability`.
    features
        Table `features`; `property` and `annotator` are used.
    wanted
        Section `annotations.reliability` of the study.

    Returns
    -------
    DataFrame
        Table `property_reliability`, in the order of the features; without limits every verdict is null.
    """
    supplied = features.drop_duplicates("property")
    rows = [_row(reliability, name, by, wanted) for name, by in zip(supplied["property"], supplied["annotator"])]
    return conform(pd.DataFrame(rows), "property_reliability")


def below_limits(table: pd.DataFrame) -> set[str]:
    """Properties below a limit, from table `property_reliability`."""
    return set(table.loc[table["reliability"] == BELOW, "property"])


def marked(labels: dict[str, str], below: set[str]) -> dict[str, str]:
    """Labels of properties as people see them: those below a limit carry a dagger."""
    return {name: f"{label} {MARK}" if name in below else label for name, label in labels.items()}


def _row(reliability: pd.DataFrame, name: str, annotator: str, wanted: dict) -> dict:
    rows = reliability[reliability["property"] == name]
    itself = (rows["annotator_1"] == annotator) & (rows["annotator_2"] == annotator)
    other = rows["annotator_1"].where(rows["annotator_2"] == annotator, rows["annotator_2"])
    mine = (rows["annotator_1"] == annotator) | (rows["annotator_2"] == annotator)
    rows = rows[itself | (mine & ~itself & other.isin(wanted["against"]))]
    least = {limit: rows[limit].min() if len(rows) else np.nan for limit in LIMITS}
    return {"property": name, "annotator": annotator, **least, "reliability": _verdict(least, wanted)}


def _verdict(least: dict[str, float], wanted: dict) -> str | None:
    limits = {limit: wanted[limit] for limit in LIMITS if wanted[limit] is not None}
    if not limits:
        return None
    if any(least[limit] < least_wanted for limit, least_wanted in limits.items()):
        return BELOW
    return UNKNOWN if any(np.isnan(least[limit]) for limit in limits) else REACHED
