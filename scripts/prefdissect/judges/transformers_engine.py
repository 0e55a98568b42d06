"""The reference engine: a causal language model run by transformers, on CPU or GPU.

Every request costs one forward pass and no generation. The log-probabilities of the two answers come from the softmax
over the whole vocabulary at the one position that follows the prompt, never from a list of top candidates.

Keys of the judge's record read here: `model` (folder or hub name), `revision`, `dtype`, `device`, `batch_tokens`,
`batch_size`, `max_length`, `too_long`, `tokenizer`, `trust_remote_code`, `chat_template_kwargs`; for answers in words
`max_tokens`, `temperature`, `top_p`, `seed`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import numpy as np

from prefdissect.errors import InputError
from prefdissect.judges.answers import scored, unanswered, worded
from prefdissect.judges.local_model import (
    check_choices,
    check_model,
    check_vocabulary,
    check_whole,
    identity_of,
    load_fix,
    load_problem,
    load_tokenizer,
    longest_prompt,
    pinned,
    source_of,
)
from prefdissect.judges.prompts import Template
from prefdissect.judges.tokens import Prompt, PromptTokenizer, where
from prefdissect.judges.words import draw_seed

# torch and transformers take seconds to import: a wrong path in a record must not wait for them.

BATCH_TOKENS = {"cpu": 2048, "cuda": 65536}
BATCH_SIZE = 64

__all__ = ["identify", "open_engine", "pinned"]
identify = identity_of


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
        self.batch_tokens = judge.get("batch_tokens") or BATCH_TOKENS[self.device]
        self.batch_size = judge.get("batch_size") or BATCH_SIZE
        self.words = not template.answers
        room = judge["max_tokens"] if self.words else 0
        self.max_length = longest_prompt(judge, self.model.config, self.tokenizer, room)
        if self.words:
            # As the model's own: what a call leaves out is taken from there.
            self.model.generation_config = self._writing()
        self._accepted = inspect.signature(self.model.forward).parameters
        if not self._takes("attention_mask"):  # padding could not be hidden from the model
            self.batch_size = 1

    def score(self, requests: list[dict]) -> Iterator[list[dict]]:
        """Yield lists of answers (`prefdissect.judges.answers`) as they are finished, in any order."""
        fitting, too_long = self.prompts.fit(requests, self.max_length, self.judge.get("too_long", "mark"))
        check_vocabulary(self.judge, fitting, self.model.get_input_embeddings().weight.shape[0])
        if too_long:
            yield [unanswered(prompt.id, "too_long", n_tokens=len(prompt.tokens)) for prompt in too_long]
        for batch in batches([len(prompt.tokens) for prompt in fitting], self.batch_tokens, self.batch_size):
            yield from self._score_batch([fitting[number] for number in batch])

    def _score_batch(self, prompts: list[Prompt]) -> Iterator[list[dict]]:
        import torch

        try:
            finished = self._write(prompts) if self.words else self._forward(prompts)
        except torch.OutOfMemoryError:
            finished = None
        if finished is not None:
            yield finished
            return
        torch.cuda.empty_cache()
        if len(prompts) == 1:
            fix = "use a smaller dtype, a lower max_length or a larger device"
            problem = f"a prompt of {len(prompts[0].tokens)} tokens does not fit in the memory of `{self.device}`"
            raise InputError(problem, where=where(self.judge), fix=fix)
        for part in (prompts[: len(prompts) // 2], prompts[len(prompts) // 2 :]):
            yield from self._score_batch(part)

    def _forward(self, prompts: list[Prompt]) -> list[dict]:
        """Answers of one batch, padded on the left so that all rows end at one position."""
        import torch

        tokens, mask, positions = pad_left([prompt.tokens for prompt in prompts], self.tokenizer.pad_token_id or 0)
        inputs = {"attention_mask": mask, "position_ids": positions}
        inputs = {name: torch.from_numpy(value).to(self.device) for name, value in inputs.items() if self._takes(name)}
        inputs |= {"use_cache": False} if self._takes("use_cache") else {}
        inputs |= {"logits_to_keep": 1} if self._takes("logits_to_keep") else {}
        answers = []
        with torch.inference_mode():
            output = self.model(input_ids=torch.from_numpy(tokens).to(self.device), **inputs)
            logps = torch.log_softmax(output.logits[:, -1].double(), dim=-1)
            for prompt, row in zip(prompts, logps, strict=True):
                first, second = (torch.logsumexp(row[list(ids)], 0).item() for ids in (prompt.first, prompt.second))
                size = {"n_tokens": len(prompt.tokens), "truncated": prompt.truncated}
                answers.append(scored(prompt.id, first, second, **size))
        return answers

    def _write(self, prompts: list[Prompt]) -> list[dict]:
        """Answers in words: greedy at temperature 0, else drawn with a seed of the prompt's own.

        Drawn one by one, so that a draw does not depend on what else is in the batch.
        """
        import torch

        temperature = self.judge.get("temperature") or 0.0
        groups = [[prompt] for prompt in prompts] if temperature else [prompts]
        pad = self.tokenizer.pad_token_id or 0
        answers = []
        for group in groups:
            tokens, mask, _ = (
                torch.from_numpy(each).to(self.device) for each in pad_left([p.tokens for p in group], pad)
            )
            torch.manual_seed(draw_seed(self.judge, group[0].id))
            with torch.inference_mode():
                written = self.model.generate(tokens, attention_mask=mask)
            for prompt, row in zip(group, written[:, tokens.shape[1] :].tolist(), strict=True):
                said = self._until_end(row)
                size = {"n_tokens": len(prompt.tokens), "n_output": len(said), "truncated": prompt.truncated}
                text = self.tokenizer.decode(said, skip_special_tokens=True)
                answers.append(worded(prompt.id, text, cut=len(said) == self.judge["max_tokens"], **size))
        return answers

    def _writing(self):
        """Settings of the record alone: the model's own may hold a penalty or a temperature that nobody asked for."""
        import transformers

        temperature = self.judge.get("temperature") or 0.0
        drawn = {"do_sample": True, "temperature": temperature, "top_p": self.judge.get("top_p") or 1.0, "top_k": 0}
        return transformers.GenerationConfig(
            max_new_tokens=self.judge["max_tokens"],
            eos_token_id=self.model.generation_config.eos_token_id,
            pad_token_id=self.tokenizer.pad_token_id or 0,
            **(drawn if temperature else {"do_sample": False}),
        )

    def _until_end(self, row: list[int]) -> list[int]:
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return next((row[:number] for number, token in enumerate(row) if token in ends), row)

    def _takes(self, name: str) -> bool:
        anything = any(each.kind is each.VAR_KEYWORD for each in self._accepted.values())
        return name in self._accepted or (name == "attention_mask" and anything)


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


def _check_record(judge: dict) -> None:
    check_model(judge)
    check_choices(judge)
    check_whole(judge, "batch_tokens", "batch_size", "max_length", "max_tokens")
    if judge.get("constrained"):
        fix = "use kind vllm or openai, or leave `constrained` out"
        raise InputError("transformers cannot constrain what a judge writes", where=where(judge), fix=fix)


def _device(judge: dict) -> str:
    import torch

    wanted, present = judge.get("device", "auto"), torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise InputError("device `cuda` was asked for, and there is none", where=where(judge), fix="use auto or cpu")
    return "cuda" if present and wanted != "cpu" else "cpu"


def _load(judge: dict, device: str):
    import torch
    import transformers

    tokenizer = load_tokenizer(judge)
    transformers.utils.logging.disable_progress_bar()
    model = judge["model"]
    options = {"revision": judge.get("revision"), "trust_remote_code": bool(judge.get("trust_remote_code", False))}
    name = judge.get("dtype", "auto")
    dtype = name if name == "auto" else getattr(torch, name)
    print(f"loading {model} ({name}) on {device}", file=sys.stderr, flush=True)
    try:
        network, report = transformers.AutoModelForCausalLM.from_pretrained(
            source_of(model), dtype=dtype, output_loading_info=True, **options
        )
        network = network.to(device).eval()
    except Exception as error:  # loaders of damaged files raise nearly anything
        raise InputError(load_problem(judge, error), where=where(judge), fix=load_fix(source_of(model))) from error
    # transformers fills weights that a file lacks with random numbers and goes on.
    lacking = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if lacking:
        problem = f"the model `{model}` lacks {len(lacking)} weights, such as {lacking[0]}"
        raise InputError(problem, where=where(judge), fix="the download is incomplete, or it is no causal model")
    return tokenizer, network
