"""The prompts of an annotator, one YAML file per pass, as data; the default analysis.yaml explains them.

Needs only yaml: it runs in the judge's environment too.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.yaml_files import read_yaml

# Passes in the order in which they can be answered, and the placeholders that their prompts hold.
PLACEHOLDERS = {
    "analysis": ("conversation", "form"),
    "reference": ("conversation",),
    "query_free": ("properties", "responses", "form"),
    "query_aware": ("properties", "conversation", "responses", "form"),
    "query_specific": ("conversation", "items", "responses", "form"),
    "errors": ("types", "properties", "conversation", "reference", "responses", "form"),
}
PASSES = tuple(PLACEHOLDERS)
KEYS = ("text", "types", "description")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True)
class Prompt:
    """The prompt of one pass; `types` are the kinds of error, by what they are."""

    text: str
    types: dict[str, str] = field(default_factory=dict)

    @property
    def pieces(self) -> list[str]:
        """The text cut at its placeholders: literal, name, literal, ..., literal."""
        return _PLACEHOLDER.split(self.text)

    def to_dict(self) -> dict:
        """Plain data; `Prompt(**data)` reads it back."""
        return asdict(self)


def prompt_file(folder: str | Path, name: str) -> Path:
    """File of one pass."""
    return Path(folder) / f"{name}.yaml"


def load_prompts(folder: str | Path, passes: list[str]) -> dict[str, Prompt]:
    """Read the prompts of these passes.

    Raises
    ------
    InputError
        When a file cannot be read, a key is missing, unknown or wrong, or a placeholder is missing, unknown or doubled.
    """
    return {name: _load(prompt_file(folder, name), name) for name in passes}


def _load(path: Path, name: str) -> Prompt:
    data = read_yaml(path, "prompt")
    for key in data:
        if key not in KEYS:
            raise InputError(f"unknown key `{key}`", where=str(path), fix=f"known: {', '.join(KEYS)}")
    if not isinstance(data.get("text"), str):
        raise InputError("key `text` is missing or no text", where=str(path))
    types = data.get("types") or {}
    if not isinstance(types, dict) or not all(
        isinstance(part, str) and part for pair in types.items() for part in pair
    ):
        raise InputError("key `types` is no mapping of texts", where=str(path), fix="kind of error: what it is")
    if bool(types) != (name == "errors"):
        fix = "the file errors.yaml has the key `types`, and no other file has it"
        raise InputError("key `types` is " + ("out of place" if types else "missing"), where=str(path), fix=fix)
    prompt = Prompt(data["text"], types)
    _check_placeholders(prompt, PLACEHOLDERS[name], str(path))
    return prompt


def _check_placeholders(prompt: Prompt, wanted: tuple[str, ...], where: str) -> None:
    names = prompt.pieces[1::2]
    for name in (*names, *wanted):
        count = names.count(name)
        if name in wanted and count == 1:
            continue
        problem = "lacks" if not count else "repeats" if name in wanted else "holds the unknown"
        fix = "every one of " + ", ".join("{" + each + "}" for each in wanted) + " must occur once"
        raise InputError(f"key `text` {problem} placeholder {{{name}}}", where=where, fix=fix)
