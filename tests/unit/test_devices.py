"""GPUs: as many as asked for, no one shared, none kept after a kill."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time

import pytest

from prefdissect.errors import InputError
from prefdissect.judges import devices
from prefdissect.judges.devices import claim_gpus, visible_gpus


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with three GPUs, outside any scheduler."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,GPU-3")
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(devices, "WAIT_SECONDS", 0.01)
    for name in devices.SCHEDULERS:
        monkeypatch.delenv(name, raising=False)


def claimed(count: int):
    return claim_gpus(count, "judge `j`", lambda line: None)


def test_judges_side_by_side_share_none():
    with claimed(1) as one, claimed(2) as two:
        assert len(one) == 1 and len(two) == 2 and sorted(one + two) == ["0", "1", "GPU-3"]


def test_a_judge_waits_until_enough_are_free():
    lines, got = [], []

    def wait():
        with claim_gpus(2, "judge `j`", lines.append) as both:
            got.append(both)

    with claimed(2):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        assert not got
    thread.join(10)
    assert len(got[0]) == 2 and lines == ["judge `j`: waiting for 2 of the GPUs 0, 1, GPU-3"]


def test_a_judge_that_needs_one_is_not_kept_waiting_by_one_that_waits_for_all():
    with claimed(1), claimed(1):
        thread = threading.Thread(target=lambda: claimed(3).__enter__(), daemon=True)
        thread.start()
        time.sleep(0.1)
        with claimed(1) as last:
            assert len(last) == 1


def test_a_killed_judge_gives_its_gpus_back(tmp_path, root):
    code = f"""
        import sys, time
        sys.path.insert(0, {str(root / "scripts")!r})
        from prefdissect.judges import devices
        devices.tempfile.gettempdir = lambda: {str(tmp_path)!r}
        with devices.claim_gpus(3, "j", print):
            print("held", flush=True)
            time.sleep(60)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    process.kill()
    process.wait()
    with claimed(3) as every:
        assert len(every) == 3


def test_no_gpu_asked_for_leaves_everything_alone():
    with claimed(0) as none:
        assert none is None


def test_fewer_than_asked_for_is_refused():
    with pytest.raises(InputError, match="judge `j`: asked for 4 GPUs and was given 3"), claimed(4):
        pass


def test_jobs_of_a_scheduler_see_devices_of_their_own_under_the_same_numbers(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with claimed(3) as one:
        monkeypatch.setenv("SLURM_JOB_ID", "8")
        with claimed(3) as other:
            assert one == other and len(one) == 3


def test_a_device_is_the_same_by_number_and_by_uuid(monkeypatch):
    monkeypatch.setattr(devices, "_driver_gpus", lambda: ["GPU-a", "GPU-b"])
    with claim_gpus(1, "judge `j`", lambda line: None) as first:
        assert first == ["0"]
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
        with claimed(1) as second:
            assert second == ["GPU-b"]


@pytest.mark.parametrize("listed, names", [("", []), ("-1", []), (" 2 , 3", ["2", "3"])])
def test_visible_devices_are_read_as_cuda_does(monkeypatch, listed, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus() == names
