"""Stages that annotate properties."""

from __future__ import annotations

import tempfile
from pathlib import Path

from prefdissect.annotators import lexical, llm
from prefdissect.annotators.sheet import audit_sheet, read_sheet
from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.provenance import to_json
from prefdissect.stages.models import machine_for
from prefdissect.tables import empty_table, read_table, write_csv, write_table

ANNOTATION_TABLES = ("annotations", "query_info", "errors", "features")


def import_annotations(pairs: str, annotator: str, tables: dict[str, str], outputs: dict[str, str]) -> None:
    """Take the recorded ratings of one annotator from its source."""
    kept = read_table(pairs, "pairs", columns=["pair_id", "prompt_id"])
    for name in ANNOTATION_TABLES:
        table = read_table(tables[name], name)
        key = "prompt_id" if name == "query_info" else "pair_id"
        table = table[table[key].isin(set(kept[key]))].assign(annotator=annotator)
        write_table(table, outputs[name], name)


def import_sheet(pairs: str, annotator: str, sheet: str, catalogue: str, outputs: dict[str, str]) -> None:
    """Take the ratings that people filled in on a sheet."""
    known = read_table(pairs, "pairs", columns=["pair_id"])
    write_table(read_sheet(sheet, load_catalogue(catalogue), known, annotator), outputs["annotations"], "annotations")
    for name in ANNOTATION_TABLES[1:]:
        write_table(empty_table(name), outputs[name], name)


def draw_audit_sheet(
    results: str, annotator: str, catalogue: str | None, per_property: int, seed: int, output: str
) -> int:
    """Write an empty sheet for people from a finished study's folder; returns its number of rows.

    Raises
    ------
    InputError
        When the sheet is there already (people may have filled it in), or the study holds no such annotator.
    """
    if Path(output).exists():
        raise InputError("the sheet exists already", where=output, fix="another name, lest ratings are lost")
    folder = Path(results)
    annotations, info = (
        read_table(folder / "annotations" / f"{annotator}.{name}.parquet", name)
        for name in ("annotations", "query_info")
    )
    properties = load_catalogue(catalogue) if catalogue else load_catalogue()
    pairs = read_table(folder / "pairs.parquet", "pairs")
    sheet = audit_sheet(pairs, annotations, info, properties, per_property=per_property, seed=seed)
    write_csv(sheet, output)
    return len(sheet)


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
