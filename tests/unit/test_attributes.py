"""Judges of a kind against others: means and p-values against brute force, and the rate of false alarms."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from prefdissect.comparison.attributes import arrange, attribute_similarity, n_arrangements, read_attribute
from prefdissect.comparison.estimates import read_estimates
from prefdissect.comparison.similarity import Similarity, coefficient_similarity
from prefdissect.tables import validate

pytestmark = pytest.mark.filterwarnings("error")
JUDGES = [f"j{n}" for n in range(7)]
STAGES = ["base", "sft", "base", "sft", "base", "sft", None]
SIZES = [7, "13", 7, 13.0, 70, 70, 7]


def records(stages=STAGES, sizes=SIZES) -> dict[str, dict]:
    given = [{"stage": stage, "size": size} for stage, size in zip(stages, sizes)]
    return {judge: {"label": judge, "kind": "recorded", "attributes": one} for judge, one in zip(JUDGES, given)}


def entry(name="stage", **more) -> dict:
    return {"name": name, "within": "", "cuts": [], "chosen_after_seeing": False} | more


def study(resamples=30, seed=0):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        list(itertools.product(JUDGES, ["g1", "g2"], range(12))), columns=["judge", "group", "property"]
    )
    rows["property"] = "x" + rows["property"].astype(str)
    mean = rng.normal(0, 1, len(rows))
    draws = list(mean[:, None] + rng.normal(0, 0.3, (len(rows), resamples)))
    estimates = read_estimates(rows.assign(mean=mean, estimator="map"), rows.assign(draws=draws), ["g1", "g2"])
    return estimates, coefficient_similarity(estimates)[1]


def table_of(given: dict, resamples=30, permutations=99, people=None):
    estimates, arrays = study(resamples)
    attribute = read_attribute(given, people or records(), estimates.judges)
    table = attribute_similarity(estimates, arrays, [attribute], permutations=permutations, seed=1)
    return validate(table, "attribute_similarity", "test"), arrays


def difference(values, similarity, strata=None) -> float:
    within, between = [], []
    for i, j in itertools.combinations(range(len(values)), 2):
        if values[i] and values[j] and not np.isnan(similarity[i, j]) and (not strata or strata[i] == strata[j]):
            (within if values[i] == values[j] else between).append(similarity[i, j])
    return np.mean(within) - np.mean(between) if within and between else np.nan


def test_means_within_and_between_by_brute_force():
    table, arrays = table_of(entry())
    assert set(table["group"]) == {"g1", "g2", "overall"}
    for (group, metric), found in arrays.items():
        rows = table[(table["group"] == group) & (table["metric"] == metric)]
        within = {
            stage: [
                found.value[i, j]
                for i, j in itertools.combinations(range(7), 2)
                if STAGES[i] == STAGES[j] == stage and not np.isnan(found.value[i, j])
            ]
            for stage in ("base", "sft")
        }
        one = rows[rows["comparison"] == "within"].set_index("value_of_attribute")["value"]
        for stage, values in within.items():
            assert one[stage] == pytest.approx(np.mean(values), nan_ok=True)
        every = rows[(rows["comparison"] == "within") & rows["value_of_attribute"].isna()].iloc[0]
        assert every["value"] == pytest.approx(np.mean(sum(within.values(), [])), nan_ok=True)
        last = rows[rows["comparison"] == "difference"].iloc[0]
        assert last["value"] == pytest.approx(difference(STAGES, found.value), nan_ok=True)
        assert last["n_judges"] == 6 and every["n_similarities"] == len(sum(within.values(), []))
    plain = table[(table["metric"] == "pearson")]
    assert (plain["q025"] < plain["value"]).all() and (plain["value"] < plain["q975"]).all()
    assert set(plain["interval"]) == {"prompts"}


def test_with_few_arrangements_all_are_tried():
    table, arrays = table_of(entry())
    row = table[(table["comparison"] == "difference") & (table["metric"] == "pearson")].set_index("group").loc["g1"]
    found = arrays["g1", "pearson"].value
    arrangements = set(itertools.permutations(STAGES[:6]))
    gaps = [difference([*one, None], found) for one in arrangements]
    assert len(arrangements) == 20 == row["n_permutations"] and row["exact"]
    assert row["p_value"] == pytest.approx(np.mean(np.array(gaps) >= difference(STAGES, found) - 1e-12))


def test_within_strata_only_like_sizes_are_compared_and_swapped():
    table, arrays = table_of(entry(within="size"))
    row = table[(table["comparison"] == "difference") & (table["metric"] == "pearson")].set_index("group").loc["g2"]
    found, strata = arrays["g2", "pearson"].value, ["7", "13", "7", "13.0", "70", "70", "7"]
    assert row["within"] == "size" and row["value"] == pytest.approx(difference(STAGES, found, strata), nan_ok=True)
    people = records(sizes=["small"] * 4 + ["large"] * 2 + [None])
    table, arrays = table_of(entry(within="size"), people=people)
    row = table[(table["comparison"] == "difference") & (table["metric"] == "pearson")].set_index("group").loc["g2"]
    found, strata = arrays["g2", "pearson"].value, ["small"] * 4 + ["large"] * 2 + [None]
    arrangements = [
        [*a, *b, None] for a in set(itertools.permutations(STAGES[:4])) for b in itertools.permutations(STAGES[4:6])
    ]
    gaps = [difference(one, found, strata) for one in arrangements]
    assert row["n_permutations"] == 12 == len(gaps) and row["exact"]
    assert row["p_value"] == pytest.approx(np.mean(np.array(gaps) >= difference(STAGES, found, strata) - 1e-12))


def test_numbers_are_cut_and_a_cut_after_the_fact_is_called_so():
    given = entry("size", cuts=[40, 10], chosen_after_seeing=True)
    table, arrays = table_of(given)
    assert table["chosen_after_seeing"].all() and set(table["cuts"]) == {"10, 40"}
    classes = ["<= 10", "> 10 to 40", "<= 10", "> 10 to 40", "> 40", "> 40", "<= 10"]
    assert set(table["value_of_attribute"].dropna()) == set(classes)
    row = table[(table["comparison"] == "difference") & (table["metric"] == "pearson")].set_index("group").loc["g1"]
    assert row["value"] == pytest.approx(difference(classes, arrays["g1", "pearson"].value))


def attribute_of(values):
    people = {f"j{n}": {"attributes": {"stage": value}} for n, value in enumerate(values)}
    return read_attribute(entry(), people, list(people))


def test_with_many_arrangements_they_are_drawn_and_the_actual_one_counts():
    values = ["a"] * 10 + ["b"] * 10
    attribute = attribute_of(values)
    assert n_arrangements(attribute.codes) == 184756
    similarity = np.where(np.equal.outer(values, values), 0.9, 0.1)
    found = arrange(attribute, 199, seed=1).test(similarity, attribute)
    assert found == {"p_value": pytest.approx(1 / 200), "n_permutations": 199, "exact": False}


def test_judges_that_differ_by_chance_alone_give_small_p_values_as_seldom_as_stated():
    rng = np.random.default_rng(0)
    attribute = attribute_of(["a"] * 6 + ["b"] * 5 + ["c"] * 4)
    arranged, p_values = arrange(attribute, 199, seed=1), []
    for _ in range(300):
        # One judge unlike all others moves many similarities at once: pairs are far from independent.
        similarity = np.corrcoef(rng.normal(0, 1, (15, 8)) + rng.normal(0, 1, (15, 1)) * rng.normal(0, 1, 8))
        p_values.append(arranged.test(similarity, attribute)["p_value"])
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("values", [["a"] * 5, ["a", "b", "c", "d", "e"], [None] * 5, ["a", None, None, None, None]])
def test_where_nothing_can_be_compared_there_is_no_p_value(values):
    attribute = attribute_of(values)
    found = arrange(attribute, 99, 1).test(np.full((5, 5), 0.5), attribute)
    assert np.isnan(found["p_value"]) and found["n_permutations"] == 0


def test_undefined_similarities_are_left_out_and_no_resamples_give_no_interval():
    estimates, arrays = study()
    value = arrays["g1", "pearson"].value.copy()
    value[0] = value[:, 0] = np.nan
    lone = {("g1", "pearson"): Similarity(value, np.empty((0, 7, 7)), None)}
    attribute = read_attribute(entry(), records(), estimates.judges)
    table = attribute_similarity(estimates, lone, [attribute], permutations=99, seed=1)
    row = table[table["comparison"] == "difference"].iloc[0]
    assert row["value"] == pytest.approx(difference(STAGES, value)) and 0 < row["p_value"] <= 1
    assert table[["q025", "q975", "interval"]].isna().all(axis=None)
