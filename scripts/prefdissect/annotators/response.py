"""A response as the lexical measures see it: layout, sentences, words and marker phrases, each worked out once."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

from prefdissect.annotators.markers import Marker, load_markers
from prefdissect.annotators.structure import Layout, read_layout, split_sentences
from prefdissect.annotators.words import count_words

EDGE = 2  # sentences at either end of a response in which it speaks for itself
SHORT = 6  # a response of no more sentences than this is all edge

# In scripts written without blanks each character is a word, so that repetition can be seen. Quotation marks are kept.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]|[^\W_]+(?:[-'][^\W_]+)*|[\"“”]")
_VISIBLE = re.compile(r"[^\s\u200b-\u200f\u2060-\u2064\ufeff]")
_LETTER_BEGINS = re.compile(r"subject:|(?:dear|hi|hello|hey)\b[^.!?\n]{0,60}[,:\]]\s*(?:$|\n)", re.IGNORECASE)
_LETTER_ENDS = re.compile(
    r"^\W*(?:(?:kind(?:est)?|warm(?:est)?)\s+(?:regards|wishes)|regards|sincerely|yours|best|love|cheers|\[?your name)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Sentence:
    """One sentence of prose.

    Attributes
    ----------
    text
        As written.
    words
        Lower case, straight apostrophes, no punctuation.
    quoted
        For each word, whether it stands in double quotation marks.
    kind
        Kind of its block: paragraph, item, numbered, heading or table.
    block
        Number of its block.
    drafted
        Whether it belongs to a letter that the response drafts.
    """

    text: str
    words: tuple[str, ...]
    quoted: tuple[bool, ...]
    kind: str
    block: int
    drafted: bool


class Response:
    """One response text, measured lazily.

    Parameters
    ----------
    text
        Any text, also an empty one.
    """

    def __init__(self, text: str):
        self.text = text

    @cached_property
    def word_count(self) -> int:
        """Words as the published pipeline counts them (see `count_words`)."""
        return count_words(self.text)

    @cached_property
    def is_blank(self) -> bool:
        """Whether nothing can be seen of it."""
        return not _VISIBLE.search(self.text)

    @cached_property
    def layout(self) -> Layout:
        return read_layout(self.text)

    @cached_property
    def sentences(self) -> list[Sentence]:
        """Sentences of the prose; code is left out, headings, items and table cells are included."""
        found, drafting = [], False
        for number, block in enumerate(self.layout.blocks):
            drafting = drafting or bool(_LETTER_BEGINS.match(block.text))
            found += _sentences(block.text, block.kind, number, drafting)
            drafting = drafting and not _LETTER_ENDS.search(block.text)
        return _forget_full_quotation(found)

    @cached_property
    def prose_words(self) -> int:
        """Words of the prose, punctuation not counted."""
        return sum(len(sentence.words) for sentence in self.sentences)

    @cached_property
    def hits(self) -> dict[str, list[tuple[int, Marker, str]]]:
        """For each group of markers the hits that count: number of the sentence, marker, phrase."""
        markers, hits, last = load_markers(), defaultdict(list), len(self.sentences)
        for number, sentence in enumerate(self.sentences):
            edge = last <= SHORT or number < EDGE or number >= last - EDGE
            for hit in markers.find(sentence.words):
                if hit.marker.points and _counts(hit.marker.where, sentence, sentence.quoted[hit.start], edge):
                    phrase = " ".join(sentence.words[hit.start : hit.end])
                    hits[hit.marker.group].append((number, hit.marker, phrase))
        return hits

    def points(self, group: str) -> float:
        """Sum of the points of a group's hits."""
        return sum(marker.points for _, marker, _ in self.hits[group])


def _sentences(text: str, kind: str, block: int, drafted: bool) -> list[Sentence]:
    text = text.replace("’", "'")
    # An odd number of straight marks means inches or a slip: then they do not delimit anything.
    straight = text.count('"') % 2 == 0
    found, inside = [], False
    for sentence in split_sentences(text):
        words, quoted = [], []
        for word in _WORD.findall(sentence.lower()):
            if word == '"':
                inside = inside != straight
            elif word in "“”":
                inside = word == "“"
            else:
                words.append(word)
                quoted.append(inside)
        found.append(Sentence(sentence, tuple(words), tuple(quoted), kind, block, drafted))
    return found


def _forget_full_quotation(sentences: list[Sentence]) -> list[Sentence]:
    """A response that stands in quotation marks as a whole speaks in them; nothing counts as quoted."""
    total = sum(len(s.words) for s in sentences)
    if 2 * sum(sum(s.quoted) for s in sentences) <= total:
        return sentences
    return [replace(sentence, quoted=(False,) * len(sentence.words)) for sentence in sentences]


def _counts(where: str, sentence: Sentence, quoted: bool, edge: bool) -> bool:
    if where == "anywhere":
        return True
    if quoted or (where in ("voice", "edge") and sentence.drafted):
        return False
    return edge or where != "edge"
