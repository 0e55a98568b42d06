"""Run one library call as a job: its log, and errors that a user can read."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable

from prefdissect.errors import InputError


def run_job(function: Callable, log: str, **arguments) -> None:
    """Call `function(**arguments)` with what it prints going to the file `log`.

    An `InputError` ends the job with its message alone, on the terminal and in the log; any other exception is a bug
    and keeps its traceback.
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
        except Exception:
            message = traceback.format_exc()
        print(message)
    sys.exit(f"\n{message}\n")
