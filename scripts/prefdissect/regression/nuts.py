"""Estimator `nuts`: the published posterior by Hamiltonian Monte Carlo, the reference for `laplace_posterior`.

The model is P(A preferred) = sigmoid(alpha . phi) with alpha_j ~ Laplace(0, b). It is sampled as Li et al. 2024 did:
the No-U-Turn Sampler (Hoffman and Gelman 2014) of NumPyro (Phan, Pradhan and Jankowiak 2019), 4 chains of 500 warm-up
steps and 2,000 draws each. Every fit carries its diagnostics (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021),
which `prefdissect.regression.diagnostics` judges.

JAX and NumPyro are imported by the first fit, so that a study without this estimator does not need them. The chains of
a fit run side by side in one compiled function; fits whose data have the same shape share it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from prefdissect.errors import InputError

WARMUP, DRAWS, CHAINS = 500, 2000, 4
RESAMPLED = False  # a fit takes seconds: too long to be repeated for every resample


@dataclass(frozen=True)
class SampledPosterior:
    """Posteriors of m fits with p coefficients each, as draws.

    Attributes
    ----------
    samples : ndarray, shape (m, draws of all chains, p)
        Draws of the coefficients.
    diagnostics : dict of ndarray, shape (m,)
        `rhat`: split R-hat, the largest over the coefficients; `ess`: bulk effective sample size, the smallest over
        the coefficients; `divergences` among `draws` draws.
    """

    samples: np.ndarray
    diagnostics: dict[str, np.ndarray]

    @property
    def mean(self) -> np.ndarray:
        """Posterior means, shape (m, p)."""
        return self.samples.mean(axis=1)

    @property
    def sd(self) -> np.ndarray:
        """Standard deviations, shape (m, p)."""
        return self.samples.std(axis=1, ddof=1)

    def quantile(self, share: float) -> np.ndarray:
        """Quantiles of the marginals, shape (m, p)."""
        return np.quantile(self.samples, share, axis=1)

    def cdf(self, value: np.ndarray | float) -> np.ndarray:
        """Probability of a coefficient at or below `value`, which has shape () or (m, p); shape (m, p)."""
        value = np.broadcast_to(value, self.samples[:, 0].shape)
        return (self.samples <= value[:, None]).mean(axis=1)

    def false_sign(self) -> np.ndarray:
        """Local false-sign rate: probability that a coefficient does not have the sign of its median, shape (m, p)."""
        negative = self.cdf(0.0)
        return np.minimum(negative, 1 - negative)

    def first(self) -> SampledPosterior:
        """That of the first fit alone."""
        return SampledPosterior(self.samples[:1], {name: values[:1] for name, values in self.diagnostics.items()})

    def draws(self, count: int, seed: int) -> np.ndarray:
        """Draws of all coefficients of each fit together, shape (count, m, p): random ones of the chains' draws."""
        m, available, _ = self.samples.shape
        chosen = np.random.default_rng(seed).integers(available, size=(count, m))
        return self.samples[np.arange(m), chosen]


def fit_posterior(
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    prior_scale: float,
    warmup: int = WARMUP,
    draws: int = DRAWS,
    chains: int = CHAINS,
    seed: int = 0,
    accept: float = 0.8,
    whitened: bool = False,
) -> SampledPosterior:
    """Sample the posteriors of many fits that share their rows.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Features.
    y : ndarray of {0, 1}, shape (n,) or (m, n)
        1 where A is preferred; one row of labels per fit where fits differ in them.
    weights : ndarray, shape (m, n)
        Power of each row's likelihood in each of the m fits; 0 leaves a row out.
    prior_scale : float
        Scale b of the Laplace prior.
    warmup, draws : int
        Steps of each chain before and after its adaptation ends.
    chains : int
        Chains, started at random within -2 and 2.
    seed : int
        The same seed gives the same draws on the same machine.
    accept : float
        Acceptance rate that the step size is adapted to; NumPyro's own is 0.8.
    whitened : bool
        Sample u with alpha = F^-1(Phi(u)), F the prior's and Phi the standard normal distribution function: the same
        posterior without the kink at 0, which costs the sampler most of its steps. For very long chains.

    Raises
    ------
    InputError
        When NumPyro is not installed, or `draws` is too small for the diagnostics.
    """
    if draws < 8 or chains < 1:
        raise InputError(f"{chains} chains of {draws} draws cannot be checked", fix="at least 1 chain of 8 draws")
    settings = _Settings(warmup, draws, chains, accept, whitened)
    x, weights = np.asarray(x, dtype=float), np.asarray(weights, dtype=float)
    sign = np.broadcast_to(2.0 * np.asarray(y) - 1, weights.shape)
    samples = np.empty((len(weights), chains * draws, x.shape[1]))
    found = {name: np.empty(len(weights)) for name in ("rhat", "ess", "divergences")}
    for fit in range(len(weights)):
        rows, powers = _present(x, sign[fit], weights[fit])
        chain_draws, diverged = _sample(rows, powers, prior_scale, settings, seed, fit)
        samples[fit] = chain_draws.reshape(chains * draws, -1)
        found["rhat"][fit], found["ess"][fit] = mixing(chain_draws)
        found["divergences"][fit] = diverged
    return SampledPosterior(samples, found | {"draws": np.full(len(weights), chains * draws)})


def mixing(samples: np.ndarray) -> tuple[float, float]:
    """The worst split R-hat and bulk effective sample size over the coefficients.

    Parameters
    ----------
    samples : ndarray, shape (chains, draws, p)

    Notes
    -----
    Both are taken from the halves of the chains. For the bulk effective sample size the draws are replaced by the
    normal quantiles of their ranks (Vehtari et al. 2021, equation 14), so that heavy tails cannot hide bad mixing.
    """
    chains, draws, p = samples.shape
    if p == 0:
        return 1.0, float(chains * draws)
    diagnose, half = _packages().diagnostics, draws // 2
    halves = np.concatenate([samples[:, :half], samples[:, draws - half :]])
    ranks = rankdata(halves.reshape(-1, p), axis=0).reshape(halves.shape)
    normal = ndtri((ranks - 0.375) / (ranks[..., 0].size + 0.25))
    with np.errstate(invalid="ignore", divide="ignore"):  # chains that never moved: not a number, hence bad
        return float(diagnose.gelman_rubin(halves).max()), float(diagnose.effective_sample_size(normal).min())


@dataclass(frozen=True)
class _Settings:
    """What the compiled sampler depends on beside the shape of the data."""

    warmup: int
    draws: int
    chains: int
    accept: float
    whitened: bool


def _present(x: np.ndarray, sign: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that count, turned so that the likelihood is sigmoid(alpha . row) ** weight.

    Rows of weight 0 are added up to a multiple of a sixteenth of their number's power of two, so that judges who lack
    a few pairs share one compiled function.
    """
    kept = weights > 0
    rows, powers = x[kept] * sign[kept, None], weights[kept]
    step = max(8, 2 ** int(np.log2(max(len(rows), 1))) // 16)
    missing = -len(rows) % step
    return np.pad(rows, ((0, missing), (0, 0))), np.pad(powers, (0, missing))


def _sample(rows, powers, scale: float, settings: _Settings, seed: int, fit: int) -> tuple[np.ndarray, int]:
    """Draws of one fit, shape (chains, draws, p), and the number of divergences."""
    if rows.shape[1] == 0:
        return np.empty((settings.chains, settings.draws, 0)), 0
    jax = _packages().jax
    with jax.enable_x64(True):
        samples, diverged = _sampler(settings)(jax.random.fold_in(jax.random.key(seed), fit), rows, powers, scale)
        return np.asarray(samples), int(diverged)


@cache
def _sampler(settings: _Settings):
    """The compiled sampler: (key, rows (n, p), powers (n,), prior scale) -> draws (chains, draws, p), divergences."""
    packages = _packages()
    jax, jnp = packages.jax, packages.jax.numpy
    warmup, chains = settings.warmup, settings.chains

    def coefficients(place, scale):
        if not settings.whitened:
            return place
        return -scale * jnp.sign(place) * (jnp.log(2.0) + jax.scipy.special.log_ndtr(-jnp.abs(place)))

    def sample(key, rows, powers, scale):
        def potential(place):
            loss = powers @ jnp.logaddexp(0.0, -(rows @ coefficients(place, scale)))
            return loss + (place @ place / 2 if settings.whitened else jnp.abs(place).sum() / scale)

        def step(state, _):
            state = kernel.sample(state, (), {})
            return state, (state.z, state.diverging)

        kernel = packages.NUTS(potential_fn=potential, target_accept_prob=settings.accept)
        start, key = jax.random.split(key)
        place = jax.random.uniform(start, (chains, rows.shape[1]), minval=-2.0, maxval=2.0)
        state = kernel.init(jax.random.split(key, chains), warmup, place, (), {})
        _, (places, diverging) = jax.lax.scan(step, state, length=warmup + settings.draws)
        return coefficients(places[warmup:], scale).swapaxes(0, 1), diverging[warmup:].sum()

    return jax.jit(sample)


@cache
def _packages() -> SimpleNamespace:
    """JAX and NumPyro, on the CPU unless JAX_PLATFORMS says otherwise."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import jax
        from numpyro import diagnostics
        from numpyro.infer import NUTS
    except ModuleNotFoundError as error:
        raise InputError(
            f"estimator `nuts` needs the package `{error.name}`, which is not installed", fix="make install-reference"
        ) from error
    return SimpleNamespace(jax=jax, diagnostics=diagnostics, NUTS=NUTS)
