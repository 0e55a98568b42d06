"""Judgements become preferences: orders and samples of one judge and pair are combined into one verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from prefdissect.tables import conform

VERDICT_LEAN = {"a": 1.0, "tie": 0.0, "b": -1.0}


def combine(judgements: pd.DataFrame) -> pd.DataFrame:
    """Combine the judgements of one or more judges.

    Parameters
    ----------
    judgements
        Table `judgements`.

    Returns
    -------
    DataFrame
        Table `preferences`, one row per judge and pair.

    Notes
    -----
    With log-probabilities the margin is the sum over orders of log p(A) - log p(B), averaged over samples, and A wins
    where it is positive: the rule of Li et al. 2024, logP(A|AB) + logP(B|BA) > logP(B|AB) + logP(A|BA). Equality is a
    tie here (the published rule gives it to B: `ties: to_b`). `p_a` is the sigmoid of the mean margin per order, so one
    that shows no preference stands at 0.5.

    With verdicts alone `p_a` is the mean over orders of the share of samples won, ties counting half, and the margin is
    2 p_a - 1. With ratings the margin is their mean difference over orders; its sign is the verdict.

    A judge that was asked in both orders and answered in one only has no preference: one order alone would carry
    its position bias.
    """
    rows = judgements.copy()
    rows["logodds"] = rows["logp_a"] - rows["logp_b"]
    rows["lean"] = rows["verdict"].map(VERDICT_LEAN).astype(float)
    rows["rating_gap"] = rows["rating_a"] - rows["rating_b"]
    usable = (rows["status"] == "ok") & rows["verdict"].notna()
    rows.loc[~usable, ["logodds", "lean", "rating_gap"]] = np.nan
    rows["order"] = rows["order"].fillna("none")
    by_order = rows.groupby(["judge", "pair_id", "order"], sort=False)[["logodds", "lean", "rating_gap"]].mean()
    table = _combine_orders(by_order)
    return conform(table.reset_index(), "preferences")


def _combine_orders(by_order: pd.DataFrame) -> pd.DataFrame:
    """Rows per (judge, pair, order) to rows per (judge, pair)."""
    pairs = by_order.groupby(level=["judge", "pair_id"], sort=False)
    # An order without an answer leaves the pair without a preference.
    orders = pairs.size()
    answered = pairs["lean"].count() == orders
    logodds, graded = pairs["logodds"].sum(min_count=1), pairs["logodds"].count() == orders
    lean, gap, rated = pairs["lean"].mean(), pairs["rating_gap"].mean(), pairs["rating_gap"].count() == orders
    margin = np.where(graded, logodds, np.where(rated, gap, lean))
    p_a = np.where(graded, expit(logodds / orders), (1 + lean) / 2)
    table = pd.DataFrame({"p_a": p_a, "margin": margin}, index=orders.index)
    preference = np.select([margin > 0, margin < 0], ["a", "b"], default="tie")
    table["preference"] = pd.Series(preference, index=table.index, dtype=object)
    table["consistent"] = _consistent(by_order, orders)
    table.loc[~answered, ["p_a", "margin"]] = np.nan
    table.loc[~answered, ["preference", "consistent"]] = None
    return table


def _consistent(by_order: pd.DataFrame, orders: pd.Series) -> pd.Series:
    """True where both orders lean the same way; null where only one order was asked."""
    lean = np.sign(by_order["lean"])
    spread = lean.groupby(level=["judge", "pair_id"], sort=False).agg(["min", "max"])
    agrees = (spread["min"] == spread["max"]).astype("boolean")
    return agrees.where(orders > 1)


def labels(preferences: pd.DataFrame, ties: str) -> pd.DataFrame:
    """Labels and weights for a fit.

    Parameters
    ----------
    preferences
        Table `preferences` of one judge.
    ties
        `drop` leaves undecided pairs out; `model` counts one as half a win for each side (its likelihood is
        sigmoid(eta)^1/2 sigmoid(-eta)^1/2); `to_b` gives it to B, as the published code does.

    Returns
    -------
    DataFrame
        Columns pair_id, label (1 = A preferred, 0 = B), weight; two rows per tie under `model`.
    """
    decided = preferences[preferences["preference"].isin(["a", "b"])]
    tied = preferences[preferences["preference"] == "tie"]
    frames = [_label_rows(decided, (decided["preference"] == "a").astype(int), 1.0)]
    if ties == "model":
        frames += [_label_rows(tied, 1, 0.5), _label_rows(tied, 0, 0.5)]
    elif ties == "to_b":
        frames.append(_label_rows(tied, 0, 1.0))
    table = pd.concat(frames, ignore_index=True)
    position = pd.Series(range(len(preferences)), index=preferences["pair_id"])
    return table.iloc[np.argsort(position[table["pair_id"]].to_numpy(), kind="stable")].reset_index(drop=True)


def _label_rows(rows: pd.DataFrame, label, weight: float) -> pd.DataFrame:
    return pd.DataFrame({"pair_id": rows["pair_id"], "label": label, "weight": weight})
