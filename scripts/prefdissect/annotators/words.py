"""How many words a text has, counted as the published pipeline counts them.

A word is a token of NLTK's word tokenizer (punctuation marks are tokens too), applied to each sentence of the text.
NLTK's trained sentence model is a download; the untrained one gives the published counts as well, because a sentence
end only decides whether a full stop is split from its word.

Importing nltk costs seconds, whichever part is asked for, so it is imported when the first word is counted.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

_CHUNK = re.compile(r"\S+")
_WORD_CHARACTER = re.compile(r"\w")
_ODD_BLANKS = re.compile(r"[^\S \t\r\n]")  # blanks to Python, but not to every rule of the tokenizer
# A word in lower case, its mark, a blank and the next word: without trained abbreviations always the end of a sentence.
_PLAIN_END = re.compile(r"[a-z]{2,}[.?!]\s+[^\s.?!]+")
_NEUTRAL = "x"  # a word that changes nothing in the tokens of its neighbours
# A word or compound and at most one mark, without the words that the tokenizer splits in two ("can not").
_PLAIN = re.compile(r"(?!.*(?:cannot|gimme|gonna|gotta|lemme|wanna))[^\W_]+(?:-[^\W_]+)*([.,;:?!]?)", re.IGNORECASE)


@cache
def _tokenizers():
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    class SentenceTokenizer(PunktSentenceTokenizer):
        """The untrained tokenizer, quicker for plain ends of sentences."""

        def text_contains_sentbreak(self, text: str) -> bool:
            return bool(_PLAIN_END.fullmatch(text)) or super().text_contains_sentbreak(text)

    return SentenceTokenizer(), NLTKWordTokenizer()


def count_words(text: str) -> int:
    """Count the words of a text.

    Parameters
    ----------
    text
        Any text; an empty one has 0 words.

    Returns
    -------
    int
        Number of NLTK word tokens over the text's sentences, punctuation included.

    References
    ----------
    Bird, Klein and Loper, *Natural Language Processing with Python*, 2009 (NLTK's tokenizers, which extend the Penn
    Treebank rules); Li et al., "Dissecting Human and LLM Preferences", arXiv 2402.11296 (the count itself).
    """
    sentences, _ = _tokenizers()
    return sum(_count_sentence(sentence) for sentence in sentences.tokenize(text))


def _count_sentence(sentence: str) -> int:
    """Number of tokens, from counts kept for each stretch between blanks: most stretches occur again and again.

    The tokenizer would run thirty regular expressions over the sentence instead. Its rules look no further than the
    next blank, except that a final full stop may be followed by blanks, quotes and brackets.
    """
    if _ODD_BLANKS.search(sentence):
        return _count_tokens(sentence)
    chunks = list(_CHUNK.finditer(sentence))
    if not chunks:
        return 0
    last = len(chunks) - 1
    while last > 0 and not _WORD_CHARACTER.search(chunks[last][0]):
        last -= 1
    inside = sum(_count_inside(chunk[0]) for chunk in chunks[:last])
    return inside + _count_last(sentence[chunks[last].start() :])


def _count_tokens(text: str) -> int:
    return len(_tokenizers()[1].tokenize(text))


@lru_cache(maxsize=100_000)
def _count_inside(chunk: str) -> int:
    plain = _PLAIN.fullmatch(chunk)
    if plain:
        return 1 + (plain[1] not in ("", "."))  # a full stop inside a sentence belongs to its word ("Dr.")
    return _count_tokens(f"{_NEUTRAL} {chunk} {_NEUTRAL}") - 2


@lru_cache(maxsize=100_000)
def _count_last(chunk: str) -> int:
    plain = _PLAIN.fullmatch(chunk)
    if plain:
        return 1 + (plain[1] != "")
    return _count_tokens(f"{_NEUTRAL} {chunk}") - 1
