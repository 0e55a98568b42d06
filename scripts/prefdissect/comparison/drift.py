"""Two versions of one judge: which properties moved, and on which pairs the preference flipped."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.comparison.differences import LESS, MORE, judge_differences
from prefdissect.comparison.estimates import PROMPTS, Estimates
from prefdissect.comparison.intervals import quantiles
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import conform, empty_table

MOVES = {MORE: "moved up", LESS: "moved down"}
CHANGES = ["flipped", "became undecided", "became decided"]


def drift_table(estimates: Estimates, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Table `drift`: newer minus older version, per property, in every group in which both were fitted.

    Parameters
    ----------
    pairs
        Older and newer version.
    """
    table = judge_differences(estimates, [(newer, older) for older, newer in pairs])
    if table.empty:
        return empty_table("drift")
    names = {"judge_1": "newer", "judge_2": "older", "effect_1": "effect_newer", "effect_2": "effect_older"}
    table = table.rename(columns=names).rename(columns={"difference": "move", "degree_difference": "degree_move"})
    return conform(table.assign(word=table["word"].replace(MOVES)), "drift")


def flipped_pairs(preferences: pd.DataFrame, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Table `flipped_pairs`: every pair of responses that the newer version prefers otherwise than the older one."""
    tables = [empty_table("flipped_pairs")]
    for older, newer in pairs:
        both = _both(preferences, older, newer)
        changed = both[both["change"].notna()].assign(older=older, newer=newer)
        tables.append(changed.sort_values(["change", "pair_id"], key=_rank, kind="stable"))
    return conform(pd.concat(tables, ignore_index=True), "flipped_pairs")


def _rank(column: pd.Series) -> pd.Series:
    return column.map(CHANGES.index) if column.name == "change" else column


def _both(preferences: pd.DataFrame, older: str, newer: str) -> pd.DataFrame:
    """Pairs with a preference (or a tie) of both versions, and what changed; null where nothing did."""
    sides = []
    for end, judge in (("older", older), ("newer", newer)):
        rows = preferences[(preferences["judge"] == judge) & preferences["preference"].notna()]
        rows = rows[["pair_id", "preference", "margin"]]
        sides.append(rows.rename(columns={"preference": f"preference_{end}", "margin": f"margin_{end}"}))
    both = sides[0].merge(sides[1], on="pair_id")
    was, now = both["preference_older"], both["preference_newer"]
    cases = [
        (was != now) & (was != "tie") & (now != "tie"),
        (was != now) & (now == "tie"),
        (was != now) & (was == "tie"),
    ]
    return both.assign(change=pd.Series(np.select(cases, CHANGES, ""), index=both.index).replace("", None))


def flip_counts(
    pairs: pd.DataFrame,
    groups: pd.DataFrame,
    preferences: pd.DataFrame,
    versions: list[tuple[str, str]],
    *,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Table `flip_counts`: how many pairs flipped in each group, with the interval of their share.

    Parameters
    ----------
    pairs, groups, preferences
        Tables of these names.
    versions
        Older and newer version.
    resamples, seed
        Resampling of prompts, as in the fit.
    """
    prompts, names = pd.factorize(pairs["prompt_id"])
    prompt_of = pd.Series(prompts, index=pairs["pair_id"])
    counts = resample_counts(len(names), resamples, seed)
    rows = []
    for older, newer in versions:
        both = _both(preferences, older, newer).set_index("pair_id")
        for group, part in groups.groupby("group", sort=False):
            inside = both[both.index.isin(part["pair_id"])]
            row = {"older": older, "newer": newer, "group": group}
            rows.append(row | _counted(inside, counts[:, prompt_of[inside.index]]))
    return conform(pd.DataFrame(rows), "flip_counts")


def _counted(inside: pd.DataFrame, weights: np.ndarray) -> dict:
    decided = ((inside["preference_older"] != "tie") & (inside["preference_newer"] != "tie")).to_numpy()
    flipped = (inside["change"] == "flipped").to_numpy()
    number = (weights @ decided).astype(float)
    spread = np.divide(weights @ flipped, number, out=np.full(len(weights), np.nan), where=number > 0)
    low, high = quantiles(spread)
    row = {"n_decided": int(decided.sum()), "n_flipped": int(flipped.sum())}
    row |= {f"n_{change.replace(' ', '_')}": int((inside["change"] == change).sum()) for change in CHANGES[1:]}
    share = row["n_flipped"] / row["n_decided"] if row["n_decided"] else np.nan
    known = not np.isnan(low) and row["n_decided"]
    ends = {"q025": low, "q975": high, "interval": PROMPTS} if known else {"q025": None, "q975": None, "interval": None}
    return row | {"share_flipped": share, **ends}
