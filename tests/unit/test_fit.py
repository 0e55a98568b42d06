"""From tables to coefficients: cells, cache, resamples, `overall`, held-out scores, and judges whose truth is known."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import prefdissect.regression.fit as fitting
from prefdissect.catalogue import load_catalogue
from prefdissect.config import OVERALL
from prefdissect.errors import InputError
from prefdissect.features import feature_matrix
from prefdissect.judges.simulated import simulate
from prefdissect.preferences import combine
from prefdissect.regression.cells import build_cells
from prefdissect.regression.fit import FitSettings, fit_cells, summarise
from prefdissect.regression.folds import prompt_folds, published_folds
from prefdissect.regression.laplace_ep import fit_posterior
from prefdissect.regression.map_logistic import fit_many
from prefdissect.regression.quality import calibration_error, scores
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import conform, validate

PROPERTIES = ["friendly", "clear", "lengthy"]
SETTINGS = FitSettings(estimator="map", prior_scale=0.5, folds=5, resamples=12, seed=3)
N, N_PROMPTS = 120, 60
pytestmark = pytest.mark.filterwarnings("error")


class Study:
    """120 pairs over 60 prompts in the scenario groups g1 and g2, and judges with given effects."""

    def __init__(self, effects: dict[str, list[float]] | None = None, seed: int = 0):
        rng = np.random.default_rng(seed)
        ids = [f"p{number:03d}" for number in rng.permutation(N)]
        self.pairs = pd.DataFrame({"pair_id": ids, "prompt_id": [f"q{number // 2}" for number in range(N)]})
        scenario = pd.DataFrame({"pair_id": ids, "group": ["g1"] * 50 + ["g2"] * 70, "kind": "scenario"})
        self.groups = pd.concat([scenario, scenario.assign(group="pooled", kind="pooled")], ignore_index=True)
        values = rng.integers(-1, 2, (N, 3)).astype(float)
        self.matrix = pd.DataFrame(values, columns=PROPERTIES, index=pd.Index(ids, name="pair_id")).sort_index()
        self.preferences = pd.DataFrame(columns=["judge", "pair_id", "preference"], dtype=object)
        for judge, effect in (effects or {"j1": [2, 0, 0.5], "j2": [-1, 1, 0]}).items():
            chance = expit(values @ np.array(effect))
            self.add(judge, np.where(rng.random(N) < chance, "a", "b"))

    def add(self, judge: str, preference) -> None:
        rows = pd.DataFrame({"judge": judge, "pair_id": self.pairs["pair_id"], "preference": preference}, dtype=object)
        self.preferences = pd.concat([self.preferences, rows], ignore_index=True)

    def relabel(self, judge: str, position: int) -> None:
        """The other answer of one judge on the pair at this position of the study."""
        mine = self.preferences["judge"] == judge
        row = self.preferences[mine].index[position]
        self.preferences.loc[row, "preference"] = {"a": "b", "b": "a"}[self.preferences.loc[row, "preference"]]

    def cells(self, ties: str = "drop"):
        preferences = conform(self.preferences, "preferences")
        return build_cells(self.pairs, self.groups, self.matrix, preferences, ties)

    def fit(self, cache, *, ties="drop", **changes):
        settings = dataclasses.replace(SETTINGS, **changes)
        return fit_cells(self.cells(ties), PROPERTIES, ["g1", "g2"], N_PROMPTS, settings, cache_dir=cache)


@pytest.fixture
def fitted(monkeypatch) -> list[tuple[str, str]]:
    """Judge and group of every cell that is really fitted."""
    names, original = [], fitting.fit_cell

    def counted(cell, *args):
        names.append((cell.judge, cell.group))
        return original(cell, *args)

    monkeypatch.setattr(fitting, "fit_cell", counted)
    return names


def column(fits, judge, group, name="mean"):
    table = fits.coefficients
    return table[(table["judge"] == judge) & (table["group"] == group)].set_index("property")[name][PROPERTIES]


def draws(fits, judge, group) -> np.ndarray:
    """Shape (resamples, properties)."""
    rows = fits.draws[(fits.draws["judge"] == judge) & (fits.draws["group"] == group)].set_index("property")
    return np.stack(rows["draws"][PROPERTIES]).T


def estimate(x, y, w):
    return fit_many(x, y, np.asarray(w, dtype=float)[None], prior_scale=SETTINGS.prior_scale)[0]


# --- cells ------------------------------------------------------------------------------------------------------------


def test_a_cell_holds_the_pairs_of_its_group_in_the_order_of_the_study():
    study = Study()
    cells = {(cell.judge, cell.group): cell for cell in study.cells()}
    assert list(cells) == [(judge, group) for judge in ("j1", "j2") for group in ("g1", "g2", "pooled")]
    labels = study.preferences[study.preferences["judge"] == "j2"].set_index("pair_id")["preference"]
    ids = study.pairs["pair_id"].tolist()
    for group, members in (("g1", ids[:50]), ("g2", ids[50:]), ("pooled", ids)):
        cell = cells["j2", group]
        np.testing.assert_array_equal(cell.x, study.matrix.loc[members].to_numpy())
        assert cell.y.tolist() == [int(labels[pair] == "a") for pair in members]
        assert cell.prompts.tolist() == [ids.index(pair) // 2 for pair in members]
        assert (cell.n_pairs, cell.n_undecided, cell.n_missing) == (len(members), 0, 0)
    shuffled = study.preferences.sample(frac=1, random_state=0)
    other = build_cells(study.pairs, study.groups, study.matrix, conform(shuffled, "preferences"), "drop")
    other = {(cell.judge, cell.group): cell for cell in other}
    for key, cell in cells.items():
        np.testing.assert_array_equal(cell.y, other[key].y)
        np.testing.assert_array_equal(cell.x, other[key].x)


@pytest.mark.parametrize(
    ("ties", "n_pairs", "n_rows", "n_missing"), [("drop", 45, 45, 3), ("model", 46, 47, 3), ("to_b", 46, 46, 3)]
)
def test_ties_and_missing_pairs_are_counted(ties, n_pairs, n_rows, n_missing):
    study = Study()
    of_group = study.preferences["judge"] == "j1"
    rows = study.preferences[of_group].index[:50]
    study.preferences.loc[rows[[0, 1]], "preference"] = "tie"
    study.preferences.loc[rows[[2, 3]], "preference"] = None  # no answer
    # Pairs without features: the tie at position 1, and the decided pair at position 4.
    study.matrix = study.matrix.drop(index=study.pairs["pair_id"].iloc[[1, 4]])
    cell = study.cells(ties)[0]
    assert (cell.judge, cell.group, cell.n_pairs, len(cell.y)) == ("j1", "g1", n_pairs, n_rows)
    assert (cell.n_undecided, cell.n_missing) == (2, n_missing)
    assert cell.weight.sum() == n_pairs


# --- cache ------------------------------------------------------------------------------------------------------------


def test_a_second_call_fits_nothing_and_gives_the_same_tables(tmp_path, fitted):
    first = Study().fit(tmp_path)
    assert len(fitted) == 6
    fitted.clear()
    second = Study().fit(tmp_path)
    assert fitted == []
    validate(first.coefficients, "coefficients", "test")
    validate(first.fit_quality, "fit_quality", "test")
    pd.testing.assert_frame_equal(first.coefficients, second.coefficients)
    pd.testing.assert_frame_equal(first.fit_quality, second.fit_quality)
    for one, two in zip(first.draws["draws"], second.draws["draws"], strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_changed_label_refits_the_cells_that_hold_it(tmp_path, fitted):
    study = Study()
    before = study.fit(tmp_path)
    fitted.clear()
    study.relabel("j2", 100)  # a pair of g2
    after = study.fit(tmp_path)
    assert fitted == [("j2", "g2"), ("j2", "pooled")]
    assert not column(before, "j2", "g2").equals(column(after, "j2", "g2"))
    pd.testing.assert_series_equal(column(before, "j1", "g2"), column(after, "j1", "g2"))


def test_another_judge_fits_only_its_own_cells(tmp_path, fitted):
    study = Study()
    study.fit(tmp_path)
    fitted.clear()
    study.add("j3", np.where(np.arange(N) % 3 == 0, "a", "b"))
    study.fit(tmp_path)
    assert fitted == [("j3", "g1"), ("j3", "g2"), ("j3", "pooled")]


def test_changed_settings_fit_all_cells_again(tmp_path, fitted):
    cells, base = Study().cells()[:2], dataclasses.replace(SETTINGS, resamples=2)
    fit_cells(cells, PROPERTIES, [], N_PROMPTS, base, cache_dir=tmp_path)
    for change in ({"prior_scale": 0.4}, {"folds": 6}, {"resamples": 3}, {"seed": 4}, {"code": "changed"}):
        fitted.clear()
        fit_cells(cells, PROPERTIES, [], N_PROMPTS, dataclasses.replace(base, **change), cache_dir=tmp_path)
        assert len(fitted) == 2, change


def test_an_edit_of_the_code_that_changes_nothing_moves_no_interval(tmp_path, fitted):
    study, posterior = Study(), {"estimator": "laplace_posterior", "resamples": 0}
    before = study.fit(tmp_path, code="before", **posterior)
    n_fitted = len(fitted)
    after = study.fit(tmp_path, code="after", **posterior)
    assert len(fitted) == 2 * n_fitted
    assert column(before, "j1", "overall", "q025").notna().all()
    pd.testing.assert_frame_equal(before.coefficients, after.coefficients, check_exact=True)


def test_a_feature_that_changes_or_is_called_otherwise_is_no_old_result(tmp_path, fitted):
    study = Study()
    study.fit(tmp_path)
    fitted.clear()
    study.matrix.iloc[0, 1] = 1 - abs(study.matrix.iloc[0, 1])
    study.fit(tmp_path)
    assert len(fitted) == 4  # both judges, in the pair's group and pooled
    fitted.clear()
    # The same numbers with the length in another column have another length baseline.
    fit_cells(study.cells(), ["lengthy", "clear", "friendly"], [], N_PROMPTS, SETTINGS, cache_dir=tmp_path)
    assert len(fitted) == 6


def test_two_workers_give_what_one_gives(tmp_path):
    cells = Study().cells()
    fits = [
        fit_cells(cells, PROPERTIES, ["g1", "g2"], N_PROMPTS, SETTINGS, cache_dir=tmp_path / str(n), workers=n)
        for n in (1, 2)
    ]
    pd.testing.assert_frame_equal(fits[0].coefficients, fits[1].coefficients, rtol=1e-9)


# --- estimates and resamples ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", ["drop", "model"])
def test_estimates_folds_and_draws_by_hand(tmp_path, ties):
    study = Study()
    tied = study.preferences[study.preferences["judge"] == "j1"].index[5:90:10]
    study.preferences.loc[tied, "preference"] = "tie"
    fits = study.fit(tmp_path, ties=ties, resamples=4)
    counts = resample_counts(N_PROMPTS, 4, SETTINGS.seed)
    for cell in study.cells(ties):
        x, y, w = cell.x, cell.y, cell.weight
        np.testing.assert_allclose(column(fits, cell.judge, cell.group), estimate(x, y, w), atol=1e-8)
        kept = [estimate(x[rows], y[rows], w[rows]) for rows in published_folds(len(y))]
        np.testing.assert_allclose(column(fits, cell.judge, cell.group, "fold_mean"), np.mean(kept, axis=0), atol=1e-8)
        for number, count in enumerate(counts):
            rows = np.repeat(np.arange(len(y)), count[cell.prompts])  # a prompt drawn twice brings all its pairs twice
            expected = estimate(x[rows], y[rows], w[rows])
            np.testing.assert_allclose(draws(fits, cell.judge, cell.group)[number], expected, atol=1e-6)


def test_resamples_draw_as_many_prompts_as_there_are():
    counts = resample_counts(40, 500, 1)
    assert counts.shape == (500, 40) and (counts.sum(axis=1) == 40).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(40), abs=0.25)
    assert (counts == resample_counts(40, 500, 1)).all() and (counts != resample_counts(40, 500, 2)).any()
    assert resample_counts(0, 5, 1).shape == (5, 0) and resample_counts(40, 0, 1).shape == (0, 40)


def test_resamples_are_joint_for_all_judges(tmp_path):
    study = Study({"j1": [2, 0, 0.5]})
    mine = study.preferences["preference"].to_numpy()
    study.add("twin", mine)
    study.add("contrary", np.where(mine == "a", "b", "a"))
    fits = study.fit(tmp_path)
    for group in ("g1", "g2", "pooled"):
        np.testing.assert_array_equal(draws(fits, "twin", group), draws(fits, "j1", group))
        np.testing.assert_allclose(draws(fits, "contrary", group), -draws(fits, "j1", group), atol=1e-6)
    assert draws(fits, "j1", "pooled").std(axis=0)[0] > 0


def test_intervals_false_signs_and_words(tmp_path):
    fits = Study({"j1": [3, 0, -3]}).fit(tmp_path, resamples=60)
    sample, mean = draws(fits, "j1", "pooled"), column(fits, "j1", "pooled")
    np.testing.assert_allclose(column(fits, "j1", "pooled", "sd"), sample.std(axis=0, ddof=1))
    for name, q in (("q025", 0.025), ("q975", 0.975)):
        np.testing.assert_allclose(column(fits, "j1", "pooled", name), np.quantile(sample, q, axis=0))
        degree = 100 * np.quantile(expit(sample), q, axis=0)
        np.testing.assert_allclose(column(fits, "j1", "pooled", f"degree_{name}"), degree)
    np.testing.assert_allclose(column(fits, "j1", "pooled", "degree"), 100 * expit(mean))
    words = column(fits, "j1", "pooled", "word")
    assert words["friendly"] == "rewards" and words["lengthy"] == "penalises"
    assert words["clear"] == "not distinguishable"


def test_false_sign_counts_zeros_and_the_other_sign():
    sample = np.tile([[1.0, 1, 0], [2, -1, 0], [0, -1, 1], [3, 0, 0]], (10, 1))
    table = summarise(np.array([1.0, -0.5, 0]), np.full(3, 0.5), sample, expit(sample), PROPERTIES)
    assert table["false_sign"].tolist()[:2] == [0.25, 0.5] and np.isnan(table["false_sign"].iloc[2])
    assert set(table["word"]) == {"not distinguishable"}


def test_without_resamples_there_are_no_intervals(tmp_path):
    fits = Study().fit(tmp_path, resamples=0)
    empty = ["sd", "q025", "q975", "degree_q025", "degree_q975", "false_sign"]
    assert fits.coefficients[empty].isna().all(axis=None)
    assert set(fits.coefficients["word"]) == {"no interval"}
    assert fits.coefficients[["mean", "degree", "fold_mean"]].notna().all(axis=None)
    assert set(fits.draws["draws"].map(len)) == {0}
    validate(fits.coefficients, "coefficients", "test")
    np.testing.assert_allclose(column(fits, "j1", "g1"), column(Study().fit(tmp_path), "j1", "g1"))


def test_overall_is_the_mean_of_what_is_shown_over_the_scenario_groups(tmp_path):
    fits = Study().fit(tmp_path)
    groups = [column(fits, "j1", group) for group in ("g1", "g2")]
    np.testing.assert_allclose(column(fits, "j1", OVERALL), (groups[0] + groups[1]) / 2)
    shown = 100 * (expit(groups[0]) + expit(groups[1])) / 2
    np.testing.assert_allclose(column(fits, "j1", OVERALL, "degree"), shown)
    assert not np.allclose(shown, 100 * expit((groups[0] + groups[1]) / 2), atol=1e-6)
    sample = [draws(fits, "j1", group) for group in ("g1", "g2")]
    np.testing.assert_allclose(column(fits, "j1", OVERALL, "q025"), np.quantile(sum(sample) / 2, 0.025, axis=0))
    degrees = np.quantile(100 * (expit(sample[0]) + expit(sample[1])) / 2, 0.975, axis=0)
    np.testing.assert_allclose(column(fits, "j1", OVERALL, "degree_q975"), degrees)
    folds = [column(fits, "j1", group, "fold_mean") for group in ("g1", "g2")]
    np.testing.assert_allclose(column(fits, "j1", OVERALL, "fold_mean"), sum(folds) / 2)
    assert set(column(fits, "j1", OVERALL, "n_pairs")) == {N}


# --- cells that cannot be fitted --------------------------------------------------------------------------------------


def quality(fits, judge, group) -> pd.Series:
    table = fits.fit_quality
    return table[(table["judge"] == judge) & (table["group"] == group)].iloc[0]


def test_thin_and_one_sided_cells_are_skipped_and_reported(tmp_path, fitted):
    study = Study()
    mine = study.preferences[study.preferences["judge"] == "j1"].index
    study.preferences.loc[mine[:50], "preference"] = "a"  # all of g1
    study.preferences.loc[mine[54:], "preference"] = "tie"  # four of g2 are left
    fits = study.fit(tmp_path)
    validate(fits.fit_quality, "fit_quality", "test")
    assert quality(fits, "j1", "g1")["skipped"] == "all 50 labels are a"
    assert quality(fits, "j1", "g2")["skipped"] == "4 usable pairs, fewer than the 5 folds"
    assert quality(fits, "j1", "g1")[["accuracy", "log_loss", "auc"]].isna().all()
    assert quality(fits, "j1", "g2")["n_undecided"] == 66 and quality(fits, "j1", "g2")["n_pairs"] == 4
    assert pd.isna(quality(fits, "j1", "pooled")["skipped"])
    assert ("j1", "g1") not in fitted and ("j1", "g2") not in fitted and len(fitted) == 4
    groups = fits.coefficients.groupby("judge")["group"].unique()
    # No scenario group was fitted for both judges, so nothing is averaged.
    assert list(groups["j1"]) == ["pooled"] and list(groups["j2"]) == ["g1", "g2", "pooled"]


def test_overall_leaves_out_groups_that_some_judge_lacks(tmp_path):
    study = Study()
    mine = study.preferences[study.preferences["judge"] == "j1"].index
    study.preferences.loc[mine[:50], "preference"] = "b"
    fits = study.fit(tmp_path)
    for judge in ("j1", "j2"):
        np.testing.assert_allclose(column(fits, judge, OVERALL), column(fits, judge, "g2"))
    assert quality(fits, "j1", "g1")["skipped"] == "all 50 labels are b"


def test_exactly_as_many_pairs_as_folds_are_enough(tmp_path):
    study = Study()
    mine = study.preferences[study.preferences["judge"] == "j1"].index
    study.preferences.loc[mine[:45], "preference"] = None
    study.preferences.loc[mine[45:50], "preference"] = ["a", "b", "a", "a", "b"]
    row = quality(study.fit(tmp_path), "j1", "g1")
    assert pd.isna(row["skipped"]) and row["n_pairs"] == 5 and row["n_missing"] == 45
    assert row["n_prompts"] == 3 and pd.isna(row["accuracy"])  # three prompts cannot be put into five folds


@pytest.mark.parametrize("preference", ["a", "tie", None])
def test_a_judge_without_a_usable_group_is_refused(tmp_path, preference):
    study = Study()
    study.add("odd", np.full(N, preference, dtype=object))
    reason = {"a": "g1: all 50 labels are a"}.get(preference, "g1: 0 usable pairs, fewer than the 5 folds")
    with pytest.raises(InputError, match=rf"judge `odd` has no usable group.*{re.escape(reason)}.*pooled: "):
        study.fit(tmp_path)


# --- held-out scores --------------------------------------------------------------------------------------------------


def test_scores_on_rows_that_were_not_seen(tmp_path):
    study = Study()
    fits = study.fit(tmp_path)
    cell = study.cells()[2]
    probability, majority = np.zeros(N), np.zeros(N)
    for train, test in prompt_folds(cell.prompts, SETTINGS.folds, SETTINGS.seed):
        alpha = estimate(cell.x[train], cell.y[train], cell.weight[train])
        probability[test] = 1 / (1 + np.exp(-(cell.x[test] @ alpha)))
        majority[test] = cell.y[train].mean()
    row = quality(fits, "j1", "pooled")
    y = cell.y
    assert row["accuracy"] == pytest.approx(np.mean(np.where(probability == 0.5, 0.5, (probability > 0.5) == y)))
    assert row["log_loss"] == pytest.approx(-np.mean(np.log(np.where(y == 1, probability, 1 - probability))), abs=1e-6)
    assert row["brier"] == pytest.approx(np.mean((probability - y) ** 2), abs=1e-6)
    pairs = [(p > q) + 0.5 * (p == q) for p in probability[y == 1] for q in probability[y == 0]]
    assert row["auc"] == pytest.approx(np.mean(pairs), abs=2e-3)  # rounding may order rows that are equal
    assert row["majority_accuracy"] == pytest.approx(np.mean(np.where(majority == 0.5, 0.5, (majority > 0.5) == y)))
    length = cell.x[:, 2]
    assert row["length_accuracy"] == pytest.approx(np.mean(np.where(length == 0, 0.5, (length > 0) == y)))
    assert row["accuracy"] > 0.7 > row["majority_accuracy"]


def test_scores_by_hand():
    y, probability = np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.1])
    found = scores(y, probability, np.ones(4))
    assert found["accuracy"] == pytest.approx((1 + 0 + 0.5 + 1) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.5, 0.9]).mean())
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.25 + 0.01) / 4)
    assert found["auc"] == pytest.approx(3 / 4)
    assert found["calibration_error"] == pytest.approx((0.1 + 0.6 + 0.5 + 0.1) / 4)
    # Two halves of a tie: weight counts, and a bin's errors cancel.
    tie = scores(np.array([1, 0]), np.array([0.7, 0.7]), np.full(2, 0.5))
    assert tie["accuracy"] == 0.5 and tie["calibration_error"] == pytest.approx(0.2)


def test_calibration_error_uses_ten_equal_bins():
    probability = np.array([0.0, 0.05, 0.1, 0.19, 1.0])
    y = np.array([0, 1, 0, 0, 1])
    # Bins: {0, 0.05} off by 0.95 together, {0.1, 0.19} by 0.29, {1} by 0.
    assert calibration_error(y, probability, np.ones(5)) == pytest.approx((0.95 + 0.29) / 5)
    assert calibration_error(y, probability, np.array([1, 2, 1, 1, 1.0])) == pytest.approx((1.9 + 0.29) / 6)


# --- judges whose truth is known --------------------------------------------------------------------------------------


def simulated_features(n: int, seed: int) -> pd.DataFrame:
    """Signs of all 29 properties, correlated as real ones are: a common factor moves them together."""
    rng = np.random.default_rng(seed)
    names = list(load_catalogue())
    latent = rng.normal(0, 1, (n, len(names))) + 0.6 * rng.normal(0, 1, (n, 1))
    sign = np.sign(latent) * (np.abs(latent) > 0.5)
    wide = pd.DataFrame(sign, columns=names, index=pd.Index([f"p{i:05d}" for i in range(n)], name="pair_id"))
    table = wide.melt(var_name="property", value_name="sign", ignore_index=False).reset_index()
    return table.assign(sign=table["sign"].astype(int), graded=table["sign"], annotator="x")


def test_a_simulated_judge_is_recovered_from_5000_pairs(tmp_path):
    n, names = 5000, list(load_catalogue())
    features = simulated_features(n, 0)
    truth = dict(zip(names, np.round(np.random.default_rng(1).normal(0, 0.5, len(names)), 2)))
    truth |= dict.fromkeys(names[::5], 0.0)
    judgements = simulate(features, "j", truth | {"no such property": 3.0}, seed=2)
    validate(judgements, "judgements", "test")
    matrix = feature_matrix(features)
    pairs = pd.DataFrame({"pair_id": matrix.index, "prompt_id": matrix.index})
    groups = pairs[["pair_id"]].assign(group="pooled", kind="pooled")
    cells = build_cells(pairs, groups, matrix, combine(judgements), "drop")
    settings = FitSettings("map", 0.1, 10, 0, 0)
    fits = fit_cells(cells, list(matrix), [], n, settings, cache_dir=tmp_path)
    found = fits.coefficients.set_index("property")["mean"]
    expected = pd.Series(truth)[found.index]
    # The posterior standard deviation is about 0.05; the prior pulls by about as much again.
    assert (found - expected).abs().max() < 0.2 and np.corrcoef(found, expected)[0, 1] > 0.99
    clear = expected.abs() > 0.25
    assert clear.sum() > 10 and (np.sign(found[clear]) == np.sign(expected[clear])).all()
    chance = expit(matrix.to_numpy() @ expected[list(matrix)].to_numpy())
    attainable = np.maximum(chance, 1 - chance).mean()  # by somebody who knows the truth
    assert attainable - 0.03 < fits.fit_quality["accuracy"].iloc[0] < attainable + 0.02
    assert set(fits.coefficients["group"]) == {"pooled"}  # no scenario group, no mean over them


def test_a_simulated_judge_follows_its_seed():
    features = simulated_features(200, 0)
    first, again, other = (simulate(features, "j", {"clear": 1.0}, seed)["verdict"].tolist() for seed in (0, 0, 1))
    assert first == again != other
    certain = simulate(features, "j", {"lengthy": 1000.0}, 0).set_index("pair_id")["verdict"]
    length = feature_matrix(features)["lengthy"]
    assert (certain[length > 0] == "a").all() and (certain[length < 0] == "b").all()
    assert set(certain[length == 0]) == {"a", "b"}


# --- an estimator that knows its posterior ----------------------------------------------------------------------------


def test_intervals_are_those_of_the_posterior_of_the_full_data(tmp_path):
    study = Study()
    fits = study.fit(tmp_path, estimator="laplace_posterior")
    validate(fits.coefficients, "coefficients", "test")
    cell = next(cell for cell in study.cells() if (cell.judge, cell.group) == ("j1", "g1"))
    posterior = fit_posterior(cell.x, cell.y, cell.weight[None], prior_scale=SETTINGS.prior_scale)
    for name, expected in (
        ("mean", posterior.mean[0]),
        ("sd", posterior.sd[0]),
        ("q025", posterior.quantile(0.025)[0]),
        ("q975", posterior.quantile(0.975)[0]),
        ("false_sign", posterior.false_sign()[0]),
        ("degree_q025", 100 * expit(posterior.quantile(0.025)[0])),
    ):
        np.testing.assert_allclose(column(fits, "j1", "g1", name).astype(float), expected, atol=2e-4, err_msg=name)
    assert column(fits, "j1", "g1", "word")["friendly"] == "rewards"
    # Resamples are kept beside it, for comparisons of judges.
    assert draws(fits, "j1", "g1").shape == (SETTINGS.resamples, 3)


def test_intervals_need_no_resamples_and_folds_are_refitted(tmp_path):
    study = Study()
    fits = study.fit(tmp_path, estimator="laplace_posterior", resamples=0)
    cell = next(cell for cell in study.cells() if (cell.judge, cell.group) == ("j2", "pooled"))
    rows = list(published_folds(len(cell.y)))
    alone = [
        fit_posterior(cell.x[kept], cell.y[kept], np.ones((1, len(kept))), prior_scale=0.5).mean[0] for kept in rows
    ]
    np.testing.assert_allclose(column(fits, "j2", "pooled", "fold_mean"), np.mean(alone, axis=0), atol=2e-4)
    assert (column(fits, "j2", "pooled", "word") != "no interval").all()


def test_the_interval_of_overall_joins_independent_posteriors(tmp_path):
    fits = Study().fit(tmp_path, estimator="laplace_posterior", resamples=0)
    means, sds = ([column(fits, "j1", group, name).astype(float) for group in ("g1", "g2")] for name in ("mean", "sd"))
    np.testing.assert_allclose(column(fits, "j1", OVERALL), np.mean(means, axis=0))
    expected = np.sqrt(np.square(sds).sum(axis=0)) / 2
    np.testing.assert_allclose(column(fits, "j1", OVERALL, "sd").astype(float), expected, rtol=0.15)


# --- an estimator that samples ----------------------------------------------------------------------------------------


class Sampler:
    """Stands for sampling where only the diagnostics matter: the posterior is that of `laplace_posterior`."""

    RESAMPLED = False

    def __init__(self, rhat: float = 1.0):
        self.rhat, self.calls = rhat, []

    def fit_posterior(self, x, y, weights, *, prior_scale, seed, chains):
        self.calls.append((len(weights), seed, chains))
        found = fit_posterior(x, y, weights, prior_scale=prior_scale)
        spread = np.linspace(0, 1, len(weights))
        names = {"rhat": 1 + (self.rhat - 1) * spread, "ess": 5000 - spread, "divergences": spread // 1}
        object.__setattr__(found, "diagnostics", names | {"draws": np.full(len(weights), 8000)})
        return found


def sampled(monkeypatch, tmp_path, sampler: Sampler):
    monkeypatch.setattr(fitting, "load_estimator", lambda name: sampler)
    return Study().fit(tmp_path, estimator="nuts", options={"chains": 4})


def test_worst_diagnostics_of_a_cell_are_in_the_table_and_nothing_is_resampled(tmp_path, monkeypatch):
    sampler = Sampler(rhat=1.009)
    fits = sampled(monkeypatch, tmp_path, sampler)
    quality = fits.fit_quality
    assert quality["rhat"].tolist() == pytest.approx([1.009] * len(quality))
    assert quality["ess"].tolist() == [4999] * len(quality) and quality["divergences"].tolist() == [1] * len(quality)
    assert {len(array) for array in fits.draws["draws"]} == {0}
    assert (fits.coefficients["word"] != "no interval").all()
    fits_per_cell, seeds, chains = zip(*sampler.calls, strict=True)
    assert set(fits_per_cell) == {1 + 10 + SETTINGS.folds} and set(chains) == {4}
    assert len(set(seeds)) == len(seeds)


def test_chains_that_have_not_mixed_stop_the_run_and_are_named(tmp_path, monkeypatch):
    with pytest.raises(InputError) as caught:
        sampled(monkeypatch, tmp_path, Sampler(rhat=1.2))
    message = str(caught.value)
    assert message.startswith("estimator `nuts`, judge `j1`, g1: the chains have not mixed in 15 of 16 fits")
    assert "R-hat 1.013" in message and "regression.nuts" in message and "laplace_posterior" in message


def test_cells_that_were_finished_before_a_stop_are_kept(tmp_path, monkeypatch):
    good, calls = Sampler(), []

    def fit_or_stop(*args, **options):
        calls.append(1)
        if len(calls) == 3:
            raise InputError("stopped")
        return Sampler.fit_posterior(good, *args, **options)

    monkeypatch.setattr(good, "fit_posterior", fit_or_stop)
    with pytest.raises(InputError, match="stopped"):
        sampled(monkeypatch, tmp_path, good)
    sampled(monkeypatch, tmp_path, good)
    assert len(calls) == 3 + 4  # six cells, two of them kept
