"""The kinds of sources. A new kind is one module with `read(record, catalogue) -> Source` and one line here.

Only the standard library is imported until a reader is asked for, so that the Snakefile can list a source's files.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from prefdissect.errors import InputError

KINDS = {
    "table": "prefdissect.pairs.table",
    "responses": "prefdissect.pairs.responses",
    "lmsys": "prefdissect.pairs.lmsys",
    "llmbar": "prefdissect.pairs.llmbar",
    "alpaca_eval": "prefdissect.pairs.alpaca_eval",
    "auto_j": "prefdissect.pairs.auto_j",
    "preference_dissection": "prefdissect.pairs.preference_dissection",
    "released": "prefdissect.pairs.released",
}

# Keys of a source record that name files or folders; `labels` maps judges to files.
PATH_KEYS = ("path", "judgements", "annotations", "query_info", "groups", "labels", "scenarios")


def read_source(record: dict, catalogue):
    """Read one source with the reader of its kind and return its `Source`."""
    return import_module(KINDS[record["kind"]]).read(record, catalogue)


def source_files(record: dict) -> list[str]:
    """All files a source consists of, sorted; a folder stands for the files below it.

    Raises
    ------
    InputError
        When a path does not exist or a folder is empty.
    """
    files: list[str] = []
    for key in PATH_KEYS:
        for path in _paths(key, record.get(key)):
            files += _expand(Path(path), f"source `{record['name']}`, key `{key}`")
    return sorted(set(files))


def _paths(key: str, value) -> list[str]:
    if isinstance(value, dict):
        return list(value.values()) if key == "labels" else [value["path"]]
    return [value] if isinstance(value, str) else []


def _expand(path: Path, where: str) -> list[str]:
    if path.is_file():
        return [str(path)]
    if not path.is_dir():
        raise InputError(f"`{path}` does not exist", where=where, fix="give a file or folder; see `data_dir` too")
    found = sorted(str(file) for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
    if not found:
        raise InputError(f"the folder `{path}` is empty", where=where, fix="it must hold the files of the source")
    return found


def _hidden(path: Path) -> bool:
    """Whether a file lies in a hidden folder or is hidden: `.git` of a clone is no input."""
    return any(part.startswith(".") for part in path.parts)
