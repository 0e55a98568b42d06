"""Which files the explorer's page is made from. Runs when the Snakefile is parsed: the standard library alone."""

from __future__ import annotations

from pathlib import Path

TEMPLATE, STYLE, LIBRARIES, SCRIPTS = "explorer.html.j2", "style.css", "lib", "js"


def page_files(folder: str | Path) -> list[str]:
    """Template, style, libraries, scripts; each part in the order of its names."""
    folder = Path(folder)
    scripts = [*sorted((folder / LIBRARIES).glob("*.js")), *sorted((folder / SCRIPTS).glob("*.js"))]
    return [str(path) for path in (folder / TEMPLATE, folder / STYLE, *scripts)]
