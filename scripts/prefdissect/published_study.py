"""A study that starts from published coefficients: the tables that a fit would have left behind."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from prefdissect.catalogue import CASES, Catalogue
from prefdissect.errors import InputError
from prefdissect.names import OVERALL
from prefdissect.pairs.files import read_json
from prefdissect.regression.published import INDEX_LISTS, read_published_coefficients
from prefdissect.tables import conform

KEY = "config key `published`"


def published_tables(folder: str, records: dict[str, dict], catalogue: Catalogue) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `coefficients` and `groups` of the judges of a study.

    Parameters
    ----------
    folder
        Folder with the files `model_<group>_fitted_paras.jsonl`.
    records
        Judges of the study by name; `judge`, or else `label`, is the name of a judge in the files.
    catalogue
        The properties.

    Returns
    -------
    coefficients
        Every group of the files, then `overall`: the unweighted mean over the scenario groups of strength and degree.
        Standard deviations and quantiles are null, for none were published.
    groups
        Which pairs the groups hold, by the published row numbers; where these are not there a group has one row, so
        that its name and kind are known.

    Raises
    ------
    InputError
        When the folder holds no coefficients, or a judge of the study is in none of its files.
    """
    table = read_published_coefficients(folder, catalogue)
    names = {record.get("judge", record["label"]): name for name, record in records.items()}
    known = set(table["judge"])
    if lacking := [label for label in names if label not in known]:
        problem = f"{KEY}: judge `{lacking[0]}` is not in the published files"
        raise InputError(problem, where=folder, fix=f"there are: {', '.join(sorted(known))}")
    # In the study's order of judges, the files' order of properties.
    table["judge"] = pd.Categorical(table["judge"].map(names), categories=list(records))
    table = table.dropna(subset="judge").sort_values(["judge", "group"], kind="stable").astype({"judge": "str"})
    groups = _membership(folder, list(dict.fromkeys(table["group"])))
    return conform(pd.concat([table, _overall(table)], ignore_index=True), "coefficients"), groups


def is_scenario(group: str) -> bool:
    """Groups are scenarios, but for those of the query-specific cases."""
    return group not in CASES.values()


def _overall(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["group"].map(is_scenario)]
    if rows.empty:
        return rows
    means = rows.groupby(["judge", "property"], sort=False, as_index=False)[["mean", "fold_mean", "degree"]].mean()
    sizes = rows.drop_duplicates(["judge", "group"]).groupby("judge")["n_pairs"].sum()
    shared = {"group": OVERALL, "estimator": rows["estimator"].iloc[0], "word": "no interval"}
    return means.assign(**shared, n_pairs=means["judge"].map(sizes))


def _membership(folder: str, groups: list[str]) -> pd.DataFrame:
    places = (Path(folder) / INDEX_LISTS, Path(folder).resolve().parent / INDEX_LISTS)
    path = next((place for place in places if place.is_file()), None)
    lists = read_json(path) if path else {}
    blocks = [
        pd.DataFrame(
            {
                "pair_id": [f"row {number}" for number in lists.get(group, ["unknown"])],
                "group": group,
                "kind": "scenario" if is_scenario(group) else "case",
            }
        )
        for group in groups
    ]
    return conform(pd.concat(blocks, ignore_index=True), "groups")
