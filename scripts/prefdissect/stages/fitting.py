"""Stages from ratings to coefficients."""

from __future__ import annotations

import pandas as pd

from prefdissect.catalogue import load_catalogue
from prefdissect.features import build_features, feature_matrix
from prefdissect.files import atomic_write
from prefdissect.groups import scenario_groups
from prefdissect.names import POOLED
from prefdissect.regression.against_published import compare_with_published
from prefdissect.regression.cells import build_cells
from prefdissect.regression.contributions import contributions
from prefdissect.regression.fit import FitSettings, fit_cells
from prefdissect.regression.published import read_published_coefficients
from prefdissect.tables import conform, read_table, validate, write_csv, write_table


def make_features(
    pairs: str, annotations: list[str], resolved: list[str], catalogue: str, precedence: list[str],
    unchecked_errors: str, features: str, dropped: str,
) -> None:  # fmt: skip
    """Turn ratings into features."""
    built = build_features(
        read_table(pairs, "pairs", columns=["pair_id"])["pair_id"].tolist(),
        pd.concat([read_table(path, "annotations") for path in annotations], ignore_index=True),
        pd.concat([read_table(path, "features") for path in resolved], ignore_index=True),
        load_catalogue(catalogue),
        precedence,
        unchecked_errors,
    )
    write_table(built.features, features, "features")
    write_table(built.dropped, dropped, "dropped_pairs")


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
        scenario_groups(membership),
        table["prompt_id"].nunique(),
        FitSettings(estimator, **{name: settings[name] for name in names}, options=settings.get(estimator, {})),
        cache_dir=cache_dir,
        workers=workers,
    )
    write_table(fits.coefficients, outputs["coefficients"], "coefficients")
    write_table(fits.fit_quality, outputs["fit_quality"], "fit_quality")
    atomic_write(outputs["draws"], lambda handle: fits.draws.to_parquet(handle, index=False))


def explain_pairs(coefficients: str, features: str, groups: str, graded: bool, output: str) -> None:
    """What every property adds to each pair's preference: every judge, in every scenario group or else `pooled`."""
    matrix = feature_matrix(read_table(features, "features"), "graded" if graded else "sign")
    membership = read_table(groups, "groups")
    shown = set(scenario_groups(membership)) or {POOLED}
    members = {name: part["pair_id"] for name, part in membership.groupby("group", sort=False) if name in shown}
    table = read_table(coefficients, "coefficients")
    parts = [
        contributions(matrix[matrix.index.isin(members[group])], fitted.set_index("property")["mean"]).assign(
            judge=judge, group=group, estimator=estimator
        )
        for (judge, group, estimator), fitted in table.groupby(["judge", "group", "estimator"], sort=False)
        if group in members
    ]
    write_table(conform(pd.concat(parts, ignore_index=True), "contributions"), output, "contributions")


def compare_fits_with_published(
    coefficients: list[str], published: str, catalogue: str, labels: dict[str, tuple[str, ...]], outputs: dict[str, str]
) -> None:
    """Our coefficients beside the published ones, and how far each judge and group is off."""
    ours = pd.concat([read_table(path, "coefficients") for path in coefficients], ignore_index=True)
    theirs = read_published_coefficients(published, load_catalogue(catalogue))
    for name, table in zip(
        ("against_published", "against_published_summary"), compare_with_published(ours, theirs, labels)
    ):
        write_csv(validate(table, name, "study"), outputs[name])
