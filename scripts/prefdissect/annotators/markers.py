"""Marker phrases: the lists of `markers.yaml`, and finding them in the words of a sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from prefdissect.errors import InputError

DEFAULT_PATH = Path(__file__).with_name("markers.yaml")
WORD_LISTS = Path(__file__).with_name("wordlists.yaml")
PLACES = ("own", "voice", "edge", "anywhere")

_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")
_CONTINUED = re.compile(r"\n +")
_BETWEEN_PHRASES = re.compile(r"[,\n]")


@dataclass(frozen=True)
class Marker:
    """What a phrase marks: the name of its group, its points, and where in a response it counts."""

    group: str
    points: float
    where: str


@dataclass(frozen=True)
class Hit:
    """A marker found: the words `words[start:end]` of a sentence."""

    marker: Marker
    start: int
    end: int


class Markers:
    """Phrases as trees of words, so that a sentence is read once whatever the length of the lists.

    Parameters
    ----------
    path
        A YAML file of the form of `markers.yaml`.

    Raises
    ------
    InputError
        When an entry names an unknown place.
    """

    def __init__(self, path: Path = DEFAULT_PATH):
        trees = {}
        for group, entries in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            tree = trees.setdefault(group, {})
            for entry in entries:
                marker = Marker(group, float(entry["points"]), entry.get("where", "own"))
                if marker.where not in PLACES:
                    raise InputError(f"place `{marker.where}` is unknown", where=f"{path}: {group}", fix=str(PLACES))
                for phrase in _BETWEEN_PHRASES.split(_CONTINUED.sub(" ", entry["phrases"])):
                    _plant(tree, phrase, marker)
        self._by_first_word: dict[str, list[dict]] = {}
        for tree in trees.values():
            for word, branch in tree.items():
                self._by_first_word.setdefault(word, []).append(branch)

    def find(self, words: Sequence[str]) -> Iterator[Hit]:
        """Yield the longest hit at each word, by group; none overlaps an earlier one of its group."""
        taken: dict[str, int] = {}
        for start, word in enumerate(words):
            for branch in self._by_first_word.get(word, ()):
                hit = _longest(branch, words, start)
                if hit and taken.get(hit.marker.group, 0) <= start:
                    taken[hit.marker.group] = hit.end
                    yield hit


@cache
def word_list(name: str) -> frozenset[str]:
    """A list of `wordlists.yaml`."""
    return frozenset(yaml.safe_load(WORD_LISTS.read_text(encoding="utf-8"))[name].split())


@cache
def load_markers() -> Markers:
    """The markers of `markers.yaml`, read once."""
    return Markers()


def _plant(tree: dict, phrase: str, marker: Marker) -> None:
    for words in _expand(phrase):
        node = tree
        for word in words:
            node = node.setdefault(word, {})
        node.setdefault(None, marker)


def _expand(phrase: str) -> Iterator[list[str]]:
    """All phrases that a phrase with {alternatives|in braces} stands for, as lists of words."""
    parts = [part.split("|") if odd % 2 else [part] for odd, part in enumerate(_ALTERNATIVES.split(phrase))]
    for choice in itertools.product(*parts):
        words = " ".join(choice).replace(" '", "'").split()
        if words:
            yield words


def _longest(branch: dict, words: Sequence[str], start: int) -> Hit | None:
    """The longest phrase of a tree that begins at a word; `branch` is what follows that word in the tree."""
    found, end = None, start + 1
    while branch is not None:
        if None in branch:
            found = Hit(branch[None], start, end)
        branch = branch.get(words[end]) if end < len(words) else None
        end += 1
    return found
