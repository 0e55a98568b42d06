"""Fit every judge in every group: coefficients with intervals, held-out quality, and what was skipped and why."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from scipy.special import expit

from prefdissect.cache import ArrayCache, content_key
from prefdissect.features import LENGTH_PROPERTY
from prefdissect.names import OVERALL
from prefdissect.regression.cells import Cell, require_usable
from prefdissect.regression.diagnostics import check_diagnostics, worst
from prefdissect.regression.folds import N_PUBLISHED, published_folds
from prefdissect.regression.quality import held_out, honest_splits
from prefdissect.regression.registry import load_estimator
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import conform

POSTERIOR_DRAWS = 400
# Row x feature x resample products that keep a process busy for about half a minute.
WORK_PER_PROCESS = 300_000_000


@dataclass(frozen=True)
class FitSettings:
    """What a fit depends on beside its data; part of the key of the cache.

    `options` are arguments of an estimator that samples; it is also given a seed, another one for every cell.
    """

    estimator: str
    prior_scale: float
    folds: int
    resamples: int
    seed: int
    code: str = ""
    options: dict = field(default_factory=dict)


@dataclass
class Fits:
    """Result of `fit_cells`.

    Attributes
    ----------
    coefficients, fit_quality
        Tables of those names.
    draws
        One row per judge, group and property; column `draws` holds the coefficients in the resamples, joint over
        judges, groups and properties: the same position is the same resample everywhere.
    """

    coefficients: pd.DataFrame
    fit_quality: pd.DataFrame
    draws: pd.DataFrame


def fit_cells(
    cells: list[Cell],
    properties: list[str],
    scenario_groups: list[str],
    n_prompts: int,
    settings: FitSettings,
    *,
    cache_dir: str | Path,
    workers: int = 1,
) -> Fits:
    """Fit all cells; those fitted before with the same data and settings come from the cache.

    Parameters
    ----------
    cells
        From `build_cells`.
    properties
        Names of the p columns of the cells' features.
    scenario_groups
        Groups whose unweighted mean is `overall`.
    n_prompts
        Prompts of the study.
    settings
        Estimator and its settings.
    cache_dir
        Folder of the cache.
    workers
        Processes.

    Raises
    ------
    InputError
        When a judge has no usable cell at all.
    """
    reasons = {(cell.judge, cell.group): cell.why_skipped(settings.folds) for cell in cells}
    require_usable(reasons)
    fitted = [cell for cell in cells if reasons[cell.judge, cell.group] is None]
    counts = resample_counts(n_prompts, settings.resamples, settings.seed)
    length_column = properties.index(LENGTH_PROPERTY) if LENGTH_PROPERTY in properties else None
    results = _fit_or_load(fitted, counts, settings, length_column, ArrayCache(Path(cache_dir) / "fits"), workers)
    coefficients = [_coefficient_rows(cell, result, properties, settings) for cell, result in zip(fitted, results)]
    draws = [_draw_rows(cell, result, properties) for cell, result in zip(fitted, results)]
    shared = shared_groups(reasons, scenario_groups)
    if shared:
        coefficients += _overall(fitted, results, properties, shared, settings)
    quality = [
        _quality_row(cell, None, settings, reason) for cell in cells if (reason := reasons[cell.judge, cell.group])
    ]
    quality += [_quality_row(cell, result, settings, None) for cell, result in zip(fitted, results)]
    return Fits(
        conform(pd.concat(coefficients, ignore_index=True), "coefficients"),
        conform(pd.DataFrame(quality).sort_values(["judge", "group"]), "fit_quality"),
        pd.concat(draws, ignore_index=True),
    )


def shared_groups(reasons: dict, scenario_groups: list[str]) -> list[str]:
    """Scenario groups that were fitted for every judge: those that `overall` averages."""
    skipped = {group for (_, group), reason in reasons.items() if reason}
    present = {group for _, group in reasons}
    return [group for group in scenario_groups if group in present - skipped]


def _fit_or_load(cells, counts, settings, length_column, cache, workers) -> list[dict]:
    # Draws follow from data and settings alone: an edit of the code fits anew, and moves nothing it did not change.
    drawn = [_data_key(cell, counts, settings, length_column) for cell in cells]
    keys = [content_key(key, settings.code) for key in drawn]
    seeds = {key: int(data[:8], 16) for key, data in zip(keys, drawn)}
    results = {key: cache.load(key) for key in keys}
    missing = [(key, cell) for key, cell in zip(keys, cells) if results[key] is None]
    print(f"{len(cells) - len(missing)} cells from the cache, {len(missing)} to fit", file=sys.stderr)
    processes = _processes(missing, len(counts), workers)
    # One by one as they are finished, so that a run that stops keeps what it has.
    computed = joblib.Parallel(n_jobs=processes, return_as="generator")(
        joblib.delayed(fit_cell)(cell, counts[:, cell.prompts], settings, length_column, seeds[key])
        for key, cell in missing
    )
    for (key, _), result in zip(missing, computed):
        cache.store(key, result)
        results[key] = result
    return [results[key] for key in keys]


def _processes(missing: list, resamples: int, workers: int) -> int:
    """A process of its own costs seconds to start, so it must have enough to do."""
    work = sum(len(cell.rows) * cell.matrix.shape[1] for _, cell in missing) * resamples
    return int(min(workers, 1 + work // WORK_PER_PROCESS))


def _data_key(cell: Cell, counts: np.ndarray, settings: FitSettings, length_column: int | None) -> str:
    data = (cell.x, cell.y, cell.weight, cell.prompts, counts[:, cell.prompts], length_column)
    return content_key(*data, tuple(asdict(replace(settings, code="")).items()))


def fit_cell(
    cell: Cell, counts: np.ndarray, settings: FitSettings, length_column: int | None, seed: int = 0
) -> dict[str, np.ndarray]:
    """Everything that is fitted for one cell.

    Parameters
    ----------
    cell
        The data, n rows and p features.
    counts : ndarray, shape (resamples, n)
        How often each row's prompt occurs in each resample.
    seed
        Seed of an estimator that samples and of the draws from the posterior, another one for every cell.

    Returns
    -------
    dict
        `mean` (p,), `fold_mean` (p,), `draws` (resamples, p), and one array of shape () per held-out score; from an
        estimator that knows the posterior also `sd`, `q025`, `q975`, `false_sign` (p,) and `posterior` (draws, p);
        from one that samples also `rhat`, `ess` and `divergences`, the worst of all its fits.

    Raises
    ------
    InputError
        When sampled fits have not mixed.
    """
    n, p = cell.x.shape
    estimator = load_estimator(settings.estimator)
    kept = np.zeros((N_PUBLISHED, n))
    for number, rows in enumerate(published_folds(n)):
        kept[number, rows] = 1
    splits = honest_splits(cell, settings.folds, settings.seed)
    trained = np.ones((len(splits), n))
    for number, (_, test) in enumerate(splits):
        trained[number, test] = 0
    counts = counts if getattr(estimator, "RESAMPLED", True) else counts[:0]
    # Full data, folds and resamples weight the same rows differently: one call fits them all.
    weights = np.concatenate([np.ones((1, n)), kept, trained, counts]) * cell.weight
    alpha, spread = _estimate(estimator, cell, weights, settings, seed)
    mean, folds, honest, draws = np.split(alpha, np.cumsum([1, N_PUBLISHED, len(splits)]))
    quality = held_out(cell, splits, honest, length_column)
    return {
        "mean": mean[0],
        "fold_mean": folds.mean(axis=0),
        "draws": draws,
        **spread,
        **{name: np.asarray(value) for name, value in quality.items()},
    }


def _estimate(estimator, cell: Cell, weights: np.ndarray, settings: FitSettings, seed: int) -> tuple[np.ndarray, dict]:
    """Estimates of all fits, shape (m, p), and the posterior of the first, where the estimator knows it."""
    if not hasattr(estimator, "fit_posterior"):
        return estimator.fit_many(cell.x, cell.y, weights, prior_scale=settings.prior_scale), {}
    options = {**settings.options, "seed": seed} if settings.options else {}
    found = estimator.fit_posterior(cell.x, cell.y, weights, prior_scale=settings.prior_scale, **options)
    full, sampled = found.first(), {}
    if hasattr(found, "diagnostics"):
        check_diagnostics(found.diagnostics, f"estimator `{settings.estimator}`, judge `{cell.judge}`, {cell.group}")
        sampled = {name: np.asarray(value) for name, value in worst(found.diagnostics).items()}
    return found.mean, sampled | {
        "sd": full.sd[0],
        "q025": full.quantile(0.025)[0],
        "q975": full.quantile(0.975)[0],
        "false_sign": full.false_sign()[0],
        "posterior": full.draws(POSTERIOR_DRAWS, seed)[:, 0],
    }


def _coefficient_rows(cell: Cell, result: dict, properties: list[str], settings: FitSettings) -> pd.DataFrame:
    mean, draws = result["mean"], result["draws"]
    if "q025" in result:
        table = describe(mean, expit(mean), result, expit(result["q025"]), expit(result["q975"]), properties)
    else:
        table = summarise(mean, expit(mean), draws, expit(draws), properties)
    return table.assign(
        judge=cell.judge,
        group=cell.group,
        estimator=settings.estimator,
        fold_mean=result["fold_mean"],
        n_pairs=cell.n_pairs,
    )


def summarise(mean, share, draws, share_draws, properties: list[str]) -> pd.DataFrame:
    """Columns of the coefficients table from estimates and draws.

    Parameters
    ----------
    mean, share : ndarray, shape (p,)
        Effect strength and its sigmoid (averaged where groups are averaged).
    draws, share_draws : ndarray, shape (draws, p)
        The same in resamples or in draws from the posterior; no row gives null intervals.
    """
    if len(draws) == 0:
        table = pd.DataFrame({"property": properties, "mean": mean, "degree": 100 * share})
        return table.assign(
            sd=None, q025=None, q975=None, degree_q025=None, degree_q975=None, false_sign=None, word="no interval"
        )
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    wrong = np.where(mean == 0, np.nan, (np.sign(draws) != np.sign(mean)).mean(axis=0))
    spread = {"sd": draws.std(axis=0, ddof=1), "q025": low, "q975": high, "false_sign": wrong}
    return describe(mean, share, spread, *np.quantile(share_draws, [0.025, 0.975], axis=0), properties)


def describe(mean, share, spread: dict, share_low, share_high, properties: list[str]) -> pd.DataFrame:
    """Columns of the coefficients table from estimates and what surrounds them (`sd`, `q025`, `q975`, `false_sign`)."""
    table = pd.DataFrame({"property": properties, "mean": mean, "degree": 100 * share})
    for name in ("sd", "q025", "q975", "false_sign"):
        table[name] = spread[name]
    table["degree_q025"], table["degree_q975"] = 100 * share_low, 100 * share_high
    conditions = [(table["q025"] > 0) & (mean > 0), (table["q975"] < 0) & (mean < 0)]
    table["word"] = np.select(conditions, ["rewards", "penalises"], "not distinguishable")
    return table


def _draw_rows(cell: Cell, result: dict, properties: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"judge": cell.judge, "group": cell.group, "property": properties, "draws": list(result["draws"].T.copy())}
    )


def _overall(cells, results, properties, shared: list[str], settings: FitSettings) -> list[pd.DataFrame]:
    """`overall` = unweighted mean, over the shared scenario groups, of the quantity shown."""
    tables = []
    for judge in dict.fromkeys(cell.judge for cell in cells):
        mine = [(cell, result) for cell, result in zip(cells, results) if cell.judge == judge and cell.group in shared]
        means = np.array([result["mean"] for _, result in mine])
        # Of the posterior where it is known: cells are fitted apart, so draws of different groups are independent.
        draws = np.array([result.get("posterior", result["draws"]) for _, result in mine])
        table = summarise(
            means.mean(axis=0), expit(means).mean(axis=0), draws.mean(axis=0), expit(draws).mean(axis=0), properties
        )
        tables.append(
            table.assign(
                judge=judge,
                group=OVERALL,
                estimator=settings.estimator,
                fold_mean=np.mean([result["fold_mean"] for _, result in mine], axis=0),
                n_pairs=sum(cell.n_pairs for cell, _ in mine),
            )
        )
    return tables


def _quality_row(cell: Cell, result: dict | None, settings: FitSettings, skipped: str | None) -> dict:
    row = {
        "judge": cell.judge,
        "group": cell.group,
        "estimator": settings.estimator,
        "n_pairs": cell.n_pairs,
        "n_prompts": len(np.unique(cell.prompts)),
        "n_undecided": cell.n_undecided,
        "n_missing": cell.n_missing,
        "skipped": skipped,
    }
    scores = {key: float(value) for key, value in (result or {}).items() if value.shape == ()}
    return row | scores
