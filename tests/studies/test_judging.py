"""Model judges in whole studies, on the fake engine: killed and resumed, shared between studies, in shards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from running import ENVIRONMENT, snakemake, snakemake_command, tiny_study
from servers import PASSING, Server, number_of

pytestmark = pytest.mark.study
PRICED = {"price": {"read": 2, "written": 8}}
JUDGEMENTS = "results/tiny/judgements/pretend.parquet"


def study(folder: Path, name: str = "tiny", **judge) -> dict:
    """A tiny study with a fake judge whose answers take time: 120 requests in batches of 4."""
    config = tiny_study(folder, name)
    config["judges"].append({"name": "pretend", "kind": "fake", "batch_size": 4} | judge)
    return config


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> bytes:
    """The judge's table from a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run = snakemake(folder, study(folder), JUDGEMENTS)
    assert run.code == 0, run.output
    return (folder / JUDGEMENTS).read_bytes()


def stored(folder: Path) -> list[str]:
    """Keys of all answers in the store, in whole lines."""
    files = (folder / "results/.cache/judgements").rglob("*.jsonl")
    lines = [line for path in files for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    answers = [json.loads(line.split(b" ", 1)[1]) for line in lines]
    return [answer["key"] for answer in answers if answer["status"] != "failed"]


def asked(folder: Path) -> str:
    return (folder / "results/tiny/logs/judge_by_model/pretend.log").read_text(encoding="utf-8").splitlines()[0]


def interrupt(folder: Path, config: dict, stop: int, after: int) -> None:
    """Start a run, and signal Snakemake and its jobs, as a terminal does, once `after` answers are stored."""
    process = subprocess.Popen(
        snakemake_command(folder, config, JUDGEMENTS), env=ENVIRONMENT, cwd=folder, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        # A shell without job control starts its background jobs deaf to SIGINT, and tests with them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while len(stored(folder)) < after:
            assert process.poll() is None and time.monotonic() < end, "the judge never got so far"
            time.sleep(0.02)
        os.killpg(process.pid, stop)
        process.wait(60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def no_worker_left(folder: Path) -> bool:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    return not any("prefdissect.judges.worker" in line and str(folder) in line for line in listed.splitlines())


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_bytes(tmp_path, undisturbed, stop):
    interrupt(tmp_path, study(tmp_path, seconds=0.2), stop, after=20)
    time.sleep(1.0)
    kept = stored(tmp_path)
    assert no_worker_left(tmp_path) and 20 <= len(kept) < 120
    assert not (tmp_path / JUDGEMENTS).exists()
    unlock = snakemake(tmp_path, study(tmp_path), "--unlock")
    assert unlock.code == 0, unlock.output
    run = snakemake(tmp_path, study(tmp_path), JUDGEMENTS)
    assert run.code == 0, run.output
    assert (tmp_path / JUDGEMENTS).read_bytes() == undisturbed
    assert asked(tmp_path).startswith(f"{len(kept)} of 120 requests need no asking")
    assert len(stored(tmp_path)) == len(set(stored(tmp_path))) == 120, "nothing was asked twice"


def test_the_store_survives_a_failed_job_and_only_failures_are_asked_again(tmp_path, undisturbed):
    run = snakemake(tmp_path, study(tmp_path, failing=0.1), JUDGEMENTS)
    assert run.code != 0 and "Traceback" not in run.output
    assert "judge `pretend`: " in run.output and "requests failed" in run.output and "run again" in run.output
    kept = stored(tmp_path)
    assert 90 < len(kept) < 120 and not (tmp_path / JUDGEMENTS).exists()
    assert snakemake(tmp_path, study(tmp_path), JUDGEMENTS).code == 0
    assert (tmp_path / JUDGEMENTS).read_bytes() == undisturbed
    assert asked(tmp_path).startswith(f"{len(kept)} of 120")


def test_a_second_study_and_another_machine_setting_ask_nothing(tmp_path, undisturbed):
    assert snakemake(tmp_path, study(tmp_path), JUDGEMENTS).code == 0
    other = "results/second/judgements/pretend.parquet"
    assert snakemake(tmp_path, study(tmp_path, "second"), other).code == 0
    assert (tmp_path / other).read_bytes() == undisturbed
    assert len(stored(tmp_path)) == 120
    moved = study(tmp_path, mem_mb=123, runtime=7)
    assert snakemake(tmp_path, moved, "--dry-run", JUDGEMENTS).jobs == {}


def test_shards_give_the_same_table(tmp_path, undisturbed):
    run = snakemake(tmp_path, study(tmp_path, shards=3), JUDGEMENTS, cores=2)
    assert run.code == 0 and run.jobs["judge_shard"] == 3, run.output
    assert (tmp_path / JUDGEMENTS).read_bytes() == undisturbed
    assert len(list((tmp_path / "results/.cache/judgements").rglob("*.jsonl"))) == 3


def test_the_plan_says_what_is_missing_and_asks_nothing(tmp_path):
    config = study(tmp_path, max_failed=0.0)
    config["judges"].append({"name": "bought", "kind": "openai", "model": "m", "price": {"read": 1, "written": 2}})
    run = snakemake(tmp_path, config, "plan")
    assert run.code == 0, run.output
    rows = {line.split()[0]: line for line in run.output.splitlines() if line.strip()}
    assert (
        rows["pretend"].split()[1:5] == ["judge", "120", "0", "about"]
        and "not known before a first run" in rows["pretend"]
    )
    assert "about 0.02, at the prices given" in rows["bought"]
    assert not (tmp_path / JUDGEMENTS).exists() and stored(tmp_path) == []
    assert snakemake(tmp_path, config, JUDGEMENTS).code == 0
    assert "nothing to ask" in snakemake(tmp_path, config, "plan").output


def test_another_number_of_gpus_than_asked_for_stops_with_one_message(tmp_path, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", "")
    config = tiny_study(tmp_path)
    judge = {"name": "big", "kind": "vllm", "random_model": {"hidden_size": 64, "layers": 1}, "tensor_parallel": 2}
    config["judges"].append(judge)
    run = snakemake(tmp_path, config, "results/tiny/judgements/big.parquet")
    assert run.code != 0 and "Traceback" not in run.output
    assert "judge `big`: asked for 2 GPUs and was given 0" in run.output


def test_fewer_gpus_from_snakemake_than_asked_for_stop_the_judge(tmp_path, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "CUDA_VISIBLE_DEVICES", "0,1")
    config = tiny_study(tmp_path)
    judge = {"name": "big", "kind": "vllm", "random_model": {"hidden_size": 64, "layers": 1}, "tensor_parallel": 2}
    config["judges"].append(judge)
    run = snakemake(tmp_path, config, "results/tiny/judgements/big.parquet", "--resources", "gpu=1")
    assert run.code != 0 and "Traceback" not in run.output
    assert "judge `big`: asks for 2 GPUs and was given 1 (--resources gpu=2 or more)" in run.output


def test_usage_and_failure_classes_are_in_table_and_log(tmp_path):
    assert snakemake(tmp_path, study(tmp_path, failing=0.1, max_failed=0.5), JUDGEMENTS).code == 0
    table = pd.read_parquet(tmp_path / JUDGEMENTS)
    failed = int((table["status"] == "failed").sum())
    usage = json.loads((tmp_path / "results/tiny/judgements/pretend.usage.json").read_text(encoding="utf-8"))
    assert failed and usage["statuses"] == {"failed": failed, "ok": 120 - failed} and usage["tokens_read"] > 1000
    log = (tmp_path / "results/tiny/logs/judge_by_model/pretend.log").read_text(encoding="utf-8")
    assert f"{failed} failed" in log and f"{failed} x made to fail" in log


def test_a_study_asks_a_server_that_fails_one_call_in_ten(tmp_path, monkeypatch):
    key = "sk-proj-aB3/dE+fgh_1234567890-tail"
    monkeypatch.setitem(ENVIRONMENT, "OPENAI_API_KEY", key)
    config = tiny_study(tmp_path)
    table = "results/tiny/judgements/served.parquet"

    def run(fault, name):
        with Server(fault=fault, key=key, model="m") as server:
            served = {"name": "served", "kind": "openai", "model": "m", "base_url": server.url, "timeout": 1}
            served["api_key_env"] = "OPENAI_API_KEY"
            config["judges"] = [{"name": "longer", "kind": "rule", "rule": "longer"}, served | PRICED]
            config["cache_dir"] = f"cache-{name}"
            done = snakemake(tmp_path, config, table, "--forcerun", "judge_by_model")
        assert done.code == 0, done.output
        return pd.read_parquet(tmp_path / table), len(server.calls)

    def one_in_ten(call, before):
        share = number_of(call.prompt)
        return PASSING[int(share * 1e6) % len(PASSING)] if share < 0.1 and before == 0 else None

    calm, calls = run(lambda call, before: None, "calm")
    stormy, more = run(one_in_ten, "stormy")
    pd.testing.assert_frame_equal(calm, stormy, check_exact=True)
    assert calls == 120 < more and (calm["status"] == "ok").all()
    usage = json.loads((tmp_path / "results/tiny/judgements/served.usage.json").read_text(encoding="utf-8"))
    assert usage["cost"] == pytest.approx((usage["tokens_read"] * 2 + 120 * 8) / 1e6) and usage["tokens_read"] > 0
    leaks = [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert leaks == []
