"""Small configs of studies, and faults put into them."""

from __future__ import annotations

import copy

import pytest

from prefdissect.config import load_study
from prefdissect.errors import InputError

BASE = {
    "study": "mine",
    "sources": [{"name": "votes", "kind": "table", "path": "pairs.jsonl"}],
    "judges": [
        {"name": "human", "kind": "recorded", "source": "votes"},
        {"name": "longer", "kind": "rule", "rule": "longer"},
    ],
    "annotators": [{"name": "lexical", "kind": "lexical"}],
}


def base(**changes) -> dict:
    """The smallest study that loads, with top-level keys replaced."""
    return {**copy.deepcopy(BASE), **changes}


def changed(path: str, value, config: dict | None = None) -> dict:
    """The smallest study with the value at `path` (`judges.1.rule`) replaced."""
    config = copy.deepcopy(config or BASE)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    entry = config
    for part in parents:
        entry = entry[part] if isinstance(part, int) else entry.setdefault(part, {})
    if isinstance(entry, list) and last == len(entry):
        entry.append(value)
    else:
        entry[last] = value
    return config


def error(config: dict) -> str:
    with pytest.raises(InputError) as caught:
        load_study(config)
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    return message
