"""Similarity of judges and of groups, and agreement of verdicts, against numpy and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from prefdissect.comparison.similarity import (
    coefficient_similarity,
    correlation,
    group_similarity,
    preference_agreement,
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


def similarity(coefficients, draws, scenarios=("g1", "g2")):
    table, spread = coefficient_similarity(coefficients, draws, list(scenarios), "map")
    validate(table, "similarity", "test")
    assert set(table["metric"]) == {"pearson"} and set(table["estimator"]) == {"map"}
    return table.set_index(["group", "judge_1", "judge_2"])[["value", "q025", "q975"]], spread


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
            expected = [value, *np.quantile(samples[group], [0.025, 0.975])]
            np.testing.assert_allclose(table.loc[(group, one, two)], expected, atol=1e-12)
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
    np.testing.assert_allclose(table.loc[("pooled", "j1", "j3"), ["q025", "q975"]], np.quantile(kept, [0.025, 0.975]))
    assert table.loc[("pooled", "j2", "j3"), ["q025", "q975"]].isna().all()
    assert not np.isnan(table.loc[("pooled", "j2", "j3"), "value"])


def test_a_group_that_some_judge_lacks_is_left_out():
    coefficients, draws, means, _ = study(absent=[("j3", "g2")])
    table, spread = similarity(coefficients, draws)
    assert set(table.index.get_level_values("group")) == {"g1", "pooled", OVERALL} == set(spread)
    assert table.loc[(OVERALL, "j1", "j2"), "value"] == pytest.approx(
        np.corrcoef(means["j1", "g1"], means["j2", "g1"])[0, 1]
    )


def test_without_resamples_and_without_scenario_groups():
    coefficients, draws, _, _ = study(resamples=0)
    table, spread = similarity(coefficients, draws)
    assert table[["q025", "q975"]].isna().all(axis=None) and table["value"].notna().all()
    assert spread[OVERALL].shape == (0, 4, 4)
    table, spread = similarity(coefficients, draws, scenarios=[])
    assert OVERALL not in spread and OVERALL not in table.index.get_level_values("group")


def test_one_judge_has_no_pairs():
    coefficients, draws, _, _ = study(judges=["j1"])
    table, spread = similarity_of_one(coefficients, draws)
    assert len(table) == 0 and spread["pooled"].shape == (15, 1, 1)


def similarity_of_one(coefficients, draws):
    table, spread = coefficient_similarity(coefficients, draws, ["g1", "g2"], "map")
    return validate(table, "similarity", "test"), spread


def test_agreement_by_brute_force():
    rng = np.random.default_rng(0)
    ids = [f"p{n}" for n in range(60)]
    groups = pd.DataFrame(
        {"pair_id": ids + ids[:25] + ["p3"], "group": ["pooled"] * 60 + ["g1"] * 25 + ["lone"], "kind": "defined"}
    )
    verdicts = {
        judge: dict(zip(ids, rng.choice(["a", "b", "tie", None], 60, p=[0.4, 0.4, 0.1, 0.1]))) for judge in JUDGES
    }
    verdicts["j4"] = {pair: value for pair, value in verdicts["j4"].items() if pair not in ("p3", "p7")}
    preferences = pd.DataFrame(
        [(judge, pair, value) for judge, given in verdicts.items() for pair, value in given.items()],
        columns=["judge", "pair_id", "preference"],
        dtype=object,
    ).sample(frac=1, random_state=1)
    table = preference_agreement(preferences, groups)
    validate(table, "similarity", "test")
    assert set(table["estimator"]) == {"labels"} and set(table["metric"]) == {"agreement"}
    assert table[["q025", "q975"]].isna().all(axis=None) and len(table) == 3 * 6
    for row in table.itertuples():
        members = groups.loc[groups["group"] == row.group, "pair_id"]
        both = [(verdicts[row.judge_1].get(pair), verdicts[row.judge_2].get(pair)) for pair in members]
        both = [(one, two) for one, two in both if one in ("a", "b") and two in ("a", "b")]
        if both:
            assert row.value == pytest.approx(np.mean([one == two for one, two in both]))
        else:
            assert np.isnan(row.value)
    assert table["value"].isna().any() and table["value"].notna().any()


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


def test_the_numbers_of_the_paper_from_its_own_coefficients(shared_data):
    from prefdissect.catalogue import load_catalogue
    from prefdissect.regression.published import read_published_coefficients

    folder = shared_data / "preference-dissection" / "fitted_paras_comparison"
    coefficients = read_published_coefficients(folder, load_catalogue())
    draws = coefficients[["judge", "group", "property"]].assign(draws=[np.empty(0)] * len(coefficients))
    scenarios = [group for group in coefficients["group"].unique() if group[0].isupper()]
    table, _ = coefficient_similarity(coefficients, draws, scenarios, "published")
    overall = table[table["group"] == OVERALL]
    assert len(scenarios) == 11 and len(overall) == 33 * 32 / 2

    def pair(one, two):
        return next(r.value for r in overall.itertuples() if {r.judge_1, r.judge_2} == {one, two})

    assert pair("human", "gpt-4-1106-preview") == pytest.approx(0.7419, abs=5e-5)
    assert pair("qwen-14b", "qwen-14b-chat") == pytest.approx(0.9632, abs=5e-5) == overall["value"].max()
    assert pair("llama-2-7b", "gpt-4-1106-preview") == pytest.approx(0.2201, abs=5e-5) == overall["value"].min()
