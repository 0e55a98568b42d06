"""A judge behind an OpenAI-compatible server: a hosted service, or one's own `vllm serve`.

Three ways of getting an answer:

exact
    (`exact: true`, a vLLM server) The prompt is tokenised here, sent as token ids, and the server returns the
    log-probabilities of exactly the answers' tokens: the same numbers as from a model loaded in process.
by text
    The server lists the likeliest next tokens, and those whose text is that of an answer are taken. Where only one
    answer is listed the judge's choice is certain and its log-probabilities are not known; where none is, there is no
    answer (`low_mass`). The server writes the prompt's tokens, so that text of a pair that spells one of its control
    tokens is read as that token; only `exact` guards against it.
in words
    For a template with `verdicts`.

Keys of the judge's record read here, beside those of `openai_client`: `model`, `api` (`completions` or `chat`; by
default as the template's style asks), `tokenizer`, `exact`, `prefill`, `top_logprobs`, `concurrency`, `max_length`,
`too_long`, `chat_template_kwargs`, `extra_body` (joined to every call; a null there takes a key of ours out); for
answers in words `max_tokens`, `temperature`, `top_p`, `seed`, `constrained`.
"""

from __future__ import annotations

import asyncio
import queue
import re
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress

from prefdissect.errors import InputError
from prefdissect.judges import openai_answers as answers_of
from prefdissect.judges.answers import chosen, scored, unanswered, worded
from prefdissect.judges.local_model import load_tokenizer
from prefdissect.judges.openai_client import Client, Garbled, Trouble, counts
from prefdissect.judges.openai_record import HOSTED, api_of, check_record, identify
from prefdissect.judges.prompts import Renderer, Template, check_turns
from prefdissect.judges.tokens import Prompt, PromptTokenizer, where
from prefdissect.judges.words import draw_seed, json_schema, spellings

__all__ = ["identify", "open_engine"]

CONCURRENCY = 8
TOP_LOGPROBS = {"completions": 5, "chat": 20}
UNLIMITED = 10**9
BYTES_PER_TOKEN = 4  # a guess for the limit on tokens, put right by the server's count
# So many failures in a row, and the server is given up: the rest would take days to fail one by one.
GIVE_UP_AFTER = 20
BATCH_SECONDS, BATCH_SIZE = 0.5, 256

_LENGTH = re.compile(
    r"context.?length|context.?window|prompt is too long|input is too long|too many (input )?tokens", re.I
)
_FILTERS = ("content_filter", "content_policy_violation")


def open_engine(judge: dict, template: Template) -> OpenaiEngine:
    """Make a judge's engine; nothing is asked yet. Raises `InputError` when the record or the key is unusable."""
    check_record(judge, template)
    return OpenaiEngine(judge, template)


class OpenaiEngine:
    """A judge behind a server; `score` is the interface that every engine shares."""

    def __init__(self, judge: dict, template: Template):
        self.judge, self.template = judge, template
        self.exact, self.api = bool(judge.get("exact")), api_of(judge, template)
        self.client = Client(judge)
        self.render = Renderer(template)
        tokenizer = load_tokenizer(judge) if judge.get("tokenizer") else None
        self.prompts = PromptTokenizer(tokenizer, template, judge) if tokenizer else None
        self.top = judge.get("top_logprobs") or TOP_LOGPROBS[self.api]
        self.extra = judge.get("extra_body") or {}
        self._failed_in_a_row, self._last_failure = 0, ""

    def score(self, requests: list[dict]) -> Iterator[list[dict]]:
        """Yield lists of answers (`prefdissect.judges.answers`) as they are finished; asked in the order given."""
        for request in requests:
            check_turns(self.template, request.get("turns"), f"request `{request['id']}`")
        calls, too_long = self._fitting(requests)
        if too_long:
            yield [unanswered(prompt.id, "too_long", n_tokens=len(prompt.tokens)) for prompt in too_long]
        self._failed_in_a_row = 0
        self.client.faults.clear()
        yield from in_background(lambda put: self._ask_all(calls, put))
        if self.client.faults:
            listed = ", ".join(f"{what} {number} times" for what, number in sorted(self.client.faults.items()))
            print(f"{where(self.judge)}: calls without an answer: {listed}", file=sys.stderr, flush=True)

    def _fitting(self, requests: list[dict]) -> tuple[list[tuple[dict, Prompt | None]], list[Prompt]]:
        if self.prompts is None:
            return [(request, None) for request in requests], []
        limit, policy = self.judge.get("max_length") or UNLIMITED, self.judge.get("too_long", "mark")
        fitting, too_long = self.prompts.fit(requests, limit, policy)
        found = {prompt.id: prompt for prompt in fitting}
        return [(request, found[request["id"]]) for request in requests if request["id"] in found], too_long

    async def _ask_all(self, calls: list, put: Callable[[dict], None]) -> None:
        waiting = iter(calls)

        async def ask_next() -> None:
            for request, prompt in waiting:
                put(await self._ask(request, prompt))

        try:
            async with self.client, asyncio.TaskGroup() as group:
                for _ in range(min(self.judge.get("concurrency") or CONCURRENCY, len(calls))):
                    group.create_task(ask_next())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _ask(self, request: dict, prompt: Prompt | None) -> dict:
        if self._failed_in_a_row >= GIVE_UP_AFTER:
            note = f"not asked: {GIVE_UP_AFTER} requests in a row had failed, the last with {self._last_failure}"
            return unanswered(request["id"], "failed", note=note)
        body = self._body(request, prompt)
        try:
            size = self._size(body, prompt)
            answer = await self.client.ask(self.api, body, size, lambda data: self._read(request["id"], prompt, data))
        except Trouble as trouble:
            answer = _given_up(request["id"], trouble, 0 if prompt is None else len(prompt.tokens))
            if not (trouble.passing or trouble.status in (401, 403, 404, 429)):
                return answer  # a fault of this one request, whatever the next one brings
        self._count(answer)
        return answer

    def _count(self, answer: dict) -> None:
        if answer["status"] != "failed":
            self._failed_in_a_row = 0
            return
        self._failed_in_a_row, self._last_failure = self._failed_in_a_row + 1, answer["note"]
        if self._failed_in_a_row == GIVE_UP_AFTER:
            line = f"{where(self.judge)}: {GIVE_UP_AFTER} requests in a row failed, the rest is not asked; the last: "
            print(line + self._last_failure, file=sys.stderr, flush=True)

    def _size(self, body: dict, prompt: Prompt | None) -> int:
        asked = body.get("prompt") or "".join(message["content"] for message in body["messages"])
        read = len(asked.encode("utf-8", "replace")) // BYTES_PER_TOKEN if prompt is None else len(prompt.tokens)
        return read + (body.get("max_tokens") or body.get("max_completion_tokens") or 1)

    def _body(self, request: dict, prompt: Prompt | None) -> dict:
        """The call's JSON."""
        body = {"model": self.judge["model"]} | self._asked(request, prompt)
        body |= self._scoring(prompt) if self.template.answers else self._writing(request)
        if "max_completion_tokens" in self.extra:
            body.pop("max_tokens")
        return {key: value for key, value in (body | self.extra).items() if value is not None}

    def _asked(self, request: dict, prompt: Prompt | None) -> dict:
        if self.exact:
            return {"prompt": prompt.tokens.tolist()}
        if self.api == "completions":
            return {"prompt": self.render(request).text}
        opened = {"continue_final_message": True, "add_generation_prompt": False} if self.template.answer_prefix else {}
        options = {"chat_template_kwargs": self.judge.get("chat_template_kwargs") or None}
        return {"messages": self.render.messages(request)} | opened | options

    def _scoring(self, prompt: Prompt | None) -> dict:
        if self.exact:
            asked = [*prompt.first, *prompt.second]
            wanted = {"logprobs": 1, "logprob_token_ids": asked, "return_tokens_as_token_ids": True}
        else:
            wanted = {"logprobs": True, "top_logprobs": self.top} if self.api == "chat" else {"logprobs": self.top}
        return {"max_tokens": 1, "temperature": 0.0} | wanted

    def _writing(self, request: dict) -> dict:
        temperature = self.judge.get("temperature") or 0.0
        settings = {"max_tokens": self.judge.get("max_tokens"), "temperature": temperature}
        settings["top_p"] = self.judge.get("top_p")
        settings["seed"] = draw_seed(self.judge, request["id"]) if temperature else None
        if not self.judge.get("constrained"):
            return settings
        if not self.template.verdicts:
            return settings | self._form(request)
        if self.template.read == "json":
            schema = {"name": "verdict", "schema": json_schema(self.template), "strict": True}
            return settings | {"response_format": {"type": "json_schema", "json_schema": schema}}
        return settings | {"structured_outputs": {"choice": spellings(self.template)}}

    def _form(self, request: dict) -> dict:
        """The JSON schema that a request with a prompt of its own brings."""
        if request.get("schema") is None:
            return {}
        # OpenAI's own service refuses schemas that bound the length of a text.
        wanted = _without(request["schema"], "maxLength") if self.client.endpoint == HOSTED else request["schema"]
        schema = {"name": request.get("form", "answer"), "schema": wanted, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def _read(self, identity: str, prompt: Prompt | None, data: dict) -> dict:
        """From the server's JSON to an answer. Raises `Garbled`, and `InputError` for a server that never can."""
        read, written, _ = counts(data)
        about = {"n_tokens": read or (0 if prompt is None else len(prompt.tokens))}
        refused = answers_of.refusal(data, self.api)
        if refused:
            return unanswered(identity, "refused", note=self.client.redact(refused), **about)
        about |= {"n_output": written, "truncated": prompt is not None and prompt.truncated}
        if not self.template.answers:
            text = self.client.redact.answer(answers_of.text_of(data, self.api))
            return worded(identity, text, cut=answers_of.was_cut(data), **about)
        try:
            return self._scored(identity, prompt, data, about)
        except answers_of.Unfit as error:
            if self.client.answered:  # it could before, so this is a fault
                raise Garbled(error.problem) from None
            raise InputError(error.problem, where=where(self.judge), fix=error.fix) from None

    def _scored(self, identity: str, prompt: Prompt | None, data: dict, about: dict) -> dict:
        if self.exact:
            return scored(identity, *answers_of.exact_logps(data, prompt.first, prompt.second), **about)
        listed = answers_of.listed_logps(data, self.api)
        found = answers_of.decide(listed, self.template.answers)
        if isinstance(found, tuple):
            return scored(identity, *found, **about)
        if found:
            return chosen(identity, found, **about)
        likeliest = ", ".join(repr(text) for text in sorted(listed, key=listed.get, reverse=True)[:3])
        note = f"no answer among the {len(listed)} likeliest tokens ({likeliest or 'the judge writes nothing'})"
        return unanswered(identity, "low_mass", note=self.client.redact(note), n_tokens=about["n_tokens"])


def _without(schema, key: str):
    """A JSON schema without one of its keywords, at any depth."""
    if isinstance(schema, dict):
        return {name: _without(part, key) for name, part in schema.items() if name != key}
    return [_without(part, key) for part in schema] if isinstance(schema, list) else schema


def _given_up(identity: str, trouble: Trouble, n_tokens: int) -> dict:
    status = "failed"
    if trouble.status in (400, 413, 422) and _LENGTH.search(f"{trouble.code} {trouble.detail}"):
        status = "too_long"
    elif trouble.code in _FILTERS:
        status = "refused"
    return unanswered(identity, status, note=trouble.note, n_tokens=n_tokens)


def in_background(work: Callable[[Callable[[dict], None]], Coroutine]) -> Iterator[list[dict]]:
    """Run a coroutine in an event loop in a thread, and yield what it puts out, in lists, at short intervals.

    An exception of the coroutine is raised here after all that it put out before. When the generator is closed or
    interrupted, the coroutine is cancelled and has ended before the generator has.
    """
    finished, tasks, errors, end = queue.SimpleQueue(), queue.SimpleQueue(), [], object()

    async def main() -> None:
        tasks.put((asyncio.get_running_loop(), asyncio.current_task()))
        await work(finished.put)

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # it is raised in the thread that asked
            errors.append(error)
        finally:
            tasks.put(None)  # read only where there is no loop to start with
            finished.put(end)

    thread = threading.Thread(target=run, name="in_background", daemon=True)
    thread.start()
    started = tasks.get()
    try:
        yield from _batches(finished, end)
        if errors:
            raise errors[0]
    finally:
        if started:
            loop, task = started
            with suppress(RuntimeError):  # the loop is closed: it has ended already
                loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _batches(finished: queue.SimpleQueue, end: object) -> Iterator[list[dict]]:
    items: Iterable = iter(finished.get, end)
    for first in items:
        batch, until = [first], time.monotonic() + BATCH_SECONDS
        with suppress(queue.Empty):
            while len(batch) < BATCH_SIZE:
                item = finished.get(timeout=max(0.0, until - time.monotonic()))
                if item is end:
                    yield batch
                    return
                batch.append(item)
        yield batch
