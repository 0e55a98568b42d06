"""An annotator behind a real local OpenAI-compatible server: the form it is held to, and a server that fails."""

from __future__ import annotations

import json

import pandas as pd
import pytest

pytest.importorskip("openai", reason="needs openai, which the judge's environment has")

from annotating import make_pairs, make_record  # noqa: E402
from prefdissect.annotators import llm  # noqa: E402
from prefdissect.catalogue import load_catalogue  # noqa: E402
from prefdissect.judges.answers import where  # noqa: E402
from prefdissect.judges.openai_engine import open_engine  # noqa: E402
from prefdissect.judges.prompts import own_prompts  # noqa: E402
from prefdissect.judges.scoring import Machine  # noqa: E402
from servers import PASSING, Call, Server, number_of  # noqa: E402

pytestmark = pytest.mark.study

CATALOGUE = load_catalogue()
PAIRS = make_pairs(*({"prompt": f"Name river {n}.", "response_a": f"Rhine {n}"} for n in range(8)))


def filled(schema: dict, seed: str):
    """What a JSON schema allows, by a hash."""
    if "enum" in schema:
        return schema["enum"][int(number_of(seed) * len(schema["enum"]))]
    if schema["type"] == "object":
        return {key: filled(part, seed + key) for key, part in schema["properties"].items()}
    return {"array": [], "boolean": True, "string": "words"}[schema["type"]]


def reply(call: Call) -> str:
    form = call.body.get("response_format")
    return json.dumps(filled(form["json_schema"]["schema"], call.prompt)) if form else "The Danube."


def annotate(server: Server, folder, **changes):
    record = make_record(engine="openai", model="m", base_url=server.url, timeout=2, **changes)
    return llm.annotate(record, PAIRS, CATALOGUE, folder, Machine(log=lambda line: None))


def test_every_request_is_one_message_held_to_its_form(tmp_path):
    with Server(reply=reply) as server:
        tables, usage = annotate(server, tmp_path, price={"read": 1, "written": 2})
    forms: dict[str, list[Call]] = {}
    for call in server.calls:
        assert call.path.endswith("/chat/completions") and [m["role"] for m in call.body["messages"]] == ["user"]
        form = call.body["response_format"]["json_schema"]
        assert form["strict"] and call.body["max_tokens"] == 1024 and call.body["temperature"] == 0
        forms.setdefault(form["name"], []).append(call)
    assert {name: len(calls) for name, calls in forms.items()} == {
        name: used["requests"] for name, used in usage["passes"].items() if used["requests"]
    }
    ratings = forms["query_free"][0].body["response_format"]["json_schema"]["schema"]["properties"]["response_1"]
    assert ratings["properties"]["friendly"]["enum"] == [0, 1, 2, 3] and ratings["additionalProperties"] is False
    assert (tables["annotations"]["status"] != "failed").all()
    assert (
        usage["cost"] == pytest.approx((usage["tokens_read"] + 2 * usage["tokens_written"]) / 1e6) and usage["cost"] > 0
    )


def test_a_server_that_fails_one_call_in_five_gives_the_same_tables(tmp_path):
    def one_in_five(call: Call, before: int) -> str | None:
        share = number_of(call.prompt)
        return PASSING[int(share * 1e6) % len(PASSING)] if share < 0.2 and before == 0 else None

    with Server(reply=reply) as server:
        calm, used = annotate(server, tmp_path / "calm")
    with Server(reply=reply, fault=one_in_five) as server:
        stormy, _ = annotate(server, tmp_path / "stormy")
    assert len(server.calls) > used["requests"]
    for name, table in calm.items():
        pd.testing.assert_frame_equal(table, stormy[name])


def test_a_filter_or_a_prompt_over_the_limit_is_no_rating(tmp_path):
    def filtered(call: Call, before: int) -> str | None:
        return "content_filter" if "Rhine 3" in call.prompt else None

    with Server(reply=reply, fault=filtered) as server:
        tables, usage = annotate(server, tmp_path)
    assert usage["passes"]["query_free"]["statuses"] == {"ok": 7, "refused": 1}
    rows = tables["annotations"][tables["annotations"]["pair_id"] == "p3"]
    assert set(rows.loc[rows["property"] == "friendly", "status"]) == {"failed"}
    with Server(reply=reply, longest=4000) as server:
        _, usage = annotate(server, tmp_path / "long", passes=["analysis", "query_free"])
    assert usage["passes"]["query_free"]["statuses"] == {"too_long": 8} and usage["passes"]["analysis"]["statuses"] == {
        "ok": 8
    }


@pytest.mark.parametrize("url, bounded", [("http://localhost:1/v1", True), ("https://api.openai.com/v1", False)])
def test_openais_own_service_gets_no_bounds_on_texts(url, bounded, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test-and-nobody")
    instrument = llm.instrument_of(make_record(), CATALOGUE)
    record = make_record(engine="openai", model="m", base_url=url)
    question = {"pass": "analysis", "responses": [], "turns": None, "prompt": "x", "sample": 0}
    judge = llm.worker_record(record, instrument)
    body = open_engine(judge, own_prompts())._body(instrument.request(question, {}, []), None)
    assert ("maxLength" in json.dumps(body)) is bounded and "maxItems" in json.dumps(body)
    assert where(judge) == "annotator `m`"
