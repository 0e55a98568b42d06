"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# Enough to find a fault within a few runs; a test that needs more says so. A busy machine is no failure.
hypothesis.settings.register_profile("quick", max_examples=30, deadline=None)
hypothesis.settings.load_profile("quick")

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on real data run with the whole studies; `make test` is for every clone."""
    for item in items:
        if "shared_data" in item.fixturenames and item.get_closest_marker("validity") is None:
            item.add_marker("study")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real data from public sources; absent in an ordinary clone, mandatory in CI."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is missing, and CI must not skip the tests that read it")
        pytest.skip("needs the real data in ../shared/data, which this clone does not have")
    return folder
