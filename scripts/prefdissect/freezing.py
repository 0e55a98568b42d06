"""The measured tables of a study as one checksummed archive, and back."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
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
    contents = {str(Path(file).relative_to(folder)): Path(file).read_bytes() for file in sorted(files)}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = {"format": FORMAT, "study": study, "judges": judges, "sha256": sums}

    def write(handle) -> None:
        with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in [(MANIFEST, json.dumps(manifest, indent=1).encode()), *contents.items()]:
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)

    atomic_write(output, write)


def frozen_judges(archive_path: str) -> list[dict]:
    """Records of the judges in an archive."""
    return _opened(archive_path)[0]["judges"]


def unpack(archive_path: str, folder: str, wanted: list[str]) -> None:
    """Unpack the wanted files below `folder`, all of them checked before the first is written.

    Raises
    ------
    InputError
        When the archive is damaged, foreign, or holds other files than the study needs.
    """
    contents = _verified(archive_path)
    missing = [file for file in wanted if str(Path(file).relative_to(folder)) not in contents]
    if missing:
        raise InputError(
            f"it does not hold `{Path(missing[0]).relative_to(folder)}`",
            where=archive_path,
            fix="the study must list the sources, judges and annotators that were frozen",
        )
    for file in wanted:
        data = contents[str(Path(file).relative_to(folder))]
        atomic_write(file, lambda handle, data=data: handle.write(data))


def _opened(archive_path: str) -> tuple[dict, dict[str, bytes]]:
    """Manifest and contents of an archive of this format."""
    try:
        with zipfile.ZipFile(archive_path) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(contents.pop(MANIFEST))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, zlib.error) as error:
        raise InputError(
            f"not an archive of measurements: {error}", where=archive_path, fix="snakemake freeze"
        ) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError("it is of another format", where=archive_path, fix=f"expected {FORMAT!r}")
    return manifest, contents


def _verified(archive_path: str) -> dict[str, bytes]:
    manifest, contents = _opened(archive_path)
    for name, expected in manifest["sha256"].items():
        if hashlib.sha256(contents.get(name, b"")).hexdigest() != expected:
            raise InputError(f"`{name}` is damaged: its checksum differs from the manifest", where=archive_path)
    return {name: contents[name] for name in manifest["sha256"]}
