"""What the body of a server's answer says; the calls themselves are made by `openai_client`.

Needs only the standard library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from prefdissect.judges.answers import log_sum
from prefdissect.judges.openai_client import Garbled

# Servers write this for a probability of zero, or for one they do not tell.
NOTHING = -9999.0
EXACT = 1e-3  # nats


class Unfit(Exception):
    """The server cannot do what this kind of judge needs; `fix` says what would be right."""

    def __init__(self, problem: str, fix: str):
        super().__init__(problem)
        self.problem, self.fix = problem, fix


NO_LOGPROBS = Unfit(
    "the server gives no log-probabilities", "use a prompt template with `verdicts`, which asks for an answer in words"
)
NOT_EXACT = Unfit(
    "the server does not know `logprob_token_ids`, which `exact: true` needs",
    "use a vLLM server, or leave `exact` out",
)


@contextmanager
def _promised() -> Iterator[None]:
    """A body of another shape than the interface promises is garbled, whatever it then runs into."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Garbled(f"not the promised shape: {type(error).__name__}") from None


def refusal(data: dict, api: str) -> str | None:
    """Why a content filter or the model itself refused, or None."""
    with _promised():
        choice = data["choices"][0]
        if choice.get("finish_reason") == "content_filter":
            return "stopped by the server's content filter"
        message = choice["message"] if api == "chat" else {"content": choice["text"]}
        said = message.get("refusal")
        return f"refused: {said}" if said else None


def was_cut(data: dict) -> bool:
    """Did the judge want to write on. Raises `Garbled`."""
    with _promised():
        return data["choices"][0].get("finish_reason") == "length"


def text_of(data: dict, api: str) -> str:
    """What a judge that answers in words wrote; nothing where the server sends null. Raises `Garbled`."""
    with _promised():
        choice = data["choices"][0]
        text = choice["message"]["content"] if api == "chat" else choice["text"]
    if text is not None and not isinstance(text, str):
        raise Garbled("the answer is no text")
    return text or ""


def exact_logps(data: dict, first: tuple[int, ...], second: tuple[int, ...]) -> tuple[float, float]:
    """Log-probabilities (nats) of the two answers, each of one or more tokens.

    Raises
    ------
    Unfit
        When the server lists other tokens than it was asked for.
    Garbled
        When the body lacks what it must hold.
    """
    with _promised():
        logprobs = data["choices"][0]["logprobs"]
        found = (logprobs["top_logprobs"] or [{}])[0] if logprobs else {}
        logps = [[found.get(f"token_id:{token}") for token in tokens] for tokens in (first, second)]
    if any(logp is None for group in logps for logp in group):
        raise NO_LOGPROBS if not logprobs else NOT_EXACT
    return log_sum(_numbers(logps[0])), log_sum(_numbers(logps[1]))


def listed_logps(data: dict, api: str) -> dict[str, float]:
    """Log-probability (nats) by text of the likeliest next tokens; several tokens of one text count together.

    Empty where the judge would write nothing at all.

    Raises
    ------
    Unfit
        When the server gives no log-probabilities.
    Garbled
        When the body lacks what it must hold.
    """
    with _promised():
        logprobs = data["choices"][0].get("logprobs") or {}
        places = logprobs.get("content" if api == "chat" else "top_logprobs")
        if places is None:
            raise NO_LOGPROBS
        place = places[0] if places else {}
        if api == "chat" and place:
            entries = [(entry["token"], entry["logprob"]) for entry in place.get("top_logprobs") or []]
        else:
            entries = list((place or {}).items())
    if api == "chat" and place and not entries:
        raise NO_LOGPROBS
    found: dict[str, list[float]] = {}
    for (text, _), logp in zip(entries, _numbers([logp for _, logp in entries]), strict=True):
        if logp > -math.inf:
            found.setdefault(text, []).append(logp)
    return {text: log_sum(logps) for text, logps in found.items()}


def decide(listed: dict[str, float], answers: tuple) -> tuple[float, float] | str | None:
    """Find two answers among the likeliest next tokens, by their very text.

    A spelling that is not listed is at most as likely as the least likely token that is: so much more an answer may
    have than what is listed of it.

    Parameters
    ----------
    listed
        Log-probabilities (nats) by text, as `listed_logps` gives them.
    answers
        The spellings of the first and of the second answer.

    Returns
    -------
    Both log-probabilities where what is not listed can change them by no more than `EXACT`; else `first` or `second`
    where what is not listed cannot change the winner; else None.
    """
    if not listed:
        return None
    least = math.exp(min(listed.values()))
    lows = [sum(math.exp(listed[text]) for text in spellings if text in listed) for spellings in answers]
    highs = [low + least * sum(text not in listed for text in group) for low, group in zip(lows, answers, strict=True)]
    if all(lows) and all(math.log(high / low) <= EXACT for low, high in zip(lows, highs, strict=True)):
        return math.log(lows[0]), math.log(lows[1])
    if lows[0] >= highs[1] and lows[0] > 0:
        return "first"
    return "second" if lows[1] >= highs[0] and lows[1] > 0 else None


def _numbers(values: list) -> list[float]:
    """Log-probabilities as numbers; `NOTHING` is minus infinity."""
    with _promised():
        numbers = [float(value) for value in values]
    if any(math.isnan(number) for number in numbers):
        raise Garbled("a log-probability is not a number")
    return [number if number > NOTHING else -math.inf for number in numbers]
