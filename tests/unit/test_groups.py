"""Groups: scenarios, query-specific cases, unions that a study defines, and the pool of all pairs."""

from __future__ import annotations

import pandas as pd
import pytest

from prefdissect.errors import InputError
from prefdissect.groups import build_groups
from prefdissect.tables import conform, empty_table, validate

SETTINGS = {"scenarios": True, "cases": True, "pooled": True, "define": []}
PAIRS = pd.DataFrame(
    {
        "pair_id": ["p1", "p2", "p3", "p4"],
        "prompt_id": ["q1", "q1", "q2", "q3"],
        "scenario": ["Advice", "Advice", "Code/Python", None],
    },
    dtype=object,
)


def info(prompt_id, *, annotator="x", clear=True, feelings=False, constraints="[]", stances="[]", mistakes="[]"):
    return {
        "annotator": annotator,
        "prompt_id": prompt_id,
        "clear_intent": clear,
        "feelings": feelings,
        "constraints": constraints,
        "stances": stances,
        "mistakes": mistakes,
    }


def groups_of(*, infos=(), stated=(), merged=None, **settings) -> dict[str, list[str]]:
    query_info = conform(pd.DataFrame(list(infos)), "query_info") if infos else empty_table("query_info")
    given = pd.DataFrame(list(stated), columns=["pair_id", "group", "kind"])
    source_groups = conform(given, "groups") if stated else empty_table("groups")
    table = build_groups(PAIRS, query_info, source_groups, SETTINGS | settings, merged)
    validate(table, "groups", "test")
    return {group: list(part["pair_id"]) for group, part in table.groupby("group", sort=False)}


def test_scenarios_and_the_pool():
    assert groups_of() == {"Advice": ["p1", "p2"], "Code/Python": ["p3"], "pooled": ["p1", "p2", "p3", "p4"]}


def test_kinds_are_named():
    table = build_groups(
        PAIRS,
        conform(pd.DataFrame([info("q1", feelings=True)]), "query_info"),
        empty_table("groups"),
        SETTINGS | {"define": [{"name": "both", "groups": ["Advice", "Code/Python"]}]},
    )
    kinds = dict(zip(table["group"], table["kind"]))
    assert kinds == {
        "Advice": "scenario",
        "Code/Python": "scenario",
        "express_feeling": "case",
        "both": "defined",
        "pooled": "pooled",
    }


def test_each_case_from_the_analysis_of_its_query():
    infos = [
        info("q1", clear=False, constraints='["in French"]'),
        info("q2", feelings=True, stances='["I hate it", "never"]'),
        info("q3", mistakes='["2 + 2 = 5"]'),
    ]
    assert groups_of(infos=infos, scenarios=False, pooled=False) == {
        "intent_unclear": ["p1", "p2"],
        "express_feeling": ["p3"],
        "w_constraints": ["p1", "p2"],
        "w_stances": ["p3"],
        "w_mistakes": ["p4"],
    }


def test_the_first_analysis_of_a_query_counts():
    infos = [info("q2", feelings=True), info("q2", annotator="y", clear=False)]
    assert groups_of(infos=infos, scenarios=False, pooled=False) == {"express_feeling": ["p3"]}


def test_parts_can_be_switched_off():
    infos = [info("q1", feelings=True)]
    assert list(groups_of(infos=infos, pooled=False, cases=False)) == ["Advice", "Code/Python"]
    assert list(groups_of(infos=infos, scenarios=False)) == ["express_feeling", "pooled"]
    stated = [("p1", "w_mistakes", "case"), ("p1", "mine", "defined")]
    assert list(groups_of(infos=infos, stated=stated, cases=False, scenarios=False, pooled=False)) == ["mine"]


def test_a_union_counts_each_pair_once_and_may_name_parts_that_are_switched_off():
    define = [{"name": "most", "groups": ["Advice", "express_feeling", "mine"]}]
    stated = [("p1", "mine", "defined"), ("p4", "mine", "defined"), ("gone", "mine", "defined")]
    found = groups_of(
        infos=[info("q1", feelings=True)],
        stated=stated,
        define=define,
        scenarios=False,
        cases=False,
        pooled=False,
    )
    assert found == {"mine": ["p1", "p4"], "most": ["p1", "p4", "p2"]}


def test_stated_and_found_membership_of_one_case_are_joined():
    found = groups_of(
        infos=[info("q1", feelings=True)],
        stated=[("p1", "express_feeling", "case"), ("p4", "express_feeling", "case")],
        scenarios=False,
        pooled=False,
    )
    assert {group: sorted(pairs) for group, pairs in found.items()} == {"express_feeling": ["p1", "p2", "p4"]}


def test_scenarios_merged_by_a_table():
    merged = pd.DataFrame({"scenario": ["Code/Python", "Code/C", "Advice"], "group": ["Code", "Code", None]})
    assert groups_of(merged=merged, pooled=False) == {"Code": ["p3"]}


def test_a_group_that_has_no_pair_is_refused():
    define = [{"name": "odd", "groups": ["Advice", "Advise"]}]
    with pytest.raises(InputError, match=r"groups.define.*`odd`.*no pair is in `Advise`.*Advice, Code/Python"):
        groups_of(define=define)


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(InputError, match=r"groups.define.*a group `Advice` already"):
        groups_of(define=[{"name": "Advice", "groups": ["Code/Python"]}])
    with pytest.raises(InputError, match=r"groups.define.*a group `mine` already"):
        groups_of(define=[{"name": "mine", "groups": ["Advice"]}, {"name": "mine", "groups": ["Code/Python"]}])
    with pytest.raises(InputError, match="called `overall`.*reserved"):
        groups_of(merged=pd.DataFrame({"scenario": ["Advice"], "group": ["overall"]}))


def test_a_scenario_put_into_two_groups_is_refused():
    merged = pd.DataFrame({"scenario": ["Advice", "Advice"], "group": ["x", "y"]})
    with pytest.raises(InputError, match="scenario_groups.*`Advice` is put into two groups"):
        groups_of(merged=merged)
