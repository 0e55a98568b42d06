"""Chunk `core` of the explorer: the study, its judges, properties and groups, effects and similarities."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from prefdissect.annotators.verdicts import marked
from prefdissect.catalogue import CASE_LABELS, Catalogue
from prefdissect.datasheet import MEASURES
from prefdissect.explorer.placement import place_judges
from prefdissect.names import OVERALL, POOLED, intervals_of_posterior

FORMAT, VERSION = "prefdissect explorer", 1
WORDS = ["rewards", "penalises", "not distinguishable", "no interval"]
NONE = 255  # code of a value that is not there, in arrays of codes
METRICS = ("pearson", "agreement")
QUALITY = ("accuracy", "majority_accuracy", "length_accuracy")
MEASURE_LABELS = {
    "undecided": "leaves undecided",
    "flipped": "verdict flips with the order",
    "first_slot": "prefers the response shown first",
    "picks_longer": "picks the longer response",
    "mass": "probability on the two answers",
    "unparsed": "answers without a readable verdict",
    "failed": "no verdict for another reason",
    "repeats_equal": "repeats itself",
    "agreement": "agrees with {human}",
    "kappa": "agreement with {human} beyond chance (kappa)",
}


@dataclass(frozen=True)
class Axes:
    """Judges, groups and properties in the order of every array, and their positions by name."""

    judges: list[str]
    groups: list[str]
    properties: list[str]

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.judges), len(self.groups), len(self.properties)

    def judge(self, names) -> np.ndarray:
        return pd.Index(self.judges).get_indexer(names)

    def group(self, names) -> np.ndarray:
        return pd.Index(self.groups).get_indexer(names)

    def property(self, names) -> np.ndarray:
        return pd.Index(self.properties).get_indexer(names)


@dataclass
class Overview:
    """Tables that the chunk is made from; names as in `prefdissect.tables`."""

    config: dict
    records: dict[str, dict]
    catalogue: Catalogue
    groups: pd.DataFrame
    coefficients: pd.DataFrame
    similarity: pd.DataFrame
    clusters: pd.DataFrame
    shared: list[str]
    quality: pd.DataFrame | None = None
    datasheet: pd.DataFrame | None = None
    below: set[str] = field(default_factory=set)


def axes_of(overview: Overview) -> Axes:
    """Judges in the order of the study, properties in that of the catalogue, groups from wide to narrow."""
    fitted = set(overview.coefficients["property"])
    properties = [name for name in overview.catalogue if name in fitted]
    return Axes(list(overview.records), _ordered_groups(overview), properties)


def _ordered_groups(overview: Overview) -> list[str]:
    known = dict.fromkeys([*overview.coefficients["group"], *overview.groups["group"]])
    kinds = overview.groups.drop_duplicates("group").set_index("group")["kind"]
    order = ["pooled", "overall", "defined", "scenario", "case"]
    return sorted(known, key=lambda group: (order.index(_kind(group, kinds)), group))


def _kind(group: str, kinds: pd.Series) -> str:
    return {OVERALL: "overall", POOLED: "pooled"}.get(group) or str(kinds.get(group, "scenario"))


def core_chunk(overview: Overview, axes: Axes) -> tuple[dict, dict[str, np.ndarray]]:
    """Document and arrays of the chunk.

    Returns
    -------
    document : dict
        Study, judges, properties, groups, measures: see docs/explorer.md.
    arrays : dict
        effect_mean, effect_degree, effect_low, effect_high (degrees), effect_word, each (judges, groups, properties);
        effect_pairs (judges, groups); similarity (metrics, groups, pairs of judges, 3); quality (judges, groups, 3);
        datasheet (judges, groups, measures, 3).
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "study": _study(overview),
        "judges": _judges(overview, axes),
        "properties": _properties(overview, axes),
        "groups": _groups(overview, axes),
        "words": WORDS,
        "metrics": list(METRICS),
        "skipped": _skipped(overview, axes),
    }
    arrays = _effects(overview, axes) | {"similarity": _similarity(overview, axes)}
    document["map"] = _map(overview, axes, arrays["similarity"])
    document["measures"] = []
    if overview.quality is not None:
        arrays["quality"] = _quality(overview, axes)
    if overview.datasheet is not None:
        document["measures"], arrays["datasheet"] = _datasheet(overview, axes)
    return document, arrays


def _study(overview: Overview) -> dict:
    config, estimator = overview.config, overview.coefficients["estimator"].iloc[0]
    published = config["measurements"] == "published"
    return {
        "name": config["study"],
        "title": config["title"] or config["study"],
        "measurements": config["measurements"],
        "estimator": estimator,
        "group": config["comparison"]["group"],
        "human": config["comparison"]["human"],
        "judges": config["figures"]["judges"],
        "compared": config["comparison"]["differences"],
        "intervals": _intervals(config, estimator, published, len(overview.shared)),
        "judged": not published and bool((overview.coefficients["word"] != "no interval").any()),
    }


def _intervals(config: dict, estimator: str, published: bool, n_groups: int) -> dict[str, str]:
    """What intervals of effects, and of similarities and differences, are."""
    if published:
        told = f"95 % intervals from resampling the {n_groups} scenario groups: what other scenarios would change"
        return {"effects": told, "others": told}
    resampled = "95 % intervals from resampling prompts" if config["regression"]["resamples"] else ""
    posterior = "95 % intervals of the posterior" if intervals_of_posterior(estimator) else resampled
    return {"effects": posterior, "others": resampled}


def _judges(overview: Overview, axes: Axes) -> list[dict]:
    clusters = overview.clusters.set_index("judge")["cluster"]
    return [
        {
            "name": name,
            "label": overview.records[name]["label"],
            "kind": overview.records[name]["kind"],
            "rule": overview.records[name].get("rule"),
            "cluster": int(clusters[name]) if name in clusters.index else None,
            "attributes": {key: _plain(value) for key, value in overview.records[name]["attributes"].items()},
        }
        for name in axes.judges
    ]


def _plain(value):
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _properties(overview: Overview, axes: Axes) -> list[dict]:
    labels = marked({name: prop.label for name, prop in overview.catalogue.items()}, overview.below)
    return [
        {
            "name": name,
            "label": labels[name],
            "family": overview.catalogue[name].family,
            "definition": overview.catalogue[name].definition,
            "case": overview.catalogue[name].case,
            "scale": overview.catalogue[name].scale_text,
            "below": name in overview.below,
        }
        for name in axes.properties
    ]


def _groups(overview: Overview, axes: Axes) -> list[dict]:
    kinds = overview.groups.drop_duplicates("group").set_index("group")["kind"]
    sizes = overview.groups["group"].value_counts()
    labels = {POOLED: "all pairs", OVERALL: f"mean of {len(overview.shared)} scenarios"} | CASE_LABELS
    fitted = set(overview.coefficients["group"])
    return [
        {
            "name": name,
            "label": labels.get(name, name),
            "kind": _kind(name, kinds),
            "n_pairs": int(sizes.get(name, 0)),
            "fitted": name in fitted,
        }
        for name in axes.groups
    ]


def _skipped(overview: Overview, axes: Axes) -> list[list]:
    """Judge, group and why there is no fit."""
    if overview.quality is None:
        return []
    rows = overview.quality.dropna(subset="skipped")
    return [
        [int(judge), int(group), reason]
        for judge, group, reason in zip(axes.judge(rows["judge"]), axes.group(rows["group"]), rows["skipped"])
        if judge >= 0 and group >= 0
    ]


def _effects(overview: Overview, axes: Axes) -> dict[str, np.ndarray]:
    table = overview.coefficients
    place = axes.judge(table["judge"]), axes.group(table["group"]), axes.property(table["property"])
    arrays = {}
    for name, column in (("mean", "mean"), ("degree", "degree"), ("low", "degree_q025"), ("high", "degree_q975")):
        arrays[f"effect_{name}"] = np.full(axes.shape, np.nan, np.float32)
        arrays[f"effect_{name}"][place] = table[column]
    arrays["effect_word"] = np.full(axes.shape, NONE, np.uint8)
    arrays["effect_word"][place] = pd.Index(WORDS).get_indexer(table["word"])
    arrays["effect_pairs"] = np.zeros(axes.shape[:2], np.int32)
    arrays["effect_pairs"][place[:2]] = table["n_pairs"]
    return arrays


def _similarity(overview: Overview, axes: Axes) -> np.ndarray:
    """Value and interval by metric, group and pair of judges, pairs in the order of numpy.triu_indices(judges, 1)."""
    n, n_groups, _ = axes.shape
    square = np.full((len(METRICS), n_groups, n, n, 3), np.nan, np.float32)
    table = overview.similarity[overview.similarity["metric"].isin(METRICS)]
    metric, group = pd.Index(METRICS).get_indexer(table["metric"]), axes.group(table["group"])
    one, two = axes.judge(table["judge_1"]), axes.judge(table["judge_2"])
    known = (group >= 0) & (one >= 0) & (two >= 0)
    values = table[["value", "q025", "q975"]].to_numpy(np.float32)[known]
    square[metric[known], group[known], one[known], two[known]] = values
    square[metric[known], group[known], two[known], one[known]] = values
    return square[:, :, *np.triu_indices(n, 1)]


def _map(overview: Overview, axes: Axes, similarity: np.ndarray) -> dict:
    """Places of the judges by their similarity in the group of the comparison."""
    n = len(axes.judges)
    group = axes.groups.index(overview.config["comparison"]["group"])
    square = np.full((n, n), np.nan)
    upper = np.triu_indices(n, 1)
    square[upper] = similarity[METRICS.index("pearson"), group, :, 0]
    square[upper[1], upper[0]] = square[upper]
    places, misfit = place_judges(square, overview.config["seed"])
    return {
        "group": group,
        "places": [None if np.isnan(x) else [round(float(x), 4), round(float(y), 4)] for x, y in places],
        "misfit": None if np.isnan(misfit) else round(misfit, 4),
    }


def _quality(overview: Overview, axes: Axes) -> np.ndarray:
    array = np.full((*axes.shape[:2], len(QUALITY)), np.nan, np.float32)
    table = overview.quality
    array[axes.judge(table["judge"]), axes.group(table["group"])] = table[list(QUALITY)]
    return array


def _datasheet(overview: Overview, axes: Axes) -> tuple[list[dict], np.ndarray]:
    """Measures that any judge has, and their values with intervals."""
    table = overview.datasheet
    table = table[table["judge"].isin(axes.judges) & table["group"].isin(axes.groups)]
    names = [name for name in MEASURES if table[name].notna().any()]
    array = np.full((*axes.shape[:2], len(names), 3), np.nan, np.float32)
    place = axes.judge(table["judge"]), axes.group(table["group"])
    for number, name in enumerate(names):
        array[(*place, number)] = table[[name, f"{name}_q025", f"{name}_q975"]].to_numpy(np.float32)
    human = overview.config["comparison"]["human"]
    label = overview.records[human]["label"] if human else ""
    measures = [
        {"name": name, "label": MEASURE_LABELS[name].format(human=label), "meaning": MEASURES[name]} for name in names
    ]
    return measures, array
