"""A cache of arrays by content: what went in decides the name, so a changed input can never be served an old result."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from prefdissect.files import atomic_write


def content_key(*parts) -> str:
    """Hash of arrays (bytes, shape, type) and of anything with a stable `repr`."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:32]


class ArrayCache:
    """Named arrays on disk, one `.npz` file per key in sub-folders by its first two digits."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npz"

    def load(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays of a key, or None where it is not there."""
        path = self._path(key)
        if not path.is_file():
            return None
        with np.load(path) as arrays:
            return dict(arrays)

    def store(self, key: str, arrays: dict[str, np.ndarray]) -> None:
        """Store arrays under a key; the file appears complete or not at all."""
        atomic_write(self._path(key), lambda handle: np.savez(handle, **arrays))
