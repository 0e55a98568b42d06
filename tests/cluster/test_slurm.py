"""A study on a real Slurm: a job is cancelled, a node crashes, and the tables are those of a local run.

What costs nothing is done on the workstation before, as a user would: every Slurm job takes seconds.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import ENVIRONMENT, ROOT, Run, snakemake, snakemake_command, tiny_study
from slurm import Slurm, missing_programs

pytestmark = pytest.mark.cluster
PROFILE = ["--profile", str(ROOT / "profiles/slurm")]
# What the profile leaves to the site. Runs start in another folder; the machine is small; tests do not wait.
SITE = [
    "--slurm-partition-config", str(ROOT / "profiles/slurm/partitions.yaml"), "--set-threads", "fit_coefficients=2",
    "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10",
]  # fmt: skip


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    if missing := missing_programs():
        pytest.fail(f"{', '.join(missing)} not found: apt-get install --no-install-recommends slurm-wlm munge")
    with Slurm() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> dict[str, bytes]:
    """Every table of the same study from a local run."""
    folder = tmp_path_factory.mktemp("local")
    run = snakemake(folder, study(folder, gpu=0), "tables", cores=2)
    assert run.code == 0, run.output
    return tables(folder)


def study(folder: Path, **judge) -> dict:
    """A tiny study with a judge that takes a GPU: 120 requests in batches of 4."""
    config = tiny_study(folder)
    asks = {"gpu": 1, "gpu_model": "tiny", "mem_mb": 1000, "runtime": 5, "batch_size": 4}
    config["judges"].append({"name": "pretend", "kind": "fake", **asks, **judge})
    return config


def tables(folder: Path) -> dict[str, bytes]:
    files = [path for kind in ("parquet", "csv", "md", "tex") for path in folder.rglob(f"results/tiny/**/*.{kind}")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if ".shards" not in str(path)}


def stored(folder: Path) -> list[str]:
    """Keys of all answers in the store."""
    files = sorted((folder / "results/.cache/judgements").rglob("*.jsonl"))
    lines = [line for path in files for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [json.loads(line.split(b" ", 1)[1])["key"] for line in lines]


def begun(folder: Path, config: dict) -> None:
    """Do on this machine what comes before the models."""
    run = snakemake(folder, config, "results/tiny/inputs.json", cores=2)
    assert run.code == 0 and "judge_by_model" not in run.jobs, run.output


def on_cluster(slurm: Slurm, folder: Path, config: dict, *arguments: str, targets=("tables",)) -> subprocess.Popen:
    command = snakemake_command(folder, config, *targets, *PROFILE, *SITE, *arguments)
    output = (folder / "output").open("w")
    return subprocess.Popen(
        command, env={**ENVIRONMENT, **slurm.environment}, cwd=folder, stdout=output, stderr=subprocess.STDOUT
    )


def result(process: subprocess.Popen, folder: Path) -> Run:
    try:
        process.wait(240)
    finally:
        process.kill()
    return Run(process.returncode, (folder / "output").read_text(encoding="utf-8"))


def job_of(slurm: Slurm, process: subprocess.Popen, answers: int, folder: Path, other_than: str = "") -> str:
    """Number of the judge's job, once it runs and so many answers are stored."""
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        jobs = [job for job in slurm.running("judge_by_model") if job != other_than]
        if jobs and len(stored(folder)) >= answers:
            return jobs[0]
        time.sleep(0.1)
    raise AssertionError((folder / "output").read_text(encoding="utf-8"))


def test_cancelled_crashed_and_resumed_the_tables_are_those_of_a_local_run(slurm, local, tmp_path):
    slow = study(tmp_path, seconds=1.0)
    begun(tmp_path, slow)
    process = on_cluster(slurm, tmp_path, slow, "--retries", "1")
    first = job_of(slurm, process, 8, tmp_path)
    asked = slurm.describe(first)
    assert asked["TresPerJob"] == "gres:gpu:tiny:1" and asked["Partition"] == "gpu", asked
    assert asked["MinMemoryNode"] == "1000M" and asked["TimeLimit"] == "00:05:00", asked
    slurm.cancel(first)

    kept = len(stored(tmp_path))
    second = job_of(slurm, process, kept + 8, tmp_path, other_than=first)
    asked = slurm.describe(second)
    assert asked["MinMemoryNode"] == "2000M" and asked["TimeLimit"] == "00:10:00", "more when tried again"
    node = asked["NodeList"]
    slurm.crash(node)
    failed = result(process, tmp_path)
    assert failed.code != 0, failed.output
    assert not (tmp_path / "results/tiny/judgements/pretend.parquet").exists()
    before = len(stored(tmp_path))
    assert 16 <= before < 120

    run = result(on_cluster(slurm, tmp_path, study(tmp_path)), tmp_path)
    assert run.code == 0, run.output
    assert run.jobs["judge_by_model"] == run.jobs["fit_coefficients"] == 1, run.jobs
    assert len(stored(tmp_path)) == len(set(stored(tmp_path))) == 120, "nothing was asked twice"
    log = (tmp_path / "results/tiny/logs/judge_by_model/pretend.log").read_text(encoding="utf-8")
    assert log.startswith(f"{before} of 120 requests need no asking")
    assert tables(tmp_path) == local
    slurm.start_node(node)


def test_shards_go_out_as_one_array(slurm, local, tmp_path):
    judged = "results/tiny/judgements/pretend.parquet"
    shards = study(tmp_path, shards=2)
    begun(tmp_path, shards)
    run = result(on_cluster(slurm, tmp_path, shards, "--slurm-array-jobs", "judge_shard", targets=[judged]), tmp_path)
    assert run.code == 0, run.output
    tasks = [job for job in slurm.run("squeue", "-h", "-r", "-t", "all", "-o", "%i").split() if "_" in job]
    assert len(tasks) == 2 and len({task.split("_")[0] for task in tasks}) == 1, "both shards in one array"
    assert (tmp_path / judged).read_bytes() == local[judged]
