"""Pairs whose preference flipped between two versions of a judge, against a table worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from prefdissect.comparison.contrast import contrast_preferences
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import validate

pytestmark = pytest.mark.filterwarnings("error")
#        p0   p1   p2     p3     p4    p5   p6
OLDER = ["a", "b", "a", "tie", "tie", None, "b"]
NEWER = ["b", "b", "tie", "a", "tie", "a", "a"]
PAIRS = pd.DataFrame({"pair_id": [f"p{n}" for n in range(7)], "prompt_id": ["q0", "q0", "q1", "q1", "q2", "q2", "q3"]})
GROUPS = pd.DataFrame(
    {"pair_id": [*PAIRS["pair_id"], "p1", "p6", "p4"], "group": ["pooled"] * 7 + ["g1"] * 2 + ["tied"]}
)


def contrast(resamples=50, drift=(("old", "new"),)):
    rows = [(judge, f"p{n}", side) for judge, sides in (("old", OLDER), ("new", NEWER)) for n, side in enumerate(sides)]
    preferences = pd.DataFrame(rows, columns=["judge", "pair_id", "preference"], dtype=object)
    preferences["margin"] = preferences["preference"].map({"a": 0.5, "b": -0.25, "tie": 0.0})
    settings = {"drift": [list(pair) for pair in drift], "resamples": resamples, "seed": 2}
    tables = contrast_preferences(PAIRS, GROUPS, preferences, settings)
    return {name: validate(table, name, "test") for name, table in tables.items()}


def test_every_change_is_listed_flips_first():
    table = contrast()["flipped_pairs"]
    changes = list(zip(table["pair_id"], table["change"]))
    assert changes == [("p0", "flipped"), ("p6", "flipped"), ("p2", "became undecided"), ("p3", "became decided")]
    first = table.iloc[0]
    assert (first["preference_older"], first["preference_newer"]) == ("a", "b")
    assert (first["margin_older"], first["margin_newer"]) == (0.5, -0.25)


def test_counts_and_intervals_per_group():
    table = contrast()["flip_counts"].set_index("group")
    row = table.loc["pooled"]
    assert (row["n_decided"], row["n_flipped"], row["n_became_undecided"], row["n_became_decided"]) == (3, 2, 1, 1)
    assert row["share_flipped"] == pytest.approx(2 / 3) and row["interval"] == "prompts"
    samples = [
        (count[0] + count[3]) / (2 * count[0] + count[3]) for count in resample_counts(4, 50, 2) if count[0] + count[3]
    ]
    np.testing.assert_allclose([row["q025"], row["q975"]], np.quantile(samples, [0.025, 0.975]))
    assert table.loc["g1", "n_flipped"] == 1 and table.loc["g1", "n_decided"] == 2
    tied = table.loc["tied"]
    assert tied["n_decided"] == 0 and tied[["share_flipped", "q025", "q975", "interval"]].isna().all()


def test_without_resamples_there_is_no_interval_and_without_versions_no_row():
    assert contrast(resamples=0)["flip_counts"][["q025", "q975", "interval"]].isna().all(axis=None)
    assert all(table.empty for table in contrast(drift=()).values())
