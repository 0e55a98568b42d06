"""Where the model holds: intervals cover as often as they say, and the truth has a uniform rank in its posterior.

Truths are drawn from the prior and labels from them (simulation-based calibration: Talts, Betancourt, Simpson, Vehtari
and Gelman 2018). Features are rows of the bundled sample, so properties are as correlated as there; responses differ in
the rarest one in 3 % of the pairs, in half of them in more than 38 %, and in length, the most frequent, in 82 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import simulated_data
from scipy.stats import chisquare

from prefdissect.regression import laplace_ep
from prefdissect.regression.map_logistic import fit_many

pytestmark = pytest.mark.validity

B = simulated_data.PRIOR_SCALE
SIZES = {121: 600, 400: 600, 820: 400, 5240: 200}  # pairs -> simulated judges
DRAWS = 500
# Twelve tests of ranks (four sizes, three quantities): one in a thousand runs of a right program would fail.
LEAST_P = 0.001 / 12


@dataclass(frozen=True)
class Simulated:
    """Truths (m, p), features (n, p), labels (m, n), and the posterior of the m judges."""

    truth: np.ndarray
    x: np.ndarray
    y: np.ndarray
    posterior: laplace_ep.Posterior


@pytest.fixture(scope="module", params=SIZES, ids=lambda n: f"{n} pairs")
def simulated(request, sample_matrix) -> Simulated:
    n, matrix = request.param, sample_matrix.to_numpy()
    rng = np.random.default_rng(n)
    x = simulated_data.draw_rows(matrix, n, rng)
    truth = simulated_data.draw_truths(SIZES[n], x.shape[1], rng)
    y = simulated_data.draw_labels(x, truth, rng)
    return Simulated(truth, x, y, laplace_ep.fit_posterior(x, y, np.ones(y.shape), prior_scale=B))


def assert_uniform(ranks: np.ndarray) -> None:
    """Chi-squared over twenty bins of ranks in (0, 1)."""
    counts = np.histogram(ranks, bins=20, range=(0, 1))[0]
    assert chisquare(counts).pvalue > LEAST_P, counts


def test_frequencies_of_the_properties_are_as_stated(sample_matrix):
    differing = (sample_matrix != 0).mean()
    assert (differing.min(), differing.median(), differing.max()) == pytest.approx((0.03, 0.38, 0.82), abs=0.005)


def test_intervals_cover_the_truth(simulated):
    low, high = simulated.posterior.quantile(0.025), simulated.posterior.quantile(0.975)
    inside = (low <= simulated.truth) & (simulated.truth <= high)
    assert 0.93 <= inside.mean() <= 0.97
    by_property = inside.mean(axis=0)
    # 29 properties: a share of 95 % strays by four standard errors in one of 500 runs.
    assert (np.abs(by_property - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / len(inside))).all(), by_property


def test_ranks_of_coefficients_are_uniform(simulated):
    # One coefficient of each judge: those of one judge are not independent.
    judges, p = simulated.truth.shape
    chosen = np.arange(judges), np.arange(judges) % p
    assert_uniform(simulated.posterior.cdf(simulated.truth)[chosen])


@pytest.mark.parametrize("quantity", ["log-odds of a pair", "difference of two coefficients"])
def test_ranks_of_joint_quantities_are_uniform(simulated, quantity):
    rng = np.random.default_rng(1)
    judges, p = simulated.truth.shape
    if quantity == "log-odds of a pair":
        direction = simulated.x[rng.integers(len(simulated.x), size=judges)]
        direction = np.where((direction != 0).any(axis=1)[:, None], direction, 1.0)
    else:
        first = rng.integers(p, size=judges)
        direction = np.eye(p)[first] - np.eye(p)[(first + 1 + rng.integers(p - 1, size=judges)) % p]
    drawn = np.einsum("cmj,mj->cm", simulated.posterior.draws(DRAWS, 0), direction)
    truth = np.einsum("mj,mj->m", simulated.truth, direction)
    below = (drawn < truth).sum(axis=0)
    assert_uniform((below + rng.random(judges)) / (DRAWS + 1))


def test_false_signs_are_as_frequent_as_stated(simulated):
    stated = simulated.posterior.false_sign()
    median = simulated.posterior.quantile(0.5)
    wrong = np.sign(median) != np.sign(simulated.truth)
    for limit in (0.025, 0.1, 0.5):
        shown = stated <= limit
        expected, error = stated[shown].sum(), np.sqrt((stated[shown] * (1 - stated[shown])).sum())
        assert abs(wrong[shown].sum() - expected) <= 4 * error, limit


def test_shuffled_labels_give_few_effects(simulated):
    rng = np.random.default_rng(2)
    shuffled = rng.permuted(simulated.y, axis=1)
    posterior = laplace_ep.fit_posterior(simulated.x, shuffled, np.ones(shuffled.shape), prior_scale=B)
    named = (posterior.quantile(0.025) > 0) | (posterior.quantile(0.975) < 0)
    assert named.mean() <= 0.05


def test_exchanging_the_responses_of_some_pairs_changes_nothing(simulated):
    rng = np.random.default_rng(3)
    x, y = simulated.x, simulated.y[:5]
    swapped = rng.random(len(x)) < 0.5
    other_x, other_y = np.where(swapped[:, None], -x, x), np.where(swapped, 1 - y, y)
    found = laplace_ep.fit_posterior(other_x, other_y, np.ones(y.shape), prior_scale=B)
    np.testing.assert_allclose(found.mean, simulated.posterior.mean[:5], atol=1e-4)
    np.testing.assert_allclose(found.quantile(0.975), simulated.posterior.quantile(0.975)[:5], atol=1e-4)
    weights = np.ones((1, len(x)))
    modes = fit_many(x, y[0], weights, prior_scale=B), fit_many(other_x, other_y[0], weights, prior_scale=B)
    np.testing.assert_allclose(*modes, atol=1e-6)
