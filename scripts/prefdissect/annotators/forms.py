"""The forms of an annotator's answers, as JSON schemas and as the sketch that a prompt shows.

Scores are listed one by one, so that an answer that is held to its schema cannot leave the scale. Needs only the
standard library.
"""

from __future__ import annotations

import json

from prefdissect.catalogue import CASE_KEYS, Property
from prefdissect.errors import InputError

SEVERITIES = ("minor", "moderate", "severe")
FLAGS, LISTS = tuple(CASE_KEYS.values())[:2], tuple(CASE_KEYS.values())[2:]
MOST_ITEMS, MOST_ERRORS, LONGEST_TEXT, LARGEST_COUNT = 10, 20, 300, 9999


def scores_of(prop: Property) -> list[int] | None:
    """Scores that a property may have, lowest first; None where it is a count.

    Raises
    ------
    InputError
        When the ends of its scale are no whole numbers.
    """
    if prop.maximum is None:
        return None
    if prop.minimum % 1 or prop.maximum % 1:
        fix = "whole numbers, or take `llm` out of its `annotators`"
        raise InputError(
            f"a model cannot rate it on a scale from {prop.scale_text}", where=f"property `{prop.name}`", fix=fix
        )
    return list(range(int(prop.minimum), int(prop.maximum) + 1))


def rating(prop: Property) -> dict:
    """Schema of one score."""
    scores = scores_of(prop)
    if scores is None:
        return {"type": "integer", "minimum": 0, "maximum": LARGEST_COUNT}
    return {"type": "integer", "enum": scores}


def form(fields: dict[str, dict]) -> dict:
    """Schema of an object with just these fields, all of them."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def per_response(fields: dict[str, dict], count: int) -> dict:
    """Schema of an object with these fields for each of `count` responses."""
    return form({response_key(number): form(fields) for number in range(count)})


def response_key(number: int) -> str:
    """Name of a response in prompt and answer, in the order shown (from 0)."""
    return f"response_{number + 1}"


def analysis_form() -> dict:
    """Schema of the analysis of a query."""
    listed = {"type": "array", "items": {"type": "string", "maxLength": LONGEST_TEXT}, "maxItems": MOST_ITEMS}
    return form({key: {"type": "boolean"} for key in FLAGS} | dict.fromkeys(LISTS, listed))


def error_fields(types: dict[str, str]) -> dict[str, dict]:
    """Schema of the errors of one response."""
    error = {
        "description": {"type": "string", "maxLength": LONGEST_TEXT},
        "type": {"type": "string", "enum": list(types)},
        "severity": {"type": "string", "enum": list(SEVERITIES)},
    }
    listed = {"type": "array", "items": form(error), "maxItems": MOST_ERRORS}
    return {"applicable": {"type": "boolean"}, "errors": listed}


def sketch(schema: dict) -> str:
    """A schema as a reader grasps it: {"friendly": 0 | 1 | 2 | 3, ...}."""
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if schema["type"] == "object":
        parts = (f"{json.dumps(key)}: {sketch(part)}" for key, part in schema["properties"].items())
        return "{" + ", ".join(parts) + "}"
    if schema["type"] == "array":
        return f"[{sketch(schema['items'])}, ... (at most {schema['maxItems']})]"
    if schema["type"] == "string":
        return f'"... (at most {schema["maxLength"]} characters)"'
    return {"boolean": "true | false", "integer": "a whole number of at least 0"}[schema["type"]]
