"""A cache of arrays by content: what went in decides the name, so a changed input can never be served an old result."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np

from prefdissect.files import atomic_write


def content_key(*parts) -> str:
    """Hash of arrays (bytes, shape, type) and of plain values.

    Parameters
    ----------
    parts
        Arrays of numbers or fixed-width text; None, truth values, numbers and texts; lists, tuples and dicts of these.

    Raises
    ------
    TypeError
        For anything else: its `repr` may leave parts out or change from run to run.
    """
    digest = hashlib.sha256()
    for part in parts:
        _update(digest, part)
    return digest.hexdigest()[:32]


def _update(digest, part) -> None:
    if isinstance(part, np.ndarray) and not part.dtype.hasobject:
        digest.update(f"array {part.dtype.str}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    elif isinstance(part, list | tuple | dict):
        digest.update(f"{type(part).__name__} {len(part)}".encode())
        for entry in part.items() if isinstance(part, dict) else part:
            _update(digest, entry)
    elif part is None or isinstance(part, bool | int | float | str | bytes):
        digest.update(repr(part).encode("utf-8", "surrogatepass"))
    else:
        raise TypeError(f"no stable key for a {type(part).__name__}")
    digest.update(b"\0")


class ArrayCache:
    """Named arrays on disk, one `.npz` file per key in sub-folders by its first two digits."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npz"

    def load(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays of a key, or None where it is not there; a damaged file counts as not there."""
        try:
            with np.load(self._path(key)) as arrays:
                return dict(arrays)
        except (FileNotFoundError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
            return None

    def store(self, key: str, arrays: dict[str, np.ndarray]) -> None:
        """Store arrays under a key; the file appears complete or not at all.

        Raises
        ------
        ValueError
            For arrays of objects, which could not be loaded again.
        """
        atomic_write(self._path(key), lambda handle: np.savez(handle, allow_pickle=False, **arrays))
