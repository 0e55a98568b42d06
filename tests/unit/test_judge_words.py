"""Strict reading of answers in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdissect.errors import InputError
from prefdissect.judges.prompts import template_from, template_hash
from prefdissect.judges.words import draw_seed, json_schema, read_verdict, spellings

BASE = {
    "style": "chat",
    "text": "{conversation}|{response_1}|{response_2}",
    "verdicts": {"first": ["Verdict: A", "A"], "second": "Verdict: B", "tie": "Verdict: tie"},
}
WHOLE = template_from(BASE, "t")
LAST = template_from(BASE | {"read": "last_line"}, "t")
JSON = template_from(BASE | {"read": "json"}, "t")


@pytest.mark.parametrize(
    "template, text, choice",
    [
        (WHOLE, "Verdict: A", "first"),
        (WHOLE, "\n A \n", "first"),
        (WHOLE, "I think\nVerdict: A", None),
        (LAST, "Both are fine. A is longer.\n\nVerdict: B\n\n", "second"),
        (LAST, "Verdict: B\nor maybe not", None),
        (LAST, "**Verdict: B**", None),
        (LAST, "Verdict: A or Verdict: B", None),
        (LAST, "", None),
        (JSON, '{"verdict": "Verdict: tie"}', "tie"),
        (JSON, '{"verdict": "Verdict: tie"', None),
        (JSON, '{"verdict": "C"}', None),
        (JSON, '{"verdict": ["A"]}', None),
        (JSON, '["Verdict: A"]', None),
        (JSON, "Verdict: A", None),
    ],
)
def test_only_what_was_offered_counts(template, text, choice):
    assert read_verdict(text, template) == choice


@given(st.text())
def test_any_text_is_read_without_a_fault(text):
    for template in (WHOLE, LAST, JSON):
        assert read_verdict(text, template) in (None, "first", "second", "tie")


def test_what_is_offered_can_be_constrained():
    assert spellings(WHOLE) == ["Verdict: A", "A", "Verdict: B", "Verdict: tie"]
    assert json_schema(JSON)["properties"]["verdict"]["enum"] == spellings(JSON)
    json.dumps(json_schema(JSON))


def test_draws_depend_on_seed_and_request():
    seeds = {draw_seed({"seed": seed}, identity) for seed in (0, 1) for identity in ("p|ab|0", "p|ab|1")}
    assert len(seeds) == 4 and draw_seed({}, "p|ab|0") == draw_seed({"seed": 0}, "p|ab|0")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"verdicts": {"first": "A"}}, "key `verdicts` is"),
        ({"verdicts": {"first": "A", "second": "A"}}, "holds one spelling twice"),
        ({"verdicts": {"first": "A", "second": " B"}}, "without white space"),
        ({"verdicts": {"first": "A", "second": []}}, "key `verdicts` is"),
        ({"verdicts": {"first": "A", "second": "B", "none": "C"}}, "key `verdicts` is"),
        ({"read": "somewhere"}, "key `read`: `somewhere` is unknown"),
        ({"answers": [" A", " B"]}, "exactly one of the keys `answers` and `verdicts`"),
    ],
)
def test_faults_of_a_template_are_named(changes, message):
    with pytest.raises(InputError) as caught:
        template_from(BASE | changes, "t.yaml")
    assert message in str(caught.value) and str(caught.value).startswith("t.yaml")


def test_the_hash_holds_verdicts_and_reading():
    hashes = {template_hash(each) for each in (WHOLE, LAST, JSON)}
    assert len(hashes) == 3
    assert template_from(LAST.to_dict(), "t") == LAST and template_from(WHOLE.to_dict(), "t") == WHOLE
