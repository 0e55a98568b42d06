"""The folder of a study: of a layout that this version can go on with, and worked on by one run at a time.

Runs when the Snakefile is parsed: it needs only the standard library.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.files import write_text

# Raise it when a table that is dear to make (judgements, ratings) changes so that older ones cannot be read.
LAYOUT = 1
STAMP = "layout.json"
LOCK = ".lock"
_held: list[int] = []


def check_layout(folder: str | Path) -> None:
    """Refuse a folder that another version left behind; one without a stamp is of the first layout.

    Raises
    ------
    InputError
        When its layout is another one, or the stamp is damaged.
    """
    stamp = Path(folder) / STAMP
    if not stamp.is_file():
        return
    try:
        layout = json.loads(stamp.read_text(encoding="utf-8"))["layout"]
    except (ValueError, KeyError, TypeError):
        fix = f'it should hold {{"layout": {LAYOUT}}}, or move the folder away'
        raise InputError("it does not say which layout these results have", where=str(stamp), fix=fix) from None
    if layout != LAYOUT:
        raise InputError(
            f"these results have layout {layout}, and this version makes layout {LAYOUT}",
            where=str(folder),
            fix="give another `results_dir`, or move the folder away; the answers under `cache_dir` are used again",
        )


def claim(folder: str | Path) -> None:
    """Stamp the folder, and hold it until this process ends, however it ends.

    Raises
    ------
    InputError
        When another run holds it, or it cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _hold(folder / LOCK)
        if not (folder / STAMP).exists():
            write_text(folder / STAMP, json.dumps({"layout": LAYOUT}) + "\n")
    except OSError as error:
        fix = "make it writable, or give another `results_dir`"
        raise InputError(f"it cannot be written: {error.strerror}", where=str(folder), fix=fix) from None


def _hold(path: Path) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(handle, 200).decode("utf-8", "replace").strip()
        os.close(handle)
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        fix = "wait for it, or stop it"
        raise InputError(
            f"another run is at work on it: {holder or 'unknown'}", where=str(path.parent), fix=fix
        ) from None
    os.ftruncate(handle, 0)
    os.write(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    _held.append(handle)
