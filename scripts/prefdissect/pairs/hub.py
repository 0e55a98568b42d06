"""Files of a data set on the Hugging Face hub, or of a local copy of it, as one table.

`huggingface_hub` comes with the judges' environment; it is imported only for a hub id, and who lacks it downloads the
files and gives their folder.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from pathlib import Path

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.pairs.columns import Place
from prefdissect.pairs.files import JSON_LINES, PARQUET, read_frame, row_label

ENDINGS = (*PARQUET, *JSON_LINES, ".json")
PATTERNS = [f"*{ending}" for ending in (*PARQUET, *JSON_LINES)]


def data_files(record: dict) -> list[Path]:
    """Files of a source with `path` (a file or folder) or `dataset` (a hub id, with `revision`).

    Raises
    ------
    InputError
        When a folder holds no table, or the hub does not give the data set: the message says what to do.
    """
    if record.get("dataset"):
        folder = _downloaded(record["dataset"], record.get("revision"))
    elif Path(record["path"]).is_dir():
        folder = Path(record["path"])
    else:
        return [Path(record["path"])]
    tables = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix.lower() in ENDINGS]
    tables = [path for path in tables if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    # One form only, so that a data set kept as Parquet and as JSON Lines is not read twice.
    for endings in (PARQUET, JSON_LINES, (".json",)):
        if chosen := [path for path in tables if path.suffix.lower() in endings]:
            for path in chosen:
                check_blob(path)
            return chosen
    raise InputError("the folder holds no table", where=str(folder), fix=f"files that end in {', '.join(ENDINGS)}")


def check_blob(path: Path) -> None:
    """Compare a file of the hub's cache with its checksum, which the cache calls it by; other files have none.

    Raises
    ------
    InputError
        When it is not what the hub gave, as after a download that broke off or a disk that failed.
    """
    blob = path.resolve()
    if blob.parent.name != "blobs" or len(blob.name) not in (40, 64):
        return
    with blob.open("rb") as handle:
        # Large files are known by their SHA-256, small ones by Git's hash.
        digest = hashlib.sha256() if len(blob.name) == 64 else hashlib.sha1(b"blob %d\0" % blob.stat().st_size)
        found = hashlib.file_digest(handle, lambda: digest).hexdigest()
    if found != blob.name:
        raise InputError("it is not what the hub gave: its checksum differs", where=str(path), fix=f"delete {blob}")


def read_files(files: list[Path], columns: dict[str, str] | None = None) -> tuple[pd.DataFrame, Place]:
    """One frame of all rows, indexed from 0, and the place that names a row by its file."""
    frames = [read_frame(path) for path in files]
    starts = [0]
    for frame in frames[:-1]:
        starts.append(starts[-1] + len(frame))

    def label(row: int) -> str:
        number = bisect_right(starts, row) - 1
        return row_label(files[number], row - starts[number])

    return pd.concat(frames, ignore_index=True), Place(label, columns or {})


def _downloaded(dataset: str, revision: str | None) -> Path:
    by_hand = f"or download its files from https://huggingface.co/datasets/{dataset} and give their folder as `path`"
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError
    except ImportError:
        fix = f"pip install huggingface_hub, {by_hand}"
        raise InputError("a hub id needs the package huggingface_hub", where=f"data set `{dataset}`", fix=fix) from None
    try:
        return Path(snapshot_download(dataset, repo_type="dataset", revision=revision, allow_patterns=PATTERNS))
    except GatedRepoError:
        problem = "the hub asks for conditions to be accepted first"
        fix = f"accept them on its page, log in (`hf auth login`, or HF_TOKEN) and run again, {by_hand}"
    except (HfHubHTTPError, OSError, ValueError) as error:
        problem = f"the hub did not give it: {str(error).strip().splitlines()[0]}"
        fix = f"check the name and the connection, log in (`hf auth login`, or HF_TOKEN) for a gated one, {by_hand}"
    raise InputError(problem, where=f"data set `{dataset}`", fix=fix)
