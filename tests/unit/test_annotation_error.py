"""Error rates from repeats, and what they leave of an effect that is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from prefdissect.annotators.confusion import confusions, error_rate, perturbed, single_error
from prefdissect.catalogue import load_catalogue
from prefdissect.regression.attenuation import attenuation_table
from prefdissect.regression.cells import Cell
from prefdissect.regression.map_logistic import fit_many
from prefdissect.tables import conform

CATALOGUE = load_catalogue()


def repeats(first, second) -> pd.DataFrame:
    """Two ratings of A in every pair; B has 1."""
    parts = [
        pd.DataFrame({"pair_id": [f"p{k}" for k in range(len(scores))], "score_a": scores, "repeat": number})
        for number, scores in enumerate([first, second])
    ]
    more = {"annotator": "m", "property": "polite", "item": 0, "score_b": 1.0, "status": "ok", "order": "ab"}
    return conform(pd.concat(parts).assign(**more), "annotation_repeats")


def test_the_error_rate_is_the_share_of_other_features():
    first, second = [0, 1, 2, 2] * 10, [0, 1, 2, 1] * 10
    counts = confusions(repeats(first, second), {"polite": "m"}, CATALOGUE)["polite"]
    assert error_rate(counts) == 0.25
    np.testing.assert_allclose(counts, counts.T)
    np.testing.assert_allclose(counts, counts[::-1, ::-1])


def test_two_errors_of_one_rating_make_the_disagreement():
    counts = np.array([[60.0, 12, 2], [12, 30, 12], [2, 12, 60]])
    once = single_error(counts)
    np.testing.assert_allclose(once @ once, counts / counts.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(single_error(np.diag([5.0, 0, 5])), np.eye(3))


def test_ratings_of_others_and_of_few_pairs_say_nothing():
    assert confusions(repeats([0, 2] * 20, [0, 2] * 20), {"polite": "author"}, CATALOGUE) == {}
    assert confusions(repeats([0, 2] * 9, [0, 2] * 9), {"polite": "m"}, CATALOGUE) == {}


def test_perturbing_follows_the_counts():
    matrix = np.repeat([[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]], 4000, axis=0)
    errors = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    drawn = perturbed(matrix, [errors, None], np.random.default_rng(1))
    np.testing.assert_array_equal(drawn[:, 1], matrix[:, 1])
    for sign, row in zip((-1, 0, 1), errors, strict=True):
        shares = [(drawn[matrix[:, 0] == sign, 0] == other).mean() for other in (-1, 0, 1)]
        assert shares == pytest.approx(row, abs=0.03)


def test_what_is_left_is_the_attenuation_that_is_in_the_effect_already():
    """A thing read twice with independent errors: its effect is known, and what the first reading shows of it."""
    rng, n = np.random.default_rng(4), 8000
    true = rng.choice([-1.0, 1.0], n)
    readings = [np.where(rng.random(n) < 0.15, -true, true) for _ in range(2)]
    y = (rng.random(n) < 1 / (1 + np.exp(-0.6 * true))).astype(int)
    rated = confusions(repeats(*(reading + 1 for reading in readings)), {"polite": "m"}, CATALOGUE)
    rows = np.arange(n)
    cell = Cell("j", "g", readings[0][:, None], rows, rows, y, np.ones(n), n, 0, 0)
    row = attenuation_table([cell], ["polite"], rated, prior_scale=10, folds=10, seed=1).iloc[0]
    known = fit_many(true[:, None], y, np.ones((1, n)), prior_scale=10)[0, 0]
    assert row["error_rate"] == pytest.approx(2 * 0.15 * 0.85, abs=0.02)
    assert row["left"] == pytest.approx(row["effect"] / known, abs=0.06)
    assert row["left"] < 0.8 and row["attenuated"]


def test_an_annotator_that_never_errs_attenuates_nothing():
    rng, n = np.random.default_rng(4), 400
    x = rng.choice([-1.0, 0.0, 1.0], n)
    rows = np.arange(n)
    cell = Cell("j", "g", x[:, None], rows, rows, (x > 0).astype(int), np.ones(n), n, 0, 0)
    counts = confusions(repeats(x + 1, x + 1), {"polite": "m"}, CATALOGUE)
    row = attenuation_table([cell], ["polite"], counts, prior_scale=0.1, folds=10, seed=1).iloc[0]
    assert row["left"] == 1 and not row["attenuated"]
    assert attenuation_table([cell], ["polite"], {}, prior_scale=0.1, folds=10, seed=1).empty
