"""The process that runs a model judge, started with the interpreter of the judge's environment:

    PYTHONPATH=scripts python -m prefdissect.judges.worker JUDGE.json REQUESTS.jsonl VERDICTS.jsonl

JUDGE.json is the judge's record with its prompt template under `template`. A request is {id, prompt, turns, first,
second}; a verdict {id, logp_first, logp_second, mass, status, truncated, n_tokens}. The verdicts appear complete, in
the order of the requests, or not at all.

An engine is a module with `open_engine(judge, template)` that returns an object with `score(requests)`, which yields
lists of verdicts as they are finished. A new one is one file and one line in `ENGINES`.

Imports only the standard library, numpy, yaml and the engine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.judges.prompts import template_from

ENGINES = {"transformers": "prefdissect.judges.transformers_engine"}

# A line that starts so carries the one message for the user; whoever started the worker passes it on.
ERROR_PREFIX = "judge worker: error: "
STATED_ERROR = 2

TEXTS = ("prompt", "first", "second")


class Progress:
    """Plain lines on stderr with speed and time left, at most one in `every` seconds.

    The time left is reckoned by length of text, since engines take the longest requests first.
    """

    def __init__(self, requests: list[dict], every: float = 5.0):
        self.total, self.done, self.every = len(requests), 0, every
        self.pairs = len({request["id"].rpartition("|")[0] or request["id"] for request in requests})
        self.work = {request["id"]: sum(len(request[key]) for key in TEXTS) + 1 for request in requests}
        self.work_total, self.work_done = sum(self.work.values()), 0
        self.started = self.last = time.monotonic()

    def advance(self, finished: list[dict]) -> None:
        """Count finished requests, and say so when it is time."""
        self.done += len(finished)
        self.work_done += sum(self.work[verdict["id"]] for verdict in finished)
        now = time.monotonic()
        if now - self.last >= self.every and self.done < self.total:
            self.last = now
            left = (now - self.started) * (self.work_total - self.work_done) / self.work_done
            say(f"{self.done} of {self.total} requests, {self._speed(now)}, about {left:.0f} s left")

    def finish(self, verdicts: Iterable[dict]) -> None:
        """The closing line: how many of which status, at what speed, and the mean mass on the answers."""
        verdicts = list(verdicts)
        counts = Counter(verdict["status"] for verdict in verdicts)
        masses = [verdict["mass"] for verdict in verdicts if verdict["mass"] is not None]
        tokens = sum(verdict["n_tokens"] for verdict in verdicts)
        listed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        mean = f", mean mass on the answers {sum(masses) / len(masses):.3g}" if masses else ""
        now = time.monotonic()
        speed = f"{now - self.started:.1f} s, {self._speed(now)}"
        say(f"{self.total} requests ({listed}), {tokens} tokens in {speed}{mean}")

    def _speed(self, now: float) -> str:
        share = self.pairs / self.total if self.total else 0.0
        return f"{self.done * share / max(now - self.started, 1e-9):.3g} pairs/s"


def say(line: str) -> None:
    """One line for the log."""
    print(line, file=sys.stderr, flush=True)


def run(judge_path: Path, requests_path: Path, verdicts_path: Path) -> None:
    """Judge a file of requests. Raises `InputError`."""
    judge = json.loads(judge_path.read_text(encoding="utf-8"))
    template = template_from(judge.pop("template"), f"prompt template of judge `{judge['name']}`")
    requests = read_lines(requests_path)
    verdicts = score(judge, template, requests) if requests else {}
    write_lines(verdicts_path, [verdicts[request["id"]] for request in requests])


def score(judge: dict, template, requests: list[dict]) -> dict[str, dict]:
    """Verdicts by request id; an engine that loses, doubles or invents one is a bug and stops the run."""
    engine = _engine(judge).open_engine(judge, template)
    progress = Progress(requests)
    verdicts: dict[str, dict] = {}
    awaited = {request["id"] for request in requests}
    for finished in engine.score(requests):
        for verdict in finished:
            awaited.remove(verdict["id"])
            verdicts[verdict["id"]] = verdict
        progress.advance(finished)
    if awaited:
        raise RuntimeError(f"the engine gave no verdict on {len(awaited)} requests, such as {sorted(awaited)[0]}")
    progress.finish(verdicts.values())
    return verdicts


def _engine(judge: dict):
    kind = judge.get("kind")
    if kind not in ENGINES:
        raise InputError(f"no engine for judges of kind `{kind}`", where=f"judge `{judge['name']}`", fix=_known())
    return import_module(ENGINES[kind])


def _known() -> str:
    return f"known: {', '.join(ENGINES)}"


def read_lines(path: Path) -> list[dict]:
    """Read JSON Lines; only a newline byte ends a line. Raises `InputError`."""
    rows = []
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise InputError(f"not JSON: {error}", where=f"{path}: line {number}") from None
    return rows


def write_lines(path: Path, rows: Iterable[dict]) -> None:
    """Write JSON Lines under a temporary name, then rename."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.writelines(json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n" for row in rows)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def stop_with_stdin() -> None:
    """End this process when stdin closes, so that it cannot outlive whoever started it, not even after SIGKILL."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="prefdissect.judges.worker", description="Run a model judge.")
    for name in ("judge", "requests", "verdicts"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when stdin closes")
    options = parser.parse_args(arguments)
    if options.stop_with_stdin:
        stop_with_stdin()
    try:
        run(options.judge, options.requests, options.verdicts)
    except InputError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        return _fail(f"{sys.executable} lacks the package `{error.name}`, which the engine of this judge needs")
    except OSError as error:
        return _fail(f"{error.filename or options.verdicts}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130
    return 0


def _fail(message: str) -> int:
    say(ERROR_PREFIX + " ".join(message.split()))
    return STATED_ERROR


if __name__ == "__main__":
    sys.exit(main())
