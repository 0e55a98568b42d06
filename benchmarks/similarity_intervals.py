"""What intervals of the similarity of judges cover: `python benchmarks/similarity_intervals.py`.

Two judges of known coefficients read the bundled sample's pairs, prompts drawn with replacement. Their coefficients are
drawn from a Laplace distribution over the 29 properties and have exactly the correlation called `truth`; on half of the
pairs the same luck decides for both, as it does where something unmeasured moves both. Every data set is fitted by the
estimator given (`laplace_posterior` or `map`), on all prompts, in resamples of prompts and in random halves.

Printed for each number of pairs, prior scale and truth, over all data sets:

reliability
    Median share of the variance of estimates that is not noise, geometric mean of both judges.
plain, corrected
    Mean of Pearson's correlation and of `pearson_corrected`. `rmse` is about the truth. `null`: data sets without a
    corrected value. `own errors`: corrected for each judge's own noise only. `halves`: corrected by the covariances
    between random halves of the prompts.
coverage of the truth
    By quantiles of the resamples, by the interval of `pearson`, by that of `pearson_corrected`, and by quantiles of the
    resamples of the latter.
coverage of the mean
    By the interval of `pearson`, of the mean of `plain` over data sets of the same two judges: what this study would
    find on average.
same
    Share of properties whose effects are called different in two judges of the same coefficients (truth 1).

`--bins` corrects down to a reliability of 0.02 and prints the same by the lower reliability of the two judges: why
`attenuation.LEAST_RELIABILITY` is what it is.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from prefdissect.annotators import lexical  # noqa: E402
from prefdissect.catalogue import load_catalogue  # noqa: E402
from prefdissect.comparison import attenuation  # noqa: E402
from prefdissect.comparison.intervals import centred_interval  # noqa: E402
from prefdissect.comparison.metrics import correlation  # noqa: E402
from prefdissect.features import build_features, feature_matrix  # noqa: E402
from prefdissect.pairs.registry import read_source  # noqa: E402
from prefdissect.regression import laplace_ep, map_logistic  # noqa: E402
from prefdissect.tables import empty_table  # noqa: E402

SD = 0.35  # of coefficients over properties
SHARED_LUCK = 0.5
RESAMPLES, HALVES = 100, 4
ESTIMATORS = {
    "laplace_posterior": lambda *data, prior_scale: laplace_ep.fit_posterior(*data, prior_scale=prior_scale).mean,
    "map": map_logistic.fit_many,
}


def sample_features() -> tuple[np.ndarray, list[np.ndarray]]:
    """Features of the bundled sample, and the rows of each prompt."""
    catalogue = load_catalogue(ROOT / "workflow" / "properties.yaml")
    record = {
        "name": "sample",
        "kind": "responses",
        "path": str(ROOT / "data/sample/queries"),
        "empty_responses": "error",
    }
    source = read_source(record, catalogue)
    length = lexical.annotate(source.pairs, catalogue, ["lengthy"], "lexical")
    ratings = pd.concat([source.annotations, length], ignore_index=True)
    ids = source.pairs["pair_id"].tolist()
    order = [*dict.fromkeys(source.annotations["annotator"]), "lexical"]
    built = build_features(ids, ratings, empty_table("features"), catalogue, order, "zero")
    matrix = feature_matrix(built.features, "sign").reindex(ids).to_numpy(float)
    prompts = pd.factorize(source.pairs["prompt_id"])[0]
    return matrix, [np.flatnonzero(prompts == number) for number in range(prompts.max() + 1)]


def two_judges(truth: float, p: int, rng) -> np.ndarray:
    """Coefficients of two judges with exactly this correlation over properties, shape (2, p)."""
    scale = np.sqrt(rng.exponential(1, p))
    first, second = (z - z.mean() for z in rng.normal(0, 1, (2, p)) * scale)
    first /= np.linalg.norm(first)
    second -= first * (first @ second)
    second /= np.linalg.norm(second)
    return np.stack([first, truth * first + np.sqrt(1 - truth**2) * second]) * SD * np.sqrt(p)


def data_set(population, alpha: np.ndarray, n_prompts: int, rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, p), labels (2, n) and prompt numbers (n,) of one data set."""
    features, members = population
    chosen = [members[number] for number in rng.integers(0, len(members), n_prompts)]
    x = features[np.concatenate(chosen)]
    luck = rng.random((2, len(x)))
    luck[1] = np.where(rng.random(len(x)) < SHARED_LUCK, luck[0], luck[1])
    prompts = np.repeat(np.arange(n_prompts), [len(rows) for rows in chosen])
    return x, (luck < expit(alpha @ x.T)).astype(int), prompts


def fits(x, labels, prompts, fit, rng) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Estimates (2, p), those of resamples (resamples, 2, p), and of both halves (halves, 2, p)."""
    n = prompts.max() + 1
    counts = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES)[:, prompts]
    half = np.array([rng.permutation(n) % 2 for _ in range(HALVES)])[:, prompts]
    weights = np.concatenate([np.ones((1, len(x))), counts, half, 1 - half]).astype(float)
    alpha = np.stack([fit(x, y, weights) for y in labels], axis=1)
    return (alpha[0], *np.split(alpha[1:], [RESAMPLES, RESAMPLES + HALVES]))


def normalised(c: np.ndarray) -> float:
    return c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]) if min(c[0, 0], c[1, 1]) > 0 else np.nan


def between_halves(one: np.ndarray, two: np.ndarray) -> float:
    centred = [half - half.mean(axis=-1, keepdims=True) for half in (one, two)]
    crossed = (centred[0] @ np.swapaxes(centred[1], 1, 2)).mean(axis=0)
    return float(np.clip(normalised((crossed + crossed.T) / 2), -1, 1))


def measure(mean, draws, one, two) -> dict[str, float]:
    """What one data set shows."""
    found = attenuation.moments(mean, draws)
    plain, spread = correlation(mean)[0, 1], correlation(draws)[:, 0, 1]
    value, resampled = (array[..., 0, 1] for array in found.correlation())
    value = float(value)
    own = np.clip(normalised(found.observed - np.diag(np.diag(found.error))), -1, 1)
    low, high = centred_interval(plain, spread)
    corrected_low, corrected_high = centred_interval(value, resampled)
    ends = np.nanquantile(spread, [0.025, 0.975]) if not np.isnan(spread).all() else [np.nan] * 2
    ends2 = np.nanquantile(resampled, [0.025, 0.975]) if np.isnan(resampled).mean() <= 0.5 else [np.nan] * 2
    row = {"reliability": np.sqrt(np.clip(found.reliability(), 0, 1).prod()), "plain": plain, "corrected": value}
    row |= {
        "least": found.reliability().min(),
        "own": own,
        "halves": between_halves(one, two),
        "low": low,
        "high": high,
        "q_low": ends[0],
        "q_high": ends[1],
    }
    row |= {"c_low": corrected_low, "c_high": corrected_high, "p_low": ends2[0], "p_high": ends2[1]}
    return {name: float(found) for name, found in row.items()}


def simulate(population, truth: float, n_prompts: int, fit, judges: int, repeats: int) -> pd.DataFrame:
    """One row per data set; `judges` pairs of judges, `repeats` data sets each."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(judges):
        alpha = two_judges(truth, population[0].shape[1], rng)
        for _ in range(repeats):
            data = data_set(population, alpha, n_prompts, rng)
            rows.append({"judges": number, **measure(*fits(*data, fit, rng))})
    table = pd.DataFrame(rows)
    return table.assign(mean=table.groupby("judges")["plain"].transform("mean"))


def share(table: pd.DataFrame, low: str, high: str, target) -> float:
    """Share of intervals that hold the target, among those that exist."""
    there = table[low].notna()
    return float(((table[low] <= target) & (target <= table[high]))[there].mean())


def line(table: pd.DataFrame, truth: float) -> dict[str, float]:
    def rmse(name):
        return float(np.sqrt(((table[name] - truth) ** 2).mean()))

    return {
        "reliability": table["reliability"].median(),
        "plain": table["plain"].mean(),
        "rmse": rmse("plain"),
        "corrected": table["corrected"].mean(),
        "rmse ": rmse("corrected"),
        "null": table["corrected"].isna().mean(),
        "own errors": table["own"].mean(),
        "rmse  ": rmse("own"),
        "halves": table["halves"].mean(),
        "rmse   ": rmse("halves"),
        "truth by quantiles": share(table, "q_low", "q_high", truth),
        "truth by pearson": share(table, "low", "high", truth),
        "mean by pearson": share(table, "low", "high", table["mean"]),
        "truth by corrected": share(table, "c_low", "c_high", truth),
        "truth by quantiles of corrected": share(table, "p_low", "p_high", truth),
    }


def same_judges(population, n_prompts: int, fit, repeats: int) -> float:
    """Share of properties called different in two judges of equal coefficients."""
    rng = np.random.default_rng(1)
    told = []
    for _ in range(repeats):
        alpha = two_judges(1.0, population[0].shape[1], rng)
        mean, draws, *_ = fits(*data_set(population, alpha, n_prompts, rng), fit, rng)
        difference, (low, high) = mean[0] - mean[1], np.quantile(draws[:, 0] - draws[:, 1], [0.025, 0.975], axis=0)
        told.append(((low > 0) & (difference > 0)) | ((high < 0) & (difference < 0)))
    return float(np.mean(told))


def by_reliability(table: pd.DataFrame) -> pd.DataFrame:
    """Data sets, root mean square errors and intervals with the truth, by the lower reliability of both judges."""
    squares = {f"error_{name}": (table[name] - table["truth"]) ** 2 for name in ("plain", "corrected")}
    inside = (table["c_low"] <= table["truth"]) & (table["truth"] <= table["c_high"])
    there = table.assign(**squares, inside=inside)[table["corrected"].notna()]
    bins = there.groupby(pd.cut(there["least"], [0.02, 0.35, 0.5, 0.65, 0.8, 1]), observed=True)
    means = bins[list(squares)].mean() ** 0.5
    return means.assign(data_sets=bins.size(), inside=bins["inside"].sum())


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--estimator", choices=list(ESTIMATORS), default="laplace_posterior")
    parser.add_argument("--judges", type=int, default=10, help="pairs of judges per setting")
    parser.add_argument("--repeats", type=int, default=10, help="data sets per pair of judges")
    parser.add_argument("--pairs", type=int, nargs="+", default=[402, 1602])
    parser.add_argument("--scales", type=float, nargs="+", default=[0.1, 1.0])
    parser.add_argument("--bins", action="store_true", help="errors by reliability, corrected down to 0.02")
    given = parser.parse_args(arguments)
    attenuation.LEAST_RELIABILITY = 0.02 if given.bins else attenuation.LEAST_RELIABILITY
    population = sample_features()
    for scale in given.scales:
        fit = partial(ESTIMATORS[given.estimator], prior_scale=scale)
        for n_pairs in given.pairs:
            tables = []
            for truth in (0.3, 0.75, 0.95):
                start = time.perf_counter()
                table = simulate(population, truth, n_pairs // 6, fit, given.judges, given.repeats)
                tables.append(table.assign(truth=truth))
                shown = ", ".join(f"{name.strip()} {value:.2f}" for name, value in line(table, truth).items())
                took = time.perf_counter() - start
                print(f"prior {scale:g}, {n_pairs} pairs, truth {truth}: {shown} ({took:.0f} s)", flush=True)
            if given.bins:
                print(by_reliability(pd.concat(tables)).round(2), flush=True)
                continue
            same = same_judges(population, n_pairs // 6, fit, given.repeats * 2)
            print(f"prior {scale:g}, {n_pairs} pairs: same {same:.3f}", flush=True)


if __name__ == "__main__":
    main()
