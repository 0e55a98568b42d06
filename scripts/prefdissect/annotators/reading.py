"""What an annotator wrote, read strictly: JSON of the form that was asked for, or no answer at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import jsonschema

from prefdissect.annotators.passes import Unusable

LONGEST = 200
_SURROGATE = re.compile("[\ud800-\udfff]")
_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)


def read_answer(answer: dict, schema: dict | None, check: Callable[[object], None]):
    """The data of an engine's answer in words.

    Parameters
    ----------
    answer
        An answer of status `ok` (`prefdissect.judges.answers`).
    schema
        JSON schema of the data; None for a plain text.
    check
        Raises `Unusable` for what a schema cannot say.

    Returns
    -------
    The data: the whole text, or the whole text in one block of code, is one JSON value that follows the schema. Nothing
    is searched for in the text, mended or guessed.

    Raises
    ------
    Unusable
        When there is no such data.
    """
    if answer.get("cut"):
        raise Unusable("it was longer than allowed and was cut")
    text = answer["text"].strip()
    data = text if schema is None else _parse(text)
    if _SURROGATE.search(json.dumps(data, ensure_ascii=False)):
        raise Unusable("it held half a character")
    if schema is not None:
        _validate(data, schema)
    check(data)
    return data


def _parse(text: str):
    fenced = _FENCED.fullmatch(text)
    try:
        return json.loads(
            fenced.group(1) if fenced else text, object_pairs_hook=_unique_keys, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it was not one JSON object: {error}") from None


def _unique_keys(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_constant(name: str):
    raise ValueError(f"{name} is no number of JSON")


def _validate(data, schema: dict) -> None:
    errors = jsonschema.Draft202012Validator(schema).iter_errors(data)
    first = min(errors, key=lambda error: [str(part) for part in error.absolute_path], default=None)
    if first is not None:
        place = "".join(f"[{part!r}]" if isinstance(part, int) else f".{part}" for part in first.absolute_path)
        message = first.message if len(first.message) <= LONGEST else f"{first.message[:LONGEST]}..."
        raise Unusable(f"{place.lstrip('.') or 'the object'}: {message}")
