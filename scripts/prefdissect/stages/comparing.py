"""Stages that compare judges."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq

from prefdissect.comparison.compare import compare
from prefdissect.comparison.contrast import contrast_coefficients, contrast_preferences
from prefdissect.comparison.estimates import GROUPS, PROMPTS, Estimates, read_estimates
from prefdissect.comparison.labels import label_similarity
from prefdissect.comparison.similarity import group_similarity
from prefdissect.files import write_text
from prefdissect.groups import scenario_groups
from prefdissect.provenance import to_json
from prefdissect.tables import read_table, write_csv, write_table

UNITS = {"prompts": PROMPTS, "groups": GROUPS}


def compare_judges(inputs: dict[str, str], records: dict[str, dict], settings: dict, outputs: dict[str, str]) -> None:
    """How alike judges and groups are, and clusters of judges.

    Parameters
    ----------
    inputs
        Files of the tables coefficients, draws, pairs, groups and preferences.
    settings
        Section `comparison` of the study, `resamples` and `seed`.
    """
    membership = read_table(inputs["groups"], "groups")
    table = read_table(inputs["coefficients"], "coefficients")
    found = compare(_estimates(inputs, table, membership, settings), records, settings)
    labels = label_similarity(
        read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id"]),
        membership,
        read_table(inputs["preferences"], "preferences"),
        scenario_groups(membership),
        resamples=settings["resamples"],
        seed=settings["seed"],
    )
    tables = found.tables | {"similarity": pd.concat([found.tables["similarity"], labels], ignore_index=True)}
    for name, part in tables.items():
        write_table(part, outputs[name], name)
    write_csv(group_similarity(table), outputs["group_similarity"])
    left_out = {"judges": found.clustering.judges, "undefined": found.clustering.undefined}
    write_text(outputs["undefined"], to_json(left_out))


def contrast_judges(inputs: dict[str, str], records: dict[str, dict], settings: dict, outputs: dict[str, str]) -> None:
    """What judges, groups and versions of a judge differ in; inputs and settings as for `compare_judges`."""
    membership = read_table(inputs["groups"], "groups")
    table = read_table(inputs["coefficients"], "coefficients")
    tables = contrast_coefficients(_estimates(inputs, table, membership, settings), records, settings)
    pairs = read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id"])
    tables |= contrast_preferences(pairs, membership, read_table(inputs["preferences"], "preferences"), settings)
    for name, part in tables.items():
        write_table(part, outputs[name], name)


def read_compared(inputs: dict[str, str], settings: dict) -> Estimates:
    """Effects of all judges as they are compared; inputs and settings as for `compare_judges`."""
    table, membership = read_table(inputs["coefficients"], "coefficients"), read_table(inputs["groups"], "groups")
    return _estimates(inputs, table, membership, settings)


def _estimates(inputs: dict[str, str], table: pd.DataFrame, membership: pd.DataFrame, settings: dict) -> Estimates:
    draws = pq.read_table(inputs["draws"]).to_pandas()
    options = {"unit": UNITS[settings["resample"]], "seed": settings["seed"]}
    return read_estimates(table, draws, scenario_groups(membership), **options)
