"""Where results come from: hashes of code and inputs, versions, config."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1]


def code_hash(*modules: str) -> str:
    """Content hash of modules of this library and of all that they import from it.

    Rules carry it in `params`, so that an edited function redoes the cheap stages that use it, and a comment in an
    unrelated file redoes nothing. Needs only the standard library.

    Parameters
    ----------
    modules
        Dotted names, for instance "prefdissect.features".
    """
    files = sorted(set().union(*(_closure(module) for module in modules)))
    digest = hashlib.sha256()
    for file in files:
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()[:16]


def _module_file(module: str) -> Path | None:
    path = LIBRARY / Path(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of this library that a module imports anywhere in its text."""
    found = []
    for node in ast.walk(ast.parse(_module_file(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prefdissect"):
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("prefdissect")]
    return tuple(name for name in found if _module_file(name))


def _closure(module: str) -> set[str]:
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _imports(name)
    return {str(_module_file(name)) for name in seen}


@cache
def file_hash(path: str) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def collect(config: dict, files: list[str], tables: list[str]) -> dict:
    """Everything needed to say how a study's results came about.

    Parameters
    ----------
    config
        The complete config.
    files
        Input files, for their hashes.
    tables
        Result tables, for their hashes.
    """
    return {
        "study": config["study"],
        "config": config,
        "inputs": {path: file_hash(path) for path in sorted(files)},
        "results": {Path(path).name: file_hash(path) for path in sorted(tables)},
        "code": _git_commit(),
        "python": platform.python_version(),
        "packages": {dist.metadata["Name"]: dist.version for dist in _distributions()},
    }


def _distributions():
    return sorted(metadata.distributions(), key=lambda dist: (dist.metadata["Name"] or "").lower())


def _git_commit() -> str | None:
    """Commit of the checkout, `-dirty` appended when files differ from it; None outside a git checkout."""
    try:
        described = subprocess.run(
            ["git", "-C", str(LIBRARY), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


def to_json(record: dict) -> str:
    """Stable, readable JSON."""
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
