"""Worker processes: started, listened to, and in no case left behind."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.judges.worker import ERROR_PREFIX, PROGRESS_PREFIX

WORKER = "prefdissect.judges.worker"
LIBRARY = Path(__file__).resolve().parents[2]
GRACE_SECONDS = 10


def to_stderr(line: str) -> None:
    """Where workers' lines go unless told otherwise."""
    print(line, file=sys.stderr, flush=True)


@dataclass
class Worker:
    """One worker process and how it is started.

    Attributes
    ----------
    judge
        Name of the judge.
    interpreter
        Python that runs it.
    files
        Its files: judge, requests, answers.
    options
        Further arguments.
    environment
        Variables on top of the present ones.
    role
        What messages call it: judge or annotator.
    """

    judge: str
    interpreter: str
    files: list[str]
    options: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    role: str = "judge"
    process: subprocess.Popen | None = None
    stated: str | None = None
    last: str = ""

    def start(self) -> None:
        """Start it in a process group of its own, so that all it starts can be ended with it. Raises `InputError`."""
        command = [self.interpreter, "-m", WORKER, *self.files, *self.options, "--stop-with-stdin"]
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=_environment(self.interpreter) | self.environment,
                start_new_session=True,
            )
        except OSError as error:
            problem = f"the judge's interpreter `{self.interpreter}` cannot be started: {error.strerror}"
            raise InputError(problem, where=self.where, fix="a Python with the judge's packages") from None

    @property
    def where(self) -> str:
        return f"{self.role} `{self.judge}`"

    def check(self) -> None:
        """Raise `InputError` unless it ended well."""
        status = self.process.wait()
        if self.stated is not None:
            raise InputError(self.stated)
        if status:
            raise InputError(_ending(status, self.last), where=self.where, fix="its whole output is in the log")
        if not Path(self.files[2]).is_file():
            raise InputError("the judge worker ended without answers", where=self.where)

    def stop(self) -> None:
        """End it, with all that it started."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def end_group(self) -> None:
        """Once it has ended, end what it started: a child would keep its output open and its GPUs busy."""
        self.process.wait()
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:  # the whole group has ended
            return


def run_all(
    workers: list[Worker], log: Callable[[str], None], progress: Callable[[int, dict], None] | None = None
) -> None:
    """Run workers side by side to their end; the first that fails ends them all.

    Parameters
    ----------
    workers
        The workers.
    log
        Receives their output, line by line.
    progress
        Receives the number of a worker and its state, where it reports one.

    Raises
    ------
    InputError
        With the worker's own message when it stops on a user's fault, else with how it ended.
    """
    lines: queue.Queue = queue.Queue()
    with _sigterm_raises():
        try:
            for number, worker in enumerate(workers):
                worker.start()
                threading.Thread(target=_listen, args=(number, worker, lines), daemon=True).start()
                threading.Thread(target=worker.end_group, daemon=True).start()
            running = len(workers)
            while running:
                number, line = lines.get()
                if line is None:
                    workers[number].check()
                    running -= 1
                    continue
                _take(workers, number, line, log, progress)
        finally:
            for worker in workers:
                worker.stop()


def _listen(number: int, worker: Worker, lines: queue.Queue) -> None:
    for raw in worker.process.stdout:
        # Of a line that was drawn over and over only the last state is left.
        lines.put((number, raw.decode("utf-8", "replace").rstrip().rpartition("\r")[2]))
    lines.put((number, None))


def _take(workers: list[Worker], number: int, line: str, log: Callable, progress: Callable | None) -> None:
    worker = workers[number]
    if line.startswith(ERROR_PREFIX):
        worker.stated = line.removeprefix(ERROR_PREFIX)
    elif line.startswith(PROGRESS_PREFIX):
        if progress is not None:
            progress(number, json.loads(line.removeprefix(PROGRESS_PREFIX)))
    else:
        log(f"[{number + 1}/{len(workers)}] {line}" if len(workers) > 1 else line)
        worker.last = line.strip() or worker.last


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


def _ending(status: int, last: str) -> str:
    if status == -signal.SIGKILL:
        return "the judge worker was killed (signal 9), most often for want of memory"
    how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
    return f"the judge worker ended {how}" + (f": {last}" if last else "")


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that workers are stopped; only the main thread can ask for that."""
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
