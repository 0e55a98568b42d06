"""The tables that stages hand to each other: reading and writing.

Every table is a Parquet file with a pandera schema (`prefdissect.table_schemas`), checked on writing and on reading
(`prefdissect.table_checks`). A row that breaks the schema is an `InputError` naming file, row, column and value. Files
appear by an atomic rename, so a half-written table cannot exist.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as pq

from prefdissect.errors import InputError
from prefdissect.files import atomic_write, write_text
from prefdissect.table_checks import conform, validate
from prefdissect.table_schemas import ORDERS, RATING_STATUSES, SCHEMAS, STATUSES, VERDICTS

__all__ = [
    "ORDERS", "RATING_STATUSES", "SCHEMAS", "STATUSES", "VERDICTS",
    "conform", "empty_table", "prompt_id", "read_table", "validate", "write_csv", "write_table",
]  # fmt: skip


def prompt_id(prompt: str, turns: str | None = None) -> str:
    """Stable 16-digit hash of a prompt and its earlier turns (JSON text or None)."""
    payload = json.dumps([turns or None, prompt], ensure_ascii=False)
    return hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def empty_table(name: str) -> pd.DataFrame:
    """A table of the right columns and types without rows."""
    return conform(pd.DataFrame(), name)


def write_table(frame: pd.DataFrame, path: str | Path, name: str) -> pd.DataFrame:
    """Conform, check and write a table; the file appears complete or not at all.

    Returns
    -------
    The table as written.
    """
    table = validate(conform(frame, name, str(path)), name, str(path))
    atomic_write(path, lambda handle: pq.write_table(_arrow(table), handle, **_PARQUET))
    return table


# Checksums, because a damaged page can otherwise be read as other values.
_PARQUET = {"compression": "zstd", "write_page_checksum": True}


def _arrow(table: pd.DataFrame) -> arrow.Table:
    return arrow.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)


def read_table(path: str | Path, name: str, *, columns: list[str] | None = None) -> pd.DataFrame:
    """Read and check a table.

    Parameters
    ----------
    path
        Parquet file.
    name
        Name of its schema.
    columns
        Read these only (they are not checked again, the writer did).

    Raises
    ------
    InputError
        When the file is missing, damaged, or breaks the schema.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"table `{name}` is missing", where=str(path))
    frame = _read_parquet(path, name, columns)
    if columns is not None:
        return frame[columns]
    return validate(conform(frame, name, str(path)), name, str(path))


def _read_parquet(path: Path, name: str, columns: list[str] | None) -> pd.DataFrame:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_columns(file.schema_arrow.names, name, columns or [], str(path))
            return file.read(columns=columns).to_pandas()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"not a complete Parquet file: {' '.join(str(error).split())}", where=str(path)) from None


def _check_columns(present: list[str], name: str, wanted: list[str], where: str) -> None:
    known = SCHEMAS[name].columns
    if unknown := [column for column in present if column not in known]:
        problem = f"table `{name}` has the unknown column `{unknown[0]}`"
        raise InputError(problem, where=where, fix=f"known: {', '.join(known)}")
    if lacking := [column for column in wanted if column not in present]:
        fix = f"present: {', '.join(present)}"
        raise InputError(f"table `{name}` lacks column `{lacking[0]}`", where=where, fix=fix)


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table for people as CSV (six significant digits), atomically."""
    write_text(path, frame.to_csv(index=False, float_format="%.6g"))
