"""Prompt templates as data, and how a pair becomes the text a judge reads.

A template is a YAML mapping with these keys.

style
    `raw` (text that the judge continues) or `chat` (a message in the judge's chat template).
text
    Holds each of `{response_1}` and `{response_2}` once, and either `{conversation}` (the user's message, with earlier
    turns as a transcript) or `{prompt}` (the last message alone). Other braces are ordinary text.
answers
    What may come next if the first, the second response is better: two strings, or two lists of spellings. Their
    log-probabilities are the judge's answer.
verdicts, read
    Instead of `answers`, for a judge that answers in words: the answers offered, under `first`, `second` and, if it may
    decline, `tie` (a string or a list of spellings each), and where they stand: `whole` (the default: the answer and
    nothing else), `last_line`, or `json` ({"verdict": ...}).
answer_prefix
    Text directly before the answer. In chat style it opens the judge's own message.
system, turns
    Chat style only: a system message, and whether earlier turns are a `transcript` (default) or `messages`.
roles
    Words that open the turns of a transcript, by role.
description
    For readers; no part of the prompt.

A request may bring a whole prompt of its own instead (`own_prompts`): `pieces`, a list in which our text and users'
text take turns, ours first and last; `turns` before it, the system message among them, are messages of the chat.

Users' texts are put in piece by piece and are never interpreted: not as placeholders, not by the chat template, and
not as control tokens (a rendered prompt records which of its characters are users' text).
Needs only the standard library and yaml: it runs in the judge's environment too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from prefdissect.errors import InputError

STYLES = ("raw", "chat")
TURNS = ("transcript", "messages")
ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}
READ = ("whole", "last_line", "json")
CHOICES = ("first", "second", "tie")
KEYS = ("style", "text", "answers", "verdicts", "read", "answer_prefix", "system", "turns", "roles", "description")
CHAT_KEYS = ("system", "turns")
RESPONSES = ("response_1", "response_2")
QUERIES = ("conversation", "prompt")

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MARK = re.compile(r"@@prefdissect:(\w+)@@")


@dataclass(frozen=True)
class Template:
    """A checked prompt template; see the module's text for the fields.

    `answers` holds a tuple of spellings each, and is empty for a judge that answers in words; `verdicts` holds
    (choice, spellings) and is empty for one that is scored.
    """

    style: str
    text: str
    answers: tuple[tuple[str, ...], ...] = ()
    verdicts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    read: str = "whole"
    answer_prefix: str = ""
    system: str | None = None
    turns: str = "transcript"
    roles: dict[str, str] = field(default_factory=lambda: dict(ROLES))

    @property
    def pieces(self) -> list[str]:
        """The text cut at its placeholders: literal, name, literal, ..., literal."""
        return _PLACEHOLDER.split(self.text)

    def to_dict(self) -> dict:
        """Plain data that `template_from` reads back."""
        data = asdict(self) | {"answers": [list(spellings) for spellings in self.answers]}
        data["verdicts"] = {choice: list(spellings) for choice, spellings in self.verdicts}
        unused = ("verdicts", "read") if self.answers else ("answers",)
        return {key: value for key, value in data.items() if key not in unused}


@dataclass(frozen=True)
class Rendered:
    """A finished prompt and the character spans of it that hold users' text."""

    text: str
    data: tuple[tuple[int, int], ...]


def load_template(path: str | Path) -> Template:
    """Read a template.

    Raises
    ------
    InputError
        When the file cannot be read or a key is missing, unknown or wrong; names file and key.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("the prompt template is missing", where=str(path))
    try:
        data = yaml.safe_load(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
        raise InputError(problem, where=str(path), fix="save the template as UTF-8") from None
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {' '.join(str(error).split())}", where=str(path)) from None
    return template_from(data, str(path))


def template_from(data: object, where: str) -> Template:
    """Check a template that is a mapping already; `where` names it in messages. Raises `InputError`."""
    if not isinstance(data, dict):
        raise InputError("a prompt template must be a mapping", where=where, fix=f"keys: {', '.join(KEYS)}")
    for key in data:
        if key not in KEYS:
            raise InputError(f"unknown key `{key}`", where=where, fix=f"known: {', '.join(KEYS)}")
    for key in ("style", "text"):
        if data.get(key) is None:
            raise InputError(f"key `{key}` is missing", where=where)
    if (data.get("answers") is None) == (data.get("verdicts") is None):
        fix = "`answers` for a judge that is scored, `verdicts` for one that answers in words"
        raise InputError("needs exactly one of the keys `answers` and `verdicts`", where=where, fix=fix)
    for key in ("text", "answer_prefix", "system"):
        if not isinstance(data.get(key) or "", str):
            raise InputError(f"key `{key}` must be text, not {data[key]!r}", where=where)
    _one_of("style", data["style"], STYLES, where)
    _one_of("turns", data.get("turns") or "transcript", TURNS, where)
    _one_of("read", data.get("read") or "whole", READ, where)
    template = Template(
        style=data["style"],
        text=data["text"],
        answers=() if data.get("answers") is None else _answers(data["answers"], where),
        verdicts=() if data.get("verdicts") is None else _verdicts(data["verdicts"], where),
        read=data.get("read") or "whole",
        answer_prefix=data.get("answer_prefix") or "",
        system=data.get("system"),
        turns=data.get("turns") or "transcript",
        roles=_roles(data.get("roles"), where),
    )
    _check_style(template, where)
    _check_placeholders(template, where)
    _check_end(template, where)
    return template


def own_prompts() -> Template:
    """The template of requests that bring their whole prompt: one message in the model's chat template."""
    return Template(style="chat", text="{request}", turns="messages")


def own_texts() -> Template:
    """The template of requests that bring their whole prompt as text that the model continues."""
    return Template(style="raw", text="{request}")


def texts_of(request: dict) -> list[str]:
    """All texts of a request, whatever its form."""
    turns = [turn["content"] for turn in request.get("turns") or []]
    if "pieces" in request:
        return [*turns, *request["pieces"]]
    return [*turns, request["prompt"], request["first"], request["second"]]


def _one_of(key: str, value: object, allowed: tuple[str, ...], where: str) -> None:
    if value not in allowed:
        raise InputError(f"key `{key}`: `{value}` is unknown", where=where, fix=f"one of {', '.join(allowed)}")


def _answers(value: object, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    answers = value if isinstance(value, list) else []
    spelled = [tuple(entry) if isinstance(entry, list) else (entry,) for entry in answers]
    texts = [text for spellings in spelled for text in spellings]
    if len(spelled) != 2 or not all(spelled) or not all(isinstance(text, str) and text.strip() for text in texts):
        fix = 'two texts such as [" A", " B"], or two lists of spellings'
        raise InputError(f"key `answers` is {value!r}", where=where, fix=fix)
    if len(set(texts)) < len(texts):
        raise InputError(f"key `answers` holds one spelling twice: {value!r}", where=where)
    return spelled[0], spelled[1]


def _verdicts(value: object, where: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    fix = "spellings under `first`, `second` and, if the judge may decline, `tie`"
    if not isinstance(value, dict) or not {"first", "second"} <= set(value) <= set(CHOICES):
        raise InputError(f"key `verdicts` is {value!r}", where=where, fix=fix)
    spelled = {choice: entry if isinstance(entry, list) else [entry] for choice, entry in value.items()}
    texts = [text for spellings in spelled.values() for text in spellings]
    if not all(spelled.values()) or not all(isinstance(text, str) and text and text == text.strip() for text in texts):
        raise InputError(f"key `verdicts` is {value!r}", where=where, fix=f"{fix}, without white space around them")
    if len(set(texts)) < len(texts):
        raise InputError(f"key `verdicts` holds one spelling twice: {value!r}", where=where)
    return tuple((choice, tuple(spelled[choice])) for choice in CHOICES if choice in spelled)


def _roles(value: object, where: str) -> dict[str, str]:
    if value is None:
        return dict(ROLES)
    if not isinstance(value, dict) or not all(isinstance(word, str) and word for word in value.values()):
        raise InputError(f"key `roles` is {value!r}", where=where, fix="a word for each of system, user, assistant")
    for role in value:
        _one_of("roles", role, tuple(ROLES), where)
    return ROLES | value


def _check_style(template: Template, where: str) -> None:
    if template.style == "raw" and (template.system or template.turns != "transcript"):
        raise InputError(f"keys {' and '.join(CHAT_KEYS)} belong to style chat", where=where, fix="leave them out")


def _check_placeholders(template: Template, where: str) -> None:
    names = template.pieces[1::2]
    for name in names:
        if name not in RESPONSES + QUERIES:
            known = ", ".join("{" + known + "}" for known in QUERIES + RESPONSES)
            raise InputError(f"key `text` holds the unknown placeholder {{{name}}}", where=where, fix=f"known: {known}")
    for name in RESPONSES:
        if names.count(name) != 1:
            problem = "lacks" if name not in names else "repeats"
            raise InputError(f"key `text` {problem} the placeholder {{{name}}}", where=where, fix="it must occur once")
    asked = [name for name in names if name in QUERIES]
    wanted = "prompt" if template.turns == "messages" else "conversation"
    if len(asked) != 1 or (template.turns == "messages" and asked != ["prompt"]):
        problem = "lacks" if wanted not in asked else "repeats"
        fix = "one of {conversation} and {prompt} must occur once; with `turns: messages` it is {prompt}"
        raise InputError(f"key `text` {problem} the placeholder {{{wanted}}}", where=where, fix=fix)


def _check_end(template: Template, where: str) -> None:
    end = template.answer_prefix if template.style == "chat" else template.pieces[-1] + template.answer_prefix
    if template.style == "raw" and not end:
        raise InputError("key `text` must not end in a placeholder", where=where, fix="lead up to the answer in words")
    if end[-1:].isspace() and any(spellings[0][0].isspace() for spellings in template.answers):
        fix = "end the text with `|-` instead of `|`, or begin the answers without a space"
        raise InputError("the prompt ends in white space and the answers begin with it", where=where, fix=fix)


def template_hash(template: Template) -> str:
    """SHA-256 of all that shapes the prompt, as 64 hex digits; comments and `description` do not count."""
    payload = json.dumps(template.to_dict(), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(payload.encode("ascii")).hexdigest()


def check_turns(template: Template, turns: list[dict] | None, where: str) -> None:
    """Refuse earlier turns that the template would lose, or whose roles it cannot name. Raises `InputError`."""
    if not turns:
        return
    if "conversation" not in template.pieces[1::2] and template.turns != "messages":
        fix = "use {conversation} in its text, or in chat style `turns: messages`"
        problem = "the pair has earlier turns, and the prompt template has no place for them"
        raise InputError(problem, where=where, fix=fix)
    for number, turn in enumerate(turns):
        if not isinstance(turn, dict) or turn.get("role") not in ROLES or not isinstance(turn.get("content"), str):
            fix = f'each is {{"role", "content"}} with text and a role of {", ".join(ROLES)}'
            raise InputError(f"turns[{number}] is not a message", where=where, fix=fix)


def transcript(turns: list[dict] | None, prompt: str, roles: dict[str, str] = ROLES) -> str:
    """The conversation as text: the prompt alone, or every turn as "User: ..." with an empty line between."""
    if not turns:
        return prompt
    messages = [*turns, {"role": "user", "content": prompt}]
    return "\n\n".join(f"{roles[message['role']]}: {message['content']}" for message in messages)


class Renderer:
    """Turns requests into prompts.

    Parameters
    ----------
    template
        A checked template.
    apply_chat_template
        For chat style: the judge's chat template as a function from messages to text. It only ever sees marks in the
        place of users' texts, so it cannot interpret, trim or rewrite these.
    """

    def __init__(self, template: Template, apply_chat_template: Callable[[list[dict]], str] | None = None):
        self.template = template
        self._apply = apply_chat_template
        self._skeletons: dict[tuple[str, ...], list[str]] = {}

    def __call__(self, request: dict) -> Rendered:
        """Render one request {id, prompt, turns, first, second}. Raises `InputError`."""
        if "pieces" in request:
            return self._own(request["pieces"], request.get("turns") or [])
        turns = request.get("turns")
        check_turns(self.template, turns, f"request `{request['id']}`")
        values = self._values(request)
        if self.template.style == "raw":
            pieces = self.template.pieces
        else:
            as_messages = turns if turns and self.template.turns == "messages" else []
            values |= {f"turn_{number}": turn["content"] for number, turn in enumerate(as_messages)}
            pieces = self._skeleton(tuple(turn["role"] for turn in as_messages))
        return _join([*pieces[:-1], pieces[-1] + self.template.answer_prefix], values)

    def _own(self, pieces: list[str], turns: list[dict]) -> Rendered:
        raw = self.template.style == "raw"
        *before, _, after = ["", "", ""] if raw else self._skeleton(tuple(turn["role"] for turn in turns))
        named = [f"own_{number}" if number % 2 else piece for number, piece in enumerate(pieces)]
        named = [*before[:-1], before[-1] + named[0], *named[1:]]
        named[-1] += after
        values = {f"own_{number}": piece for number, piece in enumerate(pieces)}
        return _join(named, values | {f"turn_{number}": turn["content"] for number, turn in enumerate(turns)})

    def messages(self, request: dict) -> list[dict]:
        """One request as chat messages, for a server that applies its model's chat template itself.

        The answer's beginning, where the template has one, comes last as the assistant's message.
        """
        if "pieces" in request:
            return [*(request.get("turns") or []), {"role": "user", "content": "".join(request["pieces"])}]
        turns = request.get("turns")
        check_turns(self.template, turns, f"request `{request['id']}`")
        values = self._values(request)
        parts = [values[piece] if number % 2 else piece for number, piece in enumerate(self.template.pieces)]
        system = [{"role": "system", "content": self.template.system}] if self.template.system else []
        prefix = self.template.answer_prefix
        opened = [{"role": "assistant", "content": prefix}] if prefix else []
        earlier = turns if turns and self.template.turns == "messages" else []
        return [*system, *earlier, {"role": "user", "content": "".join(parts)}, *opened]

    def _values(self, request: dict) -> dict[str, str]:
        return {
            "conversation": transcript(request.get("turns"), request["prompt"], self.template.roles),
            "prompt": request["prompt"],
            "response_1": request["first"],
            "response_2": request["second"],
        }

    def _skeleton(self, roles: tuple[str, ...]) -> list[str]:
        """The chat's text cut at the marks, up to where the answer begins; depends on the roles alone."""
        if roles not in self._skeletons:
            messages = self._messages(roles)
            parts = _MARK.split(self._apply(messages))
            expected = [name for message in messages for name in _MARK.findall(message["content"])]
            if parts[1::2] != expected:
                fix = "use a raw template, or one without `system` and with `turns: transcript`"
                raise InputError("the judge's chat template leaves out or repeats a part of the conversation", fix=fix)
            self._skeletons[roles] = parts[:-2]
        return self._skeletons[roles]

    def _messages(self, roles: tuple[str, ...]) -> list[dict]:
        system = [{"role": "system", "content": self.template.system}] if self.template.system else []
        earlier = [{"role": role, "content": _mark(f"turn_{number}")} for number, role in enumerate(roles)]
        pieces = self.template.pieces
        question = "".join(_mark(piece) if number % 2 else piece for number, piece in enumerate(pieces))
        ask = {"role": "user", "content": question}
        return [*system, *earlier, ask, {"role": "assistant", "content": _mark("answer")}]


def _mark(name: str) -> str:
    return f"@@prefdissect:{name}@@"


def _join(pieces: list[str], values: dict[str, str]) -> Rendered:
    parts, spans, length = [], [], 0
    for number, piece in enumerate(pieces):
        part = values[piece] if number % 2 else piece
        if number % 2:
            spans.append((length, length + len(part)))
        parts.append(part)
        length += len(part)
    return Rendered("".join(parts), tuple(spans))
