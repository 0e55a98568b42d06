"""Stage that writes the explorer: one page to look at a study with, from the judges down to single pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from prefdissect.annotators.verdicts import below_limits
from prefdissect.catalogue import load_catalogue
from prefdissect.comparison.estimates import Estimates
from prefdissect.datasheet import read_datasheet
from prefdissect.explorer.container import pack
from prefdissect.explorer.contrasts import differences_chunk
from prefdissect.explorer.overview import Axes, Overview, axes_of, core_chunk
from prefdissect.explorer.page import render_page
from prefdissect.explorer.pair_data import PairTables, detailed_pairs, details_chunk, pairs_chunk, text_chunks
from prefdissect.files import write_text
from prefdissect.group_resampling import degree_intervals
from prefdissect.names import OVERALL
from prefdissect.stages.comparing import read_compared
from prefdissect.tables import read_table

PER_ANNOTATOR = ("annotations", "query_info", "errors")


def write_explorer(inputs: dict, config: dict, records: dict[str, dict], settings: dict, output: str) -> None:
    """Write the page.

    Parameters
    ----------
    inputs
        Name -> file or files of the tables; those of pairs are missing in a study of published coefficients.
    config, records
        The study and its judges.
    settings
        Section `comparison` of the study with `resamples` and `seed`; `page`: folder of the parts of the page.
    output
        The HTML file.
    """
    estimates = read_compared(inputs, settings)
    overview = _overview(inputs, config, records, estimates)
    axes = axes_of(overview)
    chunks = _chunks(inputs, overview, axes, estimates)
    write_text(output, render_page(settings["page"], config["title"] or config["study"], chunks))


def _overview(inputs: dict, config: dict, records: dict[str, dict], estimates: Estimates) -> Overview:
    coefficients = read_table(inputs["coefficients"], "coefficients")
    published = config["measurements"] == "published"
    if published and estimates.shared:
        overall = degree_intervals(coefficients, estimates.shared, config["seed"])
        coefficients = pd.concat([coefficients[coefficients["group"] != OVERALL], overall], ignore_index=True)
    verdicts = read_table(inputs["verdicts"], "property_reliability") if "verdicts" in inputs else None
    return Overview(
        config=config,
        records=records,
        catalogue=load_catalogue(inputs["catalogue"]),
        groups=read_table(inputs["groups"], "groups"),
        coefficients=coefficients,
        similarity=read_table(inputs["similarity"], "similarity"),
        clusters=read_table(inputs["clusters"], "clusters"),
        shared=estimates.shared,
        quality=None if published else read_table(inputs["fit_quality"], "fit_quality"),
        datasheet=None if published else read_datasheet(inputs["datasheet"]),
        below=set() if verdicts is None else below_limits(verdicts),
    )


def _chunks(inputs: dict, overview: Overview, axes: Axes, estimates: Estimates) -> Iterator[tuple[str, bytes]]:
    """Names and contents in the order in which the page asks for them."""
    document, arrays = core_chunk(overview, axes)
    if overview.config["measurements"] == "published":
        yield "core", pack(document | {"pairs": None}, arrays)
        yield "differences", pack(*differences_chunk(estimates, axes))
        return
    tables, settings = _pair_tables(inputs, overview, axes), overview.config["explorer"]
    detailed = detailed_pairs(len(tables.pairs), settings["max_pairs"], overview.config["seed"])
    texts = text_chunks(tables, detailed) if settings["texts"] else []
    document["pairs"] = _extent(tables.pairs, detailed, texts, settings)
    yield "core", pack(document, arrays)
    yield "differences", pack(*differences_chunk(estimates, axes))
    yield "pairs", pack(*pairs_chunk(tables, axes, detailed))
    yield "details", pack(*details_chunk(tables, axes, detailed))
    for number, chunk in enumerate(texts):
        yield f"texts-{number}", pack(chunk)


def _extent(pairs: pd.DataFrame, detailed: np.ndarray, texts: list[dict], settings: dict) -> dict:
    """What the page has of the pairs, and what was left out."""
    return {
        "n": len(pairs),
        "n_prompts": int(pairs["prompt_id"].nunique()),
        "n_detailed": len(detailed),
        "texts": settings["texts"],
        "text_chunks": len(texts),
        "texts_at_once": len(texts[0]["prompt"]) if texts else 0,
    }


def _pair_tables(inputs: dict, overview: Overview, axes: Axes) -> PairTables:
    def all_of(name: str) -> pd.DataFrame:
        return pd.concat([read_table(path, name) for path in inputs[name]], ignore_index=True)

    return PairTables(
        pairs=read_table(inputs["pairs"], "pairs"),
        groups=overview.groups,
        features=read_table(inputs["features"], "features"),
        preferences=read_table(inputs["preferences"], "preferences"),
        judgements={
            judge: read_table(path, "judgements") for judge, path in zip(axes.judges, inputs["judgements"], strict=True)
        },
        **{name: all_of(name) for name in PER_ANNOTATOR},
        graded=overview.config["regression"]["graded"],
    )
