"""From pairs to the questions that an annotator is asked, each distinct one once (`prefdissect.annotators.passes`).

A query is analysed once per conversation; in single mode a response is rated once, in however many pairs it occurs. In
pairwise mode a question holds both responses in the order shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from prefdissect.annotators.prompt_files import PASSES
from prefdissect.judges.requests import read_turns
from prefdissect.judges.store import digest
from prefdissect.tables import ORDERS

# Passes about responses, and those of them that are shown the conversation too.
RATING_PASSES = ("query_free", "query_aware", "query_specific", "errors")


@dataclass(frozen=True)
class Repeat:
    """One way in which a pair is rated: the number of the repeat, and which response is shown first."""

    number: int
    order: str


@dataclass(frozen=True)
class Plan:
    """What an annotator is asked about every pair.

    Attributes
    ----------
    mode
        `pairwise` (both responses in one request) or `single`.
    order
        `ab` shows response_a first, `hash` lets a hash of the pair's id decide (pairwise mode).
    passes
        Passes to ask, in the order of `PASSES`.
    repeats, swap, repeat_pairs
        How often pairs are rated, whether also with the responses exchanged, and how many pairs (by a hash of their
        ids; 0 for all): evidence of the annotator's reliability beside its first rating.
    """

    mode: str
    order: str
    passes: tuple[str, ...]
    repeats: int = 1
    swap: bool = False
    repeat_pairs: int = 0

    def first(self, pair_id: str) -> Repeat:
        """The rating that counts."""
        swapped = self.order == "hash" and _hash("order", pair_id) % 2
        return Repeat(0, ORDERS[swapped])

    def ratings(self, pair_id: str, is_repeated: bool) -> list[Repeat]:
        """All ratings of a pair, the one that counts first."""
        first = self.first(pair_id)
        if not is_repeated:
            return [first]
        orders = [first.order] + ([order for order in ORDERS if order != first.order] if self.swap else [])
        return [Repeat(number, order) for number in range(self.repeats) for order in orders]

    def repeated(self, pair_ids: list[str]) -> set[str]:
        """Pairs that are rated more than once."""
        if self.repeats == 1 and not self.swap:
            return set()
        chosen = sorted(pair_ids, key=lambda pair_id: (_hash("repeat", pair_id), pair_id))
        return set(chosen[: self.repeat_pairs or None])


@dataclass(frozen=True)
class Pair:
    """A pair with its conversation parsed."""

    pair_id: str
    prompt_id: str
    prompt: str
    turns: list[dict] | None
    responses: tuple[str, str]
    reference: str | None


def read_pairs(table: pd.DataFrame) -> list[Pair]:
    """Pairs of the table `pairs`. Raises `InputError` for damaged turns."""
    columns = ["pair_id", "prompt_id", "prompt", "turns", "response_a", "response_b", "reference"]
    return [
        Pair(
            row.pair_id,
            row.prompt_id,
            row.prompt,
            read_turns(row.turns, f"pair `{row.pair_id}`, column `turns`"),
            (row.response_a, row.response_b),
            row.reference if isinstance(row.reference, str) and row.reference.strip() else None,
        )
        for row in table[columns].itertuples(index=False)
    ]


def build_questions(pairs: list[Pair], plan: Plan) -> list[dict]:
    """All questions, those that others need first."""
    repeated = plan.repeated([pair.pair_id for pair in pairs])
    found: dict[str, dict] = {}
    for pair in pairs:
        for question in _questions(pair, plan, pair.pair_id in repeated):
            found.setdefault(question["id"], question)
    return sorted(found.values(), key=lambda question: PASSES.index(question["pass"]))


def _questions(pair: Pair, plan: Plan, is_repeated: bool) -> Iterator[dict]:
    if "analysis" in plan.passes:
        yield query_question("analysis", pair)
    if needs_reference(pair, plan):
        yield query_question("reference", pair)
    for rating in plan.ratings(pair.pair_id, is_repeated):
        for name in plan.passes:
            if name in RATING_PASSES and (name != "errors" or pair.reference or "reference" in plan.passes):
                yield from rating_questions(name, pair, plan.mode, rating)


def needs_reference(pair: Pair, plan: Plan) -> bool:
    """Whether the reference answer to a pair's query has to be written."""
    return "reference" in plan.passes and pair.reference is None


def query_question(name: str, pair: Pair) -> dict:
    """The question about a pair's query that a pass asks."""
    return _question(name, pair, (), 0)


def rating_questions(name: str, pair: Pair, mode: str, rating: Repeat) -> list[dict]:
    """The questions about a pair's responses: one in pairwise mode, one for each response (a, b) in single mode."""
    shown = pair.responses[::-1] if rating.order == "ba" else pair.responses
    asked = [shown] if mode == "pairwise" else [(response,) for response in pair.responses]
    return [_question(name, pair, responses, rating.number) for responses in asked]


def _question(name: str, pair: Pair, responses: tuple[str, ...], sample: int) -> dict:
    question = {"pass": name, "turns": pair.turns, "prompt": pair.prompt, "responses": list(responses)}
    question["sample"] = sample
    if name == "query_free":  # the conversation is not shown
        question |= {"turns": None, "prompt": ""}
    if name == "query_specific":
        question["needs"] = {"analysis": query_question("analysis", pair)["id"]}
    if name == "errors":
        question |= _against(pair)
    return {"id": f"{name}|{digest(question)[:24]}", **question}


def _against(pair: Pair) -> dict:
    if pair.reference:
        return {"reference": pair.reference}
    return {"needs": {"reference": query_question("reference", pair)["id"]}}


def _hash(purpose: str, text: str) -> int:
    content = json.dumps([purpose, text]).encode("ascii")
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
