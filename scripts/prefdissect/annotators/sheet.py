"""A sheet on which people rate a random sample, blind to what an annotator said; and reading it back as an annotator.

One row is one property of one pair (and one constraint, stance or mistake). People fill in `score_a` and `score_b`;
what they leave empty was not rated. Responses are shown as they are stored, so that a sheet gives away neither the
annotator's ratings nor who wrote what.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from prefdissect.catalogue import CASE_KEYS, Catalogue, Property
from prefdissect.errors import InputError
from prefdissect.pairs.checks import check_ratings
from prefdissect.pairs.columns import Place, labels
from prefdissect.pairs.files import read_frame, require_columns
from prefdissect.tables import conform

KEY = ["pair_id", "property", "item"]
FILLED_IN = ["score_a", "score_b"]
COLUMNS = [
    *KEY, *FILLED_IN, "what_to_rate", "of", "scale", "prompt", "turns", "reference", "response_a", "response_b",
]  # fmt: skip
LISTS = ("constraints", "stances", "mistakes")


def audit_sheet(
    pairs: pd.DataFrame,
    annotations: pd.DataFrame,
    query_info: pd.DataFrame,
    catalogue: Catalogue,
    *,
    per_property: int,
    seed: int,
) -> pd.DataFrame:
    """Draw what people are to rate: at most so many pairs for each property that the annotator rated.

    Parameters
    ----------
    pairs
        Table `pairs`.
    annotations, query_info
        Tables of the annotator that is audited; of the ratings only what was rated is used.
    per_property
        Pairs per property; all of them where there are fewer.
    seed
        The same seed draws the same pairs, whatever the order of the tables.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, ordered by pair, so that one text is read once; scores are empty.
    """
    asked = [name for name, prop in catalogue.items() if prop.family != "length"]  # nobody is to count words
    rated = annotations[(annotations["status"] == "ok") & annotations["property"].isin(asked)]
    drawn = [
        rows[rows["pair_id"].isin(_draw(rows["pair_id"], per_property, [seed, number]))]
        for number, name in enumerate(catalogue)
        if len(rows := rated[rated["property"] == name])
    ]
    if not drawn:
        raise InputError("the annotator rated nothing", fix="name an annotator with ratings")
    sheet = pd.concat(drawn)[KEY].sort_values(["pair_id"], kind="stable").merge(pairs, on="pair_id")
    items = _item_texts(query_info)
    props = [catalogue[name] for name in sheet["property"]]
    sheet = sheet.assign(
        score_a=None,
        score_b=None,
        what_to_rate=[f"{prop.asked_name.replace('_', ' ')}: {prop.asked_definition}" for prop in props],
        of=[items.get((prompt, CASE_KEYS.get(prop.case), item)) for prompt, prop, item in
            zip(sheet["prompt_id"], props, sheet["item"], strict=True)],
        scale=[_scale(prop) for prop in props],
    )  # fmt: skip
    return sheet[COLUMNS].reset_index(drop=True)


def read_sheet(path: str | Path, catalogue: Catalogue, pairs: pd.DataFrame, annotator: str) -> pd.DataFrame:
    """Read a sheet that people filled in, as table `annotations`; rows without scores were not rated.

    Raises
    ------
    InputError
        For an unknown pair or property, a score that is off its scale or given for one response only, a row that
        occurs twice, and a sheet on which nothing is filled in.
    """
    frame, place = read_frame(path), Place.of_file(path)
    require_columns(frame, [*KEY, *FILLED_IN], path)
    frame = frame.assign(pair_id=labels(frame, "pair_id", place, nullable=False))
    unknown = ~frame["pair_id"].isin(set(pairs["pair_id"]))
    place.refuse(unknown, "pair_id", lambda value: f"pair `{value}` is not in this study", frame["pair_id"])
    empty = frame[FILLED_IN].apply(lambda cells: cells.map(_is_blank))
    filled = frame[~empty.all(axis=1)]
    if filled.empty:
        raise InputError("nothing is filled in", where=str(path), fix="scores in `score_a` and `score_b`")
    table = check_ratings(filled, catalogue, place)
    return conform(table.assign(annotator=annotator), "annotations")


def _draw(pair_ids: pd.Series, count: int, seed: list[int]) -> np.ndarray:
    there = np.sort(pair_ids.unique().astype(object))
    return np.random.default_rng(seed).choice(there, min(count, len(there)), replace=False)


def _is_blank(cell) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def _item_texts(query_info: pd.DataFrame) -> dict[tuple, str]:
    """(prompt, list, number of the item) -> the constraint, stance or mistake."""
    return {
        (row["prompt_id"], column, number): str(text)
        for row in query_info.to_dict("records")
        for column in LISTS
        for number, text in enumerate(json.loads(row[column]))
    }


def _scale(prop: Property) -> str:
    said = "; ".join(f"{score} = {text}" for score, text in (prop.anchors or {}).items())
    return f"{prop.scale_text}{f' ({said})' if said else ''}"
