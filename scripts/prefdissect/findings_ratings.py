"""What a study found about its ratings: how reliable they are, and what their error does to the effects."""

from __future__ import annotations

import pandas as pd

from prefdissect.annotators.verdicts import BELOW, MARK, REACHED, UNKNOWN
from prefdissect.reliability_config import ATTENUATED

N_LISTED = 3


def describe_reliability(verdicts: pd.DataFrame, wanted: dict, labels: dict[str, str]) -> list[str]:
    """Which properties are rated less reliably than the study asks for.

    Parameters
    ----------
    verdicts
        Table `property_reliability`.
    wanted
        Section `annotations.reliability` of the study.
    labels
        Texts for properties, without marks.
    """
    names = {"kappa": "weighted kappa", "within_one": "share within one step"}
    limits = " and ".join(f"{names[key]} of at least {wanted[key]:g}" for key in names if wanted[key] is not None)
    words = {word: [labels[name] for name in part["property"]] for word, part in verdicts.groupby("reliability")}
    reached = len(words.get(REACHED, ()))
    sentences = [f"The study asks for a {limits}: {reached} of {len(verdicts)} properties reach it."]
    if BELOW in words:
        sentences.append(
            f"Below it, marked {MARK} wherever they are shown: {', '.join(words[BELOW])}. Their effects are those of "
            "what the annotator writes down rather than of the property."
        )
    if UNKNOWN in words:
        why = "for nothing was rated twice, or with one and the same value"
        sentences.append(f"Not measured, {why}: {', '.join(words[UNKNOWN])}.")
    return sentences


def describe_attenuation(
    attenuation: pd.DataFrame,
    coefficients: pd.DataFrame,
    labels: dict[str, str],
    property_labels: dict[str, str],
    group: str,
) -> list[str]:
    """How many effects that can be told from neutral the error of the ratings has made weaker.

    Parameters
    ----------
    attenuation
        Table of this name.
    coefficients
        Table of this name, one estimator and one group.
    labels, property_labels
        Texts for judges and properties.
    group
        What the group is called.
    """
    told = coefficients[coefficients["word"].isin(["rewards", "penalises"])]
    rows = told.merge(attenuation, on=["judge", "group", "property"]).dropna(subset="left")
    if rows.empty:
        return []
    weak = rows[rows["attenuated"].astype(bool)].sort_values("left", kind="stable")
    start = f"Properties rated again have {len(rows)} effects that can be told from neutral in {group}"
    share = f"{100 * ATTENUATED:.0f} %"
    if weak.empty:
        return [f"{start}; the error of the annotator leaves at least {share} of each."]
    listed = ", ".join(
        f"{property_labels[row.property]} of {labels[row.judge]} ({100 * row.left:.0f} % left)"
        for row in weak.head(N_LISTED).itertuples()
    )
    return [
        f"{start}; of {len(weak)} the error of the annotator leaves less than {share}, so that the property itself "
        f"may weigh more than they say: {'first of all ' if len(weak) > N_LISTED else ''}{listed}."
    ]
