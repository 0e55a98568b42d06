"""Have pairs judged by a model in processes of their own, and bring the answers into the judgements table.

The worker (`prefdissect.judges.worker`) runs under the interpreter of the judge's environment; this module runs in the
workflow's and does all that needs tables.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from prefdissect.config import LOADED
from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.judges.answers import where
from prefdissect.judges.devices import claim_gpus
from prefdissect.judges.processes import Worker, run_all, to_stderr
from prefdissect.judges.progress import ProgressDisplay
from prefdissect.judges.prompts import load_template
from prefdissect.judges.requests import build_requests, part_of, to_judgements
from prefdissect.judges.worker import read_lines, write_lines


@dataclass(frozen=True)
class Machine:
    """Where and how a judge's workers run; no part of what they answer.

    Attributes
    ----------
    interpreter
        Python of the judge's environment; None for the current one.
    store
        Folder of the partial stores; None keeps nothing.
    gpus
        How many each judge gets, in equal shares to its `data_parallel` workers; 0 leaves the choice to the engine.
    log
        Receives the workers' output, line by line.
    """

    interpreter: str | Path | None = None
    store: str | Path | None = None
    gpus: int = 0
    log: Callable[[str], None] = to_stderr


def run_judge(
    record: dict,
    template_path: str | Path,
    pairs: pd.DataFrame,
    workdir: str | Path,
    machine: Machine = Machine(),
    *,
    stored_only: bool = False,
) -> tuple[pd.DataFrame, dict]:
    """Judge pairs in both orders with worker processes.

    Parameters
    ----------
    record
        The judge's record: `name`, `kind`, and what its engine reads.
    template_path
        Prompt template (YAML).
    pairs
        Table `pairs`.
    workdir
        Folder for the workers' files; made where absent, and for one judge at a time.
    machine
        Where and how.
    stored_only
        Take all answers from the store, and refuse where one is missing.

    Returns
    -------
    Table `judgements` of this judge, and its usage (see `usage_of`).

    Raises
    ------
    InputError
        With the worker's own message when it stops on a user's fault, else with how it ended; and when more requests
        failed than the record's `max_failed` allows, for a later run asks just these again.
    """
    template = load_template(template_path)
    samples = record.get("samples") or 1
    requests = build_requests(pairs, template, samples)
    answers = ask(record | {"template": template.to_dict()}, requests, workdir, machine, stored_only=stored_only)
    check_failures(answers, record)
    limits = {"samples": samples, "min_mass": record.get("min_mass") or 0.0}
    constrained = bool(record.get("constrained"))
    judgements = to_judgements(pairs, answers, record["name"], template, constrained=constrained, **limits)
    usage = usage_of(answers, judgements, record.get("price"))
    machine.log("table: " + ", ".join(f"{count} {status}" for status, count in usage["statuses"].items()))
    return judgements, usage


def check_failures(answers: list[dict], record: dict) -> None:
    """Refuse more failures than `max_failed` allows, for a later run asks just these again. Raises `InputError`."""
    notes = [answer.get("note", "no reason given") for answer in answers if answer["status"] == "failed"]
    if len(notes) > (record.get("max_failed") or 0.0) * len(answers):
        often, count = Counter(notes).most_common(1)[0]
        problem = f"{len(notes)} of {len(answers)} requests failed, {count} of them with: {often}"
        fix = "run again: what was answered is kept, and only these are asked; `max_failed` accepts a share of them"
        raise InputError(problem, where=where(record), fix=fix)


def usage_of(answers: list[dict], judgements: pd.DataFrame, price: dict | None) -> dict:
    """What a judge's answers took, whenever they were asked.

    Returns
    -------
    {requests, statuses, tokens_read, tokens_written, cost}: cost by the record's `price` (`read` and `written`, per
    million tokens), null without one.
    """
    read, written = (sum(answer.get(key) or 0 for answer in answers) for key in ("n_tokens", "n_output"))
    cost = None if not price else (read * price["read"] + written * price["written"]) / 1e6
    statuses = dict(sorted(Counter(judgements["status"]).items()))
    counts = {"requests": len(answers), "statuses": statuses, "tokens_read": read, "tokens_written": written}
    return counts | {"cost": cost}


def ask(
    judge: dict, requests: list[dict], workdir: str | Path, machine: Machine = Machine(), *, stored_only: bool = False
) -> list[dict]:
    """Answers to requests, in any order; `judge` is a record with its template. See `run_judge`."""
    parts = 1 if stored_only else judge.get("data_parallel") or 1
    gpus = 0 if stored_only else machine.gpus
    workdir = Path(workdir)
    with claim_gpus(gpus, where(judge), machine.log) as devices:
        workers = [
            _worker(
                judge,
                part_of(requests, part, parts, "copy"),
                workdir / str(part),
                machine,
                _share(devices, part, parts),
            )
            for part in range(parts)
        ]
        for worker in workers:
            worker.options += ["--stored-only"] if stored_only else []
        display = ProgressDisplay(judge["name"], machine.log)
        try:
            run_all(workers, machine.log, display.update)
        finally:
            display.close()
    return [answer for part in range(parts) for answer in read_lines(workdir / str(part) / "answers.jsonl")]


def fill_store(
    record: dict,
    template_path: str | Path,
    pairs: pd.DataFrame,
    workdir: str | Path,
    machine: Machine,
    *,
    shard: int,
    shards: int,
) -> dict:
    """Have one shard (from 0) of a judge's requests answered into the store; says how many. See `run_judge`."""
    template = load_template(template_path)
    requests = part_of(build_requests(pairs, template, record.get("samples") or 1), shard, shards, "shard")
    answers = ask(record | {"template": template.to_dict()}, requests, workdir, machine)
    check_failures(answers, record)
    return {"shard": shard, "shards": shards, "requests": len(answers)}


def plan_judge(
    record: dict, template_path: str | Path, pairs: pd.DataFrame, workdir: str | Path, machine: Machine = Machine()
) -> dict:
    """What a run of this judge would cost: see `prefdissect.judges.costs.costs_of`. Raises `InputError`."""
    template = load_template(template_path)
    requests = build_requests(pairs, template, record.get("samples") or 1)
    return plan_asking(record | {"template": template.to_dict()}, requests, workdir, machine)


def plan_asking(judge: dict, requests: list[dict], workdir: str | Path, machine: Machine) -> dict:
    """What these requests would cost; `judge` is a record as `ask` takes it."""
    worker = _worker(judge, requests, Path(workdir), machine, None)
    worker.options.append("--plan")
    run_all([worker], machine.log)
    return read_lines(Path(workdir) / "answers.jsonl")[0]


def _share(devices: list[str] | None, part: int, parts: int) -> list[str] | None:
    return None if devices is None else devices[part * len(devices) // parts : (part + 1) * len(devices) // parts]


def _worker(judge: dict, requests: list[dict], folder: Path, machine: Machine, devices: list[str] | None) -> Worker:
    """Write a worker's files and say how it is started."""
    paths = [folder / name for name in ("judge.json", "requests.jsonl", "answers.jsonl")]
    write_text(paths[0], json.dumps(judge, indent=1))
    write_lines(paths[1], requests)
    paths[2].unlink(missing_ok=True)
    options = ["--store", str(Path(machine.store).resolve())] if machine.store else []
    # A judge that was given no GPU must not take one that another judge holds.
    hidden = devices is None and judge.get("kind") in LOADED
    environment = {"CUDA_VISIBLE_DEVICES": ""} if hidden else {}
    if devices is not None:
        environment = {"CUDA_VISIBLE_DEVICES": ",".join(devices), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    interpreter = str(machine.interpreter or sys.executable)
    files = [str(path) for path in paths]
    return Worker(judge["name"], interpreter, files, options, environment, judge.get("role", "judge"))


def find_interpreter(configured: str, kind: str, project: Path) -> str | None:
    """Python of the judge's environment: as configured, else `.venv-judge` for vLLM where it exists, else None.

    Raises
    ------
    InputError
        When the configured one is not there.
    """
    if configured:
        path = Path(configured).expanduser()
        if not os.access(path, os.X_OK):
            raise InputError(f"config key `judge_python`: `{configured}` is no program", fix="a Python interpreter")
        return str(path.absolute())
    own = project / ".venv-judge" / "bin" / "python"
    return str(own) if kind == "vllm" and own.exists() else None
