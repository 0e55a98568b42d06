"""Estimator `map` in one batch against scikit-learn fit by fit: `python benchmarks/map_estimator.py`.

Prints, for several sizes, processor time per fit of both, their ratio, and the largest difference of coefficients.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
from prefdissect.regression.map_logistic import fit_many  # noqa: E402

PRIOR_SCALE = 0.1
RESAMPLES, COMPARED = 221, 10
SIZES = [(36, 29), (300, 10), (400, 29), (885, 10), (5240, 29)]


def compare(n: int, p: int) -> str:
    """One line for n pairs and p properties."""
    rng = np.random.default_rng(0)
    x = rng.integers(-1, 2, (n, p)).astype(float)
    y = (rng.random(n) < expit(x @ rng.normal(0, 0.3, p))).astype(int)
    weights = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(float)
    start = time.process_time()
    ours = fit_many(x, y, weights, prior_scale=PRIOR_SCALE)
    batched = (time.process_time() - start) / RESAMPLES
    start, gap = time.process_time(), 0.0
    for weight, alpha in zip(weights[:COMPARED], ours[:COMPARED], strict=True):
        kept = weight > 0
        model = LogisticRegression(C=PRIOR_SCALE, l1_ratio=1, solver="liblinear", fit_intercept=False, tol=1e-8)
        gap = max(gap, np.abs(model.fit(x[kept], y[kept], weight[kept]).coef_[0] - alpha).max())
    single = (time.process_time() - start) / COMPARED
    return (
        f"{n} pairs, {p} properties: {1e3 * batched:.2f} ms against {1e3 * single:.2f} ms per fit, "
        f"ratio: {single / batched:.1f}, largest difference {gap:.1e}"
    )


if __name__ == "__main__":
    for n, p in SIZES:
        print(compare(n, p))
