"""The bar on a terminal, and plain lines elsewhere."""

from __future__ import annotations

import io

from prefdissect.judges import progress
from prefdissect.judges.progress import ProgressDisplay


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def state(done: int, total: int = 100, **changes) -> dict:
    return {"done": done, "total": total, "per_s": 2.0, "unit": "pairs", "seconds": 1.0, "left": 75.0} | changes


def test_a_terminal_gets_a_bar_with_speed_and_time_left():
    terminal = Terminal()
    display = ProgressDisplay("my-judge", lambda line: None, terminal)
    display.update(0, state(25))
    display.bar.refresh()
    display.close()
    last = terminal.getvalue().split("\r")[-1]
    assert "my-judge:  25%" in last and "25/100 requests, 2 pairs/s, 01:15 left" in last


def test_a_log_gets_plain_lines_now_and_then_and_one_at_the_end(monkeypatch):
    lines, output = [], io.StringIO()
    display = ProgressDisplay("my-judge", lines.append, output)
    for done in range(10, 101, 10):
        display.update(0, state(done, left=0.0))
    assert lines == ["100 of 100 requests, 2 pairs/s, about 00:00 left"] and output.getvalue() == ""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    display.update(0, state(50))
    assert lines[1:] == ["50 of 100 requests, 2 pairs/s, about 01:15 left"]


def test_workers_side_by_side_add_up():
    lines: list[str] = []
    display = ProgressDisplay("my-judge", lines.append, io.StringIO())
    display.update(0, state(100, left=0.0))
    display.update(1, state(100, total=100, per_s=3.0, left=0.0))
    assert lines[-1] == "200 of 200 requests, 5 pairs/s, about 00:00 left"
