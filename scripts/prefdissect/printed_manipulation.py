"""The table of the manipulation experiments as people print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from prefdissect.printed_comparisons import MISSING, spanned

if TYPE_CHECKING:
    from prefdissect.printed_tables import Printing

SCORES = {"win_rate": "win rate (%)", "grade": "grade (1 to 10)"}
ARM_TEXTS = {
    "towards": "told what it rewards",
    "against": "told what it penalises",
    "random": "told as much at random",
    "none": "told nothing",
    "tuned-towards": "tuned towards it",
    "tuned-against": "tuned against it",
    "tuned-shuffled": "tuned on shuffled labels",
}


def printed_manipulation(table: pd.DataFrame, how: Printing, _: str) -> tuple[pd.DataFrame, str]:
    """One row per generator, arm and judge; of random arms the mean over their seeds where there are several."""
    rows = shown_rows(table)
    rows = rows[rows["arm"] != "none"]
    texts = {
        "model": rows["generator"].tolist(),
        "aimed at": [how.labels.get(name, name) for name in rows["target"]],
        "model is": [ARM_TEXTS[arm] for arm in rows["arm"]],
        "judge": [how.labels.get(name, name) for name in rows["judge"]],
        "score": [SCORES[score] for score in rows["score"]],
        "value": [MISSING if pd.isna(value) else f"{value:.1f}" for value in rows["value"]],
    }
    for name, title, form in (
        ("shift", "shift", "+.1f"),
        ("controlled", "shift at equal length", "+.1f"),
        ("length_change", "words", "+.0f"),
    ):
        columns = rows[[name, f"{name}_q025", f"{name}_q975"]].to_numpy(float)
        texts[title] = [spanned(*row, form) for row in columns]
    low, high = rows["n"].min(), rows["n"].max()
    caption = (
        "How far judges' scores move when models are aimed at a judge's preferences. Shift: from the same model told "
        f"nothing, paired over {low if low == high else f'{low} to {high}'} instructions. In brackets: 95 % intervals "
        "from resampling instructions."
    )
    return pd.DataFrame(texts), caption


def shown_rows(table: pd.DataFrame) -> pd.DataFrame:
    """All rows but the single seeds of random arms that have a mean."""
    means = set(table.loc[(table["arm"] == "random") & table["seed"].isna(), "arm_id"])
    single = (table["arm"] == "random") & table["seed"].notna()
    return table[~(single & (table["target"] + "--random").isin(means))]


MANIPULATION_FORMS = {"manipulation": printed_manipulation}
