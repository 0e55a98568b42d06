"""The estimators. A new one is one module with `fit_many(x, y, weights, *, prior_scale)` and one line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

ESTIMATORS = {"map": "prefdissect.regression.map_logistic"}


def load_estimator(name: str) -> Callable:
    """The function of an estimator: (x (n, p), y (n,), weights (m, n), prior_scale) -> coefficients (m, p)."""
    return import_module(ESTIMATORS[name]).fit_many
