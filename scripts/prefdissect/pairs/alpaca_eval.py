"""Source kind `alpaca_eval`: the annotations that AlpacaEval publishes (`annotations.json`).

A `preference` p lies between 1 (output_1 is better) and 2 (output_2 is better), 1.5 and 0 are ties, null is an answer
that could not be read. Annotators of the weighted kind put p - 1 = the share of output_2 in the probability of the
two answer tokens, "m" for the output shown first and "M" for the second; the order itself is not published.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from prefdissect.pairs.checks import check_pairs
from prefdissect.pairs.columns import Place, floats, labels
from prefdissect.pairs.files import read_frame
from prefdissect.pairs.recorded import select
from prefdissect.pairs.source import Source
from prefdissect.tables import conform

COLUMNS = {
    "prompt": "instruction",
    "response_a": "output_1",
    "response_b": "output_2",
    "model_a": "generator_1",
    "model_b": "generator_2",
    "judge": "annotator",
}
REQUIRED = ("prompt", "response_a", "response_b", "judge", "preference")
SAME_PAIR = ["prompt", "model_a", "model_b", "response_a", "response_b"]
# Preferences are published with ten decimals: an exact 1 or 2 stands for a share of the loser below half of the last.
SMALLEST_SHARE = 5e-11
# Agreement within which published token log-probabilities are taken to be those behind a preference.
SAME_PREFERENCE = 1e-9


def read(record: dict, catalogue) -> Source:
    """Read annotations; equal rows of several annotators become one pair, called `<name>-<first row, from 1>`.

    A judgement holds the token log-probabilities as published and the order they imply, where `raw_completion` has
    them and they give the published preference back; else log(2 - p) and log(p - 1) without an order. Both ways
    p = 1 + exp(logp_b) / (exp(logp_a) + exp(logp_b)) within 1e-9. The log-probability of a loser that is not
    published (p exactly 1 or 2) is that of a share of 5e-11. An annotator that gives nothing but 0, 1, 1.5 and 2 and
    no token log-probabilities has verdicts alone.

    Parameters
    ----------
    record
        `name`; `path` of the file; `empty_responses`: error, keep or drop.

    Raises
    ------
    InputError
        For a missing key, a preference that is neither 0 nor between 1 and 2, and the faults of `check_pairs`.
    """
    path = str(record["path"])
    optional = ("model_a", "model_b", "dataset", "raw_completion")
    raw = read_frame(path)
    named = {contract: theirs for contract, theirs in COLUMNS.items() if contract in REQUIRED or theirs in raw}
    frame, names = select(raw, named, REQUIRED, optional, path)
    place = Place.of_file(path, names | {"scenario": "dataset"})
    frame = frame.rename(columns={"dataset": "scenario"})
    frame["preference"] = _preferences(frame, place)
    frame["judge"] = labels(frame, "judge", place, nullable=False)
    first = _first_rows(frame)
    distinct = frame.drop(columns=["judge"]).loc[first.unique()]
    checked = check_pairs(distinct, record, place)
    ids = dict(zip(checked.rows, checked.pairs["pair_id"], strict=True))
    judged = frame.assign(pair_id=first.map(ids)).dropna(subset=["pair_id"])
    return Source(checked.pairs, judgements=judgements(judged), notes=checked.notes)


def judgements(frame: pd.DataFrame) -> pd.DataFrame:
    """Judgements behind checked preferences.

    Parameters
    ----------
    frame
        Columns pair_id, judge, preference in [1, 2] or NaN, and maybe raw_completion.

    Returns
    -------
    Table `judgements`; rows of one judge about one pair in the same order are samples 0, 1, ...
    """
    blank = [None] * len(frame)
    tokens = [token_log_probabilities(raw) for raw in frame.get("raw_completion", blank)]
    published = pd.Series([pair != (None, None) for pair in tokens], index=frame.index)
    between = frame["preference"].notna() & ~frame["preference"].isin([1, 1.5, 2])
    soft = (between | published).groupby(frame["judge"]).transform("any")
    rows = [judgement(p, *pair, soft=s) for p, pair, s in zip(frame["preference"], tokens, soft, strict=True)]
    result = frame[["judge", "pair_id"]].join(pd.DataFrame(rows, index=frame.index)).assign(truncated=False)
    repeats = result.groupby(["judge", "pair_id", "order"], dropna=False).cumcount()
    return conform(result.assign(sample=repeats), "judgements")


def judgement(preference: float, first: float | None, second: float | None, *, soft: bool) -> dict:
    """Verdict, log-probabilities and order of one preference.

    Parameters
    ----------
    preference
        In [1, 2], or NaN where there is none.
    first, second
        Published log-probabilities of the tokens for the output shown first and second; None where not published.
    soft
        False for an annotator that gives verdicts alone.
    """
    if math.isnan(preference):
        return {"order": None, "verdict": None, "status": "unparsed"}
    verdict = "tie" if preference == 1.5 else "a" if preference < 1.5 else "b"
    row = {"order": None, "verdict": verdict, "status": "ok"}
    if not soft:
        return row
    mass = None if first is None or second is None else min(1.0, math.exp(first) + math.exp(second))
    first, second = _with_floor(first, second)
    published = {"ab": (first, second), "ba": (second, first)}
    fitting = [
        order
        for order, (logp_a, logp_b) in published.items()
        if first is not None and abs(1 + share_b(logp_a, logp_b) - preference) <= SAME_PREFERENCE
    ]
    if not fitting:
        share = min(max(preference - 1, SMALLEST_SHARE), 1 - SMALLEST_SHARE)
        return row | {"logp_a": math.log1p(-share), "logp_b": math.log(share)}
    logp_a, logp_b = published[fitting[0]]
    order = fitting[0] if len(fitting) == 1 else None  # an exact tie fits both ways
    return row | {"order": order, "logp_a": logp_a, "logp_b": logp_b, "mass": mass}


def share_b(logp_a: float, logp_b: float) -> float:
    """Share of response_b in the probability of the two answers."""
    return float(1 / (1 + np.exp(logp_a - logp_b)))


def token_log_probabilities(completion) -> tuple[float | None, float | None]:
    """Log-probabilities of the tokens "m" and "M" in a published raw completion, None for what is not there."""
    try:
        candidates = completion["logprobs"]["content"][0]["top_logprobs"]
        found = {entry["token"]: float(entry["logprob"]) for entry in candidates}
    except (TypeError, KeyError, IndexError, ValueError):  # text only, another API's form, or nothing at all
        return None, None
    return found.get("m"), found.get("M")


def _with_floor(first: float | None, second: float | None) -> tuple[float | None, float | None]:
    """Give a token that was not among the published ones the smallest share beside the other."""
    floor = math.log(SMALLEST_SHARE) - math.log1p(-SMALLEST_SHARE)
    if first is None and second is not None:
        return second + floor, second
    if second is None and first is not None:
        return first, first + floor
    return first, second


def _preferences(frame: pd.DataFrame, place: Place) -> pd.Series:
    values = floats(frame, "preference", place)
    bad = values.notna() & (values != 0) & ~values.between(1, 2)
    fix = "1 (output_1) to 2 (output_2), 0 for a tie, or null"
    place.refuse(bad, "preference", lambda value: f"holds the preference {value:g}", values, fix)
    return values.replace(0, 1.5)


def _first_rows(frame: pd.DataFrame) -> pd.Series:
    """For every row the first row with the same texts and generators: annotators of one pair share it."""
    key = [frame[column].map(repr) for column in SAME_PAIR if column in frame]
    return frame.index.to_series().groupby(key, sort=False).transform("min")
