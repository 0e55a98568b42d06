"""Preference data from a regression, and what is said where fine-tuning cannot start."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from manipulating import obedient
from prefdissect.errors import InputError
from prefdissect.manipulation import tuning
from prefdissect.manipulation.preference_data import predicted, preference_data
from prefdissect.tables import conform


@pytest.fixture
def pairs() -> pd.DataFrame:
    rows = [
        {"pair_id": f"p{n}", "prompt_id": f"q{n}", "prompt": f"Ask {n}", "source": "made"}
        | {"response_a": f"long {n}", "response_b": f"short {n}"}
        for n in range(40)
    ]
    return conform(pd.DataFrame(rows), "pairs")


@pytest.fixture
def chance(pairs) -> pd.Series:
    signs = np.resize([1.0, -1.0, 0.0, 1.0], len(pairs))
    return predicted(pd.DataFrame({"lengthy": signs}, index=pairs["pair_id"]), pd.Series({"lengthy": 1.2}))


def test_labels_follow_the_regression_and_near_calls_are_dropped(pairs, chance):
    towards = preference_data(pairs, chance, "towards", margin=15, seed=1)
    assert len(towards) == 30, "every fourth pair is a near call"
    for row in towards.itertuples():
        likelier = "long" if chance[row.pair_id] > 0.5 else "short"
        assert row.chosen.startswith(likelier) and not row.rejected.startswith(likelier)
    assert towards["probability"].to_numpy() == pytest.approx(np.full(30, 1 / (1 + np.exp(-1.2))))


def test_against_is_inverted_and_shuffled_agrees_with_neither(pairs, chance):
    towards, against, shuffled = (
        preference_data(pairs, chance, arm, margin=15, seed=1) for arm in ("towards", "against", "shuffled")
    )
    assert against["chosen"].tolist() == towards["rejected"].tolist()
    assert (shuffled["chosen"] == towards["chosen"]).sum() == (len(towards) + 1) // 2
    pd.testing.assert_frame_equal(shuffled, preference_data(pairs, chance, "shuffled", margin=15, seed=1))
    assert (shuffled["chosen"] != preference_data(pairs, chance, "shuffled", margin=15, seed=2)["chosen"]).any()


def test_no_pair_left_is_said(pairs, chance):
    with pytest.raises(InputError, match="no pair has a predicted probability beyond 50 .+ 30 per cent"):
        preference_data(pairs, chance, "towards", margin=30, seed=1)


def test_a_program_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="config key `tune_python`: `/no/python` is no program"):
        tuning.find_tuner("/no/python", tmp_path)
    assert tuning.find_tuner("", tmp_path) == sys.executable


def test_an_environment_without_trl_is_told_what_to_install(pairs, chance, tmp_path):
    rows = preference_data(pairs, chance, "towards", margin=15, seed=1)
    record = obedient(tmp_path) | {"kind": "transformers", "model": str(tmp_path / "none")}
    with pytest.raises(InputError, match="generator `obedient`: .* lacks the package `(peft|trl)`: make install-tune"):
        tuning.tune(
            record, rows, {"seed": 1, "dtype": "float32"}, tmp_path / "out", sys.executable, log=lambda line: None
        )
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))
