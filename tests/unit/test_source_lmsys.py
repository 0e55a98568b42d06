"""Arena votes. The rows are made by hand in the schema of the release (33k conversations of 2023)."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pandas as pd
import pytest

from prefdissect.errors import InputError
from prefdissect.pairs.lmsys import read
from prefdissect.tables import prompt_id

CATEGORIES = ("harassment", "hate", "self-harm", "sexual", "violence")


def talk(*texts: str) -> list[dict]:
    return [{"content": text, "role": "assistant" if i % 2 else "user"} for i, text in enumerate(texts)]


def moderation(flagged: bool) -> dict:
    return {
        "categories": {name: flagged and name == "hate" for name in CATEGORIES},
        "category_scores": {name: 0.9 if flagged and name == "hate" else 1e-5 for name in CATEGORIES},
        "flagged": flagged,
    }


def toxicity(roberta: bool, t5: bool) -> dict:
    return {
        "roberta-large": {"flagged": roberta, "probability": 0.97 if roberta else 0.01},
        "t5-large": {"flagged": t5, "score": 1.2 if t5 else -1.2},
    }


def vote(number: int, winner: str | None = "model_a", **changes) -> dict:
    row = {
        "question_id": f"{number:032x}",
        "model_a": "vicuna-13b",
        "model_b": "koala-13b",
        "winner": winner,
        "judge": "arena_user_7",
        "conversation_a": talk(f"Question {number}?", f"First answer {number}."),
        "conversation_b": talk(f"Question {number}?", f"Second answer {number}."),
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1682351591.1322,
        "openai_moderation": moderation(False),
        "toxic_chat_tag": toxicity(False, False),
    }
    return {**row, **changes}


def save(folder: Path, rows: list[dict], suffix: str) -> str:
    path = folder / f"votes{suffix}"
    if suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    elif suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def source(folder: Path, rows: list[dict], suffix: str = ".jsonl", **record):
    return read({"name": "arena", "kind": "lmsys", "path": save(folder, rows, suffix), **record}, None)


def verdicts(read_source) -> dict[str, str]:
    return dict(zip(read_source.judgements["pair_id"], read_source.judgements["verdict"], strict=True))


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_the_papers_filter_is_the_default(tmp_path, suffix):
    rows = [
        vote(1),
        vote(2, "model_b"),
        vote(3, "tie"),
        vote(4, "tie (bothbad)"),
        vote(5, language="German"),
        vote(6, language=None),
        vote(7, conversation_a=talk("a", "b", "c", "d"), conversation_b=talk("a", "b", "c", "e"), turn=2),
        vote(8, openai_moderation=None, toxic_chat_tag=None, model_b=None),
    ]
    found = source(tmp_path, rows, suffix)
    ids = [f"{number:032x}" for number in (1, 2, 8)]
    assert list(found.pairs["pair_id"]) == ids
    assert verdicts(found) == dict(zip(ids, ["a", "b", "a"], strict=True))
    assert set(found.judgements["judge"]) == {"human"} and found.judgements["order"].isna().all()
    first = found.pairs.iloc[0]
    assert (first["prompt"], first["response_a"], first["response_b"]) == (
        "Question 1?",
        "First answer 1.",
        "Second answer 1.",
    )
    assert (first["model_a"], first["model_b"], first["language"], first["source"]) == (
        "vicuna-13b",
        "koala-13b",
        "English",
        "arena",
    )
    assert first["prompt_id"] == prompt_id("Question 1?") and pd.isna(first["turns"])
    assert pd.isna(found.pairs.iloc[2]["model_b"])
    assert found.notes == {
        "no clear winner": 2,
        "language is not English": 2,
        "more than one turn": 1,
        "kept, but without a safety tag (taken as safe)": 1,
    }


def test_ties_and_all_languages_when_asked_for(tmp_path):
    rows = [vote(1), vote(3, "tie"), vote(4, "tie (bothbad)"), vote(5, language=None), vote(6, None)]
    found = source(tmp_path, rows, filter={"clear_winner": False, "language": None})
    assert list(verdicts(found).values()) == ["a", "tie", "tie", "a"]
    assert found.notes == {"no vote": 1}


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_longer_conversations_need_one_history(tmp_path, suffix):
    shared = ("Hi", "Hello!", "And now?")
    rows = [
        vote(1, conversation_a=talk(*shared, "This."), conversation_b=talk(*shared, "That."), turn=2),
        vote(2, conversation_a=talk(*shared, "This."), conversation_b=talk("Hi", "Hey.", "And now?", "That."), turn=2),
        vote(3, conversation_a=talk(*shared, "This."), conversation_b=talk("Hi", "Hello!", "Or?", "That."), turn=2),
        vote(4, conversation_a=talk("Hi", "Hello!"), conversation_b=talk(*shared, "That.")),
        vote(5, conversation_a=talk("Hi", "Hello!", "Left alone"), conversation_b=talk("Hi", "Hello!")),
        vote(6, conversation_a=talk(), conversation_b=talk()),
        vote(7),
    ]
    found = source(tmp_path, rows, suffix, filter={"single_turn": False})
    assert list(found.pairs["pair_id"]) == [f"{1:032x}", f"{7:032x}"]
    pair = found.pairs.iloc[0]
    assert json.loads(pair["turns"]) == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    assert pair["prompt"] == "And now?" and pair["prompt_id"] == prompt_id("And now?", pair["turns"])
    assert found.notes == {
        "earlier turns differ between the two conversations": 1,
        "the two conversations end with different prompts": 2,
        "a conversation does not end with a prompt and its answer": 2,
    }


def test_prompts_that_differ_are_left_out(tmp_path):
    found = source(tmp_path, [vote(1), vote(2, conversation_b=talk("Another?", "Yes."))])
    assert len(found.pairs) == 1
    assert found.notes == {"the two conversations end with different prompts": 1}


def test_missing_conversations_and_messages_are_counted(tmp_path):
    no_text = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None}]
    found = source(tmp_path, [vote(1), vote(2, conversation_a=None), vote(3, conversation_b=no_text)])
    assert found.notes == {"a conversation is missing": 1, "a message without text (null, or with images)": 1}


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_flagged_conversations_are_unsafe_whatever_else_they_are(tmp_path, suffix):
    rows = [
        vote(1),
        vote(2, openai_moderation=moderation(True)),
        vote(3, toxic_chat_tag=toxicity(True, False)),
        vote(4, toxic_chat_tag=toxicity(False, True), openai_moderation=None),
        vote(5, toxic_chat_tag={**toxicity(False, True), "t5-large": None}),
        vote(6),
    ]
    scenarios = tmp_path / "scenarios.csv"
    lines = [f"{number:032x},{name}" for number, name in ((1, "Code"), (2, "Code"), (3, ""), (9, "Advice"))]
    scenarios.write_text("\n".join(["question_id,scenario", *lines]) + "\n", encoding="utf-8")
    found = source(tmp_path, rows, suffix, scenarios=str(scenarios))
    named = found.pairs["scenario"].astype(object).where(found.pairs["scenario"].notna(), None)
    assert list(named) == ["Code", "Unsafe Queries", "Unsafe Queries", "Unsafe Queries", None, None]
    assert found.notes == {"kept, but in no scenario": 2}
    assert list(source(tmp_path, rows[:2], suffix, unsafe_scenario="Red").pairs["scenario"].dropna()) == ["Red"]


def test_releases_without_safety_tags_are_read(tmp_path):
    rows = [{k: v for k, v in vote(n).items() if k not in ("openai_moderation", "toxic_chat_tag")} for n in (1, 2)]
    found = source(tmp_path, rows)
    assert found.pairs["scenario"].isna().all()
    assert found.notes == {"kept, but without a safety tag (taken as safe)": 2}


def test_empty_answers_follow_the_sources_policy(tmp_path):
    rows = [vote(1), vote(2, conversation_b=talk("Question 2?", " \n"))]
    with pytest.raises(InputError, match="votes.jsonl: line 2, column `conversation_b`: holds only white space"):
        source(tmp_path, rows)
    dropped = source(tmp_path, rows, empty_responses="drop")
    assert len(dropped.pairs) == len(dropped.judgements) == 1
    assert dropped.notes == {"pairs with an empty response": 1}
    assert len(source(tmp_path, rows, empty_responses="keep").pairs) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"winner": "model_c"}, "line 2, column `winner`: holds 'model_c'.*tie"),
        ({"winner": ["model_a"]}, "line 2, column `winner`: holds"),
        ({"conversation_a": "hello"}, "line 2, column `conversation_a`: holds 'hello'.*a list of messages"),
        ({"conversation_b": ["hello"]}, "line 2, column `conversation_b`: holds the message 'hello'"),
        ({"conversation_b": [{"content": "hello"}]}, "line 2, column `conversation_b`: holds the message"),
        ({"openai_moderation": True}, "line 2, column `openai_moderation`: holds True"),
        ({"toxic_chat_tag": {"t5-large": 0.3}}, "line 2, column `toxic_chat_tag`: holds 0.3"),
        ({"question_id": None}, "line 2, column `question_id`"),
        ({"question_id": f"{1:032x}"}, "line 2, column `question_id`.* occurs twice"),
    ],
)
def test_a_bad_row_is_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        source(tmp_path, [vote(1), vote(2, **changes)])


def test_a_file_of_another_kind_is_refused(tmp_path):
    row = copy.deepcopy(vote(1))
    del row["conversation_b"]
    with pytest.raises(InputError, match="column `conversation_b` is missing"):
        source(tmp_path, [row])
    with pytest.raises(InputError, match="no vote is left: {'no clear winner': 1}.*key `filter`"):
        source(tmp_path, [vote(1, "tie")])
    with pytest.raises(InputError, match="source `arena`, key `filter`: `lang` is unknown"):
        source(tmp_path, [vote(1)], filter={"lang": "German"})


def test_scenarios_must_be_given_once(tmp_path):
    path = tmp_path / "scenarios.csv"
    path.write_text("question_id,scenario\nx,Code\nx,Advice\n", encoding="utf-8")
    with pytest.raises(InputError, match="scenarios.csv: line 3, column `question_id`: question `x` occurs twice"):
        source(tmp_path, [vote(1)], scenarios=str(path))
    path.write_text("id,scenario\nx,Code\n", encoding="utf-8")
    with pytest.raises(InputError, match="scenarios.csv: column `question_id` is missing"):
        source(tmp_path, [vote(1)], scenarios=str(path))
