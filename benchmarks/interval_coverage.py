"""What intervals cover when the truth is fixed: `python benchmarks/interval_coverage.py [folder]`.

Truths are the published coefficients, read in the folder, of six judges in eleven scenario groups, so large effects are
as frequent as they were there, and not as frequent as the prior holds. Features are rows of the bundled sample. For
each number of pairs labels are drawn again and again, fitted, and compared with the truth:

bias
    Mean of estimate minus truth, counted towards the truth's sign: -0.1 is shrunk by 0.1.
coverage
    Share of 95 % intervals that hold the truth.
named, wrong
    Share of effects whose interval excludes 0, and the share of these with the wrong sign.

Writes `scripts/prefdissect/regression/interval_coverage.csv`, which the findings quote, and the table in the docs.
About ten minutes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import simulated_data

from prefdissect.regression import laplace_ep, laplace_weak
from prefdissect.regression.map_logistic import fit_many
from prefdissect.regression.resampling import resample_counts

PUBLISHED = simulated_data.ROOT.parent / "shared/data/preference-dissection/fitted_paras_comparison"
WRITTEN = simulated_data.ROOT / "scripts/prefdissect/regression/interval_coverage.csv"
PAGE, MARKS = simulated_data.ROOT / "docs/validity.md", ("<!-- coverage -->", "<!-- end -->")
JUDGES = ["human", "gpt-4-1106-preview", "gpt-3.5-turbo-1106", "llama-2-70b-chat", "qwen-14b", "mistral-7b"]
REPEATS = {121: 20, 400: 20, 820: 20, 5240: 5}  # pairs -> sets of labels for each truth
RESAMPLES, RESAMPLED_REPEATS = 200, 1
EFFECTS = [0, 0.05, 0.1, 0.2, 0.4, np.inf]
FREQUENCIES = [0, 0.15, 0.4, 1]


def intervals(estimator: str, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates and interval ends for labels y (m, n), each of shape (m, p)."""
    if estimator != "map":
        module = {"laplace_posterior": laplace_ep, "laplace_weak": laplace_weak}[estimator]
        found = module.fit_posterior(x, y, np.ones(y.shape), prior_scale=simulated_data.PRIOR_SCALE)
        return found.mean, found.quantile(0.025), found.quantile(0.975)
    weights = np.vstack([np.ones((1, len(x))), resample_counts(len(x), RESAMPLES, seed)])
    fits = np.array([fit_many(x, labels, weights, prior_scale=simulated_data.PRIOR_SCALE) for labels in y])
    return fits[:, 0], *np.quantile(fits[:, 1:], [0.025, 0.975], axis=1)


def simulate(matrix: pd.DataFrame, truths: np.ndarray, estimator: str, n: int) -> pd.DataFrame:
    """One row per judge, set of labels and property."""
    parts = []
    for repeat in range(RESAMPLED_REPEATS if estimator == "map" else REPEATS[n]):
        rng = np.random.default_rng([n, repeat])
        x = simulated_data.draw_rows(matrix.to_numpy(), n, rng)
        y = simulated_data.draw_labels(x, truths, rng)
        mean, low, high = intervals(estimator, x, y, repeat)
        columns = {"truth": truths, "mean": mean, "low": low, "high": high}
        part = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
        parts.append(part.assign(frequency=np.tile((matrix != 0).mean().to_numpy(), len(truths))))
    return pd.concat(parts, ignore_index=True).assign(estimator=estimator, n_pairs=n)


def summarise(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Bias, coverage, and what is named, per cell of `by`."""
    named = (rows["low"] > 0) | (rows["high"] < 0)
    sign = np.sign(rows["truth"])
    table = rows.assign(
        bias=sign * (rows["mean"] - rows["truth"]),
        coverage=(rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"]),
        named=named,
        wrong=np.where(named, np.sign(rows["mean"]) != sign, np.nan),
        coefficients=1,
    )
    measures = {"coefficients": "sum", "bias": "mean", "coverage": "mean", "named": "mean", "wrong": "mean"}
    return table.groupby(by, observed=True).agg(measures).reset_index()


def bins(values: pd.Series, edges: list[float], percent: bool = False) -> pd.Series:
    """Texts like `0.1 to 0.2`."""
    texts = [f"{100 * edge:g} %" if percent else f"{edge:g}" for edge in edges]
    names = [
        f"{low} and more" if np.isinf(edge) else f"{low} to {high}"
        for low, high, edge in zip(texts, texts[1:], edges[1:])
    ]
    return pd.cut(values, edges, labels=names, right=False, include_lowest=True)


def main(folder: Path) -> None:
    start, matrix = time.perf_counter(), simulated_data.sample_matrix()
    published = simulated_data.published_truths(folder, list(matrix))
    groups = sorted({group for group, _ in published if group[0].isupper()})
    truths = np.array([published[group, judge] for judge in JUDGES for group in groups])
    parts = []
    for estimator in ("laplace_posterior", "laplace_weak", "map"):
        for n in REPEATS:
            parts.append(simulate(matrix, truths, estimator, n))
            print(f"{estimator}, {n} pairs: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    rows = pd.concat(parts, ignore_index=True)
    rows["effect"] = bins(rows["truth"].abs(), EFFECTS)
    rows["differing"] = bins(rows["frequency"], FREQUENCIES, percent=True)
    cell = ["estimator", "n_pairs"]
    tables = [
        summarise(rows, cell).assign(effect="all", differing="all"),
        summarise(rows, [*cell, "effect"]).assign(differing="all"),
        summarise(rows, [*cell, "differing"]).assign(effect="all"),
        summarise(rows, [*cell, "effect", "differing"]),
    ]
    table = pd.concat([part.astype({"effect": str, "differing": str}) for part in tables], ignore_index=True)
    table[[*cell, "effect", "differing", "coefficients", "bias", "coverage", "named", "wrong"]].to_csv(
        WRITTEN, index=False, float_format="%.4f", lineterminator="\n"
    )
    write_docs(pd.read_csv(WRITTEN))


def write_docs(table: pd.DataFrame) -> None:
    """Put the summary into the page, between its marks."""
    rows = table[(table["differing"] == "all")].drop(columns=["differing"])
    rows = rows.rename(columns={"n_pairs": "pairs"}).sort_values(["estimator", "pairs", "effect"], kind="stable")
    lines = ["| " + " | ".join(rows) + " |", "|" + "---|" * len(rows.columns)]
    lines += ["| " + " | ".join(cells) + " |" for cells in zip(*(_column(rows[name]) for name in rows), strict=True)]
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    tail = rest.partition(MARKS[1])[2]
    PAGE.write_text(head + "\n".join([MARKS[0], "", *lines, "", MARKS[1]]) + tail, encoding="utf-8")


def _column(values: pd.Series) -> list[str]:
    if values.name == "bias":
        return [f"{value:+.3f}" for value in values]
    if values.dtype == float:
        return ["" if np.isnan(value) else f"{100 * value:.1f} %" for value in values]
    return [f"{value:,}" if isinstance(value, int) else str(value) for value in values]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED)
