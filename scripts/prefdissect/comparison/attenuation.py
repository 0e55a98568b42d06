"""Reliability of coefficients, and the correlation of two judges with the noise of both taken out.

Noise makes two vectors of estimates less alike than what they estimate (Spearman 1904, *The proof and measurement of
association between two things*). With C the covariance of estimates over properties and E that of their errors,

    reliability of judge j = 1 - E_jj / C_jj,
    corrected correlation  = (C_jk - E_jk) / sqrt((C_jj - E_jj) (C_kk - E_kk)).

E_jk is not zero: all judges read the same pairs, so their errors go together (Zimmerman and Williams 1997, *Properties
of the Spearman correction for attenuation for normal and realistic non-normal distributions*). E comes from the
resamples of prompts, joint for all judges, each refitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prefdissect.comparison.metrics import covariance

# Below it the correction multiplies by more than it knows (benchmarks/similarity_intervals.py).
LEAST_RELIABILITY = 0.5


@dataclass(frozen=True)
class Moments:
    """Covariances over properties; entries of judges that were not fitted are NaN.

    Attributes
    ----------
    observed, error : ndarray, shape (judges, judges)
        C and E.
    resampled : ndarray, shape (resamples, judges, judges)
        C in each resample.
    """

    observed: np.ndarray
    error: np.ndarray
    resampled: np.ndarray

    def reliability(self) -> np.ndarray:
        """Share of the variance over properties that is not noise, shape (judges,); NaN where there is no variance."""
        return _reliability(self.observed, self.error)

    def correlation(self) -> tuple[np.ndarray, np.ndarray]:
        """Corrected correlation, and the same in resamples: (judges, judges) and (resamples, judges, judges).

        NaN where a judge's reliability is below `LEAST_RELIABILITY`. A resample holds the noise of the data and its
        own, hence 2 E is taken from it.
        """
        unreliable = ~(self.reliability() >= LEAST_RELIABILITY)
        value = _correlation(self.observed - self.error)
        spread = _correlation(self.resampled - 2 * self.error)
        for array in (value, spread):
            array[..., unreliable, :] = np.nan
            array[..., :, unreliable] = np.nan
        return value, spread


def moments(mean: np.ndarray, draws: np.ndarray) -> Moments:
    """Moments in one group.

    Parameters
    ----------
    mean : ndarray, shape (judges, p)
    draws : ndarray, shape (resamples, judges, p)
        At least two resamples.
    """
    centred = draws - draws.mean(axis=-1, keepdims=True)
    deviation = centred - centred.mean(axis=0)
    by_judge = np.moveaxis(deviation, 1, 0).reshape(mean.shape[0], -1)
    error = by_judge @ by_judge.T / ((len(draws) - 1) * mean.shape[1])
    return Moments(covariance(mean), error, covariance(draws))


def pooled(parts: list[Moments]) -> Moments:
    """Moments of several groups together: their means.

    `overall` is corrected with these, a ratio of means: the mean of ratios would be led by the groups with most noise.
    """
    return Moments(*(np.mean([getattr(part, name) for part in parts], axis=0) for name in Moments.__annotations__))


def _reliability(observed: np.ndarray, error: np.ndarray) -> np.ndarray:
    variance, noise = np.diagonal(observed), np.diagonal(error)
    share = np.divide(noise, variance, out=np.full(variance.shape, np.nan), where=variance > 1e-24)
    return 1 - share


def _correlation(covariances: np.ndarray) -> np.ndarray:
    variance = np.diagonal(covariances, axis1=-2, axis2=-1)
    scale = np.sqrt(np.where(variance > 0, variance, np.nan))
    return np.clip(covariances / (scale[..., :, None] * scale[..., None, :]), -1, 1)
