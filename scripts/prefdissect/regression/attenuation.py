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
from prefdissect.regression.cells import Cell
from prefdissect.regression.map_logistic import fit_many
from prefdissect.tables import conform

ROUNDS = 20
ATTENUATED = 0.8  # less than this is left of an effect


def attenuation_table(
    cells: list[Cell],
    properties: list[str],
    counts: dict[str, np.ndarray],
    *,
    prior_scale: float,
    folds: int,
    seed: int,
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
    again = [perturbed(cells[0].matrix, errors, rng) for _ in range(rounds)]
    usable = [cell for cell in cells if cell.why_skipped(folds) is None]
    return conform(
        pd.DataFrame([row for cell in usable for row in _rows(cell, again, properties, counts, prior_scale)]),
        "attenuation",
    )


def _rows(cell: Cell, again: list[np.ndarray], properties: list[str], counts: dict, prior_scale: float):
    effect = _mode(cell, cell.matrix, prior_scale)
    noisy = np.array([_mode(cell, matrix, prior_scale) for matrix in again])
    for column, name in enumerate(properties):
        if name in counts:
            left = noisy[:, column].mean() / effect[column] if effect[column] else np.nan
            yield {
                "judge": cell.judge, "group": cell.group, "property": name, "error_rate": error_rate(counts[name]),
                "effect": effect[column], "perturbed": noisy[:, column].mean(), "left": left,
                "attenuated": pd.NA if np.isnan(left) else bool(left < ATTENUATED),
            }  # fmt: skip


def _mode(cell: Cell, matrix: np.ndarray, prior_scale: float) -> np.ndarray:
    return fit_many(matrix[cell.rows], cell.y, cell.weight[None, :], prior_scale=prior_scale)[0]
