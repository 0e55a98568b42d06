"""Agreement and kappa of preferences against brute force and scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from prefdissect.comparison.labels import label_similarity
from prefdissect.names import OVERALL
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import validate

JUDGES, IDS = ["j1", "j2", "j3", "j4"], [f"p{n}" for n in range(60)]
PAIRS = pd.DataFrame({"pair_id": IDS, "prompt_id": [f"q{n // 3}" for n in range(60)]})
GROUPS = pd.DataFrame(
    {"pair_id": IDS + IDS[:25] + IDS[25:] + ["p3"], "group": ["pooled"] * 60 + ["g1"] * 25 + ["g2"] * 35 + ["lone"]}
)
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, str]]:
    rng = np.random.default_rng(0)
    given = {judge: dict(zip(IDS, rng.choice(["a", "b", "tie", None], 60, p=[0.4, 0.4, 0.1, 0.1]))) for judge in JUDGES}
    given["j4"] = {pair: value for pair, value in given["j4"].items() if pair not in ("p3", "p7")}
    return given


def similarity(verdicts, resamples=40):
    rows = [(judge, pair, value) for judge, given in verdicts.items() for pair, value in given.items()]
    preferences = pd.DataFrame(rows, columns=["judge", "pair_id", "preference"], dtype=object)
    table = label_similarity(
        PAIRS, GROUPS, preferences.sample(frac=1, random_state=1), ["g1", "g2"], resamples=resamples, seed=3
    )
    return validate(table, "similarity", "test").set_index(["group", "metric"])


def both_decided(verdicts, one, two, members):
    both = [(verdicts[one].get(pair), verdicts[two].get(pair)) for pair in members]
    return [pair for pair in both if set(pair) <= {"a", "b"}]


def test_every_value_by_brute_force(verdicts):
    table = similarity(verdicts)
    assert set(table["estimator"]) == {"labels"} and len(table) == (4 + 1) * 2 * 6
    for group in ("pooled", "g1", "g2", "lone"):
        members = GROUPS.loc[GROUPS["group"] == group, "pair_id"]
        for row in table.loc[group].itertuples():
            both = both_decided(verdicts, row.judge_1, row.judge_2, members)
            if not both:
                assert np.isnan(row.value)
            elif row.Index == "agreement":
                assert row.value == pytest.approx(np.mean([one == two for one, two in both]))
            elif group != "lone":
                assert row.value == pytest.approx(cohen_kappa_score(*zip(*both)))
    lone = table.loc[("lone", "kappa")]
    # One pair: kappa is 0 where judges differ and undefined where they agree.
    assert set(lone["value"].dropna()) == {0} and lone["value"].isna().any()
    assert lone.loc[lone["value"].isna(), "interval"].isna().all()


def test_overall_is_the_mean_over_scenario_groups(verdicts):
    table = similarity(verdicts)
    for metric in ("agreement", "kappa"):
        parts = [table.loc[(group, metric)].set_index(["judge_1", "judge_2"])["value"] for group in ("g1", "g2")]
        whole = table.loc[(OVERALL, metric)].set_index(["judge_1", "judge_2"])["value"]
        pd.testing.assert_series_equal(whole, (parts[0] + parts[1]) / 2)


def test_intervals_resample_prompts_as_the_fit_does(verdicts):
    table = similarity(verdicts).loc[("pooled", "agreement")].set_index(["judge_1", "judge_2"])
    counts = resample_counts(20, 40, 3)
    for one, two in itertools.combinations(JUDGES, 2):
        samples = []
        for count in counts:
            drawn = [
                pair for number, times in enumerate(count) for pair in IDS[3 * number : 3 * number + 3] * int(times)
            ]
            samples.append(np.mean([x == y for x, y in both_decided(verdicts, one, two, drawn)]))
        expected = np.quantile(samples, [0.025, 0.975])
        row = table.loc[(one, two)] if (one, two) in table.index else table.loc[(two, one)]
        np.testing.assert_allclose(row[["q025", "q975"]].astype(float), expected)
        assert row["interval"] == "prompts"


def test_without_resamples_there_is_no_interval_and_one_judge_has_no_pair(verdicts):
    table = similarity(verdicts, resamples=0)
    assert table[["q025", "q975", "interval"]].isna().all(axis=None) and table["value"].notna().any()
    assert len(similarity({"j1": verdicts["j1"]})) == 0
