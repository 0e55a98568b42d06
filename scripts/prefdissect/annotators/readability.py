"""How much schooling a prose text asks for."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import pyphen

_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(
    r"(?<=[^aeiouyl])e$|(?<=[aeiouy]l)e$|(?<=[gq])ue$|(?<=[^aeiouytd])ed$|(?<=[^aeiouysxzcgh])es$"
    r"|(?<=[^aeiouyl])e(?=(?:ly|ty|ments?|ful|less|ness|fore|thing|times?|one|body)$)"
)


def flesch_kincaid_grade(n_words: int, n_sentences: int, n_syllables: int) -> float:
    """Flesch-Kincaid grade level: years of (American) schooling needed to follow a text.

    Parameters
    ----------
    n_words, n_sentences, n_syllables
        Counts over the text; the first two at least 1.

    Returns
    -------
    float
        0.39 words/sentences + 11.8 syllables/words - 15.59.

    References
    ----------
    Kincaid, Fishburne, Rogers and Chissom, "Derivation of new readability formulas", Naval Technical Training Command
    Research Branch Report 8-75, 1975.
    """
    return 0.39 * n_words / n_sentences + 11.8 * n_syllables / n_words - 15.59


@lru_cache(maxsize=100_000)
def count_syllables(word: str) -> int:
    """Syllables of an English word in lower case: the larger of two estimates, as each misses some.

    Points of hyphenation miss short syllables ("o-pen"); groups of vowels miss neighbouring ones ("sci-ence").
    """
    vowels = len(_VOWELS.findall(word)) - len(_SILENT.findall(word))
    return max(1, vowels, len(_hyphenation().positions(word)) + 1)


@cache
def _hyphenation() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")
