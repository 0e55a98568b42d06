"""Judges that answer in words: a strict reading, in which an answer that was not offered is no answer.

Needs only the standard library: it runs in the judge's environment too.
"""

from __future__ import annotations

import hashlib
import json

from prefdissect.judges.prompts import Template


def read_verdict(text: str, template: Template) -> str | None:
    """What a judge said: `first`, `second`, `tie`, or None for anything that the template does not offer.

    The text (`read: whole`), its last line that is not empty (`last_line`), or the entry `verdict` of a JSON object
    (`json`) must equal one of the spellings, white space around it aside. Nothing is guessed.
    """
    said = _SELECT[template.read](text)
    return next((choice for choice, spellings in template.verdicts if said in spellings), None)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _json_entry(text: str) -> str | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    said = data.get("verdict") if isinstance(data, dict) else None
    return said if isinstance(said, str) else None


_SELECT = {"whole": str.strip, "last_line": _last_line, "json": _json_entry}


def spellings(template: Template) -> list[str]:
    """Every answer that the template offers, for constrained output."""
    return [spelling for _, offered in template.verdicts for spelling in offered]


def json_schema(template: Template) -> dict:
    """Schema of an answer under `read: json`."""
    return {
        "type": "object",
        "properties": {"verdict": {"type": "string", "enum": spellings(template)}},
        "required": ["verdict"],
        "additionalProperties": False,
    }


def draw_seed(judge: dict, identity: str) -> int:
    """Seed of a drawn answer: of the judge's seed and the request's id, which holds the sample's number."""
    digest = hashlib.sha256(f"{judge.get('seed', 0)}|{identity}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
