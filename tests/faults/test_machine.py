"""Faults of the machine around a study: full and read-only disks, clocks that jump, runs that meet."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stages import stored, tables

from running import ENVIRONMENT, ROOT, Run, snakemake, snakemake_command, tiny_study

pytestmark = pytest.mark.faults
PAIRS = "results/tiny/pairs.parquet"


def study(folder: Path, **judge) -> dict:
    config = tiny_study(folder)
    config["judges"].append({"name": "pretend", "kind": "fake", "batch_size": 4} | judge)
    return config


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Folder of a study with all its tables."""
    folder = tmp_path_factory.mktemp("finished")
    run = snakemake(folder, study(folder), "tables", cores=2)
    assert run.code == 0, run.output
    return folder


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    shutil.copytree(finished, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def run_within(command: list[str], folder: Path, config: dict, *arguments: str) -> Run:
    """Run Snakemake within another command."""
    whole = [*command, *snakemake_command(folder, config, *arguments)]
    done = subprocess.run(whole, capture_output=True, text=True, env=ENVIRONMENT, cwd=folder, timeout=300)
    return Run(done.returncode, done.stdout + done.stderr)


def mounted(script: str) -> list[str]:
    """A command that runs another one after mounts that nobody else sees."""
    return ["unshare", "--map-root-user", "--mount", "sh", "-euc", f'{script}; exec "$@"', "sh"]


def only_error(run: Run) -> str:
    assert run.code != 0 and "Traceback" not in run.output, run.output
    told = [line for line in run.output.splitlines() if line.startswith("Error: ")]
    assert len(told) == 1, run.output
    return told[0]


def litter(folder: Path) -> list[Path]:
    """Files that a write left behind half-way."""
    return [path for path in (folder / "results").rglob(".*") if path.is_file() and path.name != ".lock"]


def test_a_file_that_may_grow_no_further_is_one_message_and_nothing_half_written(tmp_path):
    """A quota of a kind. In a job's own process: Snakemake keeps larger files than that."""
    work = (
        "import pandas as pd; from prefdissect.job import run_job; from prefdissect.tables import write_table; "
        "frame = pd.DataFrame({'pair_id': [str(n) for n in range(9999)], 'group': 'pooled', 'kind': 'pooled'}); "
        "run_job(write_table, 'log', frame=frame, path='groups.parquet', name='groups')"
    )

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", work], cwd=tmp_path, env=environment, capture_output=True, text=True, preexec_fn=limit
    )
    message = "Error: groups.parquet: File too large (once that is mended run again: what is finished is kept)"
    assert (done.returncode, done.stderr.strip()) == (1, message)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_full_disk_loses_no_answer_that_was_kept(finished, tmp_path):
    """The results are on a disk of their own, which another file fills up while the judge is at work."""
    config, results = study(tmp_path, seconds=0.02), tmp_path / "results"
    results.mkdir()
    judged = "results/tiny/judgements/pretend.parquet"
    kept = tmp_path / "kept"
    script = (
        f"mount -t tmpfs -o size=400k tmpfs {results}; head -c 250k /dev/zero > {results}/filler; "
        f"trap 'cp -a {results} {kept}' EXIT"
    )
    within = ["unshare", "--map-root-user", "--mount", "sh", "-euc", f'{script}; "$@"', "sh"]
    error = only_error(run_within(within, tmp_path, config, judged))
    assert "No space left on device" in error, error
    results.rmdir()
    kept.rename(results)
    (results / "filler").unlink()
    before = stored(tmp_path)
    assert litter(tmp_path) == []
    snakemake(tmp_path, config, "--unlock")
    run = snakemake(tmp_path, config, judged)
    assert run.code == 0, run.output
    assert (tmp_path / judged).read_bytes() == (finished / judged).read_bytes()
    assert not before - stored(tmp_path) and max(stored(tmp_path).values()) == 1


def test_read_only_results_are_named_before_any_job(copy, finished):
    """By Snakemake where files would be replaced, by us where a study would begin."""
    results = copy / "results"
    within = mounted(f"mount --bind {results} {results}; mount -o remount,ro,bind {results}")
    again = run_within(within, copy, study(finished, slot_bias=1), "tables")
    assert "Write-protected output files" in again.output and "results/tiny/" in again.output, again.output
    fresh = run_within(within, copy, study(finished) | {"study": "fresh"}, "tables")
    message = "results/fresh: it cannot be written: Read-only file system (make it writable, or give another"
    assert message in fresh.output, fresh.output
    for run in (again, fresh):
        assert run.code != 0 and "Traceback" not in run.output and "Finished jobid" not in run.output


def test_clocks_that_jump_change_no_table_and_cost_no_answer(copy, finished):
    """Every result gets a time of up to two years ago or ahead."""
    before, answers, draw = tables(copy), stored(copy), random.Random(9)
    for path in (path for path in (copy / "results").rglob("*") if path.is_file()):
        moment = path.stat().st_mtime + draw.uniform(-2, 2) * 365 * 86400
        os.utime(path, (moment, moment))
    run = snakemake(copy, study(finished), "tables", cores=2)
    assert run.code == 0, run.output
    assert tables(copy) == before and stored(copy) == answers, "nothing was asked again"


def test_data_from_the_future_are_named(tmp_path):
    config = study(tmp_path)
    os.utime(tmp_path / "pairs.jsonl", (2**31, 2**31))
    run = snakemake(tmp_path, config, "results/tiny/sources/votes/pairs.parquet")
    assert run.code != 0 and "Traceback" not in run.output
    assert "pairs.jsonl" in run.output and "clock skew" in run.output, run.output
    (tmp_path / "pairs.jsonl").touch()
    assert snakemake(tmp_path, config, "results/tiny/sources/votes/pairs.parquet").code == 0


def test_the_second_of_two_runs_on_the_same_results_is_refused(tmp_path):
    config = study(tmp_path, seconds=0.3) | {
        "results_dir": str(tmp_path / "shared"),
        "cache_dir": str(tmp_path / "cache"),
    }
    judged = f"{tmp_path}/shared/tiny/judgements/pretend.parquet"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    first = subprocess.Popen(
        snakemake_command(tmp_path, config, judged), env=ENVIRONMENT, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        for line in first.stdout:
            if line.startswith("Execute"):
                break
        same_folder = snakemake(tmp_path, config, judged)
        other_folder = snakemake(elsewhere, config, judged)
        rest = first.communicate(timeout=240)[0]
    finally:
        first.kill()
    assert same_folder.code != 0 and "cannot be locked" in same_folder.output, same_folder.output
    assert other_folder.code != 0 and "Traceback" not in other_folder.output
    said = f"{tmp_path}/shared/tiny: another run is at work on it: process {first.pid} on "
    assert said in other_folder.output and "(wait for it, or stop it)" in other_folder.output, other_folder.output
    assert first.returncode == 0, rest
    assert snakemake(tmp_path, config, judged, "--dry-run").jobs == {}


@pytest.mark.parametrize("layout", [0, 2])
def test_results_of_another_version_are_refused_and_left_alone(copy, finished, layout):
    stamp = copy / "results/tiny/layout.json"
    stamp.write_text(f'{{"layout": {layout}}}', encoding="utf-8")
    before = tables(copy)
    run = snakemake(copy, study(finished), "tables")
    assert run.code != 0 and "Traceback" not in run.output
    assert f"results/tiny: these results have layout {layout}, and this version makes layout 1" in run.output
    assert tables(copy) == before


def test_a_changed_prompt_redoes_the_judges_that_use_it_and_nothing_else(copy, finished):
    template = copy / "own.yaml"
    shutil.copy(ROOT / "workflow/prompts/pairwise.yaml", template)
    config = study(finished)
    config["judges"].append({"name": "other", "kind": "fake", "seed": 2, "template": str(template)})
    run = snakemake(copy, config, "tables", cores=2)
    assert run.code == 0 and run.jobs["judge_by_model"] == 1, run.output
    before = stored(copy)
    kept = (copy / "results/tiny/judgements/pretend.parquet").stat().st_mtime_ns

    text = template.read_text(encoding="utf-8")
    assert "serves the user better" in text
    template.write_text(text.replace("serves the user better", "helps the user more"), encoding="utf-8")
    run = snakemake(copy, config, "results/tiny/judgements/other.parquet", "results/tiny/judgements/pretend.parquet")
    assert run.code == 0 and run.jobs == {"judge_by_model": 1}, run.output
    asked = stored(copy) - before
    assert len(asked) == 120 and len({judge for judge, _ in asked}) == 1 and not before - stored(copy)
    assert (copy / "results/tiny/judgements/pretend.parquet").stat().st_mtime_ns == kept
