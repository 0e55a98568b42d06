"""Tables for readers: labels, the most and least preferred properties, clusters with attributes, LaTeX."""

from __future__ import annotations

import pandas as pd
import pytest

from prefdissect.printed_tables import to_latex
from prefdissect.publication import cluster_table, effects_table, top_properties
from prefdissect.tables import conform

LABELS = {f"x{n}": f"property {n}" for n in range(9)}
pytestmark = pytest.mark.filterwarnings("error")


def coefficients(degrees, judge="j", group="g") -> pd.DataFrame:
    rows = {"judge": judge, "group": group, "property": [f"x{n}" for n in range(len(degrees))], "estimator": "map"}
    table = pd.DataFrame(rows | {"mean": 0.0, "degree": degrees, "word": "no interval", "n_pairs": 10})
    return conform(table, "coefficients")


def listed(table, side) -> list[tuple[int, str]]:
    chosen = table[table["side"] == side]
    return list(zip(chosen["rank"], chosen["property"]))


def test_the_three_most_and_least_preferred_properties():
    table = top_properties(coefficients([50, 61, 40, 70, 55, 49, 65, 30, 50]), LABELS)
    assert listed(table, "most preferred") == [(1, "property 3"), (2, "property 6"), (3, "property 1")]
    assert listed(table, "least preferred") == [(1, "property 7"), (2, "property 2"), (3, "property 5")]


def test_neutral_properties_are_not_listed():
    table = top_properties(coefficients([50, 50, 51]), LABELS)
    assert listed(table, "most preferred") == [(1, "property 2")] and listed(table, "least preferred") == []
    nothing = top_properties(coefficients([50, 50]), LABELS)
    assert nothing.empty and list(nothing)[:4] == ["judge", "group", "estimator", "side"]


def test_each_judge_and_group_has_its_own_list():
    both = pd.concat([coefficients([60, 40]), coefficients([40, 60], judge="k"), coefficients([60, 60], group="h")])
    table = top_properties(both, LABELS)
    assert table.groupby(["judge", "group"]).size().to_dict() == {("j", "g"): 2, ("j", "h"): 2, ("k", "g"): 2}
    first = table[table["rank"] == 1].set_index(["judge", "group", "side"])["property"]
    assert first["k", "g", "most preferred"] == "property 1" and first["j", "g", "most preferred"] == "property 0"


def test_effects_carry_labels():
    table = effects_table(coefficients([60, 40]), {"j": "GPT-4/Vanilla"}, LABELS)
    assert list(table)[:5] == ["judge", "judge_label", "group", "property", "property_label"]
    assert set(table["judge_label"]) == {"GPT-4/Vanilla"} and table["property_label"].tolist() == [
        "property 0",
        "property 1",
    ]


def records(**attributes) -> dict[str, dict]:
    return {judge: {"label": judge.upper(), "attributes": given} for judge, given in attributes.items()}


def test_clusters_with_attributes_and_judges_without_one():
    clusters = conform(pd.DataFrame({"judge": ["j", "k"], "cluster": [2, 1]}), "clusters")
    table = cluster_table(clusters, ["m"], records(j={"family": "x", "cluster": "odd"}, k={"size": 7}, m={}))
    assert table["judge"].tolist() == ["j", "k", "m"] and table["label"].tolist() == ["J", "K", "M"]
    assert table["cluster"].tolist()[:2] == [2, 1] and pd.isna(table["cluster"].iloc[2])
    assert table["family"].tolist()[0] == "x" and table["size"].tolist()[1] == 7
    assert table["cluster_attribute"].tolist()[0] == "odd"


@pytest.mark.parametrize("undefined", [[], ["j", "k"]])
def test_clusters_where_none_or_all_are_undefined(undefined):
    names = [] if undefined else ["j", "k"]
    clusters = conform(pd.DataFrame({"judge": names, "cluster": [1] * len(names)}), "clusters")
    table = cluster_table(clusters, undefined, records(j={}, k={}))
    assert table["judge"].tolist() == ["j", "k"] and table["cluster"].notna().tolist() == [not undefined] * 2


def test_latex_escapes_what_latex_would_read():
    text = to_latex(pd.DataFrame({"judge": ["a_b & 5 %"], "degree": ["61.2"]}), "one_two: 95 %")
    assert r"a\_b \& 5 \%" in text and "61.2" in text and r"one\_two: 95 \%" in text and r"\toprule" in text
