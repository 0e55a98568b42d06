"""`laplace_posterior` against NUTS on the published study's shape: `python benchmarks/regression.py`.

Needs `make install-reference`; takes about ten minutes on two cores. Three parts:

scaling
    One fit of 1,000 to 1,000,000 pairs, and 10 to 1,000 judges on 400 pairs, each in a process of its own, whose peak
    memory is printed.
study
    All fits of the published study's shape with `laplace_posterior`: 33 judges, 16 groups of the published sizes, the
    full data and the ten published folds. Two processes, one task per judge and group, as a study fits them.
reference
    Random ones of these very fits with NUTS at the published settings (4 chains, 500 warm-up steps, 2,000 draws), in
    two processes too. Compilation is left out of the times, though a script that fits once pays for it.

Features are rows of the bundled sample, drawn again for groups larger than it; labels are drawn from coefficients drawn
from the prior, so that nothing outside of the repository is needed.
"""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context

import joblib
import numpy as np
import pandas as pd
import simulated_data
from simulated_data import draw_labels, draw_rows, draw_truths, sample_matrix

from prefdissect.regression import laplace_ep, nuts
from prefdissect.regression.diagnostics import check_diagnostics
from prefdissect.regression.folds import published_folds

PRIOR_SCALE = simulated_data.PRIOR_SCALE
JUDGES, WORKERS, SAMPLED_FITS = 33, 2, 24
# Eleven scenario groups and five query-specific ones.
GROUP_SIZES = [820, 820, *[400] * 9, 121, 459, 1418, 388, 401]
PAIRS, MANY_JUDGES, JUDGES_PAIRS = (1_000, 10_000, 100_000, 1_000_000), (10, 100, 1000), 400


@dataclass(frozen=True)
class Cell:
    """One judge in one group: x (n, p), y (n,), weights (11, n) of the full data and the folds."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray


def make_study(matrix: np.ndarray) -> list[Cell]:
    """All cells of the study, by group and judge."""
    rng, cells = np.random.default_rng(0), []
    for n in GROUP_SIZES:
        weights = np.ones((1, n))
        for kept in published_folds(n):
            weights = np.vstack([weights, np.isin(np.arange(n), kept)])
        x, truths = draw_rows(matrix, n, rng), draw_truths(JUDGES, matrix.shape[1], rng)
        cells += [Cell(x, y, weights) for y in draw_labels(x, truths, rng)]
    return cells


def megabytes() -> float:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fit_cell(cell: Cell) -> tuple[float, float]:
    """What a study takes from a cell; returns processor seconds and peak memory."""
    start = time.process_time()
    found = laplace_ep.fit_posterior(cell.x, cell.y, cell.weights, prior_scale=PRIOR_SCALE)
    _ = found.mean, found.sd, found.quantile(0.025), found.quantile(0.975), found.false_sign()
    return time.process_time() - start, megabytes()


def time_study(cells: list[Cell]) -> tuple[float, float]:
    """Wall and processor seconds per fit of the whole study."""
    start = time.perf_counter()
    processor, memory = zip(*joblib.Parallel(n_jobs=WORKERS)(joblib.delayed(fit_cell)(cell) for cell in cells))
    wall, fits = time.perf_counter() - start, sum(len(cell.weights) for cell in cells)
    print(f"study: {fits} fits in {wall:.1f} s on {WORKERS} processes, {sum(processor):.1f} s of processor time;")
    print(
        f"  {1e3 * wall / fits:.2f} ms and {1e3 * sum(processor) / fits:.2f} ms a fit, {max(memory):.0f} MB a process"
    )
    return wall / fits, sum(processor) / fits


def sample_fits(fits: list[tuple[Cell, int]]) -> list[dict]:
    """NUTS on fits of one shape, the first of them twice: it compiles."""
    rows = []
    for number, (cell, fit) in enumerate([fits[0], *fits]):
        start = time.perf_counter(), time.process_time()
        found = nuts.fit_posterior(cell.x, cell.y, cell.weights[[fit]], prior_scale=PRIOR_SCALE, seed=fit)
        spent = time.perf_counter() - start[0], time.process_time() - start[1]
        if number == 0:
            compiled = spent[1]
            continue
        near = laplace_ep.fit_posterior(cell.x, cell.y, cell.weights[[fit]], prior_scale=PRIOR_SCALE)
        gap, error = np.abs(near.mean - found.mean), found.sd / np.sqrt(found.diagnostics["ess"])
        ends = [np.abs(near.quantile(share) - found.quantile(share)).max() for share in (0.025, 0.975)]
        row = {name: float(values[0]) for name, values in found.diagnostics.items()}
        row |= {"pairs": int(cell.weights[fit].sum()), "wall": spent[0], "processor": spent[1], "compiled": compiled}
        rows.append(row | {"gap": gap.max(), "errors": (gap / error).max(), "ends": max(ends), "memory": megabytes()})
    return rows


def time_reference(cells: list[Cell]) -> pd.DataFrame:
    """NUTS on random fits of the study, one row each."""
    rng, by_shape = np.random.default_rng(1), {}
    for chosen in rng.choice(len(cells) * 11, SAMPLED_FITS, replace=False):
        cell, fit = cells[chosen // 11], int(chosen % 11)
        by_shape.setdefault(int(cell.weights[fit].sum()), []).append((cell, fit))
    order = sorted(by_shape, key=lambda pairs: -pairs * (len(by_shape[pairs]) + 1))
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        found = pool.map(sample_fits, [by_shape[pairs] for pairs in order])
        return pd.DataFrame([row for rows in found for row in rows])


def report_reference(table: pd.DataFrame, study: tuple[float, float]) -> None:
    """Print the comparison; the last lines are the ratios."""
    check_diagnostics({name: table[name].to_numpy() for name in ("rhat", "ess", "divergences", "draws")}, "NUTS")
    print(f"reference: {len(table)} random fits of the study with NUTS")
    for pairs, rows in table.groupby("pairs"):
        seconds, compiled = rows["processor"].mean(), rows["compiled"].iloc[0] - rows["processor"].iloc[0]
        print(f"  {pairs:>5} pairs, {len(rows)} fits: {seconds:6.2f} s of processor time, compilation {compiled:.1f} s")
    print(f"  R-hat at most {table['rhat'].max():.4f}, effective sample size at least {table['ess'].min():.0f}")
    print(f"agreement: max |difference of means| {table['gap'].max():.4f}, of interval ends {table['ends'].max():.4f}")
    print(f"  the former is at most {table['errors'].max():.1f} Monte Carlo standard errors of these short chains")
    print(f"peak memory of NUTS {table['memory'].max():.0f} MB a process")
    wall, processor = table["wall"].mean(), table["processor"].mean()
    print(f"NUTS {wall:.2f} s a fit ({processor:.2f} s of processor time), in each of {WORKERS} processes")
    print(f"processor time ratio: {processor / study[1]:.0f}")
    print(f"ratio: {wall / WORKERS / study[0]:.0f}")


def fit_many_pairs(n: int) -> tuple[float, float, float]:
    """Wall and processor seconds and peak memory of one fit of n pairs."""
    rng = np.random.default_rng(n)
    x = draw_rows(sample_matrix().to_numpy(), n, rng)
    return timed_fit(x, draw_labels(x, draw_truths(1, x.shape[1], rng), rng))


def fit_many_judges(judges: int) -> tuple[float, float, float]:
    """The same of one fit for each of many judges."""
    rng = np.random.default_rng(judges)
    x = draw_rows(sample_matrix().to_numpy(), JUDGES_PAIRS, rng)
    return timed_fit(x, draw_labels(x, draw_truths(judges, x.shape[1], rng), rng))


def timed_fit(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    start = time.perf_counter(), time.process_time()
    laplace_ep.fit_posterior(x, y, np.ones(y.shape), prior_scale=PRIOR_SCALE).quantile(0.025)
    return time.perf_counter() - start[0], time.process_time() - start[1], megabytes()


def report_scaling(what: str, function, sizes: tuple[int, ...]) -> None:
    """Each size in a fresh process, so that the peak memory is its own."""
    print(f"scaling in {what}:")
    for size in sizes:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            wall, processor, memory = pool.submit(function, size).result()
        per = 1e6 * processor / size
        print(f"  {size:>9,}: {wall:7.2f} s, processor {processor:7.2f} s, {per:8.1f} us each, peak {memory:6.0f} MB")


def main() -> None:
    # Not imported here: the memory of this process would count in those that it starts.
    if find_spec("numpyro") is None:
        sys.exit("Error: NumPyro is not installed (make install-reference)")
    start = time.perf_counter()
    report_scaling("pairs, one fit", fit_many_pairs, PAIRS)
    report_scaling(f"judges, {JUDGES_PAIRS} pairs", fit_many_judges, MANY_JUDGES)
    cells = make_study(sample_matrix().to_numpy())
    study = time_study(cells)
    report_reference(time_reference(cells), study)
    print(f"peak memory of the main process {megabytes():.0f} MB, {time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
