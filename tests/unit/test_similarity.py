"""Similarity of judges and of groups on coefficients, against numpy and scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from prefdissect.comparison.estimates import GROUPS as SCENARIO_GROUPS
from prefdissect.comparison.estimates import read_estimates
from prefdissect.comparison.metrics import correlation, cosine, rank_correlation
from prefdissect.comparison.similarity import (
    coefficient_similarity,
    corrected_similarities,
    group_similarity,
    long_table,
    reliability_table,
)
from prefdissect.config import OVERALL
from prefdissect.tables import validate

JUDGES, GROUPS, PROPERTIES = ["j1", "j2", "j3", "j4"], ["g1", "g2", "pooled"], [f"x{n}" for n in range(6)]
pytestmark = pytest.mark.filterwarnings("error")


def study(seed=0, resamples=15, constant=(), absent=(), judges=JUDGES):
    """Coefficients and draws as tables and arrays; `constant`, `absent`: (judge, group) that are all 0, not fitted."""
    rng = np.random.default_rng(seed)
    tables, draws, means, drawn = [], [], {}, {}
    for judge, group in itertools.product(judges, GROUPS):
        if (judge, group) in absent:
            continue
        mean = rng.normal(0, 1, 6) * ((judge, group) not in constant)
        sample = mean + rng.normal(0, 0.4, (resamples, 6)) * ((judge, group) not in constant)
        means[judge, group], drawn[judge, group] = mean, sample
        rows = pd.DataFrame({"judge": judge, "group": group, "property": PROPERTIES})
        tables.append(rows.assign(mean=mean))
        draws.append(rows.assign(draws=list(sample.T)))
    overall = [frame.assign(group=OVERALL) for frame in tables if frame["group"].iloc[0] == "g1"]
    coefficients = pd.concat([*tables, *overall], ignore_index=True)
    order = rng.permutation(len(coefficients))
    order = np.r_[np.arange(len(coefficients) // 2), np.sort(order[order >= len(coefficients) // 2])]
    return coefficients.iloc[order], pd.concat(draws, ignore_index=True), means, drawn


def similarity(coefficients, draws, scenarios=("g1", "g2"), metric="pearson", **options):
    estimates = read_estimates(coefficients.assign(estimator="map"), draws, list(scenarios), **options)
    table, arrays = coefficient_similarity(estimates)
    validate(table, "similarity", "test")
    assert set(table["estimator"]) <= {"map"}
    chosen = table[table["metric"] == metric].set_index(["group", "judge_1", "judge_2"])
    return chosen[["value", "q025", "q975"]], {
        group: found.spread for (group, name), found in arrays.items() if name == metric
    }


def centred(value: float, samples: np.ndarray) -> list[float]:
    """Value and interval as stated: quantiles in Fisher's z, moved so that their median lies on the value."""
    low, middle, high = np.quantile(np.arctanh(samples), [0.025, 0.5, 0.975])
    return [value, np.tanh(np.arctanh(value) + low - middle), np.tanh(np.arctanh(value) + high - middle)]


def test_correlation_is_that_of_numpy():
    values = np.random.default_rng(0).normal(0, 1, (7, 5, 29))
    found = correlation(values)
    for number in range(7):
        np.testing.assert_allclose(found[number], np.corrcoef(values[number]), atol=1e-12)
    assert np.abs(found).max() <= 1


def test_a_judge_whose_coefficients_are_all_equal_has_no_correlation():
    values = np.random.default_rng(0).normal(0, 1, (3, 8))
    for constant in (0.0, 0.7, -3.1):
        found = correlation(np.vstack([values, np.full(8, constant)]))
        assert np.isnan(found[3]).all() and np.isnan(found[:, 3]).all()
        np.testing.assert_allclose(found[:3, :3], np.corrcoef(values), atol=1e-12)


def test_similarity_in_each_group_and_overall():
    coefficients, draws, means, drawn = study()
    table, spread = similarity(coefficients, draws)
    pairs = list(itertools.combinations(JUDGES, 2))
    assert len(table) == 4 * len(pairs) and set(spread) == {*GROUPS, OVERALL}
    for one, two in pairs:
        values, samples = {}, {}
        for group in GROUPS:
            values[group] = np.corrcoef(means[one, group], means[two, group])[0, 1]
            both = zip(drawn[one, group], drawn[two, group], strict=True)
            samples[group] = np.array([np.corrcoef(x, y)[0, 1] for x, y in both])
        values[OVERALL] = (values["g1"] + values["g2"]) / 2  # `pooled` is no scenario group
        samples[OVERALL] = (samples["g1"] + samples["g2"]) / 2
        for group, value in values.items():
            np.testing.assert_allclose(table.loc[(group, one, two)], centred(value, samples[group]), atol=1e-9)
            i, j = JUDGES.index(one), JUDGES.index(two)
            np.testing.assert_allclose(spread[group][:, i, j], samples[group], atol=1e-12)


def test_overall_leaves_out_groups_where_a_judge_shows_nothing():
    coefficients, draws, means, _ = study(constant=[("j2", "g1"), ("j3", "g1"), ("j3", "g2"), ("j4", "g2")])
    table, _ = similarity(coefficients, draws)
    assert table.loc[("g1", "j1", "j2")].isna().all()
    only = np.corrcoef(means["j1", "g2"], means["j2", "g2"])[0, 1]
    assert table.loc[(OVERALL, "j1", "j2"), "value"] == pytest.approx(only)
    assert np.isnan(table.loc[(OVERALL, "j1", "j3"), "value"])  # nothing in either group
    assert np.isnan(table.loc[(OVERALL, "j2", "j4"), "value"])  # no group in which both show something
    assert not np.isnan(table.loc[("pooled", "j1", "j3"), "value"])


def test_an_interval_needs_most_resamples():
    coefficients, draws, _, _ = study(resamples=20)
    for number, n_lost in (("j1", 9), ("j2", 11)):
        rows = draws["judge"].eq(number) & draws["group"].eq("pooled")
        lost = np.r_[np.zeros(n_lost), np.ones(20 - n_lost)]
        draws.loc[rows, "draws"] = pd.Series([draws["draws"][i] * lost for i in draws.index[rows]], draws.index[rows])
    table, spread = similarity(coefficients, draws)
    kept = spread["pooled"][9:, 0, 2]
    assert np.isnan(spread["pooled"][:9, 0, 2]).all() and not np.isnan(kept).any()
    row = table.loc[("pooled", "j1", "j3")]
    np.testing.assert_allclose(row, centred(row["value"], kept))
    assert table.loc[("pooled", "j2", "j3"), ["q025", "q975"]].isna().all()
    assert not np.isnan(table.loc[("pooled", "j2", "j3"), "value"])


def test_a_group_that_some_judge_lacks_counts_for_the_others_and_not_overall():
    coefficients, draws, means, drawn = study(absent=[("j3", "g2")])
    table, spread = similarity(coefficients, draws)
    assert set(spread) == {"g1", "g2", "pooled", OVERALL}
    inside = table.loc["g2"]
    assert len(inside) == 3 and "j3" not in inside.index.get_level_values(0).union(inside.index.get_level_values(1))
    expected = np.corrcoef(means["j1", "g2"], means["j2", "g2"])[0, 1]
    samples = [np.corrcoef(x, y)[0, 1] for x, y in zip(drawn["j1", "g2"], drawn["j2", "g2"])]
    np.testing.assert_allclose(inside.loc[("j1", "j2")], centred(expected, np.array(samples)), atol=1e-9)
    assert table.loc[(OVERALL, "j1", "j2"), "value"] == pytest.approx(
        np.corrcoef(means["j1", "g1"], means["j2", "g1"])[0, 1]
    )


@pytest.mark.parametrize("resamples", [0, 1])
def test_without_resamples_and_without_scenario_groups(resamples):
    coefficients, draws, _, _ = study(resamples=resamples)
    table, spread = similarity(coefficients, draws if resamples else None)
    assert table[["q025", "q975"]].isna().all(axis=None) and table["value"].notna().all()
    assert spread[OVERALL].shape[1:] == (4, 4) and len(spread["g1"]) == 0
    assert len(similarity(coefficients, draws, metric="pearson_corrected")[0]) == 0, "nothing is known of the noise"
    table, spread = similarity(coefficients, draws, scenarios=[])
    assert OVERALL not in spread and OVERALL not in table.index.get_level_values("group")


def test_one_judge_has_no_pairs():
    coefficients, draws, _, _ = study(judges=["j1"])
    table, spread = similarity(coefficients, draws)
    assert len(table) == 0 and spread["pooled"].shape == (15, 1, 1)


@pytest.mark.parametrize(("metric", "function"), [("spearman", rank_correlation), ("cosine", cosine)])
def test_other_metrics_in_each_group_and_overall(metric, function):
    coefficients, draws, means, drawn = study()
    table, _ = similarity(coefficients, draws, metric=metric)

    def direct(x, y):
        return spearmanr(x, y)[0] if metric == "spearman" else x @ y / np.sqrt((x @ x) * (y @ y))

    for one, two in itertools.combinations(JUDGES, 2):
        values = {group: direct(means[one, group], means[two, group]) for group in GROUPS}
        values[OVERALL] = (values["g1"] + values["g2"]) / 2
        for group, value in values.items():
            assert table.loc[(group, one, two), "value"] == pytest.approx(value)
        samples = np.array([direct(x, y) for x, y in zip(drawn[one, "g1"], drawn[two, "g1"])])
        expected = centred(values["g1"], np.clip(samples, -1 + 1e-9, 1 - 1e-9))
        np.testing.assert_allclose(table.loc[("g1", one, two)], expected, atol=1e-6)


def test_ranks_are_shared_where_effects_are_equal():
    values = np.array([[0.0, 0, 0, 0.2, 0.5, -0.1], [0.0, 0.1, 0, 0.3, 0.2, 0]])
    assert rank_correlation(values)[0, 1] == pytest.approx(spearmanr(*values)[0])
    assert np.isnan(rank_correlation(np.vstack([values, np.full(6, np.nan)]))[2]).all()
    assert np.isnan(cosine(np.array([[0.0, 0], [1, 2]]))[0]).all()


def test_intervals_from_scenario_groups_belong_to_overall_alone():
    coefficients, draws, means, _ = study()
    values = {g: np.corrcoef(means["j1", g], means["j2", g])[0, 1] for g in ("g1", "g2", "pooled")}
    scenarios = ["g1", "g2", "pooled"]
    table, spread = similarity(coefficients, None, scenarios, unit=SCENARIO_GROUPS)
    assert table.drop(index=OVERALL, level="group")[["q025", "q975"]].isna().all(axis=None)
    row = table.loc[(OVERALL, "j1", "j2")]
    assert row["value"] == pytest.approx(np.mean(list(values.values())))
    assert min(values.values()) - 1e-9 <= row["q025"] < row["value"] < row["q975"] <= 1
    possible = {round(np.mean(chosen), 9) for chosen in itertools.product(values.values(), repeat=3)}
    assert {round(value, 9) for value in spread[OVERALL][:, 0, 1]} == possible
    coefficient_table = coefficients.assign(estimator="map")
    whole = coefficient_similarity(read_estimates(coefficient_table, None, scenarios, unit=SCENARIO_GROUPS))[0]
    assert set(whole.dropna(subset="q025")["interval"]) == {"scenario groups"}
    assert whole.loc[whole["q025"].isna(), "interval"].isna().all()
    one, _ = similarity(coefficients, None, ["g1"], unit=SCENARIO_GROUPS)
    assert one["q025"].isna().all(), "one group cannot be resampled"


def noisy(truth: float, noise: float, shared: float, seed: int, p: int = 400, resamples: int = 100):
    """Estimates of two judges: known effects plus errors, a share of which is common; draws add errors of their own."""
    rng = np.random.default_rng(seed)
    first, other = rng.normal(0, 1, (2, p))
    effects = np.stack([first, truth * first + np.sqrt(1 - truth**2) * other])

    def errors(size):
        common = rng.normal(0, np.sqrt(shared), (*size, 1, p))
        return noise * (common + rng.normal(0, np.sqrt(1 - shared), (*size, 2, p)))

    mean = effects + errors(())
    draws = mean + errors((resamples,))
    rows = pd.DataFrame(
        list(itertools.product(["j1", "j2"], [f"x{n}" for n in range(p)])), columns=["judge", "property"]
    )
    rows = rows.assign(group="g1", estimator="map")
    return rows.assign(mean=mean.ravel()), rows.assign(draws=list(np.moveaxis(draws, 0, 2).reshape(2 * p, -1)))


@pytest.mark.parametrize("shared", [0.0, 0.7])
@pytest.mark.parametrize("truth", [0.3, 0.8])
def test_the_corrected_similarity_finds_the_truth_through_noise_that_judges_share(truth, shared):
    plain, corrected, inside = [], [], []
    for seed in range(12):
        estimates = read_estimates(*noisy(truth, 0.6, shared, seed), ["g1"])
        plain.append(correlation(estimates.mean["g1"])[0, 1])
        found = next(found for group, found, _ in corrected_similarities(estimates) if group == "g1")
        row = long_table(estimates, "g1", "pearson_corrected", found).iloc[0]
        corrected.append(row["value"])
        inside.append(row["q025"] <= truth <= row["q975"])
    expected = (truth + 0.36 * shared) / 1.36
    assert np.mean(plain) == pytest.approx(expected, abs=0.03) and abs(expected - truth) > 0.02
    assert np.mean(corrected) == pytest.approx(truth, abs=0.03) and sum(inside) >= 9


def test_reliability_and_where_it_is_too_low_to_correct():
    for noise, reliable in ((0.6, True), (2.0, False)):
        coefficients, draws = noisy(0.5, noise, 0.0, seed=1)
        estimates = read_estimates(coefficients, draws, ["g1"])
        table = validate(reliability_table(estimates), "judge_reliability", "test")
        expected = 1 / (1 + noise**2)
        own = table[table["group"] == "g1"].set_index("judge")["reliability"]
        assert own.tolist() == pytest.approx([expected, expected], abs=0.1)
        value = similarity(coefficients, draws, ["g1"], "pearson_corrected")[0]["value"]
        assert value.notna().all() == reliable and value.isna().all() != reliable
        assert table.groupby("group")["reliability"].first().tolist() == pytest.approx([own["j1"]] * 2), "one group"


def test_the_corrected_similarity_overall_is_that_of_mean_moments():
    parts = [noisy(0.5, noise, 0.0, seed) for seed, noise in ((1, 0.3), (2, 0.9))]
    frames = [pd.concat([part[n].assign(group=g) for part, g in zip(parts, ("g1", "g2"))]) for n in (0, 1)]
    found = similarity(*frames, ["g1", "g2"], "pearson_corrected")[0]
    covariances = []
    for mean, draws in parts:
        values = mean["mean"].to_numpy().reshape(2, -1)
        error = np.stack(draws["draws"]).reshape(2, values.shape[1], -1)
        error = error - error.mean(axis=1, keepdims=True)
        error = error - error.mean(axis=2, keepdims=True)
        joint = np.einsum("jpr,kpr->jk", error, error) / ((error.shape[2] - 1) * values.shape[1])
        covariances.append(np.cov(values, bias=True) - joint)
    c = np.mean(covariances, axis=0)
    assert found.loc[(OVERALL, "j1", "j2"), "value"] == pytest.approx(c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]))


def test_groups_are_alike_as_far_as_judges_treat_them_alike():
    coefficients, _, means, _ = study(constant=[("j2", "g1")], absent=[("j3", "g2")])
    table = group_similarity(coefficients).set_index(["group_1", "group_2"])
    assert len(table) == 3
    for one, two in itertools.combinations(GROUPS, 2):
        judges = [
            judge
            for judge in JUDGES
            if all((judge, group) in means and np.ptp(means[judge, group]) > 0 for group in (one, two))
        ]
        expected = np.mean([np.corrcoef(means[judge, one], means[judge, two])[0, 1] for judge in judges])
        row = table.loc[(one, two)] if (one, two) in table.index else table.loc[(two, one)]
        assert row["value"] == pytest.approx(expected) and row["n_judges"] == len(judges)
    assert set(table["n_judges"]) == {2, 3}
