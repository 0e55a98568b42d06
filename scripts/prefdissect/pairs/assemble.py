"""The pairs of a study, from all its sources."""

from __future__ import annotations

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.pairs.sampling import sample_pairs


def assemble_pairs(by_source: dict[str, pd.DataFrame], samples: dict[str, dict]) -> pd.DataFrame:
    """Join the pairs of the sources, each sampled as its record asks.

    Parameters
    ----------
    by_source
        Source -> its table `pairs`.
    samples
        Source -> {"sizes", "seed"} for those that are sampled.

    Raises
    ------
    InputError
        When a sample cannot be drawn, two sources share a pair_id, or no pair is left.
    """
    frames = []
    for name, pairs in by_source.items():
        frames.append(_sampled(pairs, name, samples[name]) if name in samples else pairs)
    table = pd.concat(frames, ignore_index=True)
    doubled = table[table.duplicated("pair_id", keep=False)]
    if len(doubled):
        first = doubled.iloc[0]["pair_id"]
        names = " and ".join(doubled.loc[doubled["pair_id"] == first, "source"])
        raise InputError(f"pair_id `{first}` occurs in the sources {names}", fix="pair_ids must be unique in a study")
    if table.empty:
        raise InputError("no pair is left after filtering and sampling", fix="see `sources` in the study")
    return table


def _sampled(pairs: pd.DataFrame, name: str, sample: dict) -> pd.DataFrame:
    try:
        return sample_pairs(pairs, sample["sizes"], sample["seed"])
    except InputError as error:
        raise InputError(str(error), where=f"source `{name}`") from None
