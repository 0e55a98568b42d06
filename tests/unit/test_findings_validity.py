"""Sentences about trust: they follow the estimator, the simulated table and the rates."""

from __future__ import annotations

import pandas as pd
import pytest

from prefdissect.findings_validity import SIMULATED, describe_coverage, describe_estimator, describe_false_signs

REGRESSION = {"prior_scale": 0.1, "resamples": 200}


@pytest.mark.parametrize(
    ("estimator", "resamples", "words"),
    [
        ("map", 200, ["mode", "Laplace(0, 0.1)", "10 half-votes", "200 resamples"]),
        ("map", 0, ["No intervals were asked for"]),
        ("laplace_posterior", 200, ["mean of the posterior", "Laplace(0, 0.1)", "independent"]),
        ("laplace_weak", 200, ["mean of the posterior", "Laplace(0, 1)"]),
    ],
)
def test_the_estimator_is_described_as_it_is(estimator, resamples, words):
    text = " ".join(describe_estimator(estimator, REGRESSION | {"resamples": resamples}))
    assert all(word in text for word in words), text
    assert ("resamples of the prompts" in text) == (estimator == "map" and resamples > 0)


@pytest.mark.parametrize(("n_pairs", "size"), [(36, 121), (259, 121), (262, 400), (5000, 5240)])
def test_coverage_is_that_of_the_nearest_simulated_size(n_pairs, size):
    table = pd.read_csv(SIMULATED)
    rows = table[
        (table["estimator"] == "laplace_posterior") & (table["n_pairs"] == size) & (table["differing"] == "all")
    ]
    shares = rows.set_index("effect")["coverage"] * 100
    (sentence,) = describe_coverage("laplace_posterior", n_pairs)
    assert f"with {size:,} pairs" in sentence
    assert f"{shares['all']:.0f} % of all effects and for {shares['0.4 and more']:.0f} % of those" in sentence


def test_nothing_is_said_of_an_estimator_that_was_not_simulated():
    assert describe_coverage("nuts", 400) == []


def test_expected_false_signs_are_the_sum_of_the_rates_of_effects_with_a_word():
    rows = [
        ("Code", "rewards", 0.02),
        ("Code", "penalises", 0.01),
        ("Code", "not distinguishable", 0.4),
        ("overall", "rewards", 0.02),
        ("pooled", "rewards", 0.02),
    ]
    table = pd.DataFrame(rows, columns=["group", "word", "false_sign"])
    (sentence,) = describe_false_signs(table, "laplace_posterior")
    assert "neutral: 2;" in sentence and "about 0.0 of them (1.5 %)" in sentence
    pooled = table[table["group"] == "pooled"]
    assert "neutral: 1;" in describe_false_signs(pooled, "laplace_posterior")[0]
    assert describe_false_signs(table.assign(word="no interval"), "laplace_posterior") == []
