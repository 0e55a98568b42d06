"""From pairs to requests, and from answers to the table `judgements`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.judges.prompts import Template, check_turns
from prefdissect.judges.words import read_verdict
from prefdissect.tables import ORDERS, conform

# A judge that looks at both responses at once, such as a rule, is asked without an order.
NO_ORDER = (None,)
_COLUMNS = ("pair_id", "order", "sample", "logp_a", "logp_b", "mass", "verdict", "status", "truncated")


def identify_request(pair_id: str, order: str | None, sample: int) -> str:
    """Id of a request."""
    return f"{pair_id}|{order or 'none'}|{sample}"


def build_requests(
    pairs: pd.DataFrame, template: Template | None, samples: int = 1, orders: tuple = ORDERS
) -> list[dict]:
    """One request per pair, order and sample; those of one pair stand next to each other.

    Parameters
    ----------
    pairs
        Table `pairs`.
    template
        The prompt template, for a check of earlier turns; None for a judge without prompts.
    samples
        How often each question is asked.
    orders
        `ORDERS`, or `NO_ORDER`.

    Returns
    -------
    List of {id, prompt, turns, first, second, sample}: `turns` a list of messages or None.

    Raises
    ------
    InputError
        When a pair's earlier turns are damaged or have no place in the template.
    """
    requests = []
    for row in pairs[["pair_id", "prompt", "turns", "response_a", "response_b"]].itertuples(index=False):
        where = f"pair `{row.pair_id}`, column `turns`"
        turns = read_turns(row.turns, where)
        if template is not None:
            check_turns(template, turns, where)
        texts = {"prompt": row.prompt, "turns": turns}
        for order in orders:
            first, second = (row.response_b, row.response_a) if order == "ba" else (row.response_a, row.response_b)
            for sample in range(samples):
                identity = {"id": identify_request(row.pair_id, order, sample), "sample": sample}
                requests.append({**identity, **texts, "first": first, "second": second})
    return requests


def read_turns(value: object, where: str) -> list[dict] | None:
    if value is None or pd.isna(value) or value == "":
        return None
    try:
        turns = json.loads(value)
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=where, fix='[{"role": ..., "content": ...}, ...]') from None
    if not isinstance(turns, list):
        raise InputError(f"holds {value!r}", where=where, fix='[{"role": ..., "content": ...}, ...]')
    return turns or None


def part_of(requests: Iterable[dict], number: int, parts: int, purpose: str) -> list[dict]:
    """The requests of part `number` (from 0) of `parts`, by a hash of the conversation.

    What shares a beginning stays in one part, and a pair that is added moves no other. Another `purpose` splits anew,
    so that the parts of a part are as large as those of the whole.
    """
    return [request for request in requests if _slot(request, purpose) % parts == number]


def _slot(request: dict, purpose: str) -> int:
    # An annotator's question may be about responses alone.
    conversation = json.dumps([purpose, request["turns"], request["prompt"] or request["responses"]])
    return int.from_bytes(hashlib.sha256(conversation.encode("ascii")).digest()[:8], "big")


def to_judgements(
    pairs: pd.DataFrame,
    answers: list[dict],
    judge_name: str,
    template: Template | None = None,
    *,
    samples: int = 1,
    orders: tuple = ORDERS,
    min_mass: float = 0.0,
    constrained: bool = False,
) -> pd.DataFrame:
    """Bring an engine's answers into the form of the table `judgements`, in the order of the pairs.

    The larger log-probability wins, equal ones are a tie. An answer in words counts as the template reads it, and is
    `unparsed` when it says something that was not offered, or was cut unless it was `constrained`; one with less than
    `min_mass` on the two answers is `low_mass`. Neither is a verdict.

    Raises
    ------
    InputError
        When an answer is missing, given twice, or to a request that was not made.
    """
    asked = [(pair, order, sample) for pair in pairs["pair_id"] for order in orders for sample in range(samples)]
    found = {answer["id"]: answer for answer in answers}
    _check_complete(answers, found, [identify_request(*each) for each in asked], judge_name)
    rows = [
        (*each, *_outcome(found[identify_request(*each)], each[1], template, min_mass, constrained)) for each in asked
    ]
    return conform(pd.DataFrame(rows, columns=list(_COLUMNS)).assign(judge=judge_name), "judgements")


def _check_complete(answers: list[dict], found: dict, asked: list[str], judge_name: str) -> None:
    where = f"answers of judge `{judge_name}`"
    if len(found) < len(answers):
        raise InputError(f"{len(answers) - len(found)} requests have more than one answer", where=where)
    for problem, ids in (("lack", set(asked) - set(found)), ("hold an unknown", set(found) - set(asked))):
        if ids:
            raise InputError(f"{problem} request, in {len(ids)} cases, such as `{min(ids)}`", where=where)


def _outcome(answer: dict, order: str | None, template: Template | None, min_mass: float, constrained: bool) -> tuple:
    """logp_a, logp_b, mass, verdict, status, truncated."""
    status, winner = answer["status"], answer.get("winner")
    logps, mass = (answer.get("logp_first"), answer.get("logp_second")), answer.get("mass")
    if logps[0] is not None:
        winner = _larger(*logps)
    elif status == "ok" and "text" in answer:
        # An answer that was cut might have gone on to say something else.
        winner = None if answer.get("cut") and not constrained else read_verdict(answer["text"], template)
        status = "ok" if winner else "unparsed"
    if status == "ok" and mass is not None and mass < min_mass:
        status = "low_mass"
    verdict = _in_stored_terms(winner, order) if status == "ok" else None
    logp_a, logp_b = logps[::-1] if order == "ba" else logps
    return logp_a, logp_b, mass, verdict, status, answer.get("truncated", False)


def _larger(first: float, second: float) -> str:
    return "tie" if first == second else "first" if first > second else "second"


def _in_stored_terms(winner: str, order: str | None) -> str:
    if winner == "tie":
        return "tie"
    return "a" if (winner == "first") == (order != "ba") else "b"
