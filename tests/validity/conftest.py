"""Features and truths of the simulation studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulated_data


@pytest.fixture(scope="session")
def sample_matrix() -> pd.DataFrame:
    """Features of the bundled sample, shape (384 pairs, 29 properties)."""
    return simulated_data.sample_matrix()


@pytest.fixture(scope="session")
def published_judges(shared_data: Path, sample_matrix) -> dict[tuple[str, str], np.ndarray]:
    """Published coefficients by (group, judge), in the order of the columns of `sample_matrix`."""
    folder = shared_data / "preference-dissection" / "fitted_paras_comparison"
    return simulated_data.published_truths(folder, list(sample_matrix))
