"""Have pairs judged by a model in a process of its own, and bring its verdicts into the judgements table.

The worker (`prefdissect.judges.worker`) runs under the interpreter of the judge's environment; this module runs in the
workflow's and does all that needs tables.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.judges.prompts import Template, check_turns, load_template
from prefdissect.judges.worker import ERROR_PREFIX, read_lines, write_lines
from prefdissect.tables import ORDERS, conform, write_text

WORKER = "prefdissect.judges.worker"
LIBRARY = Path(__file__).resolve().parents[2]
GRACE_SECONDS = 10


def build_requests(pairs: pd.DataFrame, template: Template) -> list[dict]:
    """Two requests per pair, one for each order, next to each other.

    Returns
    -------
    List of {id, prompt, turns, first, second}: `id` is `<pair_id>|ab` or `<pair_id>|ba`; `turns` a list of messages or
    None.

    Raises
    ------
    InputError
        When a pair's earlier turns are damaged or have no place in the template.
    """
    requests = []
    for row in pairs[["pair_id", "prompt", "turns", "response_a", "response_b"]].itertuples(index=False):
        where = f"pair `{row.pair_id}`, column `turns`"
        turns = _turns(row.turns, where)
        check_turns(template, turns, where)
        shown = {"ab": (row.response_a, row.response_b), "ba": (row.response_b, row.response_a)}
        for order in ORDERS:
            first, second = shown[order]
            identity = f"{row.pair_id}|{order}"
            requests.append({"id": identity, "prompt": row.prompt, "turns": turns, "first": first, "second": second})
    return requests


def _turns(value: object, where: str) -> list[dict] | None:
    if value is None or pd.isna(value) or value == "":
        return None
    try:
        turns = json.loads(value)
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=where, fix='[{"role": ..., "content": ...}, ...]') from None
    if not isinstance(turns, list):
        raise InputError(f"holds {value!r}", where=where, fix='[{"role": ..., "content": ...}, ...]')
    return turns or None


def to_judgements(pairs: pd.DataFrame, verdicts: list[dict], judge_name: str) -> pd.DataFrame:
    """Bring a worker's verdicts into the form of the table `judgements`, two rows per pair, in the order of the pairs.

    The larger log-probability wins, equal ones are a tie; a request that was not scored has neither verdict nor
    numbers.

    Raises
    ------
    InputError
        When a verdict is missing, given twice, or on a pair that was not asked.
    """
    found = {verdict["id"]: verdict for verdict in verdicts}
    asked = [(pair_id, order) for pair_id in pairs["pair_id"] for order in ORDERS]
    _check_complete(verdicts, found, [f"{pair_id}|{order}" for pair_id, order in asked], judge_name)
    rows = [_row(found[f"{pair_id}|{order}"], pair_id, order) for pair_id, order in asked]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    return conform(frame.assign(judge=judge_name, sample=0), "judgements")


_COLUMNS = ("pair_id", "order", "logp_a", "logp_b", "mass", "verdict", "status", "truncated")


def _check_complete(verdicts: list[dict], found: dict, asked: list[str], judge_name: str) -> None:
    where = f"verdicts of judge `{judge_name}`"
    if len(found) < len(verdicts):
        raise InputError(f"{len(verdicts) - len(found)} requests have more than one verdict", where=where)
    for problem, ids in (("lack", set(asked) - set(found)), ("hold an unknown", set(found) - set(asked))):
        if ids:
            raise InputError(f"{problem} request, in {len(ids)} cases, such as `{min(ids)}`", where=where)


def _row(verdict: dict, pair_id: str, order: str) -> tuple:
    scored = verdict["status"] == "ok"
    logps = (verdict["logp_first"], verdict["logp_second"]) if scored else (None, None)
    logp_a, logp_b = logps if order == "ab" else logps[::-1]
    mass = verdict["mass"] if scored else None
    return pair_id, order, logp_a, logp_b, mass, _winner(logp_a, logp_b), verdict["status"], verdict["truncated"]


def _winner(logp_a: float | None, logp_b: float | None) -> str | None:
    if logp_a is None or logp_b is None:
        return None
    if logp_a == logp_b:
        return "tie"
    return "a" if logp_a > logp_b else "b"


def to_stderr(line: str) -> None:
    """Where the worker's lines go unless `run_worker` is told otherwise."""
    print(line, file=sys.stderr, flush=True)


def run_worker(
    judge_record: dict,
    template_path: str | Path,
    pairs: pd.DataFrame,
    workdir: str | Path,
    interpreter: str | Path | None = None,
    log: Callable[[str], None] = to_stderr,
) -> pd.DataFrame:
    """Judge pairs in both orders with a worker process.

    Parameters
    ----------
    judge_record
        The judge's record: `name`, `kind`, and what its engine reads.
    template_path
        Prompt template (YAML).
    pairs
        Table `pairs`.
    workdir
        Folder for the worker's files (`judge.json`, `requests.jsonl`, `verdicts.jsonl`); made where absent, and for one
        judge at a time.
    interpreter
        Python of the judge's environment; None for the current one.
    log
        Receives the worker's output, line by line.

    Returns
    -------
    Table `judgements` of this judge.

    Raises
    ------
    InputError
        With the worker's own message when it stops on a user's fault, else with how it ended.
    """
    template = load_template(template_path)
    workdir = Path(workdir)
    paths = [workdir / name for name in ("judge.json", "requests.jsonl", "verdicts.jsonl")]
    requests = build_requests(pairs, template)
    write_text(paths[0], json.dumps({**judge_record, "template": template.to_dict()}, indent=1))
    write_lines(paths[1], requests)
    paths[2].unlink(missing_ok=True)
    _run([str(interpreter or sys.executable), "-m", WORKER, *map(str, paths)], judge_record["name"], log)
    if not paths[2].is_file():
        raise InputError("the judge worker ended without verdicts", where=f"judge `{judge_record['name']}`")
    return to_judgements(pairs, read_lines(paths[2]), judge_record["name"])


def _run(command: list[str], judge_name: str, log: Callable[[str], None]) -> None:
    """Run the worker to its end, and in no case leave it behind."""
    where = f"judge `{judge_name}`"
    with _sigterm_raises():
        try:
            process = subprocess.Popen(
                [*command, "--stop-with-stdin"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=_environment(command[0]),
            )
        except OSError as error:
            problem = f"the judge's interpreter `{command[0]}` cannot be started: {error.strerror}"
            raise InputError(problem, where=where, fix="a Python with the judge's packages") from None
        try:
            stated, last = _forward(process, log)
            status = process.wait()
        finally:
            _stop(process)
    if stated is not None:
        raise InputError(stated)
    if status:
        raise InputError(_ending(status, last), where=where, fix="its whole output is in the log")


def _environment(interpreter: str) -> dict[str, str]:
    # Another interpreter must not meet the packages of this one.
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    inherited = os.environ.get("PYTHONPATH") if interpreter == sys.executable else None
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(LIBRARY), inherited]))
    environment.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # Threads that spin while they wait take the processor from each other when jobs run side by side:
    # on two busy cores scoring used about three times the processor time.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment


def _forward(process: subprocess.Popen, log: Callable[[str], None]) -> tuple[str | None, str]:
    """Pass the worker's lines on until it closes its output; return its stated error and its last line."""
    stated, last = None, deque([""], maxlen=1)
    for raw in process.stdout:
        line = raw.decode("utf-8", "replace").rstrip()
        if line.startswith(ERROR_PREFIX):
            stated = line.removeprefix(ERROR_PREFIX)
            continue
        log(line)
        if line.strip():
            last.append(line.strip())
    return stated, last[0]


def _ending(status: int, last: str) -> str:
    if status == -signal.SIGKILL:
        return "the judge worker was killed (signal 9), most often for want of memory"
    how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
    return f"the judge worker ended {how}" + (f": {last}" if last else "")


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    process.stdin.close()
    process.stdout.close()


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that the worker is stopped; only the main thread can ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if previous is None else previous)
