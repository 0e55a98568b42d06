"""Win rates in AlpacaEval's form, held against its published leaderboard."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from prefdissect.errors import InputError
from prefdissect.manipulation import alpaca_files, win_rates

MODELS = [
    "gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_verbose", "gpt-3.5-turbo-1106_concise", "claude-2",
    "FuseChat-Llama-3.1-8B-Instruct", "falcon-7b-instruct", "text_davinci_001",
]  # fmt: skip


@pytest.fixture(scope="module")
def published(request):
    folder = request.getfixturevalue("shared_data") / "alpaca-eval"
    annotations = pd.read_parquet(folder / "annotations.parquet")
    board, weights = (
        pd.read_csv(folder / f"{name}.csv").set_index("model") for name in ("leaderboard", "lc_glm_weights")
    )
    return annotations, board, weights, pd.read_csv(folder / "instruction_difficulty.csv")


@pytest.mark.study
@pytest.mark.parametrize("model", MODELS)
def test_published_win_rates_and_standard_errors(published, model):
    annotations, board, _, _ = published
    rows, row = annotations[annotations["model"] == model], board.loc[model]
    found = win_rates.win_rate(rows["preference"].to_numpy())
    assert found.win_rate == pytest.approx(row["win_rate"], abs=1e-6)
    assert found.standard_error == pytest.approx(row["standard_error"], abs=1e-6)
    assert (found.n_wins, found.n_wins_base, found.n_draws) == (row["n_wins"], row["n_wins_base"], row["n_draws"])
    assert found.discrete_win_rate == pytest.approx(row["discrete_win_rate"], abs=1e-9)


@pytest.mark.study
@pytest.mark.parametrize("model", MODELS)
def test_published_length_controlled_win_rates(published, model):
    _, board, weights, difficulty = published
    found = win_rates.published_length_controlled(weights.loc[model].to_dict(), difficulty["difficulty"].to_numpy())
    near = 0.02 if model == "text_davinci_001" else 1e-6
    assert found == pytest.approx(board.loc[model, "length_controlled_winrate"], abs=near)


@pytest.mark.study
def test_published_annotations_written_and_read_give_the_leaderboard(published, tmp_path):
    annotations, board, _, _ = published
    rows = annotations[annotations["model"] == "claude-2"].assign(generator_2="claude-2")
    alpaca_files.write_annotations(tmp_path / "annotations.json", rows)
    again = alpaca_files.read_annotations(tmp_path / "annotations.json")
    alpaca_files.write_leaderboard(tmp_path / "board.csv", alpaca_files.leaderboard(again))
    table = pd.read_csv(tmp_path / "board.csv", index_col=0)
    assert list(table) == list(board)
    same = ["win_rate", "standard_error", "n_wins", "n_wins_base", "n_draws", "n_total", "avg_length"]
    assert table.loc["claude-2", same].to_numpy(float) == pytest.approx(board.loc["claude-2", same].to_numpy(float))


@pytest.mark.study
def test_annotations_exactly_as_published_are_read(shared_data):
    rows = alpaca_files.read_annotations(shared_data / "alpaca-eval-raw" / "annotations.json")
    assert len(rows) and rows["preference"].dropna().between(1, 2).all()


def test_zero_and_missing_preferences():
    found = win_rates.win_rate(np.array([0, 2.0, np.nan, 1.5, 1.0]))
    assert (found.n_wins, found.n_wins_base, found.n_draws, found.n_total) == (1, 1, 2, 4)
    assert found.win_rate == 50


@pytest.mark.parametrize(("values", "what"), [([np.nan], "no instruction"), ([1.2, 2.5], "holds the preference 2.5")])
def test_faults(values, what):
    with pytest.raises(InputError, match=what):
        win_rates.win_rate(np.array(values))


def test_length_control_takes_away_what_length_did_and_leaves_the_rest():
    rng = np.random.default_rng(0)
    n = 4000
    arm = np.repeat([0, 1, 2], n)
    model = rng.normal(100, 30, 3 * n) + np.where(arm == 1, 40, 0)  # arm 1 is longer and no better, arm 2 is better
    baseline = rng.normal(100, 30, 3 * n)
    term = win_rates.length_term(baseline, model)
    truth = np.array([0.0, 0.0, 1.0])
    share = 1 / (1 + np.exp(-(truth[arm] - 1.5 * term)))
    raw = [100 * share[arm == number].mean() for number in range(3)]
    fit = win_rates.fit_length_control(share, arm, term, np.ones(3 * n))
    assert raw[1] > 60
    assert fit.win_rates[0] == pytest.approx([50, 50, 73.1], abs=0.5)
    assert fit.length[0] == pytest.approx(-1.5, abs=0.02)


def test_length_control_of_a_judge_of_length_alone_stays_finite():
    term = win_rates.length_term(np.full(50, 10.0), np.arange(50.0))
    share = (np.arange(50) > 10).astype(float)
    fit = win_rates.fit_length_control(share, np.zeros(50, int), term, np.ones(50))
    assert np.isfinite(fit.arms).all() and fit.length[0] < -5


def outputs(**changes):
    return [{"instruction": "Name a tree.", "output": "Oak.", "generator": "m"} | changes]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (outputs() * 2, "row 2: the instruction occurs twice"),
        ([{"instruction": "x"}], "row 1: key `output` is missing"),
        (outputs(output=3), "row 1: key `output` is 3"),
        ([], "holds no list of rows"),
    ],
)
def test_faults_in_outputs(tmp_path, rows, what):
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InputError, match=what):
        alpaca_files.read_outputs(path)


def test_outputs_survive_writing(tmp_path):
    rows = pd.DataFrame(outputs(output="Eiche 🌳"))
    alpaca_files.write_outputs(tmp_path / "outputs.json", rows, "trees")
    again = alpaca_files.read_outputs(tmp_path / "outputs.json")
    assert again.to_dict("records") == [outputs(output="Eiche 🌳")[0] | {"dataset": "trees"}]
