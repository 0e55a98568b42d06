"""Agreement of ratings, against scikit-learn, against the sample's own script, and on answers made by hand."""

from __future__ import annotations

import runpy

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from prefdissect.annotators import lexical
from prefdissect.annotators.reliability import reliability_table
from prefdissect.catalogue import load_catalogue
from prefdissect.pairs.registry import read_source
from prefdissect.tables import conform, empty_table, validate

CATALOGUE = load_catalogue()
NO_REPEATS = empty_table("annotation_repeats")


def make_pairs(count: int, per_prompt: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {"pair_id": [f"p{k}" for k in range(count)], "prompt_id": [f"q{k // per_prompt}" for k in range(count)]}
    )


def ratings(annotator: str, scores, *, prop: str = "polite", table: str = "annotations", **more) -> pd.DataFrame:
    """Ratings of p0, p1 ...: `scores` has shape (pairs, 2)."""
    scores = np.asarray(scores, dtype=float)
    frame = pd.DataFrame(
        {"pair_id": [f"p{k}" for k in range(len(scores))], "score_a": scores[:, 0], "score_b": scores[:, 1]}
    )
    return conform(frame.assign(annotator=annotator, property=prop, item=0, status="ok", **more), table)


def measure(pairs, annotations, repeats=NO_REPEATS, resamples=50, seed=1) -> pd.DataFrame:
    table = reliability_table(pairs, annotations, repeats, CATALOGUE, resamples=resamples, seed=seed)
    return validate(table, "reliability", "here")


def test_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    first = rng.integers(0, 4, (60, 2))
    second = np.clip(first + rng.integers(-1, 2, first.shape), 0, 3)
    row = measure(make_pairs(60), pd.concat([ratings("m", first), ratings("n", second)])).iloc[0]
    expected = cohen_kappa_score(first.ravel(), second.ravel(), weights="quadratic", labels=[0, 1, 2, 3])
    assert row["kappa"] == pytest.approx(expected)
    assert row["kappa_q025"] < row["kappa"] < row["kappa_q975"]
    assert row["equal"] == pytest.approx((first == second).mean())
    signs = [np.sign(scores[:, 0] - scores[:, 1]) for scores in (first, second)]
    assert row["same_sign"] == pytest.approx((signs[0] == signs[1]).mean())


def test_a_step_that_nobody_gave_still_counts_as_a_step():
    first, second = [[0, 3], [3, 0], [0, 0]], [[0, 3], [2, 0], [0, 0]]
    row = measure(make_pairs(3), pd.concat([ratings("m", first), ratings("n", second)])).iloc[0]
    given = [np.ravel(first), np.ravel(second)]
    assert row["kappa"] == pytest.approx(cohen_kappa_score(*given, weights="quadratic", labels=[0, 1, 2, 3]))
    assert row["kappa"] != pytest.approx(cohen_kappa_score(*given, weights="quadratic"))


def test_one_and_the_same_value_has_no_kappa():
    row = measure(make_pairs(3), pd.concat([ratings("m", [[3, 3]] * 3), ratings("n", [[3, 3]] * 3)])).iloc[0]
    assert np.isnan(row["kappa"]) and np.isnan(row["kappa_q025"])
    assert row["within_one"] == 1


def test_repeats_and_orders_are_told_apart():
    same, turned = [[0, 2], [3, 1]], [[2, 0], [1, 3]]
    repeats = pd.concat(
        ratings("m", scores, table="annotation_repeats", repeat=repeat, order=order)
        for order, repeat, scores in [("ab", 0, same), ("ab", 1, same), ("ba", 0, turned), ("ba", 1, turned)]
    )
    table = measure(make_pairs(2), ratings("m", same), repeats).set_index("comparison")
    assert list(table.index) == ["repeats", "orders"]
    assert table.loc["repeats", ["kappa", "same_sign"]].tolist() == [1, 1]
    assert table.loc["orders", "same_sign"] == 0 and table.loc["orders", "within_one"] == 0
    assert table["n_ratings"].tolist() == [8, 8] and table["n_pairs"].tolist() == [2, 2]


def test_a_failed_rating_agrees_with_nothing():
    second = ratings("n", [[0, 1], [2, 3]])
    second.loc[1, ["status", "score_a", "score_b"]] = ["failed", np.nan, np.nan]
    row = measure(make_pairs(2), pd.concat([ratings("m", [[0, 1], [2, 3]]), second])).iloc[0]
    assert (row["n_pairs"], row["equal"]) == (1, 1)


def test_without_a_second_rating_the_table_is_empty():
    assert measure(make_pairs(2), ratings("m", [[0, 1], [2, 3]])).empty


def test_intervals_come_from_prompts_and_not_from_ratings():
    rng = np.random.default_rng(5)
    first = rng.integers(0, 4, (12, 2))
    second = np.clip(first + rng.integers(-1, 2, first.shape), 0, 3)
    # Every pair ten times over within its prompt adds ratings and no knowledge.
    many = [pd.concat([ratings("m", np.repeat(first, 10, 0)), ratings("n", np.repeat(second, 10, 0))])]
    few = measure(make_pairs(12), pd.concat([ratings("m", first), ratings("n", second)])).iloc[0]
    more = measure(make_pairs(120, per_prompt=10), pd.concat(many)).iloc[0]
    columns = ["kappa", "kappa_q025", "kappa_q975"]
    np.testing.assert_allclose(few[columns].astype(float), more[columns].astype(float))


@pytest.fixture(scope="module")
def sample(root):
    record = {"name": "sample", "kind": "responses", "path": str(root / "data/sample/queries")}
    return read_source(record | {"empty_responses": "error"}, CATALOGUE)


@pytest.fixture(scope="module")
def words_against_the_author(sample):
    both = pd.concat([sample.annotations, lexical.annotate(sample.pairs, CATALOGUE)])
    return measure(sample.pairs, both, resamples=0).set_index("property")


def test_words_see_layout_and_hardly_figures_of_speech(words_against_the_author):
    kappa = words_against_the_author["kappa"]
    assert set(kappa.index) == set(lexical.SCALES)
    assert kappa["well_formatted"] > 0.8
    assert kappa["rhetorical_devices"] < 0.4 and kappa["non_repetitive"] < 0.5


def test_the_blind_second_ratings_agree_as_the_samples_script_says(root, sample):
    """Every response is in three pairs, so that shares over pairs are shares over responses."""
    script = runpy.run_path(str(root / "data/sample/agreement.py"))
    twice = script["paired_ratings"]()
    polite = twice[twice["property"] == "polite"]
    second = polite.set_index(["query", "response"])["second"]
    rows = sample.annotations[sample.annotations["property"] == "polite"]
    names = rows["pair_id"].str.split("-", expand=True)
    rows = rows[names[0].isin(set(polite["query"]))].assign(annotator="second")
    names = names.loc[rows.index]
    rows["score_a"] = [float(second[query, one]) for query, one in zip(names[0], names[1], strict=True)]
    rows["score_b"] = [float(second[query, other]) for query, other in zip(names[0], names[2], strict=True)]
    row = measure(sample.pairs, pd.concat([sample.annotations, rows]), resamples=0).iloc[0]
    expected = script["agreement"](polite)
    assert row["n_prompts"] == 10
    assert [row["equal"], row["within_one"]] == pytest.approx(list(expected[["equal", "within_one"]]))
    assert row["kappa"] == pytest.approx(expected["kappa"])


def test_the_table_of_the_documentation_is_what_is_measured(root, words_against_the_author):
    table = words_against_the_author
    assert table["kappa_q025"].isna().all()
    second = runpy.run_path(str(root / "data/sample/agreement.py"))
    again = second["paired_ratings"]().groupby("property")[["first", "second"]].apply(second["agreement"])["kappa"]
    page = (root / "docs/annotation.md").read_text(encoding="utf-8").partition("## What words alone can measure")[2]
    for name, row in table.iterrows():
        shares = [f"{100 * row[column]:.0f} %" for column in ("equal", "within_one", "same_sign")]
        line = next(line for line in page.splitlines() if line.startswith(f"| {CATALOGUE[name].label} |"))
        told = [cell.strip() for cell in line.strip("|").split("|")]
        assert [told[1], *told[3:6], told[6]] == [f"{row['kappa']:.2f}", *shares, f"{again[name]:.2f}"]
