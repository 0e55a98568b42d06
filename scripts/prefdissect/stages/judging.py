"""Stages that collect judgements without a model, and the check before the expensive ones."""

from __future__ import annotations

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.judges import recorded
from prefdissect.preferences import combine
from prefdissect.provenance import to_json
from prefdissect.regression.cells import build_cells, require_usable
from prefdissect.tables import read_table, write_table


def import_judgements(pairs: str, sources: dict[str, str], records: list[dict], outputs: list[str]) -> None:
    """Take the verdicts of every recorded judge from its source."""
    pair_ids = set(read_table(pairs, "pairs", columns=["pair_id"])["pair_id"])
    tables = {name: read_table(path, "judgements") for name, path in sources.items()}
    chosen = [recorded.select_recorded(tables[record["source"]], record, pair_ids) for record in records]
    for judgements, output in zip(chosen, outputs, strict=True):
        write_table(judgements, output, "judgements")


def check_inputs(pairs: str, groups: str, judgements: dict[str, str], settings: dict, output: str) -> None:
    """Find what would stop the study later, before any expensive job starts.

    Raises
    ------
    InputError
        When a recorded judge has no usable group whatever the features will be.
    """
    table, membership = read_table(pairs, "pairs"), read_table(groups, "groups")
    if membership.empty:
        raise InputError("no pair is in any group", fix="switch on `groups.pooled`, or give pairs a scenario")
    matrix = pd.DataFrame(index=table["pair_id"])
    summary = {"pairs": len(table), "prompts": table["prompt_id"].nunique(), "judges": {}}
    for judge, path in judgements.items():
        preferences = combine(read_table(path, "judgements"))
        cells = build_cells(table, membership, matrix, preferences, settings["ties"])
        require_usable({(judge, cell.group): cell.why_skipped(settings["folds"]) for cell in cells})
        summary["judges"][judge] = preferences["preference"].fillna("none").value_counts().sort_index().to_dict()
    write_text(output, to_json(summary))


def combine_preferences(judgements: list[str], output: str) -> None:
    """Combine the orders and samples of every judge."""
    write_table(
        pd.concat([combine(read_table(path, "judgements")) for path in judgements], ignore_index=True),
        output,
        "preferences",
    )
