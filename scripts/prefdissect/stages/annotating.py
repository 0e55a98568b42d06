"""Stages that annotate properties."""

from __future__ import annotations

import tempfile

from prefdissect.annotators import lexical, llm
from prefdissect.catalogue import load_catalogue
from prefdissect.files import write_text
from prefdissect.provenance import to_json
from prefdissect.stages.models import machine_for
from prefdissect.tables import empty_table, read_table, write_table

ANNOTATION_TABLES = ("annotations", "query_info", "errors", "features")


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


def annotate_by_model(
    pairs: str, catalogue: str, record: dict, machine: dict, outputs: dict[str, str], usage: str
) -> None:
    """Have a language model rate properties, in worker processes of its own."""
    table, properties = read_table(pairs, "pairs"), load_catalogue(catalogue)
    where = machine_for(record, machine)
    with tempfile.TemporaryDirectory(prefix=f"annotate-{record['name']}-") as workdir:
        tables, used = llm.annotate(record, table, properties, workdir, where)
    write_text(usage, to_json(used))
    for name, output in outputs.items():
        write_table(tables[name], output, name)
