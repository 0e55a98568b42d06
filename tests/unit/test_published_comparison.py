"""The numbers of Li et al. 2024 that follow from their published coefficients, through the comparison of judges."""

from __future__ import annotations

import pandas as pd
import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.comparison.compare import compare
from prefdissect.comparison.contrast import contrast_coefficients
from prefdissect.comparison.estimates import GROUPS, read_estimates
from prefdissect.names import MEAN_OF_VERSIONS, OVERALL
from prefdissect.regression.published import read_published_coefficients
from prefdissect.tables import validate

SETTINGS = {
    "human": "human", "group": OVERALL, "clusters": 0, "permutations": 999, "seed": 1, "base": "base_model",
    "attributes": [
        {"name": "size_b", "within": "", "cuts": [14], "chosen_after_seeing": True},
        {"name": "stage", "within": "size_b", "cuts": [], "chosen_after_seeing": False},
    ],
    "differences": [], "group_differences": [["Code", "Advice"]], "drift": [["qwen-14b", "qwen-14b-chat"]],
}  # fmt: skip


@pytest.fixture(scope="module")
def study(shared_data):
    folder = shared_data / "preference-dissection"
    coefficients = read_published_coefficients(folder / "fitted_paras_comparison", load_catalogue())
    scenarios = [group for group in coefficients["group"].unique() if group[0].isupper()]
    assert len(scenarios) == 11
    judges = pd.read_csv(folder / "judges.csv", dtype=str, keep_default_na=False)
    records = {
        row["judge"]: {"label": row["judge"], "kind": "recorded", "attributes": row.to_dict()}
        for _, row in judges.iterrows()
    }
    return read_estimates(coefficients, None, scenarios, unit=GROUPS), records


@pytest.fixture(scope="module")
def tables(study) -> dict[str, pd.DataFrame]:
    found = compare(*study, SETTINGS).tables
    return {name: validate(table, name, "test") for name, table in found.items()}


def chosen(table: pd.DataFrame, **values) -> pd.DataFrame:
    for name, value in values.items():
        table = table[table[name].isna() if value is None else table[name] == value]
    return table


def test_largest_and_smallest_similarity_and_the_human_judge(tables):
    overall = chosen(tables["similarity"], group=OVERALL, metric="pearson")
    assert len(overall) == 33 * 32 / 2

    def pair(one, two):
        return next(row.value for row in overall.itertuples() if {row.judge_1, row.judge_2} == {one, two})

    assert pair("human", "gpt-4-1106-preview") == pytest.approx(0.7419, abs=5e-5)
    assert pair("human", "gpt-3.5-turbo-1106") == pytest.approx(0.6524, abs=5e-5)
    assert pair("qwen-14b", "qwen-14b-chat") == pytest.approx(0.9632, abs=5e-5) == overall["value"].max()
    assert pair("llama-2-7b", "gpt-4-1106-preview") == pytest.approx(0.2201, abs=5e-5) == overall["value"].min()
    assert set(overall["interval"]) == {"scenario groups"}
    assert ((overall["q025"] < overall["value"]) & (overall["value"] < overall["q975"])).all()


def test_within_and_between_sizes(tables):
    rows = chosen(tables["attribute_similarity"], attribute="size_b", group=OVERALL, metric="pearson")
    assert rows["chosen_after_seeing"].all() and set(rows["metric"]) == {"pearson"}

    def value(comparison, of=None):
        return chosen(rows, comparison=comparison, value_of_attribute=of).iloc[0]

    small, large = value("within", "<= 14"), value("within", "> 14")
    assert (small["n_judges"], large["n_judges"]) == (20, 10)
    assert small["value"] == pytest.approx(0.828, abs=5e-4) and large["value"] == pytest.approx(0.883, abs=5e-4)
    assert value("between")["value"] == pytest.approx(0.737, abs=5e-4)
    assert value("difference")["p_value"] == pytest.approx(1 / 1000) and value("difference")["n_permutations"] == 999


def test_base_against_aligned_versions(tables):
    rows = chosen(tables["base_similarity"], group=OVERALL, metric="pearson")
    mean = rows[rows["judge"] == MEAN_OF_VERSIONS].set_index("base")["value"]
    assert mean["llama-2-7b"] == pytest.approx(0.515, abs=5e-4)
    assert chosen(rows, base="llama-2-7b", judge="llama-2-7b-chat")["value"].iloc[0] == pytest.approx(0.469, abs=5e-4)
    others = mean.drop("llama-2-7b")
    assert len(others) == 9 and others.min() > 0.835 and others.max() < 0.965


def test_nothing_is_called_distinguishable_without_resamples_of_prompts(study, tables):
    assert "pearson_corrected" not in set(tables["similarity"]["metric"]) and tables["judge_reliability"].empty
    found = contrast_coefficients(*study, SETTINGS)
    for name, table in found.items():
        validate(table, name, "test")
        assert set(table["word"]) <= {"no interval", "not judged"} and table["false_sign"].isna().all(), name
        shown = table["q025"].notna()
        assert (table.loc[shown, "interval"] == "scenario groups").all() and len(table), name
        assert shown.any() == (name != "group_differences")


def test_nearest_to_the_human_judge(tables):
    rows = chosen(tables["nearest_judges"], judge="human")
    overall = chosen(tables["similarity"], group=OVERALL, metric="pearson")
    near = overall[(overall["judge_1"] == "human") | (overall["judge_2"] == "human")]
    assert rows.index.tolist() == [0, 1, 2, 3, 4]
    assert rows["value"].tolist() == pytest.approx(near["value"].nlargest(5).tolist())
    assert rows["share_nearest"].between(0, 1).all() and rows["interval"].eq("scenario groups").all()
