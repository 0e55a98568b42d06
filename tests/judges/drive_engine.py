"""Run engines on a list of jobs in one process, since importing and starting vLLM takes longer than any job here:

    PYTHONPATH=scripts python tests/judges/drive_engine.py JOBS.json RESULTS.jsonl

A job is {name, engine, judge, template, requests}. A result is {name, answers, error, batches, loading, scoring, read,
cached}: `error` is the message of an InputError, `loading` and `scoring` are seconds, `read` and `cached` the engine's
counts of prompt tokens, where it has them.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.judges.prompts import template_from


def run(job: dict) -> dict:
    """The result of one job; anything but an InputError is a bug and ends the process."""
    result = {"name": job["name"], "answers": [], "error": None, "batches": 0}
    start = time.monotonic()
    try:
        module = import_module(f"prefdissect.judges.{job['engine']}")
        engine = module.open_engine(job["judge"], template_from(job["template"], "template"))
        loaded = time.monotonic()
        for finished in engine.score(job["requests"]):
            result["answers"] += finished
            result["batches"] += 1
    except InputError as error:
        return result | {"error": str(error)}
    spent = {"loading": round(loaded - start, 2), "scoring": round(time.monotonic() - loaded, 2)}
    return result | spent | {"read": getattr(engine, "read", None), "cached": getattr(engine, "cached", None)}


def main() -> None:
    jobs = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with Path(sys.argv[2]).open("w", encoding="ascii") as handle:
        for job in jobs:
            handle.write(json.dumps(run(job)) + "\n")
            handle.flush()


if __name__ == "__main__":
    main()
