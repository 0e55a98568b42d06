"""Whether `left` of the table `attenuation` tells what error does to effects: `python benchmarks/annotation_error.py`.

Eight properties that go together, each rated 0 to 3 twice; a rating is off by one step in 5 % (the first property) to
40 % (the last) of cases. A judge follows the features without error. The first rating is fitted, 300 of the 4,000 pairs
count as repeated, and `left` is held against what is true: the effect on the first rating over that without error.

Printed for each prior scale and property, means over the data sets: error rate of the features, effect, `left`, truth;
then mean and standard deviation of their difference, and how often the flag is the one that the truth would give.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from prefdissect.regression.attenuation import attenuation_table  # noqa: E402
from prefdissect.regression.cells import Cell  # noqa: E402
from prefdissect.regression.map_logistic import fit_many  # noqa: E402
from prefdissect.reliability_config import ATTENUATED  # noqa: E402

EFFECTS = np.array([0.6, -0.4, 0.3, 0.5, -0.3, 0.6, 0.4, -0.5])
NAMES = [f"property {number}" for number in range(1, len(EFFECTS) + 1)]
ERRORS = np.linspace(0.05, 0.4, len(EFFECTS))
PAIRS, REPEATED = 4000, 300


def signs(ratings: np.ndarray) -> np.ndarray:
    """Features from ratings, shape (pairs, 2, p) to (pairs, p)."""
    return np.sign(ratings[:, 0] - ratings[:, 1])


def true_ratings(rng: np.random.Generator) -> np.ndarray:
    liked = 0.7 * rng.normal(size=(PAIRS, 2, 1)) + rng.normal(size=(PAIRS, 2, len(EFFECTS)))
    return np.clip(np.round(0.9 * liked + 1.5), 0, 3)


def rate(ratings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    off = (rng.random(ratings.shape) < ERRORS) * rng.choice([-1, 1], ratings.shape)
    return np.clip(ratings + off, 0, 3)


def confusion(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    counts = np.zeros((3, 3))
    np.add.at(counts, (first.astype(int) + 1, second.astype(int) + 1), 1)
    counts = counts + counts.T
    return counts + counts[::-1, ::-1]


def compare(seed: int, prior_scale: float) -> pd.DataFrame:
    """One data set: table `attenuation` with a column `truth`."""
    rng = np.random.default_rng(seed)
    ratings = true_ratings(rng)
    first, second = (signs(rate(ratings, rng)) for _ in range(2))
    y = (rng.random(PAIRS) < 1 / (1 + np.exp(-signs(ratings) @ EFFECTS))).astype(int)
    rows, ones = np.arange(PAIRS), np.ones(PAIRS)
    counts = {name: confusion(first[:REPEATED, column], second[:REPEATED, column]) for column, name in enumerate(NAMES)}
    cell = Cell("judge", "pooled", first, rows, rows, y, ones, PAIRS, 0, 0)
    table = attenuation_table([cell], NAMES, counts, prior_scale=prior_scale, folds=10, seed=seed)
    known = fit_many(signs(ratings), y, ones[None, :], prior_scale=prior_scale)[0]
    return table.assign(truth=table["effect"].to_numpy() / known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=20, help="data sets (20)")
    sets = parser.parse_args().sets
    for scale in (0.1, 1.0):
        table = pd.concat(compare(seed, scale) for seed in range(sets))
        print(f"prior scale {scale:g}, {sets} data sets of {PAIRS} pairs, {REPEATED} repeated")
        print(table.groupby("property")[["error_rate", "effect", "left", "truth"]].mean().round(3).to_string())
        off = table["left"] - table["truth"]
        right = ((table["truth"] < ATTENUATED) == table["attenuated"].astype(bool)).mean()
        print(f"left - truth: mean {off.mean():.3f}, sd {off.std():.3f}; flag right in {right:.0%}\n")


if __name__ == "__main__":
    main()
