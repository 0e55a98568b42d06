"""How far an arm moves a judge's score: paired over instructions, with the change in length beside it.

Intervals are percentiles of a bootstrap over instructions: a resample draws instructions with all arms of all judges,
so that what instructions share cancels. The mean of random arms draws their seeds too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.annotators.words import count_words
from prefdissect.manipulation.arms import NONE
from prefdissect.manipulation.win_rates import fit_length_control, length_term
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import conform

RANDOM = "random"
LEVEL = (0.025, 0.975)
# Share of outputs that must be no longer, and no shorter, than the baseline's.
LEAST_OVERLAP = 0.05
LENGTH_FITS = 200  # resamples of the fit that controls for length: each is an iteration over all outputs


@dataclass(frozen=True)
class Scores:
    """Scores of one judge for one generator.

    Attributes
    ----------
    values
        Question x arm_id -> score; NaN where there is none. `none` is among the arms.
    words
        Question x arm_id -> words of the output.
    term
        Question x arm_id -> `length_term` against the baseline; None for grades, which have none.
    """

    values: pd.DataFrame
    words: pd.DataFrame
    term: pd.DataFrame | None


def manipulation_table(
    arms: pd.DataFrame,
    contests: pd.DataFrame,
    outputs: pd.DataFrame,
    win_rates: pd.DataFrame,
    grades: pd.DataFrame,
    *,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Table `manipulation`: every arm of every generator under every judge.

    Parameters
    ----------
    arms, contests, outputs, win_rates, grades
        Tables of these names; `grades` may be empty.
    resamples, seed
        Of instructions.
    """
    words = _words(outputs)
    baselines = contests.drop_duplicates("generator").set_index("generator")["baseline"]
    rows = []
    for (generator, judge), part in win_rates.groupby(["generator", "judge"], sort=False):
        scores = _win_scores(part, contests[contests["generator"] == generator], words[generator])
        named = {"generator": generator, "judge": judge, "score": "win_rate", "baseline": baselines[generator]}
        rows += [named | row for row in _rows(scores, arms, resamples, seed)]
    for (generator, judge), part in grades.groupby(["generator", "judge"], sort=False):
        values = part.groupby(["question_id", "arm_id"], sort=False)["grade"].mean().unstack()
        values = values.reindex(columns=list(dict.fromkeys(part["arm_id"])))
        scores = Scores(values, words[generator].reindex_like(values), None)
        named = {"generator": generator, "judge": judge, "score": "grade", "baseline": None}
        rows += [named | row for row in _rows(scores, arms, resamples, seed)]
    table = pd.DataFrame(rows)
    aimed = table["target"].notna()
    table["role"] = np.where(table["target"] == table["judge"], "target", "off-target")
    table["role"] = table["role"].where(aimed, None)
    return conform(table, "manipulation")


def _words(outputs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Generator -> question x arm_id -> words of the first output."""
    first = outputs[(outputs["turn"] == 1) & (outputs["status"] == "ok")]
    counted = first.assign(words=[float(count_words(text)) for text in first["output"]])
    return {
        generator: part.pivot(index="question_id", columns="arm_id", values="words")
        for generator, part in counted.groupby("generator", sort=False)
    }


def _win_scores(win_rates: pd.DataFrame, contests: pd.DataFrame, words: pd.DataFrame) -> Scores:
    order = list(dict.fromkeys(contests["arm_id"]))
    values = 100 * (win_rates.pivot(index="question_id", columns="arm_id", values="preference") - 1)
    terms = contests.assign(term=length_term(contests["output_1"].str.len(), contests["output_2"].str.len()))
    term = terms.pivot(index="question_id", columns="arm_id", values="term")
    return Scores(values[order], words.reindex_like(values[order]), term.reindex_like(values[order]))


def _rows(scores: Scores, arms: pd.DataFrame, resamples: int, seed: int) -> Iterator[dict]:
    """A row for every arm, and for the mean of each target's random arms."""
    counts = np.vstack([np.ones(len(scores.values)), resample_counts(len(scores.values), resamples, seed)])
    controlled = None if scores.term is None else _controlled(scores, counts[: LENGTH_FITS + 1])
    known = arms.set_index("arm_id")
    shown = [arm for arm in scores.values if arm in known.index]
    for arm in shown:
        row = {key: known.at[arm, key] for key in ("target", "arm", "seed", "properties", "note")}
        yield {"arm_id": arm, **row, **_measures(scores, [arm], controlled, counts, seed)}
    for target, part in known.loc[shown].groupby("target", sort=False):
        drawn = [arm for arm in part.index if part.at[arm, "arm"] == RANDOM]
        if len(drawn) > 1:
            row = {"arm_id": f"{target}--{RANDOM}", "target": target, "arm": RANDOM}
            row["note"] = f"mean over {len(drawn)} seeds"
            yield row | _measures(scores, drawn, controlled, counts, seed)


def _measures(scores: Scores, arms: list[str], controlled: dict | None, counts: np.ndarray, seed: int) -> dict:
    """Score, shift, change in length and controlled shift of one arm, or of the mean of several."""
    weights = _seed_weights(len(arms), len(counts), seed)
    own, none = scores.values[arms].to_numpy(float), scores.values[[NONE]].to_numpy(float)
    both = ~np.isnan(own) & ~np.isnan(none)
    value = np.where(both, own, np.nan)
    with np.errstate(invalid="ignore"):
        per_question = np.nanmean(value, axis=1) if both.any() else np.full(len(value), np.nan)
    spread = per_question[~np.isnan(per_question)]
    error = spread.std(ddof=1) / np.sqrt(len(spread)) if len(spread) > 1 else np.nan
    row = {"n": int(both.any(axis=1).sum()), "value": _means(value, counts[:1], weights[:1])[0]}
    row["standard_error"] = error
    row |= _interval("shift", _means(value - none, counts, weights))
    words = scores.words
    row |= _interval("length_change", _means(words[arms].to_numpy() - words[[NONE]].to_numpy(), counts, weights))
    if controlled is not None:
        left = np.column_stack([controlled[arm] - controlled[NONE] for arm in arms])
        row |= _interval("controlled", (left * weights[: len(left)]).sum(axis=1))
    return row


def _seed_weights(n_arms: int, n: int, seed: int) -> np.ndarray:
    """Share of every arm in their mean: equal for the data, redrawn with each resample, shape (n, arms)."""
    equal = np.full((1, n_arms), 1 / n_arms)
    if n == 1 or n_arms == 1:
        return np.repeat(equal, n, axis=0)
    drawn = np.random.default_rng([seed, n_arms]).multinomial(n_arms, equal[0], n - 1)
    return np.vstack([equal, drawn / n_arms])


def _means(values: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over questions of every arm, then over arms; once per row of counts. NaN values play no part."""
    there = ~np.isnan(values)
    number = counts @ there
    mean = np.divide(counts @ np.where(there, values, 0.0), number, out=np.full(number.shape, np.nan), where=number > 0)
    return (mean * weights).sum(axis=1)


def _interval(name: str, values: np.ndarray) -> dict:
    """The value on the data (the first), and quantiles of the others."""
    resampled = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(resampled, LEVEL) if len(resampled) else (np.nan, np.nan)
    return {name: values[0], f"{name}_q025": low, f"{name}_q975": high}


def _controlled(scores: Scores, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Win rate of every arm at equal lengths, per row of counts; 50 for outputs that are the baseline's own."""
    fitted = [arm for arm in scores.values if not _is_baseline(scores, arm)]
    found = {arm: np.full(len(counts), 50.0) for arm in scores.values}
    long = [(number, scores.values[arm].to_numpy(float), scores.term[arm]) for number, arm in enumerate(fitted)]
    if not long:
        return found
    share = np.concatenate([values for _, values, _ in long]) / 100
    term = np.concatenate([each.to_numpy(float) for _, _, each in long])
    arm = np.repeat(np.arange(len(fitted)), len(scores.values))
    there = ~np.isnan(share) & ~np.isnan(term)
    if not _reaches_equality(term[there]):
        return {arm: np.full(len(counts), np.nan) for arm in scores.values}
    weights = np.tile(counts, len(fitted))[:, there]
    rates = fit_length_control(share[there], arm[there], term[there], weights).win_rates
    return found | {name: rates[:, number] for number, name in enumerate(fitted[: rates.shape[1]])}


def _reaches_equality(term: np.ndarray) -> bool:
    """Whether outputs as long as the baseline's were seen, or such on both sides: else the fit would extrapolate."""
    sides = [(term >= 0).mean(), (term <= 0).mean()]
    return bool(len(term)) and min(sides) >= LEAST_OVERLAP


def _is_baseline(scores: Scores, arm: str) -> bool:
    values = scores.values[arm].dropna()
    return arm == NONE and bool((values == 50).all() and (scores.term[arm].dropna() == 0).all())
