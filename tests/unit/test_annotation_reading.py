"""What a model wrote is read strictly: the form that was asked for, or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdissect.annotators import forms
from prefdissect.annotators.passes import Unusable, check_answer, tidied
from prefdissect.annotators.reading import read_answer
from prefdissect.catalogue import load_catalogue

CATALOGUE = load_catalogue()
RATINGS = forms.per_response({name: forms.rating(CATALOGUE[name]) for name in ("friendly", "supports_stances")}, 2)
GOOD = {f"response_{n}": {"friendly": n, "supports_stances": -n} for n in (1, 2)}
COUNT = forms.form({"lengthy": forms.rating(CATALOGUE["lengthy"])})
ERRORS = forms.per_response(forms.error_fields({"factual": "wrong", "other": "else"}), 1)


def read(text: str, schema: dict | None = RATINGS, kind: str = "query_aware", **answer):
    return read_answer({"text": text} | answer, schema, lambda data: check_answer({"pass": kind}, data))


def changed(**scores) -> str:
    return json.dumps(GOOD | {"response_1": GOOD["response_1"] | scores})


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        f"\n  {json.dumps(GOOD, indent=2)}\n",
        f"```json\n{json.dumps(GOOD)}\n```",
        f"```\n{json.dumps(GOOD, indent=1)}\n```\n",
    ],
)
def test_the_whole_text_or_one_block_of_code_is_the_answer(text):
    assert read(text) == GOOD


BAD = {
    changed(friendly=4): "response_1.friendly: 4 is not one of [0, 1, 2, 3]",
    changed(friendly=-1): "is not one of",
    changed(supports_stances=-3): "-3 is not one of [-2, -1, 0, 1, 2]",
    changed(friendly=1.5): "1.5",
    changed(friendly="2"): "'2'",
    changed(friendly=True): "True",
    changed(friendly=None): "None",
    changed(friendly=[2]): "[2]",
    changed(colourful=1): "'colourful' was unexpected",
    json.dumps({"response_1": GOOD["response_1"]}): "'response_2' is a required property",
    json.dumps([GOOD]): "is not of type 'object'",
    json.dumps(GOOD)[:-1]: "not one JSON object",
    json.dumps(GOOD) * 2: "not one JSON object",
    "Here you are: " + json.dumps(GOOD): "not one JSON object",
    f"Sure!\n```json\n{json.dumps(GOOD)}\n```": "not one JSON object",
    json.dumps(GOOD).replace("friendly", "supports_stances"): "a key occurs twice",
    json.dumps(GOOD).replace(": 1", ": NaN"): "NaN is no number",
    json.dumps(GOOD).replace(": 1", ": 1e999"): "inf",
    "": "not one JSON object",
    "[" * 100_000: "not one JSON object",
}


@pytest.mark.parametrize("text", BAD, ids=[told[:30] for told in BAD.values()])
def test_anything_else_is_no_answer_and_says_why(text):
    with pytest.raises(Unusable) as caught:
        read(text)
    assert BAD[text] in str(caught.value) and len(str(caught.value)) < 400


def test_an_answer_that_was_cut_is_none_even_if_it_reads_well():
    with pytest.raises(Unusable, match="longer than allowed"):
        read(json.dumps(GOOD), cut=True)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda each: st.lists(each)).map(json.dumps))
def test_any_text_is_read_without_a_fault(text):
    with pytest.raises(Unusable):
        read(text)


@given(st.dictionaries(st.sampled_from(["friendly", "supports_stances"]), st.integers(-5, 5) | st.floats() | st.none()))
def test_what_is_read_lies_on_the_scale(scores):
    text = json.dumps(GOOD | {"response_2": GOOD["response_2"] | scores})
    try:
        data = read(text)
    except Unusable:
        return
    assert all(0 <= side["friendly"] <= 3 and -2 <= side["supports_stances"] <= 2 for side in data.values())
    assert all(float(score).is_integer() for side in data.values() for score in side.values())


@pytest.mark.parametrize("count, fits", [(0, True), (9999, True), (-1, False), (10_000, False), (2.5, False)])
def test_a_count_is_a_whole_number(count, fits):
    text = json.dumps({"lengthy": count})
    if fits:
        assert read(text, COUNT) == {"lengthy": count}
    else:
        with pytest.raises(Unusable):
            read(text, COUNT)


def findings(**changes) -> str:
    error = {"description": "no", "type": "factual", "severity": "minor"} | changes
    return json.dumps({"response_1": {"applicable": True, "errors": [error]}})


def test_errors_have_a_type_and_a_severity_that_were_offered():
    assert read(findings(), ERRORS, "errors")["response_1"]["errors"][0]["severity"] == "minor"
    for changes in ({"severity": "fatal"}, {"type": "moral"}, {"description": "x" * 301}, {"description": 3}):
        with pytest.raises(Unusable):
            read(findings(**changes), ERRORS, "errors")


def test_half_a_character_is_no_text():
    """It could not be written to a table."""
    text = findings(description="?").replace("?", "\\ud83d")
    assert json.loads(text)
    with pytest.raises(Unusable, match="half a character"):
        read(text, ERRORS, "errors")
    assert read(text.replace("\\ud83d", "\\ud83d\\ude00"), ERRORS, "errors")


def test_errors_of_what_cannot_be_checked_contradict_themselves():
    text = findings().replace("true", "false")
    with pytest.raises(Unusable, match="response_1 has errors though it is not applicable"):
        read(text, ERRORS, "errors")


def test_a_reference_is_plain_text_and_not_empty():
    assert read("  The Danube.\n", None, "reference") == "The Danube."
    with pytest.raises(Unusable, match="it was empty"):
        read(" \n", None, "reference")


def test_entries_of_an_analysis():
    quiet = {"clear_intent": True, "feelings": False, "constraints": [], "stances": [], "mistakes": []}
    schema = forms.analysis_form()
    assert read(json.dumps(quiet), schema, "analysis") == quiet
    twice = tidied({"pass": "analysis"}, quiet | {"stances": ["dull ", "dull", "wet"]})
    assert twice["stances"] == ["dull", "wet"]
    for wrong in ({"stances": [" "]}, {"feelings": "no"}, {"mistakes": ["x"] * 11}, {"mistakes": "none"}):
        with pytest.raises(Unusable):
            read(json.dumps(quiet | wrong), schema, "analysis")


def test_the_sketch_of_a_form_says_what_may_be_said():
    assert forms.sketch(RATINGS) == (
        '{"response_1": {"friendly": 0 | 1 | 2 | 3, "supports_stances": -2 | -1 | 0 | 1 | 2}, '
        '"response_2": {"friendly": 0 | 1 | 2 | 3, "supports_stances": -2 | -1 | 0 | 1 | 2}}'
    )
    assert forms.sketch(COUNT) == '{"lengthy": a whole number of at least 0}'
    assert '"errors": [{"description": "... (at most 300 characters)"' in forms.sketch(ERRORS)
