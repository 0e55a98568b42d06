"""GPUs of this machine: a judge gets as many as it asked for, and no two judges get the same one.

Snakemake counts GPUs and does not hand them out. A job claims devices by locks on files that the operating system
releases when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

from prefdissect.errors import InputError

WAIT_SECONDS = 1.0
# Set by a scheduler: other jobs of it see other devices, perhaps under the same numbers.
SCHEDULERS = ("SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID")


def visible_gpus() -> list[str]:
    """GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, else all that the driver lists."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [name.strip() for name in listed.split(",") if name.strip() and name.strip() != "-1"]
    return _driver_gpus()


def _driver_gpus() -> list[str]:
    """UUIDs of all GPUs that the driver lists, in the order of their slots."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):  # no driver, no GPU
        return []
    return re.findall(r"UUID: (GPU-[0-9a-f-]+)", done.stdout)


@contextmanager
def claim_gpus(count: int, where: str, log: Callable[[str], None]) -> Iterator[list[str] | None]:
    """Hold GPUs for as long as the context lasts.

    Parameters
    ----------
    count
        How many; with 0 nothing is held and nothing hidden.
    where
        How messages call the judge.
    log
        Told when it has to wait for another judge.

    Yields
    ------
    Values for CUDA_VISIBLE_DEVICES, or None for `count` 0.

    Raises
    ------
    InputError
        When fewer are visible than asked for.
    """
    if count == 0:
        yield None
        return
    visible = visible_gpus()
    if len(visible) < count:
        fix = "keys `gpu`, `tensor_parallel` and `data_parallel` of the judge; `device: cpu` runs it without any"
        problem = f"asked for {count} GPU{'s' * (count > 1)} and was given {len(visible)}"
        raise InputError(problem, where=where, fix=fix)
    with ExitStack() as held:
        yield _claim(visible, count, held, where, log)


def _claim(visible: list[str], count: int, held: ExitStack, where: str, log: Callable[[str], None]) -> list[str]:
    """Lock `count` devices, all or none, so that two judges that wait for each other cannot happen."""
    waited, locks = False, _lock_names(visible)
    while True:
        with ExitStack() as attempt:
            claimed = list(islice((name for name in visible if _lock(locks[name], attempt)), count))
            if len(claimed) == count:
                held.push(attempt.pop_all())
                return claimed
        if not waited:
            log(f"{where}: waiting for {count} of the GPUs {', '.join(visible)}")
            waited = True
        time.sleep(WAIT_SECONDS)


def _lock_names(visible: list[str]) -> dict[str, str]:
    """One name for each device however it was called: its UUID where numbers can be told, apart for every batch job."""
    job = next((os.environ[name] for name in SCHEDULERS if name in os.environ), "")
    known = _driver_gpus() if not job and any(name.isdigit() for name in visible) else []
    numbers = {str(number): uuid for number, uuid in enumerate(known)}
    return {name: f"{job}-{numbers.get(name, name)}" for name in visible}


def _lock(name: str, stack: ExitStack) -> bool:
    folder = Path(tempfile.gettempdir()) / f"prefdissect-gpus-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    handle = (folder / re.sub(r"[^A-Za-z0-9_-]", "_", name)).open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return False
    stack.callback(handle.close)
    return True
