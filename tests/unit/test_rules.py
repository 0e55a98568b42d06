"""Rule judges, the seeded coin, and verdicts taken over from a source."""

from __future__ import annotations

import pandas as pd
import pytest

from prefdissect.annotators.structure import structure_score
from prefdissect.errors import InputError
from prefdissect.features import clearly_longer
from prefdissect.judges.recorded import select_recorded
from prefdissect.judges.rules import RULES, judge_by_rule
from prefdissect.preferences import combine
from prefdissect.tables import conform, validate

PLAIN = "Take the bus. It is cheap."
LISTED = "# How\n\n- Take the bus.\n- It is cheap."
TEXTS = [
    ("one two three four", "one two three"),
    ("one two three", "one two three four"),
    ("one two three", "one two."),  # the full stop is a word of its own
    ("", "one"),
    ("  ", ""),
    (PLAIN, LISTED),
    (LISTED, PLAIN),
    ("same", "same"),
    ("naïve 😀 text", "plain"),
]


def pairs_of(texts, prefix="p") -> pd.DataFrame:
    table = pd.DataFrame(texts, columns=["response_a", "response_b"])
    ids = [f"{prefix}{number}" for number in range(len(table))]
    return conform(table.assign(pair_id=ids, prompt_id=ids, prompt="Q", source="s"), "pairs")


def verdicts(pairs, rule, seed=0) -> list[str]:
    table = judge_by_rule(pairs, "j", rule, seed)
    validate(table, "judgements", "test")
    assert set(table["judge"]) == {"j"} and table["order"].isna().all() and set(table["status"]) == {"ok"}
    assert table["pair_id"].tolist() == pairs["pair_id"].tolist()
    assert table[["logp_a", "logp_b", "rating_a", "rating_b", "mass"]].isna().all(axis=None)
    return table["verdict"].tolist()


def exchanged(pairs) -> pd.DataFrame:
    return pairs.rename(columns={"response_a": "response_b", "response_b": "response_a"})


def test_longer_and_shorter_count_words():
    longer = verdicts(pairs_of(TEXTS), "longer")
    assert longer == ["a", "b", "tie", "b", "tie", "b", "a", "tie", "a"]
    flipped = {"a": "b", "b": "a", "tie": "tie"}
    assert verdicts(pairs_of(TEXTS), "shorter") == [flipped[verdict] for verdict in longer]


def test_one_word_more_decides_though_it_is_not_clearly_longer():
    texts = [("word " * 51, "word " * 50), ("word " * 50, "word " * 51)]
    assert verdicts(pairs_of(texts), "longer") == ["a", "b"]
    assert clearly_longer([51, 50], [50, 51]).tolist() == [0, 0]


def test_more_structure_wins():
    found = verdicts(pairs_of(TEXTS), "more_structured")
    assert found == ["tie"] * 5 + ["b", "a"] + ["tie"] * 2
    assert structure_score(LISTED) == 4 and structure_score(PLAIN) == 0  # a heading and two items
    long_and_plain = ("Take the bus. " * 50, "- bus\n- tram")
    assert verdicts(pairs_of([long_and_plain]), "more_structured") == ["b"]


@pytest.mark.parametrize("rule", ["longer", "shorter", "more_structured"])
def test_a_rule_does_not_look_at_the_position(rule):
    there, back = verdicts(pairs_of(TEXTS), rule), verdicts(exchanged(pairs_of(TEXTS)), rule)
    assert [{"a": "b", "b": "a", "tie": "tie"}[verdict] for verdict in there] == back
    preferences = combine(judge_by_rule(pairs_of(TEXTS), "j", rule))
    assert preferences["preference"].tolist() == there and preferences["consistent"].isna().all()


def test_the_coin_is_fair_follows_its_seed_and_reads_nothing():
    pairs = pairs_of([("one", "two")] * 4000)
    first, other = verdicts(pairs, "coin", 0), verdicts(pairs, "coin", 1)
    assert first == verdicts(pairs, "coin", 0)
    assert set(first) == {"a", "b"}
    # Four standard deviations of 4,000 tosses are 3.2 %.
    for share in (first.count("a") / 4000, sum(x == y for x, y in zip(first, other)) / 4000):
        assert share == pytest.approx(0.5, abs=0.032)
    assert verdicts(exchanged(pairs), "coin", 0) == first


def test_the_coin_stays_when_pairs_are_added_or_reordered():
    pairs = pairs_of([("one", "two")] * 60)
    tossed = dict(zip(pairs["pair_id"], verdicts(pairs, "coin", 7)))
    more = pd.concat([pairs_of([("x", "y")] * 40, "new"), pairs]).sample(frac=1, random_state=0)
    again = dict(zip(more["pair_id"], verdicts(more, "coin", 7)))
    assert {pair: again[pair] for pair in tossed} == tossed


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_judges_every_pair(rule):
    assert len(verdicts(pairs_of(TEXTS), rule)) == len(TEXTS)


RECORDED = conform(
    pd.DataFrame(
        {
            "judge": ["GPT-4/Vanilla", "GPT-4/Vanilla", "Falcon/CoT"],
            "pair_id": ["p0", "p1", "p0"],
            "sample": 0,
            "verdict": ["a", "b", "b"],
            "status": "ok",
            "truncated": False,
        }
    ),
    "judgements",
)


def record(**kwargs) -> dict:
    return {"name": "GPT-4-Vanilla", "label": "GPT-4/Vanilla", "source": "llmbar", **kwargs}


def test_a_recorded_judge_takes_its_own_verdicts_under_its_safe_name():
    chosen = select_recorded(RECORDED, record(), {"p0", "p1", "p2"})
    validate(chosen, "judgements", "test")
    assert chosen[["judge", "pair_id", "verdict"]].to_numpy().tolist() == [
        ["GPT-4-Vanilla", "p0", "a"],
        ["GPT-4-Vanilla", "p1", "b"],
    ]
    assert select_recorded(RECORDED, record(), {"p1"})["verdict"].tolist() == ["b"]
    renamed = select_recorded(RECORDED, record(label="A falcon", name="f", judge="Falcon/CoT"), {"p0"})
    assert renamed["judge"].tolist() == ["f"] and renamed["verdict"].tolist() == ["b"]
    assert set(RECORDED["judge"]) == {"GPT-4/Vanilla", "Falcon/CoT"}


def test_a_recorded_judge_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"judge `GPT-4-Vanilla`.*`llmbar` holds no verdict of `GPT-5`.*Falcon/CoT"):
        select_recorded(RECORDED, record(judge="GPT-5"), {"p0"})
    with pytest.raises(InputError, match=r"judge `GPT-4-Vanilla`.*none of its verdicts is on a pair of the study"):
        select_recorded(RECORDED, record(), {"p9"})
    with pytest.raises(InputError, match="no judge"):
        select_recorded(RECORDED.iloc[:0], record(), {"p0"})
