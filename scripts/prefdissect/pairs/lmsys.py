"""Votes of LMSYS Chatbot Arena (LMArena) as released: two conversations with anonymous models and a vote of the user.

A vote becomes one pair: the last user message is the prompt, the last answers are the responses, and what came before
are the earlier turns. A pair has one prompt and one history, so a longer conversation fits only where both models
answered the earlier messages alike; the others are left out and counted. The vote is the judge `human`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from prefdissect.errors import InputError
from prefdissect.pairs.checks import check_pairs, keep_known_pairs
from prefdissect.pairs.columns import Place, labels, short
from prefdissect.pairs.files import read_frame, require_columns
from prefdissect.pairs.source import Source
from prefdissect.tables import conform, validate

HUMAN = "human"
UNSAFE = "Unsafe Queries"
# The filter of Li et al. 2024.
FILTER = {"language": "English", "single_turn": True, "clear_winner": True}
# Releases spell "both bad" differently.
VERDICTS = {
    "model_a": "a",
    "model_b": "b",
    "tie": "tie",
    "tie (bothbad)": "tie",
    "bothbad": "tie",
    "both_bad": "tie",
}
REQUIRED = ("question_id", "model_a", "model_b", "winner", "conversation_a", "conversation_b")
MODERATION, TOXICITY = "openai_moderation", "toxic_chat_tag"
# Where the parts of a pair stand in the file.
PLACES = {
    "pair_id": "question_id",
    "prompt": "conversation_a",
    "response_a": "conversation_a",
    "response_b": "conversation_b",
}
COLUMNS = ["pair_id", "verdict", "prompt", "turns", "response_a", "response_b", "model_a", "model_b", "language"]
CONVERSATION = 'a list of messages, [{"role": "user", "content": "..."}, ...]'


class LeftOut(Exception):
    """A vote that cannot be taken, with the reason under which it is counted."""


def read(record: dict, catalogue) -> Source:
    """Read arena votes.

    Parameters
    ----------
    record
        `name`; `path`: JSON Lines, JSON or Parquet file as released; `filter`: language (null for all), single_turn
        and clear_winner, by default the paper's (English, true, true); `scenarios`: CSV with columns question_id and
        scenario; `unsafe_scenario`: scenario of conversations that the moderation or a toxicity model flagged, which
        goes before the CSV's; `empty_responses`: error, keep or drop.
    catalogue
        Not needed.

    Returns
    -------
    Source
        `notes` counts the votes left out, by reason.

    Raises
    ------
    InputError
        When the file lacks a column, a winner or a message is none of the known forms, or no vote passes the filter.
    """
    path = record["path"]
    frame = read_frame(path)
    require_columns(frame, REQUIRED, path)
    place = Place.of_file(path, PLACES)
    kept, notes = _take(frame, _filter(record), place)
    if kept.empty:
        raise InputError(f"no vote is left: {notes}", where=path, fix="see key `filter` of the source")
    kept["scenario"], counts = _scenarios(kept["pair_id"], frame.loc[kept.index], record, place)
    checked = check_pairs(kept, record, place)
    votes = keep_known_pairs(kept[["pair_id", "verdict"]], checked, place)
    votes = votes.assign(judge=HUMAN, sample=0, status="ok", truncated=False)
    judgements = validate(conform(votes, "judgements"), "judgements", path)
    return Source(checked.pairs, judgements=judgements, notes={**notes, **counts, **checked.notes})


def _filter(record: dict) -> dict:
    given = record.get("filter") or {}
    unknown = [key for key in given if key not in FILTER]
    if unknown:
        where = f"source `{record['name']}`, key `filter`"
        raise InputError(f"`{unknown[0]}` is unknown", where=where, fix=f"known: {', '.join(FILTER)}")
    return {**FILTER, **given}


def _take(frame: pd.DataFrame, wanted: dict, place: Place) -> tuple[pd.DataFrame, dict[str, int]]:
    """The votes that pass, as pairs with a verdict, and how many were left out for which reason."""
    ids = labels(frame, "question_id", place, nullable=False)
    rows, reasons = {}, Counter()
    for row, vote in enumerate(frame.to_dict("records")):
        try:
            rows[row] = {"pair_id": ids.loc[row], **_pair(vote, wanted, row, place)}
        except LeftOut as reason:
            reasons[str(reason)] += 1
    return pd.DataFrame(list(rows.values()), index=list(rows), columns=COLUMNS, dtype=object), dict(reasons)


def _pair(vote: dict, wanted: dict, row: int, place: Place) -> dict:
    language = vote.get("language")
    if wanted["language"] is not None and language != wanted["language"]:
        raise LeftOut(f"language is not {wanted['language']}")
    verdict = _verdict(vote["winner"], row, place)
    if wanted["clear_winner"] and verdict == "tie":
        raise LeftOut("no clear winner")
    a, b = (_messages(vote[column], place.at(row, column)) for column in ("conversation_a", "conversation_b"))
    if wanted["single_turn"] and max(_user_turns(a), _user_turns(b)) > 1:
        raise LeftOut("more than one turn")
    return {
        "verdict": verdict,
        **_texts(a, b),
        **{key: vote[key] for key in ("model_a", "model_b")},
        "language": language,
    }


def _verdict(winner, row: int, place: Place) -> str:
    if _missing(winner):
        raise LeftOut("no vote")
    if not isinstance(winner, str) or winner not in VERDICTS:
        raise InputError(f"holds {short(winner)}", where=place.at(row, "winner"), fix=f"one of {', '.join(VERDICTS)}")
    return VERDICTS[winner]


def _messages(value, where: str) -> list[dict[str, str]]:
    """A conversation as a list of messages with role and content; nested Parquet gives arrays."""
    if _missing(value):
        raise LeftOut("a conversation is missing")
    if not isinstance(value, list | np.ndarray):
        raise InputError(f"holds {short(value)}", where=where, fix=CONVERSATION)
    messages = []
    for message in value:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise InputError(f"holds the message {short(message)}", where=where, fix=CONVERSATION)
        if not isinstance(message.get("content"), str):
            raise LeftOut("a message without text (null, or with images)")
        messages.append({"role": message["role"], "content": message["content"]})
    return messages


def _user_turns(messages: list[dict]) -> int:
    return sum(message["role"] == "user" for message in messages)


def _texts(a: list[dict], b: list[dict]) -> dict[str, str | None]:
    for messages in (a, b):
        if [message["role"] for message in messages[-2:]] != ["user", "assistant"]:
            raise LeftOut("a conversation does not end with a prompt and its answer")
    if a[-2] != b[-2]:
        raise LeftOut("the two conversations end with different prompts")
    if a[:-2] != b[:-2]:
        raise LeftOut("earlier turns differ between the two conversations")
    turns = json.dumps(a[:-2], ensure_ascii=False) if len(a) > 2 else None
    return {"prompt": a[-2]["content"], "turns": turns, "response_a": a[-1]["content"], "response_b": b[-1]["content"]}


def _scenarios(ids: pd.Series, votes: pd.DataFrame, record: dict, place: Place) -> tuple[pd.Series, dict[str, int]]:
    """Scenario of each vote: the unsafe one where flagged, else the one given, else none."""
    given = _given_scenarios(record.get("scenarios"))
    scenarios = ids.map(given.get).astype(object)
    tags = [_flagged(vote, row, place) for row, vote in zip(votes.index, votes.to_dict("records"), strict=True)]
    scenarios = scenarios.where([not flag for flag in tags], record.get("unsafe_scenario", UNSAFE))
    notes = {
        "kept, but without a safety tag (taken as safe)": sum(flag is None for flag in tags),
        "kept, but in no scenario": int(scenarios.isna().sum()) if given else 0,
    }
    return scenarios, {reason: count for reason, count in notes.items() if count}


def _given_scenarios(path: str | None) -> dict[str, str]:
    if not path:
        return {}
    frame = read_frame(path)
    require_columns(frame, ("question_id", "scenario"), path)
    place = Place.of_file(path)
    questions, names = labels(frame, "question_id", place, nullable=False), labels(frame, "scenario", place)
    twice = questions.duplicated()
    place.refuse(twice, "question_id", lambda question: f"question `{question}` occurs twice", questions)
    return {question: name for question, name in zip(questions, names, strict=True) if name}


def _flagged(vote: dict, row: int, place: Place) -> bool | None:
    """Did the moderation or one of the toxicity models flag the conversation; None where neither was asked."""
    moderation, toxicity = (_tag(vote.get(column), place, row, column) for column in (MODERATION, TOXICITY))
    tags = [moderation, *(_tag(model, place, row, TOXICITY) for model in toxicity.values())]
    verdicts = [tag.get("flagged") for tag in tags]
    said = [bool(verdict) for verdict in verdicts if not _missing(verdict)]
    return any(said) if said else None


def _tag(value, place: Place, row: int, column: str) -> Mapping:
    if _missing(value):
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"holds {short(value)}", where=place.at(row, column), fix='an object with "flagged"')
    return value


def _missing(value) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
