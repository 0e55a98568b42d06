"""All that is said about how alike judges are, from their coefficients (and labels, where there are any)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.comparison.attributes import attribute_similarity, read_attribute
from prefdissect.comparison.clustering import Clustering, cluster_judges
from prefdissect.comparison.estimates import Estimates
from prefdissect.comparison.neighbours import base_similarity, control_similarity, nearest_judges, versions_of
from prefdissect.comparison.similarity import PEARSON, Similarity, coefficient_similarity, reliability_table
from prefdissect.comparison_config import base_judges
from prefdissect.errors import InputError
from prefdissect.tables import conform, empty_table


@dataclass(frozen=True)
class Comparison:
    """Tables by name, and the judges in the order of the tree and those left out of it."""

    tables: dict[str, pd.DataFrame]
    clustering: Clustering


def compare(estimates: Estimates, records: dict[str, dict], settings: dict) -> Comparison:
    """Compare judges by their coefficients.

    Parameters
    ----------
    estimates
        From `read_estimates`; with or without resamples.
    records
        Judge -> record with `label`, `kind` and `attributes`.
    settings
        Section `comparison` of the study, and `seed`.

    Returns
    -------
    Comparison
        Tables similarity (metrics on coefficients), judge_reliability, clusters, linkage, cluster_numbers,
        nearest_judges, control_similarity, base_similarity, attribute_similarity; empty where there is nothing to say.

    Raises
    ------
    InputError
        When the group to be clustered was not fitted.
    """
    table, arrays = coefficient_similarity(estimates)
    group = settings["group"]
    if (group, PEARSON) not in arrays:
        raise InputError(
            f"config key `comparison.group`: the similarity in `{group}` does not exist for these judges",
            fix=f"one of {', '.join(estimates.groups)}",
        )
    shown = arrays[group, PEARSON]
    clustering = cluster_judges(estimates.judges, _with_ones(shown.value), shown.spread, settings["clusters"])
    attributes = [read_attribute(entry, records, estimates.judges) for entry in settings["attributes"]]
    options = {"permutations": settings["permutations"], "seed": settings["seed"]}
    tables = {
        "similarity": table,
        "judge_reliability": reliability_table(estimates),
        "clusters": clustering.clusters,
        "linkage": clustering.linkage,
        "cluster_numbers": clustering.numbers,
        "attribute_similarity": attribute_similarity(estimates, arrays, attributes, **options),
        **_relatives(estimates, arrays, records, settings),
    }
    return Comparison(tables, clustering)


def _with_ones(similarity: np.ndarray) -> np.ndarray:
    """A judge is like itself, even one whose similarity to the others is undefined."""
    similarity = similarity.copy()
    np.fill_diagonal(similarity, 1)
    return similarity


def _relatives(
    estimates: Estimates, arrays: dict[tuple[str, str], Similarity], records: dict[str, dict], settings: dict
) -> dict[str, pd.DataFrame]:
    """Nearest judges and controls in the group shown, base and aligned versions in every group; by both metrics."""
    judges = estimates.judges
    controls = {judge: record["rule"] for judge, record in records.items() if record["kind"] == "rule"}
    versions = versions_of(base_judges(records, settings["base"]), judges)
    parts: dict[str, list] = {name: [] for name in ("nearest_judges", "control_similarity", "base_similarity")}
    for (group, metric), found in arrays.items():
        named = {"group": group, "metric": metric, "estimator": estimates.estimator}
        parts["base_similarity"].append(base_similarity(judges, versions, found, named))
        if group == settings["group"]:
            parts["nearest_judges"].append(nearest_judges(judges, found, named, settings["human"]))
            parts["control_similarity"].append(control_similarity(judges, controls, found, named))
    return {
        name: conform(pd.concat([empty_table(name), *tables], ignore_index=True), name)
        for name, tables in parts.items()
    }
