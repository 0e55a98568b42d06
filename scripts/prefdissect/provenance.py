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
PACKAGE = "prefdissect"


def code_hash(*modules: str) -> str:
    """Content hash of modules of this library, of all that they import from it, and of the data beside those (yaml).

    Rules carry it in `params`, so that an edited function redoes the cheap stages that use it, and a comment in an
    unrelated file redoes nothing. Needs only the standard library.

    Parameters
    ----------
    modules
        Dotted names, for instance "prefdissect.features".

    Raises
    ------
    ValueError
        When there is no such module.
    """
    digest = hashlib.sha256()
    files = {_module_file(module) for module in set().union(*(_closure(module) for module in modules))}
    files |= {data for file in files for data in file.parent.glob("*.yaml")}
    for file in sorted(files):
        digest.update(f"{file.relative_to(LIBRARY).as_posix()}\0{file_hash(str(file))}\n".encode())
    return digest.hexdigest()[:16]


def _module_file(module: str) -> Path | None:
    path = LIBRARY / Path(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of this library that a module imports anywhere in its text, and the packages it lies in."""
    file = _module_file(module)
    if file is None:
        raise ValueError(f"{module} is no module of this library")
    parts = module.split(".")
    found = [".".join(parts[:n]) for n in range(1, len(parts))]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = _absolute(node, parts, file.name == "__init__.py")
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return tuple(name for name in found if name.split(".")[0] == PACKAGE and _module_file(name))


def _absolute(node: ast.ImportFrom, parts: list[str], is_package: bool) -> str:
    """Name of the module that `from ... import` names; the dots of a relative one count from the module's package."""
    if not node.level:
        return node.module
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


def _closure(module: str) -> set[str]:
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _imports(name)
    return seen


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
        "results": {path: file_hash(path) for path in sorted(tables)},
        "code": _git_commit(),
        "python": platform.python_version(),
        "packages": _packages(),
    }


def _packages() -> dict[str, str]:
    """Version of every package installed; of two with one name the first is the one that is imported."""
    versions: dict[str, str] = {}
    for distribution in metadata.distributions():
        if name := distribution.metadata["Name"]:
            versions.setdefault(name, distribution.version)
    return dict(sorted(versions.items(), key=lambda item: item[0].lower()))


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
    """Stable, readable JSON; keys become text, for those of a config may be numbers or null."""
    return json.dumps(_text_keys(record), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _text_keys(value):
    if isinstance(value, dict):
        return {"null" if key is None else str(key): _text_keys(entry) for key, entry in value.items()}
    return [_text_keys(entry) for entry in value] if isinstance(value, list | tuple) else value
