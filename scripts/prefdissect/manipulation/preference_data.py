"""Preference data from a fitted regression: what a model is tuned on to please a judge, or to displease it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from prefdissect.errors import InputError

ARMS = ("towards", "against", "shuffled")


def predicted(matrix: pd.DataFrame, coefficients: pd.Series) -> pd.Series:
    """Probability that the judge prefers response A, by its regression; index pair_id.

    Parameters
    ----------
    matrix
        Features: index pair_id, one column per property.
    coefficients
        Effect strengths by property.
    """
    lacking = [name for name in matrix if name not in coefficients.index]
    if lacking:
        raise InputError(f"property `{lacking[0]}` has no coefficient", fix="fit the judge on these features")
    return pd.Series(expit(matrix.to_numpy(float) @ coefficients[list(matrix)].to_numpy(float)), index=matrix.index)


def preference_data(pairs: pd.DataFrame, chance: pd.Series, arm: str, *, margin: float, seed: int) -> pd.DataFrame:
    """Pairs with the label of an arm.

    Parameters
    ----------
    pairs
        Table `pairs`.
    chance
        `predicted`.
    arm
        `towards`: the likelier response is chosen; `against`: the other one; `shuffled`: the labels of `towards`, a
        random half of them inverted, so that they agree with neither.
    margin
        Pairs within 50 +/- margin per cent are dropped.
    seed
        Of the shuffling.

    Returns
    -------
    Columns pair_id, prompt, turns, chosen, rejected, probability (of the response that is chosen under `towards`).

    Raises
    ------
    InputError
        When no pair is left.
    """
    table = pairs[["pair_id", "prompt", "turns", "response_a", "response_b"]].copy()
    table["chance"] = table["pair_id"].map(chance)
    table = table[(table["chance"] - 0.5).abs() > margin / 100]
    if table.empty:
        fix = "a smaller `manipulation.tuning.margin`, more pairs, or another group"
        raise InputError(f"no pair has a predicted probability beyond 50 +/- {margin:g} per cent", fix=fix)
    label = table["chance"].to_numpy() > 0.5
    if arm == "against":
        label = ~label
    elif arm == "shuffled":
        label ^= np.random.default_rng(seed).permutation(len(label)) < len(label) // 2
    one, other = table["response_a"], table["response_b"]
    found = table[["pair_id", "prompt", "turns"]].assign(
        chosen=one.where(label, other), rejected=other.where(label, one)
    )
    return found.assign(probability=np.maximum(table["chance"], 1 - table["chance"])).reset_index(drop=True)
