"""Resampling of prompts, jointly for all judges and groups."""

from __future__ import annotations

import numpy as np


def resample_counts(n_prompts: int, resamples: int, seed: int) -> np.ndarray:
    """How often each prompt of the study occurs in each resample.

    Returns
    -------
    ndarray of int16, shape (resamples, n_prompts)
        Rows sum to n_prompts. All judges and groups share them, so differences between judges keep their pairing.
    """
    if n_prompts == 0 or resamples == 0:
        return np.zeros((resamples, n_prompts), dtype=np.int16)
    return (
        np.random.default_rng(seed)
        .multinomial(n_prompts, np.full(n_prompts, 1 / n_prompts), resamples)
        .astype(np.int16)
    )
