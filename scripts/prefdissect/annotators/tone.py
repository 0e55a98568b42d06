"""Measures of tone: courtesy, interaction, figures of speech, limits admitted, informality.

Each gives one number per response; `prefdissect.annotators.lexical` says which number has which rating. Marks of tone
are diluted by length, but less than in proportion: thanks given once still make a longer text polite. "Diluted points"
are therefore divided by the square root of the length beyond `USUAL_LENGTH` words.
"""

from __future__ import annotations

import math
import re

from prefdissect.annotators.response import Response, Sentence

USUAL_LENGTH = 150  # words of prose
SHORTEST = 50  # words; what is taken per 100 words counts a shorter text as if it had so many
ADDRESS = frozenset(("you", "your", "you'd", "you're", "you've", "i", "we"))

_EMOJI = re.compile("[\U0001f1e6-\U0001faff\u2600-\u26ff\u2705\u2728\u2764\u2b50]")
_EMOTICON = re.compile(r"(?<!\S)(?:[:;=]-?[)(DPp]|<3|xD|\^\^)(?!\S)")
_DRAWN_OUT = re.compile(r"([a-hj-vyz])\1\1")  # "sooo"; not "www" and numerals
_SHOUTED = re.compile(r"!{2,}|\?!|!\?|\?{2,}")
_CONTRACTION = re.compile(r".+(?:n't|'re|'ve|'ll|'m|'d)|(?:it|that|there|here|what|who|how|let|he|she|where)'s")
_SPEAKER = re.compile(r"\W*(?:[A-Z][\w.]*\s?){1,3}:")
_LINE_WORDS = re.compile(r"[a-z]+(?:[-'][a-z]+)*")


def courtesy(response: Response) -> float:
    """1 for plain text, plus diluted points of courtesy, minus points of rudeness; 0 for a blank text."""
    if response.is_blank:
        return 0.0
    return 1 + _diluted(response.points("courtesy"), response) - response.points("rudeness")


def interaction(response: Response) -> float:
    """0; 1 where only an offer is made; from 2 on where the user is asked something, more the more of the text asks."""
    sentences = response.sentences
    asking = {number for number, _, _ in response.hits["invitation"]}
    asking |= {number for number, sentence in enumerate(sentences) if _asks_user(response, number, sentence)}
    # Questions in a list may be what the user wanted; they are put to the user where the text around them says so.
    if not any(sentences[number].kind == "paragraph" for number in asking):
        return min(1.0, response.points("offer"))
    return 2 + min(len(asking) - 1, 5 * len(asking) / len(sentences))


def figures(response: Response) -> float:
    """Diluted points of figures of speech: set phrases, rhetorical questions, repeated openings, rhymes."""
    patterns = 0.75 * _rhetorical_questions(response) + 0.75 * _repeated_openings(response.sentences)
    return _diluted(response.points("figure") + patterns + 0.5 * _rhymes(response), response)


def limits(response: Response) -> float:
    """1 for a hedge, 2 for a clear statement of a limit; up to 3 as further ones take up a third of the sentences."""
    clear = {number for number, _, _ in response.hits["limits_clear"]}
    hedges = {number for number, _, _ in response.hits["limits_hedge"]} - clear
    if not clear:
        return min(1.5, _diluted(len(hedges), response))
    share = (len(clear) + 0.5 * len(hedges)) / len(response.sentences)
    return 2 + min(1.0, 3 * share) * (len(clear) + len(hedges) > 1)


def informality(response: Response) -> float:
    """Colloquial words, emoji and chat spelling per 100 words, and contractions at half weight, to 1 at most."""
    per_100 = 100 / max(response.prose_words, SHORTEST)
    text = " ".join(sentence.text for sentence in response.sentences)
    signs = sum(len(pattern.findall(text)) for pattern in (_EMOTICON, _DRAWN_OUT, _SHOUTED))
    signs += 0 if text.isascii() else len(_EMOJI.findall(text))
    words = (word for sentence in response.sentences for word in sentence.words if "'" in word)
    contractions = sum(bool(_CONTRACTION.fullmatch(word)) for word in words)
    return per_100 * (response.points("colloquial") + signs) + min(1.0, 0.5 * per_100 * contractions)


def _diluted(points: float, response: Response) -> float:
    return points / math.sqrt(max(response.prose_words, USUAL_LENGTH) / USUAL_LENGTH)


def _asks_user(response: Response, number: int, sentence: Sentence) -> bool:
    """Whether a sentence is a question to the user: in the response's own voice, addressed, near an end of it."""
    if not _is_question(sentence) or sentence.kind in ("heading", "table"):
        return False
    if sentence.drafted or _SPEAKER.match(sentence.text) or all(sentence.quoted):
        return False
    count = len(response.sentences)
    near_end = number >= count - 3 or count <= 6
    return number == count - 1 or (near_end and not ADDRESS.isdisjoint(sentence.words))


def _is_question(sentence: Sentence) -> bool:
    return bool(sentence.words) and sentence.text.rstrip("\"'”’)*_ ").endswith("?")


def _rhetorical_questions(response: Response, most: int = 3) -> int:
    """Questions in the running text that nobody is to answer; 0 in a dialogue or a collection of questions."""
    found = 0
    for number, sentence in enumerate(response.sentences):
        plain = sentence.kind == "paragraph" and not any(sentence.quoted)
        found += plain and _is_question(sentence) and not _asks_user(response, number, sentence)
    dialogue = sum(bool(_SPEAKER.match(sentence.text)) for sentence in response.sentences) >= 3
    return 0 if dialogue or found > 0.4 * len(response.sentences) else min(most, found)


def _repeated_openings(sentences: list[Sentence], most: int = 3) -> int:
    """Times that a third or further sentence in a row opens with the same two words and goes on differently."""
    run, repeats, previous = 1, 0, ()
    for sentence in sentences:
        words = sentence.words if sentence.kind == "paragraph" and len(sentence.words) > 3 else ()
        same = words[:2] == previous[:2] and words[:4] != previous[:4]
        run = run + 1 if words and same and words[0].isalpha() else 1
        repeats += run >= 3
        previous = words
    return min(most, repeats)


def _rhymes(response: Response, most: int = 8) -> int:
    """Ends of short lines that rhyme (in spelling) with one of the two lines before."""
    found = 0
    for block in response.layout.blocks:
        lines = [_LINE_WORDS.findall(line.lower()) for line in block.text.split("\n")]
        ends = [words[-1] if 3 <= len(words) <= 14 else "" for words in lines]
        for n in range(1, len(ends)):
            found += any(_rhyme(ends[n], earlier) for earlier in ends[max(0, n - 2) : n])
    return min(most, found)


def _rhyme(a: str, b: str) -> bool:
    return len(a) > 2 and len(b) > 2 and a != b and a[-2:] == b[-2:] and a[-2:] not in ("ed", "ly", "es", "er")
