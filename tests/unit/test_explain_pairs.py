"""The stage that writes contributions: every judge and scenario group, sums that are the prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from prefdissect.stages.fitting import explain_pairs
from prefdissect.tables import conform, read_table, write_table

ALPHA = {"lengthy": 0.4, "clear": -0.2}


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    ids = [f"p{number}" for number in range(12)]
    features = pd.DataFrame(
        [
            {"pair_id": pair, "property": name, "sign": sign, "graded": float(sign), "annotator": "x"}
            for pair in ids
            for name, sign in zip(ALPHA, rng.integers(-1, 2, 2))
        ]
    )
    groups = pd.DataFrame({"pair_id": ids, "group": ["g1"] * 5 + ["g2"] * 7, "kind": "scenario"})
    groups = pd.concat([groups, groups.assign(group="pooled", kind="pooled")])
    coefficients = pd.DataFrame(
        [
            {"judge": judge, "group": group, "property": name, "estimator": "map", "mean": scale * alpha,
             "degree": 50.0, "word": "no interval", "n_pairs": 5}
            for judge, scale in (("j", 1), ("k", -2)) for group in ("g1", "g2", "pooled", "overall")
            for name, alpha in ALPHA.items()
        ]
    )  # fmt: skip
    tables = {"features": features, "groups": groups, "coefficients": coefficients}
    for name, table in tables.items():
        write_table(conform(table, name), tmp_path / f"{name}.parquet", name)
    return {name: str(tmp_path / f"{name}.parquet") for name in tables} | {"output": str(tmp_path / "out.parquet")}


def test_contributions_of_a_pair_sum_to_its_prediction(files):
    explain_pairs(graded=False, **files)
    table = read_table(files["output"], "contributions")
    assert set(zip(table["judge"], table["group"])) == {(judge, group) for judge in "jk" for group in ("g1", "g2")}
    features = read_table(files["features"], "features").pivot(index="pair_id", columns="property", values="sign")
    sums = table[table["judge"] == "k"].groupby("pair_id")[["log_odds", "probability"]].sum()
    predicted = features.loc[sums.index, list(ALPHA)].to_numpy() @ (-2 * np.array(list(ALPHA.values())))
    assert sums["log_odds"].to_numpy() == pytest.approx(predicted)
    assert sums["probability"].to_numpy() == pytest.approx(expit(predicted) - 0.5)


def test_without_scenarios_all_pairs_together_are_explained(files):
    groups = read_table(files["groups"], "groups")
    write_table(groups[groups["kind"] == "pooled"].reset_index(drop=True), files["groups"], "groups")
    explain_pairs(graded=False, **files)
    assert set(read_table(files["output"], "contributions")["group"]) == {"pooled"}
