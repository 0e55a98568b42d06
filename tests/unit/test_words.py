"""Word counts: the published ones, and NLTK's tokenizer run over whole sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktSentenceTokenizer

from prefdissect.annotators.words import count_words

PIECES = [
    *"'\"`.,:;-()[]{}<>!?@#$%&*/_ \t\n\r",
    "  ",
    "...",
    "--",
    "''",
    "“",
    "”",
    "«",
    "—",
    "\u200b",
    "\xa0",
    "\x1c",
    "\x85",
]
WORDS = [
    "a",
    "can",
    "not",
    "cannot",
    "n't",
    "'s",
    "'ll",
    "'tis",
    "gonna",
    "wanna",
    "d'ye",
    "US",
    "1",
    "1,2",
    "é",
    "中",
    "😀",
]


def count_plainly(text: str) -> int:
    """The definition, word for word, without what makes it quick."""
    return sum(len(NLTKWordTokenizer().tokenize(sentence)) for sentence in PunktSentenceTokenizer().tokenize(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" \n\t", 0),
        ("word", 1),
        ("Got it. Thanks for the clarification.", 8),
        ("I cannot go; you can't either!", 10),
        ('Dr. No asked: "Why?"', 9),
        ("It costs $3.88 (roughly 3,36 euros).", 10),
        ("one\r\ntwo\rthree", 3),
        ("中文没有空格", 1),
    ],
)
def test_hand_counted(text: str, words: int):
    assert count_words(text) == words


def test_published_sample(shared_data: Path):
    lines = (shared_data / "preference-dissection" / "sample_unannotated.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    counts = [(count_words(row["response_a"]), count_words(row["response_b"])) for row in rows]
    assert counts == [(144, 64), (431, 8)]
    assert counts == [(row["response_a word"], row["response_b word"]) for row in rows]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES + WORDS), max_size=30).map("".join))
def test_quick_count_is_the_plain_count(text: str):
    assert count_words(text) == count_plainly(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str):
    assert count_words(text) == count_plainly(text)


def test_long_text():
    assert count_words("One more word. " * 4000) == 16000
