"""From pairs to requests and from verdicts to judgements; the worker as a process that may fail in every way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pytest

from prefdissect.errors import InputError
from prefdissect.judges.prompts import load_template, template_from
from prefdissect.judges.scoring import build_requests, run_worker, to_judgements
from prefdissect.judges.worker import Progress, read_lines, write_lines
from prefdissect.tables import validate

TEMPLATE = {"style": "raw", "text": "{conversation}|{response_1}|{response_2}|Response", "answers": [" A", " B"]}


def make_pairs(count: int = 2, **columns) -> pd.DataFrame:
    rows = [
        {"pair_id": f"p{n}", "prompt": f"ask {n}", "turns": None, "response_a": f"a{n}", "response_b": f"b{n}"}
        for n in range(count)
    ]
    return pd.DataFrame(rows).assign(**columns)


def verdict(identity: str, first: float | None, second: float | None, status: str = "ok") -> dict:
    mass = None if first is None else 0.5
    scores = {"logp_first": first, "logp_second": second, "mass": mass}
    return {"id": identity, **scores, "status": status, "truncated": False, "n_tokens": 7}


@pytest.fixture
def template_path(root: Path) -> Path:
    return root / "workflow" / "prompts" / "pairwise.yaml"


@pytest.fixture
def interpreter(tmp_path):
    """Make a stand-in for the judge's interpreter that runs the given code with the worker's arguments."""

    def make(code: str) -> Path:
        script, path = tmp_path / "stand_in.py", tmp_path / "stand_in"
        script.write_text("import json, os, sys, time\n" + textwrap.dedent(code), encoding="utf-8")
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        return path

    return make


def test_requests_show_each_pair_in_both_orders():
    requests = build_requests(make_pairs(2), template_from(TEMPLATE, "t"))
    assert [(r["id"], r["first"], r["second"]) for r in requests] == [
        ("p0|ab", "a0", "b0"),
        ("p0|ba", "b0", "a0"),
        ("p1|ab", "a1", "b1"),
        ("p1|ba", "b1", "a1"),
    ]
    assert {r["prompt"] for r in requests} == {"ask 0", "ask 1"} and requests[0]["turns"] is None


def test_requests_carry_earlier_turns():
    turns = [{"role": "user", "content": "hi"}]
    requests = build_requests(make_pairs(1, turns=json.dumps(turns)), template_from(TEMPLATE, "t"))
    assert requests[0]["turns"] == turns


@pytest.mark.parametrize("value, message", [("[{", "not JSON"), ('{"role": 1}', "holds"), ('["x"]', "not a message")])
def test_damaged_turns_name_the_pair(value, message):
    with pytest.raises(InputError, match=message) as caught:
        build_requests(make_pairs(1, turns=value), template_from(TEMPLATE, "t"))
    assert "pair `p0`, column `turns`" in str(caught.value)


def test_verdicts_are_mapped_back_by_order():
    verdicts = [verdict("p0|ab", -1.0, -2.0), verdict("p0|ba", -3.0, -4.0), verdict("p1|ba", -5.0, -5.0)]
    verdicts.append(verdict("p1|ab", None, None, "too_long"))
    table = validate(to_judgements(make_pairs(2), verdicts, "j"), "judgements", "here")
    rows = table.set_index(["pair_id", "order"])
    assert rows.loc[("p0", "ab"), ["logp_a", "logp_b", "verdict"]].tolist() == [-1.0, -2.0, "a"]
    assert rows.loc[("p0", "ba"), ["logp_a", "logp_b", "verdict"]].tolist() == [-4.0, -3.0, "b"]
    assert rows.loc[("p1", "ba"), "verdict"] == "tie"
    unscored = rows.loc[("p1", "ab")]
    assert unscored["status"] == "too_long"
    assert unscored[["logp_a", "logp_b", "mass", "verdict"]].isna().all()
    assert (table["judge"] == "j").all() and (table["sample"] == 0).all()


@pytest.mark.parametrize(
    "identities, message",
    [
        (["p0|ab"], "lack request, in 1 cases, such as `p0|ba`"),
        (["p0|ab", "p0|ba", "p0|ba"], "1 requests have more than one verdict"),
        (["p0|ab", "p0|ba", "q|ab"], "hold an unknown request, in 1 cases, such as `q|ab`"),
    ],
)
def test_lost_doubled_and_invented_verdicts_are_refused(identities, message):
    with pytest.raises(InputError) as caught:
        to_judgements(make_pairs(1), [verdict(identity, -1.0, -2.0) for identity in identities], "j")
    assert message in str(caught.value)


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
    requests = build_requests(make_pairs(3), template_from(TEMPLATE, "t"))
    silent, chatty = Progress(requests, every=60), Progress(requests, every=0)
    for progress in (silent, chatty):
        for each in requests:
            progress.advance([verdict(each["id"], -1.0, -2.0)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5 and lines[0].startswith("1 of 6 requests") and "s left" in lines[0]
    silent.finish([verdict("p0|ab", -1.0, -1.0), verdict("p0|ba", None, None, "too_long")])
    assert "(1 ok, 1 too_long), 14 tokens" in capsys.readouterr().err


SCORES_ALL = """
    judge, requests, verdicts = sys.argv[3:6]
    print("some line", file=sys.stderr)
    rows = [json.loads(line) for line in open(requests)]
    with open(verdicts, "w") as out:
        for row in rows:
            scores = {"logp_first": -1.0, "logp_second": -2.0, "mass": 0.5}
            print(json.dumps({"id": row["id"], **scores, "status": "ok", "truncated": False, "n_tokens": 3}), file=out)
"""


def test_worker_gets_its_files_and_its_output_reaches_the_log(tmp_path, template_path, interpreter):
    lines: list[str] = []
    record = {"name": "j", "kind": "transformers", "model": "m"}
    table = run_worker(record, template_path, make_pairs(2), tmp_path / "w", interpreter(SCORES_ALL), lines.append)
    assert table["verdict"].tolist() == ["a", "b", "a", "b"]
    assert lines == ["some line"]
    given = json.loads((tmp_path / "w" / "judge.json").read_text(encoding="utf-8"))
    assert template_from(given.pop("template"), "x") == load_template(template_path)
    assert given == record


@pytest.mark.parametrize(
    "code, message",
    [
        ('print("log"); print("judge worker: error: model `x` is broken"); sys.exit(2)', "model `x` is broken"),
        ('print("Oops: deep"); sys.exit(3)', "judge `j`: the judge worker ended with exit status 3: Oops: deep"),
        ("os.kill(os.getpid(), 9)", "killed (signal 9)"),
        ("pass", "ended without verdicts"),
    ],
)
def test_a_failing_worker_becomes_one_message(tmp_path, template_path, interpreter, code, message):
    stale = tmp_path / "w" / "verdicts.jsonl"
    stale.parent.mkdir()
    write_lines(stale, [verdict(f"p0|{order}", -1.0, -2.0) for order in ("ab", "ba")])
    with pytest.raises(InputError) as caught:
        run_worker({"name": "j"}, template_path, make_pairs(1), stale.parent, interpreter(code), lambda line: None)
    assert message in str(caught.value) and "Traceback" not in str(caught.value)


def test_a_missing_interpreter_is_named(tmp_path, template_path):
    with pytest.raises(InputError, match="`/no/python` cannot be started"):
        run_worker({"name": "j"}, template_path, make_pairs(1), tmp_path, "/no/python")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"kind": "oracle"}, "no engine for judges of kind `oracle`"),
        ({"model": "/no/such/model"}, "the model folder `/no/such/model` does not exist"),
        ({"model": "m/n", "dtype": "int8"}, "key `dtype`: `int8` is unknown"),
    ],
)
def test_the_real_worker_states_a_users_fault(tmp_path, template_path, changes, message):
    lines: list[str] = []
    record = {"name": "j", "kind": "transformers"} | changes
    with pytest.raises(InputError) as caught:
        run_worker(record, template_path, make_pairs(1), tmp_path, log=lines.append)
    assert message in str(caught.value)
    assert lines == []


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_no_orphan_when_the_caller_is_stopped(tmp_path, root, template_path, interpreter, number, status):
    note = tmp_path / "pid"
    write = f'open("{note}.new", "w").write(str(os.getpid())); os.rename("{note}.new", "{note}")'
    slow = interpreter(f"{write}; time.sleep(60)")
    code = f"""
        import pandas as pd
        from prefdissect.judges.scoring import run_worker
        pairs = pd.DataFrame([dict(pair_id="p", prompt="x", turns=None, response_a="a", response_b="b")])
        run_worker({{"name": "j"}}, {str(template_path)!r}, pairs, {str(tmp_path / "w")!r}, {str(slow)!r})
    """
    environment = os.environ | {"PYTHONPATH": str(root / "scripts")}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    caller = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        assert wait_for(note.exists, 30), "the worker never started"
        worker = int(note.read_text())
        caller.send_signal(number)
        assert caller.wait(15) == status
        assert not alive(worker)
    finally:
        caller.kill()
        caller.wait()


def test_the_worker_ends_with_its_callers_pipe(root):
    code = "from prefdissect.judges.worker import stop_with_stdin; stop_with_stdin(); import time; time.sleep(60)"
    environment = os.environ | {"PYTHONPATH": str(root / "scripts")}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, env=environment)
    time.sleep(0.3)
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(10) == 1
