"""The measures behind the lexical ratings: one number per response, before any cut points.

What marks a tone is diluted by length, but less than in proportion: thanks given once still make a longer text polite.
So points of tone are divided by the square root of the length beyond `USUAL_LENGTH` words ("diluted points"), and what
has to run through a whole text is taken per 100 words or as a share.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

from prefdissect.annotators.readability import count_syllables, flesch_kincaid_grade
from prefdissect.annotators.response import Response, Sentence

USUAL_LENGTH = 150  # words of prose
BLOCK = 115  # words in one line from which a response that is nothing else is a block of text
SHORTEST = 50  # words; densities of a shorter text are taken as if it had so many

_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff\u2705\u2728\u2764\u2b50]")
_EMOTICON = re.compile(r"(?<!\S)(?:[:;=]-?[)(DPp]|<3|xD|\^\^)(?!\S)")
_DRAWN_OUT = re.compile(r"([a-hj-vyz])\1\1")  # "sooo"; not "www" and numerals
_SHOUTED = re.compile(r"!{2,}|\?!|!\?|\?{2,}")
_CONTRACTION = re.compile(r".+(?:n't|'re|'ve|'ll|'m|'d)|(?:it|that|there|here|what|who|how|let|he|she|where)'s")
_LETTERS = re.compile(r"[a-z]+(?:[-'][a-z]+)*")
_SPEAKER = re.compile(r"\W*(?:[A-Z][\w.]*\s?){1,3}:")


def courtesy(response: Response) -> float:
    """1 for plain text, plus diluted points of courtesy, minus points of rudeness; 0 for a text without words."""
    if not response.prose_words and not response.text.strip():
        return 0.0
    return 1 + _diluted(response.points("courtesy"), response) - response.points("rudeness")


def interaction(response: Response) -> float:
    """0; 1 where only an offer is made; from 2 on where the user is asked something, more the more of the text asks."""
    asking = {number for number, _, _ in response.hits["invitation"]}
    asking |= {number for number, sentence in enumerate(response.sentences) if _asks_user(response, number, sentence)}
    if not asking:
        return min(1.0, response.points("offer"))
    share = len(asking) / len(response.sentences)
    return 2 + min(len(asking) - 1, 5 * share)


def figures(response: Response) -> float:
    """Diluted points of figures of speech: set phrases, rhetorical questions, repeated openings, rhymes."""
    patterns = 0.75 * _rhetorical_questions(response) + 0.75 * _repeated_openings(response.sentences)
    return _diluted(response.points("figure") + patterns + 0.5 * _rhymes(response), response)


def schooling(response: Response) -> float:
    """Flesch-Kincaid grade of the prose, drawn towards grade 8 where there is little of it."""
    sentences = [words for s in response.sentences if (words := _LETTERS.findall(" ".join(s.words)))]
    words = [word for sentence in sentences for word in sentence]
    # Items and lines without a full stop run on: no unit counts as longer than a long sentence does.
    n_sentences = sum(max(1.0, len(sentence) / 40) for sentence in sentences)
    if not words:
        return 0.0
    grade = flesch_kincaid_grade(len(words), n_sentences, sum(map(count_syllables, words)))
    return (len(words) * grade + 15 * 8) / (len(words) + 15)


def formatting(response: Response) -> float:
    """1 for readable paragraphs, 0 for a block that needed structure; 2 to 3 as structure carries more of the text."""
    layout = response.layout
    if not response.text.strip():
        return 0.0
    elements = layout.table_rows + 2 * (layout.headings + layout.code_blocks) + 0.5 * layout.strong
    elements += layout.block_quotes + (layout.items if layout.items >= 2 else 0)
    if elements >= 1:
        enough = min(1.0, elements / max(4, response.prose_words / 40))
        return 2 + enough * _share_structured(response)
    longest = _longest_line(response)
    too_long = longest > (BLOCK if len(layout.blocks) == 1 else 1.5 * BLOCK)
    return 0.0 if too_long or layout.loose_code_lines >= 3 else 1.0


def limits(response: Response) -> float:
    """1 for a hedge, 2 for a clear statement of a limit, 3 where such statements fill a third of the text or more."""
    clear = {number for number, marker, _ in response.hits["limits_clear"] if marker.points}
    hedges = {number for number, _, _ in response.hits["limits_hedge"]} - clear
    if not clear:
        return min(1.5, _diluted(len(hedges), response))
    share = (len(clear) + 0.5 * len(hedges)) / len(response.sentences)
    return 2 + min(1.0, 3 * share) * (len(clear) + len(hedges) > 1)


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
    listed = max(sum(numbered.values()), len(numbered) >= 3)
    return listed + 0.6 * len(sequence) + min(2.0, 0.3 * loose) + min(1.5, 0.3 * reasons) + min(2.0, 0.5 * equations)


def informality(response: Response) -> float:
    """Colloquial words, emoji and chat spelling per 100 words, contractions at a quarter and to 1 at most."""
    per_100 = 100 / max(response.prose_words, SHORTEST)
    text = " ".join(sentence.text for sentence in response.sentences)
    signs = sum(len(pattern.findall(text)) for pattern in (_EMOTICON, _DRAWN_OUT, _SHOUTED))
    signs += 0 if text.isascii() else len(_EMOJI.findall(text))
    contractions = sum("'" in word and bool(_CONTRACTION.fullmatch(word)) for s in response.sentences for word in s.words)
    return per_100 * (response.points("colloquial") + signs) + min(1.0, 0.5 * per_100 * contractions)


def recurrence(response: Response, span: int = 40, prior: float = 10) -> float:
    """Share of content words that occurred among the `span` content words before, whatever the length of the text.

    A word near the beginning has fewer words before it; it counts in proportion. `prior` words that do not recur are
    added, so that a text of a few words stays near 0.
    """
    seen: dict[str, int] = {}
    position, again, chances = 0, 0, prior
    for sentence in response.sentences:
        if sentence.kind != "table":
            for stem in map(_stem, filter(_is_content, sentence.words)):
                again += position - seen.get(stem, -math.inf) <= span
                chances += min(position, span) / span
                seen[stem] = position
                position += 1
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


def _diluted(points: float, response: Response) -> float:
    return points / math.sqrt(max(response.prose_words, USUAL_LENGTH) / USUAL_LENGTH)


def _asks_user(response: Response, number: int, sentence: Sentence) -> bool:
    """Whether a sentence is a question to the user: in the response's own voice, addressed, near an end of it."""
    if not _is_question(sentence) or sentence.kind in ("heading", "table", "numbered", "item"):
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
    sentences = [s for s in response.sentences if s.words]
    questions = [
        number
        for number, s in enumerate(response.sentences)
        if _is_question(s) and s.kind == "paragraph" and not any(s.quoted) and not _asks_user(response, number, s)
    ]
    dialogue = sum(bool(_SPEAKER.match(s.text)) for s in sentences) >= 3
    return 0 if dialogue or len(questions) > 0.4 * len(sentences) else min(most, len(questions))


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
        lines = [_LETTERS.findall(line.lower()) for line in block.text.split("\n")]
        ends = [words[-1] if 3 <= len(words) <= 14 else "" for words in lines]
        for n in range(1, len(ends)):
            found += any(_rhyme(ends[n], earlier) for earlier in ends[max(0, n - 2) : n])
    return min(most, found)


def _rhyme(a: str, b: str) -> bool:
    return len(a) > 2 and len(b) > 2 and a != b and a[-2:] == b[-2:] and a[-2:] not in ("ed", "ly", "es", "er")


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
    words = [word for word in sentence.words[:4] if not word.isdigit()]
    return bool(words) and (words[0] in INSTRUCTIONS or (words[0] in ("then", "next", "now", "step") and len(words) > 1
                            and (words[1] in INSTRUCTIONS or words[0] == "step")))


def _similar(a: frozenset[str], b: frozenset[str]) -> bool:
    shared = len(a & b)
    return shared >= 0.75 * (len(a) + len(b) - shared)


def _is_content(word: str) -> bool:
    return len(word) > 2 and word not in FUNCTION_WORDS


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ings", "ing", "ness", "ies", "ied", "ers", "ed", "er", "es", "ly", "s", "e", "y"):
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            return word[: -len(ending)]
    return word


ADDRESS = frozenset("you your you'd you're you've i we".split())
FUNCTION_WORDS = frozenset(
    """
    a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing don't down during each even few for from further get had has have having he her here
    him his how i i'm i've if in into is isn't it it's its just like make many may me might more most much must my no
    nor not of off on once one only or other our out over own same she should so some such than that that's the their
    them then there there's these they this those through to too under until up us use very was we well were what when
    where which while who whom whose why will with won't would you you're your
    """.split()
)
INSTRUCTIONS = frozenset(
    """
    add adjust allow analyze apply arrange ask assemble attach avoid bake beat begin blend boil book break bring browse
    brush build calculate call change check choose chop clean clear click close collect combine compare compute
    conduct configure confirm connect consider contact continue convert cook cool copy cover create cut decide define
    delete design determine develop dip divide do download drag drain draw drill drop dry edit eat enable enter
    ensure establish evaluate examine explain factor fill find finish fold follow gather get give go grab heat hold identify
    implement import insert inspect install keep knead label launch lay learn leave let lift list listen look
    maintain make mark measure melt mix monitor move multiply name navigate note obtain offer open order organize
    pack paste peel pick place plan pour practice prepare press preheat print provide pull push put read record
    reduce refine remember remove repeat replace research restart review rinse roll rub run save scroll search season
    select sell send separate serve set shake shape share sign simmer simplify sit slice solve speak spread sprinkle
    stand start stay stir stop store strain submit subtract substitute switch take talk tap test thread tie toss
    train transfer trim try turn type unplug update upload use verify visit wait walk wash watch wear whisk wipe work
    wrap write
    """.split()
)
