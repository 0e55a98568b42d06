"""The schema of a study: its checks as one sentence for a person, and its defaults.

Runs when the Snakefile is parsed: it imports nothing heavier than yaml and jsonschema.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from copy import deepcopy
from functools import lru_cache
from pathlib import Path

import jsonschema

from prefdissect.errors import InputError
from prefdissect.names import OVERALL
from prefdissect.yaml_files import read_yaml

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "workflow" / "schemas" / "config.schema.yaml"
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping of keys to values",
    "array": "a list",
    "null": "null",
}
_LIMITS = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "exclusiveMinimum": "more than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "a list with {} or more entries",
    "maxItems": "a list of at most {} entries",
    "uniqueItems": "every entry only once",
    "minLength": "a text that is not empty",
    "maxLength": "a text of at most {} characters",
}

# Keys of judges that an annotator has no use for.
JUDGES_ALONE = (
    "label", "attributes", "template", "samples", "min_mass", "shards", "random_model", "exact", "prefill",
    "top_logprobs", "api", "slot_bias", "length_pull", "mass",
)  # fmt: skip


def _is_integer(_, value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


# Stricter than JSON Schema: 10.0 is no whole number (code counts with it), and NaN and infinity are no numbers.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


class Place:
    """How messages call a part of the config: by its key, after the file where it is not the study's own.

    Parameters
    ----------
    key
        Key of the part, "" for the whole config, "judges[2]" for a record.
    file
        Set when the part came from another file than the study.
    """

    def __init__(self, key: str = "", file: str | None = None):
        self.key, self.file = key, file

    def at(self, *path) -> str:
        """Name one entry below this part, for instance `at("columns", "label")`."""
        key = self.key
        for part in path:
            key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
        return (f"{self.file}: " if self.file else "") + (f"config key `{key}`" if key or path else "the config")


@lru_cache
def load_schema() -> dict:
    """The schema of a study."""
    return read_yaml(SCHEMA_PATH, "schema")


@lru_cache
def published_schema() -> dict:
    """The schema of a study that starts from published coefficients: no source, no annotator, no group of all pairs."""
    schema = deepcopy(load_schema())
    schema["required"] = ["study", "published"]
    for section, what in (("sources", "pairs"), ("annotators", "ratings")):
        about = f"left out, for a study of published coefficients has no {what}"
        schema["properties"][section] = {"type": "array", "maxItems": 0, "default": [], "description": about}
    schema["properties"]["figures"]["properties"]["groups"]["default"] = [OVERALL]
    return schema


def record_schema(section: str, kind: str) -> dict:
    """Schema of a record, for instance of section "judge" and kind "rule"."""
    return load_schema()["$defs"][f"{section}_{kind}"]


def engine_schema(engine: str) -> dict:
    """Schema of an annotator of kind `llm`: its own keys, and those of a judge of its engine's kind that make sense."""
    own, judge = record_schema("annotator", "llm"), record_schema("judge", engine)
    properties = {key: sub for key, sub in judge["properties"].items() if key not in JUDGES_ALONE}
    properties |= {key: sub for key, sub in own["properties"].items() if key != "replies" or engine == "fake"}
    required = [*own["required"], *(key for key in judge["required"] if key not in own["required"])]
    return own | {"properties": properties, "required": required}


def generator_schema(kind: str) -> dict:
    """Schema of a model that writes outputs: its own keys, and those of a judge of its kind that make sense."""
    own, judge = load_schema()["$defs"]["generator"], record_schema("judge", kind)
    unused = {*JUDGES_ALONE, "constrained"}
    properties = {key: sub for key, sub in judge["properties"].items() if key not in unused}
    properties |= {key: sub for key, sub in own["properties"].items() if key != "replies" or kind == "fake"}
    required = [*own["required"], *(key for key in judge["required"] if key not in own["required"])]
    return own | {"properties": properties, "required": required}


def kinds(section: str) -> list[str]:
    """Kinds that a section's records may have."""
    return [key.removeprefix(f"{section}_") for key in load_schema()["$defs"] if key.startswith(f"{section}_")]


def check(instance: dict, schema: dict, place: Place) -> None:
    """Check a part of the config and fill in its defaults, in place.

    A key without a value (`groups:`) is taken as left out, unless the schema lets it be null.

    Raises
    ------
    InputError
        For the first fault, naming its key and what would be right.
    """
    _drop_empty(instance, schema)
    errors = sorted(_validator(schema).iter_errors(instance), key=_order)
    if errors:
        raise InputError(_message(errors[0], place))
    _fill_defaults(instance, schema)


def _validator(schema: dict):
    return _Validator({**schema, "$defs": load_schema()["$defs"]})


def _order(error: jsonschema.ValidationError) -> tuple:
    """Outer keys first; an unknown key before a missing one, for it is often the missing one misspelt."""
    return list(error.absolute_path), error.validator != "additionalProperties"


def _resolve(schema: dict) -> dict:
    reference = schema.get("$ref")
    return load_schema()["$defs"][reference.rsplit("/", 1)[1]] if reference else schema


def _drop_empty(instance, schema: dict) -> None:
    schema = _resolve(schema)
    if isinstance(instance, dict):
        for key, sub in schema.get("properties", {}).items():
            if key in instance and instance[key] is None and not _validator(sub).is_valid(None):
                del instance[key]
            _drop_empty(instance.get(key), sub)
    elif isinstance(instance, list):
        for item in instance:
            _drop_empty(item, schema.get("items", {}))


def _fill_defaults(instance, schema: dict) -> None:
    schema = _resolve(schema)
    if isinstance(instance, dict):
        for key, sub in schema.get("properties", {}).items():
            sub = _resolve(sub)
            if key not in instance and "default" in sub:
                instance[key] = deepcopy(sub["default"])
            if key in instance:
                _fill_defaults(instance[key], sub)
    elif isinstance(instance, list):
        for item in instance:
            _fill_defaults(item, schema.get("items", {}))


def _message(error: jsonschema.ValidationError, place: Place) -> str:
    path, known = error.absolute_path, error.schema.get("properties", {})
    if error.validator == "additionalProperties":
        unknown = next(name for name in error.instance if name not in known)
        return f"{place.at(*path, unknown)} is unknown ({did_you_mean(unknown, known)}known here: {', '.join(known)})"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        about = _resolve(known.get(missing, {})).get("description", "it is required")
        return f"{place.at(*path, missing)} is missing ({about})"
    return f"{place.at(*path)} is {shown(error.instance)} (expected: {_expected(error)})"


def _expected(error: jsonschema.ValidationError) -> str:
    """What would be right, in words."""
    rule, about = error.validator_value, error.schema.get("description")
    if error.validator == "type":
        names = [rule] if isinstance(rule, str) else rule
        words = " or ".join(_TYPES[name] for name in names) + _type_hint(error.instance, names)
    elif error.validator == "enum":
        words = (
            did_you_mean(error.instance, rule)
            + f"one of {', '.join('null' if entry is None else _plain(entry) for entry in rule)}"
        )
    elif error.validator in _LIMITS:
        words = _LIMITS[error.validator].format(rule)
    else:
        return about or f"{error.validator} {rule}"
    return f"{words}: {about}" if about else words


def _type_hint(value, names: list[str]) -> str:
    if "string" in names and isinstance(value, bool):
        return " in quotes, for YAML reads yes, no, on and off as true and false"
    if "string" in names and not isinstance(value, dict | list | None):
        return f' in quotes, "{value}"'
    if isinstance(value, str) and {"integer", "number"} & set(names):
        return " without quotes (1e-1 is written 0.1)"
    return ""


def did_you_mean(name, known: Iterable) -> str:
    """A hint that ends in a blank, or nothing when no known name is close."""
    close = difflib.get_close_matches(str(name), [str(entry) for entry in known], n=1)
    return f"did you mean `{close[0]}`? " if close else ""


def shown(value) -> str:
    """A value as a message shows it, cut to a line."""
    text = repr(value) if isinstance(value, str) else _plain(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _plain(value) -> str:
    if value is None:
        return "empty"
    return str(value).lower() if isinstance(value, bool) else str(value)
