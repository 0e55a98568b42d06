"""Stages that read sources: pairs and the groups they are in."""

from __future__ import annotations

import pandas as pd

from prefdissect.catalogue import load_catalogue
from prefdissect.files import write_text
from prefdissect.groups import build_groups
from prefdissect.pairs.assemble import assemble_pairs
from prefdissect.pairs.files import read_frame, require_columns
from prefdissect.pairs.registry import read_source
from prefdissect.pairs.source import TABLES
from prefdissect.provenance import to_json
from prefdissect.tables import read_table, write_table


def import_source(record: dict, catalogue: str, outputs: dict[str, str], notes: str) -> None:
    """Read one source into the tables of the study."""
    source = read_source(record, load_catalogue(catalogue))
    for name in TABLES:
        write_table(getattr(source, name), outputs[name], name)
    write_text(notes, to_json(source.notes))


def assemble_sources(sources: dict[str, str], samples: dict[str, dict], output: str) -> None:
    """Join the pairs of all sources."""
    by_source = {name: read_table(path, "pairs") for name, path in sources.items()}
    write_table(assemble_pairs(by_source, samples), output, "pairs")


def group_pairs(pairs: str, query_info: list[str], source_groups: list[str], settings: dict, output: str) -> None:
    """Say which groups each pair is in."""
    info = pd.concat([read_table(path, "query_info") for path in query_info], ignore_index=True)
    stated = pd.concat([read_table(path, "groups") for path in source_groups], ignore_index=True)
    merged = None
    if path := settings["scenario_groups"]:
        merged = require_columns(read_frame(path), ["scenario", "group"], path)
    write_table(build_groups(read_table(pairs, "pairs"), info, stated, settings, merged), output, "groups")
