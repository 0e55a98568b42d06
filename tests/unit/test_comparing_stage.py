"""The stages that compare judges, file to file, for studies of every awkward shape."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from prefdissect.comparison_schemas import COMPARISON_SCHEMAS
from prefdissect.errors import InputError
from prefdissect.stages.comparing import compare_judges, contrast_judges
from prefdissect.tables import read_table, write_table

pytestmark = pytest.mark.filterwarnings("error")
ALIKE = [
    "similarity", "judge_reliability", "clusters", "linkage", "cluster_numbers", "nearest_judges", "control_similarity",
    "base_similarity", "attribute_similarity",
]  # fmt: skip
DIFFERENT = ["judge_differences", "group_differences", "base_differences", "drift", "flip_counts", "flipped_pairs"]
PAIRS = pd.DataFrame({"pair_id": [f"p{n}" for n in range(40)], "prompt_id": [f"q{n // 2}" for n in range(40)]})
SETTINGS = {
    "human": "", "group": "overall", "clusters": 0, "resample": "prompts", "permutations": 99, "base": "base",
    "attributes": [{"name": "stage", "within": "", "cuts": [], "chosen_after_seeing": False}], "differences": [],
    "group_differences": [], "drift": [], "seed": 1,
}  # fmt: skip


def study(folder, n_judges=6, resamples=20, zero=(), absent=(), **settings):
    """Write the tables of a study and run both stages; gives the tables written, and those of the second stage."""
    rng = np.random.default_rng(0)
    judges = [f"j{n}" for n in range(n_judges)]
    rows, preferences = [], []
    for judge, group, prop in itertools.product(judges, ["g1", "g2", "pooled"], ["x", "y", "z", "w"]):
        if (judge, group) not in absent:
            scale = 0.0 if judge in zero else 1.0
            row = {"judge": judge, "group": group, "property": prop, "mean": scale * rng.normal(), "estimator": "map"}
            rows.append(
                row
                | {"degree": 50.0, "word": "no interval", "n_pairs": 20, "draws": scale * rng.normal(size=resamples)}
            )
    for judge in judges:
        sides = rng.choice(["a", "b", "tie", None], 40, p=[0.45, 0.4, 0.1, 0.05])
        preferences.append(
            pd.DataFrame({"judge": judge, "pair_id": PAIRS["pair_id"], "preference": sides}, dtype=object)
        )
    members = {"g1": slice(0, 20), "g2": slice(20, 40), "pooled": slice(0, 40)}
    kinds = {"pooled": "pooled"}
    groups = [
        PAIRS.loc[:, ["pair_id"]][inside].assign(group=group, kind=kinds.get(group, "scenario"))
        for group, inside in members.items()
    ]
    inputs = {
        name: str(folder / f"{name}.parquet") for name in ("coefficients", "draws", "pairs", "groups", "preferences")
    }
    table = pd.DataFrame(rows)
    write_table(table.drop(columns="draws"), inputs["coefficients"], "coefficients")
    table[["judge", "group", "property", "draws"]].to_parquet(inputs["draws"], index=False)
    texts = dict.fromkeys(("prompt", "response_a", "response_b", "source"), "text")
    write_table(PAIRS.assign(**texts), inputs["pairs"], "pairs")
    write_table(pd.concat(groups), inputs["groups"], "groups")
    write_table(pd.concat(preferences), inputs["preferences"], "preferences")
    records = {
        judge: {"label": judge, "kind": "recorded", "attributes": {"stage": "ab"[number % 2]}}
        for number, judge in enumerate(judges)
    }
    if n_judges > 2:
        records["j1"]["attributes"]["base"] = "j0"
        records["j2"] |= {"kind": "rule", "rule": "coin"}
    outputs = {name: str(folder / f"out-{name}") for name in [*ALIKE, *DIFFERENT, "group_similarity", "undefined"]}
    given = SETTINGS | {"resamples": resamples} | settings
    compare_judges(inputs, records, given, outputs)
    contrast_judges(inputs, records, given, outputs)
    return {name: read_table(outputs[name], name) for name in [*ALIKE, *DIFFERENT]}


def test_every_table_of_the_comparison_is_written():
    assert {*ALIKE, *DIFFERENT} == {schema.name for schema in COMPARISON_SCHEMAS}


def test_an_ordinary_study(tmp_path):
    asked = {"human": "j0", "group_differences": [["g1", "overall"]], "drift": [["j0", "j1"]]}
    tables = study(tmp_path, **asked)
    assert all(len(table) for table in tables.values())
    metrics = {"pearson", "spearman", "cosine", "pearson_corrected", "agreement", "kappa"}
    assert set(tables["similarity"]["metric"]) == metrics
    assert set(tables["similarity"]["group"]) == {"g1", "g2", "pooled", "overall"}


def test_without_resamples_nothing_fails_and_intervals_are_null(tmp_path):
    tables = study(tmp_path, resamples=0, human="j0", drift=[["j0", "j1"]])
    for name in ("similarity", "nearest_judges", "base_similarity", "attribute_similarity", "drift", "flip_counts"):
        assert len(tables[name]) and tables[name][["q025", "q975", "interval"]].isna().all(axis=None), name
    assert tables["cluster_numbers"]["share_chosen"].isna().all() and tables["judge_reliability"].empty


@pytest.mark.parametrize("n_judges", [1, 2])
def test_one_and_two_judges(tmp_path, n_judges):
    tables = study(tmp_path, n_judges=n_judges)
    assert len(tables["clusters"]) == n_judges and tables["cluster_numbers"].empty
    plain = tables["nearest_judges"].query("metric == 'pearson'")
    assert plain["neighbour"].tolist() == ([] if n_judges == 1 else ["j1", "j0"])


def test_judges_without_any_effect_and_judges_that_lack_a_group(tmp_path):
    tables = study(tmp_path, zero=["j3", "j4"], absent=[("j5", "g2")], human="j0")
    assert "j3" not in set(tables["clusters"]["judge"])
    similarity = tables["similarity"]
    lacking = similarity[(similarity["group"] == "g2") & (similarity["estimator"] == "map")]
    assert "j5" not in {*lacking["judge_1"], *lacking["judge_2"]} and lacking["value"].notna().any()
    silent = similarity[(similarity["judge_1"] == "j3") & (similarity["estimator"] == "map")]
    assert silent["value"].isna().all()
    differences = tables["judge_differences"]
    assert set(differences.loc[differences["judge_1"] == "j5", "group"]) == {"g1", "pooled", "overall"}


def test_all_coefficients_zero(tmp_path):
    tables = study(tmp_path, zero=[f"j{n}" for n in range(6)], human="j0")
    assert len(tables["clusters"]) <= 1 and tables["nearest_judges"].empty
    assert set(tables["judge_differences"]["word"]) == {"not distinguishable"}


@pytest.mark.study
def test_scenario_groups_as_the_unit(tmp_path):
    tables = study(tmp_path, resample="groups", human="j0")
    similarity = tables["similarity"].query("estimator == 'map'")
    assert set(similarity.dropna(subset="q025")["group"]) == {"overall"}
    assert set(similarity["interval"].dropna()) == {"scenario groups"}
    assert set(tables["judge_differences"]["word"]) == {"no interval", "not judged"}


def test_a_group_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="comparison.group.*`Code` does not exist"):
        study(tmp_path, group="Code")
