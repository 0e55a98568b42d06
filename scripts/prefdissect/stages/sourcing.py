"""Stages that read sources: pairs and the groups they are in."""

from __future__ import annotations

import pandas as pd

from prefdissect.catalogue import load_catalogue
from prefdissect.files import write_text
from prefdissect.groups import build_groups
from prefdissect.pairs.assemble import assemble_pairs
from prefdissect.pairs.columns import Place, labels
from prefdissect.pairs.files import read_frame, require_columns
from prefdissect.pairs.registry import read_source
from prefdissect.pairs.source import TABLES
from prefdissect.provenance import to_json
from prefdissect.scenarios import assign, check_labels, classify, held_out, quality_table
from prefdissect.tables import read_table, write_table


def import_source(record: dict, catalogue: str, outputs: dict[str, str], notes: str) -> None:
    """Read one source into the tables of the study."""
    source = read_source(record, load_catalogue(catalogue))
    for name in TABLES:
        write_table(getattr(source, name), outputs[name], name)
    write_text(notes, to_json(source.notes))


def assemble_sources(sources: dict[str, str], samples: dict[str, dict], output: str, scenarios: str = "") -> None:
    """Join the pairs of all sources, with the scenarios that a classifier gave."""
    by_source = {name: read_table(path, "pairs") for name, path in sources.items()}
    if scenarios:
        said = read_table(scenarios, "scenarios")
        by_source = {name: assign(pairs, said) for name, pairs in by_source.items()}
    write_table(assemble_pairs(by_source, samples), output, "pairs")


def classify_scenarios(sources: list[str], settings: dict, seed: int, outputs: dict[str, str]) -> None:
    """Train a classifier on labelled queries, measure it, and ask it about prompts without a scenario."""
    path, columns = settings["queries"], settings["columns"]
    frame = read_frame(path)
    require_columns(frame, columns.values(), path)
    place = Place.of_file(path, columns)
    table = pd.DataFrame({key: labels(frame, column, place, nullable=False) for key, column in columns.items()})
    merged = None
    if where := settings["groups"]:
        merged = read_frame(where)
        require_columns(merged, ["scenario", "group"], where)
    labelled = check_labels(table, merged, settings["folds"], path, where)
    pairs = pd.concat([read_table(source, "pairs") for source in sources], ignore_index=True)
    asked = pairs.loc[pairs["scenario"].isna(), ["prompt_id", "prompt"]]
    predicted = held_out(labelled, settings["folds"], seed)
    write_table(quality_table(predicted, settings["min_probability"]), outputs["quality"], "scenario_quality")
    write_table(classify(labelled, asked, settings, seed), outputs["scenarios"], "scenarios")


def group_pairs(pairs: str, query_info: list[str], source_groups: list[str], settings: dict, output: str) -> None:
    """Say which groups each pair is in."""
    info = pd.concat([read_table(path, "query_info") for path in query_info], ignore_index=True)
    stated = pd.concat([read_table(path, "groups") for path in source_groups], ignore_index=True)
    merged = None
    if path := settings["scenario_groups"]:
        merged = require_columns(read_frame(path), ["scenario", "group"], path)
    write_table(build_groups(read_table(pairs, "pairs"), info, stated, settings, merged), output, "groups")
