"""The tables that people read, from the tables of the stages."""

from __future__ import annotations

import pandas as pd

N_TOP = 3
NEUTRAL = 50
TOP_COLUMNS = [
    "judge", "group", "estimator", "side", "rank", "property", "degree", "degree_q025", "degree_q975", "word",
]  # fmt: skip


def effects_table(
    coefficients: pd.DataFrame,
    labels: dict[str, str],
    property_labels: dict[str, str],
    verdicts: pd.DataFrame | None = None,
    attenuation: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """`effects.csv`: every coefficient with the labels people know.

    With table `property_reliability` a column `reliability` says whether the ratings of the property reach what the
    study asks for; with table `attenuation` columns `left` and `attenuated` say what the annotator's error leaves.
    """
    table = coefficients.copy()
    table.insert(1, "judge_label", table["judge"].map(labels))
    table.insert(4, "property_label", table["property"].map(property_labels))
    if verdicts is not None:
        table["reliability"] = table["property"].map(verdicts.set_index("property")["reliability"])
    if attenuation is not None:
        key = ["judge", "group", "property"]
        table = table.merge(attenuation[[*key, "left", "attenuated"]], on=key, how="left")
    return table


def top_properties(coefficients: pd.DataFrame, property_labels: dict[str, str]) -> pd.DataFrame:
    """`top_properties.csv`: the most and the least preferred properties of each judge in each group.

    Properties whose degree is exactly neutral are not listed.
    """
    cells = coefficients.groupby(["judge", "group", "estimator"], sort=False).ngroup()
    table = coefficients.assign(cell=cells, place=range(len(coefficients)))
    sides = []
    # Of equal degrees the first of the table is the more preferred one.
    for number, (side, chosen, rising) in enumerate(
        [
            ("most preferred", table[table["degree"] > NEUTRAL], False),
            ("least preferred", table[table["degree"] < NEUTRAL], True),
        ]
    ):
        ordered = chosen.sort_values(["cell", "degree", "place"], ascending=[True, rising, not rising])
        rank = ordered.groupby("cell").cumcount() + 1
        sides.append(ordered.assign(side=side, number=number, rank=rank)[rank <= N_TOP])
    listed = pd.concat(sides).sort_values(["cell", "number", "rank"], ignore_index=True)
    listed["property"] = listed["property"].map(property_labels)
    return listed[TOP_COLUMNS]


def cluster_table(clusters: pd.DataFrame, undefined: list[str], records: dict[str, dict]) -> pd.DataFrame:
    """`clusters.csv`: cluster and attributes of each judge; no cluster where its similarity is undefined."""
    table = pd.concat([clusters, pd.DataFrame({"judge": undefined})], ignore_index=True)
    table["cluster"] = table["cluster"].astype("Int64")
    table.insert(1, "label", [records[judge]["label"] for judge in table["judge"]])
    attributes = pd.DataFrame([records[judge]["attributes"] for judge in table["judge"]], index=table.index)
    return table.join(attributes.rename(columns=lambda name: f"{name}_attribute" if name in table else name))
