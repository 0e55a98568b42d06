"""Writing files whole: they appear by an atomic rename, so a half-written file cannot exist."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def atomic_write(path: str | Path, write: Callable) -> None:
    """Call `write(binary handle)` on a temporary file beside `path`, then rename it into place.

    Raises
    ------
    OSError
        Naming `path`, when the disk is full or cannot be written; nothing is left behind.
    """
    path = Path(path)
    try:
        _write(path, write)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _write(path: Path, write: Callable) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            write(handle)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    atomic_write(path, lambda handle: handle.write(text.encode("utf-8")))
