"""Judges that follow a stated rule: controls to measure others against."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd

from prefdissect.annotators.structure import structure_score
from prefdissect.annotators.words import count_words
from prefdissect.tables import conform


def _words(pairs: pd.DataFrame) -> np.ndarray:
    return pairs["response_a"].map(count_words).to_numpy() - pairs["response_b"].map(count_words).to_numpy()


def _structure(pairs: pd.DataFrame) -> np.ndarray:
    return pairs["response_a"].map(structure_score).to_numpy() - pairs["response_b"].map(structure_score).to_numpy()


def _coin(pairs: pd.DataFrame, seed: int) -> np.ndarray:
    """One toss per pair, from a hash of seed and pair_id: other pairs in the study do not change it."""
    tosses = [hashlib.sha256(f"{seed}:{pair_id}".encode()).digest()[0] & 1 for pair_id in pairs["pair_id"]]
    return np.array(tosses, dtype=int) * 2 - 1


RULES: dict[str, Callable[[pd.DataFrame, int], np.ndarray]] = {
    "longer": lambda pairs, seed: _words(pairs),
    "shorter": lambda pairs, seed: -_words(pairs),
    "more_structured": lambda pairs, seed: _structure(pairs),
    "coin": _coin,
}


def judge_by_rule(pairs: pd.DataFrame, judge: str, rule: str, seed: int = 0) -> pd.DataFrame:
    """Verdicts of a rule judge, in the `judgements` contract.

    Parameters
    ----------
    pairs
        Table `pairs`.
    judge
        Name of the judge.
    rule
        `longer` and `shorter` count words (any difference decides, equality is a tie); `more_structured` compares
        `structure_score`; `coin` is the null control.
    seed
        Seed of the coin.
    """
    advantage = RULES[rule](pairs, seed)
    verdict = np.select([advantage > 0, advantage < 0], ["a", "b"], "tie")
    rows = {
        "judge": judge,
        "pair_id": pairs["pair_id"],
        "sample": 0,
        "verdict": verdict,
        "status": "ok",
        "truncated": False,
    }
    return conform(pd.DataFrame(rows), "judgements")
