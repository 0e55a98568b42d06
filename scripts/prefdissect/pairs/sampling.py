"""Drawing a scenario-balanced sample of pairs that stays put when pairs are added.

Every pair gets a rank from a hash of the seed and its `pair_id`; the sample of a scenario is its pairs of lowest rank.
A pair added later can push at most one other pair out, so that judgements made for a sample stay useful.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from prefdissect.errors import InputError

# The sample of Li et al. 2024, 5,240 pairs. What is tagged unsafe belongs to `Unsafe Queries`, whatever else it is.
PAPER_SIZES = {
    "Unsafe Queries": 400,
    "Knowledge-aware": 820,
    "Others": 820,
    "Advice": 400,
    "Code": 400,
    "Communication": 400,
    "Creative Writing": 400,
    "Daily Tasks": 400,
    "Exam Questions": 400,
    "Functional Writing": 400,
    "NLP Tasks": 400,
}


def sample_pairs(pairs: pd.DataFrame, sizes: dict[str, int] | int, seed: int, column: str = "scenario") -> pd.DataFrame:
    """Draw a fixed number of pairs from each scenario.

    Parameters
    ----------
    pairs
        Table with `pair_id` and `column`.
    sizes
        Pairs per scenario, e.g. `PAPER_SIZES`; scenarios that are not named are left out. One number asks for as
        many from every scenario that occurs.
    seed
        Another seed draws another sample.
    column
        Column that holds the scenario; pairs without one are left out.

    Returns
    -------
    The rows drawn, in the order of `pairs`, indexed from 0. The draw of one scenario does not depend on the others,
    nor on the order of the rows.

    Raises
    ------
    InputError
        When a scenario has fewer pairs than asked, a size is not a whole number >= 0, or the column is missing.
    """
    for needed in ("pair_id", column):
        if needed not in pairs:
            raise InputError(f"column `{needed}` is missing", where="sample", fix=f"present: {', '.join(pairs)}")
    pairs = pairs.reset_index(drop=True)
    ranks = pairs["pair_id"].map(lambda pair_id: _rank(seed, pair_id))
    drawn: list = []
    for scenario, size in _sizes(sizes, pairs[column]).items():
        members = ranks[(pairs[column] == scenario).fillna(False).astype(bool)]
        if len(members) < size:
            raise InputError(
                f"{len(members)} pairs are there, {size} are asked for",
                where=f"sample: scenario `{scenario}`",
                fix="ask for fewer, leave the scenario out, or give more pairs",
            )
        drawn += list(members.sort_values().index[:size])
    return pairs.loc[sorted(drawn)].reset_index(drop=True)


def _sizes(sizes: dict[str, int] | int, scenarios: pd.Series) -> dict[str, int]:
    if not isinstance(sizes, dict):
        sizes = dict.fromkeys(sorted(scenarios.dropna().unique()), sizes)
    for scenario, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise InputError(
                f"the size is {size!r}", where=f"sample: scenario `{scenario}`", fix="a whole number, 0 or more"
            )
    return sizes


def _rank(seed: int, pair_id: str) -> str:
    return hashlib.sha256(f"{seed}:{pair_id}".encode("utf-8", "surrogatepass")).hexdigest()
