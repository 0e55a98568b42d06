"""Estimator `laplace_weak`: the published model with a prior ten times as wide, beside the published one.

The published prior shrinks hard: at 400 pairs an effect of 0.2 or more is seldom inside its 95 % interval. With this
one little is shrunk, so that a reader sees what the data say by themselves and how far they carry.
"""

from __future__ import annotations

import numpy as np

from prefdissect.regression import laplace_ep

WIDER = 10.0


def fit_posterior(x: np.ndarray, y: np.ndarray, weights: np.ndarray, *, prior_scale: float) -> laplace_ep.Posterior:
    """Posteriors under Laplace(0, 10 prior_scale); see `laplace_ep.fit_posterior`."""
    return laplace_ep.fit_posterior(x, y, weights, prior_scale=WIDER * prior_scale)
