"""What figures and findings show of the tables of differences; values are points of degree of preference."""

from __future__ import annotations

import pandas as pd

from prefdissect.names import MEAN_OF_VERSIONS

DEGREES = {"degree_difference": "value", "degree_q025": "q025", "degree_q975": "q975"}


def between_judges(table: pd.DataFrame, judges: tuple[str, str], group: str) -> pd.DataFrame:
    """First judge minus second in one group: columns property, value, q025, q975 (null without interval).

    Parameters
    ----------
    table
        Table `judge_differences`.
    """
    chosen = (table["judge_1"] == judges[0]) & (table["judge_2"] == judges[1]) & (table["group"] == group)
    rows = table.loc[chosen, ["property", *DEGREES]].drop_duplicates("property")
    return rows.rename(columns=DEGREES).reset_index(drop=True)


def by_group(coefficients: pd.DataFrame, judges: tuple[str, str], groups: list[str]) -> pd.DataFrame:
    """First judge minus second in every group: columns property, group, value."""
    rows = coefficients[coefficients["judge"].isin(judges) & coefficients["group"].isin(groups)]
    degrees = rows.pivot(index=["property", "group"], columns="judge", values="degree")
    return (degrees[judges[0]] - degrees[judges[1]]).dropna().rename("value").reset_index()


def of_versions(table: pd.DataFrame, group: str) -> pd.DataFrame:
    """Aligned versions minus their base judge: columns base, aligned, property, value.

    Parameters
    ----------
    table
        Table `base_differences`.
    """
    rows = table[(table["group"] == group) & (table["judge"] != MEAN_OF_VERSIONS)]
    rows = rows.rename(columns={"judge": "aligned", **DEGREES})
    return rows[["base", "aligned", "property", "value"]].reset_index(drop=True)


def similarity_of_versions(table: pd.DataFrame, group: str) -> pd.DataFrame:
    """Correlation of aligned versions with their base judge: columns base, aligned, value, q025, q975.

    Parameters
    ----------
    table
        Table `base_similarity`.
    """
    chosen = (table["group"] == group) & (table["metric"] == "pearson") & (table["judge"] != MEAN_OF_VERSIONS)
    rows = table[chosen].dropna(subset="value").rename(columns={"judge": "aligned"})
    return rows[["base", "aligned", "value", "q025", "q975"]].reset_index(drop=True)
