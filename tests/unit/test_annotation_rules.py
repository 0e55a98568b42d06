"""The rules of the published annotation (Li et al. 2024), on answers of the annotator written by hand."""

from __future__ import annotations

import json

import pytest

from annotating import CLEAN, QUIET, Annotator, make_pairs, rated, scores
from prefdissect.catalogue import load_catalogue
from prefdissect.features import build_features
from prefdissect.groups import build_groups
from prefdissect.tables import empty_table

CATALOGUE = load_catalogue()
BUSY = {
    "clear_intent": False,
    "feelings": True,
    "constraints": ["two lines", "no rhyme"],
    "stances": ["rivers are dull"],
    "mistakes": ["the Rhine is a lake", "the Elbe is in Spain"],
}
POINTS = ["clarifies_intent", "empathetic", "satisfies_constraints_1", "satisfies_constraints_2", "supports_stances_1"]
POINTS += ["corrects_mistakes_1", "corrects_mistakes_2"]
ERROR = {"description": "wrong name", "type": "factual"}


@pytest.fixture
def annotate(tmp_path):
    return Annotator(tmp_path)


def analysed(found: dict) -> dict:
    return {"form": "analysis", "answer": found}


def pointed(first: list[int], second: list[int]) -> dict:
    answer = {"response_1": dict(zip(POINTS, first, strict=True)), "response_2": dict(zip(POINTS, second, strict=True))}
    return {"form": "query_specific", "answer": answer}


def found_errors(first: dict, second: dict) -> dict:
    return {"form": "errors", "answer": {"response_1": first, "response_2": second}}


def with_errors(*severities: str) -> dict:
    return {"applicable": True, "errors": [ERROR | {"severity": severity} for severity in severities]}


def signs(tables, **options) -> dict[str, int]:
    pair_ids = tables["annotations"]["pair_id"].unique().tolist()
    built = build_features(pair_ids, tables["annotations"], empty_table("features"), CATALOGUE, ["m"], **options)
    return dict(zip(built.features["property"], built.features["sign"]))


def test_the_passes_hold_the_published_properties():
    """18 query-free, 2 query-aware and 5 query-specific properties, and errors of three severities."""
    families = [prop.family for prop in CATALOGUE.values() if "llm" in prop.annotators]
    counts = {family: families.count(family) for family in set(families)}
    assert counts == {"query_free": 18, "query_aware": 2, "query_specific": 5, "errors": 3}


def test_five_requests_a_pair_and_one_reference_a_query(annotate):
    tables, usage = annotate(make_pairs({"reference": None}), analysed(BUSY), pointed([1] * 7, [1] * 7))
    assert {name: used["requests"] for name, used in usage["passes"].items()} == {
        "analysis": 1, "reference": 1, "query_free": 1, "query_aware": 1, "query_specific": 1, "errors": 1,
    }  # fmt: skip
    assert tables["query_info"]["reference"].item() == "The Danube is a river."
    assert (tables["annotations"]["status"] == "ok").all() and usage["per_pair"]["requests"] == 6


def test_the_reference_of_the_source_is_used_where_there_is_one(annotate):
    tables, usage = annotate(make_pairs({"reference": "The Oder."}))
    assert "reference" not in usage["passes"] and tables["query_info"]["reference"].item() == "The Oder."


def test_the_analysis_of_a_query_is_kept_and_makes_its_groups(annotate):
    pairs = make_pairs({})
    tables, _ = annotate(pairs, analysed(BUSY), pointed([1] * 7, [1] * 7))
    row = tables["query_info"].iloc[0]
    assert row["prompt_id"] == pairs["prompt_id"][0] and not row["clear_intent"] and row["feelings"]
    assert {key: json.loads(row[key]) for key in ("constraints", "stances", "mistakes")} == {
        key: BUSY[key] for key in ("constraints", "stances", "mistakes")
    }
    settings = {"scenario_groups": "", "scenarios": False, "cases": True, "pooled": False, "define": []}
    table = pairs.assign(scenario=None)
    groups = build_groups(table, tables["query_info"], empty_table("groups"), settings)
    assert set(groups["group"]) == {"intent_unclear", "express_feeling", "w_constraints", "w_stances", "w_mistakes"}


def test_ratings_are_0_to_3_for_each_response_and_their_difference_has_the_sign(annotate):
    free = rated(CATALOGUE, "query_free", friendly=[3, 0], polite=[0, 1], funny=[2, 2])
    tables, _ = annotate(make_pairs({}), {"form": "query_free", "answer": free})
    assert scores(tables, "friendly") == [(0, 3, 0, "ok")] and scores(tables, "polite") == [(0, 0, 1, "ok")]
    found = signs(tables)
    assert (found["friendly"], found["polite"], found["funny"], found["clear"]) == (1, -1, 0, 0)


def test_repetition_is_what_is_rated_and_it_is_negated(annotate):
    free = rated(CATALOGUE, "query_free", repetitive=[3, 0])
    tables, _ = annotate(make_pairs({}), {"form": "query_free", "answer": free})
    assert scores(tables, "non_repetitive") == [(0, 3, 0, "ok")] and signs(tables)["non_repetitive"] == -1


@pytest.mark.parametrize("relevant, sign", [([3, 1], 0), ([1, 0], 1), ([0, 2], -1), ([0, 0], 0)])
def test_of_relevance_only_zero_against_non_zero_counts(annotate, relevant, sign):
    aware = rated(CATALOGUE, "query_aware", relevant=relevant, novel=[2, 3])
    tables, _ = annotate(make_pairs({}), {"form": "query_aware", "answer": aware})
    assert signs(tables)["relevant"] == sign and signs(tables)["novel"] == -1


def test_query_specific_ratings_are_given_for_what_the_analysis_found(annotate):
    first, second = [3, 0, 3, 0, 2, 3, 1], [1, 2, 1, 1, -2, 2, 0]
    tables, _ = annotate(make_pairs({}), analysed(BUSY), pointed(first, second))
    assert scores(tables, "clarifies_intent") == [(0, 3, 1, "ok")]
    assert scores(tables, "empathetic") == [(0, 0, 2, "ok")]
    assert scores(tables, "satisfies_constraints") == [(0, 3, 1, "ok"), (1, 0, 1, "ok")]
    assert scores(tables, "supports_stances") == [(0, 2, -2, "ok")], "five levels, -2 to 2"
    assert scores(tables, "corrects_mistakes") == [(0, 3, 2, "ok"), (1, 1, 0, "ok")], "both, corrected, told, neither"
    found = signs(tables)
    assert [found[name] for name in ("clarifies_intent", "empathetic")] == [1, -1]
    assert found["satisfies_constraints"] == 1, "the mean over the items decides: 1.5 against 1"


def test_a_query_without_cases_is_not_asked_about_and_counts_as_zero(annotate):
    tables, usage = annotate(make_pairs({}))
    assert usage["passes"]["query_specific"]["statuses"] == {"needless": 1}
    assert usage["passes"]["query_specific"]["requests"] == 0
    assert scores(tables, "satisfies_constraints") == [(0, None, None, "not_applicable")]
    assert signs(tables)["satisfies_constraints"] == 0


def test_only_the_cases_that_were_found_are_rated(annotate):
    found = QUIET | {"constraints": ["two lines"]}
    points = {"satisfies_constraints_1": 3}
    reply = {"form": "query_specific", "answer": {"response_1": points, "response_2": {"satisfies_constraints_1": 0}}}
    tables, _ = annotate(make_pairs({}), analysed(found), reply)
    assert scores(tables, "satisfies_constraints") == [(0, 3, 0, "ok")]
    assert scores(tables, "empathetic") == [(0, None, None, "not_applicable")]


def test_errors_are_counted_by_severity_and_fewer_are_better(annotate):
    one, other = with_errors("minor", "minor", "severe"), with_errors("moderate")
    tables, _ = annotate(make_pairs({}), found_errors(one, other))
    counted = {name: scores(tables, f"no_{name}_errors")[0][1:3] for name in ("minor", "moderate", "severe")}
    assert counted == {"minor": (2, 0), "moderate": (0, 1), "severe": (1, 0)}
    found = signs(tables)
    assert [found[f"no_{name}_errors"] for name in counted] == [-1, 1, -1]
    errors = tables["errors"]
    assert errors["severity"].tolist() == ["minor", "minor", "severe", "moderate"]
    assert errors["response"].tolist() == ["a", "a", "a", "b"] and set(errors["type"]) == {"factual"}


@pytest.mark.parametrize("sides", [(0, 1), (1, 0), (0, 0)])
def test_where_the_check_applies_to_one_response_only_the_pair_leaves_the_fit(annotate, sides):
    unfit = {"applicable": False, "errors": []}
    pairs = make_pairs({}, {"prompt": "Write a poem.", "response_a": "Roses", "response_b": "Violets"})
    reply = found_errors(*(CLEAN if side else unfit for side in sides)) | {"contains": ["Write a poem."]}
    tables, _ = annotate(pairs, reply)
    assert {row[-1] for n in ("minor", "severe") for row in scores(tables, f"no_{n}_errors", "p1")} == {
        "not_applicable"
    }
    built = build_features(["p0", "p1"], tables["annotations"], empty_table("features"), CATALOGUE, ["m"])
    assert set(built.features["pair_id"]) == {"p0"}
    assert set(built.dropped["reason"]) == {"errors cannot be checked"}
    kept = build_features(["p0", "p1"], tables["annotations"], empty_table("features"), CATALOGUE, ["m"], "zero")
    assert set(kept.features["pair_id"]) == {"p0", "p1"}


def test_without_a_reference_errors_cannot_be_checked(annotate):
    passes = ["analysis", "query_free", "errors"]
    tables, usage = annotate(make_pairs({"reference": None}), passes=passes)
    assert scores(tables, "no_minor_errors") == [(0, None, None, "not_applicable")]
    assert "errors" not in usage["passes"]


BAD = {
    "off the scale": rated(CATALOGUE, "query_free", friendly=[4, 0]),
    "no JSON": "I would say friendly is 3.",
    "one response": {"response_1": rated(CATALOGUE, "query_free")["response_1"]},
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_what_is_not_on_the_scale_is_asked_again_and_then_failed_and_never_a_rating(annotate, answer):
    pairs = make_pairs({}, {"response_a": "Oder", "response_b": "Spree"})
    bad = {"form": "query_free", "contains": ["Oder"], "answer": answer}
    tables, usage = annotate(pairs, bad)
    assert usage["passes"]["query_free"]["statuses"] == {"invalid": 1, "ok": 1}
    assert usage["passes"]["query_free"]["requests"] == 4, "one, and three attempts"
    assert scores(tables, "friendly", "p1") == [(0, None, None, "failed")]
    built = build_features(["p0", "p1"], tables["annotations"], empty_table("features"), CATALOGUE, ["m"])
    assert set(built.features["pair_id"]) == {"p0"} and set(built.dropped["reason"]) == {"annotation failed"}


def test_an_answer_that_was_put_right_counts(annotate):
    good = rated(CATALOGUE, "query_free", friendly=[2, 0])
    tables, usage = annotate(make_pairs({}), {"form": "query_free", "answers": ["nonsense", "{}", good]})
    assert scores(tables, "friendly") == [(0, 2, 0, "ok")] and usage["passes"]["query_free"]["requests"] == 3


def test_a_block_of_code_that_holds_nothing_but_the_answer_is_read(annotate):
    text = "```json\n" + json.dumps(rated(CATALOGUE, "query_free", friendly=[2, 0])) + "\n```"
    tables, usage = annotate(make_pairs({}), {"form": "query_free", "answer": text})
    assert scores(tables, "friendly") == [(0, 2, 0, "ok")] and usage["passes"]["query_free"]["requests"] == 1


def test_errors_where_none_can_be_are_a_contradiction(annotate):
    tables, usage = annotate(make_pairs({}), found_errors(with_errors("minor") | {"applicable": False}, CLEAN))
    assert usage["passes"]["errors"]["statuses"] == {"invalid": 1}
    assert scores(tables, "no_minor_errors") == [(0, None, None, "failed")]


def test_an_unknown_severity_or_type_is_no_answer(annotate):
    for error in (ERROR | {"severity": "fatal"}, ERROR | {"severity": "minor", "type": "moral"}):
        _, usage = annotate(make_pairs({}), found_errors({"applicable": True, "errors": [error]}, CLEAN))
        assert usage["passes"]["errors"]["statuses"] == {"invalid": 1}


def test_a_failed_analysis_fails_what_needs_it_and_nothing_else(annotate):
    tables, usage = annotate(make_pairs({}), {"form": "analysis", "answer": "none"})
    assert usage["passes"]["query_specific"]["statuses"] == {"unmet": 1} and tables["query_info"].empty
    assert scores(tables, "satisfies_constraints") == [(0, None, None, "failed")]
    assert scores(tables, "friendly")[0][-1] == "ok" and scores(tables, "no_minor_errors")[0][-1] == "ok"


def test_a_failed_reference_fails_the_errors(annotate):
    tables, usage = annotate(make_pairs({"reference": None}), {"form": "reference", "answer": "  "})
    assert usage["passes"]["errors"]["statuses"] == {"unmet": 1}
    assert scores(tables, "no_severe_errors") == [(0, None, None, "failed")]
    assert tables["query_info"]["reference"].isna().all()


def test_entries_of_an_analysis_are_taken_once_and_none_may_be_empty(annotate):
    twice = analysed(QUIET | {"constraints": ["two lines", " two lines "]})
    reply = {"response_1": {"satisfies_constraints_1": 1}, "response_2": {"satisfies_constraints_1": 2}}
    tables, _ = annotate(make_pairs({}), twice, {"form": "query_specific", "answer": reply})
    assert scores(tables, "satisfies_constraints") == [(0, 1, 2, "ok")]
    _, usage = annotate(make_pairs({}), analysed(QUIET | {"stances": [" "]}))
    assert usage["passes"]["analysis"]["statuses"] == {"invalid": 1}
