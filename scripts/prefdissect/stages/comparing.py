"""Stage that compares judges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from prefdissect.comparison.clustering import cluster_judges
from prefdissect.comparison.similarity import coefficient_similarity, group_similarity, preference_agreement
from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.group_resampling import QUANTILES, overall_similarity
from prefdissect.groups import scenario_groups
from prefdissect.names import OVERALL
from prefdissect.provenance import to_json
from prefdissect.tables import read_table, write_csv, write_table


def compare_judges(
    coefficients: str, draws: str, groups: str, preferences: str, settings: dict, outputs: dict[str, str]
) -> None:
    """Similarity of judges and of groups, and clusters of judges."""
    table, membership = read_table(coefficients, "coefficients"), read_table(groups, "groups")
    estimator = table["estimator"].iloc[0]
    drawn = pq.read_table(draws).to_pandas()
    scenarios = scenario_groups(membership)
    similarity, spread = coefficient_similarity(table, drawn, scenarios, estimator)
    if settings["resample"] == "groups":
        similarity, spread = over_groups(similarity, spread, scenarios, settings["seed"])
    agreement = preference_agreement(read_table(preferences, "preferences"), membership)
    write_table(pd.concat([similarity, agreement], ignore_index=True), outputs["similarity"], "similarity")
    write_csv(group_similarity(table), outputs["group_similarity"])
    group = settings["group"]
    if group not in spread:
        raise InputError(
            f"config key `comparison.group`: the similarity in `{group}` does not exist for these judges",
            fix=f"one of {', '.join(spread)}",
        )
    judges = list(dict.fromkeys(table["judge"]))
    matrix = similarity_matrix(similarity, judges, group)
    clustering = cluster_judges(judges, matrix, spread[group], settings["clusters"])
    write_table(clustering.clusters, outputs["clusters"], "clusters")
    write_table(clustering.linkage, outputs["linkage"], "linkage")
    write_text(outputs["undefined"], to_json({"judges": clustering.judges, "undefined": clustering.undefined}))


def over_groups(
    similarity: pd.DataFrame, spread: dict[str, np.ndarray], scenarios: list[str], seed: int
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Give the similarity in `overall` the interval and the spread that resampling scenario groups gives it."""
    shared = [group for group in scenarios if group in spread]
    if OVERALL not in spread or not shared:
        return similarity, spread
    judges = list(dict.fromkeys([*similarity["judge_1"], *similarity["judge_2"]]))
    matrices = [similarity_matrix(similarity, judges, group) for group in shared]
    drawn = overall_similarity(matrices, seed)
    number = {judge: position for position, judge in enumerate(judges)}
    rows = similarity.index[(similarity["group"] == OVERALL) & (similarity["metric"] == "pearson")]
    pairs = similarity.loc[rows, "judge_1"].map(number), similarity.loc[rows, "judge_2"].map(number)
    similarity = similarity.copy()
    similarity.loc[rows, ["q025", "q975"]] = np.nanquantile(drawn[:, *pairs], QUANTILES, axis=0).T
    return similarity, spread | {OVERALL: drawn}


def similarity_matrix(similarity: pd.DataFrame, judges: list[str], group: str, metric: str = "pearson") -> np.ndarray:
    """Square matrix of one metric in one group, in the order of `judges`."""
    chosen = similarity[(similarity["group"] == group) & (similarity["metric"] == metric)]
    number = {judge: position for position, judge in enumerate(judges)}
    matrix = np.full((len(judges),) * 2, np.nan)
    np.fill_diagonal(matrix, 1)
    rows, columns = chosen["judge_1"].map(number).to_numpy(), chosen["judge_2"].map(number).to_numpy()
    matrix[rows, columns] = matrix[columns, rows] = chosen["value"]
    return matrix
