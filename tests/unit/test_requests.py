"""From pairs to requests, and from answers to the table of judgements."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from prefdissect.errors import InputError
from prefdissect.judges.answers import chosen, scored, unanswered, worded
from prefdissect.judges.prompts import template_from
from prefdissect.judges.requests import NO_ORDER, build_requests, part_of, to_judgements
from prefdissect.tables import validate

TEMPLATE = {"style": "raw", "text": "{conversation}|{response_1}|{response_2}|Response", "answers": [" A", " B"]}
WORDS = {"style": "raw", "text": TEMPLATE["text"], "verdicts": {"first": ["A", "[[A]]"], "second": "B", "tie": "tie"}}


def make_pairs(count: int = 2, **columns) -> pd.DataFrame:
    rows = [
        {"pair_id": f"p{n}", "prompt": f"ask {n}", "turns": None, "response_a": f"a{n}", "response_b": f"b{n}"}
        for n in range(count)
    ]
    return pd.DataFrame(rows).assign(**columns)


def verdict(identity: str, first: float, second: float) -> dict:
    return scored(identity, first, second, n_tokens=7)


def test_requests_show_each_pair_in_both_orders():
    requests = build_requests(make_pairs(2), template_from(TEMPLATE, "t"))
    assert [(r["id"], r["first"], r["second"]) for r in requests] == [
        ("p0|ab|0", "a0", "b0"),
        ("p0|ba|0", "b0", "a0"),
        ("p1|ab|0", "a1", "b1"),
        ("p1|ba|0", "b1", "a1"),
    ]
    assert {r["prompt"] for r in requests} == {"ask 0", "ask 1"} and requests[0]["turns"] is None


def test_requests_carry_earlier_turns():
    turns = [{"role": "user", "content": "hi"}]
    requests = build_requests(make_pairs(1, turns=json.dumps(turns)), template_from(TEMPLATE, "t"))
    assert requests[0]["turns"] == turns


@pytest.mark.parametrize("value, message", [("[{", "not JSON"), ('{"role": 1}', "holds"), ('["x"]', "not a message")])
def test_damaged_turns_name_the_pair(value, message):
    with pytest.raises(InputError, match=message) as caught:
        build_requests(make_pairs(1, turns=value), template_from(TEMPLATE, "t"))
    assert "pair `p0`, column `turns`" in str(caught.value)


def test_verdicts_are_mapped_back_by_order():
    verdicts = [verdict("p0|ab|0", -1.0, -2.0), verdict("p0|ba|0", -3.0, -4.0), verdict("p1|ba|0", -5.0, -5.0)]
    verdicts.append(unanswered("p1|ab|0", "too_long", n_tokens=9))
    table = validate(to_judgements(make_pairs(2), verdicts, "j"), "judgements", "here")
    rows = table.set_index(["pair_id", "order"])
    assert rows.loc[("p0", "ab"), ["logp_a", "logp_b", "verdict"]].tolist() == [-1.0, -2.0, "a"]
    assert rows.loc[("p0", "ba"), ["logp_a", "logp_b", "verdict"]].tolist() == [-4.0, -3.0, "b"]
    assert rows.loc[("p1", "ba"), "verdict"] == "tie"
    unscored = rows.loc[("p1", "ab")]
    assert unscored["status"] == "too_long"
    assert unscored[["logp_a", "logp_b", "mass", "verdict"]].isna().all()
    assert (table["judge"] == "j").all() and (table["sample"] == 0).all()


@pytest.mark.parametrize(
    "identities, message",
    [
        (["p0|ab|0"], "lack request, in 1 cases, such as `p0|ba|0`"),
        (["p0|ab|0", "p0|ba|0", "p0|ba|0"], "1 requests have more than one answer"),
        (["p0|ab|0", "p0|ba|0", "q|ab|0"], "hold an unknown request, in 1 cases, such as `q|ab|0`"),
    ],
)
def test_lost_doubled_and_invented_verdicts_are_refused(identities, message):
    with pytest.raises(InputError) as caught:
        to_judgements(make_pairs(1), [verdict(identity, -1.0, -2.0) for identity in identities], "j")
    assert message in str(caught.value)


def test_requests_are_repeated_and_rules_are_asked_without_an_order():
    requests = build_requests(make_pairs(1), template_from(TEMPLATE, "t"), samples=2)
    assert [(r["id"], r["sample"]) for r in requests] == [
        ("p0|ab|0", 0), ("p0|ab|1", 1), ("p0|ba|0", 0), ("p0|ba|1", 1)
    ]  # fmt: skip
    [single] = build_requests(make_pairs(1), None, orders=NO_ORDER)
    assert (single["id"], single["first"], single["second"]) == ("p0|none|0", "a0", "b0")


def test_parts_cover_every_request_once_and_keep_prompts_together():
    requests = build_requests(make_pairs(40), template_from(TEMPLATE, "t"))
    parts = [part_of(requests, number, 3, "shard") for number in range(3)]
    assert sorted(r["id"] for part in parts for r in part) == sorted(r["id"] for r in requests)
    for prompt in {request["prompt"] for request in requests}:
        assert sorted(sum(request["prompt"] == prompt for request in part) for part in parts) == [0, 0, 2]
    fewer = build_requests(make_pairs(20), template_from(TEMPLATE, "t"))
    assert {r["id"] for r in part_of(fewer, 1, 3, "shard")} <= {r["id"] for r in parts[1]}, (
        "a pair that is added moves no other"
    )


@pytest.mark.parametrize(
    "text, status, ab, ba",
    [
        ("A", "ok", "a", "b"),
        (" B\n", "ok", "b", "a"),
        ("[[A]]", "ok", "a", "b"),
        ("tie", "ok", "tie", "tie"),
        ("A.", "unparsed", None, None),
        ("a", "unparsed", None, None),
        ("Response A", "unparsed", None, None),
        ("A B", "unparsed", None, None),
        ("", "unparsed", None, None),
    ],
)
def test_words_count_only_as_offered(text, status, ab, ba):
    answers = [worded(f"p0|{order}|0", text, n_tokens=5, n_output=1) for order in ("ab", "ba")]
    table = to_judgements(make_pairs(1), answers, "j", template_from(WORDS, "t"))
    assert table["status"].tolist() == [status] * 2
    assert [None if pd.isna(v) else v for v in table["verdict"]] == [ab, ba]


def test_a_known_winner_without_numbers_stays_without_numbers():
    answers = [chosen("p0|ab|0", "first"), chosen("p0|ba|0", "first")]
    table = to_judgements(make_pairs(1), answers, "j")
    assert table["verdict"].tolist() == ["a", "b"] and table[["logp_a", "logp_b", "mass"]].isna().all(axis=None)


def test_mass_below_the_least_is_no_verdict_and_keeps_its_numbers():
    answers = [verdict("p0|ab|0", -1.0, -2.0), verdict("p0|ba|0", -9.0, -8.0)]
    table = to_judgements(make_pairs(1), answers, "j", min_mass=0.1)
    assert table["status"].tolist() == ["ok", "low_mass"] and table["verdict"].isna().tolist() == [False, True]
    assert table["logp_a"].notna().all()


def test_parts_of_a_part_are_as_even_as_parts_of_the_whole():
    requests = build_requests(make_pairs(600), template_from(TEMPLATE, "t"))
    for shards, copies in ((2, 2), (4, 2), (2, 4)):
        shard = part_of(requests, 0, shards, "shard")
        sizes = [len(part_of(shard, number, copies, "copy")) for number in range(copies)]
        assert sum(sizes) == len(shard) and min(sizes) > 0.6 * len(shard) / copies


@pytest.mark.parametrize("constrained, status", [(False, "unparsed"), (True, "ok")])
def test_a_cut_answer_might_have_gone_on(constrained, status):
    answers = [worded(f"p0|{order}|0", "A", n_tokens=5, n_output=1, cut=True) for order in ("ab", "ba")]
    table = to_judgements(make_pairs(1), answers, "j", template_from(WORDS, "t"), constrained=constrained)
    assert table["status"].tolist() == [status] * 2
