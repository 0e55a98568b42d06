"""A real local HTTP server that speaks completions and chat completions, and fails on demand.

Answers follow from a hash of the prompt alone, so that a run with faults must come to the same verdicts as one without.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

# Faults after which another try may succeed. `slow` answers only after SLOW_SECONDS.
PASSING = ("408", "409", "429", "429_retry_after", "500", "502", "503", "drop", "reset", "truncated", "error_200")
PASSING += ("no_choices", "empty_choices", "not_json", "no_message", "slow")
SLOW_SECONDS = 5.0
OTHERS = (" the", " neither", "\n")


@dataclass
class Call:
    """One call as the server received it."""

    path: str
    headers: dict[str, str]
    body: dict
    at: float

    @property
    def prompt(self) -> str:
        """What the answer depends on: the prompt's text or tokens, or all messages."""
        return json.dumps(self.body.get("messages", self.body.get("prompt")))


def number_of(text: str) -> float:
    """A number in [0, 1) that follows from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def likeliest(prompt: str, answers: tuple[str, ...]) -> dict[str, float]:
    """Log-probabilities (nats) of the answers and some other tokens, which sum to less than one."""
    share = 0.1 + 0.8 * number_of(prompt)
    shares = [0.6 * share, 0.6 * (1 - share), *[0.01 / (n + 1) for n in range(len(OTHERS))]]
    return dict(zip([*answers, *OTHERS], map(math.log, shares), strict=True))


@dataclass
class Server:
    """A server in a thread of its own (`with Server(...) as server`).

    `fault` names what shall go wrong with a call (a status, one of `PASSING`, or the name of a method `_fault_<name>`),
    None for nothing; it receives the call and how often its prompt was asked before. `listed` gives the likeliest
    tokens of a prompt; None takes the log-probabilities away. `key` and `model`, where given, are checked. `reply`
    gives the text of an answer in words.
    """

    fault: Callable[[Call, int], str | None] = lambda call, before: None
    listed: Callable[[str], dict[str, float] | None] = lambda prompt: likeliest(prompt, (" A", " B"))
    words: tuple[str, ...] = ("A", "B", "neither of them")
    key: str | None = None
    model: str | None = None
    longest: int | None = None
    delay: float = 0.0
    extra_message: dict = field(default_factory=dict)
    reply: Callable[[Call], str] | None = None

    def __post_init__(self):
        self.calls: list[Call] = []
        self.asked: Counter[str] = Counter()
        self.in_flight = self.most_in_flight = self.connections = self.abandoned = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Server:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *reason) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=2**24)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopping.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.abandoned += 1
        except asyncio.CancelledError:
            pass
        finally:
            self.connections -= 1
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one call; False when the connection is done with."""
        head = await reader.readline()
        if not head:
            return False
        headers: dict[str, str] = {}
        while (line := (await reader.readline()).decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        call = Call(head.split()[1].decode(), headers, body, time.monotonic())
        self.calls.append(call)
        before, self.asked[call.prompt] = self.asked[call.prompt], self.asked[call.prompt] + 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answer(call, self.fault(call, before), reader, writer)
        finally:
            self.in_flight -= 1

    async def _answer(self, call: Call, fault: str | None, reader, writer) -> bool:
        seconds = SLOW_SECONDS if fault == "slow" else self.delay
        if seconds and not await self._stays(reader, seconds):
            self.abandoned += 1
            return False
        if fault == "reset":
            writer.transport.abort()
            return False
        status, content, extra = self._content(call, fault)
        if fault == "truncated":
            content = content[: len(content) // 2]
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
        writer.write(head.encode() + (content[: len(content) // 2] if fault == "drop" else content))
        await writer.drain()
        return fault != "drop"

    @staticmethod
    async def _stays(reader: asyncio.StreamReader, seconds: float) -> bool:
        """Wait; False as soon as the client hangs up."""
        try:
            return await asyncio.wait_for(reader.read(1), seconds) != b""
        except TimeoutError:
            return True

    def _content(self, call: Call, fault: str | None) -> tuple[int, bytes, str]:
        status, data, extra = self._refusal(call) or (200, self._data(call), "")
        if fault is not None and fault.removesuffix("_retry_after").isdigit():
            status = int(fault[:3])
            data = {"error": {"message": f"fault {fault} of {call.headers.get('authorization')}", "code": None}}
            extra = "Retry-After: 0.05\r\n" if fault.endswith("_retry_after") else ""
        elif fault is not None and hasattr(self, f"_fault_{fault}"):
            status, data = getattr(self, f"_fault_{fault}")(call, data)
        content = b"<html>Bad Gateway</html>" if fault == "not_json" else json.dumps(data).encode()
        return status, content, extra

    def _refusal(self, call: Call) -> tuple[int, dict, str] | None:
        given = call.headers.get("authorization")
        if self.key is not None and given != f"Bearer {self.key}":
            return 401, {"error": {"message": f"Incorrect API key provided: {given}", "code": "invalid_api_key"}}, ""
        if self.model is not None and call.body["model"] != self.model:
            message = f"The model `{call.body['model']}` does not exist."
            return 404, {"error": {"message": message, "code": "model_not_found"}}, ""
        if self.longest is not None and len(call.prompt) > self.longest:
            message = f"This model's maximum context length is {self.longest} tokens."
            return 400, {"error": {"message": message, "code": "context_length_exceeded"}}, ""
        return None

    def _data(self, call: Call) -> dict:
        body, chat = call.body, "chat" in call.path
        text, logprobs = self._text(call), None
        if body.get("logprobs") and self.listed(call.prompt) is not None:
            listed = self._exact(call) if "logprob_token_ids" in body else self._top(call, chat)
            entries = [{"token": token, "logprob": logp, "bytes": None} for token, logp in listed.items()]
            logprobs = {"content": [{"token": text, "logprob": 0.0, "top_logprobs": entries}]} if chat else None
            logprobs = logprobs or {"tokens": [text], "token_logprobs": [0.0], "top_logprobs": [listed]}
        message = {"role": "assistant", "content": text} | self.extra_message
        choice = {"message": message} if chat else {"text": text}
        choice |= {
            "index": 0,
            "finish_reason": "length" if body.get("max_tokens") == 1 else "stop",
            "logprobs": logprobs,
        }
        usage = {"prompt_tokens": len(call.prompt), "completion_tokens": 1, "total_tokens": len(call.prompt) + 1}
        return {"id": "x", "object": "x", "created": 0, "model": body["model"], "choices": [choice], "usage": usage}

    def _text(self, call: Call) -> str:
        if self.reply is not None:
            return self.reply(call)
        offered, form = call.body.get("structured_outputs"), call.body.get("response_format")
        drawn = number_of(call.prompt + str(call.body.get("seed")))
        if form:
            offered = form["json_schema"]["schema"]["properties"]["verdict"]["enum"]
            return json.dumps({"verdict": offered[int(drawn * len(offered))]})
        words = offered["choice"] if offered else self.words
        return words[int(drawn * len(words))]

    def _top(self, call: Call, chat: bool) -> dict[str, float]:
        listed = self.listed(call.prompt)
        wanted = call.body["top_logprobs"] if chat else call.body["logprobs"]
        return dict(sorted(listed.items(), key=lambda entry: -entry[1])[:wanted])

    def _exact(self, call: Call) -> dict[str, float]:
        wanted = call.body["logprob_token_ids"]
        share = number_of(call.prompt)
        return {f"token_id:{token}": math.log((share + n) / 4 + 0.01) for n, token in enumerate(wanted)}

    def _fault_error_200(self, call: Call, data: dict) -> tuple[int, dict]:
        return 200, {"error": {"message": f"upstream said {call.headers.get('authorization')}"}}

    def _fault_no_choices(self, call: Call, data: dict) -> tuple[int, dict]:
        return 200, {key: value for key, value in data.items() if key != "choices"}

    def _fault_empty_choices(self, call: Call, data: dict) -> tuple[int, dict]:
        return 200, data | {"choices": []}

    def _fault_no_message(self, call: Call, data: dict) -> tuple[int, dict]:
        return 200, data | {"choices": [{"index": 0}]}

    def _fault_content_filter(self, call: Call, data: dict) -> tuple[int, dict]:
        return 200, data | {"choices": [data["choices"][0] | {"finish_reason": "content_filter"}]}

    def _fault_filtered_400(self, call: Call, data: dict) -> tuple[int, dict]:
        return 400, {"error": {"message": "The response was filtered", "code": "content_filter"}}

    def _fault_spent(self, call: Call, data: dict) -> tuple[int, dict]:
        return 429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
