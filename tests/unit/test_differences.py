"""Differences of effects between judges, groups, and base and aligned versions, against direct computation."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from prefdissect.comparison.contrast import contrast_coefficients
from prefdissect.comparison.estimates import read_estimates
from prefdissect.errors import InputError
from prefdissect.tables import validate

pytestmark = pytest.mark.filterwarnings("error")
JUDGES, GROUPS, PROPERTIES = ["human", "base", "chat", "dpo"], ["g1", "g2", "pooled"], [f"x{n}" for n in range(5)]
RECORDS = {
    judge: {"label": judge.upper(), "kind": "recorded", "attributes": attributes}
    for judge, attributes in zip(JUDGES, [{}, {"base": "base"}, {"base": "base"}, {"base": "BASE"}])
}
SETTINGS = {"human": "human", "differences": [], "group_differences": [], "base": "base", "drift": []}


def study(resamples=40, absent=(), seed=0):
    """Coefficients, draws, and both as arrays by judge and group."""
    rng, tables, means, drawn = np.random.default_rng(seed), [], {}, {}
    for judge, group in itertools.product(JUDGES, GROUPS):
        if (judge, group) in absent:
            continue
        mean = rng.normal(0, 0.3, 5) * np.array([1, 1, 1, 1, 0])
        drawn[judge, group] = mean + rng.normal(0, 0.15, (resamples, 5)) * np.array([1, 1, 1, 1, 0])
        means[judge, group] = mean
        rows = pd.DataFrame({"judge": judge, "group": group, "property": PROPERTIES, "estimator": "map"})
        tables.append(rows.assign(mean=mean, draws=list(drawn[judge, group].T)))
    table = pd.concat(tables, ignore_index=True)
    return table.drop(columns="draws"), table.drop(columns=["mean", "estimator"]), means, drawn


def contrast(coefficients, draws, **settings):
    estimates = read_estimates(coefficients, draws, ["g1", "g2"])
    tables = contrast_coefficients(estimates, RECORDS, SETTINGS | settings)
    return {name: validate(table, name, "test") for name, table in tables.items()}


def expected(one, two, drawn_one, drawn_two):
    samples = drawn_one - drawn_two
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    difference = one - two
    wrong = np.where(difference == 0, np.nan, (np.sign(samples) != np.sign(difference)).mean(axis=0))
    words = np.where(low > 0, "first rewards more", np.where(high < 0, "first rewards less", "not distinguishable"))
    return difference, low, high, wrong, words


def test_each_judge_against_the_human_one_by_default():
    coefficients, draws, means, drawn = study()
    table = contrast(coefficients, draws)["judge_differences"]
    assert len(table) == 3 * 4 * 5 and set(table["judge_2"]) == {"human"} and set(table["interval"]) == {"prompts"}
    assert set(table["word"]) == {"first rewards more", "first rewards less", "not distinguishable"}
    for judge, group in itertools.product(JUDGES[1:], GROUPS):
        rows = table[(table["judge_1"] == judge) & (table["group"] == group)]
        found = expected(means[judge, group], means["human", group], drawn[judge, group], drawn["human", group])
        for name, values in zip(("difference", "q025", "q975", "false_sign"), found):
            np.testing.assert_allclose(rows[name], values, atol=1e-12)
        assert rows["word"].tolist() == found[-1].tolist()
        degrees = 100 * (expit(means[judge, group]) - expit(means["human", group]))
        np.testing.assert_allclose(rows["degree_difference"], degrees)


def test_overall_averages_the_scenario_groups_in_every_resample():
    coefficients, draws, means, drawn = study()
    table = contrast(coefficients, draws, differences=[["chat", "dpo"]])["judge_differences"]
    rows = table[table["group"] == "overall"]
    arrays = [
        (np.mean([source[j, g] for g in ("g1", "g2")], axis=0)) for source in (means, drawn) for j in ("chat", "dpo")
    ]
    difference, low, high, *_ = expected(*arrays)
    np.testing.assert_allclose(rows[["difference", "q025", "q975"]], np.array([difference, low, high]).T, atol=1e-12)
    degree = 50 * sum(expit(means["chat", g]) - expit(means["dpo", g]) for g in ("g1", "g2"))
    np.testing.assert_allclose(rows["degree_difference"], degree)
    assert set(table["judge_1"]) == {"chat"}


def test_two_groups_of_every_judge_from_the_same_resamples():
    coefficients, draws, means, drawn = study(absent=[("dpo", "g2")])
    table = contrast(coefficients, draws, group_differences=[["g1", "g2"], ["pooled", "g1"]])["group_differences"]
    assert set(table.loc[table["group_2"] == "g2", "judge"]) == {"human", "base", "chat"}
    assert set(table.loc[table["group_2"] == "g1", "judge"]) == set(JUDGES)
    rows = table[(table["judge"] == "chat") & (table["group_2"] == "g2")]
    found = expected(means["chat", "g1"], means["chat", "g2"], drawn["chat", "g1"], drawn["chat", "g2"])
    np.testing.assert_allclose(rows[["difference", "q025", "q975"]], np.array(found[:3]).T, atol=1e-12)


def test_a_group_that_was_not_fitted_is_named():
    with pytest.raises(InputError, match=r"comparison\.group_differences\[0\]`: `g9` was not fitted"):
        contrast(*study()[:2], group_differences=[["g9", "g1"]])


def test_aligned_versions_against_their_base_and_their_mean():
    coefficients, draws, means, drawn = study()
    table = contrast(coefficients, draws)["base_differences"]
    assert set(table["base"]) == {"base"} and set(table["judge"]) == {"chat", "dpo", "mean of aligned versions"}
    rows = table[(table["judge"] == "mean of aligned versions") & (table["group"] == "g1")]
    mean = (means["chat", "g1"] + means["dpo", "g1"]) / 2
    samples = (drawn["chat", "g1"] + drawn["dpo", "g1"]) / 2
    found = expected(mean, means["base", "g1"], samples, drawn["base", "g1"])
    np.testing.assert_allclose(rows[["difference", "q025", "q975"]], np.array(found[:3]).T, atol=1e-12)
    assert set(rows["n_judges"]) == {2}


def test_the_drift_report_names_what_moved():
    coefficients, draws, means, _ = study()
    table = contrast(coefficients, draws, drift=[["base", "chat"]])["drift"]
    rows = table[table["group"] == "g1"]
    np.testing.assert_allclose(rows["move"], means["chat", "g1"] - means["base", "g1"])
    moved = {row.word for row in table.itertuples() if row.q025 > 0 and row.move > 0}
    assert moved == {"moved up"} and set(table["older"]) == {"base"} and set(table["newer"]) == {"chat"}
    np.testing.assert_allclose(rows["effect_newer"], means["chat", "g1"])


@pytest.mark.parametrize("resamples", [None, 0])
def test_without_resamples_nothing_is_called_distinguishable(resamples):
    coefficients, draws, _, _ = study(resamples=resamples or 0)
    tables = contrast(coefficients, None if resamples is None else draws, drift=[["base", "chat"]])
    for name in ("judge_differences", "base_differences", "drift"):
        assert set(tables[name]["word"]) == {"no interval"}
        assert tables[name][["q025", "q975", "degree_q025", "false_sign", "interval"]].isna().all(axis=None)


def test_a_study_that_asks_for_nothing_gets_empty_tables():
    coefficients, draws, _, _ = study()
    estimates = read_estimates(coefficients, draws, ["g1", "g2"])
    tables = contrast_coefficients(estimates, RECORDS, SETTINGS | {"human": "", "base": ""})
    assert all(validate(table, name, "test").empty for name, table in tables.items())


def test_equal_judges_differ_in_nothing():
    tables = [
        pd.concat([table[table["judge"] != "dpo"], table[table["judge"] == "chat"].assign(judge="dpo")])
        for table in study()[:2]
    ]
    rows = contrast(*tables, differences=[["dpo", "chat"]])["judge_differences"]
    assert set(rows["word"]) == {"not distinguishable"} and rows["false_sign"].isna().all()
    assert (rows[["difference", "q025", "q975"]] == 0).all(axis=None)
