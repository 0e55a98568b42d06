"""The published coefficients of the paper, and the numbers that follow from them alone."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.regression.published import read_published_coefficients

CATALOGUE = load_catalogue()
SCENARIOS = 11


@pytest.fixture(scope="module")
def published(shared_data: Path) -> pd.DataFrame:
    folder = shared_data / "preference-dissection" / "fitted_paras_comparison"
    return read_published_coefficients(folder, CATALOGUE)


def scenario_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the 11 scenario groups: their names begin with a capital, those of the cases do not."""
    rows = table[table["group"].str[0].str.isupper()]
    assert rows["group"].nunique() == SCENARIOS
    return rows


def similarity(table: pd.DataFrame, judge_1: str, judge_2: str) -> float:
    values = []
    for _, rows in scenario_rows(table).groupby("group"):
        wide = rows.pivot(index="property", columns="judge", values="mean")
        values.append(np.corrcoef(wide[judge_1], wide[judge_2])[0, 1])
    return float(np.mean(values))


def test_all_judges_and_groups_are_there(published):
    assert len(published) == 16 * 33 * 29
    assert set(published["estimator"]) == {"published"} and set(published["word"]) == {"no interval"}
    assert published[["sd", "q025", "q975", "degree_q025", "degree_q975", "false_sign"]].isna().all().all()
    assert (published["mean"] == published["fold_mean"]).all()
    assert "gpt-4-1106-preview" in set(published["judge"])


def test_sizes_come_from_the_index_lists(published):
    sizes = published.groupby("group")["n_pairs"].agg(["min", "max"])
    assert (sizes["min"] == sizes["max"]).all()
    assert sizes["min"].to_dict()["Others"] == 820 and sizes["min"].to_dict()["express_feeling"] == 121


# The degrees and similarities below were computed from the published files by the people who collected them, and
# agree with the figures of the paper.
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
def test_mean_degree_of_preference_over_scenarios(published, judge, prop, degree):
    rows = scenario_rows(published)
    mean = rows[(rows["judge"] == judge) & (rows["property"] == prop)]["degree"].mean()
    assert mean == pytest.approx(degree, abs=0.005)


@pytest.mark.parametrize(
    ("judge", "prop", "degree"),
    [
        ("human", "lengthy", 61.9),
        ("human", "friendly", 58.8),
        ("human", "admits_limits", 38.7),
        ("gpt-4-1106-preview", "no_severe_errors", 78.3),
    ],
)
def test_degrees_in_communication(published, judge, prop, degree):
    key = published.set_index(["group", "judge", "property"])["degree"]
    assert key["Communication", judge, prop] == pytest.approx(degree, abs=0.05)


@pytest.mark.parametrize(
    ("judge_1", "judge_2", "value"),
    [
        ("human", "gpt-4-1106-preview", 0.7419),
        ("human", "gpt-3.5-turbo-1106", 0.6524),
        ("qwen-14b", "qwen-14b-chat", 0.9632),
        ("llama-2-7b", "llama-2-7b-chat", 0.4690),
        ("llama-2-7b", "gpt-4-1106-preview", 0.2201),
    ],
)
def test_similarity_of_two_judges(published, judge_1, judge_2, value):
    assert similarity(published, judge_1, judge_2) == pytest.approx(value, abs=5e-5)


def test_extremes_are_where_the_source_says(published):
    low, high = published.loc[published["mean"].idxmin()], published.loc[published["mean"].idxmax()]
    assert (low["group"], low["judge"], low["property"]) == (
        "intent_unclear",
        "mistral-7b-instruct-v0.1",
        "admits_limits",
    )
    assert (high["group"], high["judge"], high["property"]) == (
        "Knowledge-aware",
        "gpt-4-1106-preview",
        "no_severe_errors",
    )
    assert (round(low["mean"], 4), round(high["mean"], 4)) == (-0.8865, 1.7238)


def write_group(folder: Path, group: str, records: list[dict]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"model_{group}_fitted_paras.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_without_index_lists_and_order_the_catalogue_names_the_parameters(tmp_path):
    write_group(
        tmp_path / "coefficients", "Daily Tasks", [{"model_name": "m", "parameters": [i / 10 for i in range(29)]}]
    )
    table = read_published_coefficients(tmp_path / "coefficients", CATALOGUE)
    assert list(table["property"]) == CATALOGUE.names and set(table["group"]) == {"Daily Tasks"}
    assert set(table["n_pairs"]) == {0}
    assert table["degree"].iloc[28] == pytest.approx(100 / (1 + math.exp(-2.8)))


def test_a_published_order_beside_the_folder_is_followed(tmp_path):
    write_group(tmp_path / "coefficients", "Code", [{"model_name": "m", "parameters": [0.1, 0.2]}])
    order = [{"id": 1, "name": "friendly"}, {"id": 0, "name": "length"}]
    (tmp_path / "property_order.json").write_text(json.dumps(order), encoding="utf-8")
    (tmp_path / "query_aware_idxs.json").write_text(json.dumps({"Code": [3, 5, 7]}), encoding="utf-8")
    table = read_published_coefficients(tmp_path / "coefficients", CATALOGUE)
    assert dict(zip(table["property"], table["mean"], strict=True)) == {"lengthy": 0.1, "friendly": 0.2}
    assert set(table["n_pairs"]) == {3}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"model_name": "m", "parameters": [0.0] * 28}, "line 2: `parameters` holds 28 values .*29 numbers"),
        ({"model_name": "m", "parameters": None}, "line 2: `parameters` holds None"),
        ({"model_name": "m", "parameters": [0.0] * 28 + ["x"]}, "line 2: the parameter of `lengthy` is 'x'"),
        ({"model_name": "m", "parameters": [float("nan")] + [0.0] * 28}, "line 2: the parameter of `harmless` is nan"),
        ({"model_name": "human", "parameters": [0.0] * 29}, "line 2: judge `human` was on line 1 already"),
        ({"parameters": [0.0] * 29}, "line 2: `model_name` holds None"),
    ],
)
def test_a_bad_line_is_named(tmp_path, record, message):
    path = write_group(tmp_path, "Code", [{"model_name": "human", "parameters": [0.0] * 29}, record])
    with pytest.raises(InputError, match=message) as error:
        read_published_coefficients(tmp_path, CATALOGUE)
    assert str(error.value).startswith(str(path))


def test_a_folder_without_coefficients_says_what_it_should_hold(tmp_path):
    with pytest.raises(InputError, match="model_<group>_fitted_paras.jsonl"):
        read_published_coefficients(tmp_path, CATALOGUE)


@pytest.mark.parametrize("content", ['{"Code": 3}', "[1, 2]"])
def test_index_lists_of_another_shape_are_refused(tmp_path, content):
    write_group(tmp_path, "Code", [{"model_name": "human", "parameters": [0.0] * 29}])
    (tmp_path / "query_aware_idxs.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="query_aware_idxs.json: does not map groups"):
        read_published_coefficients(tmp_path, CATALOGUE)
