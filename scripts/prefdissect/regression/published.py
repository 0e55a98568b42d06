"""The coefficients that Li et al. 2024 published, as a `coefficients` table to compare fits with.

One file per group, `model_<group>_fitted_paras.jsonl`, with one line per judge:
`{"model_name": ..., "parameters": [29 numbers]}`. The numbers are means of posterior means over ten folds; the source
gives no draws, hence no interval.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from prefdissect.catalogue import Catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.files import read_json, read_jsonl
from prefdissect.tables import conform, validate

ESTIMATOR = "published"
PREFIX, SUFFIX = "model_", "_fitted_paras.jsonl"
INDEX_LISTS = "query_aware_idxs.json"
PROPERTY_ORDER = "property_order.json"


def read_published_coefficients(folder: str | Path, catalogue: Catalogue) -> pd.DataFrame:
    """Read the published coefficients.

    Parameters
    ----------
    folder
        Folder with the files `model_<group>_fitted_paras.jsonl`. If `query_aware_idxs.json` lies in it or beside it,
        `n_pairs` is the length of the group's list there, else 0: pairs whose errors could not be checked left the
        published fits, and their number is not published. If `property_order.json` lies there, it names the
        parameters; else they are the catalogue's properties that have published names, in its order.
    catalogue
        The properties.

    Returns
    -------
    Table `coefficients`: estimator `published`, `mean` = `fold_mean` = the parameter (log-odds), no interval,
    judges by the label as published.

    Raises
    ------
    InputError
        When no file is found, a line lacks a judge, repeats one, or holds another number of parameters.
    """
    folder = Path(folder)
    files = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))
    if not files:
        raise InputError("no published coefficients are there", where=str(folder), fix=f"{PREFIX}<group>{SUFFIX}")
    names = _property_names(folder, catalogue)
    sizes = _group_sizes(folder)
    blocks = [block for path in files for block in _read_group(path, names, sizes)]
    return validate(conform(pd.concat(blocks, ignore_index=True), "coefficients"), "coefficients", str(folder))


def _read_group(path: Path, names: list[str], sizes: dict[str, int]) -> list[pd.DataFrame]:
    group = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
    blocks, seen = [], {}
    for line, record in read_jsonl(path):
        where = f"{path}: line {line}"
        judge = record.get("model_name")
        if not isinstance(judge, str) or not judge:
            raise InputError(f"`model_name` holds {judge!r}", where=where, fix="the judge's name")
        if judge in seen:
            raise InputError(f"judge `{judge}` was on line {seen[judge]} already", where=where)
        seen[judge] = line
        values = _parameters(record.get("parameters"), names, where)
        blocks.append(_block(judge, group, names, values, sizes.get(group, 0)))
    if not blocks:
        raise InputError("the file holds no judge", where=str(path))
    return blocks


def _parameters(values, names: list[str], where: str) -> np.ndarray:
    if not isinstance(values, list) or len(values) != len(names):
        held = f"{len(values)} values" if isinstance(values, list) else repr(values)
        raise InputError(f"`parameters` holds {held}", where=where, fix=f"a list of {len(names)} numbers")
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"the parameter of `{name}` is {value!r}", where=where, fix="a finite number")
    return np.asarray(values, dtype=float)


def _block(judge: str, group: str, names: list[str], values: np.ndarray, n_pairs: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "judge": judge,
            "group": group,
            "property": names,
            "estimator": ESTIMATOR,
            "mean": values,
            "fold_mean": values,
            "degree": 100 / (1 + np.exp(-values)),
            "word": "no interval",
            "n_pairs": n_pairs,
        }
    )


def _property_names(folder: Path, catalogue: Catalogue) -> list[str]:
    path = _beside(folder, PROPERTY_ORDER)
    if path is None:
        return [prop.name for prop in catalogue.values() if prop.published]
    known, names = catalogue.published_names(), {}
    entries = read_json(path)
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        if not isinstance(entry, dict) or entry.get("name") not in known:
            raise InputError(
                f"entry {number} names no property of the catalogue: {entry!r}",
                where=str(path),
                fix="see `published` in the catalogue",
            )
        names[entry.get("id", number - 1)] = known[entry["name"]]
    return [names[position] for position in sorted(names)]


def _group_sizes(folder: Path) -> dict[str, int]:
    path = _beside(folder, INDEX_LISTS)
    if path is None:
        return {}
    lists = read_json(path)
    if not isinstance(lists, dict) or not all(isinstance(rows, list) for rows in lists.values()):
        raise InputError("does not map groups to lists of row numbers", where=str(path))
    return {group: len(rows) for group, rows in lists.items()}


def _beside(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder.resolve().parent / name) if path.is_file()), None)
