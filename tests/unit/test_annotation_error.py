"""Error rates from repeats, and what they leave of an effect that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configs import base
from prefdissect.annotators.confusion import confusions, error_rate, perturbed, single_error
from prefdissect.cache import ArrayCache
from prefdissect.catalogue import load_catalogue
from prefdissect.config import load_study
from prefdissect.findings_ratings import describe_attenuation
from prefdissect.printed_tables import Printing, printed
from prefdissect.publication import effects_table
from prefdissect.regression import attenuation
from prefdissect.regression.attenuation import attenuation_table
from prefdissect.regression.cells import Cell
from prefdissect.regression.map_logistic import fit_many
from prefdissect.reliability_config import rated_again
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


def cells(judges: dict[str, np.ndarray], x: np.ndarray, groups: dict[str, np.ndarray]) -> list[Cell]:
    """One cell per judge (its labels) and group (its rows), over a single feature."""
    return [
        Cell(judge, group, x[:, None], rows, rows, y[rows], np.ones(len(rows)), len(rows), 0, 0)
        for judge, y in judges.items()
        for group, rows in groups.items()
    ]


NOISY = np.array([[60.0, 0, 10], [0, 0, 0], [10, 0, 60]])
HALVES = {"one": np.arange(300), "two": np.arange(300, 600)}


def two_judges() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(2)
    x = rng.choice([-1.0, 1.0], 600)
    return x, {
        judge: (rng.random(600) < 1 / (1 + np.exp(-pull * x))).astype(int) for judge, pull in (("j", 2), ("k", 1))
    }


def attenuate(some: list[Cell], **more) -> pd.DataFrame:
    options = {"prior_scale": 1.0, "folds": 10, "seed": 1} | more
    return attenuation_table(some, ["polite"], {"polite": NOISY}, **options)


def test_overall_is_the_mean_of_the_groups():
    x, judges = two_judges()
    table = attenuate(cells(judges, x, HALVES), scenarios=["one", "two"]).set_index(["judge", "group"])
    for judge in judges:
        mine = table.loc[judge]
        for column in ("effect", "perturbed"):
            assert mine.loc["overall", column] == pytest.approx(mine.loc[["one", "two"], column].mean())
        assert mine.loc["overall", "left"] == pytest.approx(
            mine.loc["overall", "perturbed"] / mine.loc["overall", "effect"]
        )
    assert "overall" not in attenuate(cells(judges, x, HALVES))["group"].tolist()


def test_another_judge_refits_no_other(tmp_path, monkeypatch):
    x, judges = two_judges()
    cache = ArrayCache(tmp_path)
    first = attenuate(cells({"j": judges["j"]}, x, HALVES), cache=cache)
    fitted = []
    monkeypatch.setattr(
        attenuation, "fit_many", lambda x, y, *rest, **more: fitted.append(y) or fit_many(x, y, *rest, **more)
    )
    both = attenuate(cells(judges, x, HALVES), cache=cache)
    pd.testing.assert_frame_equal(both[both["judge"] == "j"], first)
    assert len(fitted) == 2 * 21 and all(
        any(np.array_equal(y, judges["k"][rows]) for rows in HALVES.values()) for y in fitted
    )
    attenuate(cells({"j": judges["j"]}, x, HALVES), cache=cache, code="another")
    assert len(fitted) == 4 * 21


def table_of(*rows) -> pd.DataFrame:
    """Rows (judge, property, effect, left)."""
    frame = pd.DataFrame(rows, columns=["judge", "property", "effect", "left"])
    frame = frame.assign(
        group="pooled", error_rate=0.2, perturbed=frame["effect"] * frame["left"].fillna(0), perturbed_se=0.01
    )
    flags = [pd.NA if np.isnan(left) else left < 0.8 for left in frame["left"]]
    return conform(frame.assign(attenuated=pd.array(flags, dtype="boolean")), "attenuation")


WEAK = table_of(
    ("j", "polite", 1.0, 0.5), ("j", "funny", 0.2, 0.9), ("k", "polite", 0.0, np.nan), ("k", "funny", -2.0, 0.7)
)
LABELS = {"polite": "polite", "funny": "funny †"}


def effects() -> pd.DataFrame:
    names = {"judge": ["j", "j", "k", "k"], "property": ["polite", "funny"] * 2, "word": ["rewards", "penalises"] * 2}
    same = {"group": "pooled", "estimator": "map", "mean": 0.0, "degree": 50.0, "n_pairs": 3}
    return conform(pd.DataFrame(names).assign(**same), "coefficients")


def test_effects_carry_the_flag():
    found = effects_table(effects(), {"j": "J", "k": "K"}, LABELS, attenuation=WEAK)
    assert found["attenuated"].tolist()[:2] == [True, False] and found["attenuated"].isna().tolist() == [0, 0, 1, 0]
    assert found["left"].tolist()[3] == 0.7 and len(found) == 4
    partly = effects_table(effects(), {}, LABELS, attenuation=WEAK[WEAK["property"] == "polite"])
    assert partly["attenuated"].isna().tolist() == [0, 1, 1, 1]


def test_the_printed_table_lists_what_is_attenuated_in_the_group_shown():
    how = Printing({"k": "K"}, LABELS, ["j", "k"], "pooled", "pooled")
    text, caption = printed("attenuation", WEAK, how)
    assert text[["judge", "property", "left (%)"]].to_numpy().tolist() == [
        ["K", "funny †", "70"],
        ["j", "polite", "50"],
    ]
    assert ": 2 of the 3 that are clear of zero" in caption and "all pairs" in caption
    assert printed("attenuation", WEAK, replace(how, group="other"))[0].empty


def test_the_findings_say_which_effects_are_weakened():
    said = describe_attenuation(WEAK, effects(), {"j": "J", "k": "K"}, LABELS, "all pairs")
    assert said == [
        "Properties rated again have 3 effects that can be told from neutral in all pairs; of 2 the error of the "
        "annotator leaves less than 80 %, so that the property itself may weigh more than they say: polite of J (50 % "
        "left), funny † of K (70 % left)."
    ]
    fine = describe_attenuation(WEAK[WEAK["left"] == 0.9], effects(), {"j": "J", "k": "K"}, LABELS, "all pairs")
    assert fine[0].endswith("leaves at least 80 % of each.")
    assert describe_attenuation(WEAK, effects().assign(word="not distinguishable"), {}, LABELS, "all pairs") == []


def test_the_table_is_made_where_an_annotator_rates_again():
    model = {"name": "m", "kind": "llm", "engine": "fake"}
    assert [
        rated_again(load_study(base(annotators=[model | more])).annotators["m"])
        for more in ({}, {"swap": True}, {"repeats": 2})
    ] == [False, True, True]


def test_of_an_effect_near_zero_nothing_is_said():
    x = np.repeat([-1.0, 1.0], 300)
    y = (np.tile(np.arange(300), 2) < np.where(x > 0, 156, 150)).astype(int)
    row = attenuate(cells({"j": y}, x, {"all": np.arange(600)}), prior_scale=10).iloc[0]
    assert 0 < abs(row["effect"]) < 0.1 and np.isnan(row["left"]) and pd.isna(row["attenuated"])
