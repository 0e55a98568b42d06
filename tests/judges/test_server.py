"""A real vLLM server on this machine against the same model in process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from comparing import assert_equal_judgements, by_id

from prefdissect.judges.prompts import template_from
from prefdissect.judges.words import read_verdict

pytestmark = pytest.mark.judges

NAME = "random"
START_SECONDS = 240
CONTEXT = 4096
MANY, FEW = 504, 24
RAW = {
    "style": "raw",
    "text": "{conversation}\n1: {response_1}\n2: {response_2}\nBest:",
    "answers": [[" A", "A"], [" B", "B"]],
}
WORDS = RAW | {"answers": None, "verdicts": {"first": "A", "second": "B", "tie": "neither"}}
TURNS = [{"role": "user", "content": "Name a river."}, {"role": "assistant", "content": "The Danube is one."}]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(server: subprocess.Popen, port: int, log) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def job(name: str, engine: str, judge: dict, template: dict, requests: list[dict]) -> dict:
    return {"name": name, "engine": engine, "judge": judge, "template": template, "requests": requests}


@pytest.fixture(scope="module")
def asked(sample_requests, raw_template, chat_template) -> dict[str, tuple[dict, list[dict]]]:
    """Template and requests by name."""
    few = sample_requests[:FEW]
    later = [request | {"id": f"later-{request['id']}", "turns": TURNS} for request in few[:8]]
    return {
        "raw": (raw_template, sample_requests[:MANY]),
        "chat": (chat_template, [*few, *later]),
        "spellings": (RAW, few),
    }


@pytest.fixture(scope="module")
def here(run_jobs, asked, model_folder) -> dict[str, dict]:
    judge = {"name": "j", "model": str(model_folder), "dtype": "float32", "device": "cpu", "kv_cache_gb": 1}
    return run_jobs([job(name, "vllm_engine", judge, *each) for name, each in asked.items()])


@contextmanager
def start_server(judge_python, judge_environment, model_folder, folder, port: int, *more: str):
    """Address of a vLLM server that ends with the context, and its engine process with it."""
    options = f"--host 127.0.0.1 --port {port} --served-model-name {NAME} --dtype float32 --enforce-eager"
    options += f" --block-size 32 --max-model-len {CONTEXT} --max-logprobs -1 --generation-config vllm"
    settings = {"TORCH_COMPILE_DISABLE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    command = [judge_python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model_folder), *options.split()]
    log = folder / "server.log"
    with log.open("w") as handle:
        server = subprocess.Popen(
            [*command, *(part for each in more for part in each.split(" "))],
            env=judge_environment | settings,
            cwd=folder,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(server, port, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")
def server(here, judge_python, judge_environment, model_folder, tmp_path_factory):
    """A server, started after the model was asked in process: even idle it takes its share of the machine."""
    folder = tmp_path_factory.mktemp("server")
    with start_server(judge_python, judge_environment, model_folder, folder, free_port()) as url:
        yield url


@pytest.fixture(scope="module")
def there(run_jobs, server, asked, model_folder) -> dict[str, dict]:
    judge = {"name": "j", "model": NAME, "base_url": server, "concurrency": 16, "timeout": 120}
    exact = judge | {"exact": True, "tokenizer": str(model_folder)}
    prefilled = judge | {"prefill": True, "top_logprobs": 32_000}
    chat, requests = asked["chat"]
    jobs = [job(name, "openai_engine", exact, *each) for name, each in asked.items()]
    jobs += [
        job("prefilled", "openai_engine", prefilled, chat, [*requests[:2], requests[-1]]),
        job("words", "openai_engine", judge | {"max_tokens": 8, "constrained": True}, WORDS, requests[:FEW]),
        job("no such model", "openai_engine", exact | {"model": "other"}, RAW, requests[:2]),
    ]
    return run_jobs(jobs)


@pytest.mark.parametrize("name", ["raw", "chat", "spellings"])
def test_a_server_answers_as_the_model_in_process(here, there, name):
    assert_equal_judgements(there[name], here[name])
    assert {answer["status"] for answer in by_id(there[name]).values()} == {"ok"}
    assert name != "raw" or len(there[name]["answers"]) >= 500


def test_a_beginning_that_the_server_prefills_reads_the_same(here, there):
    """The server renders the chat itself and lists the whole vocabulary: other ways to the same numbers."""
    asked = by_id(there["prefilled"])
    same = [answer for identity, answer in by_id(here["chat"]).items() if identity in asked]
    assert_equal_judgements(there["prefilled"], {"error": None, "answers": same})


def test_constrained_words_from_a_server_are_offered_verdicts(there):
    answers = by_id(there["words"])
    template = template_from(WORDS, "t")
    said = {read_verdict(answer["text"], template) for answer in answers.values()}
    assert len(answers) == FEW and None not in said and len(said) > 1


def test_a_model_that_the_server_does_not_have_is_named(there):
    result = there["no such model"]
    told = [result["error"]] if result["error"] else [answer["note"] for answer in result["answers"]]
    assert told and all("other" in line or "404" in line for line in told)
    assert all(answer["status"] != "ok" for answer in result["answers"])
