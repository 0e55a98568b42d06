"""Stages that read sources and measure: pairs, judgements, annotations."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from prefdissect.annotators import lexical
from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.groups import build_groups
from prefdissect.judges import recorded, rules, simulated
from prefdissect.pairs.assemble import assemble_pairs
from prefdissect.pairs.files import read_frame, require_columns
from prefdissect.pairs.registry import read_source
from prefdissect.pairs.source import TABLES
from prefdissect.provenance import to_json
from prefdissect.regression.cells import build_cells
from prefdissect.regression.fit import require_usable
from prefdissect.tables import empty_table, read_table, write_table

ANNOTATION_TABLES = ("annotations", "query_info", "errors", "features")


def import_source(record: dict, catalogue: str, outputs: dict[str, str], notes: str) -> None:
    """Read one source into the tables of the study."""
    source = read_source(record, load_catalogue(catalogue))
    for name in TABLES:
        write_table(getattr(source, name), outputs[name], name)
    write_text(notes, to_json(source.notes))


def assemble(sources: dict[str, str], samples: dict[str, dict], output: str) -> None:
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


def import_judgements(pairs: str, sources: dict[str, str], records: list[dict], outputs: list[str]) -> None:
    """Take the verdicts of every recorded judge from its source."""
    pair_ids = set(read_table(pairs, "pairs", columns=["pair_id"])["pair_id"])
    tables = {name: read_table(path, "judgements") for name, path in sources.items()}
    chosen = [recorded.select_recorded(tables[record["source"]], record, pair_ids) for record in records]
    for judgements, output in zip(chosen, outputs, strict=True):
        write_table(judgements, output, "judgements")


def judge_by_rule(pairs: str, record: dict, output: str) -> None:
    """Apply a rule judge."""
    judgements = rules.judge_by_rule(read_table(pairs, "pairs"), record["name"], record["rule"], record["seed"])
    write_table(judgements, output, "judgements")


def simulate_judge(features: str, record: dict, output: str) -> None:
    """Draw the verdicts of a judge with known coefficients."""
    table = read_table(features, "features")
    write_table(simulated.simulate(table, record["name"], record["coefficients"], record["seed"]), output, "judgements")


def import_annotations(pairs: str, annotator: str, tables: dict[str, str], outputs: dict[str, str]) -> None:
    """Take the recorded ratings of one annotator from its source."""
    kept = read_table(pairs, "pairs", columns=["pair_id", "prompt_id"])
    for name in ANNOTATION_TABLES:
        table = read_table(tables[name], name)
        key = "prompt_id" if name == "query_info" else "pair_id"
        table = table[table[key].isin(set(kept[key]))].assign(annotator=annotator)
        write_table(table, outputs[name], name)


def annotate_lexically(
    pairs: str, annotator: str, properties: list[str] | None, catalogue: str, outputs: dict[str, str]
) -> None:
    """Measure what words alone can measure."""
    table = lexical.annotate(read_table(pairs, "pairs"), load_catalogue(catalogue), properties, annotator)
    write_table(table, outputs["annotations"], "annotations")
    for name in ANNOTATION_TABLES[1:]:
        write_table(empty_table(name), outputs[name], name)


def check_inputs(pairs: str, groups: str, judgements: dict[str, str], settings: dict, output: str) -> None:
    """Find what would stop the study later, before any expensive job starts.

    Raises
    ------
    InputError
        When a recorded judge has no usable group whatever the features will be.
    """
    from prefdissect.preferences import combine

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


def make_model(pairs: str, settings: dict, output: str) -> None:
    """Make a random-weights model whose tokenizer is trained on the study's own texts."""
    from prefdissect.judges.random_model import make_random_model

    table = read_table(pairs, "pairs")
    texts = pd.concat([table["prompt"], table["response_a"], table["response_b"]]).drop_duplicates().tolist()
    make_random_model(Path(output), texts, **settings)


def judge_by_model(pairs: str, record: dict, template: str, output: str, interpreter: str | None = None) -> None:
    """Score the two answer tokens with a model judge, in the worker's own process."""
    from prefdissect.judges.scoring import run_worker

    table = read_table(pairs, "pairs")
    judgements = run_worker(record, template, table, workdir=Path(output).parent, interpreter=interpreter)
    write_table(judgements, output, "judgements")
