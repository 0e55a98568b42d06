"""The catalogue of properties (`workflow/properties.yaml`): names, scales and sign rules as data.

Needs only the standard library and yaml, so that the Snakefile can read it too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.yaml_files import read_yaml

FAMILIES = ("query_free", "query_aware", "query_specific", "errors", "length")
SIGN_RULES = ("more", "less", "any", "mean_of_items", "length")
DEFAULT_PATH = Path(__file__).resolve().parents[2] / "workflow" / "properties.yaml"

# Query-specific properties exist only where the analysis of the query found their case.
CASES = {
    "clarifies_intent": "intent_unclear",
    "empathetic": "express_feeling",
    "satisfies_constraints": "w_constraints",
    "supports_stances": "w_stances",
    "corrects_mistakes": "w_mistakes",
}
# The same cases, as figures and findings call them.
CASE_LABELS = {
    "intent_unclear": "unclear intent",
    "express_feeling": "feelings expressed",
    "w_constraints": "explicit constraints",
    "w_stances": "subjective stances",
    "w_mistakes": "mistakes or biases",
}


# What the analysis of a query says, by case: two flags (of which the first marks its case by being false), three lists.
CASE_KEYS = {
    "intent_unclear": "clear_intent",
    "express_feeling": "feelings",
    "w_constraints": "constraints",
    "w_stances": "stances",
    "w_mistakes": "mistakes",
}


@dataclass(frozen=True)
class Property:
    """One property of a response; see the header of `workflow/properties.yaml` for the fields."""

    name: str
    label: str
    family: str
    definition: str
    sign_rule: str
    graded_by: float | str
    annotators: tuple[str, ...]
    minimum: float = 0.0
    maximum: float | None = None
    published: tuple[str, ...] = ()
    anchors: dict[float, str] = dataclass_field(default_factory=dict)
    asked_name: str = ""
    asked_definition: str = ""
    case: str | None = None
    instruction: str = ""

    @property
    def scale_text(self) -> str:
        """The scale in words, for error messages."""
        if self.maximum is None:
            return "a count >= 0"
        return f"{self.minimum:g} to {self.maximum:g}"


class Catalogue(dict):
    """Mapping of property name to `Property`, in the order of the coefficients."""

    @property
    def names(self) -> list[str]:
        return list(self)

    def label(self, name: str) -> str:
        return self[name].label

    def published_names(self) -> dict[str, str]:
        """Map every published spelling to the catalogue's name."""
        return {spelling: prop.name for prop in self.values() for spelling in prop.published}


def load_catalogue(path: str | Path = DEFAULT_PATH) -> Catalogue:
    """Read a catalogue.

    Parameters
    ----------
    path
        A YAML file of the form of `workflow/properties.yaml`.

    Raises
    ------
    InputError
        When the file cannot be read, or an entry lacks a field, repeats a name or a published spelling, or holds a
        value that is not allowed.
    """
    entries = read_yaml(path, "catalogue").get("properties") or []
    if not isinstance(entries, list):
        raise InputError("`properties` is no list", where=str(path), fix="`- name: ...` starts a property")
    catalogue = Catalogue()
    spellings: dict[str, str] = {}
    for number, entry in enumerate(entries):
        where = f"{path}: properties[{number}]"
        prop = _property(entry, where)
        if prop.name in catalogue:
            raise InputError(f"property `{prop.name}` occurs twice", where=where, fix="names must be unique")
        catalogue[prop.name] = prop
        for spelling in prop.published:
            if spellings.setdefault(spelling, prop.name) != prop.name:
                raise InputError(f"`published: {spelling}` belongs to `{spellings[spelling]}` already", where=where)
    if not catalogue:
        raise InputError("no property is listed", where=str(path), fix="list them under `properties:`")
    return catalogue


def _property(entry, where: str) -> Property:
    if not isinstance(entry, dict):
        raise InputError(f"is {entry!r}", where=where, fix="a mapping with name, label, family ...")
    for field, problem, expected in _faults(entry):
        raise InputError(f"field `{field}` {problem}", where=where, fix=expected)
    scale = entry["scale"]
    counted, asked = "count" in scale, entry.get("asked_as") or {}
    return Property(
        name=entry["name"],
        label=entry["label"],
        family=entry["family"],
        definition=entry["definition"],
        sign_rule=entry["sign_rule"],
        graded_by=entry["graded_by"],
        annotators=tuple(entry["annotators"]),
        minimum=0.0 if counted else float(scale["min"]),
        maximum=None if counted else float(scale["max"]),
        published=tuple(entry.get("published") or ()),
        anchors=dict(entry.get("anchors") or {}),
        asked_name=asked.get("name", entry["name"]),
        asked_definition=asked.get("definition", entry["definition"]),
        case=entry.get("case", CASES.get(entry["name"])),
        instruction=entry.get("instruction") or f"Let this hold for the response: {entry['definition']}",
    )


def _faults(entry: dict) -> Iterator[tuple[str, str, str]]:
    """Field, what is wrong with it and what would be right, the first fault first."""
    for field, (right, expected) in _FIELDS.items():
        if field not in entry:
            yield field, "is missing", expected
        elif not right(entry[field]):
            yield field, f"is {entry[field]!r}", expected
    if not (_is_texts(entry.get("published") or [])):
        yield "published", f"is {entry['published']!r}", "a list of spellings"
    yield from _optional_faults(entry)
    if (entry["sign_rule"] == "length") != (entry["graded_by"] == "length"):
        yield "graded_by", f"is {entry['graded_by']!r}", "`length` goes with `sign_rule: length`, a number with others"


def _optional_faults(entry: dict) -> Iterator[tuple[str, str, str]]:
    anchors, asked, case = entry.get("anchors") or {}, entry.get("asked_as") or {}, entry.get("case")
    if not isinstance(entry.get("instruction") or "", str):
        yield (
            "instruction",
            f"is {entry['instruction']!r}",
            "a sentence that tells a model to have more of the property",
        )
    if not isinstance(anchors, dict) or not all(map(_is_number, anchors)) or not all(map(_is_text, anchors.values())):
        yield "anchors", f"is {anchors!r}", "score: what it means"
    if (
        not isinstance(asked, dict)
        or not set(asked) <= {"name", "definition"}
        or not all(map(_is_text, asked.values()))
    ):
        yield "asked_as", f"is {asked!r}", "{name: ..., definition: ...}"
    elif not re.fullmatch(_NAME, asked.get("name", "x")):
        yield "asked_as", f"has the name {asked['name']!r}", "letters, digits and `_`"
    if entry["family"] == "query_specific" and entry["name"] not in CASES and case not in list(CASE_KEYS):
        problem = f"is {case!r}" if case else "is missing"
        yield "case", problem, f"the case of the query that calls for it: {', '.join(CASE_KEYS)}"
    if entry["family"] != "query_specific" and case:
        yield "case", f"is {case!r}", "only properties of the family query_specific have one"


def _is_text(value) -> bool:
    return isinstance(value, str) and bool(value)


def _is_texts(value) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_scale(value) -> bool:
    if value == {"count": True}:
        return True
    return (
        isinstance(value, dict)
        and set(value) == {"min", "max"}
        and all(map(_is_number, value.values()))
        and value["min"] < value["max"]
    )


_NAME = "[A-Za-z][A-Za-z0-9_]*"
_FIELDS = {
    "name": (lambda value: isinstance(value, str) and bool(re.fullmatch(_NAME, value)), "letters, digits and `_`"),
    "label": (_is_text, "a text"),
    "family": (lambda value: value in FAMILIES, f"one of {', '.join(FAMILIES)}"),
    "definition": (_is_text, "a text"),
    "scale": (_is_scale, "{min: 0, max: 3} or {count: true}"),
    "sign_rule": (lambda value: value in SIGN_RULES, f"one of {', '.join(SIGN_RULES)}"),
    "graded_by": (lambda value: value == "length" or (_is_number(value) and value > 0),
                  "a number above 0, or `length`"),
    "annotators": (lambda value: _is_texts(value) and bool(value), "a list of kinds of annotator"),
}  # fmt: skip
