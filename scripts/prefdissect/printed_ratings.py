"""The tables about ratings as people print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from prefdissect.printed_comparisons import MISSING, spanned
from prefdissect.reliability_config import ATTENUATED

if TYPE_CHECKING:
    from prefdissect.printed_tables import Printing


def comparison_text(comparison: str, one: str, other: str) -> str:
    """What was compared, in words."""
    if comparison == "repeats":
        return f"{one}, asked again"
    return f"{one}, responses exchanged" if comparison == "orders" else f"{one} and {other}"


def _reliability(table: pd.DataFrame, how: Printing, _: str) -> tuple[pd.DataFrame, str]:
    compared = table[["comparison", "annotator_1", "annotator_2"]].to_numpy()
    texts = {
        "ratings of": [comparison_text(*row) for row in compared],
        "property": [how.property_labels.get(name, name) for name in table["property"]],
        "ratings": [f"{count:,}" for count in table["n_ratings"]],
        "prompts": [f"{count:,}" for count in table["n_prompts"]],
    }
    for measure, title, scale, form in (
        ("kappa", "kappa", 1, ".2f"),
        ("within_one", "within one step (%)", 100, ".1f"),
        ("same_sign", "same feature (%)", 100, ".1f"),
    ):
        columns = [measure, f"{measure}_q025", f"{measure}_q975"]
        texts[title] = [spanned(*row, form) for row in table[columns].to_numpy(float) * scale]
    caption = f"How far two ratings of the same responses agree. Kappa: quadratically weighted. {how.intervals}"
    return pd.DataFrame(texts), caption.strip()


def _property_reliability(table: pd.DataFrame, how: Printing, _: str) -> tuple[pd.DataFrame, str]:
    texts = pd.DataFrame(
        {
            "property": [how.property_labels.get(name, name) for name in table["property"]],
            "rated by": table["annotator"].to_numpy(),
            "least kappa": [_number(value, ".2f") for value in table["kappa"]],
            "least share within one step (%)": [_number(100 * value, ".1f") for value in table["within_one"]],
            "reliability": table["reliability"].fillna(MISSING).to_numpy(),
        }
    )
    return texts, "How reliably each property in the fits is rated: the least of the comparisons that count."


def _attenuation(table: pd.DataFrame, how: Printing, group: str) -> tuple[pd.DataFrame, str]:
    shown = table[table["group"] == how.group]
    rows = shown[shown["attenuated"].fillna(False).astype(bool)]
    rows = rows.reindex(rows["effect"].abs().sort_values(ascending=False, kind="stable").index)
    texts = pd.DataFrame(
        {
            "judge": [how.labels.get(judge, judge) for judge in rows["judge"]],
            "property": [how.property_labels.get(name, name) for name in rows["property"]],
            "other feature on repeats (%)": [_number(100 * value, ".1f") for value in rows["error_rate"]],
            "effect": [_number(value, ".2f") for value in rows["effect"]],
            "perturbed": [_number(value, ".2f") for value in rows["perturbed"]],
            "left (%)": [_number(100 * value, ".0f") for value in rows["left"]],
        }
    )
    clear = int(shown["left"].notna().sum())
    caption = (
        f"Effects of which the error of the annotator leaves less than {100 * ATTENUATED:.0f} %, {group}: {len(texts)} "
        f"of the {clear} that are clear of zero and whose property was rated again. All features perturbed by that "
        "error once more, and refitted. No intervals."
    )
    return texts, caption


def _number(value: float, form: str) -> str:
    return MISSING if pd.isna(value) else f"{value:{form}}"


RATING_FORMS = {"reliability": _reliability, "property_reliability": _property_reliability, "attenuation": _attenuation}
