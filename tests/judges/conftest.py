"""Real engines on CPU: the interpreter of the judges' environment, a model made on the spot, and the bundled sample."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.judges.prompts import load_template
from prefdissect.judges.random_model import make_random_model
from prefdissect.judges.requests import build_requests
from prefdissect.pairs.registry import read_source

PYTHON_VARIABLE = "PREFDISSECT_JUDGE_PYTHON"
DRIVER = Path(__file__).with_name("drive_engine.py")
VOCABULARY = 32_000


@pytest.fixture(scope="session")
def judge_python(root) -> str:
    """Python with vLLM; these tests have no sense without it, so it is never skipped."""
    named = os.environ.get(PYTHON_VARIABLE)
    python = Path(named) if named else root / ".venv-judge" / "bin" / "python"
    if not python.is_file():
        pytest.fail(f"{python} is missing: run `make install-judge`, or name a Python with vLLM in {PYTHON_VARIABLE}")
    return str(python)


@pytest.fixture(scope="session")
def sample_pairs(root):
    record = {"name": "sample", "kind": "responses", "path": str(root / "data/sample/queries")}
    return read_source(record | {"empty_responses": "error"}, load_catalogue()).pairs


@pytest.fixture(scope="session")
def sample_requests(sample_pairs) -> list[dict]:
    """Both orders of all pairs of the bundled sample."""
    return build_requests(sample_pairs, None)


@pytest.fixture(scope="session")
def raw_template(root) -> dict:
    return load_template(root / "workflow/prompts/pairwise.yaml").to_dict()


@pytest.fixture(scope="session")
def chat_template(root) -> dict:
    return load_template(root / "workflow/prompts/pairwise_chat.yaml").to_dict()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory, sample_pairs) -> Path:
    """Random weights with a vocabulary of a real model's size."""
    texts = [*sample_pairs["prompt"], *sample_pairs["response_a"], *sample_pairs["response_b"]]
    folder = tmp_path_factory.mktemp("models") / "random"
    return make_random_model(folder, texts, seed=7, vocab_size=VOCABULARY, rows=VOCABULARY)


@pytest.fixture(scope="session")
def judge_environment(root) -> dict:
    """Environment of processes with an engine: no network, the library on the path, this machine's settings aside."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VLLM_")}
    return kept | {"PYTHONPATH": str(root / "scripts"), "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="session")
def run_jobs(judge_python, judge_environment, tmp_path_factory):
    """Run jobs (see `drive_engine.py`) in one process of the judges' environment; results by name."""

    def run(jobs: list[dict]) -> dict[str, dict]:
        folder = tmp_path_factory.mktemp("jobs")
        (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
        command = [judge_python, str(DRIVER), str(folder / "jobs.json"), str(folder / "results.jsonl")]
        done = subprocess.run(command, env=judge_environment, cwd=folder, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
        lines = (folder / "results.jsonl").read_text(encoding="ascii").splitlines()
        results = {result["name"]: result for result in map(json.loads, lines)}
        assert list(results) == [job["name"] for job in jobs]
        return results

    return run
