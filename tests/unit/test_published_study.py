"""A study of published coefficients: its config, its tables, and the paper's numbers from them to the last digit."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs import base, error
from prefdissect.attributes import attribute_similarity, attribute_table
from prefdissect.catalogue import load_catalogue
from prefdissect.config import Study, load_study, read_config
from prefdissect.differences import between_judges, by_group, of_versions, similarity_of_versions
from prefdissect.errors import InputError
from prefdissect.figure_list import aligned_versions, compared_attributes, figures_of, shown_attributes
from prefdissect.group_resampling import degree_intervals, group_weights, resampled_mean
from prefdissect.groups import scenario_groups
from prefdissect.names import OVERALL
from prefdissect.published_study import published_tables
from prefdissect.stages.comparing import compare_judges, contrast_judges
from prefdissect.stages.importing import import_published
from prefdissect.tables import read_table

CATALOGUE = load_catalogue()
COMPARED = (
    "similarity", "judge_reliability", "clusters", "linkage", "cluster_numbers", "nearest_judges",
    "control_similarity", "base_similarity", "attribute_similarity",
)  # fmt: skip
CONTRASTED = (
    "judge_differences", "group_differences", "base_differences", "drift", "flip_counts", "flipped_pairs"
)  # fmt: skip


# ---- small published files, made here


@pytest.fixture
def folder(tmp_path) -> Path:
    """Published files of three judges in two scenarios and one case."""
    target = tmp_path / "fitted"
    target.mkdir()
    rng = np.random.default_rng(1)
    for group in ("Advice", "Code", "w_stances"):
        rows = [{"model_name": name, "parameters": rng.normal(0, 0.3, 29).tolist()} for name in ("human", "A/b", "c")]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (target / f"model_{group}_fitted_paras.jsonl").write_text(text, encoding="utf-8")
    return target


def study(folder, **changes) -> dict:
    judges = [{"name": "human", "kind": "published"}, {"name": "A-b", "label": "A/b", "kind": "published"}]
    return {"study": "p", "measurements": "published", "published": str(folder), "judges": judges} | changes


def test_a_study_of_published_coefficients_needs_neither_sources_nor_annotators(folder):
    loaded = load_study(study(folder))
    assert loaded["sources"] == loaded["annotators"] == [] and loaded["figures"]["groups"] == [OVERALL]


def test_faults_in_the_config_are_named(folder, tmp_path):
    missing = error(study(tmp_path / "nowhere"))
    assert "config key `published`: the folder" in missing and "github.com/GAIR-NLP/Preference-Dissection" in missing
    assert "holds no `model_*_fitted_paras.jsonl`" in error(study(tmp_path))
    assert "config key `published` is missing" in error({"study": "p", "measurements": "published"})
    assert "config key `sources`" in error(study(folder, sources=[{"name": "x", "kind": "llmbar", "path": "x"}]))
    assert "config key `judges[0].kind` is 'rule'" in error(
        study(folder, judges=[{"name": "r", "kind": "rule", "rule": "coin"}])
    )
    assert "config key `judges[0].kind` is 'published'" in error(base(judges=[{"name": "p", "kind": "published"}]))
    assert "config key `comparison.differences[0][1]`: `x` is not known" in error(
        study(folder, comparison={"differences": [["human", "x"]]})
    )


def test_tables_take_the_names_of_the_study_and_leave_what_was_not_published_empty(folder):
    loaded = load_study(study(folder))
    table, groups = published_tables(str(folder), loaded.judges, CATALOGUE)
    assert list(dict.fromkeys(table["judge"])) == ["human", "A-b"]
    assert set(table["group"]) == {"Advice", "Code", "w_stances", OVERALL} and len(table) == 2 * 4 * 29
    assert table[["sd", "q025", "q975", "degree_q025", "degree_q975", "false_sign"]].isna().all(axis=None)
    assert set(table["word"]) == {"no interval"}
    assert scenario_groups(groups) == ["Advice", "Code"]
    wide = table.pivot(index=["judge", "property"], columns="group", values="degree")
    assert np.allclose(wide[OVERALL], wide[["Advice", "Code"]].mean(axis=1))


def test_a_judge_that_was_not_published_is_an_error(folder):
    records = load_study(study(folder, judges=[{"name": "gpt-9", "kind": "published"}])).judges
    with pytest.raises(InputError, match="judge `gpt-9` is not in the published files .*there are: A/b, c, human"):
        published_tables(str(folder), records, CATALOGUE)


def test_figures_are_known_from_the_config_alone(folder):
    judges = [
        {"name": "human", "kind": "published", "attributes": {"stage": "human"}},
        {"name": "A-b", "label": "A/b", "kind": "published", "attributes": {"size": "7"}},
        {"name": "c", "kind": "published", "attributes": {"base": "A/b"}},
    ]
    loaded = load_study(study(folder, judges=judges, comparison={"differences": [["human", "c"]], "base": "base"}))
    assert shown_attributes(loaded) == ["size", "stage"] and aligned_versions(loaded.judges, "base") == [("A-b", "c")]
    assert compared_attributes(loaded) == [{"name": "size"}, {"name": "stage"}]
    parts = figures_of(loaded)
    assert set(parts) == {"degree", "effects", "similarity"}
    assert "differences/human--c" in parts["effects"] and "aligned_shifts" in parts["effects"]
    assert list(parts["similarity"]) == ["similarity", "group_similarity", "attribute_similarity", "aligned_similarity"]


# ---- resampling of groups


def test_weights_are_shares_of_groups_and_the_seed_decides():
    weights = group_weights(11, seed=1, resamples=500)
    assert weights.shape == (500, 11) and np.allclose(weights.sum(axis=1), 1)
    assert (weights == group_weights(11, seed=1, resamples=500)).all()
    assert not (weights == group_weights(11, seed=2, resamples=500)).all()
    # The spread of a resampled mean is that of the mean of 11 independent groups.
    values = np.random.default_rng(3).normal(size=11)
    means = resampled_mean(values, group_weights(11, seed=1, resamples=20000))
    assert means.std() == pytest.approx(values.std() / np.sqrt(11), rel=0.03)


def test_a_group_without_a_value_is_left_out_of_a_resample():
    values = np.array([[1.0, np.nan], [3.0, np.nan]])
    means = resampled_mean(values, np.array([[0.5, 0.5], [1.0, 0.0]]))
    assert means[:, 0].tolist() == [2.0, 1.0] and np.isnan(means[:, 1]).all()


def test_classes_of_an_attribute_come_in_their_order():
    sizes = {"a": "70", "b": "7", "c": None, "d": "14", "e": "34", "f": "unknown"}
    records = {judge: {"attributes": {"size": size}} for judge, size in sizes.items()}
    table = attribute_table(records, [{"name": "size", "cuts": [14, 40]}])
    assert table["size"].to_dict() == {
        "b": "≤ 14", "d": "≤ 14", "e": "> 14 to 40", "a": "> 40", "c": None, "f": None
    }  # fmt: skip
    pairs = pd.DataFrame([(*pair, 0.5) for pair in combinations(sizes, 2)], columns=["judge_1", "judge_2", "value"])
    kinds = attribute_similarity(pairs, table, "size")
    assert list(dict.fromkeys(kinds["level_1"])) == ["≤ 14", "> 14 to 40", "> 40", "none"]
    assert kinds["n_pairs"].sum() == 15


# ---- the paper's numbers


@pytest.fixture(scope="module")
def paper(shared_data, root) -> Study:
    config = read_config(root / "workflow/studies/published.yaml")
    return load_study(config | {"data_dir": str(shared_data / "preference-dissection")})


@pytest.fixture(scope="module")
def tables(paper, tmp_path_factory) -> dict[str, pd.DataFrame]:
    """The tables of the published study, made by its stages."""
    out = tmp_path_factory.mktemp("published")
    names = ("coefficients", "fit_quality", "draws", "pairs", "groups", "preferences", *COMPARED, *CONTRASTED)
    files = {name: str(out / f"{name}.parquet") for name in names}
    files |= {"group_similarity": str(out / "g.csv"), "undefined": str(out / "u.json")}
    import_published(paper["published"], paper.judges, paper.catalogue_path, files)
    settings = {**paper["comparison"], "resample": "groups", "resamples": 200, "seed": 1}
    compare_judges(files, paper.judges, settings, files)
    contrast_judges(files, paper.judges, settings, files)
    return {name: read_table(files[name], name) for name in names if name != "draws"}


@pytest.fixture(scope="module")
def overall(tables) -> pd.DataFrame:
    table = tables["similarity"]
    assert set(table["metric"]) >= {"pearson"}
    return table[(table["group"] == OVERALL) & (table["metric"] == "pearson")]


def similarity(table: pd.DataFrame, one: str, other: str) -> float:
    chosen = table[table["judge_1"].isin([one, other]) & table["judge_2"].isin([one, other])]
    assert len(chosen) == 1
    return float(chosen["value"].iloc[0])


def test_similarity_within_and_between_sizes(paper, overall):
    kinds = attribute_similarity(overall, attribute_table(paper.judges, paper["comparison"]["attributes"]), "size")
    found = kinds.set_index(["level_1", "level_2"])
    assert round(found.loc[("≤ 14", "≤ 14"), "value"], 3) == 0.828 and found.loc[("≤ 14", "≤ 14"), "n_pairs"] == 190
    assert round(found.loc[("> 14", "> 14"), "value"], 3) == 0.883 and found.loc[("> 14", "> 14"), "n_pairs"] == 45
    assert round(found.loc[("≤ 14", "> 14"), "value"], 3) == 0.737 and found.loc[("≤ 14", "> 14"), "n_pairs"] == 200


def test_named_pairs_and_the_extremes(overall):
    assert round(similarity(overall, "human", "gpt-4-1106-preview"), 4) == 0.7419
    largest, smallest = (overall.loc[overall["value"].idxmax()], overall.loc[overall["value"].idxmin()])
    assert {largest["judge_1"], largest["judge_2"]} == {"qwen-14b", "qwen-14b-chat"}
    assert {smallest["judge_1"], smallest["judge_2"]} == {"llama-2-7b", "gpt-4-1106-preview"}
    assert round(largest["value"], 4) == 0.9632 and round(smallest["value"], 4) == 0.2201


def test_intervals_resample_scenario_groups_and_exist_nowhere_else(tables, overall):
    assert (overall["q025"] <= overall["value"]).all() and (overall["value"] <= overall["q975"]).all()
    others = tables["similarity"][tables["similarity"]["group"] != OVERALL]
    assert others[["q025", "q975"]].isna().all(axis=None)
    coefficients = tables["coefficients"]
    assert coefficients[["sd", "q025", "q975", "degree_q025", "degree_q975"]].isna().all(axis=None)
    assert set(coefficients["word"]) == {"no interval"}
    assert tables["linkage"]["support"].between(0, 1).all()


@pytest.mark.parametrize(
    ("judge", "prop", "degree"),
    [
        ("human", "no_severe_errors", 62.86),
        ("gpt-4-1106-preview", "no_severe_errors", 76.19),
        ("qwen-72b-chat", "no_severe_errors", 65.27),
        ("human", "no_moderate_errors", 52.45),
        ("gpt-4-1106-preview", "no_moderate_errors", 58.00),
    ],
)
def test_degrees_in_the_mean_over_scenarios(tables, judge, prop, degree):
    rows = degree_intervals(tables["coefficients"], scenario_groups(tables["groups"]), seed=1)
    row = rows[(rows["judge"] == judge) & (rows["property"] == prop)].iloc[0]
    assert round(row["degree"], 2) == degree and row["degree_q025"] < degree < row["degree_q975"]


def test_no_other_judge_comes_near_in_severe_errors(tables):
    rows = tables["coefficients"].query("group == 'overall' and property == 'no_severe_errors'")
    assert list(rows.sort_values("degree", ascending=False)["judge"][:2]) == ["gpt-4-1106-preview", "qwen-72b-chat"]


@pytest.mark.parametrize(
    ("judge", "prop", "degree"),
    [
        ("human", "lengthy", 61.9),
        ("human", "friendly", 58.8),
        ("human", "admits_limits", 38.7),
        ("gpt-4-1106-preview", "no_severe_errors", 78.3),
    ],
)
def test_degrees_in_communication(tables, judge, prop, degree):
    rows = tables["coefficients"].query("group == 'Communication'")
    assert round(rows[(rows["judge"] == judge) & (rows["property"] == prop)]["degree"].iloc[0], 1) == degree


def test_aligned_versions_against_their_base_models(paper, overall, tables):
    versions = aligned_versions(paper.judges, "base")
    table = similarity_of_versions(tables["base_similarity"], OVERALL)
    mean = table.groupby("base")["value"].mean()
    assert len(versions) == len(table) == 20 and len(mean) == 10
    assert round(mean["llama-2-7b"], 3) == 0.515
    assert round(similarity(overall, "llama-2-7b", "llama-2-7b-chat"), 3) == 0.469
    others = mean.drop("llama-2-7b")
    assert round(others.min(), 2) == 0.84 and round(others.max(), 2) == 0.96
    assert len(of_versions(tables["base_differences"], OVERALL)) == 20 * 29


def test_the_difference_that_is_drawn_is_that_of_the_degrees(tables):
    judges, coefficients = ("human", "gpt-4-1106-preview"), tables["coefficients"]
    drawn = between_judges(tables["judge_differences"], judges, OVERALL).set_index("property")
    degree = coefficients[coefficients["group"] == OVERALL].pivot(index="property", columns="judge", values="degree")
    assert len(drawn) == 29 and np.allclose(drawn["value"], (degree[judges[0]] - degree[judges[1]])[drawn.index])
    assert (drawn["q025"] <= drawn["value"]).all() and (drawn["value"] <= drawn["q975"]).all()
    points = by_group(coefficients, judges, scenario_groups(tables["groups"]))
    assert len(points) == 11 * 29
    assert np.allclose(points.groupby("property")["value"].mean()[drawn.index], drawn["value"])
