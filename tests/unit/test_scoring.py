"""Judges asked in worker processes, which may fail in every way; the partial store seen from outside."""

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
from prefdissect.judges.scoring import Machine, fill_store, find_interpreter, plan_judge, run_judge, usage_of
from prefdissect.judges.worker import write_lines
from prefdissect.preferences import combine

FAKE = {"name": "j", "kind": "fake"}


def make_pairs(count: int = 2, **columns) -> pd.DataFrame:
    rows = [
        {"pair_id": f"p{n}", "prompt": f"ask {n}", "turns": None, "response_a": f"a{n}", "response_b": f"b{n}"}
        for n in range(count)
    ]
    return pd.DataFrame(rows).assign(**columns)


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


SCORES_ALL = """
    judge, requests, answers = sys.argv[3:6]
    print("some line", file=sys.stderr)
    rows = [json.loads(line) for line in open(requests)]
    with open(answers, "w") as out:
        for row in rows:
            scores = {"logp_first": -1.0, "logp_second": -2.0, "mass": 0.5}
            print(json.dumps({"id": row["id"], **scores, "status": "ok", "truncated": False, "n_tokens": 3}), file=out)
"""


def test_worker_gets_its_files_and_its_output_reaches_the_log(tmp_path, template_path, interpreter):
    lines: list[str] = []
    record = {"name": "j", "kind": "transformers", "model": "m"}
    table, usage = run_judge(
        record, template_path, make_pairs(2), tmp_path / "w", Machine(interpreter(SCORES_ALL), log=lines.append)
    )
    assert table["verdict"].tolist() == ["a", "b", "a", "b"]
    assert lines == ["some line", "table: 4 ok"]
    assert usage == {"requests": 4, "statuses": {"ok": 4}, "tokens_read": 12, "tokens_written": 0, "cost": None}
    given = json.loads((tmp_path / "w" / "0" / "judge.json").read_text(encoding="utf-8"))
    assert template_from(given.pop("template"), "x") == load_template(template_path)
    assert given == record


@pytest.mark.parametrize(
    "code, message",
    [
        ('print("log"); print("judge worker: error: model `x` is broken"); sys.exit(2)', "model `x` is broken"),
        ('print("Oops: deep"); sys.exit(3)', "judge `j`: the judge worker ended with exit status 3: Oops: deep"),
        ("os.kill(os.getpid(), 9)", "killed (signal 9)"),
        ("pass", "ended without answers"),
    ],
)
def test_a_failing_worker_becomes_one_message(tmp_path, template_path, interpreter, code, message):
    stale = tmp_path / "w" / "0" / "answers.jsonl"
    stale.parent.mkdir(parents=True)
    write_lines(stale, [{"id": f"p0|{order}|0", "status": "ok", "winner": "first"} for order in ("ab", "ba")])
    machine = Machine(interpreter(code), log=lambda line: None)
    with pytest.raises(InputError) as caught:
        run_judge({"name": "j"}, template_path, make_pairs(1), tmp_path / "w", machine)
    assert message in str(caught.value) and "Traceback" not in str(caught.value)


def test_a_missing_interpreter_is_named(tmp_path, template_path):
    with pytest.raises(InputError, match="`/no/python` cannot be started"):
        run_judge({"name": "j"}, template_path, make_pairs(1), tmp_path, Machine("/no/python"))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"kind": "oracle"}, "no engine for judges of kind `oracle`"),
        ({"model": "/no/such/model"}, "the model folder `/no/such/model` does not exist"),
        ({"model": "m/n", "revision": "v9"}, "the model `m/n`, revision v9, is not in the local cache"),
    ],
)
def test_the_real_worker_states_a_users_fault(tmp_path, template_path, monkeypatch, changes, message):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    lines: list[str] = []
    record = {"name": "j", "kind": "transformers"} | changes
    with pytest.raises(InputError) as caught:
        run_judge(record, template_path, make_pairs(1), tmp_path, Machine(log=lines.append))
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


@pytest.mark.study
@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_no_orphan_when_the_caller_is_stopped(tmp_path, root, template_path, interpreter, number, status):
    note = tmp_path / "pid"
    write = f'open("{note}.new", "w").write(str(os.getpid())); os.rename("{note}.new", "{note}")'
    slow = interpreter(f"{write}; time.sleep(60)")
    # A shell without job control starts its background jobs deaf to SIGINT.
    code = f"""
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        import pandas as pd
        from prefdissect.judges.scoring import Machine, run_judge
        pairs = pd.DataFrame([dict(pair_id="p", prompt="x", turns=None, response_a="a", response_b="b")])
        run_judge({{"name": "j"}}, {str(template_path)!r}, pairs, {str(tmp_path / "w")!r}, Machine({str(slow)!r}))
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


def judged(tmp_path, template_path, pairs=None, lines=None, **changes):
    """Judge with the fake engine, keeping answers in one store."""
    log = (lambda line: None) if lines is None else lines.append
    machine = Machine(store=tmp_path / "store", log=log)
    workdir = tmp_path / "work"
    return run_judge(FAKE | changes, template_path, make_pairs(6) if pairs is None else pairs, workdir, machine)[0]


def test_a_second_run_asks_nothing_and_gives_the_same_bytes(tmp_path, template_path):
    lines: list[str] = []
    first = judged(tmp_path, template_path)
    second = judged(tmp_path, template_path, lines=lines, seconds=60)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert lines[0] == "12 of 12 requests need no asking"


def test_another_study_over_the_same_texts_costs_nothing(tmp_path, template_path):
    judged(tmp_path, template_path)
    lines: list[str] = []
    renamed = make_pairs(6).assign(pair_id=[f"other{n}" for n in range(6)]).iloc[::-1]
    judged(tmp_path, template_path, renamed, lines)
    assert lines[0] == "12 of 12 requests need no asking"


@pytest.mark.parametrize("changes", [{"seed": 1}, {"slot_bias": 1.0}, {"samples": 2}])
def test_another_identity_is_asked_anew(tmp_path, template_path, changes):
    judged(tmp_path, template_path)
    lines: list[str] = []
    judged(tmp_path, template_path, lines=lines, **changes)
    known = 12 if "samples" in changes else 0  # the first sample is known
    assert lines[0] == f"{known} of {12 * changes.get('samples', 1)} requests need no asking"


def test_a_changed_prompt_is_asked_anew(tmp_path, template_path):
    judged(tmp_path, template_path)
    changed = tmp_path / "changed.yaml"
    changed.write_text(template_path.read_text(encoding="utf-8").replace("Compare", "Please compare"), encoding="utf-8")
    lines: list[str] = []
    judged(tmp_path, changed, lines=lines)
    assert lines[0] == "0 of 12 requests need no asking"


def test_failures_stop_the_judge_and_a_later_run_asks_just_these(tmp_path, template_path):
    pairs = make_pairs(50)
    with pytest.raises(InputError, match=r"of 100 requests failed, \d+ of them with: made to fail") as caught:
        judged(tmp_path, template_path, pairs, failing=0.2)
    failed = int(str(caught.value).split(": ")[1].split()[0])
    lines: list[str] = []
    table = judged(tmp_path, template_path, pairs, lines)
    assert 5 < failed < 40 and lines[0] == f"{100 - failed} of 100 requests need no asking"
    assert (table["status"] == "ok").all()


def test_failures_within_the_share_allowed_are_no_verdicts(tmp_path, template_path):
    table = judged(tmp_path, template_path, make_pairs(50), failing=0.2, max_failed=0.5)
    failed = table["status"] == "failed"
    assert 0 < failed.sum() < 40 and table.loc[failed, "verdict"].isna().all()
    unanswered = set(table.loc[failed, "pair_id"])
    preferences = combine(table).set_index("pair_id")["preference"]
    assert preferences[list(unanswered)].isna().all() and preferences.drop(list(unanswered)).notna().all()


@pytest.mark.study
def test_a_judge_killed_midway_is_asked_only_what_is_missing(tmp_path, template_path, root):
    pairs = make_pairs(60)
    undisturbed = judged(tmp_path / "other", template_path, pairs)
    pairs.to_json(tmp_path / "pairs.json", orient="records")
    # A shell without job control starts its background jobs deaf to SIGINT.
    code = f"""
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        import pandas as pd
        from prefdissect.judges.scoring import Machine, run_judge
        pairs = pd.DataFrame(pd.read_json({str(tmp_path / "pairs.json")!r}, dtype=False))
        pairs["turns"] = None
        record = dict(name="j", kind="fake", batch_size=4, seconds=0.05)
        machine = Machine(store={str(tmp_path / "store")!r})
        run_judge(record, {str(template_path)!r}, pairs, {str(tmp_path / "w")!r}, machine)
    """
    caller = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env=os.environ | {"PYTHONPATH": str(root / "scripts")},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    store = tmp_path / "store"
    try:
        assert wait_for(lambda: sum(len(read(path)) for path in store.rglob("*.jsonl")) >= 20, 30)
    finally:
        caller.kill()
        caller.wait()
    time.sleep(0.5)  # the worker ends with its caller's pipe
    kept = sum(len(read(path)) for path in store.rglob("*.jsonl"))
    assert 20 <= kept < 120
    lines: list[str] = []
    resumed = judged(tmp_path, template_path, pairs, lines)
    pd.testing.assert_frame_equal(resumed, undisturbed, check_exact=True)
    assert lines[0].startswith(f"{kept} of 120 requests need no asking")
    keys = [json.loads(line.split(b" ", 1)[1])["key"] for path in store.rglob("*.jsonl") for line in read(path)]
    assert len(keys) == len(set(keys)) == 120


def read(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def test_workers_side_by_side_give_what_one_gives(tmp_path, template_path):
    pairs = make_pairs(30)
    one = judged(tmp_path / "one", template_path, pairs)
    two = judged(tmp_path / "two", template_path, pairs, data_parallel=2)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert len(list((tmp_path / "two" / "store").rglob("*.jsonl"))) == 2


@pytest.mark.study
def test_shards_fill_the_store_and_their_union_is_the_whole(tmp_path, template_path):
    pairs, machine = make_pairs(30), Machine(store=tmp_path / "store", log=lambda line: None)
    asked = []
    for shard in range(3):
        done = fill_store(FAKE, template_path, pairs, tmp_path / "w", machine, shard=shard, shards=3)
        asked.append(done["requests"])
        if shard < 2:
            with pytest.raises(InputError, match="answers are missing"):
                run_judge(FAKE, template_path, pairs, tmp_path / "w", machine, stored_only=True)
    assert sum(asked) == 60 and all(asked)
    joined, _ = run_judge(FAKE, template_path, pairs, tmp_path / "w", machine, stored_only=True)
    pd.testing.assert_frame_equal(joined, judged(tmp_path / "other", template_path, pairs), check_exact=True)


def test_shards_with_failures_that_are_accepted_can_be_joined(tmp_path, template_path):
    pairs, machine = make_pairs(40), Machine(store=tmp_path / "store", log=lambda line: None)
    failing = FAKE | {"failing": 0.2, "max_failed": 0.5}
    for shard in range(2):
        fill_store(failing, template_path, pairs, tmp_path / "w", machine, shard=shard, shards=2)
    joined, usage = run_judge(failing, template_path, pairs, tmp_path / "w", machine, stored_only=True)
    assert usage["statuses"]["failed"] > 3 and usage["statuses"]["ok"] > 40
    assert joined.loc[joined["status"] == "failed", "verdict"].isna().all()


def test_the_log_ends_with_what_became_of_the_requests(tmp_path, template_path):
    lines: list[str] = []
    judged(tmp_path, template_path, lines=lines, mass=0.001, min_mass=0.01)
    assert lines[-1] == "table: 12 low_mass"


def test_a_worker_that_dies_before_its_children_ends_the_job(tmp_path, template_path, interpreter):
    child = 'import subprocess; subprocess.Popen(["sleep", "60"]); os.kill(os.getpid(), 9)'
    start = time.monotonic()
    with pytest.raises(InputError, match="killed"):
        run_judge(
            {"name": "j"}, template_path, make_pairs(1), tmp_path, Machine(interpreter(child), log=lambda _: None)
        )
    assert time.monotonic() - start < 30


def test_a_judge_without_gpus_sees_none(tmp_path, template_path, interpreter, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    lines: list[str] = []
    shown = interpreter('print(repr(os.environ.get("CUDA_VISIBLE_DEVICES")))')
    for kind, gpus in (("transformers", 0), ("vllm", 1), ("fake", 0)):
        with pytest.raises(InputError, match="without answers"):
            run_judge(
                {"name": "j", "kind": kind},
                template_path,
                make_pairs(1),
                tmp_path,
                Machine(shown, None, gpus, lines.append),
            )
    assert lines == ["''", "'0'", "'0,1'"]


def test_little_mass_on_the_answers_is_counted_and_no_verdict(tmp_path, template_path):
    table = judged(tmp_path, template_path, mass=0.001, min_mass=0.01)
    assert set(table["status"]) == {"low_mass"} and table["verdict"].isna().all()
    assert table["mass"].to_numpy() == pytest.approx(0.001) and table["logp_a"].notna().all()
    lines: list[str] = []
    accepted = judged(tmp_path, template_path, lines=lines, mass=0.001, min_mass=0.0001)
    assert set(accepted["status"]) == {"ok"} and lines[0] == "12 of 12 requests need no asking"


def test_answers_in_words_are_drawn_k_times_and_read_strictly(tmp_path, root):
    words = root / "workflow" / "prompts" / "pairwise_words.yaml"
    table = judged(tmp_path, words, make_pairs(40), samples=5, temperature=1.0)
    assert len(table) == 400 and set(table["status"]) == {"ok"} and table["logp_a"].isna().all()
    share = combine(table)["p_a"]
    assert share.nunique() > 5 and share.between(0, 1).all()
    pd.testing.assert_frame_equal(
        table, judged(tmp_path / "again", words, make_pairs(40), samples=5, temperature=1.0), check_exact=True
    )


@pytest.mark.study
def test_a_full_disk_stops_with_one_message_and_keeps_what_was_written(tmp_path, template_path, root):
    # A file-size limit stops writing midway as a full disk does.
    pairs = make_pairs(300)
    pairs.to_json(tmp_path / "pairs.json", orient="records")
    code = f"""
        import resource, signal
        import pandas as pd
        from prefdissect.errors import InputError
        from prefdissect.judges.scoring import Machine, run_judge
        pairs = pd.DataFrame(pd.read_json({str(tmp_path / "pairs.json")!r}, dtype=False))
        pairs["turns"] = None
        machine = Machine(interpreter={str(tmp_path / "limited")!r}, store={str(tmp_path / "store")!r})
        try:
            run_judge(dict(name="j", kind="fake"), {str(template_path)!r}, pairs, {str(tmp_path / "w")!r}, machine)
        except InputError as error:
            print(error)
    """
    limited = tmp_path / "limited"
    limited.write_text(f'#!/bin/bash\ntrap "" XFSZ\nulimit -f 64\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    limited.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=os.environ | {"PYTHONPATH": str(root / "scripts")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip().endswith("File too large"), done.stdout + done.stderr
    assert str(tmp_path / "store") in done.stdout and "Traceback" not in done.stdout
    lines: list[str] = []
    table = judged(tmp_path, template_path, pairs, lines)
    kept = int(lines[0].split()[0])
    assert 0 < kept < 600 and len(table) == 600
    assert "damaged line" in lines[0]


def test_a_plan_counts_what_is_missing(tmp_path, template_path):
    machine = Machine(store=tmp_path / "store", log=lambda line: None)
    before = plan_judge(FAKE, template_path, make_pairs(40), tmp_path / "w", machine)
    judged(tmp_path, template_path, make_pairs(30))
    after = plan_judge(FAKE, template_path, make_pairs(40), tmp_path / "w", machine)
    assert (before["requests"], before["known"], before["tokens_per_s"]) == (80, 0, None)
    assert (after["requests"], after["known"]) == (80, 60)
    assert before["tokens"] > 3.9 * after["tokens"] > 0 and after["tokens_per_s"] > 0


def test_usage_adds_up_and_prices_are_per_million():
    answers = [{"id": "x", "status": "ok", "n_tokens": 1000, "n_output": 10}, {"id": "y", "status": "failed"}]
    judgements = pd.DataFrame({"status": ["ok", "failed"]})
    usage = usage_of(answers, judgements, {"read": 2.0, "written": 100.0})
    assert usage == {
        "requests": 2, "statuses": {"failed": 1, "ok": 1}, "tokens_read": 1000, "tokens_written": 10, "cost": 0.003
    }  # fmt: skip


def test_the_judges_interpreter_is_the_one_configured_or_the_one_made_for_vllm(tmp_path):
    own = tmp_path / ".venv-judge" / "bin" / "python"
    assert find_interpreter("", "vllm", tmp_path) is None
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_interpreter("", "vllm", tmp_path) == str(own)
    assert find_interpreter("", "transformers", tmp_path) is None
    assert find_interpreter(sys.executable, "vllm", tmp_path) == sys.executable
    with pytest.raises(InputError, match="config key `judge_python`: `/no/python` is no program"):
        find_interpreter("/no/python", "vllm", tmp_path)
