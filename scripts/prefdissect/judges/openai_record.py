"""The record of a judge behind an OpenAI-compatible server: what is wrong with it, and what its answers depend on.

Needs only the standard library: a wrong record is refused before anything heavy is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from prefdissect.errors import InputError
from prefdissect.judges.local_model import check_model, check_whole, fingerprint
from prefdissect.judges.prompts import Template
from prefdissect.judges.tokens import TOO_LONG, where

APIS = ("completions", "chat")
HOSTED = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"
LARGEST = 10**9
_SECRET = re.compile(r"(?i)(key|token|secret|sig|password)[^=&]*=")


def identify(judge: dict) -> dict:
    """All of a record that answers depend on; prompt, sampling and sample number come on top. Raises `InputError`."""
    _check_name(judge)
    exact = bool(judge.get("exact"))
    identity = {"endpoint": endpoint(judge), "model": judge["model"]}
    identity["api"] = "completions" if exact else judge.get("api")
    identity["prefill"], identity["exact"] = bool(judge.get("prefill")), exact
    identity["revision"] = judge.get("revision")
    if exact:
        check_model(judge, "tokenizer")
        identity["tokenizer"] = fingerprint(judge, judge["tokenizer"], None)
    else:
        identity["top_logprobs"] = judge.get("top_logprobs")
    return identity | {key: judge.get(key) or None for key in ("chat_template_kwargs", "extra_body")}


def endpoint(judge: dict) -> str:
    """The server's address without its query. Raises `InputError`, which never shows what the address holds."""
    url = str(judge.get("base_url") or HOSTED)
    if "@" in url:  # wherever it stands: a key with a slash in it ends up in the path
        fix = f"put the key in the environment and name the variable in `api_key_env` (default {KEY})"
        raise InputError("key `base_url` holds credentials", where=where(judge), fix=fix)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        fix = "an address such as http://localhost:8000/v1"
        raise InputError("key `base_url` is no address of a server", where=where(judge), fix=fix)
    if _SECRET.search(parts.query):
        fix = f"put it in the environment and name the variable in `api_key_env` (default {KEY})"
        raise InputError("key `base_url` holds a key in its query", where=where(judge), fix=fix)
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def key_of(judge: dict) -> str | None:
    """The key from the environment, or None for a server that wants none. Raises `InputError`.

    OPENAI_API_KEY by itself goes to OpenAI alone: another server gets the key that the record names for it.
    """
    hosted = urlsplit(endpoint(judge)).hostname == urlsplit(HOSTED).hostname
    name = judge.get("api_key_env") or (KEY if hosted else None)
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        fix = f"export {name}=..., or name another variable in `api_key_env`"
        raise InputError(f"the environment variable {name} holds no key", where=where(judge), fix=fix)
    if not all("!" <= letter <= "~" for letter in key):
        problem = f"the key in the environment variable {name} holds white space or other characters no key has"
        raise InputError(problem, where=where(judge), fix="the bare key on one line")
    return key or None


def api_of(judge: dict, template: Template) -> str:
    """Which of `APIS` the judge is asked through."""
    usual = "completions" if judge.get("exact") or template.style == "raw" else "chat"
    return judge.get("api") or usual


def _check_name(judge: dict) -> None:
    if not isinstance(judge.get("model"), str) or not judge["model"]:
        raise InputError("key `model` is missing", where=where(judge), fix="the name that the server gives its model")


def check_record(judge: dict, template: Template) -> None:
    """Refuse a record that cannot work, before anything heavy is imported or anybody asked. Raises `InputError`."""
    _check_name(judge)
    endpoint(judge)
    check_whole(judge, "concurrency", "top_logprobs", "max_length", "max_tokens")
    _check_numbers(judge)
    for key, allowed in (("api", APIS), ("too_long", TOO_LONG)):
        if judge.get(key) is not None and judge[key] not in allowed:
            fix = f"one of {', '.join(allowed)}"
            raise InputError(f"key `{key}`: `{judge[key]}` is unknown", where=where(judge), fix=fix)
    if not isinstance(judge.get("extra_body") or {}, dict):
        raise InputError("key `extra_body` is no mapping", where=where(judge), fix="keys and values of the call's JSON")
    if judge.get("tokenizer"):
        check_model(judge, "tokenizer")
    for wrong, problem, fix in _conflicts(judge, template):
        if wrong:
            raise InputError(problem, where=where(judge), fix=fix)


def _check_numbers(judge: dict) -> None:
    for key in ("timeout", "requests_per_minute", "tokens_per_minute"):
        value = judge.get(key)
        if value is not None and (type(value) not in (int, float) or not 0 < value < LARGEST):
            raise InputError(f"key `{key}` is {value!r}", where=where(judge), fix="a number above 0")
    retries = judge.get("retries")
    if retries is not None and (type(retries) is not int or retries < 0):
        raise InputError(f"key `retries` is {retries!r}", where=where(judge), fix="a whole number, 0 or more")


def _conflicts(judge: dict, template: Template) -> Iterator[tuple[bool, str, str]]:
    """What does not go together: is it so, the problem, and what would be right."""
    exact, api, tokenizer = bool(judge.get("exact")), api_of(judge, template), bool(judge.get("tokenizer"))
    yield exact and not tokenizer, "`exact` needs the key `tokenizer`", "the folder or hub name of the model served"
    yield exact and api == "chat", "`exact` sends token ids, which `api: chat` cannot take", "leave `api` out"
    style = f"a prompt template of style {template.style} cannot be sent to `api: {api}`"
    fix = "leave `api` out, or use a template of the other style" + ("" if template.style == "raw" else ", or `exact`")
    yield not exact and (template.style == "chat") != (api == "chat"), style, fix
    opened = template.style == "chat" and template.answer_prefix and not (exact or judge.get("prefill"))
    fix = (
        "set `prefill: true` if the server can (vLLM can), or `exact: true`, or use a template without `answer_prefix`"
    )
    yield bool(opened), "the prompt template begins the judge's answer (`answer_prefix`)", fix
    long = judge.get("max_length") is not None and not tokenizer
    yield long, "`max_length` needs the key `tokenizer`, to count tokens with", "leave it out: the server has its own"
    cut = judge.get("too_long") == "truncate_responses" and not exact
    yield cut, "`too_long: truncate_responses` needs `exact: true`", "the server's tokenizer must be known to cut by it"
    loose = judge.get("constrained") and not template.answers and template.read == "last_line"
    yield bool(loose), "`constrained` cannot go with `read: last_line`", "use read: json or whole"
