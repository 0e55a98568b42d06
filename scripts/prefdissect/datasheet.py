"""A datasheet per judge and group of pairs: how a judge behaves, before one asks what it rewards.

Every measure is a function of sums over pairs, so a resample of prompts is one row of a matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from prefdissect.errors import InputError
from prefdissect.names import POOLED
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import ORDERS, STATUSES, VERDICTS

MEASURES = {
    "undecided": "share of answered pairs left undecided",
    "flipped": "share of pairs asked and answered in both orders whose verdict changes with the order",
    "first_slot": "share of verdicts a or b that go to the response shown first",
    "picks_longer": "share of decided pairs of unequal length in which the response with more words wins",
    "mass": "mean probability on the two answer tokens, over all requests that were scored",
    "unparsed": "share of requests answered without a readable verdict",
    "failed": "share of requests without a verdict for another reason; the counts tell the reasons apart",
    "repeats_equal": "probability that two samples of one request give the same verdict",
    "agreement": "share of pairs decided by both in which judge and human judge prefer the same response",
    "kappa": "Cohen's kappa with the human judge, over the same pairs",
}
GROUP_KINDS = ["scenario", "defined"]
COUNTS = ["n_pairs", "n_requests", *(f"n_{status}" for status in STATUSES if status != "ok")]
_TEXTS = ["judge", "label", "group"]


def judge_datasheet(
    pairs: pd.DataFrame,
    groups: pd.DataFrame,
    judgements: dict[str, pd.DataFrame],
    preferences: pd.DataFrame,
    words: pd.DataFrame,
    *,
    human: str | None = None,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Measures of every judge in every group, with intervals from resampling prompts.

    A resample draws prompts of the whole study with all their pairs, orders and samples, jointly for all judges and
    groups. One in which a measure is undefined plays no part in the interval of that measure.

    Parameters
    ----------
    pairs, groups
        Tables of these names.
    judgements
        Judge -> table `judgements`.
    preferences
        Table `preferences`.
    words
        Word counts: index pair_id, columns a, b; may be empty.
    human
        Judge that the others are compared with; None for no comparison.
    resamples, seed
        Resampling of prompts; without resamples there are no intervals.

    Returns
    -------
    DataFrame
        One row per judge and group: `pooled` (all pairs), then every scenario and defined group in which the judge was
        asked. Columns: judge; group; n_pairs; n_requests; requests by what became of them where that was not `ok`
        (n_unparsed, n_too_long, n_refused, ...); each of `MEASURES` with `_q025` and `_q975`. A measure is null where
        it does not apply: one order only, no log-probabilities, nothing asked twice, no human judge or that judge
        itself.

    Raises
    ------
    InputError
        When the human judge is no judge of the study.

    Notes
    -----
    `repeats_equal` is the mean, over requests with at least two verdicts, of the share of pairs of samples with equal
    verdicts: unbiased for any number of samples. Kappa: Cohen 1960, *A coefficient of agreement for nominal scales*.
    """
    if human is not None and human not in judgements:
        fix = f"one of {', '.join(list(judgements)[:30])}"
        raise InputError(f"config key `comparison.human`: no judge is called `{human}`", fix=fix)
    ids = pd.Index(pairs["pair_id"])
    cells = list(_groups(pairs, groups, resamples, seed))
    by_judge = dict(tuple(preferences.groupby("judge", sort=False)))
    answers = {judge: _answers(by_judge.get(judge, preferences.iloc[:0]), ids) for judge in judgements}
    longer = _longer(words.reindex(ids))
    rows = []
    for judge, requests in judgements.items():
        sums = _sums(requests, answers[judge], ids, longer, answers.get(human) if judge != human else None)
        counts = _counts(requests, answers[judge], ids)
        for cell in cells:
            counted = counts[cell.members].sum(axis=0)
            if cell.name == POOLED or counted.any():
                named = {"judge": judge, "group": cell.name} | dict(zip(COUNTS, counted, strict=True))
                rows.append(named | _measures(sums, cell))
    return pd.DataFrame(rows)


def read_datasheet(path: str) -> pd.DataFrame:
    """Read `judge_datasheet.csv`; names such as `007` or `NA` stay what they are."""
    return pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, str), keep_default_na=False, na_values=[""])


@dataclass(frozen=True)
class _Cell:
    """A group: numbers of its pairs; its prompts by pairs; how often a prompt occurs in the data, then per resample."""

    name: str
    members: np.ndarray  # (pairs of the group,)
    by_prompt: csr_array  # (prompts of the group, pairs of the group)
    weights: np.ndarray  # (1 + resamples, prompts of the group)


def _groups(pairs: pd.DataFrame, groups: pd.DataFrame, resamples: int, seed: int) -> Iterator[_Cell]:
    prompts, names = pd.factorize(pairs["prompt_id"])
    weights = np.vstack([np.ones(len(names)), resample_counts(len(names), resamples, seed)])
    chosen = groups[groups["kind"].isin(GROUP_KINDS)]
    members = {POOLED: np.arange(len(pairs))}
    for group, part in chosen.groupby("group", sort=False):
        members[group] = np.flatnonzero(pairs["pair_id"].isin(part["pair_id"]))
    for group, inside in members.items():
        present, row = np.unique(prompts[inside], return_inverse=True)
        column = np.arange(len(inside))
        by_prompt = csr_array((np.ones(len(inside)), (row, column)), shape=(len(present), len(inside)))
        yield _Cell(group, inside, by_prompt, weights[:, present])


def _answers(preferences: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """One judge's preferences in the order of the pairs; `asked` where there is a row."""
    table = preferences.set_index("pair_id")[["preference", "consistent"]].assign(asked=True)
    return table.reindex(ids).reset_index(drop=True)


def _longer(words: pd.DataFrame) -> np.ndarray:
    """The response with more words per pair, None where they are equally long or were not counted."""
    return np.select([words["a"] > words["b"], words["a"] < words["b"]], ["a", "b"], default=None)


def _counts(requests: pd.DataFrame, answers: pd.DataFrame, ids: pd.Index) -> np.ndarray:
    """Per pair what `COUNTS` names, shape (pairs, counts)."""
    pair = ids.get_indexer(requests["pair_id"])
    status = requests["status"].to_numpy()
    columns = [answers["asked"].notna(), np.bincount(pair, minlength=len(ids))]
    columns += [np.bincount(pair[status == name[2:]], minlength=len(ids)) for name in COUNTS[2:]]
    return np.column_stack(columns).astype(int)


def _sums(requests, answers, ids: pd.Index, longer: np.ndarray, human: pd.DataFrame | None) -> dict[str, np.ndarray]:
    """Measure -> sums per pair, shape (pairs, 2): total and number; for kappa (pairs, 4): the cells aa, ab, ba, bb."""
    pair = ids.get_indexer(requests["pair_id"])
    mine, status, order = answers["preference"], requests["status"], requests["order"]
    ok = (status == "ok") & requests["verdict"].notna()
    slot = ok & order.notna() & (requests["verdict"] != "tie")
    decided = mine.isin(["a", "b"])
    both_orders = answers["consistent"].notna()

    def of_requests(used, values) -> np.ndarray:
        used, values = np.asarray(used, dtype=bool), np.asarray(values, dtype=float)
        return _total_and_number(pair[used], values[used], len(ids))

    def of_pairs(used, values) -> np.ndarray:
        used = np.asarray(used, dtype=bool)
        return np.column_stack([used & np.asarray(values, dtype=bool), used]).astype(float)

    sums = {
        "undecided": of_pairs(mine.notna(), mine == "tie"),
        "flipped": of_pairs(both_orders, answers["consistent"].eq(False).fillna(False)),
        "first_slot": of_requests(slot, requests["verdict"] == order.str[0]),
        "picks_longer": of_pairs(decided & pd.notna(longer), mine == longer),
        "mass": of_requests(requests["mass"].notna(), requests["mass"]),
        "unparsed": of_requests(status.notna(), status == "unparsed"),
        "failed": of_requests(status.notna(), ~status.isin(["ok", "unparsed"])),
        "repeats_equal": _repeats(requests[ok], pair[ok], len(ids)),
    }
    if human is not None:
        table = [(mine == first) & (human["preference"] == second) for first in "ab" for second in "ab"]
        sums["agreement"] = of_pairs(np.any(table, axis=0), mine == human["preference"])
        sums["kappa"] = np.column_stack(table).astype(float)
    return sums


def _total_and_number(pair: np.ndarray, values: np.ndarray, n_pairs: int) -> np.ndarray:
    return np.column_stack([np.bincount(pair, values, n_pairs), np.bincount(pair, minlength=n_pairs)])


def _repeats(verdicts: pd.DataFrame, pair: np.ndarray, n_pairs: int) -> np.ndarray:
    """Share of equal pairs of samples, per request with two or more verdicts; summed per pair."""
    order = pd.Categorical(verdicts["order"], ORDERS).codes + 1  # 0: the order does not matter
    shape = (n_pairs * (len(ORDERS) + 1), len(VERDICTS))
    request = pair * (len(ORDERS) + 1) + order
    given = np.bincount(
        request * shape[1] + pd.Categorical(verdicts["verdict"], VERDICTS).codes, minlength=np.prod(shape)
    )
    given = given.reshape(shape)
    samples = given.sum(axis=1)
    repeated = np.flatnonzero(samples > 1)
    equal = (given * (given - 1)).sum(axis=1)[repeated] / (samples * (samples - 1))[repeated]
    return _total_and_number(repeated // (len(ORDERS) + 1), equal, n_pairs)


def _measures(sums: dict[str, np.ndarray], cell: _Cell) -> dict[str, float]:
    """Every measure in one group, with its interval."""
    stacked = np.hstack([values[cell.members] for values in sums.values()])
    weighted = cell.weights @ (cell.by_prompt @ stacked)
    parts = np.split(weighted, np.cumsum([values.shape[1] for values in sums.values()])[:-1], axis=1)
    row = {f"{measure}{end}": np.nan for measure in MEASURES for end in ("", "_q025", "_q975")}
    for measure, part in zip(sums, parts, strict=True):
        value, *resampled = kappa(part) if measure == "kappa" else _mean(part)
        resampled = np.array(resampled)[~np.isnan(resampled)]
        row[measure] = value
        if not np.isnan(value) and len(resampled):
            row[f"{measure}_q025"], row[f"{measure}_q975"] = np.quantile(resampled, [0.025, 0.975])
    return row


def _mean(sums: np.ndarray) -> np.ndarray:
    total, number = sums.T
    return np.divide(total, number, out=np.full(len(sums), np.nan), where=number > 0)


def kappa(table: np.ndarray) -> np.ndarray:
    """Cohen's kappa of tables of counts, shape (n, 4): both a, first a and second b, first b and second a, both b.

    NaN where it is undefined: no pair, or both judges always name the same response.
    """
    both_a, a_b, b_a, both_b = table.T
    number = table.sum(axis=1)
    chance = (both_a + a_b) * (both_a + b_a) + (both_b + a_b) * (both_b + b_a)
    possible = number**2 - chance
    return np.divide(number * (both_a + both_b) - chance, possible, out=np.full(len(table), np.nan), where=possible > 0)
