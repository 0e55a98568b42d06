"""The process that runs a model judge, started with the interpreter of the judge's environment:

    PYTHONPATH=scripts python -m prefdissect.judges.worker JUDGE.json REQUESTS.jsonl ANSWERS.jsonl --store FOLDER

JUDGE.json is the judge's record with its prompt template under `template`; that of an annotator, with `annotation` in
its place, is the affair of `prefdissect.annotators.job`, that of a model that writes outputs, with `generation`, of
`prefdissect.manipulation.job`. A request is {id, prompt, turns, first,
second, sample}; the form of an answer is told in `prefdissect.judges.answers`. Finished answers go to the partial store
at once, and what it holds already is not asked again: with nothing missing no engine is loaded. ANSWERS.jsonl appears
complete, in the order of the requests, or not at all.

An engine is a module with `identify(judge)` (all of the record that answers depend on; cheap) and
`open_engine(judge, template)`, which returns an object with `score(requests)`: it yields lists of answers as they are
finished, one per request, in any order. A new one is one file and one line in `ENGINES`.

Imports only the standard library, numpy, yaml and the engine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.judges.answers import where
from prefdissect.judges.prompts import Template, template_from, template_hash, texts_of
from prefdissect.judges.store import Store, request_key

ENGINES = {
    "transformers": "prefdissect.judges.transformers_engine",
    "vllm": "prefdissect.judges.vllm_engine",
    "openai": "prefdissect.judges.openai_engine",
    "fake": "prefdissect.judges.fake_engine",
}
# Raised by hand when the same record would be answered differently, so that an edited comment never costs a GPU-day.
PROTOCOL = 3
SAMPLING = ("temperature", "top_p", "max_tokens", "seed", "constrained")

# Lines that start so are for whoever started the worker: the one message for the user, and how far it is.
ERROR_PREFIX = "judge worker: error: "
PROGRESS_PREFIX = "judge worker: progress: "
STATED_ERROR = 2

SPEED_REQUESTS = 50  # fewer tell nothing of the speed


class Progress:
    """How far the worker is, as lines of JSON: at most one in `every` seconds.

    The time left is reckoned by length of text, since engines take the longest requests first. `unit` is what the speed
    is told in.
    """

    def __init__(self, requests: list[dict], every: float = 0.5, unit: str = "pairs"):
        self.total, self.done, self.every, self.unit = len(requests), 0, every, unit
        self.pairs = len({pair_of(request["id"]) for request in requests})
        self.work = {request["id"]: sum(map(len, texts_of(request))) + 1 for request in requests}
        self.work_total, self.work_done = sum(self.work.values()), 0
        self.started = self.last = time.monotonic()

    def advance(self, finished: list[dict]) -> None:
        """Count finished requests, and say so when it is time."""
        self.done += len(finished)
        self.work_done += sum(self.work[answer["id"]] for answer in finished)
        now = time.monotonic()
        if now - self.last >= self.every or self.done == self.total:
            self.last = now
            seconds = now - self.started
            left = seconds * (self.work_total - self.work_done) / max(self.work_done, 1)
            state = {"done": self.done, "total": self.total, "per_s": round(self.speed(), 4)}
            state["unit"] = self.unit
            say(PROGRESS_PREFIX + json.dumps(state | {"seconds": round(seconds, 1), "left": round(left, 1)}))

    def speed(self) -> float:
        """Pairs, or whatever the unit is, per second so far."""
        share = self.pairs / self.total if self.total else 0.0
        return self.done * share / max(time.monotonic() - self.started, 1e-9)


def pair_of(identity: str) -> str:
    """The pair that a request `<pair_id>|<order>|<sample>` is about."""
    return identity.rsplit("|", 2)[0]


def say(line: str) -> None:
    """One line for the log."""
    print(line, file=sys.stderr, flush=True)


class Job:
    """A judge and its requests, with the answers that are known already.

    Parameters
    ----------
    judge
        The judge's record; see the module's text.
    requests
        Its requests.
    store_root
        Folder of the stores, or None to keep nothing.
    stored_only
        Take failures from the store too: nothing will be asked.

    Raises
    ------
    InputError
        When the record is unusable.
    """

    unit = "pairs"
    retry = "run its shards again: --forcerun judge_shard; is `cache_dir` one folder on all machines?"

    def __init__(self, judge: dict, requests: list[dict], store_root: Path | None, stored_only: bool = False):
        self.judge, self.engine, self.stored_only = judge, _engine(judge), stored_only
        self.template = self._template()
        self.identity = self._identity()
        judge |= self.engine.pinned(self.identity) if hasattr(self.engine, "pinned") else {}
        self.store = None
        if store_root:
            limits = (judge.get("max_length"), judge.get("too_long", "mark"))
            self.store = Store(store_root, self.identity, limits)
        self.requests: list[dict] = []
        self.keys: dict[str, str] = {}
        self.known: dict[str, dict] = {}
        self.add(requests)

    def _template(self) -> Template:
        return template_from(self.judge.pop("template"), f"prompt template of {where(self.judge)}")

    def _identity(self) -> dict:
        return identity_of(self.judge, self.template, self.engine)

    def add(self, requests: list[dict]) -> None:
        """Take requests in, with the answers that the store has."""
        keys = {request["id"]: request_key(request) for request in requests}
        self.requests += requests
        self.keys |= keys
        self.known |= self.store.load(keys.values(), failures=self.stored_only) if self.store else {}

    def advance(self) -> None:
        """Make the requests that the answers so far call for: none of a judge's."""

    def guessed(self) -> list[dict]:
        """For a plan: requests that can only be guessed before others are answered."""
        return []

    @property
    def missing(self) -> list[dict]:
        """Requests without an answer; of several with the same texts the first."""
        first = {}
        for request in self.requests:
            key = self.keys[request["id"]]
            if key not in self.known:
                first.setdefault(key, request)
        return list(first.values())

    def answers(self) -> Iterator[dict]:
        """The answer to every request, in their order."""
        for request in self.requests:
            yield self.known[self.keys[request["id"]]] | {"id": request["id"]}

    def summary(self) -> str:
        """The closing line."""
        return _summary(list(self.answers()))


def identity_of(judge: dict, template: Template, engine) -> dict:
    """All that the judge's answers depend on beside the request: engine's part, prompt template, sampling.

    How words are read is no part of it unless the engine allows no others.
    """
    sampling = {key: judge.get(key) for key in SAMPLING} if template.verdicts else {}
    if template.verdicts and not judge.get("constrained"):
        template = replace(template, verdicts=(), read="whole")
    return {"protocol": PROTOCOL, **engine.identify(judge), "template": template_hash(template), "sampling": sampling}


def _engine(judge: dict):
    kind = judge.get("kind")
    if kind not in ENGINES:
        known = f"known: {', '.join(ENGINES)}"
        raise InputError(f"no engine for judges of kind `{kind}`", where=where(judge), fix=known)
    return import_module(ENGINES[kind])


def open_job(judge_path: Path, requests_path: Path, store_root: Path | None, stored_only: bool = False) -> Job:
    """The job that two files describe. Raises `InputError` when a file or the record is unusable."""
    judge = json.loads(judge_path.read_text(encoding="utf-8"))
    kind = Job
    if "annotation" in judge:
        from prefdissect.annotators.job import AnnotationJob as kind
    if "generation" in judge:
        from prefdissect.manipulation.job import GenerationJob as kind
    return kind(judge, read_lines(requests_path), store_root, stored_only)


def run(job: Job, answers_path: Path, stored_only: bool = False) -> None:
    """Have all requests answered and write the answers. Raises `InputError`, `OSError`."""
    missing = job.missing
    if job.store and job.requests:
        torn = f"; {job.store.damaged} damaged lines of the store are left out" if job.store.damaged else ""
        say(f"{len(job.requests) - len(missing)} of {len(job.requests)} requests need no asking{torn}")
    if missing and stored_only:
        raise InputError(f"{len(missing)} answers are missing", where=where(job.judge), fix=job.retry)
    engine = job.engine.open_engine(job.judge, job.template) if missing else None
    while missing:
        _ask(job, engine, missing)
        job.advance()
        missing = job.missing
    write_lines(answers_path, job.answers())
    say(job.summary())


def _ask(job: Job, engine, missing: list[dict]) -> None:
    """Ask the engine; one that loses, doubles or invents an answer is a bug and stops the run."""
    progress = Progress(missing, unit=job.unit)
    awaited = {request["id"] for request in missing}
    try:
        for finished in engine.score(missing):
            for answer in finished:
                awaited.remove(answer["id"])
                job.known[job.keys[answer["id"]]] = answer
            if job.store:
                job.store.append((job.keys[answer["id"]], answer) for answer in finished)
            progress.advance(finished)
    finally:
        if job.store:
            job.store.close()
    if awaited:
        raise RuntimeError(f"the engine gave no answer to {len(awaited)} requests, such as {min(awaited)}")
    seconds = time.monotonic() - progress.started
    if job.store and len(missing) >= SPEED_REQUESTS:
        tokens = sum(job.known[job.keys[request["id"]]].get("n_tokens", 0) for request in missing)
        job.store.remember_speed(tokens / seconds)
    say(f"asked {len(missing)} requests in {seconds:.1f} s, {progress.speed():.3g} {job.unit}/s")


def _summary(answers: list[dict]) -> str:
    """The closing line: how many of which status and why, tokens, and the mean mass on the answers."""
    counts = Counter(answer["status"] for answer in answers)
    notes = Counter(answer["note"] for answer in answers if answer.get("note"))
    masses = [answer["mass"] for answer in answers if answer.get("mass") is not None]
    listed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    parts = [f"{len(answers)} requests ({listed})", f"{sum(a.get('n_tokens', 0) for a in answers)} tokens read"]
    if any(answer.get("n_output") for answer in answers):
        parts.append(f"{sum(a.get('n_output', 0) for a in answers)} written")
    if masses:
        parts.append(f"mean mass on the answers {sum(masses) / len(masses):.3g}")
    parts += [f"{count} x {note}" for note, count in notes.most_common(5)]
    return "; ".join(parts)


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
    """End this process and those it started when stdin closes: none may outlive whoever started the worker."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        if os.getpgrp() == os.getpid():  # a group of our own: engines with processes of their own end with us
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    options = _options(arguments)
    if options.stop_with_stdin:
        stop_with_stdin()
    try:
        job = open_job(options.judge, options.requests, options.store, options.stored_only)
        if options.plan:
            from prefdissect.judges.costs import costs_of

            write_lines(options.answers, [costs_of(job)])
        else:
            run(job, options.answers, options.stored_only)
    except InputError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        return _fail(f"{sys.executable} lacks the package `{error.name}`, which the engine of this judge needs")
    except OSError as error:
        return _fail(f"{error.filename or options.answers}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="prefdissect.judges.worker", description="Run a model judge.")
    for name in ("judge", "requests", "answers"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--store", type=Path, help="folder of the partial stores")
    parser.add_argument("--plan", action="store_true", help="only say what a run would cost")
    parser.add_argument("--stored-only", action="store_true", help="refuse to ask anything")
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when stdin closes")
    return parser.parse_args(arguments)


def _fail(message: str) -> int:
    say(ERROR_PREFIX + " ".join(message.split()))
    return STATED_ERROR


if __name__ == "__main__":
    sys.exit(main())
