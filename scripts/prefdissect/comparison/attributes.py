"""Judges of the same kind against judges of different kinds, for any attribute in their records.

Pairs of judges are not independent (each judge is in many of them), so the test permutes the attribute over judges, as
in Clarke 1993, *Non-parametric multivariate analyses of changes in community structure*.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.comparison.estimates import Estimates, mean_defined
from prefdissect.comparison.intervals import shifted_interval
from prefdissect.comparison.similarity import Similarity
from prefdissect.comparison_config import attribute_text, attribute_value
from prefdissect.tables import conform, empty_table

# Up to so many different arrangements all are tried.
MOST_ENUMERATED = 20_000


@dataclass(frozen=True)
class Attribute:
    """An attribute of judges, ready to compare.

    Attributes
    ----------
    entry : dict
        Its entry in `comparison.attributes`.
    values : list
        Value of each judge as text; None for one that lacks it (or what it is compared within).
    strata : list
        Stratum of each judge; the same for all without `within`.
    """

    entry: dict
    values: list
    strata: list

    def described(self) -> dict:
        """Columns of the table that say what was compared."""
        cuts = ", ".join(f"{cut:g}" for cut in sorted(self.entry["cuts"]))
        return {
            "attribute": self.entry["name"],
            "within": self.entry["within"] or None,
            "cuts": cuts or None,
            "chosen_after_seeing": self.entry["chosen_after_seeing"],
        }

    @property
    def codes(self) -> np.ndarray:
        """Number of each judge's value, -1 for none."""
        return pd.factorize(np.array(self.values, dtype=object))[0]


def read_attribute(entry: dict, records: dict[str, dict], judges: list[str]) -> Attribute:
    """An entry of `comparison.attributes`, with the values of the judges compared.

    Parameters
    ----------
    entry
        Keys name, within, cuts, chosen_after_seeing. `cuts` divide a numeric attribute: [14, 40] makes <= 14,
        > 14 to 40, and > 40.
    records
        Judge -> record with `attributes`.
    """
    given = {judge: records[judge]["attributes"] for judge in judges}
    strata = [attribute_text(given[judge].get(entry["within"])) if entry["within"] else "" for judge in judges]
    values = [attribute_value(given[judge].get(entry["name"]), entry, judge) for judge in judges]
    values = [None if stratum is None else value for value, stratum in zip(values, strata, strict=True)]
    return Attribute(entry, values, strata)


def attribute_similarity(
    estimates: Estimates,
    arrays: dict[tuple[str, str], Similarity],
    attributes: list[Attribute],
    *,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Table `attribute_similarity`.

    Parameters
    ----------
    arrays
        (group, metric) -> `Similarity` of all judges.
    permutations, seed
        Random arrangements of an attribute, where not all are tried.
    """
    tables = [empty_table("attribute_similarity")]
    for attribute in attributes:
        arranged = arrange(attribute, permutations, seed)
        for (group, metric), found in arrays.items():
            rows = pd.DataFrame(compare_attribute(attribute, found, arranged))
            rows = rows.assign(**attribute.described(), group=group, metric=metric, estimator=estimates.estimator)
            tables.append(rows)
    return conform(pd.concat(tables, ignore_index=True), "attribute_similarity")


def compare_attribute(attribute: Attribute, found: Similarity, arranged: Arrangements) -> list[dict]:
    """Mean similarity within each value, within all values, between values, and their difference with a test.

    Only pairs of judges of the same stratum count, and only those whose similarity is defined.
    """
    codes, names = pd.factorize(np.array(attribute.values, dtype=object))
    known, same = (codes[:, None] >= 0) & (codes[None] >= 0), codes[:, None] == codes[None]
    numbered = sorted(enumerate(names), key=lambda item: item[1])
    rows = [_Mean(attribute, found, known & same & (codes == number)).row("within", name) for number, name in numbered]
    within, between = _Mean(attribute, found, known & same), _Mean(attribute, found, known & ~same)
    difference = {
        "comparison": "difference",
        "value_of_attribute": None,
        "n_judges": int((codes >= 0).sum()),
        "n_similarities": within.number + between.number,
        "value": within.value - between.value,
        **_interval(within.value - between.value, within.spread - between.spread, found.unit, limit=2.0),
    }
    return [*rows, within.row("within"), between.row("between"), difference | arranged.test(found.value, attribute)]


class _Mean:
    """Mean similarity over chosen pairs of judges."""

    def __init__(self, attribute: Attribute, found: Similarity, chosen: np.ndarray):
        first, second = np.nonzero(upper(chosen & same_stratum(attribute) & ~np.isnan(found.value)))
        self.number, self.n_judges, self.unit = len(first), int(chosen.any(axis=1).sum()), found.unit
        self.value, self.spread = np.nan, np.full(len(found.spread), np.nan)
        if self.number:
            self.value = float(found.value[first, second].mean())
            self.spread = mean_defined(np.moveaxis(found.spread[:, first, second], 1, 0))

    def row(self, comparison: str, name: str | None = None) -> dict:
        row = {"comparison": comparison, "value_of_attribute": name, "n_judges": self.n_judges}
        row |= {"n_similarities": self.number, "value": self.value}
        return row | _interval(self.value, self.spread, self.unit)


def _interval(value: float, spread: np.ndarray, unit: str | None, limit: float = 1.0) -> dict:
    (low,), (high,) = shifted_interval(np.array([value]), spread[:, None], limit)
    return {"q025": low, "q975": high, "interval": None if np.isnan(low) else unit}


def upper(chosen: np.ndarray) -> np.ndarray:
    """Each unordered pair once."""
    return np.triu(chosen, 1)


def same_stratum(attribute: Attribute) -> np.ndarray:
    """Which judges share a stratum, shape (judges, judges)."""
    codes = pd.factorize(np.array(attribute.strata, dtype=object))[0]
    return codes[:, None] == codes[None]


@dataclass(frozen=True)
class Arrangements:
    """Arrangements of an attribute's values over judges, within strata.

    Attributes
    ----------
    codes : ndarray of int, shape (arrangements, judges)
        -1 for judges that lack the attribute. Exact: every different arrangement once, the actual one among them.
        Else the first one is the actual one and the others are drawn at random.
    exact
        Are these all of them.
    """

    codes: np.ndarray
    exact: bool

    def test(self, value: np.ndarray, attribute: Attribute) -> dict:
        """One-sided p-value: are judges of the same value more alike than judges of different values?

        The share of arrangements whose difference of means is at least the actual one, which is one of them: with n
        random arrangements beside it, (r + 1) / (n + 1) (Phipson and Smyth 2010, *Permutation p-values should never be
        zero*). Arrangements that leave no pair within or between are left out. Null where the actual one does.
        """
        used = upper(same_stratum(attribute) & ~np.isnan(value))
        filled, used = np.where(used, value, 0.0), used.astype(float)
        differences, actual = (_differences(codes, filled, used) for codes in (self.codes, attribute.codes[None]))
        defined = differences[~np.isnan(differences)]
        if np.isnan(actual[0]) or len(defined) < 2:
            return {"p_value": np.nan, "n_permutations": 0, "exact": None}
        # Sums of the same numbers in another order differ in the last digits.
        p_value = float((defined >= actual[0] - 1e-9).mean())
        return {"p_value": p_value, "n_permutations": len(defined) - (not self.exact), "exact": self.exact}


def _differences(codes: np.ndarray, value: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Mean within minus mean between for every arrangement, shape (arrangements,); value and used: upper triangles."""
    total = number = np.zeros(len(codes))
    for code in range(codes.max(initial=-1) + 1):
        member = (codes == code).astype(float)
        total = total + ((member @ value) * member).sum(axis=1)
        number = number + ((member @ used) * member).sum(axis=1)
    known = (codes >= 0).astype(float)
    rest = ((known @ value) * known).sum(axis=1) - total
    others = ((known @ used) * known).sum(axis=1) - number
    possible = (number > 0.5) & (others > 0.5)
    gap = np.full(len(codes), np.nan)
    gap[possible] = total[possible] / number[possible] - rest[possible] / others[possible]
    return gap


def arrange(attribute: Attribute, count: int, seed: int) -> Arrangements:
    """All different arrangements where there are few, else the actual one and `count` random ones.

    `scipy.stats.permutation_test` permutes freely over all judges, and its exact form goes through n! orders instead
    of the different arrangements.
    """
    codes = attribute.codes
    strata = pd.factorize(np.array(attribute.strata, dtype=object))[0]
    blocks = [np.flatnonzero((strata == number) & (codes >= 0)) for number in range(strata.max(initial=-1) + 1)]
    if math.prod(n_arrangements(codes[block]) for block in blocks) <= MOST_ENUMERATED:
        return Arrangements(np.array(list(_enumerate(codes, blocks))).reshape(-1, len(codes)), True)
    drawn = np.tile(codes, (count + 1, 1))
    rng = np.random.default_rng(seed)
    for block in blocks:
        drawn[1:, block] = rng.permuted(drawn[1:, block], axis=1)
    return Arrangements(drawn, False)


def n_arrangements(codes: np.ndarray) -> int:
    """How many different orders these values have."""
    return math.factorial(len(codes)) // math.prod(math.factorial(int(n)) for n in np.bincount(codes))


def _enumerate(codes: np.ndarray, blocks: list[np.ndarray]) -> Iterator[np.ndarray]:
    for parts in itertools.product(*(list(_orders(codes[block])) for block in blocks)):
        arranged = codes.copy()
        for block, part in zip(blocks, parts, strict=True):
            arranged[block] = part
        yield arranged


def _orders(codes: np.ndarray) -> Iterator[list[int]]:
    """Every different order of some values."""
    if len(codes) == 0:
        yield []
        return
    first, n = codes.max(), len(codes)
    rest = codes[codes != first]
    for places in itertools.combinations(range(n), n - len(rest)):
        others = [place for place in range(n) if place not in places]
        for order in _orders(rest):
            arranged = np.empty(n, dtype=int)
            arranged[list(places)], arranged[others] = first, order
            yield arranged.tolist()
