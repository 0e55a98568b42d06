"""Stage that says how far ratings can be trusted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from prefdissect.annotators.confusion import confusions
from prefdissect.annotators.reliability import reliability_table
from prefdissect.annotators.verdicts import property_reliability
from prefdissect.cache import ArrayCache
from prefdissect.catalogue import load_catalogue
from prefdissect.features import feature_matrix
from prefdissect.groups import scenario_groups
from prefdissect.regression.attenuation import attenuation_table
from prefdissect.regression.cells import build_cells
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


def measure_attenuation(inputs: dict, catalogue: str, settings: dict, cache_dir: str, output: str) -> None:
    """Write the table `attenuation`: what the annotators' error leaves of every effect, on sign features.

    Parameters
    ----------
    inputs
        Files: pairs, groups, features, preferences, and a list of repeats.
    settings
        ties, prior_scale, folds, seed, code (of the fit, for the cache).
    cache_dir
        Folder of the cache.
    """
    features, groups = read_table(inputs["features"], "features"), read_table(inputs["groups"], "groups")
    matrix = feature_matrix(features)
    supplied = features.drop_duplicates("property").set_index("property")["annotator"].to_dict()
    cells = build_cells(
        read_table(inputs["pairs"], "pairs", columns=["pair_id", "prompt_id"]),
        groups,
        matrix,
        read_table(inputs["preferences"], "preferences"),
        settings["ties"],
    )
    counts = confusions(read_repeats(inputs["repeats"]), supplied, load_catalogue(catalogue))
    options = {name: settings[name] for name in ("prior_scale", "folds", "seed", "code")}
    options |= {"scenarios": scenario_groups(groups), "cache": ArrayCache(Path(cache_dir) / "attenuation")}
    write_table(attenuation_table(cells, list(matrix), counts, **options), output, "attenuation")


def read_repeats(paths: list[str]) -> pd.DataFrame:
    """Table `annotation_repeats` of all annotators that rated again."""
    parts = [read_table(path, "annotation_repeats") for path in paths]
    return pd.concat([empty_table("annotation_repeats"), *parts], ignore_index=True)
