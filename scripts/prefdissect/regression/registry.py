"""The estimators. A new one is one module and one line here.

A module has `fit_many(x (n, p), y (n,), weights (m, n), *, prior_scale)`, which returns estimates (m, p), or, where it
knows the posterior, `fit_posterior` with the same arguments; that returns an object with `mean`, `sd`,
`quantile(share)`, `false_sign()`, `draws(count, seed)` and `first()`, as `laplace_ep.Posterior` has them, and where it
sampled `diagnostics` (`rhat`, `ess`, `divergences`, `draws`, each of shape (m,)). `RESAMPLED = False` says that a fit
takes too long to be repeated for every resample.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

ESTIMATORS = {
    "map": "prefdissect.regression.map_logistic",
    "laplace_posterior": "prefdissect.regression.laplace_ep",
    "laplace_weak": "prefdissect.regression.laplace_weak",
    "nuts": "prefdissect.regression.nuts",
}


def load_estimator(name: str) -> ModuleType:
    """The module of an estimator."""
    return import_module(ESTIMATORS[name])
