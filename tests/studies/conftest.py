"""One finished tiny study that the tests of this folder share; those that change it work on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from running import snakemake, tiny_study


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """Folder of a tiny study run to the end."""
    folder = tmp_path_factory.mktemp("study")
    run = snakemake(folder, tiny_study(folder), cores=2)
    assert run.code == 0, run.output
    return folder


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """A copy of the finished study, modification times kept."""
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    return folder
