"""Measures of form: language, layout, steps, repetition.

Each gives one number per response; `prefdissect.annotators.lexical` says which number has which rating.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

from prefdissect.annotators.markers import word_list
from prefdissect.annotators.readability import count_syllables, flesch_kincaid_grade
from prefdissect.annotators.response import Response, Sentence

BLOCK = 115  # words in one line from which a response that is nothing else is a block of text
LONG_SENTENCE = 40  # words; items and lines without a full stop run on, so that longer units count as several
NEUTRAL_GRADE, NEUTRAL_WORDS = 8, 15  # a text is read as if it went on so many words at this grade

_LETTERS = re.compile(r"[a-z]+(?:[-'][a-z]+)*")


def schooling(response: Response) -> float:
    """Flesch-Kincaid grade of the prose, drawn towards `NEUTRAL_GRADE` where there is little of it; 0 without prose.

    The formula and the syllables are those of English; for another language the number still orders its texts.
    """
    sentences = [words for s in response.sentences if (words := _LETTERS.findall(" ".join(s.words)))]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return 0.0
    n_sentences = sum(max(1.0, len(sentence) / LONG_SENTENCE) for sentence in sentences)
    grade = flesch_kincaid_grade(len(words), n_sentences, sum(map(count_syllables, words)))
    return (len(words) * grade + NEUTRAL_WORDS * NEUTRAL_GRADE) / (len(words) + NEUTRAL_WORDS)


def formatting(response: Response) -> float:
    """1 for readable paragraphs, 0 for a block that needed structure; 2 to 3 as structure carries more of the text."""
    layout = response.layout
    if response.is_blank:
        return 0.0
    elements = layout.table_rows + 2 * (layout.headings + layout.code_blocks) + 0.5 * layout.strong
    elements += layout.block_quotes + (layout.items if layout.items >= 2 else 0)
    if elements >= 1:
        enough = min(1.0, elements / max(4, response.prose_words / 40))
        return 2 + enough * _share_structured(response)
    longest = _longest_line(response)
    too_long = longest > (BLOCK if len(layout.blocks) == 1 else 1.5 * BLOCK)
    return 0.0 if too_long or layout.loose_code_lines >= 3 else 1.0


def steps(response: Response) -> float:
    """Points for ordered steps: numbered instructions, words of sequence, instructions in prose, worked reasoning."""
    numbered = {s.block: False for s in response.sentences if s.kind == "numbered"}
    loose = 0
    for sentence in response.sentences:
        if sentence.block not in numbered:
            loose += sentence.kind == "paragraph" and _is_instruction(sentence)
        elif _is_instruction(sentence):
            numbered[sentence.block] = True
    sequence = {phrase for number, _, phrase in response.hits["sequence"] if _opens(response, number, phrase)}
    reasons = sum(_opens(response, number, phrase) for number, _, phrase in response.hits["reasoning"])
    equations = sum(" = " in sentence.text for sentence in response.sentences)
    listed = max(sum(numbered.values()), 0.5 * (len(numbered) >= 3))
    return listed + 0.6 * len(sequence) + min(2.0, 0.3 * loose) + min(1.5, 0.3 * reasons) + min(2.0, 0.5 * equations)


def recurrence(response: Response, span: int = 40, prior: float = 10) -> float:
    """Share of content words that occurred among the `span` content words before, whatever the length of the text.

    The most frequent one is left out: a text may name its topic as often as it needs. A word near the beginning has
    fewer words before it and counts in proportion. `prior` words that do not recur are added, so that a text of a few
    words stays near 0.
    """
    stems = [_stem(w) for s in response.sentences if s.kind != "table" for w in s.words if _is_content(w)]
    topic = Counter(stems).most_common(1)[0][0] if stems else None
    seen: dict[str, int] = {}
    again, chances = 0, prior
    for position, stem in enumerate(stem for stem in stems if stem != topic):
        again += position - seen.get(stem, -math.inf) <= span
        chances += min(position, span) / span
        seen[stem] = position
    return again / chances


def repeated_runs(response: Response, length: int = 4) -> float:
    """Share of runs of four words (within sentences) that occurred before; 0 where there are fewer than five."""
    runs = Counter()
    for sentence in response.sentences:
        words = sentence.words
        runs.update(words[i : i + length] for i in range(len(words) - length + 1))
    return 1 - len(runs) / runs.total() if runs.total() >= 5 else 0.0


def repeated_sentences(response: Response, most: int = 200) -> float:
    """Share of sentences (of the first `most`) with nearly the same words as an earlier one."""
    contents = [frozenset(s.words) for s in response.sentences[:most] if len(s.words) >= 4]
    again = sum(any(_similar(words, earlier) for earlier in contents[:n]) for n, words in enumerate(contents))
    return again / len(contents) if contents else 0.0


def _share_structured(response: Response) -> float:
    layout = response.layout
    if layout.headings >= 2 or (layout.code_blocks and layout.code_blocks + layout.items + layout.headings >= 3):
        return 1.0
    inside = sum(len(s.words) for s in response.sentences if s.kind != "paragraph")
    return inside / max(1, response.prose_words)


def _longest_line(response: Response) -> int:
    lines = (line for block in response.layout.blocks for line in block.text.split("\n"))
    return max((len(line.split()) for line in lines), default=0)


def _opens(response: Response, number: int, phrase: str) -> bool:
    return " ".join(response.sentences[number].words).startswith(phrase)


def _is_instruction(sentence: Sentence) -> bool:
    """Whether a sentence opens with a verb of instruction, perhaps after "then" or a number."""
    words = [word for word in sentence.words[:3] if not word.isdigit() and word not in ("then", "next", "now")]
    return bool(words) and (words[0] == "step" or words[0] in word_list("instructions"))


def _similar(a: frozenset[str], b: frozenset[str]) -> bool:
    shared = len(a & b)
    return shared >= 0.75 * (len(a) + len(b) - shared)


def _is_content(word: str) -> bool:
    return len(word) > 2 and word[0].isalpha() and word not in word_list("function_words")


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    for ending in (
        "ations",
        "ation",
        "ings",
        "ing",
        "ness",
        "ies",
        "ied",
        "ers",
        "ed",
        "er",
        "es",
        "ly",
        "s",
        "e",
        "y",
    ):
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            return word[: -len(ending)]
    return word
