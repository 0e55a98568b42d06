"""Debian's Chromium, and a small study with a hostile text in every place that takes one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from explorer import CHROMIUM
from playwright.sync_api import sync_playwright

from exploring import hostile_study
from running import snakemake


@pytest.fixture(scope="session")
def browser():
    """A browser without a window."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        if os.environ.get("CI"):
            pytest.fail("chromium is missing, and CI must not skip the tests of the explorer")
        pytest.skip("needs chromium: apt-get install chromium, or CHROMIUM=/path/to/it")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Folder of the hostile study, run as far as the explorer."""
    folder = tmp_path_factory.mktemp("hostile")
    run = snakemake(folder, hostile_study(folder), "results/tiny/explorer.html", cores=2)
    assert run.code == 0, run.output
    return folder


@pytest.fixture(scope="session")
def explorer(folder) -> Path:
    """Its page."""
    return folder / "results" / "tiny" / "explorer.html"


@pytest.fixture
def page(browser):
    """A page of the browser; what it fetches and complains about is kept in `requests` and `complaints`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", accept_downloads=True)
    page = context.new_page()
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (page.complaints.append(dialog.message), dialog.dismiss()))
    yield page
    context.close()
