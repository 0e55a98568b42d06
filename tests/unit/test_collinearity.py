"""Frequencies, correlations and variance inflation: against their definitions, and on data that leave effects open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdissect.errors import InputError
from prefdissect.regression import collinearity as module
from prefdissect.regression.collinearity import property_correlations, property_statistics

pytestmark = pytest.mark.filterwarnings("error")


def features(x, names=None) -> pd.DataFrame:
    x = np.asarray(x, dtype=float)
    index = pd.Index([f"pair_{i}" for i in range(len(x))], name="pair_id")
    return pd.DataFrame(x, index=index, columns=names or [f"p{j}" for j in range(x.shape[1])])


def signs(seed: int, n: int, p: int) -> np.ndarray:
    """Signs of correlated properties, uneven between A and B."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(0.3, 1, (n, p)) + rng.normal(0, 0.7, (n, 1))
    return np.sign(np.where(np.abs(latent) > 0.5, latent, 0))


def group(matrix: pd.DataFrame, name: str = "all") -> pd.DataFrame:
    return pd.DataFrame({"pair_id": matrix.index, "group": name})


def statistics(matrix: pd.DataFrame) -> pd.DataFrame:
    return property_statistics(matrix, group(matrix)).set_index("property")


def partners(table: pd.DataFrame) -> list[str]:
    return table["collinear_with"].fillna("").tolist()


def inflation_by_regression(x: np.ndarray, j: int) -> float:
    """1 / (1 - R^2) of column j on the others, no intercept, R^2 about 0."""
    others = np.delete(x, j, axis=1)
    residual = x[:, j] - others @ np.linalg.lstsq(others, x[:, j], rcond=None)[0]
    return (x[:, j] @ x[:, j]) / (residual @ residual)


def test_frequencies_by_hand():
    matrix = features([[1, 0], [1, 0], [-1, 0], [0, 0]], ["lengthy", "clear"])
    table = statistics(matrix)
    assert list(table["n_pairs"]) == [4, 4]
    assert list(table["frequency"]) == [0.75, 0]
    assert table.loc["lengthy", "positive_share"] == pytest.approx(2 / 3)
    assert np.isnan(table.loc["clear", "positive_share"])


@pytest.mark.parametrize(("n", "p"), [(60, 3), (400, 12), (1300, 29)])
def test_inflation_is_that_of_the_regression_on_the_others(n, p):
    x = signs(n, n, p)
    expected = [inflation_by_regression(x, j) for j in range(p)]
    table = statistics(features(x))
    assert max(expected) > 1.1
    np.testing.assert_allclose(table["vif"], expected, rtol=1e-9)
    assert table["collinear_with"].isna().all()


def test_correlation_counts_agreements_and_disagreements():
    x = signs(1, 200, 2)
    product = x[:, 0] * x[:, 1]
    differs = np.abs(x).sum(axis=0)
    expected = ((product > 0).sum() - (product < 0).sum()) / np.sqrt(differs[0] * differs[1])
    table = property_correlations(features(x), group(features(x)))
    assert table[["property_1", "property_2"]].to_numpy().tolist() == [["p0", "p1"]]
    assert table["correlation"].item() == pytest.approx(expected, abs=1e-14)


def test_every_two_properties_once():
    matrix = features(signs(2, 100, 5))
    table = property_correlations(matrix, group(matrix))
    assert len(table) == 10
    assert not table[["property_1", "property_2"]].apply(frozenset, axis=1).duplicated().any()


def test_largest_correlation_is_the_largest_in_the_long_table():
    matrix = features(signs(3, 150, 7) * [1, 1, -1, 1, 1, 1, 1])
    pairs = property_correlations(matrix, group(matrix))
    mirrored = pairs.rename(columns={"property_1": "property_2", "property_2": "property_1"})
    both = pd.concat([pairs, mirrored])
    first = both.sort_values("correlation", key=abs, ascending=False).drop_duplicates("property_1")
    first = first.set_index("property_1")
    table = statistics(matrix)
    assert (table["largest_correlation"] < 0).any() and (table["largest_correlation"] > 0).any()
    np.testing.assert_array_equal(table["largest_correlation"], first["correlation"].reindex(table.index))
    assert list(table["correlated_with"]) == list(first["property_2"].reindex(table.index))


@given(seed=st.integers(0, 10_000), n=st.integers(5, 80), p=st.integers(2, 6))
def test_exchanging_a_and_b_changes_nothing(seed, n, p):
    x = signs(seed, n, p)
    exchanged = x * np.random.default_rng(seed).choice([-1, 1], (n, 1))
    before, after = features(x), features(exchanged)
    pd.testing.assert_frame_equal(
        statistics(after).drop(columns="positive_share"), statistics(before).drop(columns="positive_share")
    )
    pd.testing.assert_frame_equal(
        property_correlations(after, group(after)), property_correlations(before, group(before))
    )


def test_pearson_would_depend_on_which_response_is_a():
    """Why the correlation is not Pearson's: storing every pair so that A has more of p0 turns its sign."""
    x = features([[1, 1], [-1, -1], [1, 0], [-1, 0], [0, 1]])
    oriented = x.mul([1, -1, 1, -1, 1], axis=0)
    assert np.corrcoef(x.T)[0, 1] > 0.5
    assert np.corrcoef(oriented.T)[0, 1] < 0
    for matrix in (x, oriented):
        assert property_correlations(matrix, group(matrix))["correlation"].item() == pytest.approx(2 / 12**0.5)


def test_a_property_that_never_differs():
    x = signs(4, 100, 4)
    x[:, 2] = 0
    matrix = features(x)
    table, without = statistics(matrix), statistics(matrix.drop(columns="p2"))
    assert table.loc["p2"].drop(["group", "n_pairs", "frequency"]).isna().all()
    pd.testing.assert_frame_equal(table.drop(index="p2"), without)
    correlations = property_correlations(matrix, group(matrix)).set_index(["property_1", "property_2"])["correlation"]
    assert list(correlations.index[correlations.isna()]) == [("p0", "p2"), ("p1", "p2"), ("p2", "p3")]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_property_and_its_copy(sign):
    x = signs(5, 200, 5)
    x[:, 3] = sign * x[:, 1]
    matrix = features(x)
    table = statistics(matrix)
    assert partners(table) == ["", "p3", "", "p1", ""]
    assert list(table.index[table["vif"].isna()]) == ["p1", "p3"]
    assert table.loc["p1", ["largest_correlation", "correlated_with"]].tolist() == [sign, "p3"]
    others = ["p0", "p2", "p4"]
    np.testing.assert_allclose(table.loc[others, "vif"], statistics(matrix.drop(columns="p3")).loc[others, "vif"])


def test_a_sum_of_two_others():
    rng = np.random.default_rng(6)
    x = np.sign(rng.normal(size=(300, 5)))
    part = rng.random(300) < 0.4
    x[:, 1], x[:, 2] = np.where(part, x[:, 0], 0), np.where(part, 0, x[:, 0])
    table = statistics(features(x))
    assert partners(table) == ["p1, p2", "p0, p2", "p0, p1", "", ""]
    assert table["vif"].isna().tolist() == [True, True, True, False, False]


def test_two_separate_relations():
    x = signs(7, 300, 6)
    x[:, 1], x[:, 5] = x[:, 0], -x[:, 4]
    assert partners(statistics(features(x))) == ["p1", "p0", "", "", "p5", "p4"]


def test_graded_features_in_an_exact_relation():
    """The relation holds up to rounding only, and the others stay out of it."""
    x = np.random.default_rng(15).uniform(-1, 1, (3000, 12))
    x[:, 5] = 0.3 * x[:, 0] - 0.7 * x[:, 9] + 1e-3 * x[:, 2]
    table = statistics(features(x))
    assert partners(table) == ["p2, p5, p9", "", "p0, p5, p9", "", "", "p0, p2, p9", "", "", "", "p0, p2, p5", "", ""]
    assert table["vif"].notna().sum() == 8


def test_a_rare_property_in_an_exact_relation():
    """p0 = p1 + p2 where p2 differs in one pair of 50,000."""
    x = np.sign(np.random.default_rng(8).normal(size=(50_000, 4)))
    x[:, 1], x[:, 2] = x[:, 0], 0
    x[7, 1], x[7, 2] = 0, x[7, 0]
    assert partners(statistics(features(x))) == ["p1, p2", "p0, p2", "p0, p1", ""]


def test_nearly_collinear_is_not_collinear():
    """Columns that differ in one pair of 50,000 can be told apart, badly: 1 / (1 - (1 - 2 / n)^2), about n / 4."""
    x = np.sign(np.random.default_rng(9).normal(size=(50_000, 2)))
    x[:, 1] = x[:, 0]
    x[0, 1] *= -1
    table = statistics(features(x))
    assert table["collinear_with"].isna().all()
    np.testing.assert_allclose(table["vif"], 1 / (1 - (1 - 2 / 50_000) ** 2), rtol=1e-6)


def test_nearly_collinear_properties_stay_out_of_an_exact_relation():
    x = np.sign(np.random.default_rng(16).normal(size=(50_000, 6)))
    x[:, 1] = x[:, 0]
    x[0, 1] *= -1
    graded = np.random.default_rng(17).uniform(0.1, 1, x.shape)
    x[:, 2:] *= graded[:, 2:]
    x[:, 5] = (x[:, 3] - x[:, 0]) / 2
    assert partners(statistics(features(x))) == ["p3, p5", "", "", "p0, p5", "", "p0, p3"]


@pytest.mark.parametrize("n", [1, 5, 12])
def test_fewer_pairs_than_properties(n):
    x = np.sign(np.random.default_rng(10).normal(size=(n, 29)))
    table = statistics(features(x))
    assert table["vif"].isna().all() and table["collinear_with"].notna().all()


def test_one_property():
    table = statistics(features([[1], [-1], [0]]))
    assert table.loc["p0", "vif"] == pytest.approx(1)
    assert table.loc["p0", ["collinear_with", "largest_correlation", "correlated_with"]].isna().all()


def test_groups_overlap_and_may_name_pairs_without_features():
    matrix = features(signs(11, 90, 4))
    ids = list(matrix.index)
    groups = pd.DataFrame(
        {"pair_id": ids[:40] + ids[::-1] + ["dropped", "dropped"], "group": ["code"] * 40 + ["pooled"] * 91 + ["lost"]}
    )
    table = property_statistics(matrix, groups).set_index("group")
    assert table.groupby(level=0)["n_pairs"].first().to_dict() == {"code": 40, "pooled": 90, "lost": 0}
    alone = property_statistics(matrix.iloc[:40], group(matrix.iloc[:40], "code")).set_index("group")
    pd.testing.assert_frame_equal(table.loc["code"], alone)
    assert table.loc["lost"].drop(columns=["property", "n_pairs"]).isna().all(axis=None)
    assert property_correlations(matrix, groups).set_index("group").loc["lost", "correlation"].isna().all()


def test_blocks_make_no_difference(monkeypatch):
    matrix = features(np.random.default_rng(12).uniform(-1, 1, (100, 5)))
    whole = statistics(matrix)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    pd.testing.assert_frame_equal(statistics(matrix), whole, rtol=1e-12)


def test_no_groups():
    matrix = features(signs(13, 5, 2))
    nothing = group(matrix).iloc[:0]
    assert property_statistics(matrix, nothing).empty and "vif" in property_statistics(matrix, nothing)
    assert property_correlations(matrix, nothing).empty


def test_refusals():
    matrix = features(signs(14, 6, 3))
    twice = pd.concat([group(matrix), group(matrix).iloc[2:3]])
    broken = matrix.copy()
    broken.loc["pair_4", "p1"] = np.nan
    cases = [
        (broken, group(matrix), "pair `pair_4`: the feature `p1` is null or infinite"),
        (pd.concat([matrix, matrix]), group(matrix), "pair `pair_0` occurs twice"),
        (matrix.set_axis(["p0", "p1", "p1"], axis=1), group(matrix), "property `p1` occurs twice"),
        (matrix, twice, "pair `pair_2` is twice in group `all`"),
    ]
    for function in (property_statistics, property_correlations):
        for x, groups, message in cases:
            with pytest.raises(InputError, match=message):
                function(x, groups)
