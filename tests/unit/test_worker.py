"""The worker: its files, its progress, and what an engine may not do."""

from __future__ import annotations

import json

import pytest

from prefdissect.errors import InputError
from prefdissect.judges import fake_engine, worker
from prefdissect.judges.prompts import template_from
from prefdissect.judges.store import digest
from prefdissect.judges.worker import PROGRESS_PREFIX, Progress, main, open_job, read_lines, write_lines

TEMPLATE = {"style": "raw", "text": "{conversation}|{response_1}|{response_2}|Response", "answers": [" A", " B"]}


def requests(count: int = 3) -> list[dict]:
    return [
        {"id": f"p{n}|{order}|0", "prompt": f"q{n}", "turns": None, "first": f"x{order}{n}", "second": "y", "sample": 0}
        for n in range(count)
        for order in ("ab", "ba")
    ]


@pytest.fixture
def files(tmp_path):
    judge = {"name": "j", "kind": "fake", "template": template_from(TEMPLATE, "t").to_dict()}
    (tmp_path / "judge.json").write_text(json.dumps(judge), encoding="utf-8")
    write_lines(tmp_path / "requests.jsonl", requests())
    return [str(tmp_path / name) for name in ("judge.json", "requests.jsonl", "answers.jsonl")]


def test_lines_survive_every_character(tmp_path):
    rows = [{"id": "x", "text": "\u2028\u0085\r\n\x0b🙂\u200b\x00"}]
    write_lines(tmp_path / "x.jsonl", rows)
    assert read_lines(tmp_path / "x.jsonl") == rows
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


def test_damaged_lines_are_named(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b'{"id": 1}\n{"id"')
    with pytest.raises(InputError, match="x.jsonl: line 2: not JSON"):
        read_lines(tmp_path / "x.jsonl")


def test_progress_counts_pairs_and_is_throttled(capsys):
    silent, chatty = Progress(requests(), every=60), Progress(requests(), every=0)
    chatty.started -= 10
    for progress in (silent, chatty):
        for each in requests():
            progress.advance([{"id": each["id"]}])
    lines = [json.loads(line.removeprefix(PROGRESS_PREFIX)) for line in capsys.readouterr().err.splitlines()]
    assert [line["done"] for line in lines] == [6, 1, 2, 3, 4, 5, 6], "the silent one says only that it is done"
    assert lines[1]["total"] == 6 and lines[1]["left"] == pytest.approx(50, abs=1) and lines[-1]["left"] == 0
    assert chatty.pairs == 3


def test_answers_come_in_the_order_of_the_requests(files, tmp_path, capsys):
    assert main([*files, "--store", str(tmp_path / "store")]) == 0
    answers = read_lines(tmp_path / "answers.jsonl")
    assert [answer["id"] for answer in answers] == [request["id"] for request in requests()]
    said = capsys.readouterr().err
    assert "0 of 6 requests need no asking" in said and "6 requests (6 ok)" in said and "mean mass" in said


def test_equal_texts_are_asked_once(files, tmp_path, monkeypatch):
    doubled = requests() + [request | {"id": "again" + request["id"]} for request in requests()]
    write_lines(tmp_path / "requests.jsonl", doubled)
    asked: list[str] = []
    answer = fake_engine.FakeEngine._answer
    monkeypatch.setattr(
        fake_engine.FakeEngine, "_answer", lambda self, request: asked.append(request["id"]) or answer(self, request)
    )
    assert main(files) == 0
    answers = read_lines(tmp_path / "answers.jsonl")
    assert len(asked) == 6 and [a["logp_first"] for a in answers[:6]] == [a["logp_first"] for a in answers[6:]]


@pytest.mark.parametrize("fault", ["lost", "doubled", "invented"])
def test_an_engine_that_loses_doubles_or_invents_stops_the_run(files, tmp_path, monkeypatch, fault):
    def score(self, asked):
        answers = [self._answer(request) for request in asked]
        change = {
            "lost": answers[1:],
            "doubled": answers + answers[:1],
            "invented": [*answers, answers[0] | {"id": "?"}],
        }
        yield change[fault]

    monkeypatch.setattr(fake_engine.FakeEngine, "score", score)
    with pytest.raises((RuntimeError, KeyError)):
        main(files)
    assert not (tmp_path / "answers.jsonl").exists()


def test_stored_only_refuses_to_ask(files, tmp_path, capsys):
    assert main([*files, "--store", str(tmp_path / "store"), "--stored-only"]) == worker.STATED_ERROR
    assert "judge worker: error: judge `j`: 6 answers are missing" in capsys.readouterr().err


def test_the_key_holds_texts_order_and_sample_and_nothing_else():
    base = requests()[0]
    key = worker.request_key(base)
    assert worker.request_key(base | {"id": "other"}) == key
    for change in (
        {"prompt": "z"},
        {"first": "y", "second": base["first"]},
        {"sample": 1},
        {"turns": [{"role": "user"}]},
    ):
        assert worker.request_key(base | change) != key


def test_identity_holds_the_template_and_sampling_only_where_answers_are_drawn(files, tmp_path):
    from pathlib import Path

    def identity(template=TEMPLATE, **changes):
        judge = {"name": "j", "kind": "fake", "template": template_from(template, "t").to_dict()} | changes
        Path(files[0]).write_text(json.dumps(judge), encoding="utf-8")
        return open_job(Path(files[0]), Path(files[1]), None).identity

    words = {key: value for key, value in TEMPLATE.items() if key != "answers"} | {
        "verdicts": {"first": "A", "second": "B"}
    }
    assert identity() == identity(temperature=1.0, name="other", gpu=4, batch_size=3)
    assert identity() != identity(TEMPLATE | {"text": "!" + TEMPLATE["text"]})
    assert identity(words) != identity(words, temperature=1.0)


def test_the_names_of_stored_answers_stay(files):
    """Answers that cost GPU-days are found by these; raise `PROTOCOL` where answers change, and nothing else."""
    from pathlib import Path

    judge = {"name": "j", "kind": "fake", "template": template_from(TEMPLATE, "t").to_dict()}
    Path(files[0]).write_text(json.dumps(judge), encoding="utf-8")
    job = open_job(Path(files[0]), Path(files[1]), None)
    assert digest(job.identity)[:16] == "349f56fc459dd1e8"
    assert job.keys["p0|ab|0"][:16] == "799a4ef1f14509f7"
