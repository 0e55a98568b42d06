"""How far an effect is attenuated by the annotator's error: features perturbed by that error once more, and refitted.

Two ratings of a pair are two readings of the same thing with independent errors. Their disagreement tells the error of
one (`confusion.single_error`), and perturbing the features by it shows what an error of this size leaves of an effect:
about as much as the error in the ratings has left already (misclassification simulation: Kuechenhoff, Mwalili and
Lesaffre 2006). It takes errors of different properties, and of different pairs, as independent, and knows nothing of
an error that an annotator makes every time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from prefdissect.annotators.confusion import error_rate, perturbed, single_error
from prefdissect.cache import ArrayCache, content_key
from prefdissect.names import OVERALL
from prefdissect.regression.cells import Cell
from prefdissect.regression.fit import shared_groups
from prefdissect.regression.map_logistic import fit_many
from prefdissect.reliability_config import ATTENUATED
from prefdissect.tables import conform

ROUNDS = 20
MOST_ERROR = 0.1  # of `left`, by simulation; where it is greater, the effect is too near 0 to say what is left of it


def attenuation_table(
    cells: list[Cell],
    properties: list[str],
    counts: dict[str, np.ndarray],
    *,
    prior_scale: float,
    folds: int,
    seed: int,
    scenarios: list[str] | None = None,
    cache: ArrayCache | None = None,
    code: str = "",
    rounds: int = ROUNDS,
) -> pd.DataFrame:
    """What is left of every effect where the features are rated once more.

    Parameters
    ----------
    cells
        From `build_cells`, on sign features.
    properties
        Names of the p columns of the features.
    counts
        Property -> confusion of signs (`confusions`); the others are taken as free of error.
    prior_scale
        Scale of the Laplace prior. The mode is refitted, whatever the study's estimator.
    folds
        Cells with fewer pairs are not in the fits, and not here.
    scenarios
        Scenario groups; those fitted for every judge are averaged as `overall`.
    cache
        Of cells refitted before: another judge refits no other.
    code
        Version of the fit, for the cache.
    rounds
        Perturbations.

    Returns
    -------
    DataFrame
        Table `attenuation`: rows for the properties in `counts`.
    """
    if not cells or not counts:
        return conform(pd.DataFrame(), "attenuation")
    errors = [single_error(counts[name]) if name in counts else None for name in properties]
    rng = np.random.default_rng(seed)
    again = np.array([perturbed(cells[0].matrix, errors, rng) for _ in range(rounds)])
    reasons = {(cell.judge, cell.group): cell.why_skipped(folds) for cell in cells}
    modes = {
        (cell.judge, cell.group): _modes(cell, again, prior_scale, cache, code)
        for cell in cells
        if reasons[cell.judge, cell.group] is None
    }
    modes |= _overall(modes, shared_groups(reasons, scenarios or []))
    rates = {name: error_rate(table) for name, table in counts.items()}
    return conform(
        pd.DataFrame([row for key, found in modes.items() for row in _rows(key, found, properties, rates)]),
        "attenuation",
    )


def _modes(cell: Cell, again: np.ndarray, prior_scale: float, cache: ArrayCache | None, code: str) -> np.ndarray:
    """Effects on the features as they are and on each perturbation, shape (1 + rounds, p)."""
    matrices = np.concatenate([cell.matrix[None, cell.rows], again[:, cell.rows]])
    key = content_key("attenuation", matrices.astype(np.int8), cell.y, cell.weight, prior_scale, code)
    known = cache.load(key) if cache else None
    if known is not None:
        return known["modes"]
    modes = np.array([fit_many(x, cell.y, cell.weight[None, :], prior_scale=prior_scale)[0] for x in matrices])
    if cache:
        cache.store(key, {"modes": modes})
    return modes


def _overall(modes: dict[tuple, np.ndarray], shared: list[str]) -> dict[tuple, np.ndarray]:
    """`overall` = unweighted mean over the shared scenario groups, round by round."""
    judges = dict.fromkeys(judge for judge, _ in modes) if shared else ()
    return {(judge, OVERALL): np.mean([modes[judge, group] for group in shared], axis=0) for judge in judges}


def _rows(key: tuple[str, str], modes: np.ndarray, properties: list[str], rates: dict[str, float]):
    effects, noisy = modes[0], modes[1:]
    error = noisy.std(axis=0, ddof=1) / np.sqrt(len(noisy))
    for column, name in enumerate(properties):
        if name in rates:
            effect, mean = effects[column], noisy[:, column].mean()
            left = mean / effect if error[column] < MOST_ERROR * abs(effect) else np.nan
            yield {
                "judge": key[0], "group": key[1], "property": name, "error_rate": rates[name],
                "effect": effect, "perturbed": mean, "perturbed_se": error[column], "left": left,
                "attenuated": pd.NA if np.isnan(left) else bool(left < ATTENUATED),
            }  # fmt: skip
