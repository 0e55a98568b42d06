"""The catalogue of properties (`workflow/properties.yaml`): names, scales and sign rules as data.

Needs only the standard library and yaml, so that the Snakefile can read it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from prefdissect.errors import InputError

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
        When an entry lacks a field, repeats a name or names an unknown family or sign rule.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("the catalogue of properties is missing", where=str(path), fix="see key `catalogue`")
    entries = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("properties") or []
    catalogue = Catalogue()
    for number, entry in enumerate(entries):
        where = f"{path}: properties[{number}]"
        prop = _property(entry, where)
        if prop.name in catalogue:
            raise InputError(f"property `{prop.name}` occurs twice", where=where, fix="names must be unique")
        catalogue[prop.name] = prop
    if not catalogue:
        raise InputError("no property is listed", where=str(path), fix="list them under `properties:`")
    return catalogue


def _property(entry: dict, where: str) -> Property:
    for field in ("name", "label", "family", "definition", "scale", "sign_rule", "graded_by", "annotators"):
        if field not in entry:
            raise InputError(f"field `{field}` is missing", where=where, fix=f"present: {', '.join(entry)}")
    for field, allowed in (("family", FAMILIES), ("sign_rule", SIGN_RULES)):
        if entry[field] not in allowed:
            raise InputError(f"{field} `{entry[field]}` is unknown", where=where, fix=f"one of {', '.join(allowed)}")
    scale = entry["scale"]
    counted = bool(scale.get("count"))
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
        published=tuple(entry.get("published", ())),
    )
