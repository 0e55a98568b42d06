"""How far the ratings of properties can be trusted: agreement of an annotator with itself and with others.

With ratings x and y of the same responses, the quadratically weighted kappa (Cohen 1968) is

    kappa = 1 - E (x - y)^2 / (Var x + Var y + (E x - E y)^2),

the form of Lin's concordance (King and Chinchilli 2001). Unlike a table of categories it knows that 3 is three steps
from 0 even where nobody gave a 1, and takes counts. It needs sums alone, so that resamples of prompts are one product.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.annotators.matching import KEY, matched_ratings
from prefdissect.catalogue import Catalogue, Property
from prefdissect.features import sign_feature
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import conform

QUANTILES = (0.025, 0.975)
MEASURES = ("kappa", "within_one", "same_sign")
_STEP = 1 + 1e-9  # means of ratings are not exact


def reliability_table(
    pairs: pd.DataFrame,
    annotations: pd.DataFrame,
    repeats: pd.DataFrame,
    catalogue: Catalogue,
    *,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Agreement of ratings, property by property.

    Parameters
    ----------
    pairs
        Table `pairs`; `pair_id` and `prompt_id` are used.
    annotations, repeats
        Tables `annotations` and `annotation_repeats` of all annotators, in their order of precedence.
    resamples
        Resamples of prompts behind the intervals; 0 for none.

    Returns
    -------
    DataFrame
        Table `reliability`; empty where nothing was rated twice.
    """
    matched = matched_ratings(annotations, repeats)
    matched = matched[matched["property"].isin(list(catalogue))].merge(pairs[["pair_id", "prompt_id"]], on="pair_id")
    prompts = pd.Index(pairs["prompt_id"].unique())
    counts = resample_counts(len(prompts), resamples, seed).astype(float)
    rows = [
        dict(zip(KEY[:3], key, strict=True), property=name) | _agreement(part, prop, prompts, counts)
        for key, compared in matched.groupby(KEY[:3], sort=False)
        for name, prop in catalogue.items()
        if len(part := compared[compared["property"] == name])
    ]
    return conform(pd.DataFrame(rows, columns=None if rows else KEY), "reliability")


def _agreement(part: pd.DataFrame, prop: Property, prompts: pd.Index, counts: np.ndarray) -> dict:
    """One row of the table, less its key."""
    sums = _sums_by_prompt(part, prop, prompts)
    values = _measures(sums.sum(axis=0))
    row = {
        "n_ratings": 2 * len(part), "n_pairs": part["pair_id"].nunique(), "n_prompts": part["prompt_id"].nunique(),
        "equal": sums[:, 6].sum() / sums[:, 0].sum(),
    }  # fmt: skip
    spread = _measures(counts @ sums)
    for name in MEASURES:
        known = spread[name][np.isfinite(spread[name])]
        low, high = np.quantile(known, QUANTILES) if len(known) and np.isfinite(values[name]) else (np.nan, np.nan)
        row |= {name: float(values[name]), f"{name}_q025": low, f"{name}_q975": high}
    return row


def _sums_by_prompt(part: pd.DataFrame, prop: Property, prompts: pd.Index) -> np.ndarray:
    """Sums behind the measures, shape (prompts, 10)."""
    x, y = (part[[f"a_{k}", f"b_{k}"]].to_numpy(float).ravel() for k in (1, 2))
    gap = np.abs(x - y)
    ratings = np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y, gap < 1e-9, gap <= _STEP])
    sums = np.zeros((len(prompts), 10))
    np.add.at(sums[:, :8], np.repeat(prompts.get_indexer(part["prompt_id"]), 2), ratings)
    same = _same_signs(part, prop)
    np.add.at(sums[:, 8:], prompts.get_indexer(same.index), np.column_stack([np.ones(len(same)), same]))
    return sums


def _same_signs(part: pd.DataFrame, prop: Property) -> pd.Series:
    """Whether two ratings of a pair make the same feature; index prompt_id, one entry per pair and two ratings."""
    scores = part.groupby(["prompt_id", "pair_id", "turn"], sort=False)[["a_1", "b_1", "a_2", "b_2"]]
    means = scores.mean().reset_index().set_index("prompt_id")
    return pd.Series(
        sign_feature(prop, means["a_1"], means["b_1"]) == sign_feature(prop, means["a_2"], means["b_2"]),
        index=means.index,
    )


def _measures(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Kappa and shares from sums, shape (..., 10) to (...)."""
    n, x, y, xx, yy, xy, _, near, pairs, same = np.moveaxis(sums, -1, 0)
    mean_x, mean_y = _ratio(x, n), _ratio(y, n)
    expected = _ratio(xx + yy, n) - 2 * mean_x * mean_y
    # Where all ratings are one and the same value, agreement beyond chance is not defined.
    kappa = 1 - _ratio(_ratio(xx + yy - 2 * xy, n), np.where(expected > 1e-9, expected, 0))
    return {"kappa": kappa, "within_one": _ratio(near, n), "same_sign": _ratio(same, pairs)}


def _ratio(over, under) -> np.ndarray:
    over, under = np.asarray(over, dtype=float), np.asarray(under, dtype=float)
    return np.divide(over, under, out=np.full(np.broadcast(over, under).shape, np.nan), where=under > 0)
