"""What the stand-in for a model replies to a request with a prompt of its own: what a file says, or something made up.

The file (YAML) has a list `replies`; the first that fits a request counts:

    replies:
      - form: errors                  # the form that is asked for; any if left out
        contains: [some text, other]  # texts that the conversation must hold, all of them; none if left out
        answer: {response_1: ...}     # a text as it is, anything else as JSON
      - answers: [nonsense, {...}]    # the first try gets the first, the next one the second; the last one stays
      - status: refused               # no answer, and why
    adds:
      - {contains: Be polite., add: " Thank you, and please ask."}

What `adds` lists comes after every reply that is plain text, where the prompt or the messages before it hold the text:
a model that obeys its instructions.

Made-up answers follow the request's JSON schema and depend on seed and prompt alone. Needs only yaml.
"""

from __future__ import annotations

import hashlib
import json
import random

from prefdissect.errors import InputError
from prefdissect.judges.answers import unanswered, where, worded
from prefdissect.judges.prompts import texts_of
from prefdissect.judges.words import draw_seed
from prefdissect.yaml_files import read_yaml

KEYS = {"form", "contains", "answer", "answers", "status"}
ADD_KEYS = {"contains", "add"}
STATUSES = ("failed", "refused", "too_long")
MOST = 2  # entries of a list that is made up
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")


class Replies:
    """Replies by file, or made up. Raises `InputError` when the file is wrong."""

    def __init__(self, judge: dict):
        self.judge, self.path = judge, judge.get("replies")
        self.listed, self.adds = _read(judge, self.path) if self.path else ([], [])

    @property
    def digest(self) -> str:
        """SHA-256 of what the file says."""
        said = [self.listed, self.adds] if self.adds else self.listed
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode("ascii")).hexdigest()

    def __call__(self, request: dict, n_tokens: int) -> dict:
        """An answer (`prefdissect.judges.answers`)."""
        reply = next((reply for reply in self.listed if _fits(reply, request)), None)
        if reply is None:
            said = self._made_up(request)
        elif "status" in reply:
            return unanswered(request["id"], reply["status"], note="as the file of replies says", n_tokens=n_tokens)
        else:
            tries = reply.get("answers") or [reply["answer"]]
            said = tries[min(request.get("attempt", 0), len(tries) - 1)]
        text = said + self._added(request) if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        return worded(request["id"], text, n_tokens=n_tokens, n_output=1 + len(text) // 4)

    def _added(self, request: dict) -> str:
        prompt = "\n".join(texts_of(request))
        return "".join(each["add"] for each in self.adds if each["contains"] in prompt)

    def _made_up(self, request: dict):
        hot = (self.judge.get("temperature") or 0.0) > 0
        seed = draw_seed(self.judge, request["id"] if hot else json.dumps(request["pieces"]))
        draw = random.Random(seed)
        return _made_up(request["schema"], draw) if request.get("schema") else " ".join(draw.choices(WORDS, k=9))


def _read(judge: dict, path: str) -> tuple[list[dict], list[dict]]:
    data = read_yaml(path, "replies")
    listed, adds = data.get("replies", [] if "adds" in data else None), data.get("adds", [])
    at = f"{where(judge)}, key `replies`: {path}"
    if not isinstance(listed, list):
        raise InputError("holds no list `replies`", where=at, fix="`replies:` and a list of mappings")
    for number, each in enumerate(adds if isinstance(adds, list) else [adds]):
        if not isinstance(each, dict) or set(each) != ADD_KEYS or not all(isinstance(t, str) for t in each.values()):
            raise InputError(f"adds[{number}] is {each!r}", where=at, fix="a mapping of two texts: contains, add")
    for number, reply in enumerate(listed):
        told = set(reply) & {"answer", "answers", "status"} if isinstance(reply, dict) else set()
        if len(told) != 1 or not set(reply) <= KEYS or reply.get("status", "failed") not in STATUSES:
            fix = f"keys {', '.join(sorted(KEYS))}, with just one of answer, answers and status"
            raise InputError(f"replies[{number}] is {reply!r}", where=at, fix=fix)
    return listed, adds


def _fits(reply: dict, request: dict) -> bool:
    prompt, wanted = "".join(texts_of(request)), reply.get("contains", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    return reply.get("form") in (None, request.get("form")) and all(text in prompt for text in wanted)


def _made_up(schema: dict, draw: random.Random):
    """Something that a JSON schema allows."""
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if schema["type"] == "object":
        found = {key: _made_up(part, draw) for key, part in schema["properties"].items()}
        return found | ({"errors": []} if found.get("applicable") is False else {})
    if schema["type"] == "array":
        return [_made_up(schema["items"], draw) for _ in range(draw.randint(0, MOST))]
    if schema["type"] == "boolean":
        return draw.random() < 0.5
    return draw.randint(0, 3) if schema["type"] == "integer" else " ".join(draw.sample(WORDS, 3))
