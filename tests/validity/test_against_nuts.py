"""`laplace_posterior` against long NUTS chains on random cells of the published study's sizes.

Features are rows of the bundled sample, drawn again for groups that are larger than it; labels are drawn from published
coefficients of random judges of a group of that size, or from coefficients drawn from the prior. The judges of a group
share its features, and `laplace_posterior` fits them in one call; NUTS fits every cell by itself.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pytest
import simulated_data
from scipy.integrate import quad
from scipy.special import expit

from prefdissect.regression import laplace_ep, nuts
from prefdissect.regression.diagnostics import check_diagnostics
from prefdissect.regression.folds import published_folds

pytestmark = pytest.mark.validity

B = simulated_data.PRIOR_SCALE
MEAN_BOUND, END_BOUND = 0.003, 0.02
MIN_ESS = 50_000
KINDS = ("plain", "half weights", "exchanged labels", "masked")
# Group -> pairs, cells, and how many of `KINDS` take turns (every further shape of the data has to be compiled).
# Only the pooled fit has no published coefficients; 20 pairs are fewer than the properties.
PLAN = {
    "fewer than properties": (20, 2, 2),
    "express_feeling": (121, 12, 4),
    "w_stances": (388, 6, 3),
    "Advice": (400, 6, 4),
    "Communication": (400, 6, 4),
    "w_mistakes": (401, 6, 3),
    "intent_unclear": (459, 6, 4),
    "Knowledge-aware": (820, 5, 3),
    "w_constraints": (1418, 3, 3),
    "pooled": (5240, 1, 1),
}
UNPUBLISHED = {"fewer than properties", "pooled"}
# An hour for two cores; fewer cells of each group where time is short.
MOST = int(os.environ.get("NUTS_CELLS", 100))
CELLS = [(group, cell) for group, (_, cells, _) in PLAN.items() for cell in range(min(cells, MOST))]
# Long chains without the kink of the prior: about 7 steps a draw instead of 27.
LONG = {"warmup": 500, "draws": 13_000, "chains": 4, "accept": 0.65, "whitened": True}


@dataclass(frozen=True)
class Group:
    """Cells that share their features: x (n, p), and y and weights (cells, n)."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Compared:
    """One posterior as numbers: mean, interval ends, standard deviation, false-sign rate (p,), correlations (p, p)."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sd: np.ndarray
    false_sign: np.ndarray
    correlation: np.ndarray
    diagnostics: dict[str, np.ndarray] | None = None


def truths(group: str, cells: int, published: dict, p: int, rng) -> np.ndarray:
    """Coefficients of random judges in the group; every third cell's, and those of groups without, from the prior."""
    judges = [key for key in published if key[0] == group]
    chosen = rng.permutation(len(judges))[:cells] if judges else []
    from_prior = simulated_data.draw_truths(cells, p, rng)
    return np.array([from_prior[c] if c % 3 == 2 or not judges else published[judges[chosen[c]]] for c in range(cells)])


def make_group(name: str, matrix: np.ndarray, published: dict) -> Group:
    """Simulate the cells of a group; the kinds of `KINDS` take turns."""
    n, cells, kinds = PLAN[name]
    rng = np.random.default_rng([n, *name.encode()])
    x = simulated_data.draw_rows(matrix, n, rng)
    alpha = truths(name, cells, published, x.shape[1], rng)
    y = simulated_data.draw_labels(x, alpha, rng)
    weights, folds = np.ones((cells, n)), list(published_folds(n))
    for cell in range(cells):
        kind = KINDS[cell % kinds]
        if kind == "half weights":
            weights[cell, rng.random(n) < 0.2] = 0.5
        elif kind == "masked":
            weights[cell] = np.isin(np.arange(n), folds[cell % len(folds)])
        elif kind == "exchanged labels":
            y[cell] = 1 - y[cell]
    return Group(x, y, weights)


def sample_cell(x: np.ndarray, y: np.ndarray, weights: np.ndarray, seed: int, longer: int = 1) -> Compared:
    """NUTS on one cell, with chains that are so many times as long; the draws are left behind."""
    settings = LONG | {"draws": longer * LONG["draws"]}
    found = nuts.fit_posterior(x, y, weights[None], prior_scale=B, seed=seed, **settings)
    low, high = (found.quantile(share)[0] for share in (0.025, 0.975))
    correlation = np.corrcoef(found.samples[0].T)
    return Compared(found.mean[0], low, high, found.sd[0], found.false_sign()[0], correlation, found.diagnostics)


def gaps(ours: Compared, theirs: Compared) -> tuple[float, float]:
    """Largest differences of means and of interval ends."""
    ends = np.abs([ours.low - theirs.low, ours.high - theirs.high]).max()
    return np.abs(ours.mean - theirs.mean).max(), ends


@pytest.fixture(scope="module")
def groups(sample_matrix, published_judges) -> dict[str, Group]:
    return {name: make_group(name, sample_matrix.to_numpy(), published_judges) for name in PLAN}


@pytest.fixture(scope="module")
def fitted(groups) -> dict[tuple[str, int], Compared]:
    """`laplace_posterior`, all cells of a group in one call."""
    found = {}
    for name, group in groups.items():
        posterior = laplace_ep.fit_posterior(group.x, group.y, group.weights, prior_scale=B)
        columns = posterior.mean, posterior.quantile(0.025), posterior.quantile(0.975), posterior.sd
        draws = posterior.draws(4000, 0)
        for cell, values in enumerate(zip(*columns, posterior.false_sign(), strict=True)):
            found[name, cell] = Compared(*values, np.corrcoef(draws[:, cell].T))
    return found


@pytest.fixture(scope="module")
def sampled(groups, fitted) -> dict[tuple[str, int], Compared]:
    """NUTS in two processes, the longest cells first.

    At the least effective size the chains' own error in a mean is up to 0.0007, and the largest of fifteen hundred of
    them is near the bound. A cell beyond it is sampled anew with chains four times as long, which decide; so is one
    whose chains came out too short.
    """
    order = sorted(CELLS, key=lambda cell: -PLAN[cell[0]][0])
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:

        def run(cells, longer: int) -> dict:
            columns = zip(*((groups[g].x, groups[g].y[c], groups[g].weights[c]) for g, c in cells), strict=True)
            seeds, lengths = [10 * order.index(cell) + longer for cell in cells], [longer] * len(cells)
            return dict(zip(cells, pool.map(sample_cell, *columns, seeds, lengths), strict=True))

        found = run(order, 1)
        again = [
            cell
            for cell in order
            if found[cell].diagnostics["ess"][0] < MIN_ESS or gaps(fitted[cell], found[cell])[0] > MEAN_BOUND
        ]
        return found | (run(again, 4) if again else {})


def test_at_least_fifty_cells_and_the_smallest_group():
    assert sum(cells for group, (_, cells, _) in PLAN.items() if group not in UNPUBLISHED) >= 50
    assert PLAN["express_feeling"][0] == 121 and PLAN["express_feeling"][1] >= 10


def test_groups_are_as_stated(groups, published_judges):
    published = {group for group, _ in published_judges}
    for name, group in groups.items():
        assert group.x.shape == (PLAN[name][0], 29) and set(np.unique(group.x)) == {-1, 0, 1}
        assert (name in published) == (name not in UNPUBLISHED)
        assert (group.y.min(axis=1) == 0).all() and (group.y.max(axis=1) == 1).all()
    assert [sorted(set(row)) for row in groups["Advice"].weights[:4]] == [[1], [0.5, 1], [1], [0, 1]]


def test_the_chains_are_long_enough(sampled):
    for (group, cell), found in sampled.items():
        check_diagnostics(found.diagnostics, f"{group} {cell}")
        assert found.diagnostics["ess"][0] >= MIN_ESS, (group, cell, found.diagnostics)


@pytest.mark.parametrize(("group", "cell"), CELLS)
def test_posterior_means_and_interval_ends(group, cell, sampled, fitted):
    gap, ends = gaps(fitted[group, cell], sampled[group, cell])
    assert gap <= MEAN_BOUND and ends <= END_BOUND, f"means {gap:.4f}, ends {ends:.4f}"


@pytest.mark.parametrize(("group", "cell"), CELLS)
def test_spread_signs_and_correlations(group, cell, sampled, fitted):
    ours, theirs = fitted[group, cell], sampled[group, cell]
    assert np.abs(ours.sd - theirs.sd).max() <= 0.005
    assert np.abs(ours.false_sign - theirs.false_sign).max() <= 0.01
    assert np.abs(ours.correlation - theirs.correlation).max() <= 0.1


def test_exchanging_responses_of_some_pairs_changes_nothing(groups, fitted):
    group, swapped = groups["w_mistakes"], np.random.default_rng(0).random(401) < 0.5
    x, y = np.where(swapped[:, None], -group.x, group.x), np.where(swapped, 1 - group.y, group.y)
    found = laplace_ep.fit_posterior(x, y, group.weights, prior_scale=B)
    ends = found.quantile(0.025)
    for cell in range(PLAN["w_mistakes"][1]):
        np.testing.assert_allclose(found.mean[cell], fitted["w_mistakes", cell].mean, atol=1e-4)
        np.testing.assert_allclose(ends[cell], fitted["w_mistakes", cell].low, atol=1e-4)


def test_the_published_settings_come_to_what_the_long_chains_do(groups, sampled):
    group, long = groups["express_feeling"], sampled["express_feeling", 0]
    found = nuts.fit_posterior(group.x, group.y[0], group.weights[:1], prior_scale=B)
    check_diagnostics(found.diagnostics, "published settings")
    error = long.sd / np.sqrt(found.diagnostics["ess"][0])
    assert found.samples.shape == (1, 8000, 29)
    assert (np.abs(found.mean[0] - long.mean) <= 5 * error).all()


@pytest.mark.parametrize("whitened", [False, True])
def test_nuts_itself_is_right_where_the_posterior_is_known(whitened):
    x, y = np.array([[1.0], [-0.5], [1.0], [1.0]]), np.array([1, 0, 1, 0])
    weights = np.array([[1.0, 3.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = nuts.fit_posterior(x, y, weights, prior_scale=0.5, draws=10_000, whitened=whitened)

    def density(alpha: float, power: float) -> float:
        likelihood = expit(alpha) * expit(0.5 * alpha) ** 3 * expit(alpha) ** 0.5
        return likelihood**power * np.exp(-abs(alpha) / 0.5)

    for fit, power in enumerate((1, 0)):
        total, first, positive = (
            quad(lambda a, f=f, w=power: f(a) * density(a, w), -20, 20, points=[0], limit=200)[0]
            for f in (lambda a: 1.0, lambda a: a, lambda a: float(a > 0))
        )
        error = found.sd[fit, 0] / np.sqrt(found.diagnostics["ess"][fit])
        assert found.mean[fit, 0] == pytest.approx(first / total, abs=4 * error)
        assert 1 - found.cdf(0.0)[fit, 0] == pytest.approx(positive / total, abs=0.02)
    assert found.sd[1, 0] == pytest.approx(0.5 * np.sqrt(2), abs=0.03)
    assert found.quantile(0.975)[1, 0] == pytest.approx(-0.5 * np.log(0.05), abs=0.08)
