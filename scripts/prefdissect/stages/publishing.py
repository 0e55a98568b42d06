"""Stages that write what people read: tables, findings, provenance."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from prefdissect import publication
from prefdissect.annotators.verdicts import MARK, below_limits, marked
from prefdissect.catalogue import load_catalogue
from prefdissect.datasheet import judge_datasheet, read_datasheet
from prefdissect.features import LENGTH_PROPERTY, feature_matrix
from prefdissect.files import write_text
from prefdissect.findings import Evidence, render_findings
from prefdissect.manipulation.gameability import with_gameability
from prefdissect.printed_tables import Printing, printed, to_latex, to_markdown
from prefdissect.provenance import collect, to_json
from prefdissect.regression.collinearity import property_correlations, property_statistics
from prefdissect.tables import conform, read_table, write_csv


def write_tables(
    inputs: dict, records: dict[str, dict], catalogue: str, settings: dict, outputs: dict[str, str]
) -> None:
    """Write the tables that people read: all of it as CSV, what fits a page as LaTeX and Markdown.

    Parameters
    ----------
    inputs
        Name -> file or files; without `judgements` and `features` the tables that need pairs are left out.
    records
        The judges.
    catalogue
        File of the properties.
    settings
        resamples, seed, human, graded, judges, shown (groups in figures), group (of the comparison), data_group,
        published, compared (tables that are taken as they are), limited (whether properties must reach a reliability).
    outputs
        Table -> CSV file; `<table>_md` and `<table>_tex` -> its printed forms.
    """
    labels = {name: record["label"] for name, record in records.items()}
    properties = {name: prop.label for name, prop in load_catalogue(catalogue).items()}
    verdicts = read_table(inputs["property_reliability"], "property_reliability") if settings["limited"] else None
    below = set() if verdicts is None else below_limits(verdicts)
    attenuation = _read_if_there(inputs, "attenuation", "attenuation")
    coefficients = pd.concat([read_table(path, "coefficients") for path in inputs["coefficients"]], ignore_index=True)
    undefined = json.loads(Path(inputs["undefined"]).read_text(encoding="utf-8"))["undefined"]
    tables = {
        "effects": publication.effects_table(coefficients, labels, properties, verdicts, attenuation),
        "similarity": read_table(inputs["similarity"], "similarity"),
        "group_similarity": pd.read_csv(inputs["group_similarity"]),
        "clusters": publication.cluster_table(read_table(inputs["clusters"], "clusters"), undefined, records),
        "top_properties": publication.top_properties(coefficients, marked(properties, below)),
        **{name: read_table(inputs[name], name) for name in settings["compared"]},
    }
    if "judgements" in inputs:
        quality = [read_table(path, "fit_quality") for path in inputs["fit_quality"]]
        tables["fit_quality"] = pd.concat(quality, ignore_index=True)
        tables |= {"judge_datasheet": _datasheet(inputs, labels, settings), **_properties(inputs, settings)}
    if path := "".join(inputs.get("scenario_quality", "")):
        tables["scenario_quality"] = read_table(path, "scenario_quality")
    how = _printing(labels, properties, settings, below)
    for name, table in tables.items():
        write_csv(table, outputs[name])
        if f"{name}_tex" in outputs:
            text, caption = printed(name, table, how)
            write_text(outputs[f"{name}_tex"], to_latex(text, caption))
            write_text(outputs[f"{name}_md"], to_markdown(text, caption))


def _printing(labels: dict[str, str], properties: dict[str, str], settings: dict, below: set[str]) -> Printing:
    unit = "scenario groups" if settings["published"] else "prompts"
    told = settings["published"] or settings["resamples"]
    return Printing(
        labels=labels,
        property_labels=marked(properties, below),
        marks=f"{MARK}: ratings agree less than the study asks for." if below else "",
        judges=settings["judges"],
        group=settings["shown"][0] if settings["shown"] else settings["group"],
        compared=settings["group"],
        data_group=settings["data_group"],
        intervals=f"In brackets: 95 % intervals from resampling {unit}." if told else "",
    )


def _properties(inputs: dict, settings: dict) -> dict[str, pd.DataFrame]:
    """How often each property differs in each group, and which ones the data cannot tell apart."""
    features = read_table(inputs["features"], "features")
    matrix = feature_matrix(features, "graded" if settings["graded"] else "sign")
    membership = read_table(inputs["groups"], "groups")
    membership = membership[membership["pair_id"].isin(matrix.index)]
    return {
        "property_statistics": conform(property_statistics(matrix, membership), "property_statistics"),
        "property_correlations": conform(property_correlations(matrix, membership), "property_correlations"),
    }


def _datasheet(inputs: dict, labels: dict[str, str], settings: dict) -> pd.DataFrame:
    judgements = {
        judge: read_table(path, "judgements") for judge, path in zip(labels, inputs["judgements"], strict=True)
    }
    sheet = judge_datasheet(
        read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id"]),
        read_table(inputs["groups"], "groups"),
        judgements,
        read_table(inputs["preferences"], "preferences"),
        word_counts(inputs["annotations"]),
        human=settings["human"] or None,
        resamples=settings["resamples"],
        seed=settings["seed"],
    )
    sheet.insert(1, "label", sheet["judge"].map(labels))
    manipulation = _read_if_there(inputs, "manipulation", "manipulation")
    return sheet if manipulation is None else with_gameability(sheet, manipulation)


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
        groups=read_table(inputs["groups"], "groups"),
        coefficients=read_table(inputs["coefficients"], "coefficients"),
        quality=read_table(inputs["fit_quality"], "fit_quality"),
        similarity=read_table(inputs["similarity"], "similarity"),
        clusters=read_table(inputs["clusters"], "clusters"),
        linkage=read_table(inputs["linkage"], "linkage"),
        judge_differences=read_table(inputs["judge_differences"], "judge_differences"),
        base_similarity=read_table(inputs["base_similarity"], "base_similarity"),
        **(_of_pairs(inputs) if "pairs" in inputs else {}),
        verdicts=_read_if_there(inputs, "verdicts", "property_reliability"),
        attenuation=_read_if_there(inputs, "attenuation", "attenuation"),
        kinds=_read_if_there(inputs, "attribute_similarity", "attribute_similarity"),
        manipulation=_read_if_there(inputs, "manipulation", "manipulation"),
    )
    write_text(output, render_findings(evidence))


def _read_if_there(inputs: dict, name: str, table: str) -> pd.DataFrame | None:
    return read_table(inputs[name], table) if name in inputs else None


def _of_pairs(inputs: dict) -> dict:
    """What is known where pairs are."""
    notes = inputs["notes"] if isinstance(inputs["notes"], list) else list(inputs["notes"])
    quality = "".join(inputs.get("scenario_quality", ""))
    return {
        "scenario_quality": read_table(quality, "scenario_quality") if quality else None,
        "pairs": read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id", "source"]),
        "features": read_table(inputs["features"], "features"),
        "dropped": read_table(inputs["dropped"], "dropped_pairs"),
        "datasheet": read_datasheet(inputs["datasheet"]),
        "notes": {Path(path).parent.name: json.loads(Path(path).read_text(encoding="utf-8")) for path in notes},
    }


def write_provenance(config: dict, files: list[str], tables: list[str], output: str) -> None:
    """Write where the results come from."""
    write_text(output, to_json(collect(config, files, tables)))
