"""The measured tables of a study as one checksummed archive, and back."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefdissect.errors import InputError
from prefdissect.files import atomic_write

MANIFEST = "manifest.json"
FORMAT = "preference-dissection measurements 1"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def freeze(folder: str, files: list[str], study: str, judges: list[dict], output: str) -> None:
    """Write files below `folder` into a zip archive with a manifest of their SHA-256 sums.

    The manifest holds the judges' records too, so that a frozen study needs no list of judges beside the archive. The
    same input gives the same bytes.
    """
    contents = {_inside(file, folder): Path(file).read_bytes() for file in sorted(files)}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = {"format": FORMAT, "study": study, "judges": judges, "sha256": sums}

    def write(handle) -> None:
        with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in [(MANIFEST, json.dumps(manifest, indent=1).encode()), *contents.items()]:
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)

    atomic_write(output, write)


def frozen_judges(archive_path: str) -> list[dict]:
    """Records of the judges in an archive; the tables in it stay packed.

    Raises
    ------
    InputError
        When the archive is damaged or foreign.
    """
    with _opened(archive_path) as archive:
        return _manifest(archive, archive_path)["judges"]


def unpack(archive_path: str, folder: str, wanted: list[str]) -> None:
    """Unpack the wanted files below `folder`, all of them checked before the first is written.

    Raises
    ------
    InputError
        When the archive is damaged, foreign, or holds other files than the study needs.
    """
    names = {file: _inside(file, folder) for file in wanted}
    contents = _verified(archive_path)
    missing = [name for name in names.values() if name not in contents]
    if missing:
        raise InputError(
            f"it does not hold `{missing[0]}`",
            where=archive_path,
            fix="the study must list the sources, judges and annotators that were frozen",
        )
    for file, name in names.items():
        atomic_write(file, lambda handle, data=contents[name]: handle.write(data))


def _inside(file: str, folder: str) -> str:
    return Path(file).relative_to(folder).as_posix()


@contextmanager
def _opened(archive_path: str) -> Iterator[zipfile.ZipFile]:
    """The archive for reading; whatever `zipfile` finds wrong with it becomes one message."""
    try:
        with zipfile.ZipFile(archive_path) as archive:
            yield archive
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, zlib.error) as error:
        raise InputError(
            f"not a complete archive of measurements: {error}", where=archive_path, fix="write it: snakemake freeze"
        ) from None


def _manifest(archive: zipfile.ZipFile, archive_path: str) -> dict:
    try:
        manifest = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError):
        raise InputError(f"it holds no `{MANIFEST}`", where=archive_path, fix="write it: snakemake freeze") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError("it is of another format", where=archive_path, fix=f"expected {FORMAT!r}")
    judges, sums = manifest.get("judges"), manifest.get("sha256")
    if not isinstance(sums, dict) or not isinstance(judges, list) or not all(isinstance(j, dict) for j in judges):
        raise InputError(f"its `{MANIFEST}` is damaged", where=archive_path, fix="write it: snakemake freeze")
    return manifest


def _verified(archive_path: str) -> dict[str, bytes]:
    """Every file of the manifest, after checking that it is there and is what was frozen."""
    contents = {}
    with _opened(archive_path) as archive:
        for name, expected in _manifest(archive, archive_path)["sha256"].items():
            if name not in archive.namelist():
                raise InputError(f"`{name}` is missing from it", where=archive_path, fix="write it: snakemake freeze")
            contents[name] = archive.read(name)
            if hashlib.sha256(contents[name]).hexdigest() != expected:
                raise InputError(f"`{name}` is damaged: its checksum differs from the manifest", where=archive_path)
    return contents
