"""Judges with known coefficients, to see whether a study finds them again."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import log_expit

from prefdissect.features import feature_matrix
from prefdissect.tables import conform


def simulate(features: pd.DataFrame, judge: str, coefficients: dict[str, float], seed: int) -> pd.DataFrame:
    """Draw verdicts from the published model, P(A) = sigmoid(alpha . phi).

    Parameters
    ----------
    features
        Table `features`.
    judge
        Name of the judge.
    coefficients
        Property -> alpha; 0 for the others. A property without a feature in the study is ignored.
    seed
        Seed of the draws.

    Returns
    -------
    DataFrame
        Table `judgements`, only for pairs with features. The log-probabilities are null: one draw is all that is seen.
    """
    matrix = feature_matrix(features)
    alpha = np.array([coefficients.get(name, 0.0) for name in matrix])
    chance = np.exp(log_expit(matrix.to_numpy() @ alpha))
    verdict = np.where(np.random.default_rng(seed).random(len(chance)) < chance, "a", "b")
    rows = {
        "judge": judge,
        "pair_id": matrix.index,
        "sample": 0,
        "verdict": verdict,
        "status": "ok",
        "truncated": False,
    }
    return conform(pd.DataFrame(rows), "judgements")
