"""Run one library call as a job: its log, and errors that a user can read."""

from __future__ import annotations

import contextlib
import errno
import sys
import traceback
from collections.abc import Callable

from prefdissect.errors import InputError

# Faults of the machine, which no traceback explains better.
MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)


def run_job(function: Callable, log: str, **arguments) -> None:
    """Call `function(**arguments)` with what it prints going to the file `log`.

    An `InputError` ends the job with its message alone, on the terminal and in the log, and so does a disk that is full
    or cannot be written; any other exception is a bug and keeps its traceback.
    """
    with (
        open(log, "w", encoding="utf-8", errors="backslashreplace") as handle,
        contextlib.redirect_stdout(handle),
        contextlib.redirect_stderr(handle),
    ):
        try:
            function(**arguments)
            return
        except InputError as error:
            message = f"Error: {error}"
        except OSError as error:
            message = _fault_of_the_machine(error) or traceback.format_exc()
        except Exception:
            message = traceback.format_exc()
        print(message)
    sys.exit(f"\n{message}\n")


def _fault_of_the_machine(error: OSError) -> str | None:
    if error.errno not in MACHINE:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return f"Error: {where}{error.strerror} (once that is mended run again: what is finished is kept)"
