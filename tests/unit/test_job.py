"""One library call as a job: the log, and what the user sees."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from prefdissect.errors import InputError
from prefdissect.job import run_job


def failing(error: Exception):
    def work():
        print("before")
        raise error

    return work


def test_what_a_job_prints_goes_to_its_log(tmp_path, capsys):
    def work(text):
        print(text)
        print("warned", file=sys.stderr)

    run_job(work, str(tmp_path / "log"), text="é")
    assert (tmp_path / "log").read_text(encoding="utf-8") == "é\nwarned\n"
    assert capsys.readouterr() == ("", "")


def test_a_fault_of_the_input_ends_the_job_with_its_message_alone(tmp_path):
    with pytest.raises(SystemExit) as caught:
        run_job(failing(InputError("is null", where="p.csv: line 3", fix="a text")), str(tmp_path / "log"))
    assert caught.value.code == "\nError: p.csv: line 3: is null (a text)\n"
    assert (tmp_path / "log").read_text() == "before\nError: p.csv: line 3: is null (a text)\n"


def test_a_bug_keeps_its_traceback(tmp_path):
    with pytest.raises(SystemExit) as caught:
        run_job(failing(KeyError("x")), str(tmp_path / "log"))
    for text in (caught.value.code, (tmp_path / "log").read_text()):
        assert "Traceback" in text and "KeyError: 'x'" in text


def test_a_message_that_is_no_valid_unicode_can_be_logged(tmp_path):
    with pytest.raises(SystemExit):
        run_job(failing(InputError("holds \ud83d")), str(tmp_path / "log"))
    assert "Error: holds \\ud83d" in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "message"),
    [({}, "p"), ({"where": "w"}, "w: p"), ({"fix": "f"}, "p (f)"), ({"where": "w", "fix": "f"}, "w: p (f)")],
)
def test_the_parts_of_a_message(given, message):
    assert str(InputError("p", **given)) == message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EFBIG])
def test_a_disk_that_takes_no_more_is_named_without_a_traceback(tmp_path, number):
    with pytest.raises(SystemExit) as caught:
        run_job(failing(OSError(number, os.strerror(number), "results/pairs.parquet")), str(tmp_path / "log"))
    message = (
        f"Error: results/pairs.parquet: {os.strerror(number)} (once that is mended run again: what is finished is kept)"
    )
    assert caught.value.code == f"\n{message}\n"


def test_another_fault_of_a_file_is_a_bug(tmp_path):
    with pytest.raises(SystemExit) as caught:
        run_job(failing(FileNotFoundError(errno.ENOENT, "no such file", "x")), str(tmp_path / "log"))
    assert "Traceback" in caught.value.code


def test_what_a_message_quotes_neither_breaks_nor_floods_it():
    message = str(InputError("pair `a\nb\x00c\u2028d` is unknown", where="p.csv", fix="x" * 5000))
    assert message.startswith(r"p.csv: pair `a\nb\x00c\u2028d` is unknown (xxx")
    assert message.endswith("xxx)") and " ... " in message and len(message) < 1600
