"""Data of known coefficients, for benchmarks and simulation studies: real-like features, published or drawn truths."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from prefdissect.annotators import lexical  # noqa: E402
from prefdissect.catalogue import load_catalogue  # noqa: E402
from prefdissect.features import LENGTH_PROPERTY, build_features, feature_matrix  # noqa: E402
from prefdissect.pairs.registry import read_source  # noqa: E402
from prefdissect.regression.published import read_published_coefficients  # noqa: E402

PRIOR_SCALE = 0.1


def sample_matrix() -> pd.DataFrame:
    """Features of the bundled sample as its study makes them, shape (384 pairs, 29 properties)."""
    catalogue = load_catalogue()
    record = {"name": "sample", "kind": "responses", "path": str(ROOT / "data/sample/queries")}
    source = read_source(record | {"empty_responses": "error"}, catalogue)
    counted = lexical.annotate(source.pairs, catalogue, [LENGTH_PROPERTY])
    annotations = pd.concat([source.annotations, counted], ignore_index=True)
    precedence = list(dict.fromkeys(annotations["annotator"]))
    pair_ids = source.pairs["pair_id"].tolist()
    built = build_features(pair_ids, annotations, source.features, catalogue, precedence, "zero")
    return feature_matrix(built.features)


def draw_rows(matrix: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n rows, drawn again where the matrix has fewer, shape (n, p)."""
    return matrix[rng.choice(len(matrix), n, replace=n > len(matrix))]


def draw_labels(x: np.ndarray, alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels of judges with coefficients alpha (judges, p) on rows x (n, p), shape (judges, n)."""
    return (rng.random((len(alpha), len(x))) < expit(alpha @ x.T)).astype(int)


def draw_truths(judges: int, p: int, rng: np.random.Generator) -> np.ndarray:
    """Coefficients drawn from the prior, shape (judges, p)."""
    return rng.laplace(0, PRIOR_SCALE, (judges, p))


def published_truths(folder: Path, properties: list[str]) -> dict[tuple[str, str], np.ndarray]:
    """Published coefficients by (group, judge), in the order of `properties`."""
    table = read_published_coefficients(folder, load_catalogue())
    cells = table.pivot(index=["group", "judge"], columns="property", values="mean")[properties]
    return dict(zip(cells.index, cells.to_numpy(), strict=True))
