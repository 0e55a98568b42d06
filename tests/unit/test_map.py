"""The mode of the posterior: optimality conditions, an independent optimiser, symmetries and awkward data."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from prefdissect.errors import InputError
from prefdissect.regression.map_logistic import fit_many
from prefdissect.regression.registry import ESTIMATORS, load_estimator

B = 0.1
pytestmark = pytest.mark.filterwarnings("error")


def fit(x, y, w, *, prior_scale):
    """One fit alone."""
    return fit_many(x, y, np.asarray(w, dtype=float)[None], prior_scale=prior_scale)[0]


def data(seed, n, p, *, effect=0.6, values="signs"):
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (n, p)).astype(float) if values == "signs" else rng.uniform(-1, 1, (n, p))
    y = (rng.random(n) < expit(x @ rng.normal(0, effect, p))).astype(int)
    return x, y, np.ones(n)


def objective(alpha, x, y, w, b) -> float:
    """Negative log posterior up to a constant: sum_i w_i log(1 + exp(-(2 y_i - 1) alpha . x_i)) + |alpha| / b."""
    return float(w @ np.logaddexp(0, -(2 * y - 1) * (x @ alpha)) + np.abs(alpha).sum() / b)


def violation(alpha, x, y, w, b) -> float:
    """How far the optimality conditions are missed: gradient = sign(alpha) / b, or within +-1/b where alpha is 0."""
    gradient = x.T @ (w * (y - expit(x @ alpha)))
    off = np.where(alpha != 0, np.abs(gradient - np.sign(alpha) / b), np.maximum(np.abs(gradient) - 1 / b, 0))
    return float(off.max(initial=0))


def split_optimum(x, y, w, b):
    """alpha = u - v with u, v >= 0 makes the penalty linear, so that a smooth bounded optimiser can solve it."""
    p, sign = x.shape[1], 2 * y - 1

    def value(uv):
        margin = sign * (x @ (uv[:p] - uv[p:]))
        gradient = -x.T @ (w * sign * expit(-margin))
        return w @ np.logaddexp(0, -margin) + uv.sum() / b, np.concatenate([gradient, -gradient]) + 1 / b

    options = {"maxiter": 20_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-8}
    found = minimize(value, np.zeros(2 * p), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 2 * p, options=options)
    return found.x[:p] - found.x[p:]


CASES = [
    (0, 400, 29, "signs"),
    (1, 800, 29, "signs"),
    (2, 300, 5, "graded"),
    (3, 1200, 12, "graded"),
    (4, 60, 3, "signs"),
    (5, 20, 29, "signs"),
]


@pytest.mark.parametrize(("seed", "n", "p", "values"), CASES)
@pytest.mark.parametrize("b", [0.1, 2.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_mode_satisfies_the_optimality_conditions(seed, n, p, values, b, weighted):
    x, y, w = data(seed, n, p, values=values)
    if weighted:
        w = np.random.default_rng(seed).poisson(1, n).astype(float)
    assert violation(fit(x, y, w, prior_scale=b), x, y, w, b) < 1e-4


@pytest.mark.parametrize(("seed", "n", "p", "values"), CASES[:5])
@pytest.mark.parametrize("b", [0.1, 1.0])
def test_the_mode_is_that_of_an_independent_optimiser(seed, n, p, values, b):
    x, y, w = data(seed, n, p, values=values)
    w = w * np.random.default_rng(seed).uniform(0.2, 2, n)
    ours, theirs = fit(x, y, w, prior_scale=b), split_optimum(x, y, w, b)
    assert objective(ours, x, y, w, b) <= objective(theirs, x, y, w, b) + 1e-7
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def resample_weights(seed, m, n):
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), m).astype(float)


def by_scikit_learn(x, y, w, b):
    """Every second row is written the other way round, so that there are always two classes of labels."""
    kept = w > 0
    x, y, w = x[kept], y[kept], w[kept]
    turned = np.arange(len(y)) % 2 != y
    x, y = np.where(turned[:, None], -x, x), np.where(turned, 1 - y, y)
    model = LogisticRegression(C=b, l1_ratio=1, solver="liblinear", fit_intercept=False, tol=1e-7, max_iter=5000)
    return model.fit(x, y, sample_weight=w).coef_[0]


@pytest.mark.parametrize(("seed", "n", "p", "values"), CASES[:5])
def test_many_fits_at_once_are_those_of_scikit_learn_one_by_one(seed, n, p, values):
    x, y, _ = data(seed, n, p, values=values)
    weights = resample_weights(seed, 4, n)
    together = fit_many(x, y, weights, prior_scale=B)
    theirs = np.array([by_scikit_learn(x, y, w, B) for w in weights])
    np.testing.assert_allclose(together, theirs, atol=1e-5)
    alone = np.array([fit(x, y, w, prior_scale=B) for w in weights])
    np.testing.assert_allclose(together, alone, atol=1e-7)


def test_a_coefficient_without_enough_evidence_is_exactly_zero():
    x, y, _ = data(9, 300, 20)
    weights = resample_weights(9, 40, 300)
    found = fit_many(x, y, weights, prior_scale=B)
    evidence = np.array([x.T @ (w * (y - expit(x @ alpha))) for w, alpha in zip(weights, found)])
    assert 100 < (found == 0).sum() < 700
    assert (np.abs(evidence[found == 0]) < 10 + 1e-4).all() and np.abs(found[found != 0]).min() > 1e-6


@given(st.integers(0, 10_000), st.lists(st.booleans(), min_size=80, max_size=80))
@settings(max_examples=25, deadline=None)
def test_exchanging_the_responses_of_any_rows_changes_nothing(seed, swapped):
    x, y, w = data(seed, 80, 6, effect=1.5)
    w = np.random.default_rng(seed).uniform(0.5, 2, 80)
    side = np.array(swapped)
    there = fit(x, y, w, prior_scale=1.0)
    back = fit(np.where(side[:, None], -x, x), np.where(side, 1 - y, y), w, prior_scale=1.0)
    np.testing.assert_array_equal(there, back)


def test_other_symmetries():
    x, y, w = data(3, 500, 8)
    base = fit(x, y, w, prior_scale=B)
    assert np.count_nonzero(base) > 2
    np.testing.assert_allclose(fit(x, 1 - y, w, prior_scale=B), -base, atol=1e-5)
    np.testing.assert_allclose(fit(-x[:, [2]], y, w, prior_scale=B), -fit(x[:, [2]], y, w, prior_scale=B), atol=1e-6)
    order = np.random.default_rng(0).permutation(500)
    np.testing.assert_allclose(fit(x[order], y[order], w, prior_scale=B), base, atol=1e-5)
    columns = np.random.default_rng(0).permutation(8)
    np.testing.assert_allclose(fit(x[:, columns], y, w, prior_scale=B), base[columns], atol=1e-5)


@pytest.mark.parametrize("n_neutral", [0, 7])
@pytest.mark.parametrize("losses", [0, 1, 13, 200])
@pytest.mark.parametrize("side", [1, -1])
def test_one_feature_is_zero_until_its_evidence_exceeds_ten(losses, n_neutral, side):
    for lead in (0, 1, 19, 20, 21, 22, 60):  # sum x (y - 1/2) = lead / 2
        wins = losses + lead
        x = side * np.array([1.0] * (wins + losses) + [0.0] * n_neutral)[:, None]
        y = np.array([1] * wins + [0] * losses + [1] * n_neutral)
        alpha = fit(x, y, np.ones(len(y)), prior_scale=B)[0] if len(y) else 0.0
        evidence = abs(float(x[:, 0] @ (y - 0.5)))
        assert evidence == lead / 2
        assert (alpha != 0) == (evidence > 10)
        if evidence > 10:
            # wins (1 - s) - losses s = 10 where s = sigmoid(alpha)
            assert alpha == pytest.approx(side * logit((wins - 10) / (wins + losses)), abs=1e-5)


def test_the_threshold_of_graded_features_weights_and_other_priors():
    x, y = np.full((100, 1), 0.2), np.ones(100, dtype=int)  # evidence 10 at weight 1
    assert fit(x, y, np.full(100, 1.0), prior_scale=B)[0] == 0
    assert fit(x, y, np.full(100, 1.002), prior_scale=B)[0] > 0
    assert fit(x, y, np.full(100, 0.998), prior_scale=B)[0] == 0
    assert fit(x, y, np.full(100, 0.998), prior_scale=0.11)[0] > 0
    assert fit(x, y, np.full(100, 1.002), prior_scale=0.09)[0] == 0


@pytest.mark.parametrize("b", [0.1, 10.0])
def test_separable_data_stay_finite(b):
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], (300, 4))
    y, w = (x[:, 0] > 0).astype(int), np.ones(300)
    alpha = fit(x, y, w, prior_scale=b)
    assert np.isfinite(alpha).all() and alpha[0] > 1 and np.abs(alpha[1:]).max() < 0.2
    assert violation(alpha, x, y, w, b) < 1e-4


def test_constant_columns():
    x, y, w = data(0, 500, 3)
    wide = np.hstack([x, np.zeros((500, 1)), np.ones((500, 1))])
    y = np.where(np.arange(500) < 120, 1, y)  # A wins more often whatever the features say
    alpha = fit(wide, y, w, prior_scale=B)
    assert alpha[3] == 0 and alpha[4] > 0.1
    assert violation(alpha, wide, y, w, B) < 1e-4
    np.testing.assert_allclose(fit(wide[:, [0, 1, 2, 4]], y, w, prior_scale=B), alpha[[0, 1, 2, 4]], atol=1e-5)
    assert (fit(np.zeros((50, 3)), y[:50], w[:50], prior_scale=B) == 0).all()


def test_duplicated_columns_share_one_effect():
    x, y, w = data(2, 500, 4, effect=1.0)
    single, double = fit(x, y, w, prior_scale=B), fit(np.hstack([x, x]), y, w, prior_scale=B)
    assert np.isfinite(double).all()
    np.testing.assert_allclose(double[:4] + double[4:], single, atol=1e-4)
    opposite = fit(np.hstack([x, -x]), y, w, prior_scale=B)
    np.testing.assert_allclose(opposite[:4] - opposite[4:], single, atol=1e-4)


def test_more_features_than_rows():
    x, y, w = data(1, 12, 29, effect=2.0)
    assert (fit(x, y, w, prior_scale=B) == 0).all()  # 12 rows give no evidence above 6
    alpha = fit(x, y, w, prior_scale=2.0)
    assert np.count_nonzero(alpha) and violation(alpha, x, y, w, 2.0) < 1e-4


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_of_labels(label):
    x, _, w = data(4, 200, 3)
    x[:, 0] = np.abs(x[:, 0])
    y = np.full(200, label)
    alpha = fit(x, y, w, prior_scale=B)
    assert np.sign(alpha[0]) == 2 * label - 1
    assert violation(alpha, x, y, w, B) < 1e-4


@pytest.mark.parametrize("label", [0, 1])
def test_a_single_observation(label):
    x = np.array([[1.0, 0.0]])
    assert fit(x, np.array([label]), np.ones(1), prior_scale=B).tolist() == [0, 0]
    alpha = fit(x, np.array([label]), np.ones(1), prior_scale=10.0)
    # 1 - s = 1 / 10
    assert alpha[0] == pytest.approx((2 * label - 1) * logit(0.9), abs=1e-5) and alpha[1] == 0
    weighted = fit(x, np.array([label]), np.full(1, 3.0), prior_scale=10.0)
    assert weighted[0] == pytest.approx((2 * label - 1) * logit(1 - 1 / 30), abs=1e-5)


def test_rows_of_weight_zero_are_not_there():
    x, y, w = data(5, 300, 4)
    w[::3] = 0
    there = fit(x, y, w, prior_scale=B)
    assert np.count_nonzero(there)
    np.testing.assert_allclose(there, fit(x[w > 0], y[w > 0], w[w > 0], prior_scale=B), atol=1e-9)
    assert fit(x, y, np.zeros(300), prior_scale=B).tolist() == [0] * 4
    assert fit(x[:0], y[:0], w[:0], prior_scale=B).tolist() == [0] * 4


def test_a_weight_is_a_number_of_repeated_rows():
    x, y, _ = data(6, 200, 5)
    counts = np.random.default_rng(1).poisson(1.5, 200)
    rows = np.repeat(np.arange(200), counts)
    weighted = fit(x, y, counts.astype(float), prior_scale=B)
    repeated = fit(x[rows], y[rows], np.ones(len(rows)), prior_scale=B)
    assert np.count_nonzero(weighted)
    np.testing.assert_allclose(weighted, repeated, atol=1e-5)


def test_a_tie_as_two_halves_pulls_towards_neutral():
    x, y, w = np.ones((80, 1)), np.array([1] * 70 + [0] * 10), np.ones(80)
    alone = fit(x, y, w, prior_scale=B)[0]
    halves = np.array([1, 0] * 40)
    with_ties = fit(np.ones((160, 1)), np.r_[y, halves], np.r_[w, np.full(80, 0.5)], prior_scale=B)[0]
    assert alone == pytest.approx(logit(60 / 80), abs=1e-5)
    assert with_ties == pytest.approx(logit((70 + 20 - 10) / 120), abs=1e-5)  # 40 ties: 20 wins, 20 losses


def test_nothing_in_the_input_is_changed():
    x, y, w = data(7, 50, 3)
    copies = x.copy(), y.copy(), w.copy()
    fit(x, y, w, prior_scale=B)
    assert all((a == b).all() for a, b in zip((x, y, w), copies))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_registered_estimator_loads(name):
    module = load_estimator(name)
    assert callable(getattr(module, "fit_many", None) or module.fit_posterior)


def test_sampling_without_its_packages_says_how_to_install_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    x, y, w = data(8, 20, 2)
    load_estimator("nuts")._packages.cache_clear()
    with pytest.raises(InputError, match=r"estimator `nuts` needs the package `jax`.*make install-reference"):
        load_estimator("nuts").fit_posterior(x, y, w[None], prior_scale=B)
