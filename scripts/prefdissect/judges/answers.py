"""What an engine says of a request: the one form that every engine yields and the partial store keeps.

An answer holds `id` and `status`, and of the following what applies:

logp_first, logp_second
    Log-probability (nats) of the first, the second answer, over the whole vocabulary.
mass
    Probability of both answers together.
winner
    `first`, `second` or `tie` where the judge's choice is known and its log-probabilities are not.
text
    What a judge that answers in words wrote; read by `prefdissect.judges.words`, so that reading it differently costs
    no new answer.
n_tokens, n_output
    Tokens read and written.
truncated
    Were the responses cut to fit.
cut
    Did the judge want to write on when `max_tokens` ended its answer.
note
    Why there is no answer, for the log.

Needs only the standard library: it runs in the judge's environment too.
"""

from __future__ import annotations

import math

# Statuses that a later run asks again: the request was never answered.
UNANSWERED = ("failed", "refused")


def scored(
    identity: str, first: float, second: float, *, n_tokens: int, n_output: int = 0, truncated: bool = False
) -> dict:
    """Answer of a judge whose two log-probabilities are known; `failed` where the model gave no number.

    `n_output` counts what a server bills as written.
    """
    if not (math.isfinite(first) and math.isfinite(second)):
        return unanswered(identity, "failed", note="the log-probabilities are not finite", n_tokens=n_tokens)
    first, second = min(first, 0.0), min(second, 0.0)
    numbers = {"logp_first": first, "logp_second": second, "mass": min(1.0, math.exp(first) + math.exp(second))}
    counts = {"n_tokens": n_tokens, "n_output": n_output, "truncated": truncated}
    return {"id": identity, "status": "ok", **numbers, **counts}


def chosen(identity: str, winner: str, *, n_tokens: int = 0, n_output: int = 0, truncated: bool = False) -> dict:
    """Answer of a judge whose choice is known and whose log-probabilities are not."""
    counts = {"n_tokens": n_tokens, "n_output": n_output, "truncated": truncated}
    return {"id": identity, "status": "ok", "winner": winner, **counts}


def worded(
    identity: str, text: str, *, n_tokens: int, n_output: int, truncated: bool = False, cut: bool = False
) -> dict:
    """Answer in words; what it means is read later."""
    counts = {"n_tokens": n_tokens, "n_output": n_output, "truncated": truncated}
    return {"id": identity, "status": "ok", "text": text, "cut": cut, **counts}


def where(judge: dict) -> str:
    """How messages call the judge, or the annotator, of a record."""
    return f"{judge.get('role', 'judge')} `{judge['name']}`"


def log_sum(logps: list[float]) -> float:
    """Logarithm of the sum of probabilities that are given by their logarithms."""
    highest = max(logps)
    if not math.isfinite(highest):
        return highest
    return highest + math.log(sum(math.exp(logp - highest) for logp in logps))


def unanswered(identity: str, status: str, *, note: str | None = None, n_tokens: int = 0) -> dict:
    """No answer, and why: `too_long`, `refused` (by a content filter) or `failed` (transport, a broken number)."""
    reason = {} if note is None else {"note": note}
    return {"id": identity, "status": status, "n_tokens": n_tokens, "truncated": False, **reason}
