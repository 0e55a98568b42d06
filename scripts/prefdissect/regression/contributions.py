"""Contributions per pair: how much each property adds to the preference predicted for one pair.

The reference is phi = 0, two responses that do not differ. Which response is stored as A is arbitrary, and exchanging
them negates phi: a background of every pair in both orders has mean 0, and the model, which has no intercept, gives 1/2
there. With the stored rows as background the contributions would depend on that arbitrary choice.

In log-odds the model is a sum, so that alpha_j phi_ij is the exact contribution (Lundberg and Lee 2017, *A unified
approach to interpreting model predictions*, Corollary 1). On the probability scale they are the Shapley values of the
game v(S) = sigmoid(sum over S of z_k), z_k = alpha_k phi_ik (interventional, single reference). They need neither
sampling nor all 2^m subsets:

* A Shapley value is the average of v(S + j) - v(S) over a random S that holds every other player with probability t,
  averaged over t in [0, 1] (Owen 1972, *Multilinear extensions of games*).
* sigmoid(x) - 1/2 = integral over w > 0 of sin(w x) / sinh(pi w) (Gradshteyn and Ryzhik, 3.981.1), and the average of
  exp(i w z(S)) over S is a product over the players.

With u = 2 t - 1, c_k = cos(w z_k / 2), s_k = sin(w z_k / 2), z the sum of all z_k and m players this becomes

    phi_j = int_0^inf dw / sinh(pi w)  2 s_j cos(w z / 2)  int_0^1 du  Re prod over k != j of (c_k + i u s_k).

The inner integrand is an even polynomial in u of degree at most m - 1: Gauss-Legendre is exact. The outer one is even,
analytic within |Im w| < 1 and falls as exp(-pi w): the midpoint rule errs by about exp(sum |z_k| - 2 pi / step)
(Trefethen and Weideman 2014, *The exponentially convergent trapezoidal rule*). Both stay below 1e-12.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.errors import InputError

EXPONENT = 30.0  # The error of the outer integral is about exp(-EXPONENT).
VALUES_AT_ONCE = 20000


def contributions(matrix: pd.DataFrame, coefficients: pd.Series) -> pd.DataFrame:
    """Contribution of every property to the prediction for every pair, for one judge and group.

    Parameters
    ----------
    matrix : DataFrame, shape (n, p)
        Features: index pair_id, one column per property.
    coefficients : Series, shape (p,)
        Effect strengths alpha, index property; the properties of `matrix` in any order.

    Returns
    -------
    DataFrame
        Columns pair_id, property, log_odds, probability; positive speaks for response A. Over the properties of a pair
        log_odds sums to alpha . phi and probability to sigmoid(alpha . phi) - 1/2. Where the responses do not differ in
        a property both are exactly 0 and there is no row.

    Raises
    ------
    InputError
        When the properties of the two do not match, a pair or property occurs twice, or a value is not finite.
    """
    _require_matching(matrix, coefficients)
    phi = matrix.to_numpy(float)
    log_odds = phi * coefficients.reindex(matrix.columns).to_numpy(float)
    pair, prop = np.nonzero(phi)
    return pd.DataFrame(
        {
            "pair_id": matrix.index.to_numpy()[pair],
            "property": matrix.columns.to_numpy()[prop],
            "log_odds": log_odds[pair, prop] + 0.0,  # no -0
            "probability": probability_contributions(log_odds)[pair, prop],
        }
    )


def _require_matching(matrix: pd.DataFrame, coefficients: pd.Series) -> None:
    for axis, what in ((matrix.index, "pair"), (matrix.columns, "property"), (coefficients.index, "property")):
        if axis.has_duplicates:
            raise InputError(f"{what} `{axis[axis.duplicated()][0]}` occurs twice")
    for name in matrix.columns.symmetric_difference(coefficients.index, sort=False):
        lacking = "coefficient" if name in matrix.columns else "feature"
        raise InputError(f"property `{name}` has no {lacking}", fix="one coefficient for every column of the features")
    for values, what in ((matrix, "feature"), (coefficients, "coefficient")):
        if not np.isfinite(values.to_numpy(float)).all():
            raise InputError(f"a {what} is null or infinite", fix="leave out pairs that lack a feature")


def probability_contributions(log_odds: np.ndarray) -> np.ndarray:
    """Shapley values of the sigmoid of a sum, relative to its value 1/2 at 0.

    Parameters
    ----------
    log_odds : ndarray, shape (n, p)
        Terms of the sum; a zero is no player and gets exactly 0.

    Returns
    -------
    ndarray, shape (n, p)
        Rows sum to sigmoid(row sum) - 1/2 within 1e-12. Time and memory do not grow exponentially with p.
    """
    result = np.zeros(log_odds.shape)
    players = (log_odds != 0).sum(axis=1)
    for m in np.unique(players[players > 0]):
        rows = np.flatnonzero(players == m)
        columns = np.nonzero(log_odds[rows])[1].reshape(len(rows), m)
        terms = np.take_along_axis(log_odds[rows], columns, axis=1)
        result[rows[:, None], columns] = _shapley(terms)
    return result


def _shapley(terms: np.ndarray) -> np.ndarray:
    """Shapley values of rows with m players each, shape (n, m), in blocks that bound memory."""
    n, m = terms.shape
    u, u_weight = _inner_rule(m)
    w, w_weight = _outer_rule(float(np.abs(terms).sum(axis=1).max()))
    block = max(1, VALUES_AT_ONCE // (m * len(w)))
    values = [_block(terms[start : start + block], u, u_weight, w, w_weight) for start in range(0, n, block)]
    return np.concatenate(values)


def _inner_rule(m: int) -> tuple[np.ndarray, np.ndarray]:
    """Half of the Gauss-Legendre rule on [-1, 1]: exact for even polynomials of degree m - 1 on [0, 1]."""
    points = (m + 1) // 2
    nodes, weights = np.polynomial.legendre.leggauss(points + points % 2)
    return nodes[nodes > 0], weights[nodes > 0]


def _outer_rule(reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Midpoint rule for int_0^inf g(w) / sinh(pi w) where |g(w)| <= 2 and g grows at most as exp(reach |Im w|)."""
    step = 2 * np.pi / (EXPONENT + reach)
    nodes = (np.arange(int(np.ceil(EXPONENT / np.pi / step))) + 0.5) * step
    return nodes, step / np.sinh(np.pi * nodes)


def _block(terms, u, u_weight, w, w_weight) -> np.ndarray:
    half = terms.T[:, :, None] * (w / 2)  # players, rows, w
    cosine, sine = np.cos(half), np.sin(half)
    average = np.zeros_like(half)
    for node, weight in zip(u, u_weight, strict=True):
        average += weight * _products_of_others(cosine, node * sine)
    return (2 * sine * average * np.cos(half.sum(axis=0)) @ w_weight).T


def _products_of_others(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Real part of the product over all players but one, for each one.

    The product of all is divided by each factor. No factor vanishes: |cos + i u sin| >= u, and no node u is 0.
    """
    product = np.prod(real + 1j * imaginary, axis=0)
    return (product.real * real + product.imag * imaginary) / (real**2 + imaginary**2)
