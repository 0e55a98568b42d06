"""A stand-in for a model: made-up preferences that depend on the texts alone, at no cost.

For trying a study's plumbing before a GPU-hour is spent, and for tests. It likes some texts better than others for no
reason, pulls towards longer ones (`length_pull`, log-odds per doubling) and towards the first slot (`slot_bias`,
log-odds). `failing` is the share of requests that fail; `seconds` the time a batch takes. To a request with a prompt of
its own it replies what the file `replies` says, or makes up what the form allows (`prefdissect.judges.fake_replies`).
"""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Iterator

from prefdissect.judges.answers import scored, unanswered, worded
from prefdissect.judges.fake_replies import Replies
from prefdissect.judges.prompts import Renderer, Template
from prefdissect.judges.words import draw_seed

SETTINGS = {"seed": 0, "slot_bias": 0.0, "length_pull": 0.0, "mass": 0.9}
CHARACTERS_PER_TOKEN = 4


def identify(judge: dict) -> dict:
    """The settings that its answers depend on."""
    settings = {"fake": {key: judge.get(key, usual) for key, usual in SETTINGS.items()}}
    return settings | ({"replies": Replies(judge).digest} if judge.get("replies") else {})


def open_engine(judge: dict, template: Template) -> FakeEngine:
    """Nothing to load."""
    return FakeEngine(judge, template)


class FakeEngine:
    """`score` is the interface that every engine shares."""

    def __init__(self, judge: dict, template: Template):
        self.judge, self.template = judge, template
        self.settings = identify(judge)["fake"]
        self.render = Renderer(template, _plain_chat)
        self.replies = Replies(judge)

    def score(self, requests: list[dict]) -> Iterator[list[dict]]:
        """Yield lists of answers (`prefdissect.judges.answers`)."""
        size = self.judge.get("batch_size") or 64
        for start in range(0, len(requests), size):
            time.sleep(self.judge.get("seconds") or 0.0)
            yield [self._answer(request) for request in requests[start : start + size]]

    def count(self, requests: list[dict]) -> list[int]:
        """Tokens of each prompt, by the rule of thumb."""
        return [len(self.render(request).text) // CHARACTERS_PER_TOKEN for request in requests]

    def _answer(self, request: dict) -> dict:
        n_tokens = self.count([request])[0]
        if _share("failing", request["id"]) < (self.judge.get("failing") or 0.0):
            return unanswered(request["id"], "failed", note="made to fail", n_tokens=n_tokens)
        if "pieces" in request:
            return self.replies(request, n_tokens)
        leaning = self._appeal(request, "first") - self._appeal(request, "second") + self.settings["slot_bias"]
        if self.template.answers:
            first, second = (math.log(self.settings["mass"]) - math.log1p(math.exp(-x)) for x in (leaning, -leaning))
            return scored(request["id"], first, second, n_tokens=n_tokens)
        draw = random.Random(draw_seed(self.judge, request["id"])).random()
        hot = (self.judge.get("temperature") or 0.0) > 0
        wins = draw < 1 / (1 + math.exp(-leaning)) if hot else leaning > 0
        text = self._text(dict(self.template.verdicts)["first" if wins else "second"][0])
        return worded(request["id"], text, n_tokens=n_tokens, n_output=1)

    def _appeal(self, request: dict, slot: str) -> float:
        text = request[slot]
        whim = 4 * _share(self.settings["seed"], request["prompt"], text) - 2
        return whim + self.settings["length_pull"] * math.log2(1 + len(text))

    def _text(self, spelling: str) -> str:
        return f'{{"verdict": "{spelling}"}}' if self.template.read == "json" else spelling


def _share(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    payload = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(payload).digest()[:6], "big") / 2**48


def _plain_chat(messages: list[dict]) -> str:
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
