"""Expectation propagation against exact integrals, importance sampling, and what the model demands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from prefdissect.regression import laplace_weak
from prefdissect.regression.laplace_ep import Posterior, _laplace_moments, _truncated, fit_posterior

SCALE = 0.1


def data(n: int, p: int, seed: int = 0, spread: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (n, p)).astype(float)
    return x, (rng.random(n) < expit(x @ rng.laplace(0, spread, p))).astype(int)


def one(x, y, weight=None, scale=SCALE) -> Posterior:
    weights = np.ones((1, len(x))) if weight is None else np.asarray(weight, float)[None]
    return fit_posterior(x, y, weights, prior_scale=scale)


def log_posterior(alpha: np.ndarray, x, y, weight=1.0) -> np.ndarray:
    """Unnormalised, for alpha of shape (k, p)."""
    signed = x * (2 * y - 1)[:, None]
    likelihood = -(np.logaddexp(0, -(alpha @ signed.T)) * weight).sum(axis=1)
    return likelihood - np.abs(alpha).sum(axis=1) / SCALE


def grid_moments(x, y, weight=1.0):
    """Exact mean, sd and 95 % ends of a single coefficient, by summation over a fine grid."""
    grid = np.linspace(-4, 4, 40_001)
    logs = log_posterior(grid[:, None], x, y, weight)
    density = np.exp(logs - logs.max())
    density /= density.sum()
    mean = (grid * density).sum()
    ends = grid[np.searchsorted(density.cumsum(), [0.025, 0.975])]
    return mean, np.sqrt(((grid - mean) ** 2 * density).sum()), ends


@pytest.mark.parametrize("n", [1, 5, 40, 400])
def test_one_coefficient_against_the_exact_integral(n):
    x, y = data(n, 1, seed=n, spread=0.2)
    mean, sd, ends = grid_moments(x, y)
    posterior = one(x, y)
    assert posterior.mean[0, 0] == pytest.approx(mean, abs=5e-4)
    assert posterior.sd[0, 0] == pytest.approx(sd, abs=1e-3)
    assert [posterior.quantile(q)[0, 0] for q in (0.025, 0.975)] == pytest.approx(ends, abs=0.01)


def test_half_weights_against_the_exact_integral():
    x, y = data(60, 1, seed=3, spread=0.5)
    weight = np.where(np.arange(60) % 3, 0.5, 1.0)
    mean, sd, _ = grid_moments(x, y, weight)
    posterior = one(x, y, weight)
    assert [posterior.mean[0, 0], posterior.sd[0, 0]] == pytest.approx([mean, sd], abs=5e-4)


def test_all_properties_against_importance_sampling():
    x, y = data(400, 29)
    posterior = one(x, y)
    rng, count, freedom = np.random.default_rng(1), 100_000, 8
    normal, chi = rng.standard_normal((count, 29)), rng.chisquare(freedom, count) / freedom
    alpha = posterior.mean[0] + (normal / np.sqrt(chi)[:, None]) @ np.linalg.cholesky(posterior.covariance[0]).T
    proposed = -(freedom + 29) / 2 * np.log1p((normal**2).sum(axis=1) / chi / freedom)
    logs = np.concatenate([log_posterior(part, x, y) for part in np.array_split(alpha, 40)]) - proposed
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    assert 1 / (weight**2).sum() > 10_000, "the sample is too thin to judge by"
    assert np.abs(weight @ alpha - posterior.mean[0]).max() < 0.003
    for share in (0.025, 0.975):
        order = np.argsort(alpha, axis=0)
        found = [alpha[o[np.searchsorted(weight[o].cumsum(), share)], j] for j, o in enumerate(order.T)]
        assert np.abs(found - posterior.quantile(share)[0]).max() < 0.02


def test_without_data_the_posterior_is_the_prior():
    x = np.zeros((7, 3))
    posterior = one(x, np.array([0, 1, 0, 1, 1, 1, 0]))
    assert posterior.mean == pytest.approx(np.zeros((1, 3)), abs=1e-9)
    assert posterior.sd == pytest.approx(np.full((1, 3), np.sqrt(2) * SCALE), rel=1e-4)
    assert posterior.quantile(0.975) == pytest.approx(np.full((1, 3), -SCALE * np.log(0.05)), rel=1e-3)
    assert posterior.false_sign() == pytest.approx(np.full((1, 3), 0.5), abs=1e-6)


HARD = {
    "separable": (np.repeat([[1.0, 0], [-1, 1]], 50, axis=0), np.repeat([1, 0], 50)),
    "a constant column": (np.column_stack([np.ones(40), data(40, 3)[0]]), data(40, 3)[1]),
    "duplicated columns": (np.repeat(data(40, 5)[0], 2, axis=1), data(40, 5)[1]),
    "a single observation": data(1, 29),
    "fewer rows than properties": data(11, 29),
    "one class of labels": (data(50, 8)[0], np.ones(50, int)),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_data_have_a_proper_posterior(name):
    posterior = one(*HARD[name])
    low, high = posterior.quantile(0.025)[0], posterior.quantile(0.975)[0]
    assert np.isfinite(posterior.mean).all() and (posterior.sd > 0).all()
    assert (low < posterior.mean[0]).all() and (posterior.mean[0] < high).all()


@pytest.mark.parametrize("name", HARD)
def test_hard_data_have_a_proper_posterior_under_a_wide_prior_too(name):
    x, y = HARD[name]
    posterior = laplace_weak.fit_posterior(x, y, np.ones((1, len(x))), prior_scale=SCALE)
    assert np.isfinite(posterior.mean).all() and (posterior.quantile(0.025) < posterior.quantile(0.975)).all()


def test_a_wide_prior_shrinks_less():
    x, y = data(1300, 29)
    weak = laplace_weak.fit_posterior(x, y, np.ones((1, 1300)), prior_scale=SCALE)
    shrunk, maximum = one(x, y), LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8).fit(x, y).coef_[0]
    assert np.abs(weak.mean[0] - maximum).max() < 0.03 < np.abs(shrunk.mean[0] - maximum).max()


def test_duplicated_columns_share_the_effect_evenly():
    posterior = one(*HARD["duplicated columns"])
    assert posterior.mean[0, ::2] == pytest.approx(posterior.mean[0, 1::2], abs=1e-6)


def test_weight_zero_is_a_row_left_out_and_fits_do_not_touch_each_other():
    x, y = data(120, 9)
    weights = np.random.default_rng(2).integers(0, 3, (6, 120)).astype(float)
    together = fit_posterior(x, y, weights, prior_scale=SCALE)
    for number, weight in enumerate(weights):
        kept = np.repeat(np.arange(120), weight.astype(int))
        alone = one(x[kept], y[kept])
        assert together.mean[number] == pytest.approx(alone.mean[0], abs=2e-4)
        assert together.sd[number] == pytest.approx(alone.sd[0], abs=2e-4)


def test_labels_of_their_own_per_fit():
    x, y = data(80, 6)
    both = fit_posterior(x, np.stack([y, 1 - y]), np.ones((2, 80)), prior_scale=SCALE)
    assert both.mean[0] == pytest.approx(-both.mean[1], abs=1e-4)
    assert both.quantile(0.025)[0] == pytest.approx(-both.quantile(0.975)[1], abs=1e-4)


@given(st.integers(0, 2**32 - 1))
def test_exchanging_a_and_b_of_any_pairs_changes_nothing(seed):
    x, y = data(50, 7, seed=5)
    swapped = np.random.default_rng(seed).random(50) < 0.5
    mirrored = one(np.where(swapped[:, None], -x, x), np.where(swapped, 1 - y, y))
    original = one(x, y)
    assert mirrored.mean == pytest.approx(original.mean, abs=1e-9)
    assert mirrored.quantile(0.025) == pytest.approx(original.quantile(0.025), abs=1e-9)


def test_large_and_small_blocks_give_the_same(monkeypatch):
    from prefdissect.regression import laplace_ep

    x, y = data(300, 10)
    weights = np.random.default_rng(0).integers(0, 2, (9, 300)).astype(float)
    whole = fit_posterior(x, y, weights, prior_scale=SCALE).mean
    monkeypatch.setattr(laplace_ep, "ROWS_AT_ONCE", 64)
    monkeypatch.setattr(laplace_ep, "FITS_TIMES_ROWS", 900)
    assert fit_posterior(x, y, weights, prior_scale=SCALE).mean == pytest.approx(whole, abs=1e-9)


def test_draws_have_the_quantiles_and_the_correlations():
    x, y = data(200, 5, spread=0.5)
    x[:, 1] = np.where(np.arange(200) % 4, x[:, 0], x[:, 1])  # makes two effects hard to tell apart
    posterior = one(x, y)
    draws = posterior.draws(40_000, seed=1)[:, 0]
    for share in (0.025, 0.5, 0.975):
        assert np.quantile(draws, share, axis=0) == pytest.approx(posterior.quantile(share)[0], abs=0.01)
    sd = posterior.sd[0]
    expected = posterior.covariance[0] / np.outer(sd, sd)
    assert np.corrcoef(draws.T) == pytest.approx(expected, abs=0.03) and expected[0, 1] < -0.3
    assert (np.sign(draws) != np.sign(np.median(draws, axis=0))).mean(axis=0) == pytest.approx(
        posterior.false_sign()[0], abs=0.01
    )


@given(st.floats(-3, 3), st.floats(1e-6, 1e4))
def test_tilted_moments_against_summation(centre, variance):
    grid = np.linspace(-4, 4, 200_001)
    logs = -((grid - centre) ** 2) / (2 * variance) - np.abs(grid) / SCALE
    density = np.exp(logs - logs.max())
    density /= density.sum()
    mean = (grid * density).sum()
    found = _laplace_moments(np.array(centre), np.array(variance), SCALE)
    expected = mean, ((grid - mean) ** 2 * density).sum()
    assert found == pytest.approx(expected, rel=2e-3, abs=1e-6)


def test_the_truncated_normals_series_meets_its_closed_form():
    mean, variance = _truncated(np.array([-99.999, -100.001, 99.999, 100.001]))
    assert mean[0] == pytest.approx(mean[1], rel=1e-4) and variance[0] == pytest.approx(variance[1], rel=1e-4)
    assert mean[2:] == pytest.approx([99.999, 100.001]) and variance[2:] == pytest.approx([1, 1])
