"""What a judge's requests would cost, found out in the judge's environment and without loading its model."""

from __future__ import annotations

from prefdissect.judges.local_model import count_parameters, load_tokenizer
from prefdissect.judges.prompts import Template
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
    judge, missing = job.judge, job.missing
    tokenised = bool(missing) and (judge["kind"] in ("transformers", "vllm") or bool(judge.get("tokenizer")))
    if tokenised:
        prompts = PromptTokenizer(load_tokenizer(judge), job.template, judge)(missing)
        lengths, shared = [len(prompt.tokens) for prompt in prompts], _shared([p.tokens.tolist() for p in prompts])
    else:
        lengths, shared = [_characters(each, job.template) // CHARACTERS_PER_TOKEN for each in missing], 0
    return {
        "requests": len(job.requests),
        "known": sum(key in job.known for key in job.keys.values()),
        "missing": len(missing),
        "tokens": sum(lengths),
        "most_written": len(missing) * (1 if job.template.answers else judge.get("max_tokens", 1)),
        "shared_tokens": shared,
        "counted": tokenised or not missing,
        "parameters": count_parameters(judge) if judge["kind"] in ("transformers", "vllm") else None,
        "tokens_per_s": job.store.last_speed() if job.store else None,
    }


def _characters(request: dict, template: Template) -> int:
    texts = [request[key] for key in ("prompt", "first", "second")]
    texts += [turn["content"] for turn in request.get("turns") or []]
    return sum(map(len, texts)) + len(template.text) + len(template.system or "")


def _shared(rows: list[list[int]]) -> int:
    """Tokens that a perfect prefix cache would not compute again: in sorted order, what a row shares with the last."""
    ordered = sorted(rows)
    return sum(_common(last, row) for last, row in zip(ordered, ordered[1:]))


def _common(one: list[int], other: list[int]) -> int:
    return next((n for n, (left, right) in enumerate(zip(one, other)) if left != right), min(len(one), len(other)))
