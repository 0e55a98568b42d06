"""Estimator `laplace_posterior`: the published posterior by expectation propagation.

The model is P(A preferred) = sigmoid(alpha . phi) with alpha_j ~ Laplace(0, b). Expectation propagation (Minka 2001;
Rasmussen and Williams 2006, section 3.6) replaces each factor by a Gaussian site: one per observation, in the
projection z_i = alpha . phi_i, and one per prior factor, in alpha_j. A site is set so that the Gaussian posterior has
the mean and the variance of the *tilted* distribution: cavity (posterior without the site) times true factor. The
moments come from Gauss-Hermite quadrature for the logistic factors and in closed form for the Laplace factors, whose
tilted distribution is two truncated normals. All factors are log-concave, so sites have positive precision and the
posterior is proper whatever the data.

Means are those of the sites' joint Gaussian. Quantiles come from the tilted marginals, which keep the sharp peak of the
prior at 0 that a Gaussian loses (its ends are off by up to 0.1). The tests and `make test-validity` hold both against
sampling.

Everything is a product of matrices: with the outer products phi_i phi_i' as rows of one matrix, the precision of every
fit and the variance of every projection are one multiplication each, whatever the number of fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_ndtr, ndtr, ndtri_exp

# Nodes of the quadrature: the sigmoid is nearly a polynomial over a narrow cavity, and a step over a wide one.
NODES, WIDE_NODES, WIDE = 10, 40, 1.5
MAX_SWEEPS = 200
TOLERANCE = 1e-5
DAMPING = 0.9
ROWS_AT_ONCE = 4096
FITS_TIMES_ROWS = 4_000_000  # bounds memory: about ten arrays of this size are alive at once
# Beyond this the variance of a truncated normal is taken from its series: the closed form has lost its digits.
FAR = 100.0
FLAT = 1e8  # variance of a cavity that holds no information, in units of the prior's


@dataclass(frozen=True)
class Posterior:
    """Posteriors of m fits with p coefficients each.

    Attributes
    ----------
    mean, covariance : ndarray, shapes (m, p) and (m, p, p)
        Of the joint Gaussian; its diagonal holds the variances of the tilted marginals too.
    cavity_mean, cavity_variance : ndarray, shape (m, p)
        Each coefficient's distribution without its prior factor: times Laplace(0, scale) it is the tilted marginal.
    scale : float
        Scale b of the prior.
    """

    mean: np.ndarray
    covariance: np.ndarray
    cavity_mean: np.ndarray
    cavity_variance: np.ndarray
    scale: float

    @property
    def sd(self) -> np.ndarray:
        """Standard deviations, shape (m, p)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    def quantile(self, share: float) -> np.ndarray:
        """Quantiles of the tilted marginals, shape (m, p)."""
        return _quantile(np.full(self.mean.shape, share), self.cavity_mean, self.cavity_variance, self.scale)

    def cdf(self, value: np.ndarray | float) -> np.ndarray:
        """Probability of a coefficient at or below `value` under the tilted marginals, shape (m, p)."""
        return _laplace_cdf(np.broadcast_to(value, self.mean.shape), self.cavity_mean, self.cavity_variance, self.scale)

    def false_sign(self) -> np.ndarray:
        """Local false-sign rate: probability that a coefficient does not have the sign of its median, shape (m, p)."""
        negative = self.cdf(0.0)
        return np.minimum(negative, 1 - negative)

    def first(self) -> Posterior:
        """That of the first fit alone."""
        parts = self.mean, self.covariance, self.cavity_mean, self.cavity_variance
        return Posterior(*(part[:1] for part in parts), self.scale)

    def draws(self, count: int, seed: int) -> np.ndarray:
        """Draws of all coefficients of each fit together, shape (count, m, p).

        The tilted marginals joined by the correlations of the Gaussian (a Gaussian copula); fits are independent.
        """
        m, p = self.mean.shape
        sd = self.sd
        correlation = self.covariance / (sd[:, :, None] * sd[:, None, :])
        root = np.linalg.cholesky(correlation + 1e-12 * np.eye(p))
        normal = np.einsum("mjk,cmk->cmj", root, np.random.default_rng(seed).standard_normal((count, m, p)))
        spread = (count, m, p)
        return _quantile(
            ndtr(normal),
            np.broadcast_to(self.cavity_mean, spread),
            np.broadcast_to(self.cavity_variance, spread),
            self.scale,
        )


def fit_posterior(x: np.ndarray, y: np.ndarray, weights: np.ndarray, *, prior_scale: float) -> Posterior:
    """Posteriors of many fits that share their rows.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Features.
    y : ndarray of {0, 1}, shape (n,) or (m, n)
        1 where A is preferred; one row of labels per fit where fits differ in them.
    weights : ndarray, shape (m, n)
        Power of each row's likelihood in each of the m fits; 0 leaves a row out.
    prior_scale : float
        Scale b of the Laplace prior.

    Raises
    ------
    ArithmeticError
        When a fit has not converged after 200 sweeps.
    """
    rows, weights = _Rows(np.asarray(x, dtype=float)), np.asarray(weights, dtype=float)
    sign = np.broadcast_to(2.0 * np.asarray(y) - 1, weights.shape)
    first = _plain_sites(sign[:1], weights[:1], rows.p, prior_scale)
    parts = [_fit(rows, sign[:1], weights[:1], prior_scale, first)]
    size = max(1, FITS_TIMES_ROWS // max(rows.n, 1))
    for start in range(1, len(weights), size):
        chosen = slice(start, min(start + size, len(weights)))
        sites = _plain_sites(sign[chosen], weights[chosen], rows.p, prior_scale)
        _borrow(sites, first, sign, weights, chosen)
        parts.append(_fit(rows, sign[chosen], weights[chosen], prior_scale, sites))
    return Posterior(*(np.concatenate(each) for each in zip(*parts, strict=True)), prior_scale)


@dataclass
class _Sites:
    """Natural parameters of the Gaussian sites: precision and precision times mean."""

    data: np.ndarray  # precision, shape (m, n)
    data_shift: np.ndarray
    prior: np.ndarray  # shape (m, p)
    prior_shift: np.ndarray

    def at(self, fits: np.ndarray) -> _Sites:
        return _Sites(self.data[fits], self.data_shift[fits], self.prior[fits], self.prior_shift[fits])

    def put(self, fits: np.ndarray, other: _Sites) -> None:
        self.data[fits], self.data_shift[fits] = other.data, other.data_shift
        self.prior[fits], self.prior_shift[fits] = other.prior, other.prior_shift


def _fit(rows: _Rows, sign: np.ndarray, weights: np.ndarray, scale: float, sites: _Sites) -> tuple:
    """Sweep until no mean and no standard deviation moves; fits that have converged drop out. `sites` change."""
    m = len(weights)
    mean, covariance = _posterior(rows, sites)
    active = np.arange(m)
    for _ in range(MAX_SWEEPS):
        if len(active) == 0:
            return mean, covariance, *_cavity(mean, covariance, sites, scale)
        mine = sites.at(active)
        _sweep(rows, sign[active], weights[active], scale, mine, mean[active], covariance[active])
        sites.put(active, mine)
        new_mean, new_covariance = _posterior(rows, mine)
        moved = _moved(mean[active], covariance[active], new_mean, new_covariance)
        mean[active], covariance[active] = new_mean, new_covariance
        active = active[moved > TOLERANCE]
    raise ArithmeticError(f"{len(active)} of {m} fits did not converge in {MAX_SWEEPS} sweeps")


def _plain_sites(sign, weights, p: int, scale: float) -> _Sites:
    """Where the sigmoid is steepest its curvature is 1/4; the Laplace prior's variance is 2 b^2."""
    m = len(weights)
    return _Sites(weights / 4, weights * sign / 2, np.full((m, p), 0.5 / scale**2), np.zeros((m, p)))


def _borrow(sites: _Sites, first: _Sites, sign, weights, chosen: slice) -> None:
    """Start from the first fit's sites where the labels are its own: folds and resamples end close to it."""
    same = (sign[chosen] == sign[0]) & (weights[0] > 0)
    share = np.where(same, weights[chosen] / np.where(weights[0] > 0, weights[0], 1.0), 0.0)
    sites.data[same] = (share * first.data)[same]
    sites.data_shift[same] = (share * first.data_shift)[same]
    alike = same.mean(axis=1) > 0.5
    sites.prior[alike], sites.prior_shift[alike] = first.prior, first.prior_shift


def _moved(mean, covariance, new_mean, new_covariance) -> np.ndarray:
    """Largest change of a mean or a standard deviation in each fit."""
    before, after = (np.sqrt(np.diagonal(each, axis1=1, axis2=2)) for each in (covariance, new_covariance))
    return np.maximum(np.abs(new_mean - mean), np.abs(after - before)).max(axis=1, initial=0)


class _Rows:
    """The features with what is needed of them again and again, in blocks to bound memory."""

    def __init__(self, x: np.ndarray):
        self.x, self.n, self.p = x, *x.shape
        self.products = self._outer(x) if self.n <= ROWS_AT_ONCE else None

    def _outer(self, rows: np.ndarray) -> np.ndarray:
        return (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), self.p**2)

    def _blocks(self):
        for start in range(0, self.n, ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            yield block, self._outer(self.x[block]) if self.products is None else self.products

    def weighted_outer(self, weights: np.ndarray) -> np.ndarray:
        """sum_i w_i phi_i phi_i' for every fit, shape (m, p, p)."""
        total = np.zeros((len(weights), self.p**2))
        for block, products in self._blocks():
            total += weights[:, block] @ products
        return total.reshape(-1, self.p, self.p)

    def variances(self, covariance: np.ndarray) -> np.ndarray:
        """phi_i' V phi_i for every fit and row, shape (m, n)."""
        flat, out = covariance.reshape(len(covariance), -1), np.empty((len(covariance), self.n))
        for block, products in self._blocks():
            out[:, block] = flat @ products.T
        return out


def _posterior(rows: _Rows, sites: _Sites) -> tuple[np.ndarray, np.ndarray]:
    """Mean (m, p) and covariance (m, p, p) of the Gaussian that the sites make."""
    precision = rows.weighted_outer(sites.data)
    diagonal = np.arange(rows.p)
    precision[:, diagonal, diagonal] += sites.prior
    covariance = np.linalg.inv(precision)
    shift = sites.data_shift @ rows.x + sites.prior_shift
    return np.einsum("mjk,mk->mj", covariance, shift), covariance


def _sweep(rows: _Rows, sign, weights, scale: float, sites: _Sites, mean, covariance) -> None:
    """Set every site anew, all at the same time, from the present posterior."""
    centre, variance = mean @ rows.x.T, rows.variances(covariance)
    # A row of zeros says nothing, whatever its label; neither does one that is left out.
    told = (weights > 0) & (variance > 0)
    variance = np.where(told, variance, 1.0)
    cavity = 1 / variance - sites.data
    usable = told & (cavity > 0)
    cavity_variance = 1 / np.where(usable, cavity, 1.0)
    cavity_mean = cavity_variance * (centre / variance - sites.data_shift)
    moments = _logistic_moments(sign, weights, cavity_mean, cavity_variance)
    _update(sites.data, sites.data_shift, usable, cavity_mean, cavity_variance, *moments)
    cavity_mean, cavity_variance = _cavity(mean, covariance, sites, scale)
    moments = _laplace_moments(cavity_mean, cavity_variance, scale)
    _update(sites.prior, sites.prior_shift, np.ones(mean.shape, bool), cavity_mean, cavity_variance, *moments)


def _cavity(mean, covariance, sites: _Sites, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Each coefficient's mean and variance without its prior site, shape (m, p)."""
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    precision = np.maximum(1 / variance - sites.prior, 1 / (FLAT * scale**2))
    return (mean / variance - sites.prior_shift) / precision, 1 / precision


def _update(precision, shift, usable, cavity_mean, cavity_variance, tilted_mean, tilted_variance) -> None:
    """Move sites towards those that give the tilted moments, in place."""
    new = np.maximum(1 / tilted_variance - 1 / cavity_variance, 0.0)
    new_shift = tilted_mean * (new + 1 / cavity_variance) - cavity_mean / cavity_variance
    precision += np.where(usable, DAMPING * (new - precision), 0.0)
    shift += np.where(usable, DAMPING * (new_shift - shift), 0.0)


def _logistic_moments(sign, weights, centre, variance) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of N(z; centre, variance) sigmoid(sign z)^weight, by Gauss-Hermite quadrature."""
    sd = np.sqrt(variance)
    count = NODES if sd.max(initial=0) < WIDE else WIDE_NODES
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(count)
    plain = bool(((weights == 0) | (weights == 1)).all())
    total, first, second, likelihood = (np.zeros(centre.shape) for _ in range(4))
    base, step = -sign * centre, -sign * sd
    for node, share in zip(nodes, node_weights, strict=True):
        # sigmoid(sign z), in place: numpy's exp takes a tenth of the time of scipy's expit.
        np.multiply(step, node, out=likelihood)
        likelihood += base
        with np.errstate(over="ignore"):  # 1 / infinity is right
            np.exp(likelihood, out=likelihood)
        likelihood += 1
        np.reciprocal(likelihood, out=likelihood)
        if not plain:
            np.power(likelihood, weights, out=likelihood)
        likelihood *= share
        total += likelihood
        likelihood *= node
        first += likelihood
        likelihood *= node
        second += likelihood
    offset = first / total
    return centre + sd * offset, variance * (second / total - offset**2)


def _laplace_parts(centre, variance, scale: float) -> tuple:
    """N(alpha; centre, variance) Laplace(alpha; 0, scale) as two truncated normals.

    Returns
    -------
    Share of the positive part; for the positive and the mirrored negative part: distance h of its normal's mean from 0
    in standard deviations.
    """
    sd = np.sqrt(variance)
    up, down = centre / sd - sd / scale, -centre / sd - sd / scale
    logs = -centre / scale + log_ndtr(up), centre / scale + log_ndtr(down)
    return expit(logs[0] - logs[1]), up, down


def _laplace_moments(centre, variance, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of N(alpha; centre, variance) Laplace(alpha; 0, scale), in closed form."""
    sd = np.sqrt(variance)
    positive, up, down = _laplace_parts(centre, variance, scale)
    (mean_up, var_up), (mean_down, var_down) = _truncated(up), _truncated(down)
    mean_up, mean_down = sd * mean_up, -sd * mean_down
    mean = positive * mean_up + (1 - positive) * mean_down
    within = variance * (positive * var_up + (1 - positive) * var_down)
    return mean, within + positive * (1 - positive) * (mean_up - mean_down) ** 2


def _truncated(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a normal with mean h and variance 1, given that it is positive."""
    near = np.maximum(h, -FAR)
    ratio = np.exp(-(near**2) / 2 - log_ndtr(near)) / np.sqrt(2 * np.pi)
    far = 1 / np.maximum(-h, FAR)  # the series in 1/|h|
    mean = np.where(h < -FAR, far * (1 - 2 * far**2 + 10 * far**4), near + ratio)
    variance = np.where(h < -FAR, far**2 * (1 - 6 * far**2 + 50 * far**4), 1 - ratio * (ratio + near))
    return np.where(h > FAR, h, mean), variance


def _laplace_cdf(value, centre, variance, scale: float) -> np.ndarray:
    """Distribution function of the tilted marginal at `value`."""
    sd = np.sqrt(variance)
    positive, up, down = _laplace_parts(centre, variance, scale)
    # P(alpha > v | alpha > 0) and P(alpha < v | alpha < 0), each from the tail of its own normal.
    above = np.exp(log_ndtr(up - np.maximum(value, 0) / sd) - log_ndtr(up))
    below = np.exp(log_ndtr(down + np.minimum(value, 0) / sd) - log_ndtr(down))
    return np.where(np.asarray(value) < 0, (1 - positive) * below, 1 - positive * above)


def _quantile(share, centre, variance, scale: float) -> np.ndarray:
    """Inverse of `_laplace_cdf`, in closed form: each part is a tail of its own normal."""
    sd = np.sqrt(variance)
    positive, up, down = _laplace_parts(centre, variance, scale)
    negative = 1 - positive
    with np.errstate(divide="ignore"):  # a part without probability is not chosen below
        below = np.log(np.clip(share / negative, 0, 1)) + log_ndtr(down)
        above = np.log(np.clip((1 - share) / positive, 0, 1)) + log_ndtr(up)
    return np.where(share < negative, sd * (ndtri_exp(below) - down), sd * (up - ndtri_exp(above)))
