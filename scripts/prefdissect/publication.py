"""The tables that people read, from the tables of the stages."""

from __future__ import annotations

import pandas as pd

N_TOP = 3


def effects_table(coefficients: pd.DataFrame, labels: dict[str, str], property_labels: dict[str, str]) -> pd.DataFrame:
    """`effects.csv`: every coefficient with the labels people know."""
    table = coefficients.copy()
    table.insert(1, "judge_label", table["judge"].map(labels))
    table.insert(4, "property_label", table["property"].map(property_labels))
    return table


def top_properties(coefficients: pd.DataFrame, property_labels: dict[str, str]) -> pd.DataFrame:
    """`top_properties.csv`: the most and the least preferred properties of each judge in each group.

    Properties whose degree is exactly neutral are not listed.
    """
    rows = []
    for (judge, group, estimator), part in coefficients.groupby(["judge", "group", "estimator"], sort=False):
        ordered = part.sort_values("degree", ascending=False, kind="stable")
        best = ordered[ordered["degree"] > 50].head(N_TOP)
        worst = ordered[ordered["degree"] < 50].iloc[::-1].head(N_TOP)
        for side, chosen in (("most preferred", best), ("least preferred", worst)):
            for rank, (_, row) in enumerate(chosen.iterrows(), 1):
                rows.append(
                    {
                        "judge": judge,
                        "group": group,
                        "estimator": estimator,
                        "side": side,
                        "rank": rank,
                        "property": property_labels[row["property"]],
                        "degree": row["degree"],
                        "degree_q025": row["degree_q025"],
                        "degree_q975": row["degree_q975"],
                        "word": row["word"],
                    }
                )
    columns = [
        "judge",
        "group",
        "estimator",
        "side",
        "rank",
        "property",
        "degree",
        "degree_q025",
        "degree_q975",
        "word",
    ]
    return pd.DataFrame(rows, columns=columns)


def cluster_table(clusters: pd.DataFrame, undefined: list[str], records: dict[str, dict]) -> pd.DataFrame:
    """`clusters.csv`: cluster and attributes of each judge; no cluster where its similarity is undefined."""
    table = pd.concat([clusters, pd.DataFrame({"judge": undefined})], ignore_index=True)
    table["cluster"] = table["cluster"].astype("Int64")
    table.insert(1, "label", [records[judge]["label"] for judge in table["judge"]])
    attributes = pd.DataFrame([records[judge]["attributes"] for judge in table["judge"]], index=table.index)
    return table.join(attributes.rename(columns=lambda name: f"{name}_attribute" if name in table else name))
