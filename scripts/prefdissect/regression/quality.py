"""How well a fit predicts preferences it has not seen."""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from prefdissect.regression.cells import Cell
from prefdissect.regression.folds import prompt_folds

N_BINS = 10


def honest_splits(cell: Cell, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) rows of folds split by prompt; none when the cell has fewer prompts than folds."""
    if len(np.unique(cell.prompts)) < folds:
        return []
    return list(prompt_folds(cell.prompts, folds, seed))


def held_out(cell: Cell, splits: list, alphas: np.ndarray, length_column: int | None) -> dict[str, float]:
    """Scores of fits on rows they have not seen.

    Parameters
    ----------
    cell
        The data.
    splits
        From `honest_splits`.
    alphas : ndarray, shape (folds, p)
        Coefficients fitted on the training rows of each split.
    length_column
        Column of the feature `lengthy`, for the length-only baseline.

    Returns
    -------
    dict
        accuracy, log_loss (nats), brier, auc, calibration_error, majority_accuracy, length_accuracy; empty without
        splits.
    """
    if not splits:
        return {}
    probability, majority = np.empty(len(cell.y)), np.empty(len(cell.y))
    for (train, test), alpha in zip(splits, alphas, strict=True):
        probability[test] = expit(cell.x[test] @ alpha)
        majority[test] = np.average(cell.y[train], weights=cell.weight[train]) - 0.5
    length = {}
    if length_column is not None:
        length = {"length_accuracy": _accuracy(cell.y, cell.x[:, length_column], cell.weight)}
    majority = {"majority_accuracy": _accuracy(cell.y, majority, cell.weight)}
    return scores(cell.y, probability, cell.weight) | majority | length


def scores(y: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Accuracy, log loss, Brier score, AUC and calibration error of predicted probabilities."""
    return {
        "accuracy": _accuracy(y, probability - 0.5, weight),
        "log_loss": log_loss(y, probability, sample_weight=weight, labels=[0, 1]),
        "brier": brier_score_loss(y, probability, sample_weight=weight),
        "auc": roc_auc_score(y, probability, sample_weight=weight),
        "calibration_error": calibration_error(y, probability, weight),
    }


def _accuracy(y: np.ndarray, lean: np.ndarray, weight: np.ndarray) -> float:
    """Share of right signs; no lean at all counts half."""
    return float(np.average(0.5 + 0.5 * np.sign(lean) * (2 * y - 1), weights=weight))


def calibration_error(y: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> float:
    """Expected calibration error: mean |predicted - observed| over ten bins of equal width, weighted by their size."""
    bins = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    gap = np.bincount(bins, weight * (probability - y), N_BINS)
    return float(np.abs(gap).sum() / weight.sum())
