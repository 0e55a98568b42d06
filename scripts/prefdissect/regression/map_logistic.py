"""Estimator `map`: the mode of the posterior under the published model, by scikit-learn.

The model is P(A preferred) = sigmoid(alpha . phi) without intercept and with alpha_j ~ Laplace(0, b). Its mode
minimises sum_i w_i log(1 + exp(-(2 y_i - 1) alpha . phi_i)) + ||alpha||_1 / b, an L1-penalised logistic regression with
C = b. A single feature stays exactly 0 until |sum_i x_i (y_i - 1/2)| > 1/b, which is 10 for the published b = 0.1:
expect many zeros in small groups.
"""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.linear_model import LogisticRegression


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray, *, prior_scale: float) -> np.ndarray:
    """Coefficients at the mode.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Features.
    y : ndarray of {0, 1}, shape (n,)
        1 where A is preferred.
    weight : ndarray, shape (n,)
        Weight of each row in the likelihood; rows of weight 0 are left out.
    prior_scale : float
        Scale b of the Laplace prior.

    Returns
    -------
    ndarray, shape (p,)
    """
    kept = weight > 0
    x, y, weight = x[kept], y[kept], weight[kept]
    if len(y) < 2:
        return _single_row(x, y, weight, prior_scale) if len(y) else np.zeros(x.shape[1])
    # Without an intercept (phi, y) and (-phi, 1 - y) are the same observation. Writing every second row the other way
    # round leaves the objective as it is and makes sure that a resample with one class of labels can be fitted.
    turned = np.arange(len(y)) % 2 != y
    x = np.where(turned[:, None], -x, x)
    y = np.where(turned, 1 - y, y)
    model = LogisticRegression(
        C=prior_scale, l1_ratio=1, solver="liblinear", fit_intercept=False, tol=1e-7, max_iter=2000, random_state=0
    )
    with config_context(assume_finite=True, skip_parameter_validation=True):
        return model.fit(x, y, sample_weight=weight).coef_[0]


def _single_row(x, y, weight, prior_scale) -> np.ndarray:
    """One observation twice at half weight is the same objective, and has the two rows that liblinear needs."""
    return fit(np.repeat(x, 2, axis=0), np.repeat(y, 2), np.repeat(weight, 2) / 2, prior_scale=prior_scale)
