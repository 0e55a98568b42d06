"""A vLLM judge in its worker process, under the interpreter of its own environment: killed, resumed, and in a study."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prefdissect.judges.random_model import make_random_model
from prefdissect.judges.scoring import Machine, run_judge
from running import ROOT, snakemake, tiny_pairs, tiny_study

pytestmark = pytest.mark.judges
TEMPLATE = ROOT / "workflow" / "prompts" / "pairwise.yaml"
RECORD = {"name": "j", "kind": "vllm", "dtype": "float32", "device": "cpu", "kv_cache_gb": 1, "max_length": 2048}


@pytest.fixture(scope="module")
def pairs() -> pd.DataFrame:
    return pd.DataFrame(tiny_pairs(400)).assign(turns=None)


@pytest.fixture(scope="module")
def record(tmp_path_factory, pairs) -> dict:
    texts = pairs[["prompt", "response_a", "response_b"]].to_numpy().ravel().tolist()
    folder = make_random_model(tmp_path_factory.mktemp("models") / "m", texts, seed=3, hidden_size=256, layers=4)
    return RECORD | {"model": str(folder)}


def stored(store: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in store.rglob("*.jsonl"))


def engines(folder: Path) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout.splitlines()
    return [line for line in listed if str(folder) in line and "prefdissect.judges.worker" in line]


def test_a_vllm_judge_killed_midway_ends_as_an_undisturbed_one(tmp_path, judge_python, pairs, record):
    pairs.to_json(tmp_path / "pairs.json", orient="records")
    code = f"""
        import json, pandas as pd
        from prefdissect.judges.scoring import Machine, run_judge
        pairs = pd.read_json({str(tmp_path / "pairs.json")!r}, dtype=False).assign(turns=None)
        machine = Machine({judge_python!r}, store={str(tmp_path / "store")!r})
        run_judge(json.loads({json.dumps(record)!r}), {str(TEMPLATE)!r}, pairs, {str(tmp_path / "w")!r}, machine)
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    caller = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=environment)
    try:
        end = time.monotonic() + 300
        while stored(tmp_path / "store") < 50:
            assert caller.poll() is None and time.monotonic() < end, "the judge never got so far"
            time.sleep(0.01)
    finally:
        caller.send_signal(signal.SIGKILL)
        caller.wait()
    time.sleep(2)
    kept = stored(tmp_path / "store")
    assert 50 <= kept < 800 and engines(tmp_path) == []
    lines: list[str] = []
    resumed, _ = run_judge(
        record, TEMPLATE, pairs, tmp_path / "w", Machine(judge_python, store=tmp_path / "store", log=lines.append)
    )
    assert lines[0].startswith(f"{kept} of 800 requests need no asking")
    undisturbed, _ = run_judge(record | {"data_parallel": 2}, TEMPLATE, pairs, tmp_path / "u", Machine(judge_python))
    columns = ["logp_a", "logp_b"]
    difference = np.abs(resumed[columns].to_numpy() - undisturbed[columns].to_numpy()).max()
    assert difference <= 1e-4
    clear = (undisturbed["logp_a"] - undisturbed["logp_b"]).abs() > 2e-4
    assert clear.mean() > 0.95 and (resumed["verdict"] == undisturbed["verdict"])[clear].all()


def test_a_study_runs_a_vllm_judge_in_its_own_environment(tmp_path, judge_python):
    config = tiny_study(tmp_path)
    judge = {"name": "random", "kind": "vllm", "random_model": {"hidden_size": 64}, "device": "cpu", "min_mass": 0}
    config["judges"].append(judge | {"kv_cache_gb": 1, "max_length": 1024})
    config["judge_python"] = judge_python
    run = snakemake(tmp_path, config, "results/tiny/judgements/random.parquet", cores=2)
    assert run.code == 0, run.output
    table = pd.read_parquet(tmp_path / "results/tiny/judgements/random.parquet")
    assert len(table) == 120 and (table["status"] == "ok").all()
    # Another interpreter answers the same question: nothing is asked again.
    del config["judge_python"], config["judges"][-1]["kv_cache_gb"]
    config["judges"][-1]["kind"] = "transformers"
    again = snakemake(tmp_path, config, "results/tiny/judgements/random.parquet")
    assert again.code == 0, again.output
    pd.testing.assert_frame_equal(table, pd.read_parquet(tmp_path / "results/tiny/judgements/random.parquet"))
    log = (tmp_path / "results/tiny/logs/judge_by_model/random.log").read_text(encoding="utf-8")
    assert log.startswith("120 of 120 requests need no asking") and "loading" not in log
