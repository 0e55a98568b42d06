"""How far a judge is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tqdm import tqdm

LINE_SECONDS = 10.0


class ProgressDisplay:
    """Shows the states that a judge's workers report.

    Parameters
    ----------
    judge
        Name of the judge.
    log
        Receives a plain line at most every `LINE_SECONDS`, and one at the end.
    terminal
        Where a bar goes if it is a terminal: a job's own output is in its log.
    """

    def __init__(self, judge: str, log: Callable[[str], None], terminal=None):
        self.judge, self.log = judge, log
        self.terminal = sys.__stderr__ if terminal is None else terminal
        self.states: dict[int, dict] = {}
        self.bar: tqdm | None = None
        self.last = time.monotonic()

    def update(self, worker: int, state: dict) -> None:
        """Take the state {done, total, per_s, unit, seconds, left} of one of the judge's workers."""
        self.states[worker] = state
        total = self._sum("total")
        self._draw(total)
        if time.monotonic() - self.last >= LINE_SECONDS or self._sum("done") == total:
            self.last = time.monotonic()
            self.log(f"{self._sum('done')} of {total} requests, {self._speed()}, about {self._left()} left")

    def _draw(self, total: int) -> None:
        if self.terminal is None or not self.terminal.isatty():
            return
        if self.bar is None:
            form = "{l_bar}{bar}| {n_fmt}/{total_fmt} requests{postfix}"
            self.bar = tqdm(total=total, desc=self.judge, file=self.terminal, bar_format=form, leave=True)
        self.bar.total = total
        self.bar.set_postfix_str(f"{self._speed()}, {self._left()} left", refresh=False)
        self.bar.update(self._sum("done") - self.bar.n)

    def _sum(self, key: str) -> float:
        return sum(state[key] for state in self.states.values())

    def _speed(self) -> str:
        unit = next(iter(self.states.values()))["unit"]
        return f"{self._sum('per_s'):.3g} {unit}/s"

    def _left(self) -> str:
        return tqdm.format_interval(max(state["left"] for state in self.states.values()))

    def close(self) -> None:
        """Leave the terminal tidy."""
        if self.bar is not None:
            self.bar.close()
