"""Contributions per pair: the definition of Shapley values, their axioms, and awkward data."""

from __future__ import annotations

from math import factorial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from prefdissect.errors import InputError
from prefdissect.regression import contributions as module
from prefdissect.regression.contributions import contributions, probability_contributions

pytestmark = pytest.mark.filterwarnings("error")


def by_subsets(z: np.ndarray) -> np.ndarray:
    """Shapley's definition: the weighted mean of v(S + j) - v(S) over all subsets S of the other players."""
    m = len(z)
    member = (np.arange(2**m)[:, None] >> np.arange(m)) & 1
    value, size = expit(member @ z), member.sum(axis=1)
    share = np.array([factorial(s) * factorial(m - 1 - s) / factorial(m) for s in range(m)])
    without = [np.flatnonzero(member[:, j] == 0) for j in range(m)]
    return np.array([share[size[s]] @ (value[s + 2**j] - value[s]) for j, s in enumerate(without)])


def study(seed: int, n: int, p: int, *, scale: float = 0.3, zero: float = 0.5) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    names = [f"property_{j}" for j in range(p)]
    x = rng.choice([-1.0, 0.0, 1.0], (n, p), p=[(1 - zero) / 2, zero, (1 - zero) / 2])
    matrix = pd.DataFrame(x, index=pd.Index([f"pair_{i}" for i in range(n)], name="pair_id"), columns=names)
    return matrix, pd.Series(rng.laplace(0, scale, p), names)


def wide(table: pd.DataFrame, matrix: pd.DataFrame, column: str) -> np.ndarray:
    filled = table.pivot(index="pair_id", columns="property", values=column)
    return filled.reindex(index=matrix.index, columns=matrix.columns).fillna(0).to_numpy()


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1, 5, 50, 500])
@pytest.mark.parametrize("m", [1, 2, 3, 4, 7, 8, 11, 12])
def test_matches_the_definition(m, scale):
    z = np.random.default_rng(m).normal(0, scale, m)
    np.testing.assert_allclose(probability_contributions(z[None])[0], by_subsets(z), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "z", [[np.pi] * 6, [np.pi, -np.pi] * 4, [2 * np.pi, 4 * np.pi, -2 * np.pi], [40.0, -40.0, 1e-9]]
)
def test_matches_the_definition_where_factors_nearly_vanish(z):
    z = np.array(z)
    np.testing.assert_allclose(probability_contributions(z[None])[0], by_subsets(z), rtol=0, atol=1e-12)


def test_reference_values():
    """From `shap` 0.51.0: ExactExplainer of expit(x @ alpha) with masker Independent(zeros).

    At alpha = (0.8, -0.5, 0.3, -0.2, 1.1) and x = (1, -1, 1, 1, -1).
    """
    values = probability_contributions(np.array([[0.8, 0.5, 0.3, -0.2, -1.1]]))[0]
    expected = [0.18422082192984, 0.11502202877336, 0.06892723589211, -0.04573554549413, -0.24799202428952]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_one_and_two_players_in_closed_form():
    one, two = probability_contributions(np.array([[0.7, 0.0], [0.7, -1.5]]))
    assert one == pytest.approx([expit(0.7) - 0.5, 0], abs=1e-12)
    first = (expit(0.7) - 0.5 + expit(-0.8) - expit(-1.5)) / 2
    assert two == pytest.approx([first, expit(-0.8) - 0.5 - first], abs=1e-12)


@given(z=st.lists(st.floats(-6, 6), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_axioms(z, seed):
    z = np.array(z)
    values = probability_contributions(z[None])[0]
    assert values.sum() == pytest.approx(expit(z.sum()) - 0.5, abs=1e-12), "efficiency"
    assert (values[z == 0] == 0).all(), "no contribution of a null player"
    assert (values * np.sign(z) >= -1e-12).all(), "the sign of the term"
    order = np.random.default_rng(seed).permutation(len(z))
    np.testing.assert_allclose(probability_contributions(z[None, order])[0], values[order], rtol=0, atol=1e-12)


def test_equal_terms_share_alike():
    values = probability_contributions(np.array([[0.4, 0.4, -0.9, 0.4]]))[0]
    np.testing.assert_allclose(values[[1, 3]], values[0], rtol=0, atol=1e-15)


def test_sums_are_the_prediction():
    matrix, alpha = study(0, 500, 29)
    table = contributions(matrix, alpha)
    linear = matrix.to_numpy() @ alpha.to_numpy()
    np.testing.assert_allclose(wide(table, matrix, "log_odds").sum(axis=1), linear, rtol=0, atol=1e-13)
    np.testing.assert_allclose(wide(table, matrix, "probability").sum(axis=1), expit(linear) - 0.5, rtol=0, atol=1e-12)


def test_log_odds_are_the_terms():
    matrix, alpha = study(1, 50, 5)
    expected = matrix.to_numpy() * alpha.to_numpy()
    np.testing.assert_array_equal(wide(contributions(matrix, alpha), matrix, "log_odds"), expected)


def test_exchanging_a_and_b_negates():
    matrix, alpha = study(2, 100, 12)
    table, exchanged = contributions(matrix, alpha), contributions(-matrix, alpha)
    for column in ("log_odds", "probability"):
        np.testing.assert_allclose(exchanged[column], -table[column], rtol=0, atol=1e-15)


def test_graded_features():
    matrix, alpha = study(3, 20, 9)
    matrix *= np.random.default_rng(3).uniform(0, 1, matrix.shape)
    table = contributions(matrix, alpha)
    expected = [by_subsets(row) for row in matrix.to_numpy() * alpha.to_numpy()]
    np.testing.assert_allclose(wide(table, matrix, "probability"), expected, rtol=0, atol=1e-12)


def test_coefficients_are_matched_by_name():
    matrix, alpha = study(4, 30, 6)
    pd.testing.assert_frame_equal(contributions(matrix, alpha[::-1]), contributions(matrix, alpha))


def test_no_row_without_a_difference_and_a_zero_for_an_indifferent_judge():
    matrix = pd.DataFrame([[0.0, 0.0], [0.0, -1.0]], index=["same", "differ"], columns=["lengthy", "friendly"])
    table = contributions(matrix, pd.Series({"lengthy": 0.5, "friendly": 0.0}))
    assert table.to_dict("records") == [
        {"pair_id": "differ", "property": "friendly", "log_odds": 0.0, "probability": 0.0}
    ]
    assert not np.signbit(table[["log_odds", "probability"]].to_numpy()).any()


def test_blocks_make_no_difference(monkeypatch):
    matrix, alpha = study(5, 60, 10)
    whole = contributions(matrix, alpha)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 1)
    pd.testing.assert_frame_equal(contributions(matrix, alpha), whole, rtol=0, atol=1e-12)


def test_no_pairs():
    matrix, alpha = study(6, 3, 4)
    assert list(contributions(matrix.iloc[:0], alpha)) == ["pair_id", "property", "log_odds", "probability"]
    assert contributions(matrix.iloc[:0], alpha).empty


def test_refusals():
    matrix, alpha = study(7, 3, 3)
    broken = matrix.copy()
    broken.iloc[1, 1] = np.nan
    cases = [
        (matrix, alpha.iloc[:2], "property `property_2` has no coefficient"),
        (matrix.iloc[:, 1:], alpha, "property `property_0` has no feature"),
        (pd.concat([matrix, matrix]), alpha, "pair `pair_0` occurs twice"),
        (matrix, pd.concat([alpha, alpha]), "property `property_0` occurs twice"),
        (broken, alpha, "a feature is null or infinite"),
        (matrix, alpha * np.inf, "a coefficient is null or infinite"),
    ]
    for features, coefficients, message in cases:
        with pytest.raises(InputError, match=message):
            contributions(features, coefficients)
