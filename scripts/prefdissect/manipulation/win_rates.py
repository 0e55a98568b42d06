"""Win rates against a baseline in the form of AlpacaEval 2.0, raw and controlled for length.

A preference lies between 1 (the baseline's output is better) and 2 (the model's is); 1.5 and 0 are ties. The raw win
rate is 100 times the mean of preference - 1. The length-controlled one is what a logistic model of the preference,

    P(model wins) = sigmoid(theta + phi tanh((len_baseline - len_model) / sd) + gamma difficulty),

gives with equal lengths (Dubois et al. 2024, *Length-Controlled AlpacaEval*, arXiv 2404.04475).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from prefdissect.errors import InputError

LENGTH_TERM, DIFFICULTY_TERM, MODEL_TERM = (
    "np.tanh(std_delta_len)", "instruction_difficulty", "not_gamed_baseline.astype(float)",
)  # fmt: skip
# Precision of the normal prior on every weight: judges that follow a rule separate the outcomes, and a maximum of the
# likelihood would lie at infinity.
RIDGE = 0.01
# In a preference 2.0 and 1.0 are wins of one side; what lies between counts for the nearer one.
DRAW = 1.5
_STEPS, _ACCURATE = 100, 1e-10


@dataclass(frozen=True)
class WinRate:
    """Raw win rate of one model (per cent), its standard error, and the counts of AlpacaEval's leaderboard."""

    win_rate: float
    standard_error: float
    n_wins: int
    n_wins_base: int
    n_draws: int
    n_total: int
    discrete_win_rate: float


def win_rate(preferences: np.ndarray) -> WinRate:
    """Raw win rate.

    Parameters
    ----------
    preferences
        1 to 2 per instruction, 0 for a tie, NaN where the judge gave none (these are left out).

    Raises
    ------
    InputError
        When there is no preference, or one is off the scale.
    """
    values = _checked(preferences)
    share = values - 1
    wins, losses, draws = (int(np.sum(test)) for test in (values > DRAW, values < DRAW, values == DRAW))
    error = 100 * share.std(ddof=1) / np.sqrt(len(share)) if len(share) > 1 else np.nan
    discrete = 100 * (wins + draws / 2) / len(values)
    return WinRate(float(100 * share.mean()), float(error), wins, losses, draws, len(values), discrete)


def _checked(preferences: np.ndarray) -> np.ndarray:
    values = np.asarray(preferences, dtype=float)
    values = np.where(values == 0, DRAW, values)[~np.isnan(values)]
    if not len(values):
        raise InputError("no instruction has a preference", fix="judge at least one output")
    wrong = values[(values < 1) | (values > 2)]
    if len(wrong):
        raise InputError(f"holds the preference {wrong[0]:g}", fix="1 (baseline) to 2 (model), 0 for a tie, or null")
    return values


def published_length_controlled(weights: dict[str, float], difficulty: np.ndarray) -> float:
    """Length-controlled win rate (per cent) from the weights of a fitted model.

    Parameters
    ----------
    weights
        Weights by the names of AlpacaEval's own files (`MODEL_TERM`, `DIFFICULTY_TERM`, `LENGTH_TERM`).
    difficulty
        Difficulty of every instruction.
    """
    for term in (MODEL_TERM, DIFFICULTY_TERM):
        if not np.isfinite(weights.get(term, np.nan)):
            raise InputError(f"the weights lack the term `{term}`", fix="a row of a file of length-controlled weights")
    return float(100 * expit(weights[MODEL_TERM] + weights[DIFFICULTY_TERM] * np.asarray(difficulty)).mean())


def length_term(baseline: np.ndarray, model: np.ndarray, sd: float | None = None) -> np.ndarray:
    """tanh of the standardised difference in length, baseline - model: the regressor that stands for length.

    Parameters
    ----------
    baseline, model
        Lengths of the outputs.
    sd
        Standard deviation to divide by; that of these differences if left out.
    """
    delta = np.asarray(baseline, dtype=float) - np.asarray(model, dtype=float)
    scale = delta.std() if sd is None else sd
    return np.tanh(delta / scale) if scale > 0 else np.zeros_like(delta)


@dataclass(frozen=True)
class LengthControl:
    """A fit of win probabilities to the arms of an experiment and to length.

    Attributes
    ----------
    arms
        Log-odds of each arm at equal lengths, shape (..., arms).
    length
        Weight of `length_term`; below 0 where longer outputs win. Shape (...).
    """

    arms: np.ndarray
    length: np.ndarray

    @property
    def win_rates(self) -> np.ndarray:
        """Win rate (per cent) of every arm if its outputs were as long as the baseline's."""
        return 100 * expit(self.arms)


def fit_length_control(share: np.ndarray, arm: np.ndarray, term: np.ndarray, weights: np.ndarray) -> LengthControl:
    """Fit share ~ arm + length, jointly for all arms, once per row of weights.

    Parameters
    ----------
    share
        Probability (or share of verdicts) that the model wins, shape (n,).
    arm
        Number of the arm of each row, from 0, shape (n,).
    term
        `length_term`, shape (n,).
    weights
        How often every row counts, shape (fits, n): ones for the data, counts for a bootstrap.

    Notes
    -----
    Maximum a posteriori with a normal prior of precision `RIDGE` on every weight, by Newton's method. One slope for
    all arms: an arm whose outputs are all longer than the baseline's says little about the effect of length by itself.
    """
    n_arms = int(arm.max()) + 1
    design = np.column_stack([np.eye(n_arms)[arm], term])
    found = np.array([_newton(design, share, row) for row in np.atleast_2d(weights)])
    return LengthControl(found[:, :-1], found[:, -1])


def _newton(design: np.ndarray, share: np.ndarray, weights: np.ndarray) -> np.ndarray:
    beta = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = expit(design @ beta)
        gradient = design.T @ (weights * (share - chance)) - RIDGE * beta
        curvature = (design * (weights * chance * (1 - chance))[:, None]).T @ design + RIDGE * np.eye(len(beta))
        step = np.linalg.solve(curvature, gradient)
        # A full step may overshoot where the likelihood is flat.
        beta += step * min(1.0, 4.0 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < _ACCURATE:
            break
    return beta


def leaderboard_row(annotations: pd.DataFrame) -> dict[str, float]:
    """One row of AlpacaEval's leaderboard from its annotations of one model (see `alpaca_files.read_annotations`)."""
    try:
        rates = win_rate(annotations["preference"].to_numpy())
    except InputError as error:
        raise InputError(str(error), where="annotations, column `preference`") from None
    length = int(annotations["output_2"].str.len().mean()) if len(annotations) else 0
    return {**rates.__dict__, "avg_length": length}
