"""A study of every stage is killed at random moments and started again: its tables are those of an undisturbed run.

`KILLS` (20) is how many kills there are, `SEED` what the moments follow from.
"""

from __future__ import annotations

import base64
import os
import random
import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest
from stages import BATCH, CONCURRENCY, TARGETS, every_stage, log_probabilities, stored, tables

from running import ENVIRONMENT, snakemake, snakemake_command
from servers import Server

pytestmark = pytest.mark.faults
KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 10**6)))
KILLS_EACH = 2  # of one study, before it may run to its end
CORES = 2
KEY = "sk-proj-kill9/aB3+dE_fgh-1234567890"


@dataclass
class Undisturbed:
    """What a run that nothing disturbed left behind."""

    folder: Path
    steps: int
    calls: int


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(key=KEY, model="m", delay=0.02) as one:
        ENVIRONMENT["JUDGE_KEY"] = KEY
        yield one
        del ENVIRONMENT["JUDGE_KEY"]


@pytest.fixture(scope="module")
def undisturbed(server, tmp_path_factory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    run = snakemake(folder, every_stage(folder, server.url), *TARGETS, cores=CORES)
    assert run.code == 0, run.output
    calls, server.calls = len(server.calls), []
    return Undisturbed(folder, sum(run.jobs.values()), calls)


def test_the_key_of_a_server_is_found_nowhere(undisturbed, server):
    """Neither in results, logs, caches and Snakemake's records, nor in what is packed in them; nor in the report."""
    report = undisturbed.folder / "report.html"
    run = snakemake(undisturbed.folder, every_stage(undisturbed.folder, server.url), "--report", str(report))
    assert run.code == 0 and report.stat().st_size > 100_000, run.output
    assert undisturbed.calls >= 80, "the server, which refuses other keys, was asked"
    files = [path for path in undisturbed.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {"served.parquet", "served.log", "measurements.zip", "report.html"} <= {path.name for path in files}
    forms = [form(KEY.encode()) for form in (bytes, base64.b64encode, lambda key: quote(key, safe="").encode())]
    found = [path for path in files if any(form in content for form in forms for content in unpacked(path))]
    assert found == [] and KEY not in run.output


def unpacked(path: Path) -> Iterator[bytes]:
    """What a file holds, and what is packed in it."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield pd.read_parquet(path).to_csv().encode("utf-8", "surrogatepass")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from map(archive.read, archive.namelist())


def kill(folder: Path, command: list[str], steps: int, wait: float) -> bool:
    """Start a run and end all of it at once, `wait` seconds after so many steps; False if it came to its end before."""
    log = folder / "output"
    with log.open("w") as handle:
        process = subprocess.Popen(
            command, env=ENVIRONMENT, cwd=folder, start_new_session=True, stdout=handle, stderr=subprocess.STDOUT
        )
    while process.poll() is None and done(log) < steps:
        time.sleep(0.02)
    time.sleep(wait)
    ended = process.poll() is not None
    kill_all(process.pid)
    process.wait()
    assert not ended or process.returncode == 0, log.read_text(encoding="utf-8")
    return not ended


def done(log: Path) -> int:
    found = re.findall(r"^(\d+) of \d+ steps", log.read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[-1]) if found else 0


def kill_all(leader: int) -> None:
    """SIGKILL a process and its descendants, also those in groups of their own; stopped first, that none escapes."""
    tree = [leader]
    for pid in tree:
        signalled(pid, signal.SIGSTOP)
        tree += [int(child) for task in Path(f"/proc/{pid}/task").glob("*") for child in children(task)]
    for pid in tree:
        signalled(pid, signal.SIGKILL)


def children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except OSError:  # it has ended
        return []


def signalled(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def start_again(folder: Path, config: dict) -> None:
    unlock = snakemake(folder, config, "--unlock")
    assert unlock.code == 0, unlock.output


@pytest.mark.parametrize("number", range((KILLS + KILLS_EACH - 1) // KILLS_EACH))
def test_killed_twice_and_started_again_the_tables_are_the_same(number, undisturbed, server, tmp_path):
    draw = random.Random(f"{SEED}-{number}")
    config = every_stage(tmp_path, server.url)
    server.calls.clear()
    killed, left = 0, undisturbed.steps
    for _ in range(KILLS_EACH):
        at, wait = draw.randrange(max(left - 1, 1)), draw.uniform(0, 3)
        print(f"SEED={SEED}, study {number}: killed {wait:.2f} s after step {at} of {left}")
        before = sum(stored(tmp_path).values())
        killed += kill(tmp_path, snakemake_command(tmp_path, config, *TARGETS, cores=CORES), at, wait)
        assert sum(stored(tmp_path).values()) >= before, "an answer was lost"
        left -= done(tmp_path / "output")
        start_again(tmp_path, config)
    assert killed >= 1, "every run came to its end before it was killed"
    run = snakemake(tmp_path, config, *TARGETS, cores=CORES)
    assert run.code == 0, run.output

    assert_same_tables(tmp_path, undisturbed.folder)
    answers = stored(tmp_path)
    assert set(answers) >= set(stored(undisturbed.folder)), "nothing is lost"
    assert sum(answers.values()) - len(answers) <= killed * BATCH, "made twice: no more than one batch a kill"
    assert undisturbed.calls <= len(server.calls) <= undisturbed.calls + killed * CONCURRENCY
    assert snakemake(tmp_path, config, *TARGETS, "--dry-run").jobs.keys() <= {"contributions", "figures", "tables"}


def assert_same_tables(folder: Path, other: Path) -> None:
    mine, theirs = tables(folder), tables(other)
    assert mine.keys() == theirs.keys()
    assert [name for name in theirs if mine[name] != theirs[name]] == []
    pd.testing.assert_frame_equal(log_probabilities(folder), log_probabilities(other), rtol=0, atol=1e-4)
