"""Judges listed in a CSV file: every row becomes a record of the section `judges`.

Runs when the Snakefile is parsed: it imports nothing heavier than yaml and jsonschema.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import yaml

from prefdissect.config_schema import Place, did_you_mean, kinds, record_schema
from prefdissect.errors import InputError
from prefdissect.names import safe_name
from prefdissect.yaml_files import decode_utf8


class Row(Place):
    """How messages call one judge of a list: its line, and the column or config key that a value came from."""

    def __init__(self, path: Path, line: int, columns: dict[str, str], defaults: str):
        super().__init__(file=f"{path}: line {line}")
        self.columns, self.defaults = columns, defaults

    def at(self, *path) -> str:
        if not path:
            return str(self.file)
        key = str(path[0])
        if column := self.columns.get(key) or (self.columns.get("label") if key == "name" else None):
            return f"{self.file}, column `{column}`"
        return f"{self.file}, {Place(self.defaults).at(*path)}"


def read_judge_list(entry: dict, number: int) -> list[tuple[dict, Place]]:
    """Read one entry of `judge_lists`.

    Parameters
    ----------
    entry
        Keys path, columns (record key -> column), defaults. Columns that are no key of a judge become attributes.
    number
        Its position in the section.

    Returns
    -------
    Every judge's record, with how messages call it.

    Raises
    ------
    InputError
        When the file is missing, not UTF-8, no CSV, lacks a column that is named, or has no row.
    """
    path, key = Path(entry["path"]), f"judge_lists[{number}]"
    if not path.is_file():
        fix = "give a CSV file; see `data_dir` too"
        raise InputError(f"`{path}` does not exist", where=f"config key `{key}.path`", fix=fix)
    _check_defaults(entry["defaults"], key)
    header, rows = _read_csv(path)
    for name, column in entry["columns"].items():
        if column not in header:
            where = f"{path}, named by {Place(key).at('columns', name)}"
            raise InputError(f"column `{column}` is missing", where=where, fix=f"present: {', '.join(header)}")
    mapped = set(entry["columns"].values())
    columns = {column: column for column in header if column not in mapped} | entry["columns"]
    places = [Row(path, line, columns, f"{key}.defaults") for line, _ in rows]
    return [(_record(row, place, entry["defaults"]), place) for (_, row), place in zip(rows, places, strict=True)]


def _check_defaults(defaults: dict, key: str) -> None:
    known = {name: None for kind in kinds("judge") for name in record_schema("judge", kind)["properties"]}
    for name in defaults:
        if name not in known:
            fix = f"{did_you_mean(name, known)}known here: {', '.join(known)}"
            raise InputError(f"config key `{key}.defaults.{name}` is unknown", fix=fix)


def _read_csv(path: Path) -> tuple[list[str], list[tuple[int, dict]]]:
    """Header and rows (with their line numbers) of a CSV file; empty cells are left out."""
    reader = csv.reader(
        io.StringIO(decode_utf8(path.read_bytes(), path), newline=""), strict=True, skipinitialspace=True
    )
    try:
        header = next(reader, [])
        rows = _filled_rows(reader, header, path)
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", where=f"{path}: line {reader.line_num}") from None
    if twice := [column for column in header if header.count(column) > 1]:
        raise InputError(f"column `{twice[0]}` occurs twice", where=f"{path}: line 1")
    if not rows:
        raise InputError("no judge is listed", where=str(path), fix="a header, then one row per judge")
    return header, rows


def _filled_rows(reader, header: list[str], path: Path) -> list[tuple[int, dict]]:
    rows, line = [], reader.line_num + 1
    for cells in reader:
        if len(cells) > len(header):
            fix = "put a cell that holds a comma in double quotes"
            raise InputError(f"{len(cells)} cells, {len(header)} columns", where=f"{path}: line {line}", fix=fix)
        row = {column: cell for column, cell in zip(header, cells) if cell.strip()}
        rows += [(line, row)] if row else []
        line = reader.line_num + 1
    return rows


def _record(row: dict[str, str], place: Row, defaults: dict) -> dict:
    given = {key: row[column] for key, column in place.columns.items() if column in row}
    kind = given.get("kind", defaults.get("kind"))
    if kind not in kinds("judge"):
        fix = f"{did_you_mean(kind, kinds('judge'))}one of {', '.join(kinds('judge'))}"
        problem = "is missing" if kind is None else f"is {kind!r}"
        raise InputError(f"{place.at('kind')} {problem}", fix=fix)
    known = {key: sub for key, sub in record_schema("judge", kind)["properties"].items() if key != "attributes"}
    record = defaults | {key: _typed(value, known[key]) for key, value in given.items() if key in known}
    extra = {key: value for key, value in given.items() if key not in known}
    record["attributes"] = {**(defaults.get("attributes") or {}), **extra}
    if "name" not in record and "label" not in record:
        raise InputError(
            "neither `name` nor `label` is given", where=place.at(), fix="`columns: {label: <the column>}` names one"
        )
    record.setdefault("name", safe_name(str(record.get("label"))))
    return record


def _typed(cell: str, schema: dict):
    """A cell as the schema wants it: text as it is, anything else read as YAML (`2`, `true`, `{seed: 1}`)."""
    if schema.get("type", "string") == "string":  # no type: a list of words, or a `name`
        return cell
    try:
        return yaml.safe_load(cell)
    except (yaml.YAMLError, ValueError):
        return cell
