"""The engine `vllm`, in process: every request costs one prefill and no decoding.

One token is asked for, with the log-probabilities of exactly the answers' tokens: never the likeliest tokens, never
the whole vocabulary. Beginnings that prompts share are computed once (prefix caching), and a bounded number of
requests is always under way, so that the device never waits for the next lot and little is lost when it is killed.
Works with vLLM's builds for CUDA and for the CPU.

Keys of the judge's record read here: `model` (folder or hub name), `revision`, `tokenizer`, `dtype`, `quantization`,
`device`, `tensor_parallel`, `max_length`, `too_long`, `gpu_memory_utilization`, `enforce_eager` (left out, it holds on
the CPU, where compiling takes a minute), `kv_cache_gb` (CPU), `trust_remote_code`, `chat_template_kwargs`,
`engine_args` (passed to vLLM as they are); for answers in words `max_tokens`, `temperature`, `top_p`, `seed`,
`constrained`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice

from prefdissect.judges import words
from prefdissect.judges.answers import log_sum, scored, unanswered, worded
from prefdissect.judges.local_model import check_vocabulary, identity_of, load_tokenizer, pinned
from prefdissect.judges.prompts import Template
from prefdissect.judges.tokens import Prompt, PromptTokenizer
from prefdissect.judges.vllm_loading import (
    check_devices,
    check_record,
    devices,
    engine_arguments,
    lengths,
    load,
    load_failure,
    read_config,
    set_environment,
    version,
)
from prefdissect.judges.weights import check_weights

# torch and vllm take seconds to import: a wrong path in a record must not wait for them.

YIELD_SECONDS = 0.5

__all__ = ["identify", "open_engine", "pinned", "version"]
identify = identity_of


def open_engine(judge: dict, template: Template) -> VllmEngine:
    """Load the judge of a record. Raises `InputError`, naming the judge, when the record or the model is unusable."""
    check_record(judge, template)
    return VllmEngine(judge, template)


class VllmEngine:
    """A loaded judge; `score` is the interface that every engine shares.

    `read` and `cached` count the prompt tokens scored so far, and those of them that the prefix cache had.
    """

    def __init__(self, judge: dict, template: Template):
        self.judge, self.template = judge, template
        set_environment(judge)
        platform, gpus = devices()
        check_devices(judge, platform, gpus)
        tokenizer, config = load_tokenizer(judge), read_config(judge)
        self.prompts = PromptTokenizer(tokenizer, template, judge)
        self.max_length, length = lengths(judge, template, config, tokenizer)
        arguments = engine_arguments(judge, config, length, cpu=platform == "cpu")
        print(f"loading {judge['model']} ({arguments['dtype']}) with {version()}", file=sys.stderr, flush=True)
        self.engine = load(judge, arguments).llm_engine
        check_weights(judge, config)
        self.in_flight = 2 * self.engine.vllm_config.scheduler_config.max_num_seqs
        self.read = self.cached = 0

    def score(self, requests: list[dict]) -> Iterator[list[dict]]:
        """Yield lists of answers (`prefdissect.judges.answers`) as they are finished, in any order."""
        fitting, too_long = self.prompts.fit(requests, self.max_length, self.judge.get("too_long") or "mark")
        check_vocabulary(self.judge, fitting, self.engine.model_config.get_vocab_size())
        if too_long:
            yield [unanswered(prompt.id, "too_long", n_tokens=len(prompt.tokens)) for prompt in too_long]
        yield from self.ask(in_order(fitting))
        share = self.cached / self.read if self.read else 0.0
        print(f"prefix cache: {share:.1%} of {self.read} prompt tokens", file=sys.stderr, flush=True)

    def ask(self, prompts: list[Prompt]) -> Iterator[list[dict]]:
        """Have tokenised prompts answered in the order given, with a bounded number under way at once."""
        waiting, running = iter(prompts), {}
        finished, last = [], time.monotonic()
        try:
            while True:
                for prompt in islice(waiting, self.in_flight - len(running)):
                    self._add(prompt)
                    running[prompt.id] = prompt
                if not running:
                    break
                outputs = [output for output in self._step() if output.finished]
                finished += [self._answer(running.pop(output.request_id), output) for output in outputs]
                if finished and time.monotonic() - last >= YIELD_SECONDS:
                    yield finished
                    finished, last = [], time.monotonic()
        finally:
            if running:  # stopped in between: the engine must not go on with them
                self.engine.abort_request(list(running))
        if finished:
            yield finished

    def _add(self, prompt: Prompt) -> None:
        tokens = {"prompt_token_ids": prompt.tokens.tolist()}
        rendered = self.engine.renderer.render_cmpl([tokens])[0]
        self.engine.add_request(prompt.id, rendered, self.sampling(prompt))

    def _step(self) -> list:
        import torch

        try:
            return self.engine.step()
        except torch.OutOfMemoryError as error:
            raise load_failure(self.judge, error) from error

    def sampling(self, prompt: Prompt):
        """What is asked of vLLM about a prompt."""
        from vllm import SamplingParams

        if self.template.answers:
            tokens = [*prompt.first, *prompt.second]
            return SamplingParams(max_tokens=1, temperature=0.0, logprob_token_ids=tokens, detokenize=False)
        temperature = self.judge.get("temperature") or 0.0
        drawn = {"top_p": self.judge.get("top_p") or 1.0, "seed": words.draw_seed(self.judge, prompt.id)}
        return SamplingParams(
            max_tokens=self.judge["max_tokens"],
            temperature=temperature,
            structured_outputs=_constraint(self.judge, self.template, prompt.schema),
            detokenize=False,
            **(drawn if temperature else {}),
        )

    def _answer(self, prompt: Prompt, output) -> dict:
        self.read += len(prompt.tokens)
        self.cached += output.num_cached_tokens or 0
        written = output.outputs[0]
        size = {"n_tokens": len(prompt.tokens), "truncated": prompt.truncated}
        if not self.template.answers:
            # The token that ends an answer is no part of it.
            tokens = list(written.token_ids)[: -1 if written.finish_reason == "stop" else None]
            text = self.prompts.tokenizer.decode(tokens, skip_special_tokens=True)
            return worded(prompt.id, text, n_output=len(tokens), cut=written.finish_reason == "length", **size)
        if not written.logprobs:
            note = f"vLLM gave no answer: {written.finish_reason}"
            return unanswered(prompt.id, "failed", note=note, n_tokens=len(prompt.tokens))
        logps = written.logprobs[0]
        first, second = (log_sum([logps[token].logprob for token in ids]) for ids in (prompt.first, prompt.second))
        return scored(prompt.id, first, second, **size)


def in_order(prompts: list[Prompt]) -> list[Prompt]:
    """Long prompts first, so that none is left over at the end; those that begin alike stay next to each other.

    Both orders of a pair, and all pairs of one conversation, form a group; a group stands where its longest member
    belongs. Within it tokens decide, so that prompts which share the first response too follow one another.
    """
    groups: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.shared, []).append(prompt)
    longest = {key: max(len(prompt.tokens) for prompt in group) for key, group in groups.items()}
    keys = sorted(groups, key=lambda key: (-longest[key], key))
    return [prompt for key in keys for prompt in sorted(groups[key], key=lambda each: (each.tokens.tolist(), each.id))]


def _constraint(judge: dict, template: Template, schema: dict | None):
    """What a judge may write, or None for anything.

    A verdict in JSON is offered in one form each, since a schema lets a model fill its tokens with white space.
    """
    from vllm.sampling_params import StructuredOutputsParams

    if not judge.get("constrained"):
        return None
    if not template.verdicts:
        return None if schema is None else StructuredOutputsParams(json=schema)
    offered = words.spellings(template)
    if template.read == "json":
        offered = [json.dumps({"verdict": spelling}, ensure_ascii=False) for spelling in offered]
    return StructuredOutputsParams(choice=offered)
