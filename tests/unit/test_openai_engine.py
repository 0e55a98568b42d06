"""The engine for OpenAI-compatible servers, against a real local server that fails on demand."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

pytest.importorskip("openai", reason="needs openai, which the judge's environment has")

import servers  # noqa: E402
from prefdissect.errors import InputError  # noqa: E402
from prefdissect.judges import openai_client, openai_engine  # noqa: E402
from prefdissect.judges.openai_answers import decide  # noqa: E402
from prefdissect.judges.openai_client import Redactor, counts  # noqa: E402
from prefdissect.judges.openai_engine import identify, open_engine  # noqa: E402
from prefdissect.judges.prompts import template_from  # noqa: E402
from prefdissect.judges.words import draw_seed, json_schema  # noqa: E402
from servers import PASSING, Server, likeliest, number_of  # noqa: E402

pytestmark = pytest.mark.study

TEXT = "{conversation}\n1: {response_1}\n2: {response_2}\nBest:"
RAW = {"style": "raw", "text": TEXT, "answers": [" A", " B"]}
CHAT = RAW | {"style": "chat", "system": "Be fair."}
OPENED = RAW | {"style": "chat", "answer_prefix": "Response"}
WORDS = {"style": "chat", "text": TEXT, "verdicts": {"first": "A", "second": "B", "tie": "neither"}}
KEY = "sk-proj-aB3/dE+fgh_1234567890-tail"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No waiting, and no key of whoever runs the tests."""
    monkeypatch.setattr(openai_client, "FIRST_WAIT", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def request(number: int = 0, **changes) -> dict:
    texts = {"prompt": f"What is {number}?", "first": f"It is {number}.", "second": "No idea", "turns": None}
    return {"id": f"p{number}|ab|0", "sample": 0} | texts | changes


def judge(server: Server, **changes) -> dict:
    return {"name": "j", "kind": "openai", "model": "m", "base_url": server.url} | changes


def asked(server: Server, requests: list[dict], template: dict = RAW, **changes) -> dict[str, dict]:
    engine = open_engine(judge(server, **changes), template_from(template, "t"))
    answers = [answer for batch in engine.score(requests) for answer in batch]
    assert sorted(answer["id"] for answer in answers) == sorted(each["id"] for each in requests)
    return {answer["id"]: answer for answer in answers}


def refused(server: Server, template: dict = RAW, **changes) -> str:
    with pytest.raises(InputError) as caught:
        asked(server, [request()], template, **changes)
    assert "judge `j`" in str(caught.value)
    return str(caught.value)


def always(fault: str):
    return lambda call, before: fault


def once(fault: str):
    return lambda call, before: None if before else fault


@pytest.mark.parametrize("template", [RAW, CHAT])
def test_log_probabilities_are_those_that_the_server_lists(template):
    requests = [request(number) for number in range(20)]
    with Server() as server:
        answers = asked(server, requests, template, concurrency=1)
    assert [call.path for call in server.calls] == [f"/v1/{'chat/' * (template is CHAT)}completions"] * 20
    for each, call in zip(requests, server.calls, strict=True):
        answer, expected = answers[each["id"]], likeliest(call.prompt, (" A", " B"))
        assert f"1: {each['first']}\\n2: No idea" in call.prompt, "asked in the order given"
        assert (answer["logp_first"], answer["logp_second"]) == (expected[" A"], expected[" B"])
        assert answer["mass"] == pytest.approx(0.6) and answer["status"] == "ok"
        assert answer["n_tokens"] == len(call.prompt)
    assert len({answer["logp_first"] for answer in answers.values()}) == 20


def test_what_is_sent_for_a_score():
    with Server() as server:
        asked(server, [request()], RAW)
        asked(server, [request()], CHAT, top_logprobs=7, extra_body={"user": "u", "temperature": None})
        asked(server, [request()], OPENED, prefill=True, chat_template_kwargs={"enable_thinking": False})
    text = "What is 0?\n1: It is 0.\n2: No idea\nBest:"
    raw, chat, opened = (call.body for call in server.calls)
    assert raw == {"model": "m", "prompt": text, "max_tokens": 1, "temperature": 0.0, "logprobs": 5}
    messages = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": text}]
    scoring = {"max_tokens": 1, "logprobs": True}
    assert chat == {"model": "m", "messages": messages, "top_logprobs": 7, "user": "u"} | scoring
    messages = [messages[1], {"role": "assistant", "content": "Response"}]
    opening = {"continue_final_message": True, "add_generation_prompt": False}
    opening |= {"temperature": 0.0, "top_logprobs": 20, "chat_template_kwargs": {"enable_thinking": False}}
    assert opened == {"model": "m", "messages": messages} | scoring | opening


def test_earlier_turns_are_asked_as_messages_or_as_a_transcript():
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    as_messages = CHAT | {"turns": "messages", "text": TEXT.replace("conversation", "prompt")}
    lost = RAW | {"text": TEXT.replace("conversation", "prompt")}
    with Server() as server:
        asked(server, [request(turns=turns)], RAW)
        asked(server, [request(turns=turns)], as_messages)
        with pytest.raises(InputError, match="no place for them"):
            asked(server, [request(1), request(turns=turns)], lost)
    assert server.calls[0].body["prompt"].startswith("User: Hi\n\nAssistant: Yes?\n\nUser: What is 0?\n1:")
    assert server.calls[1].body["messages"][1:3] == turns
    assert server.calls[1].body["messages"][3]["content"].startswith("What is 0?\n1:")
    assert len(server.calls) == 2, "a fault of the input is found before anything is asked"


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory):
    reason = "needs transformers, which the judge's environment has"
    transformers = pytest.importorskip("transformers", reason=reason)
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {text: n for n, text in enumerate(["<s>", *letters, "\u0120A", "\u0120B"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("\u0120", "A"), ("\u0120", "B")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    chat = "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}{% endfor %}"
    folder = tmp_path_factory.mktemp("tokenizer")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", chat_template=chat)
    fast.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("template", [RAW, OPENED | {"answers": [[" A", "A"], [" B"]]}])
def test_exact_scores_send_tokens_and_ask_for_the_answers_tokens(tokenizer_folder, template):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(tokenizer_folder)
    with Server() as server:
        answer = asked(server, [request()], template, tokenizer=str(tokenizer_folder), exact=True)["p0|ab|0"]
    body = server.calls[0].body
    text = "What is 0?\n1: It is 0.\n2: No idea\nBest:"
    chat = template is not RAW
    assert tokenizer.decode(body["prompt"]) == (f"<s>user: {text}<s>assistant: Response" if chat else text)
    ids = tokenizer.convert_tokens_to_ids(["A", "\u0120A", "\u0120B"] if chat else ["\u0120A", "\u0120B"])
    settings = {"max_tokens": 1, "temperature": 0.0, "logprobs": 1, "return_tokens_as_token_ids": True}
    assert body == {"model": "m", "prompt": body["prompt"], "logprob_token_ids": ids} | settings
    shares = [(number_of(server.calls[0].prompt) + n) / 4 + 0.01 for n in range(3)]
    expected = (shares[0] + shares[1], shares[2]) if chat else shares[:2]
    assert [math.exp(answer["logp_first"]), math.exp(answer["logp_second"])] == pytest.approx(expected)
    assert server.calls[0].path == "/v1/completions" and "authorization" not in server.calls[0].headers


def test_lengths_are_counted_with_the_tokenizer_where_there_is_one(tokenizer_folder):
    requests = [request(0), request(1, first="long " * 50)]
    with Server() as server:
        options = {"tokenizer": str(tokenizer_folder), "max_length": 120}
        for exact in (False, True):
            answers = asked(server, requests, RAW, exact=exact, **options)
            assert [answers[each["id"]]["status"] for each in requests] == ["ok", "too_long"]
            assert answers["p1|ab|0"]["n_tokens"] > 250
        assert "longer than 120 tokens" in str(refused_with(server, requests, too_long="error", **options))
        cut = asked(server, requests, RAW, exact=True, too_long="truncate_responses", **options)
    assert [cut[each["id"]]["truncated"] for each in requests] == [False, True]
    assert 100 < len(server.calls[-1].body["prompt"]) <= 120 and len(server.calls) == 4


def refused_with(server: Server, requests: list[dict], **changes) -> InputError:
    with pytest.raises(InputError) as caught:
        asked(server, requests, **changes)
    return caught.value


def test_a_server_may_say_itself_that_a_prompt_is_too_long():
    with Server(longest=300) as server:
        answers = asked(server, [request(0), request(1, first="long " * 100)])
    assert [answers[f"p{n}|ab|0"]["status"] for n in range(2)] == ["ok", "too_long"]
    assert "maximum context length is 300" in answers["p1|ab|0"]["note"] and len(server.calls) == 2


ANSWERS = ((" A", "A"), (" B", "B"))


@pytest.mark.parametrize(
    "listed, expected",
    [
        ({" A": -1.0, " B": -2.0, "x": -30.0}, (-1.0, -2.0)),
        ({" A": -1.0, "A": -1.0, "B": -3.0, "x": -30.0}, (-1.0 + math.log(2), -3.0)),
        ({" A": -1.0, "A": -9.0, " B": -2.0, "B": -9.0}, (-0.9997, -1.9991)),  # every spelling is listed
        ({" A": -1.0, " B": -2.0, "x": -4.0}, "first"),  # "A" and "B" may have as much as "x": no numbers
        ({" A": -1.0, " B": -1.01, "x": -4.0}, None),  # and here they may turn the verdict
        ({" A": -1.0, "x": -4.0}, "first"),
        ({"B": -1.0, "x": -4.0}, "second"),
        ({" A": -4.0, "x": -0.1}, None),  # both spellings of B, as likely as the last token listed, exceed it
        ({" A": -4.0 + math.log(2), "x": -4.0}, "first"),
        ({" A.": -1.0, "a": -1.0, "Ax": -1.0}, None),
        ({}, None),
    ],
)
def test_answers_are_found_by_their_very_text(listed, expected):
    found = decide(listed, ANSWERS)
    assert found == (pytest.approx(expected, abs=1e-3) if isinstance(expected, tuple) else expected)


@pytest.mark.parametrize("template", [RAW, CHAT])
def test_an_answer_that_is_not_listed_is_never_given_a_number(template):
    lists = {
        0: {" A": -0.5, "x": -2.0},
        1: {"x": -0.1, " B": -3.0, "y": -4.0},
        2: {"x": -0.1, "y": -3.0},
        3: {" A": -0.5, " B": -9999.0, "x": -3.0},
        4: {},
    }
    with Server(listed=lambda prompt: lists[int(prompt.split("What is ")[1][0])]) as server:
        answers = asked(server, [request(number) for number in range(5)], template)
    for number, winner in ((0, "first"), (1, "second"), (3, "first")):
        answer = answers[f"p{number}|ab|0"]
        assert (answer["status"], answer["winner"]) == ("ok", winner) and "logp_first" not in answer
    if template is RAW:  # an empty list in a chat is one of no length, which says that the server gives none
        assert answers["p4|ab|0"]["status"] == "low_mass"
    assert answers["p2|ab|0"]["status"] == "low_mass" and "('x', 'y')" in answers["p2|ab|0"]["note"]


@pytest.mark.parametrize("template", [RAW, CHAT])
def test_a_server_without_log_probabilities_is_named(template):
    with Server(listed=lambda prompt: None) as server:
        message = refused(server, template)
    assert "the server gives no log-probabilities" in message and "`verdicts`" in message


def test_a_server_that_does_not_know_exact_is_named(tokenizer_folder, monkeypatch):
    monkeypatch.setattr(Server, "_exact", lambda self, call: {"token_id:7": -0.1})
    with Server() as server:
        assert "`logprob_token_ids`" in refused(server, tokenizer=str(tokenizer_folder), exact=True)


def test_log_probabilities_that_are_missing_once_are_a_fault():
    def listed(prompt):
        return None if next(turns) == 5 else likeliest(prompt, (" A", " B"))

    turns = iter(range(100))  # the server looks twice at each prompt
    with Server(listed=listed) as server:
        answers = asked(server, [request(number) for number in range(10)], concurrency=1)
    assert {answer["status"] for answer in answers.values()} == {"ok"}
    assert len(server.calls) == 11


def test_words_are_passed_on_as_they_are():
    requests = [request(number) for number in range(30)]
    with Server() as server:
        answers = asked(server, requests, WORDS, max_tokens=9)
        asked(server, [request()], WORDS, max_tokens=9, temperature=0.7, top_p=0.9, seed=3)
        asked(server, [request()], WORDS | {"style": "raw"}, max_tokens=9, extra_body={"max_completion_tokens": 8})
    assert {answer["text"] for answer in answers.values()} == set(server.words)
    assert all(answer["status"] == "ok" and answer["n_output"] == 1 for answer in answers.values())
    greedy, drawn, raw = server.calls[0].body, server.calls[30].body, server.calls[31].body
    assert {key: greedy.get(key) for key in ("max_tokens", "temperature", "seed", "logprobs")} == {
        "max_tokens": 9,
        "temperature": 0.0,
        "seed": None,
        "logprobs": None,
    }
    assert (drawn["temperature"], drawn["top_p"], drawn["seed"]) == (0.7, 0.9, draw_seed({"seed": 3}, "p0|ab|0"))
    assert raw["max_completion_tokens"] == 8 and "max_tokens" not in raw and "prompt" in raw


def test_constrained_words():
    with Server() as server:
        in_json = asked(server, [request()], WORDS | {"read": "json"}, constrained=True)["p0|ab|0"]
        whole = asked(server, [request()], WORDS, constrained=True)["p0|ab|0"]
    form = server.calls[0].body["response_format"]
    assert form["type"] == "json_schema" and form["json_schema"]["strict"] is True
    assert form["json_schema"]["schema"] == json_schema(template_from(WORDS, "t"))
    assert json.loads(in_json["text"])["verdict"] in ("A", "B", "neither")
    assert server.calls[1].body["structured_outputs"] == {"choice": ["A", "B", "neither"]}
    assert whole["text"] in ("A", "B", "neither")


@pytest.mark.parametrize("template", [WORDS, CHAT])
def test_refusals_are_no_answers(template):
    with Server(fault=always("content_filter")) as server:
        assert asked(server, [request()], template)["p0|ab|0"]["status"] == "refused"
    with Server(fault=always("filtered_400")) as server:
        assert asked(server, [request()], template)["p0|ab|0"]["status"] == "refused"
    with Server(extra_message={"refusal": "I cannot judge people.", "content": None}) as server:
        answer = asked(server, [request()], template)["p0|ab|0"]
    assert answer["status"] == "refused" and answer["note"] == "refused: I cannot judge people."
    assert len(server.calls) == 1, "asking again at once would not help"


def test_a_judge_that_writes_nothing_has_written_nothing():
    with Server(extra_message={"content": None}) as server:
        answer = asked(server, [request()], WORDS)["p0|ab|0"]
    assert (answer["status"], answer["text"]) == ("ok", "")


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_overcome(fault):
    with Server() as server:
        expected = asked(server, [request()])
    with Server(fault=once(fault)) as server:
        assert asked(server, [request()], timeout=0.3) == expected
    assert len(server.calls) == 2


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_stays_is_a_failure_and_says_why(fault, monkeypatch, capsys):
    monkeypatch.setattr(servers, "SLOW_SECONDS", 0.4)
    with Server(fault=always(fault)) as server:
        answer = asked(server, [request()], timeout=0.2 if fault == "slow" else 20, retries=2)["p0|ab|0"]
    assert answer["status"] == "failed" and " after 3 tries" in answer["note"]
    assert len(server.calls) == 3
    kinds = {"slow": "no answer within 0.2 s", "drop": "broken connection", "reset": "broken connection"}
    kind = f"HTTP {fault[:3]}" if fault[:3].isdigit() else kinds.get(fault, "garbled answer")
    assert answer["note"].startswith(kind)
    assert f"judge `j`: calls without an answer: {kind} 3 times" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["400", "422", "spent"])
def test_a_fault_that_will_stay_is_not_tried_again(fault):
    with Server(fault=lambda call, before: fault if "What is 1?" in call.prompt else None) as server:
        answers = asked(server, [request(number) for number in range(3)])
    assert [answers[f"p{n}|ab|0"]["status"] for n in range(3)] == ["ok", "failed", "ok"]
    assert answers["p1|ab|0"]["note"].startswith("HTTP 429: You exceeded" if fault == "spent" else f"HTTP {fault}: ")
    assert len(server.calls) == 3


@pytest.mark.parametrize("template", [RAW, CHAT, WORDS])
def test_no_verdict_is_lost_or_changed_when_a_tenth_of_all_calls_fails(template):
    def fault(call, before):
        drawn = number_of(f"{call.prompt}|{before}")
        return PASSING[int(drawn * 10 * len(PASSING))] if drawn < 0.1 else None

    requests = [request(number) for number in range(300)]
    with Server() as server:
        expected = asked(server, requests, template)
    seen = set()
    with Server(fault=lambda call, before: seen.add(fault(call, before)) or fault(call, before)) as server:
        answers = asked(server, requests, template, timeout=0.5)
    assert answers == expected
    assert len(seen) > 12 and len(server.calls) > 320


def test_a_server_that_always_fails_fails_all_soon(capsys):
    with Server(fault=always("503")) as server:
        answers = asked(server, [request(number) for number in range(2000)])
    assert {answer["status"] for answer in answers.values()} == {"failed"}
    assert len(server.calls) < 40 * 7
    notes = [answer["note"] for answer in answers.values()]
    assert sum(note.startswith("HTTP 503 after 7 tries") for note in notes) < 40
    assert (
        sum(note.startswith("not asked: 20 requests in a row had failed, the last with HTTP 503") for note in notes)
        > 1900
    )
    assert capsys.readouterr().err.count("20 requests in a row failed, the rest is not asked") == 1


def test_nobody_there_is_a_failure():
    with Server() as server:
        gone = judge(server)
    engine = open_engine(gone | {"retries": 1}, template_from(RAW, "t"))
    (answer,) = [answer for batch in engine.score([request()]) for answer in batch]
    assert answer["status"] == "failed" and answer["note"].startswith("broken connection after 2 tries: ConnectError")


def test_a_wrong_key_or_model_stops_the_run(monkeypatch):
    with Server(key=KEY) as server:
        message = refused(server, extra_body=None)
    assert "answers HTTP 401" in message and "OPENAI_API_KEY" in message and len(server.calls) == 1
    with Server(fault=always("403")) as server:
        assert "answers HTTP 403" in refused(server)
    with Server(model="other") as server:
        message = refused(server)
    assert "HTTP 404 (The model `m` does not exist.)" in message and "`model` and `base_url`" in message


def test_one_refused_request_among_others_does_not_stop_the_run():
    with Server(fault=lambda call, before: "403" if "What is 4?" in call.prompt else None) as server:
        answers = asked(server, [request(number) for number in range(6)], concurrency=1)
    assert [answers[f"p{n}|ab|0"]["status"] for n in range(6)] == ["ok"] * 4 + ["failed", "ok"]


def test_the_key_is_sent_and_never_seen(monkeypatch, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", KEY + "\n")
    said = []
    for fault in ("429", "500", "400", "401", "403", "404", "error_200"):
        with Server(key=KEY, fault=always(fault)) as server:
            engine = open_engine(judge(server, api_key_env="MY_KEY", retries=1), template_from(RAW, "t"))
            try:
                said += [answer["note"] for batch in engine.score([request()]) for answer in batch]
            except InputError as error:
                said.append(f"{error} {error.__cause__} {error.__context__!r}")
            said.append(f"{engine!r} {vars(engine)!r} {engine.client!r} {identify(engine.judge)}")
        assert all(call.headers["authorization"] == f"Bearer {KEY}" for call in server.calls)
    with Server(words=(f"My key is {KEY}.",)) as server:
        judged = asked(server, [request()], WORDS, api_key_env="MY_KEY")
        said.append(judged["p0|ab|0"]["text"])
    monkeypatch.setenv("MY_KEY", "wrong-" + KEY)
    with Server(key=KEY) as server:
        said.append(refused(server, api_key_env="MY_KEY"))
    monkeypatch.setenv("MY_KEY", KEY + "\nX-Other: 1")
    said.append(refused(server, api_key_env="MY_KEY"))
    captured = capsys.readouterr()
    everything = "\n".join([*said, captured.out, captured.err, caplog.text])
    assert "My key is ***." in said and "fault 429 of ***" in everything
    for part in (KEY, KEY[:12], KEY[-10:], "aB3%2FdE"):
        assert part not in everything


@pytest.mark.parametrize(
    "text", [f"key {KEY} end", f"{'x' * 190} {KEY}", "Authorization: Bearer abc.def", "sk-ab12****wxyz"]
)
def test_texts_are_redacted_before_they_are_cut(text):
    shown = Redactor(KEY)(text)
    assert "sk-" not in shown and "abc" not in shown and "aB3" not in shown and "***" in shown
    assert len(Redactor(KEY)("y" * 999)) < 250


def test_a_placeholder_for_a_key_does_not_change_answers(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "A")
    with Server(words=("A",)) as server:
        assert asked(server, [request()], WORDS)["p0|ab|0"]["text"] == "A"


def test_the_key_is_asked_for_where_it_is_needed(monkeypatch):
    with Server() as server:
        assert "the environment variable OTHER_KEY holds no key" in refused(server, api_key_env="OTHER_KEY")
        assert "the environment variable OPENAI_API_KEY holds no key" in refused(server, base_url=None)
        assert server.calls == []


def test_never_more_calls_at_once_than_asked_for():
    with Server(delay=0.02, fault=once("500")) as server:
        asked(server, [request(number) for number in range(24)], concurrency=3)
    assert server.most_in_flight == 3 and len(server.calls) == 48


@pytest.mark.parametrize("limits", [{"requests_per_minute": 1200}, {"tokens_per_minute": 60_000}])
def test_calls_are_spaced_by_the_limits(limits, monkeypatch):
    monkeypatch.setattr(openai_engine, "BYTES_PER_TOKEN", 1)
    monkeypatch.setattr("servers.Server._data", unmetered(Server._data))
    with Server(fault=once("429")) as server:
        asked(server, [request(number) for number in range(7)], **limits)
    times = [call.at for call in server.calls]
    size = len(server.calls[0].body["prompt"]) + 1
    spacing = 0.05 if "requests_per_minute" in limits else size / 1000
    # The first call is late by its connection.
    assert len(times) == 14 and times[-1] - times[0] > 13 * spacing * 0.8


def unmetered(data):
    return lambda self, call: {key: value for key, value in data(self, call).items() if key != "usage"}


def test_tokens_are_put_right_by_the_servers_count():
    requests = [request(number) for number in range(3)]
    with Server() as server:  # it counts one token per character and more, four times what is expected
        asked(server, requests, concurrency=1, tokens_per_minute=60_000)
    counted = [len(call.prompt) + 1 for call in server.calls[:2]]
    # The first call is late by its connection; uncorrected the gap would be a quarter of this.
    assert server.calls[2].at - server.calls[0].at > sum(counted) / 1000 * 0.6


def test_a_stated_wait_is_kept_and_bounded():
    with Server(fault=once("429_retry_after")) as server:
        asked(server, [request()])
    assert server.calls[1].at - server.calls[0].at > 0.05
    stated = openai_client._stated_wait
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60))
    assert 57 < stated({"retry-after": in_a_minute}) < 61
    assert stated({"retry-after": "2.5"}) == 2.5 and stated({"retry-after-ms": "40"}) == 0.04
    assert stated({"retry-after": "99999"}) == openai_client.LONGEST_STATED_WAIT
    assert stated({"retry-after": "-3"}) is stated({"retry-after": "soon"}) is stated({}) is None


def test_answers_come_as_they_are_finished_and_a_closed_generator_hangs_up():
    with Server(delay=0.3) as server:
        engine = open_engine(judge(server, concurrency=4), template_from(RAW, "t"))
        for end in ("close", "interrupt"):
            before, answers = len(server.calls), engine.score([request(number) for number in range(100)])
            started = time.monotonic()
            assert 0 < len(next(answers)) < 20 and time.monotonic() - started < 2
            if end == "close":
                answers.close()
            else:
                with pytest.raises(KeyboardInterrupt):
                    answers.throw(KeyboardInterrupt)
            assert time.monotonic() - started < 3 and len(server.calls) - before < 30
            assert not [thread for thread in threading.enumerate() if thread.name == "in_background"]
            until = time.monotonic() + 2
            while server.connections and time.monotonic() < until:
                time.sleep(0.01)
            assert server.connections == 0 and server.abandoned > 0


def test_an_error_comes_after_the_answers_before_it():
    async def work(put):
        put({"id": "a"})
        raise InputError("stop")

    batches = openai_engine.in_background(work)
    assert next(batches) == [{"id": "a"}]
    with pytest.raises(InputError, match="stop"):
        next(batches)


def test_counts_of_a_server_that_counts_oddly():
    assert counts({"usage": {"prompt_tokens": 3, "completion_tokens": 2}}) == (3, 2, 5)
    assert counts({"usage": {"prompt_tokens": None, "total_tokens": "7"}}) == counts({"usage": []}) == (0, 0, 0)


@pytest.mark.parametrize(
    "template, changes, message",
    [
        (RAW, {"model": None}, "key `model` is missing"),
        (RAW, {"base_url": "localhost:8000"}, "key `base_url` is no address of a server"),
        (RAW, {"base_url": "http://host:port/v1"}, "key `base_url` is no address of a server"),
        (RAW, {"base_url": "http://[host/v1"}, "key `base_url` is no address of a server"),
        (RAW, {"base_url": f"http://me:{KEY}@host/v1"}, "key `base_url` holds credentials"),
        (RAW, {"api": "responses"}, "key `api`: `responses` is unknown"),
        (RAW, {"api": "chat"}, "style raw cannot be sent to `api: chat`"),
        (CHAT, {"api": "completions"}, "style chat cannot be sent to `api: completions`"),
        (OPENED, {}, "begins the judge's answer"),
        (WORDS | {"answer_prefix": "Best:"}, {}, "begins the judge's answer"),
        (RAW, {"exact": True}, "`exact` needs the key `tokenizer`"),
        (RAW, {"max_length": 10}, "`max_length` needs the key `tokenizer`"),
        (RAW, {"too_long": "truncate_responses"}, "`too_long: truncate_responses` needs `exact: true`"),
        (RAW, {"too_long": "cut"}, "key `too_long`: `cut` is unknown"),
        (RAW, {"tokenizer": "./nowhere"}, "`./nowhere` does not exist"),
        (RAW, {"concurrency": 0}, "key `concurrency` is 0"),
        (RAW, {"timeout": "60"}, "key `timeout` is '60'"),
        (RAW, {"requests_per_minute": 0}, "key `requests_per_minute` is 0"),
        (RAW, {"retries": -1}, "key `retries` is -1"),
        (RAW, {"extra_body": [1]}, "key `extra_body` is no mapping"),
        (WORDS | {"read": "last_line"}, {"constrained": True}, "`constrained` cannot go with `read: last_line`"),
    ],
)
def test_a_wrong_record_is_refused_before_anything_is_asked(template, changes, message):
    with Server() as server:
        said = refused(server, template, **changes)
    assert message in said and KEY not in said and server.calls == []


def test_identity_holds_what_answers_depend_on(tokenizer_folder):
    record = {"name": "j", "model": "m", "base_url": "https://host:1/v1/?api-version=2", "concurrency": 3}
    plain = identify(record)
    assert plain["endpoint"] == "https://host:1/v1" and plain["model"] == "m"
    assert plain == identify(record | {"name": "k", "concurrency": 9, "timeout": 1, "api_key_env": "X", "retries": 1})
    assert identify({"name": "j", "model": "m"})["endpoint"] == "https://api.openai.com/v1"
    exact = {"exact": True, "tokenizer": str(tokenizer_folder)}
    for change in (
        {"model": "n"},
        {"base_url": "https://b/v1"},
        {"api": "chat"},
        {"prefill": True},
        {"top_logprobs": 3},
    ):
        assert identify(record | change) != plain
    for change in (exact, {"extra_body": {"a": 1}}, {"chat_template_kwargs": {"a": 1}}):
        assert identify(record | change) != plain
    assert str(tokenizer_folder) not in str(identify(record | exact)), "where a folder lies does not count"
    assert json.loads(json.dumps(plain)) == plain
