"""Chunk `differences` of the explorer: every judge against every other, property by property."""

from __future__ import annotations

from itertools import combinations, islice

import numpy as np
import pandas as pd

from prefdissect.comparison.differences import LESS, MORE, NONE, NOT_JUDGED, UNCLEAR, judge_differences
from prefdissect.comparison.estimates import Estimates
from prefdissect.explorer.overview import Axes

WORDS = [MORE, LESS, UNCLEAR, NOT_JUDGED, NONE]
MISSING_WORD = 255
MISSING, PER_POINT = -32768, 100  # hundredths of a point in 16 bits
AT_ONCE = 200  # pairs of judges: their resamples fit into memory


def differences_chunk(estimates: Estimates, axes: Axes) -> tuple[dict, dict[str, np.ndarray]]:
    """Document and arrays of the chunk.

    Returns
    -------
    document : dict
        `words`: what a code of `difference_word` means; `scale`: what a point is in `difference`.
    arrays : dict
        difference (pairs of judges, groups, properties, 3): degree of the first judge minus that of the second, and its
        interval, in hundredths of a point; difference_word (pairs of judges, groups, properties). Pairs of judges in
        the order of numpy.triu_indices(judges, 1).
    """
    n, n_groups, n_properties = axes.shape
    pairs = list(combinations(axes.judges, 2))
    values = np.full((len(pairs), n_groups, n_properties, 3), MISSING, np.int16)
    words = np.full(values.shape[:3], MISSING_WORD, np.uint8)
    number = np.zeros((n, n), int)
    number[np.triu_indices(n, 1)] = range(len(pairs))
    there = set(estimates.judges)
    asked = (pair for pair in pairs if there.issuperset(pair))
    while some := list(islice(asked, AT_ONCE)):
        table = judge_differences(estimates, some)
        if table.empty:  # no group in which both were fitted
            continue
        place = (
            number[axes.judge(table["judge_1"]), axes.judge(table["judge_2"])],
            axes.group(table["group"]),
            axes.property(table["property"]),
        )
        values[place] = _hundredths(table[["degree_difference", "degree_q025", "degree_q975"]])
        words[place] = pd.Index(WORDS).get_indexer(table["word"])
    document = {"words": WORDS, "scale": PER_POINT, "missing": MISSING}
    return document, {"difference": values, "difference_word": words}


def _hundredths(points: pd.DataFrame) -> np.ndarray:
    array = points.to_numpy(float)
    return np.where(np.isnan(array), MISSING, np.round(array * PER_POINT)).astype(np.int16)
