"""Results of another version are refused, and two runs never work on one folder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from prefdissect.errors import InputError
from prefdissect.results_folder import LAYOUT, STAMP, check_layout, claim
from running import ROOT

HOLD = (
    "import sys; from prefdissect.results_folder import claim; claim(sys.argv[1]); print('held', flush=True); input()"
)


def test_a_claimed_folder_is_stamped_and_accepted_again(tmp_path):
    claim(tmp_path / "study")
    assert (tmp_path / "study" / STAMP).read_text(encoding="utf-8") == f'{{"layout": {LAYOUT}}}\n'
    check_layout(tmp_path / "study")


def test_an_absent_folder_and_one_without_a_stamp_are_accepted(tmp_path):
    check_layout(tmp_path)
    check_layout(tmp_path / "none")


@pytest.mark.parametrize(
    ("stamp", "message"),
    [
        ('{"layout": 0}', f"these results have layout 0, and this version makes layout {LAYOUT} (give another"),
        ('{"layout": 99}', f"these results have layout 99, and this version makes layout {LAYOUT} (give another"),
        ("{}", "it does not say which layout"),
        ("[1]", "it does not say which layout"),
        ("", "it does not say which layout"),
    ],
)
def test_another_layout_is_refused(tmp_path, stamp, message):
    (tmp_path / STAMP).write_text(stamp, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        check_layout(tmp_path)
    assert message in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_second_run_is_refused_until_the_first_has_ended(tmp_path):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(ROOT / "scripts")},
    )  # fmt: skip
    try:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"another run is at work on it: process {first.pid} on "):
            claim(tmp_path)
    finally:
        first.kill()
        first.wait()
    claim(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/study: it cannot be written: Not a directory"):
        claim(tmp_path / "file/study")
