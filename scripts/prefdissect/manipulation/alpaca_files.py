"""AlpacaEval's own files, so that its tools read what is written here and the other way round.

`model_outputs.json` (instruction, output, generator, dataset), `annotations.json` (a pair of outputs with the judge's
preference) and `leaderboard.csv` (one row per model).
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.manipulation.win_rates import leaderboard_row

OUTPUT_KEYS = ("instruction", "output", "generator")
ANNOTATION_KEYS = ("instruction", "output_1", "generator_1", "output_2", "generator_2", "annotator", "preference")
LEADERBOARD = (
    "win_rate", "standard_error", "n_wins", "n_wins_base", "n_draws", "n_total", "discrete_win_rate", "mode",
    "avg_length", "length_controlled_winrate", "lc_standard_error",
)  # fmt: skip
_TEXTS = ("instruction", "output", "generator", "output_1", "output_2", "generator_1", "generator_2", "annotator")


def read_outputs(path: str | Path) -> pd.DataFrame:
    """A file of outputs, one row per instruction, its order kept. Raises `InputError` naming file, row and key."""
    rows = _read_list(path, OUTPUT_KEYS)
    twice = rows[rows["instruction"].duplicated()]
    if len(twice):
        number = rows.index.get_loc(twice.index[0]) + 1
        raise InputError(
            "the instruction occurs twice", where=f"{path}: row {number}", fix="one output per instruction"
        )
    return rows


def read_annotations(path: str | Path) -> pd.DataFrame:
    """A file of annotations; preferences are numbers or null. Raises `InputError` naming file, row and key."""
    rows = _read_list(path, ANNOTATION_KEYS)
    values = pd.to_numeric(rows["preference"], errors="coerce")
    wrong = (rows["preference"].notna() & values.isna()) | (values.notna() & (values != 0) & ~values.between(1, 2))
    if wrong.any():
        number = int(wrong.to_numpy().argmax())
        problem = f"`preference` is {rows['preference'].iloc[number]!r}"
        raise InputError(problem, where=f"{path}: row {number + 1}", fix="1 to 2, 0 for a tie, or null")
    return rows.assign(preference=values)


def _read_list(path: str | Path, keys: tuple[str, ...]) -> pd.DataFrame:
    path = Path(path)
    if not path.is_file():
        raise InputError("the file does not exist", where=str(path), fix="a JSON list, as AlpacaEval writes it")
    try:
        rows = json.loads(path.read_bytes().decode("utf-8"))
    except ValueError as error:
        raise InputError(f"not JSON in UTF-8: {error}", where=str(path)) from None
    if not isinstance(rows, list) or not rows:
        raise InputError("holds no list of rows", where=str(path), fix="a JSON list of objects")
    for number, row in enumerate(rows, start=1):
        lacking = [key for key in keys if key not in row] if isinstance(row, dict) else ["instruction"]
        if lacking:
            raise InputError(f"key `{lacking[0]}` is missing", where=f"{path}: row {number}", fix=", ".join(keys))
        for key in set(keys) & set(_TEXTS):
            if not isinstance(row[key], str):
                raise InputError(f"key `{key}` is {row[key]!r}", where=f"{path}: row {number}", fix="a text")
    return pd.DataFrame(rows)


def write_outputs(path: str | Path, rows: pd.DataFrame, dataset: str) -> None:
    """Write `model_outputs.json` from columns instruction, output, generator."""
    listed = rows[list(OUTPUT_KEYS)].assign(dataset=dataset).to_dict("records")
    _write_json(path, listed)


def write_annotations(path: str | Path, rows: pd.DataFrame) -> None:
    """Write `annotations.json` from columns `ANNOTATION_KEYS`; a missing preference becomes null."""
    listed = rows[list(ANNOTATION_KEYS)].astype(object)
    _write_json(path, listed.where(rows[list(ANNOTATION_KEYS)].notna(), None).to_dict("records"))


def _write_json(path: str | Path, rows: list[dict]) -> None:
    write_text(path, json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def leaderboard(annotations: pd.DataFrame, length_controlled: dict[str, float] | None = None) -> pd.DataFrame:
    """A leaderboard of all models (`generator_2`) in annotations, the best first, in AlpacaEval's columns.

    Parameters
    ----------
    annotations
        See `read_annotations`; one judge and one baseline.
    length_controlled
        Model -> length-controlled win rate.
    """
    rows = {
        model: {**leaderboard_row(part), "mode": "community"}
        for model, part in annotations.groupby("generator_2", sort=False)
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    table["length_controlled_winrate"] = pd.Series(length_controlled or {}, dtype=float)
    table["lc_standard_error"] = float("nan")
    return table[list(LEADERBOARD)].sort_values("win_rate", ascending=False, kind="stable")


def write_leaderboard(path: str | Path, table: pd.DataFrame) -> None:
    """Write `leaderboard.csv`; the first column, the model, has no name there."""
    write_text(path, table.to_csv(index_label=""))
