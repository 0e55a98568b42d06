"""Chunks of data inside the explorer's page: a JSON document and number arrays, gzipped.

A chunk, once unzipped, is: the length of its header in bytes (unsigned 32 bit), the header (JSON, UTF-8, padded with
blanks), the arrays one after the other, each padded to a multiple of eight bytes. All numbers are little endian. The
header is {"document": anything, "arrays": {name: {"type", "shape", "offset", "length"}}}; offsets count from the start
of the unzipped chunk. docs/explorer.md says what each chunk holds.
"""

from __future__ import annotations

import gzip
import json

import numpy as np

TYPES = {"int8", "uint8", "int16", "int32", "float32"}
ALIGNMENT = 8
LEVEL = 6  # 9 takes three times as long for 2 % less


def pack(document, arrays: dict[str, np.ndarray] | None = None) -> bytes:
    """Write a chunk.

    Parameters
    ----------
    document
        Anything that JSON can hold; NaN is refused.
    arrays
        Arrays of the types in `TYPES`.

    Returns
    -------
    bytes
        The same input gives the same bytes.
    """
    blobs, entries = [], {}
    offset = 0
    for name, array in (arrays or {}).items():
        if array.dtype.name not in TYPES:
            raise ValueError(f"array `{name}` is of type {array.dtype}, not of {', '.join(sorted(TYPES))}")
        blob = _padded(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        entries[name] = {"type": array.dtype.name, "shape": array.shape, "offset": offset, "length": array.size}
        blobs.append(blob)
        offset += len(blob)
    header = _header(document, entries)
    return gzip.compress(header + b"".join(blobs), LEVEL, mtime=0)


def _padded(blob: bytes, filling: bytes = b"\0") -> bytes:
    return blob + filling * (-len(blob) % ALIGNMENT)


def _header(document, entries: dict[str, dict]) -> bytes:
    """Length and JSON; offsets depend on the length of the text that holds them, so it is made as long as needed."""
    size = 0
    while True:
        moved = {name: entry | {"offset": entry["offset"] + size} for name, entry in entries.items()}
        # ASCII alone: a lone surrogate, which no UTF-8 can hold, survives as an escape.
        text = json.dumps({"document": document, "arrays": moved}, allow_nan=False, separators=(",", ":")).encode()
        needed = 4 + len(text) + (-(4 + len(text)) % ALIGNMENT)
        if needed <= size:
            return (size - 4).to_bytes(4, "little") + text.ljust(size - 4)
        size = needed


def unpack(chunk: bytes) -> tuple[object, dict[str, np.ndarray]]:
    """Read a chunk: its document and its arrays."""
    data = gzip.decompress(chunk)
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    arrays = {
        name: np.frombuffer(data, np.dtype(entry["type"]).newbyteorder("<"), entry["length"], entry["offset"]).reshape(
            entry["shape"]
        )
        for name, entry in header["arrays"].items()
    }
    return header["document"], arrays
