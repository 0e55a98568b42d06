"""Asking an OpenAI-compatible server: at a bounded pace, again after a passing fault, and without showing the key.

What the server says is read by `openai_engine`. The package `openai` builds and sends the calls; its own retries are
off, so that every fault, one in the body of a successful answer too, is treated and counted alike.

Keys of the judge's record read here: `base_url`, `api_key_env`, `timeout`, `retries`, `requests_per_minute`,
`tokens_per_minute`.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote, urlsplit

from prefdissect.errors import InputError
from prefdissect.judges.openai_record import KEY, endpoint, key_of
from prefdissect.judges.tokens import where

TIMEOUT = 60.0
RETRIES = 6
# Seconds before the first retry, doubled with each further one; what a server asks for goes first, within bounds.
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
LONGEST_STATED_WAIT = 300.0
PASSING = (408, 409, 425, 429)
# A fault of the whole run, not of one request: further tries change nothing.
SPENT = "insufficient_quota"
LONGEST_DETAIL = 200
SHORTEST_SECRET = 8  # a placeholder such as "EMPTY" is no secret, and could be part of an answer
_KEY_LIKE = re.compile(r"(?i)\bbearer\s+[^\s\"',}]+|\bbasic\s+[\w+/=]{12,}|\bsk-[\w*.-]{6,}")


class Trouble(Exception):
    """One try that brought no answer.

    `what` is its short name, `detail` the server's redacted words, `status` the HTTP status if there is one, `code`
    the server's own, `passing` whether another try may help, `wait` the seconds that the server asks for.
    """

    def __init__(self, what: str, *, detail: str = "", passing: bool = True, **about):
        super().__init__(f"{what}: {detail}" if detail else what)
        self.what, self.detail, self.passing, self.tries = what, detail, passing, 1
        self.status: int | None = about.get("status")
        self.code: str = about.get("code") or ""
        self.wait: float | None = about.get("wait")

    @property
    def note(self) -> str:
        """Why there is no answer, for the log."""
        after = f" after {self.tries} tries" if self.tries > 1 else ""
        return f"{self.what}{after}" + (f": {self.detail}" if self.detail else "")


class Garbled(Exception):
    """The body of a successful answer is not what the interface promises."""


class Redactor:
    """Takes secrets out of text."""

    def __init__(self, *secrets: str):
        forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
        self._secrets = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """A server's words, fit for a log: one short line without the key or anything like one."""
        text = _KEY_LIKE.sub("***", self.answer(text, shortest=1))
        text = " ".join(text.split())  # shortened last: the beginning of a key must not survive
        return text if len(text) <= LONGEST_DETAIL else text[:LONGEST_DETAIL] + "..."

    def answer(self, text: str, shortest: int = SHORTEST_SECRET) -> str:
        """A judge's own words, in which nothing but the very key is replaced."""
        for secret in self._secrets:
            text = text.replace(secret, "***") if len(secret) >= shortest else text
        return text


class Pacer:
    """Lets calls start one after another, evenly spaced, so that no minute holds more than its share."""

    def __init__(self, requests_per_minute: float | None, tokens_per_minute: float | None):
        self.per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self.per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._free = 0.0
        self._turn = asyncio.Lock()

    async def turn(self, tokens: int) -> None:
        """Wait until a call of so many tokens may start; first come, first served."""
        clock = asyncio.get_running_loop().time
        async with self._turn:
            while (wait := self._free - clock()) > 0:
                await asyncio.sleep(wait)
            self._free = clock() + max(self.per_request, tokens * self.per_token)

    def hold(self, seconds: float) -> None:
        """Let no call start for a while: the server has asked for it."""
        self._free = max(self._free, asyncio.get_running_loop().time() + seconds)

    def correct(self, tokens: int) -> None:
        """Make up for a call that took more (or, negative, fewer) tokens than was expected."""
        self._free += tokens * self.per_token


class Client:
    """A judge's server. An object is opened (`async with`) in the event loop that uses it."""

    def __init__(self, judge: dict):
        import openai  # takes a second, and may be absent: a wrong record must not wait for it

        self.judge, self.endpoint, self.key_name = judge, endpoint(judge), judge.get("api_key_env") or KEY
        key, query = key_of(judge), dict(parse_qsl(urlsplit(judge.get("base_url") or "").query))
        self.redact = Redactor(key or "", *(value for value in query.values() if len(value) >= SHORTEST_SECRET))
        self.timeout = judge.get("timeout") or TIMEOUT
        self.retries = RETRIES if judge.get("retries") is None else judge["retries"]
        self.answered = False
        self.faults: Counter[str] = Counter()
        self._openai = openai
        self._headers = {} if key else {"Authorization": openai.Omit()}
        self._options = {"api_key": key or "none", "base_url": self.endpoint, "default_query": query}

    async def __aenter__(self) -> Client:
        self.pacer = Pacer(self.judge.get("requests_per_minute"), self.judge.get("tokens_per_minute"))
        self._client = self._openai.AsyncOpenAI(**self._options, max_retries=0, timeout=self.timeout)
        return self

    async def __aexit__(self, *reason) -> None:
        await self._client.close()

    async def ask(self, api: str, body: dict, tokens: int, read: Callable[[dict], dict]) -> dict:
        """Ask until there is an answer.

        Parameters
        ----------
        api
            `completions` or `chat`.
        body
            The call's JSON.
        tokens
            Expected size of prompt and answer, for the limit on tokens.
        read
            What to make of the answer; raises `Garbled` when it lacks what it must hold.

        Returns
        -------
        What `read` made of it.

        Raises
        ------
        Trouble
            When no try helped, or none could.
        InputError
            When the server refuses key or model before it has answered anything.
        """
        for tries in range(1, self.retries + 2):
            await self.pacer.turn(tokens)
            try:
                data = await self._once(api, body)
                answer = self._read(read, data)
            except Trouble as trouble:
                self.faults[trouble.what] += 1
                trouble.tries = tries
                self._check_refused(trouble)
                if not trouble.passing or tries > self.retries:
                    raise
                await asyncio.sleep(self._wait(trouble, tries))
            else:
                self.answered = True
                self.pacer.correct((counts(data)[2] or tokens) - tokens)
                return answer
        raise AssertionError("the last try returns or raises")

    async def _once(self, api: str, body: dict) -> dict:
        # The body travels as `extra_body`: the package spends 0.4 s on checking a prompt of 8,000 token ids otherwise.
        extra = {"extra_body": body, "extra_headers": self._headers}
        try:
            async with asyncio.timeout(self.timeout):
                if api == "chat":
                    create = self._client.chat.completions.with_raw_response.create
                    response = await create(model=body["model"], messages=[], **extra)
                else:
                    create = self._client.completions.with_raw_response.create
                    response = await create(model=body["model"], prompt="", **extra)
        except (TimeoutError, self._openai.APITimeoutError):
            raise Trouble(f"no answer within {self.timeout:g} s") from None
        except self._openai.APIConnectionError as error:
            detail = self.redact(f"{type(error.__cause__).__name__}: {error.__cause__}")
            raise Trouble("broken connection", detail=detail) from None
        except self._openai.APIStatusError as error:
            raise self._refused(error) from None
        return self._parse(response.content)

    def _parse(self, content: bytes) -> dict:
        try:
            data = json.loads(content)
        except ValueError:
            raise Trouble("garbled answer", detail="not JSON") from None
        if not isinstance(data, dict) or not data.get("choices"):
            error = data.get("error") if isinstance(data, dict) else None
            raise Trouble("garbled answer", detail=f"no choices{self._said(error)}")
        return data

    def _read(self, read: Callable[[dict], dict], data: dict) -> dict:
        try:
            return read(data)
        except Garbled as error:
            raise Trouble("garbled answer", detail=self.redact(str(error))) from None

    def _refused(self, error) -> Trouble:
        """From a status of 400 or more; the package has read its body."""
        status, code = error.status_code, str(error.code or "")
        wait = _stated_wait(error.response.headers)
        if wait is not None and status in (429, 503):
            self.pacer.hold(wait)
        # Of a refused key, services quote the half: their words are left out.
        detail = "" if status == 401 else self._said(error.body).removeprefix(": ")
        passing = (status in PASSING or status >= 500) and SPENT not in (code, error.type)
        return Trouble(f"HTTP {status}", detail=detail, passing=passing, status=status, code=code, wait=wait)

    def _said(self, body: object) -> str:
        said = body.get("message") or body.get("detail") or body.get("error") if isinstance(body, dict) else body
        return f": {self.redact(str(said))}" if said else ""

    def _check_refused(self, trouble: Trouble) -> None:
        """Stop the run where the first answers say that nothing can be answered."""
        if self.answered or trouble.status not in (401, 403, 404):
            return
        refused = f"{self.endpoint} answers HTTP {trouble.status}" + (f" ({trouble.detail})" if trouble.detail else "")
        key = f"the key in the environment variable {self.key_name}"
        wrong = {401: key, 404: "`model` and `base_url`; a raw template asks /completions, which chat models may lack"}
        both = f"the key in the environment variable {self.key_name}, and its rights to `{self.judge['model']}`"
        raise InputError(refused, where=where(self.judge), fix=f"check {wrong.get(trouble.status, both)}")

    def _wait(self, trouble: Trouble, tries: int) -> float:
        """Seconds before the next try: doubling, spread so that calls refused together do not return together."""
        own = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - 1)) * random.uniform(0.5, 1.0)
        return own if trouble.wait is None else max(own, trouble.wait)


def counts(data: dict) -> tuple[int, int, int]:
    """Tokens read, written and both together as the server counts them; 0 where it does not say."""
    usage = data.get("usage") if isinstance(data.get("usage"), dict) else {}
    values = [usage.get(key) for key in ("prompt_tokens", "completion_tokens", "total_tokens")]
    read, written, both = (value if type(value) is int else 0 for value in values)
    return read, written, both or read + written


def _stated_wait(headers) -> float | None:
    """Seconds that a server asks to wait, from `Retry-After` (seconds or a date) or `retry-after-ms`."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif re.fullmatch(r"\s*[\d.]+\s*", headers.get("retry-after", "")):
            seconds = float(headers["retry-after"])
        else:
            seconds = parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time()
    except (KeyError, ValueError):  # none stated, or none that can be understood
        return None
    return min(max(seconds, 0.0), LONGEST_STATED_WAIT)
