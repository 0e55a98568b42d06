"""Stages that analyse: preferences, features, coefficients, comparison, figures, tables, report, provenance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from prefdissect import publication
from prefdissect.catalogue import load_catalogue
from prefdissect.comparison.clustering import cluster_judges
from prefdissect.comparison.similarity import coefficient_similarity, group_similarity, preference_agreement
from prefdissect.config import OVERALL
from prefdissect.datasheet import judge_datasheet
from prefdissect.errors import InputError
from prefdissect.features import build_features, feature_matrix
from prefdissect.figures.degree import degree_figure
from prefdissect.figures.heatmap import similarity_figure
from prefdissect.figures.saving import save_figure
from prefdissect.files import atomic_write, write_text
from prefdissect.findings import Evidence, render_findings
from prefdissect.preferences import combine
from prefdissect.provenance import collect, to_json
from prefdissect.regression.cells import build_cells
from prefdissect.regression.fit import LENGTH_PROPERTY, FitSettings, fit_cells
from prefdissect.tables import read_table, write_csv, write_table


def combine_preferences(judgements: list[str], output: str) -> None:
    """Combine the orders and samples of every judge."""
    write_table(
        pd.concat([combine(read_table(path, "judgements")) for path in judgements], ignore_index=True),
        output,
        "preferences",
    )


def make_features(
    pairs: str, annotations: list[str], resolved: list[str], catalogue: str, precedence: list[str],
    features: str, dropped: str,
) -> None:  # fmt: skip
    """Turn ratings into features."""
    built = build_features(
        read_table(pairs, "pairs", columns=["pair_id"])["pair_id"].tolist(),
        pd.concat([read_table(path, "annotations") for path in annotations], ignore_index=True),
        pd.concat([read_table(path, "features") for path in resolved], ignore_index=True),
        load_catalogue(catalogue),
        precedence,
    )
    write_table(built.features, features, "features")
    write_table(built.dropped, dropped, "dropped_pairs")


def _scenario_groups(groups: pd.DataFrame) -> list[str]:
    return sorted(groups.loc[groups["kind"] == "scenario", "group"].unique())


def fit_coefficients(
    pairs: str, groups: str, features: str, preferences: str, estimator: str, settings: dict,
    cache_dir: str, workers: int, outputs: dict[str, str],
) -> None:  # fmt: skip
    """Fit every judge in every group."""
    table, membership = read_table(pairs, "pairs", columns=["pair_id", "prompt_id"]), read_table(groups, "groups")
    matrix = feature_matrix(read_table(features, "features"), "graded" if settings["graded"] else "sign")
    cells = build_cells(table, membership, matrix, read_table(preferences, "preferences"), settings["ties"])
    names = ("prior_scale", "folds", "resamples", "seed", "code")
    fits = fit_cells(
        cells,
        list(matrix),
        _scenario_groups(membership),
        table["prompt_id"].nunique(),
        FitSettings(estimator, **{name: settings[name] for name in names}),
        cache_dir=cache_dir,
        workers=workers,
    )
    write_table(fits.coefficients, outputs["coefficients"], "coefficients")
    write_table(fits.fit_quality, outputs["fit_quality"], "fit_quality")
    atomic_write(outputs["draws"], lambda handle: fits.draws.to_parquet(handle, index=False))


def compare_judges(
    coefficients: str, draws: str, groups: str, preferences: str, settings: dict, outputs: dict[str, str]
) -> None:
    """Similarity of judges and of groups, and clusters of judges."""
    table, membership = read_table(coefficients, "coefficients"), read_table(groups, "groups")
    estimator = table["estimator"].iloc[0]
    drawn = pq.read_table(draws).to_pandas()
    similarity, spread = coefficient_similarity(table, drawn, _scenario_groups(membership), estimator)
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


def similarity_matrix(similarity: pd.DataFrame, judges: list[str], group: str, metric: str = "pearson") -> np.ndarray:
    """Square matrix of one metric in one group, in the order of `judges`."""
    chosen = similarity[(similarity["group"] == group) & (similarity["metric"] == metric)]
    number = {judge: position for position, judge in enumerate(judges)}
    matrix = np.full((len(judges),) * 2, np.nan)
    np.fill_diagonal(matrix, 1)
    rows, columns = chosen["judge_1"].map(number).to_numpy(), chosen["judge_2"].map(number).to_numpy()
    matrix[rows, columns] = matrix[columns, rows] = chosen["value"]
    return matrix


def plot_degree(
    coefficients: str, labels: dict[str, str], catalogue: str, group: str, judges: list[str], estimator: str,
    pdf: str, png: str,
) -> None:  # fmt: skip
    """Draw the degree of preference per property for chosen judges in one group."""
    table = read_table(coefficients, "coefficients")
    chosen = table[(table["group"] == group) & (table["estimator"] == estimator) & table["judge"].isin(judges)]
    if chosen.empty:
        there = ", ".join(dict.fromkeys(table["group"]))
        raise InputError(f"config key `figures.groups`: no judge shown was fitted in `{group}`", fix=f"fitted: {there}")
    properties = {name: prop.label for name, prop in load_catalogue(catalogue).items()}
    judges = [judge for judge in judges if judge in set(chosen["judge"])]
    save_figure(degree_figure(chosen, labels, properties, group=group, judges=judges), pdf, png)


def plot_similarity(
    similarity: str, clusters: str, linkage: str, labels: dict[str, str], group: str, pdf: str, png: str
) -> None:
    """Draw the clustered heat map of judge similarity."""
    members = read_table(clusters, "clusters")
    table = read_table(similarity, "similarity")
    chosen = table[(table["group"] == group) & (table["metric"] == "pearson")]
    chosen = chosen[chosen["judge_1"].isin(members["judge"]) & chosen["judge_2"].isin(members["judge"])]
    left_out = len(set(table["judge_1"]) | set(table["judge_2"])) - len(members)
    subtitle = "Pearson correlation of effect strengths over properties"
    subtitle += f"; {left_out} judges without any effect left out" if left_out else ""
    figure = similarity_figure(
        chosen,
        read_table(linkage, "linkage"),
        {judge: labels[judge] for judge in members["judge"]},
        title=f"How alike judges are ({'mean over scenario groups' if group == OVERALL else group})",
        subtitle=subtitle,
        clusters=members.set_index("judge")["cluster"].to_dict(),
    )
    save_figure(figure, pdf, png)


def write_tables(
    inputs: dict, records: dict[str, dict], catalogue: str, settings: dict, outputs: dict[str, str]
) -> None:
    """Write the tables that people read."""
    labels = {name: record["label"] for name, record in records.items()}
    properties = {name: prop.label for name, prop in load_catalogue(catalogue).items()}
    coefficients = pd.concat([read_table(path, "coefficients") for path in inputs["coefficients"]], ignore_index=True)
    quality = pd.concat([read_table(path, "fit_quality") for path in inputs["fit_quality"]], ignore_index=True)
    undefined = json.loads(Path(inputs["undefined"]).read_text(encoding="utf-8"))["undefined"]
    tables = {
        "effects": publication.effects_table(coefficients, labels, properties),
        "fit_quality": quality,
        "similarity": read_table(inputs["similarity"], "similarity"),
        "group_similarity": pd.read_csv(inputs["group_similarity"]),
        "clusters": publication.cluster_table(read_table(inputs["clusters"], "clusters"), undefined, records),
        "top_properties": publication.top_properties(coefficients, properties),
        "judge_datasheet": _datasheet(inputs, labels, settings),
    }
    for name, table in tables.items():
        write_csv(table, outputs[name])
        if tex := outputs.get(f"{name}_tex"):
            write_text(tex, publication.to_latex(table, name.replace("_", " ")))


def _datasheet(inputs: dict, labels: dict[str, str], settings: dict) -> pd.DataFrame:
    judgements = {
        judge: read_table(path, "judgements") for judge, path in zip(labels, inputs["judgements"], strict=True)
    }
    sheet = judge_datasheet(
        read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id"]),
        judgements,
        read_table(inputs["preferences"], "preferences"),
        word_counts(inputs["annotations"]),
        resamples=settings["resamples"],
        seed=settings["seed"],
    )
    sheet.insert(1, "label", sheet["judge"].map(labels))
    return sheet


def word_counts(annotations: list[str]) -> pd.DataFrame:
    """Word counts of both responses (index pair_id, columns a, b) from the first annotator that counted them."""
    for path in annotations:
        table = read_table(path, "annotations")
        counts = table[(table["property"] == LENGTH_PROPERTY) & (table["status"] == "ok")]
        if len(counts):
            return counts.set_index("pair_id")[["score_a", "score_b"]].set_axis(["a", "b"], axis=1)
    return pd.DataFrame(columns=["a", "b"], index=pd.Index([], name="pair_id"), dtype=float)


def write_findings(inputs: dict, config: dict, records: dict[str, dict], catalogue: str, output: str) -> None:
    """Write what the study found in plain sentences."""
    evidence = Evidence(
        config=config,
        records=records,
        catalogue=load_catalogue(catalogue),
        pairs=read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id", "source"]),
        groups=read_table(inputs["groups"], "groups"),
        features=read_table(inputs["features"], "features"),
        dropped=read_table(inputs["dropped"], "dropped_pairs"),
        coefficients=read_table(inputs["coefficients"], "coefficients"),
        quality=read_table(inputs["fit_quality"], "fit_quality"),
        similarity=read_table(inputs["similarity"], "similarity"),
        datasheet=pd.read_csv(inputs["datasheet"]),
        notes={Path(path).parent.name: json.loads(Path(path).read_text(encoding="utf-8")) for path in inputs["notes"]},
    )
    write_text(output, render_findings(evidence))


def write_provenance(config: dict, files: list[str], tables: list[str], output: str) -> None:
    """Write where the results come from."""
    write_text(output, to_json(collect(config, files, tables)))
