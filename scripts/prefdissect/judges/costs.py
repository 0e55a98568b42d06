"""What a judge's requests would cost, found out in the judge's environment and without loading its model."""

from __future__ import annotations

from prefdissect.judges.local_model import count_parameters, load_tokenizer
from prefdissect.judges.prompts import Template, texts_of
from prefdissect.judges.tokens import PromptTokenizer

CHARACTERS_PER_TOKEN = 4


def costs_of(job) -> dict:
    """Count what a run would ask.

    Parameters
    ----------
    job
        A `prefdissect.judges.worker.Job`.

    Returns
    -------
    {requests, known, missing, tokens, most_written, shared_tokens, counted, parameters, tokens_per_s}: requests with an
    answer, and those that would be asked (equal texts once); tokens of their prompts, the most that their answers
    have, those of the prompts that repeat the beginning of another prompt, and whether they were counted with the
    judge's tokenizer (else 4 characters are taken as one); the model's size, and the speed of its last run, null where
    not known.
    """
    judge, missing, guessed = job.judge, job.missing, job.guessed()
    tokenised = bool(missing or guessed) and (judge["kind"] in ("transformers", "vllm") or bool(judge.get("tokenizer")))
    if tokenised:
        prompts = PromptTokenizer(load_tokenizer(judge), job.template, judge)(missing + guessed)
        lengths, shared = [len(prompt.tokens) for prompt in prompts], _shared([p.tokens.tolist() for p in prompts])
    else:
        lengths, shared = [_characters(each, job.template) // CHARACTERS_PER_TOKEN for each in missing + guessed], 0
    return {
        "requests": len(job.requests) + len(guessed),
        "known": sum(key in job.known for key in job.keys.values()),
        "missing": len(missing) + len(guessed),
        "tokens": sum(lengths),
        "most_written": (len(missing) + len(guessed)) * (1 if job.template.answers else judge.get("max_tokens", 1)),
        "shared_tokens": shared,
        "counted": not guessed and (tokenised or not missing),
        "parameters": count_parameters(judge) if judge["kind"] in ("transformers", "vllm") else None,
        "tokens_per_s": job.store.last_speed() if job.store else None,
    }


def _characters(request: dict, template: Template) -> int:
    return sum(map(len, texts_of(request))) + len(template.text) + len(template.system or "")


def _shared(rows: list[list[int]]) -> int:
    """Tokens that a perfect prefix cache would not compute again: in sorted order, what a row shares with the last."""
    ordered = sorted(rows)
    return sum(_common(last, row) for last, row in zip(ordered, ordered[1:]))


def _common(one: list[int], other: list[int]) -> int:
    return next((n for n, (left, right) in enumerate(zip(one, other)) if left != right), min(len(one), len(other)))
