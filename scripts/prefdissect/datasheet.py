"""A datasheet per judge: how it behaves before one asks what it rewards."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.regression.resampling import resample_counts

MEASURES = {
    "undecided": "share of answered pairs left undecided",
    "flipped": "share of pairs whose verdict changes with the order",
    "first_slot": "share of verdicts for the response shown first",
    "picks_longer": "share of decided pairs in which the response with more words wins",
    "unparsed": "share of requests without a verdict",
    "mass": "mean probability on the two answer tokens",
}


def judge_datasheet(
    pairs: pd.DataFrame,
    judgements: dict[str, pd.DataFrame],
    preferences: pd.DataFrame,
    words: pd.DataFrame,
    *,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Measures of every judge with intervals from resampling prompts, all their pairs and both orders together.

    Parameters
    ----------
    pairs
        Table `pairs`.
    judgements
        Judge -> table `judgements`.
    preferences
        Table `preferences`.
    words
        Word counts: index pair_id, columns a, b; may be empty.
    resamples, seed
        Resampling of prompts.

    Returns
    -------
    DataFrame
        One row per judge: n_pairs, n_requests, and each of `MEASURES` with `_q025` and `_q975`; null where a measure
        does not apply (one order, no log-probabilities).
    """
    prompt = pd.Series(pd.factorize(pairs["prompt_id"])[0], index=pairs["pair_id"])
    counts = resample_counts(int(prompt.max()) + 1, resamples, seed).astype(float)
    rows = []
    for judge, mine in preferences.groupby("judge", sort=False):
        row = {"judge": judge, "n_pairs": len(mine), "n_requests": len(judgements[judge])}
        for measure, (pair_ids, hits) in _observations(judgements[judge], mine, words).items():
            row |= _share(measure, prompt.reindex(pair_ids).to_numpy(), np.asarray(hits, dtype=float), counts)
        rows.append(row)
    return pd.DataFrame(rows)


def _observations(requests: pd.DataFrame, preferences: pd.DataFrame, words: pd.DataFrame) -> dict:
    """Measure -> (pair of each observation, value of each observation)."""
    answered = preferences[preferences["preference"].notna()]
    both = preferences[preferences["consistent"].notna()]
    decided = preferences[preferences["preference"].isin(["a", "b"])]
    counts = words.reindex(decided["pair_id"])
    unequal = (counts.notna().all(axis=1) & (counts["a"] != counts["b"])).to_numpy()
    longer_is_a = (counts["a"] > counts["b"]).to_numpy()
    picked_longer = (decided["preference"] == "a").to_numpy() == longer_is_a
    slot = requests[requests["order"].notna() & requests["verdict"].isin(["a", "b"])]
    scored = requests[requests["mass"].notna()]
    return {
        "undecided": (answered["pair_id"], answered["preference"] == "tie"),
        "flipped": (both["pair_id"], ~both["consistent"].astype(bool)),
        "first_slot": (slot["pair_id"], slot["verdict"] == slot["order"].str[0]),
        "picks_longer": (decided["pair_id"][unequal], picked_longer[unequal]),
        "unparsed": (requests["pair_id"], requests["verdict"].isna()),
        "mass": (scored["pair_id"], scored["mass"]),
    }


def _share(measure: str, prompts: np.ndarray, values: np.ndarray, counts: np.ndarray) -> dict:
    names = (measure, f"{measure}_q025", f"{measure}_q975")
    if len(values) == 0:
        return dict.fromkeys(names)
    total = np.bincount(prompts, values, counts.shape[1])
    size = np.bincount(prompts, minlength=counts.shape[1])
    resampled_size = counts @ size
    usable = resampled_size > 0
    low, high = (None, None)
    if usable.any():
        low, high = np.quantile((counts @ total)[usable] / resampled_size[usable], [0.025, 0.975])
    return dict(zip(names, (values.mean(), low, high)))
