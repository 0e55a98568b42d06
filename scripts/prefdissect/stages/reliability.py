"""Stage that says how far ratings can be trusted."""

from __future__ import annotations

import pandas as pd

from prefdissect.annotators.reliability import reliability_table
from prefdissect.annotators.verdicts import property_reliability
from prefdissect.catalogue import load_catalogue
from prefdissect.tables import empty_table, read_table, write_table


def measure_reliability(inputs: dict, catalogue: str, settings: dict, outputs: dict[str, str]) -> None:
    """Write the tables `reliability` and `property_reliability`.

    Parameters
    ----------
    inputs
        Files: pairs, features, and lists of annotations and repeats.
    settings
        wanted (section `annotations.reliability`), resamples, seed.
    """
    table = reliability_table(
        read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id"]),
        pd.concat([read_table(path, "annotations") for path in inputs["annotations"]], ignore_index=True),
        read_repeats(inputs["repeats"]),
        load_catalogue(catalogue),
        resamples=settings["resamples"],
        seed=settings["seed"],
    )
    features = read_table(inputs["features"], "features", columns=["property", "annotator"])
    write_table(table, outputs["reliability"], "reliability")
    verdicts = property_reliability(table, features, settings["wanted"])
    write_table(verdicts, outputs["property_reliability"], "property_reliability")


def read_repeats(paths: list[str]) -> pd.DataFrame:
    """Table `annotation_repeats` of all annotators that rated again."""
    parts = [read_table(path, "annotation_repeats") for path in paths]
    return pd.concat([empty_table("annotation_repeats"), *parts], ignore_index=True)
