"""Judges that follow a stated rule: controls to measure others against.

They share the engines' interface (`score` yields lists of answers to requests) but see both responses at once, so they
are asked once per pair, without an order, and in the workflow's own process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pandas as pd

from prefdissect.annotators.structure import structure_score
from prefdissect.annotators.words import count_words
from prefdissect.judges.answers import chosen
from prefdissect.judges.requests import NO_ORDER, build_requests, to_judgements
from prefdissect.judges.worker import pair_of


def _coin(seed: int, request: dict) -> int:
    """One toss per pair, from a hash of seed and pair_id: other pairs in the study do not change it."""
    return (hashlib.sha256(f"{seed}:{pair_of(request['id'])}".encode()).digest()[0] & 1) * 2 - 1


# How far a rule prefers the first response: positive, negative or 0 for a tie.
RULES: dict[str, Callable[[dict, int], float]] = {
    "longer": lambda request, seed: count_words(request["first"]) - count_words(request["second"]),
    "shorter": lambda request, seed: count_words(request["second"]) - count_words(request["first"]),
    "more_structured": lambda request, seed: structure_score(request["first"]) - structure_score(request["second"]),
    "coin": lambda request, seed: _coin(seed, request),
}


class RuleEngine:
    """A rule as an engine.

    Parameters
    ----------
    rule
        `longer` and `shorter` count words (any difference decides, equality is a tie); `more_structured` compares
        `structure_score`; `coin` is the null control.
    seed
        Seed of the coin.
    """

    def __init__(self, rule: str, seed: int = 0):
        self.rule, self.seed = RULES[rule], seed

    def score(self, requests: list[dict]) -> Iterator[list[dict]]:
        """Yield lists of answers (`prefdissect.judges.answers`)."""
        for request in requests:
            advantage = self.rule(request, self.seed)
            winner = "tie" if advantage == 0 else "first" if advantage > 0 else "second"
            yield [chosen(request["id"], winner)]


def judge_by_rule(pairs: pd.DataFrame, judge: str, rule: str, seed: int = 0) -> pd.DataFrame:
    """Verdicts of a rule judge, in the `judgements` contract.

    Parameters
    ----------
    pairs
        Table `pairs`.
    judge
        Name of the judge.
    rule, seed
        See `RuleEngine`.
    """
    requests = build_requests(pairs, None, orders=NO_ORDER)
    answers = [answer for finished in RuleEngine(rule, seed).score(requests) for answer in finished]
    return to_judgements(pairs, answers, judge, orders=NO_ORDER)
