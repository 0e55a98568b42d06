"""Reading the files that users give: CSV, TSV, JSON Lines, JSON and Parquet.

What is wrong with a file becomes one `InputError` that names the file and the place in it. Texts come out as they
stand in the file: nothing is stripped, no type is guessed from text, JSON Lines are split at line feeds alone (the
characters at which `str.splitlines` cuts may be part of a text).
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as pq

from prefdissect.errors import InputError

CSV_DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
KNOWN = "a file that ends in .csv, .tsv, .jsonl, .ndjson, .json, .parquet or .pq"

# The csv module refuses fields above 131,072 characters, which a long conversation can exceed.
csv.field_size_limit(2**31 - 1)


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read a table in any of the known formats; the name's ending tells which.

    Parameters
    ----------
    path
        CSV or TSV (first line = column names, quotes as spreadsheets write them), JSON Lines (one object per line),
        JSON (an array of objects) or Parquet.

    Returns
    -------
    Frame with the rows in file order, indexed from 0. Cells of CSV and TSV are text, an empty one is None; in JSON
    a key that an object lacks is None. `numbers` turns text into numbers where they are wanted.

    Raises
    ------
    InputError
        When the file is missing, empty, damaged, not UTF-8, of an unknown format, or holds no row.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        frame = _read_parquet(path)
    elif suffix in CSV_DELIMITERS:
        frame = _read_csv(path)
    elif suffix in JSON_LINES:
        frame = _frame_of(record for _, record in read_jsonl(path))
    elif suffix == ".json":
        frame = _frame_of(_json_objects(path))
    else:
        raise InputError(f"the format `{suffix or path.name}` is unknown", where=str(path), fix=KNOWN)
    if frame.empty:
        raise InputError("the file holds no row", where=str(path), fix="at least one row is needed")
    return frame


def check_file(path: str | Path) -> Path:
    """Raise an `InputError` unless the path is a file that holds something."""
    path = Path(path)
    if path.is_dir():
        raise InputError("is a folder", where=str(path), fix=KNOWN)
    if not path.is_file():
        raise InputError("the file does not exist", where=str(path))
    if path.stat().st_size == 0:
        raise InputError("the file is empty", where=str(path))
    return path


def read_text(path: str | Path) -> str:
    """Read a UTF-8 file; a byte-order mark is dropped, and a byte that is not UTF-8 is an error with its offset."""
    content = _read_bytes(path)
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8",
            where=f"{path}: line {line}",
            fix="save the file as UTF-8",
        ) from None


def read_json(path: str | Path):
    """Read a JSON file and return its value; an `InputError` with the line number where it is not JSON."""
    return _parse_json(read_text(path), str(path), 1)


def read_jsonl(path: str | Path) -> list[tuple[int, dict]]:
    """Read JSON Lines as pairs of line number (from 1) and object; blank lines are passed over."""
    records = []
    for number, line in _filled_lines(path):
        record = _parse_json(line, str(path), number)
        if not isinstance(record, dict):
            raise InputError(f"holds {_kind(record)}", where=f"{path}: line {number}", fix="one JSON object per line")
        records.append((number, record))
    return records


def _parse_json(text: str, path: str, first_line: int):
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        fix = "one object per line is read from files named .jsonl" if error.msg == "Extra data" else None
        raise InputError(
            f"not JSON: {error.msg} at column {error.colno}", where=f"{path}: line {line}", fix=fix
        ) from None
    except (ValueError, RecursionError) as error:  # a number of too many digits, nesting too deep
        raise InputError(f"JSON that cannot be read: {error}", where=f"{path}: line {first_line}") from None


def require_columns(frame: pd.DataFrame, columns: Iterable[str], where: str | Path) -> None:
    """Raise an `InputError` that names the first column that is missing and those that are there."""
    for column in columns:
        if column not in frame:
            present = ", ".join(map(str, frame.columns))
            raise InputError(f"column `{column}` is missing", where=str(where), fix=f"present: {present}")


def row_label(path: str | Path, position: int) -> str:
    """Name a row for a message: `file: line 5` (CSV, TSV, JSON Lines; from 1, header counted) or `file: row 4`.

    Parameters
    ----------
    position
        Position of the row in the frame that `read_frame` gave, from 0.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (*CSV_DELIMITERS, *JSON_LINES):
        return f"{path}: row {position + 1}"
    stat = path.stat()
    return f"{path}: line {_row_lines(str(path), stat.st_mtime_ns, stat.st_size)[position]}"


def numbers(frame: pd.DataFrame, column: str, path: str | Path) -> pd.Series:
    """Give a column as floats, missing as NaN.

    Raises
    ------
    InputError
        When a cell is neither empty nor a number (a truth value is none), naming file, row and column. Rows are named
        by the frame's index, so a frame that was filtered after `read_frame` is still named rightly.
    """
    values, bad = as_floats(frame[column])
    if bad.any():
        row = bad.idxmax()
        raise InputError(
            f"holds {frame.loc[row, column]!r}",
            where=f"{row_label(path, row)}, column `{column}`",
            fix="a number, or empty",
        )
    return values


def as_floats(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Convert to float; return the values (NaN where missing or no number) and where a cell is no number."""
    cells = [None if isinstance(v, bool | np.bool_) else v for v in values]
    floats = pd.to_numeric(pd.Series(cells, index=values.index, dtype=object), errors="coerce").astype("float64")
    said_nan = values.map(lambda v: isinstance(v, str) and v.strip().lower() == "nan").astype(bool)
    return floats, floats.isna() & values.notna() & ~said_nan


def _read_bytes(path: str | Path) -> bytes:
    try:
        return check_file(path).read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None


def _read_parquet(path: Path) -> pd.DataFrame:
    check_file(path)
    try:
        with pq.ParquetFile(path) as parquet:
            table = parquet.read()
        table.validate(full=True)  # finds text that is not UTF-8
        _refuse_doubled(table.column_names, str(path))
        # The pandas metadata would turn columns into an index and hide them.
        frame = table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"cannot be read as Parquet: {error}", where=str(path), fix="is it complete?") from None
    categories = [column for column in frame if isinstance(frame[column].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(categories, object))


def _read_csv(path: Path) -> pd.DataFrame:
    rows = _csv_rows(path)
    line, header = next(rows, (1, []))
    _refuse_doubled(header, f"{path}: line {line}")
    cells = []
    for line, row in rows:
        if len(row) != len(header):
            raise InputError(
                f"holds {len(row)} cells where the header has {len(header)}",
                where=f"{path}: line {line}",
                fix="put texts with commas, tabs, quotes or line ends in quotes",
            )
        cells.append([cell or None for cell in row])
    return pd.DataFrame(cells, columns=header, dtype=object)


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    # newline="" keeps the line ends inside quoted texts as they are.
    reader = csv.reader(
        io.StringIO(read_text(path), newline=""), delimiter=CSV_DELIMITERS[path.suffix.lower()], strict=True
    )
    while True:
        first_line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"not a complete table: {error}", where=f"{path}: line {first_line}") from None
        if row:
            yield first_line, row


def _filled_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip(" \t\r"):
            yield number, line


@lru_cache(maxsize=8)
def _row_lines(path: str, modified: int, size: int) -> list[int]:
    """Line on which each row begins; rows can span lines, and blank lines hold none."""
    if Path(path).suffix.lower() in CSV_DELIMITERS:
        return [line for line, _ in _csv_rows(Path(path))][1:]
    return [line for line, _ in _filled_lines(path)]


def _json_objects(path: Path) -> list[dict]:
    value = read_json(path)
    if not isinstance(value, list):
        raise InputError(f"holds {_kind(value)}", where=str(path), fix="an array of objects, one per row")
    for number, record in enumerate(value, start=1):
        if not isinstance(record, dict):
            raise InputError(f"holds {_kind(record)}", where=f"{path}: row {number}", fix="an object with named values")
    return value


def _frame_of(records: Iterable[dict]) -> pd.DataFrame:
    records = list(records)
    columns = dict.fromkeys(key for record in records for key in record)
    # dtype object: no number is guessed, and text that is not valid Unicode survives until a check can name it.
    return pd.DataFrame({c: pd.Series([r.get(c) for r in records], dtype=object) for c in columns})


def _refuse_doubled(names: Iterable[str], where: str) -> None:
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise InputError(f"column `{doubled[0]}` occurs twice", where=where, fix="column names must be unique")


def _kind(value) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
