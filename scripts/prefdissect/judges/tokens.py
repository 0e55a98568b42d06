"""From requests to token ids: prompts as the judge's own tokenizer writes them, and the tokens that are answers."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from prefdissect.errors import InputError
from prefdissect.judges.answers import where
from prefdissect.judges.prompts import Rendered, Renderer, Template
from prefdissect.judges.store import NEAR

CHUNK = 512
TOO_LONG = ("mark", "error", "truncate_responses")
STEPS = 1024  # shares of a response that a cut chooses from

# Some chat templates write today's date into the prompt. A judgement must not depend on the day it was asked.
FIXED_DATE = {"%Y": "2025", "%B": "January", "%b": "Jan", "%m": "01", "%d": "01", "%A": "Wednesday"}


@dataclass(frozen=True)
class Prompt:
    """A tokenised request: the context the model reads, and the tokens that count as first and second answer.

    `first` and `second` are empty for a judge that answers in words. `shared` names what prompts with a common
    beginning share; sorting by it lets an engine compute that beginning once. `schema` is the JSON schema of the
    answer to a request with a prompt of its own.
    """

    id: str
    tokens: np.ndarray
    first: tuple[int, ...]
    second: tuple[int, ...]
    truncated: bool = False
    shared: str = ""
    schema: dict | None = None


def _shared(request: dict) -> str:
    """Requests that begin alike get equal keys: the conversation, which a template puts before the responses."""
    if "pieces" in request:
        return json.dumps([request.get("turns"), request["pieces"][:2]])
    return json.dumps([request.get("turns"), request["prompt"]])


def _shortened(request: dict, share: int) -> dict:
    texts = {key: request[key][: len(request[key]) * share // STEPS] for key in ("first", "second")}
    return request | texts


class PromptTokenizer:
    """From requests to token ids, with the answers' tokens as the judge's own tokenizer writes them in context.

    Parameters
    ----------
    tokenizer
        A Hugging Face tokenizer.
    template
        The prompt template.
    judge
        The judge's record, for its name and `chat_template_kwargs`.
    """

    def __init__(self, tokenizer, template: Template, judge: dict):
        self.tokenizer, self.template, self.where = tokenizer, template, where(judge)
        chat = template.style == "chat"
        apply = _chat_template(tokenizer, judge.get("chat_template_kwargs") or {}, self.where) if chat else None
        self.render = Renderer(template, apply)
        # A rendered chat holds its special tokens as text; raw text gets those that open a fresh sequence.
        self._opening = [] if chat else self._opening_tokens()
        self._control = _control_tokens(tokenizer)

    def __call__(self, requests: list[dict]) -> list[Prompt]:
        """Tokenise requests. Raises `InputError` when the answers cannot be told apart by one token."""
        prompts: list[Prompt] = []
        for start in range(0, len(requests), CHUNK):
            prompts += self._chunk(requests[start : start + CHUNK])
        return prompts

    def _chunk(self, requests: list[dict]) -> list[Prompt]:
        rendered = [self.render(request) for request in requests]
        spelled_out = [number for number, prompt in enumerate(rendered) if self._spells_control(prompt)]
        plain = self._encode(rendered, "", spelled_out)
        spellings = self.template.answers
        answers = [[self._encode(rendered, text, spelled_out) for text in texts] for texts in spellings]
        prompts = []
        for number, request in enumerate(requests):
            length, first, second = len(plain[number]), (), ()
            if spellings:
                spelled = [[rows[number] for rows in each] for each in answers]
                length, first, second = answer_tokens(plain[number], spelled, spellings, self.where)
            tokens = np.array(self._opening + plain[number][:length], dtype=np.int32)
            shared, schema = _shared(request), request.get("schema")
            prompts.append(Prompt(request["id"], tokens, first, second, shared=shared, schema=schema))
        return prompts

    def fit(self, requests: list[dict], limit: int, policy: str) -> tuple[list[Prompt], list[Prompt]]:
        """Tokenise requests of which some may be too long.

        Parameters
        ----------
        limit
            Longest prompt in tokens.
        policy
            One of `TOO_LONG`: `mark` gives long prompts up one by one, `error` stops before any is scored,
            `truncate_responses` cuts both responses to the same share of their characters, the largest share (in
            steps of 1/1024) with which the prompt fits in both orders.

        Returns
        -------
        Prompts that fit, and those given up.

        Raises
        ------
        InputError
            Under `error`, naming a request that is too long.
        """
        prompts = self(requests)
        long = [number for number, prompt in enumerate(prompts) if len(prompt.tokens) > limit]
        if long and policy == "error":
            problem = f"{len(long)} prompts are longer than {limit} tokens, such as request `{prompts[long[0]].id}`"
            raise InputError(problem, where=self.where, fix="see the key `too_long`")
        if policy == "truncate_responses":
            # A pair is cut as a whole: its other order may be too long where this one just fits.
            near = [number for number, prompt in enumerate(prompts) if len(prompt.tokens) > limit - NEAR]
            for number in near:
                prompts[number] = self._cut(requests[number], limit) or prompts[number]
        fitting = [prompt for prompt in prompts if len(prompt.tokens) <= limit]
        return fitting, [prompt for prompt in prompts if len(prompt.tokens) > limit]

    def _cut(self, request: dict, limit: int) -> Prompt | None:
        """The request with both responses cut as little as needed, or None where even without them it is too long."""
        swapped = request | {"first": request["second"], "second": request["first"]}

        def fits(share: int) -> bool:
            return all(
                len(each.tokens) <= limit for each in self([_shortened(request, share), _shortened(swapped, share)])
            )

        if fits(STEPS):
            return self([request])[0]
        # The length grows with the share but for single tokens, so the first share that fits is looked for from below.
        share = bisect_left(range(1, STEPS), True, key=lambda share: not fits(share))
        if share == 0 and not fits(0):
            return None
        return replace(self([_shortened(request, share)])[0], truncated=True)

    def _spells_control(self, prompt: Rendered) -> bool:
        return self._control is not None and any(self._control.search(prompt.text, *span) for span in prompt.data)

    def _encode(self, rendered: list[Rendered], answer: str, spelled_out: list[int]) -> list[list[int]]:
        texts = [prompt.text + answer for prompt in rendered]
        rows = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        for number in spelled_out:
            rows[number] = self._encode_guarded(texts[number], rendered[number].data)
        return rows

    def _encode_guarded(self, text: str, data: tuple[tuple[int, int], ...]) -> list[int]:
        """Encode a prompt whose users' texts spell control tokens: there these are ordinary text."""
        if not self.tokenizer.is_fast:
            problem = "a prompt holds text that spells one of the judge's control tokens"
            fix = "this judge's tokenizer cannot read it as plain text; use a judge with a fast tokenizer"
            raise InputError(problem, where=self.where, fix=fix)
        coded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        tokens: list[int] = []
        for token, (start, end) in zip(coded["input_ids"], coded["offset_mapping"], strict=True):
            inside = any(low < end and start < high for low, high in data)
            control = inside and self._control.search(text, start, end)
            tokens += self._as_text(text[start:end]) if control else [token]
        return tokens

    def _as_text(self, text: str) -> list[int]:
        added = set(self.tokenizer.get_added_vocab().values())
        tokens = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        if added.isdisjoint(tokens) or len(text) < 2:
            return tokens
        return self._as_text(text[: len(text) // 2]) + self._as_text(text[len(text) // 2 :])

    def _opening_tokens(self) -> list[int]:
        """What the tokenizer puts before a fresh sequence; what it would put after it is left out: the text goes on."""
        bare = self.tokenizer("A", add_special_tokens=False)["input_ids"]
        full = self.tokenizer("A", add_special_tokens=True)["input_ids"]
        for start in range(len(full) - len(bare) + 1):
            if full[start : start + len(bare)] == bare:
                return full[:start]
        raise InputError("the tokenizer changes a text when it adds its special tokens", where=self.where)


def answer_tokens(
    prompt: list[int], spelled: list[list[list[int]]], answers: tuple, where: str
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Find the one token that decides between the answers.

    Parameters
    ----------
    prompt
        Tokens of the prompt alone.
    spelled
        For each answer and each of its spellings, the tokens of prompt and answer together.
    answers
        The spellings as text, for the message.

    Returns
    -------
    Length of the context (shorter than the prompt where the tokenizer merges the prompt's end with the answer), and
    the tokens of the first and of the second answer. A further spelling counts where it is one token after the same
    context.

    Raises
    ------
    InputError
        When the two answers are not two different single tokens after one context.
    """
    found = [[_after(prompt, tokens) for tokens in group] for group in spelled]
    length = found[0][0][0]
    kept = [{rest[0] for start, rest in group if start == length and len(rest) == 1} for group in found]
    usable = all(start == length and len(rest) == 1 for start, rest in (group[0] for group in found))
    if not usable or kept[0] & kept[1]:
        listed = " and ".join(f"{text[0]!r} = {group[0][1]}" for text, group in zip(answers, found, strict=True))
        problem = f"this judge's tokenizer cannot separate the two answers in one token: after the prompt {listed}"
        fix = "choose other `answers`, or move what they share into the template's text or `answer_prefix`"
        raise InputError(problem, where=where, fix=fix)
    return length, tuple(sorted(kept[0])), tuple(sorted(kept[1]))


def _after(prompt: list[int], full: list[int]) -> tuple[int, list[int]]:
    """Length of the longest common beginning, and what follows it in `full`."""
    length = min(len(prompt), len(full))
    while length and prompt[:length] != full[:length]:
        length -= 1
    return length, full[length:]


def _control_tokens(tokenizer) -> re.Pattern | None:
    """Pattern of the texts that the tokenizer reads as control: special tokens, and those its chat template writes."""
    written = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else ""
    texts = {str(text) for text in tokenizer.all_special_tokens}
    for token in tokenizer.added_tokens_decoder.values():
        if token.special or (token.content in written and not token.content.isspace()):
            texts.add(token.content)
    longest_first = sorted((text for text in texts if text), key=lambda text: (-len(text), text))
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _chat_template(tokenizer, options: dict, where: str) -> Callable[[list[dict]], str]:
    if not tokenizer.chat_template:
        raise InputError("the judge has no chat template", where=where, fix="use a prompt template of style raw")
    text = tokenizer.get_chat_template()
    if "strftime_now" in text:
        date = "".join(f" | replace('{code}', '{value}')" for code, value in FIXED_DATE.items())
        text = "{% macro strftime_now(form) %}{{ form" + date + " }}{% endmacro +%}" + text

    def apply(messages: list[dict]) -> str:
        try:
            return tokenizer.apply_chat_template(messages, chat_template=text, tokenize=False, **options)
        except Exception as error:  # the template is foreign code and may raise anything
            raise InputError(f"the judge's chat template refuses the prompt: {error}", where=where) from error

    return apply
