"""The reference engine: a causal language model run by transformers, on CPU or GPU.

Every request costs one forward pass and no generation. The log-probabilities of the two answers come from the softmax
over the whole vocabulary at the one position that follows the prompt, never from a list of top candidates.

Keys of the judge's record read here: `model` (folder or hub name), `revision`, `dtype`, `device`, `batch_tokens`,
`batch_size`, `max_length`, `trust_remote_code`, `chat_template_kwargs`.
"""

from __future__ import annotations

import inspect
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prefdissect.errors import InputError
from prefdissect.judges.prompts import Rendered, Renderer, Template

# torch and transformers take seconds to import: a wrong path in a record must not wait for them.

DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda")
BATCH_TOKENS = {"cpu": 2048, "cuda": 65536}
BATCH_SIZE = 64
CHUNK = 512

# Some chat templates write today's date into the prompt. A judgement must not depend on the day it was asked.
FIXED_DATE = {"%Y": "2025", "%B": "January", "%b": "Jan", "%m": "01", "%d": "01", "%A": "Wednesday"}


@dataclass(frozen=True)
class Prompt:
    """A tokenised request: the context the model reads, and the tokens that count as first and second answer."""

    id: str
    tokens: np.ndarray
    first: tuple[int, ...]
    second: tuple[int, ...]


def open_engine(judge: dict, template: Template) -> TransformersEngine:
    """Load the judge of a record. Raises `InputError`, naming the model, when the record or the model is unusable."""
    _check_record(judge)
    return TransformersEngine(judge, template)


class TransformersEngine:
    """A loaded judge; `score` is the interface that every engine shares."""

    def __init__(self, judge: dict, template: Template):
        self.judge = judge
        self.device = _device(judge)
        self.tokenizer, self.model = _load(judge, self.device)
        self.prompts = PromptTokenizer(self.tokenizer, template, judge)
        self.max_length = _max_length(judge, self.model, self.tokenizer)
        self.batch_tokens = judge.get("batch_tokens") or BATCH_TOKENS[self.device]
        self.batch_size = judge.get("batch_size") or BATCH_SIZE
        self._accepted = inspect.signature(self.model.forward).parameters

    def score(self, requests: list[dict]) -> Iterator[list[dict]]:
        """Yield lists of verdicts as they are finished: one verdict per request, in any order.

        Yields
        ------
        Lists of {id, logp_first, logp_second, mass, status, truncated, n_tokens}: log-probabilities in nats, `mass`
        the probability of both answers together; null unless `status` is `ok`.
        """
        prompts = self.prompts(requests)
        self._check_vocabulary(prompts)
        fitting = [prompt for prompt in prompts if len(prompt.tokens) <= self.max_length]
        # A policy that shortens long requests belongs here, before they are given up.
        too_long = [verdict(prompt, status="too_long") for prompt in prompts if len(prompt.tokens) > self.max_length]
        if too_long:
            yield too_long
        for batch in batches([len(prompt.tokens) for prompt in fitting], self.batch_tokens, self.batch_size):
            yield from self._score_batch([fitting[number] for number in batch])

    def _score_batch(self, prompts: list[Prompt]) -> Iterator[list[dict]]:
        import torch

        try:
            logps = self._forward(prompts)
        except torch.OutOfMemoryError:
            logps = None
        if logps is not None:
            yield [_scored(prompt, first, second) for prompt, (first, second) in zip(prompts, logps, strict=True)]
            return
        torch.cuda.empty_cache()
        if len(prompts) == 1:
            fix = "use a smaller dtype, a lower max_length or a larger device"
            problem = f"a prompt of {len(prompts[0].tokens)} tokens does not fit in the memory of `{self.device}`"
            raise InputError(problem, where=_where(self.judge), fix=fix)
        for part in (prompts[: len(prompts) // 2], prompts[len(prompts) // 2 :]):
            yield from self._score_batch(part)

    def _forward(self, prompts: list[Prompt]) -> list[tuple[float, float]]:
        """Log-probabilities (first, second) of one batch, padded on the left so that all rows end at one position."""
        import torch

        tokens, mask, positions = pad_left([prompt.tokens for prompt in prompts], self.tokenizer.pad_token_id or 0)
        inputs = {"attention_mask": mask, "position_ids": positions}
        inputs = {name: torch.from_numpy(value).to(self.device) for name, value in inputs.items() if self._takes(name)}
        inputs |= {"use_cache": False} if self._takes("use_cache") else {}
        inputs |= {"logits_to_keep": 1} if self._takes("logits_to_keep") else {}
        with torch.inference_mode():
            output = self.model(input_ids=torch.from_numpy(tokens).to(self.device), **inputs)
            logps = torch.log_softmax(output.logits[:, -1].double(), dim=-1)
            return [
                tuple(torch.logsumexp(row[list(ids)], 0).item() for ids in (prompt.first, prompt.second))
                for prompt, row in zip(prompts, logps, strict=True)
            ]

    def _takes(self, name: str) -> bool:
        return name in self._accepted

    def _check_vocabulary(self, prompts: list[Prompt]) -> None:
        size = self.model.get_input_embeddings().weight.shape[0]
        highest = max(max(int(each.tokens.max(initial=0)), *each.first, *each.second) for each in prompts)
        if highest >= size:
            problem = f"the tokenizer gives token {highest}, and the model knows only {size}"
            raise InputError(problem, where=_where(self.judge), fix="tokenizer and model must belong together")


def verdict(prompt: Prompt, *, status: str, first: float | None = None, second: float | None = None) -> dict:
    """One line of the worker's output."""
    return {
        "id": prompt.id,
        "logp_first": first,
        "logp_second": second,
        "mass": None if first is None else min(1.0, math.exp(first) + math.exp(second)),
        "status": status,
        "truncated": False,
        "n_tokens": len(prompt.tokens),
    }


def _scored(prompt: Prompt, first: float, second: float) -> dict:
    if not (math.isfinite(first) and math.isfinite(second)):
        return verdict(prompt, status="failed")
    return verdict(prompt, status="ok", first=min(first, 0.0), second=min(second, 0.0))


def batches(lengths: list[int], batch_tokens: int, batch_size: int) -> list[list[int]]:
    """Group prompts, longest first, so that padded length times rows stays within `batch_tokens`.

    A prompt that is longer than `batch_tokens` gets a batch of its own. Returns indices into `lengths`.
    """
    order = sorted(range(len(lengths)), key=lambda number: (-lengths[number], number))
    groups: list[list[int]] = []
    for number in order:
        room = min(batch_size, batch_tokens // max(1, lengths[groups[-1][0]])) if groups else 0
        if not groups or len(groups[-1]) >= room:
            groups.append([])
        groups[-1].append(number)
    return groups


def pad_left(rows: list[np.ndarray], pad: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens, attention mask and positions (rows x longest, int64); positions count from the first real token."""
    width = max(len(row) for row in rows)
    tokens = np.full((len(rows), width), pad, dtype=np.int64)
    mask = np.zeros_like(tokens)
    for number, row in enumerate(rows):
        tokens[number, width - len(row) :] = row
        mask[number, width - len(row) :] = 1
    return tokens, mask, np.maximum(mask.cumsum(axis=1) - 1, 0)


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
        self.tokenizer, self.template, self.where = tokenizer, template, _where(judge)
        chat = template.style == "chat"
        apply = _chat_template(tokenizer, judge.get("chat_template_kwargs") or {}, self.where) if chat else None
        self._render = Renderer(template, apply)
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
        rendered = [self._render(request) for request in requests]
        spelled_out = [number for number, prompt in enumerate(rendered) if self._spells_control(prompt)]
        plain = self._encode(rendered, "", spelled_out)
        spellings = self.template.answers
        answers = [[self._encode(rendered, text, spelled_out) for text in texts] for texts in spellings]
        prompts = []
        for number, request in enumerate(requests):
            spelled = [[rows[number] for rows in each] for each in answers]
            length, first, second = answer_tokens(plain[number], spelled, spellings, self.where)
            tokens = np.array(self._opening + plain[number][:length], dtype=np.int32)
            prompts.append(Prompt(request["id"], tokens, first, second))
        return prompts

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


def _where(judge: dict) -> str:
    return f"judge `{judge['name']}`"


def _check_record(judge: dict) -> None:
    where = _where(judge)
    for key, allowed in (("dtype", DTYPES), ("device", DEVICES)):
        if judge.get(key, "auto") not in allowed:
            fix = f"one of {', '.join(allowed)}"
            raise InputError(f"key `{key}`: `{judge[key]}` is unknown", where=where, fix=fix)
    for key in ("batch_tokens", "batch_size", "max_length"):
        value = judge.get(key)
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"key `{key}` is {value!r}", where=where, fix="a whole number of at least 1")
    model = judge.get("model")
    if not isinstance(model, str) or not model:
        raise InputError("key `model` is missing", where=where, fix="a model folder or the name of a model on the hub")
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(f"the model folder `{model}` has no config.json", where=where)
    elif model.startswith((".", "/", "~")) or model.count("/") != 1:
        raise InputError(f"the model folder `{model}` does not exist", where=where)


def _device(judge: dict) -> str:
    import torch

    wanted, present = judge.get("device", "auto"), torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise InputError("device `cuda` was asked for, and there is none", where=_where(judge), fix="use auto or cpu")
    return "cuda" if present and wanted != "cpu" else "cpu"


def _load(judge: dict, device: str):
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = judge["model"]
    source = str(Path(model).expanduser()) if Path(model).expanduser().is_dir() else model
    options = {"revision": judge.get("revision"), "trust_remote_code": bool(judge.get("trust_remote_code", False))}
    name = judge.get("dtype", "auto")
    dtype = name if name == "auto" else getattr(torch, name)
    print(f"loading {model} ({name}) on {device}", file=sys.stderr, flush=True)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **options)
        network, report = transformers.AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, output_loading_info=True, **options
        )
        network = network.to(device).eval()
    except Exception as error:  # loaders of damaged files raise nearly anything
        raise InputError(_load_problem(judge, error), where=_where(judge), fix=_load_fix(source)) from error
    # transformers fills weights that a file lacks with random numbers and goes on.
    lacking = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if lacking:
        problem = f"the model `{model}` lacks {len(lacking)} weights, such as {lacking[0]}"
        raise InputError(problem, where=_where(judge), fix="the download is incomplete, or it is no causal model")
    return tokenizer, network


def _load_problem(judge: dict, error: Exception) -> str:
    revision = f", revision {judge['revision']}" if judge.get("revision") else ""
    lines = str(error).strip().splitlines() or [""]
    return f"the model `{judge['model']}`{revision} cannot be loaded: {type(error).__name__}: {lines[0]}"


def _load_fix(source: str) -> str:
    if Path(source).is_dir():
        return "a complete Hugging Face folder: config.json, tokenizer files, safetensors"
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return "HF_HUB_OFFLINE is set, so the model must be in the local cache or a folder"
    return "check the name, the revision, the network and the access rights"


def _max_length(judge: dict, model, tokenizer) -> int:
    """Longest prompt in tokens: the record's limit, or else the model's."""
    config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
    own = getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None)
    if own is None and tokenizer.model_max_length < 10**9:
        own = tokenizer.model_max_length
    asked = judge.get("max_length")
    if own is None and asked is None:
        raise InputError("the model states no longest input", where=_where(judge), fix="give `max_length` in tokens")
    if own is not None and asked is not None and asked > own:
        raise InputError(f"key `max_length` is {asked}, and the model takes {own} tokens", where=_where(judge))
    return asked or own
