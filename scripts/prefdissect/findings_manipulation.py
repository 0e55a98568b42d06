"""What the findings say of the manipulation experiments."""

from __future__ import annotations

import pandas as pd

from prefdissect.manipulation.gameability import AIMED
from prefdissect.names import OVERALL, POOLED
from prefdissect.printed_manipulation import ARM_TEXTS, shown_rows

PURPOSE = (
    "Models were told (or tuned) to show what a judge rewards, and judged again: how far the score moves says how far "
    "the judge can be gamed, not that outputs became better."
)


def describe_manipulation(table: pd.DataFrame | None, labels: dict[str, str], group: str) -> list[str]:
    """Sentences, one per generator and target for the prompted arms, one for each tuned arm; hedged by intervals.

    Parameters
    ----------
    table
        Table `manipulation`, or None.
    labels
        Judge -> label.
    group
        Group whose coefficients were aimed at.
    """
    if table is None:
        return []
    rows = shown_rows(table)
    rows = rows[rows["score"] == "win_rate"]
    told = {POOLED: "all pairs together", OVERALL: "the mean over scenario groups"}.get(group, group)
    sentences = [f"{PURPOSE} Preferences: those in {told}. Length-controlled shifts are in the table."]
    for (generator, target), part in rows[rows["target"].notna()].groupby(["generator", "target"], sort=False):
        own = part[part["judge"] == target]
        for row in own.itertuples():
            others = part[(part["arm_id"] == row.arm_id) & (part["judge"] != target)]
            sentences.append(_sentence(generator, labels.get(target, target), row, others, labels))
        if own.empty:
            sentences.append(f"{generator} was aimed at {labels.get(target, target)}, which judged no output itself.")
    return sentences


def _sentence(generator: str, target: str, row, others: pd.DataFrame, labels: dict[str, str]) -> str:
    text = f"{generator}, {ARM_TEXTS[row.arm].replace(' it', ' ' + target)}: {target} moves by {_span(row)}"
    text += f", with {row.length_change:+.0f} words per output"
    if pd.notna(row.shift_q025) and row.shift_q025 <= 0 <= row.shift_q975:
        text += "; that cannot be told from no shift"
    elif row.arm in AIMED and len(others):
        followed = others[(others["shift_q025"] > 0) & (row.shift > 0)]
        names = ", ".join(labels.get(name, name) for name in followed["judge"])
        text += f"; {names} follow{'s' if len(followed) == 1 else ''}" if names else "; no other judge follows"
    return text + "."


def _span(row) -> str:
    if pd.isna(row.shift_q025):
        return f"{row.shift:+.1f} points"
    return f"{row.shift:+.1f} points of win rate ({row.shift_q025:+.1f} to {row.shift_q975:+.1f})"
