"""Stages that annotate properties."""

from __future__ import annotations

from prefdissect.annotators import lexical
from prefdissect.catalogue import load_catalogue
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
