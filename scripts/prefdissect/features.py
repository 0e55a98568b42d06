"""Ratings become features: one number per pair and property, positive when response A has more of it.

The rules are those of Li et al. 2024 (*Dissecting Human and LLM Preferences*) and their published code; the
catalogue says which rule a property follows. Exchanging A and B negates every feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.catalogue import Catalogue, Property
from prefdissect.errors import InputError
from prefdissect.tables import conform

# For a shorter response of 0..11 words: the least length of the other that counts as longer.
LEAST_LONGER = np.array([1, 3, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19])
# For longer ones: "longer" where shorter <= share * longer and the difference is at least so many words.
LENGTH_STEPS = ((0.7, 10), (0.8, 20), (0.9, 40))
GRADED_LENGTH_CAP = 501
LENGTH_PROPERTY = "lengthy"


@dataclass
class Features:
    """Features of a study.

    Attributes
    ----------
    features
        Table `features`; every pair in it has a row for every property in `properties`.
    dropped
        Table `dropped_pairs`: pairs that leave every fit, and why.
    properties
        Properties that some annotator produced, in catalogue order.
    """

    features: pd.DataFrame
    dropped: pd.DataFrame
    properties: list[str]


def clearly_longer(words_a, words_b) -> np.ndarray:
    """Sign of the length comparison by the paper's thresholds.

    Parameters
    ----------
    words_a, words_b
        Word counts, arrays of shape (n,).

    Returns
    -------
    ndarray of int64, shape (n,)
        1 where A is clearly longer, -1 where B is, 0 where neither. The products are compared in floating point as
        the published code does.
    """
    words_a, words_b = np.asarray(words_a, dtype=float), np.asarray(words_b, dtype=float)
    shorter, longer = np.minimum(words_a, words_b), np.maximum(words_a, words_b)
    differ = np.zeros(shorter.shape, dtype=bool)
    for share, words in LENGTH_STEPS:
        differ |= (shorter <= share * longer) & (longer - shorter >= words)
    short = shorter < len(LEAST_LONGER)
    differ[short] = longer[short] >= LEAST_LONGER[shorter[short].astype(int)]
    return (np.sign(words_a - words_b) * differ).astype(np.int64)


def graded_length(words_a, words_b) -> np.ndarray:
    """Signed log difference of word counts, sign(d) log(1 + |d|) / log(501), clipped to [-1, 1]."""
    difference = np.asarray(words_a, dtype=float) - np.asarray(words_b, dtype=float)
    return np.clip(np.sign(difference) * np.log1p(np.abs(difference)) / np.log(GRADED_LENGTH_CAP), -1, 1)


def sign_feature(prop: Property, score_a, score_b) -> np.ndarray:
    """Sign of one property's comparison by its rule; for `mean_of_items` the scores are means over the items."""
    score_a, score_b = np.asarray(score_a, dtype=float), np.asarray(score_b, dtype=float)
    if prop.sign_rule == "length":
        return clearly_longer(score_a, score_b)
    if prop.sign_rule == "any":
        return ((score_a > 0).astype(np.int64)) - (score_b > 0)
    # Means over items may differ by rounding only (1/3 + 2/3 against 1), hence the tolerance.
    difference = np.where(np.isclose(score_a, score_b, rtol=0, atol=1e-9), 0, np.sign(score_a - score_b))
    return (-difference if prop.sign_rule == "less" else difference).astype(np.int64)


def graded_feature(prop: Property, score_a, score_b) -> np.ndarray:
    """Graded comparison in [-1, 1]: the difference divided by the catalogue's `graded_by`, clipped."""
    if prop.graded_by == "length":
        return graded_length(score_a, score_b)
    difference = (np.asarray(score_a, dtype=float) - np.asarray(score_b, dtype=float)) / float(prop.graded_by)
    return np.clip(-difference if prop.sign_rule == "less" else difference, -1, 1) + 0.0


def build_features(
    pair_ids: list[str],
    annotations: pd.DataFrame,
    resolved: pd.DataFrame,
    catalogue: Catalogue,
    precedence: list[str],
    unchecked_errors: str = "drop",
) -> Features:
    """Build the features of a study.

    Parameters
    ----------
    pair_ids
        Pairs of the study.
    annotations
        Table `annotations` of all annotators.
    resolved
        Table `features` of annotators whose comparisons were published already resolved.
    catalogue
        The properties and their rules.
    precedence
        Annotators, the preferred one first. A property comes from the first annotator that produced it for any
        pair, for all pairs: two instruments are never mixed within one property.
    unchecked_errors
        What becomes of a pair whose errors cannot be checked: `drop` (the published rule) or `zero`, no difference.

    Raises
    ------
    InputError
        When no property was produced, no pair is left, or a rating is `ok` and lacks a score.
    """
    _refuse_missing_scores(annotations)
    blocks, dropped, used = [], [], []
    for prop in catalogue.values():
        annotator = _first_producer(prop.name, annotations, resolved, precedence)
        if annotator is None:
            continue
        used.append(prop.name)
        block, lost = _property_block(prop, annotator, annotations, resolved, pair_ids, unchecked_errors)
        blocks.append(block)
        dropped.append(lost)
    if not used:
        raise InputError("no annotator of the study produced any property", fix="see `annotators` in the study")
    lost = pd.concat(dropped, ignore_index=True)
    features = pd.concat(blocks, ignore_index=True)
    features = features[~features["pair_id"].isin(set(lost["pair_id"]))]
    if features.empty:
        reasons = lost["reason"].value_counts().to_dict()
        raise InputError(f"no pair is left after leaving out those without complete annotations: {reasons}")
    return Features(conform(features, "features"), conform(lost, "dropped_pairs"), used)


def _refuse_missing_scores(annotations: pd.DataFrame) -> None:
    missing = (annotations["status"] == "ok") & annotations[["score_a", "score_b"]].isna().any(axis=1)
    if missing.any():
        row = annotations[missing].iloc[0]
        raise InputError(
            f"a score of `{row['property']}` is null though its status is ok",
            where=f"annotator `{row['annotator']}`, pair `{row['pair_id']}`",
            fix="give both scores, or the status not_applicable or failed",
        )


def _first_producer(name: str, annotations, resolved, precedence: list[str]) -> str | None:
    producers = set(annotations.loc[annotations["property"] == name, "annotator"])
    producers |= set(resolved.loc[resolved["property"] == name, "annotator"])
    return next((annotator for annotator in precedence if annotator in producers), None)


def _property_block(prop: Property, annotator: str, annotations, resolved, pair_ids, unchecked_errors: str):
    """Features of one property, and the pairs that it costs."""
    mine = annotations[(annotations["property"] == prop.name) & (annotations["annotator"] == annotator)]
    ready = resolved[(resolved["property"] == prop.name) & (resolved["annotator"] == annotator)]
    status = _status_by_pair(mine, prop, unchecked_errors).reindex(pair_ids)
    status.loc[status.isna() & status.index.isin(set(ready["pair_id"]))] = "ok"
    lost = status[status != "ok"].fillna("no annotation")
    rated = _rated_block(prop, mine[mine["status"] != "failed"], annotator)
    block = pd.concat([rated, ready[list(rated)]], ignore_index=True) if len(ready) else rated
    block = block[block["pair_id"].isin(set(pair_ids) - set(lost.index))]
    lost = pd.DataFrame({"pair_id": lost.index, "property": prop.name, "annotator": annotator, "reason": lost.values})
    return block, lost


def _status_by_pair(rows: pd.DataFrame, prop: Property, unchecked_errors: str) -> pd.Series:
    """One word per pair: ok, or why the pair leaves the fits.

    A query-specific property that does not apply is a zero; an error check that does not apply costs the pair, as in
    the published code, unless the study says otherwise. Every other property applies to every response, so that its
    absence is no zero either.
    """
    absent_is_zero = prop.family == "query_specific" or (prop.family == "errors" and unchecked_errors == "zero")
    tolerated = {"ok", "not_applicable"} if absent_is_zero else {"ok"}
    unchecked = "errors cannot be checked" if prop.family == "errors" else "property cannot be rated"
    words = rows["status"].where(~rows["status"].isin(tolerated), "ok")
    words = words.replace({"not_applicable": unchecked, "failed": "annotation failed"})
    # "ok" sorts last, so that one bad item decides.
    return words.where(words != "ok", "~ok").groupby(rows["pair_id"]).min().replace({"~ok": "ok"}).astype(object)


def _rated_block(prop: Property, rows: pd.DataFrame, annotator: str) -> pd.DataFrame:
    scores = rows.groupby("pair_id", sort=False)[["score_a", "score_b"]].mean()
    applies = scores.notna().all(axis=1)
    filled = scores.fillna(0.0)
    return pd.DataFrame(
        {
            "pair_id": scores.index.astype("str"),
            "property": prop.name,
            "sign": sign_feature(prop, filled["score_a"], filled["score_b"]) * applies.to_numpy(),
            "graded": graded_feature(prop, filled["score_a"], filled["score_b"]) * applies.to_numpy(),
            "annotator": annotator,
        }
    )


def feature_matrix(features: pd.DataFrame, column: str = "sign") -> pd.DataFrame:
    """Wide matrix: one row per pair, one column per property in the order of first appearance (catalogue order)."""
    order = list(dict.fromkeys(features["property"]))
    wide = features.pivot(index="pair_id", columns="property", values=column)[order]
    return wide.astype(float)
