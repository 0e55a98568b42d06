"""Chunks `pairs`, `details` and `texts` of the explorer: from preferences down to single pairs."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.explorer.overview import NONE, Axes
from prefdissect.features import feature_matrix
from prefdissect.tables import STATUSES, VERDICTS

PREFERENCES = ["", *VERDICTS]  # codes of `preference`
VERDICT_CODES = [*PREFERENCES, *(status for status in STATUSES if status != "ok")]
RATING_STATES = ["ok", "not_applicable", "failed", "not rated"]
ORDERS = ["ab", "ba", "none"]
NOT_KNOWN = {"int8": -128, "int16": -32768}  # a feature of a pair that leaves every fit
PER_GRADED = 10000
NO_LOGP, PER_NAT = -32768, 100
PER_SHARE = 200
TEXTS_AT_ONCE = 256  # pairs in one chunk of texts
TEXTS = ("prompt", "turns", "response_a", "response_b", "reference")
ANALYSIS = ("constraints", "stances", "mistakes")


@dataclass
class PairTables:
    """Tables of a study with pairs; names as in `prefdissect.tables`."""

    pairs: pd.DataFrame
    groups: pd.DataFrame
    features: pd.DataFrame
    preferences: pd.DataFrame
    judgements: dict[str, pd.DataFrame]
    annotations: pd.DataFrame
    query_info: pd.DataFrame
    errors: pd.DataFrame
    graded: bool


def detailed_pairs(n_pairs: int, limit: int, seed: int) -> np.ndarray:
    """Positions of the pairs that get details and texts: all, or `limit` drawn at random; in the order of the study."""
    if n_pairs <= limit:
        return np.arange(n_pairs)
    return np.sort(np.random.default_rng(seed).choice(n_pairs, limit, replace=False))


def pairs_chunk(tables: PairTables, axes: Axes, detailed: np.ndarray) -> tuple[dict, dict[str, np.ndarray]]:
    """What lists and filters of pairs need.

    Returns
    -------
    document : dict
        ids, scenarios, sources, models (what the codes mean), preferences, details.
    arrays : dict
        prompt, scenario, source, model_a, model_b (pairs), -1 for none; member (groups, pairs); feature
        (pairs, properties), divided by `feature_scale`, `not_known` where the pair leaves every fit;
        preference, p_a, consistent (judges, pairs); detailed: positions of pairs with details and texts.
    """
    pairs = tables.pairs
    ids = pd.Index(pairs["pair_id"])
    document, arrays = {"ids": list(ids)}, {"detailed": detailed.astype(np.int32)}
    arrays["prompt"] = pd.factorize(pairs["prompt_id"])[0].astype(np.int32)
    for name in ("scenario", "source"):
        arrays[name], document[f"{name}s"] = _coded(pairs[name])
    both, document["models"] = _coded(pd.concat([pairs["model_a"], pairs["model_b"]]))
    arrays["model_a"], arrays["model_b"] = np.split(both, 2)
    arrays["member"] = np.zeros((len(axes.groups), len(ids)), np.uint8)
    rows = tables.groups[tables.groups["group"].isin(axes.groups)]
    arrays["member"][axes.group(rows["group"]), ids.get_indexer(rows["pair_id"])] = 1
    matrix = feature_matrix(tables.features, "graded" if tables.graded else "sign").reindex(ids)[axes.properties]
    kind, scale = ("int16", PER_GRADED) if tables.graded else ("int8", 1)
    document |= {"feature_scale": scale, "not_known": NOT_KNOWN[kind]}
    document |= {"preferences": PREFERENCES, "share_scale": PER_SHARE}
    arrays["feature"] = (matrix * scale).round().fillna(NOT_KNOWN[kind]).to_numpy().astype(kind)
    return document, arrays | _preferences(tables.preferences, axes, ids)


def _coded(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    codes, names = pd.factorize(values)
    return codes.astype(np.int32), list(names)


def _preferences(table: pd.DataFrame, axes: Axes, ids: pd.Index) -> dict[str, np.ndarray]:
    shape = (len(axes.judges), len(ids))
    place = axes.judge(table["judge"]), ids.get_indexer(table["pair_id"])
    preference, share = np.zeros(shape, np.uint8), np.full(shape, NONE, np.uint8)
    consistent = np.full(shape, NONE, np.uint8)
    preference[place] = pd.Index(PREFERENCES).get_indexer(table["preference"].fillna(""))
    share[place] = (table["p_a"] * PER_SHARE).round().fillna(NONE).astype(np.uint8)
    consistent[place] = table["consistent"].astype("Int64").fillna(NONE).astype(np.uint8)
    return {"preference": preference, "p_a": share, "consistent": consistent}


def details_chunk(tables: PairTables, axes: Axes, detailed: np.ndarray) -> tuple[dict, dict[str, np.ndarray]]:
    """Ratings, errors and what judges answered, for the pairs with details.

    Returns
    -------
    document : dict
        logp_judges, rating_judges: judges in these arrays; verdicts, states: what codes mean; samples: judge -> most
        answers to one request; suppliers: annotator of each property; errors: pair -> [response, severity] each.
    arrays : dict
        verdict (judges, pairs, orders); logp (logp_judges, pairs, orders, responses) in hundredths of a nat,
        means over samples; judge_rating (rating_judges, pairs, orders, responses); score (pairs, properties, responses)
        and state (pairs, properties).
    """
    ids = pd.Index(tables.pairs["pair_id"].to_numpy()[detailed])
    document: dict = {"verdicts": VERDICT_CODES, "states": RATING_STATES, "logp_scale": PER_NAT, "no_logp": NO_LOGP}
    document["samples"] = {}
    arrays = {"verdict": np.zeros((len(axes.judges), len(ids), len(ORDERS)), np.uint8)}
    logp, rating = {}, {}
    for number, judge in enumerate(axes.judges):
        table = tables.judgements[judge]
        rows = table[table["pair_id"].isin(ids)]
        place = ids.get_indexer(rows["pair_id"]), pd.Index(ORDERS).get_indexer(rows["order"].fillna("none"))
        arrays["verdict"][number] = _verdicts(rows, place, len(ids))
        if rows["logp_a"].notna().any():
            logp[judge] = _means(rows, place, len(ids), ["logp_a", "logp_b"])
        if rows["rating_a"].notna().any():
            rating[judge] = _means(rows, place, len(ids), ["rating_a", "rating_b"]).astype(np.float32)
        if len(rows) and rows["sample"].max() > 0:
            document["samples"][judge] = int(rows["sample"].max()) + 1
    document |= {"logp_judges": list(logp), "rating_judges": list(rating)}
    if logp:
        stacked = np.stack(list(logp.values()))
        hundredths = np.clip(np.round(stacked * PER_NAT), NO_LOGP + 1, -NO_LOGP - 1)
        arrays["logp"] = np.where(np.isnan(stacked), NO_LOGP, hundredths).astype(np.int16)
    if rating:
        arrays["judge_rating"] = np.stack(list(rating.values()))
    document["suppliers"], scores = _scores(tables, axes, ids)
    document["errors"] = _severities(tables.errors, ids)
    return document, arrays | scores


def _verdicts(rows: pd.DataFrame, place: tuple, n_pairs: int) -> np.ndarray:
    """The most frequent verdict of each pair and order over samples, or what became of the request."""
    told = rows["verdict"].where(rows["status"] == "ok", rows["status"])
    code = pd.Index(VERDICT_CODES).get_indexer(told.fillna(""))
    counts = np.zeros((n_pairs, len(ORDERS), len(VERDICT_CODES)), np.int32)
    np.add.at(counts, (*place, code), 1)
    return counts.argmax(axis=2).astype(np.uint8)


def _means(rows: pd.DataFrame, place: tuple, n_pairs: int, columns: list[str]) -> np.ndarray:
    """Means over samples, shape (pairs, orders, 2); NaN where there is none."""
    values = rows[columns].to_numpy(float)
    known = ~np.isnan(values).any(axis=1) & (rows["status"] == "ok").to_numpy()
    total, number = np.zeros((n_pairs, len(ORDERS), 2)), np.zeros((n_pairs, len(ORDERS), 1))
    where = place[0][known], place[1][known]
    np.add.at(total, where, values[known])
    np.add.at(number, where, 1)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def _scores(tables: PairTables, axes: Axes, ids: pd.Index) -> tuple[list[str | None], dict[str, np.ndarray]]:
    """Ratings by the annotator that supplies each property; those of several items by their mean."""
    supplied = tables.features.drop_duplicates("property").set_index("property")["annotator"]
    table = tables.annotations[tables.annotations["pair_id"].isin(ids)]
    table = table[table["annotator"] == table["property"].map(supplied)]
    items = table.groupby(["pair_id", "property"], sort=False)
    means = items[["score_a", "score_b"]].mean()
    place = ids.get_indexer(means.index.get_level_values(0)), axes.property(means.index.get_level_values(1))
    score = np.full((len(ids), len(axes.properties), 2), np.nan, np.float32)
    state = np.full(score.shape[:2], RATING_STATES.index("not rated"), np.uint8)
    score[place] = means.to_numpy(np.float32)
    # `ok` where any item was rated.
    codes = pd.Index(RATING_STATES).get_indexer(table["status"])
    state[place] = pd.Series(codes, index=table.index).groupby([table["pair_id"], table["property"]], sort=False).min()
    return [supplied.get(name) for name in axes.properties], {"score": score, "state": state}


def _severities(errors: pd.DataFrame, ids: pd.Index) -> dict[int, list[list[str]]]:
    rows = errors[errors["pair_id"].isin(ids)]
    found: dict[int, list[list[str]]] = {}
    for pair, response, severity in zip(ids.get_indexer(rows["pair_id"]), rows["response"], rows["severity"]):
        found.setdefault(int(pair), []).append([response, severity])
    return found


def text_chunks(tables: PairTables, detailed: np.ndarray) -> list[dict]:
    """Documents of the chunks of texts: columns of `TEXTS`, what the query says explicitly, and errors in words.

    Each holds the next `TEXTS_AT_ONCE` pairs with details. An entry of `errors` is a list of [type, description], in
    the order of the severities of chunk `details`.
    """
    pairs = tables.pairs.iloc[detailed].reset_index(drop=True)
    info = tables.query_info.drop_duplicates("prompt_id").set_index("prompt_id")
    pairs["reference"] = pairs["reference"].fillna(pairs["prompt_id"].map(info["reference"]))
    analysis = [_explicit(info, prompt) for prompt in pairs["prompt_id"]]
    errors = tables.errors.groupby("pair_id", sort=False)[["type", "description"]]
    told = {pair: _texts(part.to_numpy()) for pair, part in errors}
    chunks = []
    for start in range(0, len(pairs), TEXTS_AT_ONCE):
        part = pairs.iloc[start : start + TEXTS_AT_ONCE]
        document = {name: _texts(part[name]) for name in TEXTS}
        document["analysis"] = analysis[start : start + TEXTS_AT_ONCE]
        document["errors"] = [told.get(pair, []) for pair in part["pair_id"]]
        chunks.append(document)
    return chunks


def _texts(values) -> list:
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return [_texts(row) for row in values]
    return [None if pd.isna(value) else value for value in values]


def _explicit(info: pd.DataFrame, prompt: str) -> dict[str, list[str]]:
    """What the analysis of a query found: its lists that are not empty."""
    if prompt not in info.index:
        return {}
    lists = {name: json.loads(info.at[prompt, name]) for name in ANALYSIS}
    return {name: entries for name, entries in lists.items() if entries}
