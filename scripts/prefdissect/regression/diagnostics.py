"""Whether sampled fits can be used."""

from __future__ import annotations

import numpy as np

from prefdissect.errors import InputError

# Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021 ask for the first two.
MAX_RHAT, MIN_ESS, MAX_DIVERGENT = 1.01, 400, 0.001


def check_diagnostics(diagnostics: dict[str, np.ndarray], where: str) -> None:
    """Refuse fits that have not mixed.

    Parameters
    ----------
    diagnostics : dict of ndarray, shape (m,)
        `rhat`, `ess`, `divergences` and `draws` of m fits.
    where
        What was fitted, for the message.

    Raises
    ------
    InputError
        When in any fit R-hat is above 1.01, the effective sample size below 400, or more than 0.1 % of the draws
        diverged. The message holds the figures of the first such fit.
    """
    rhat, ess = diagnostics["rhat"], diagnostics["ess"]
    share = diagnostics["divergences"] / diagnostics["draws"]
    # Written so that a value that is not a number is bad.
    bad = ~((rhat <= MAX_RHAT) & (ess >= MIN_ESS) & (share <= MAX_DIVERGENT))
    if not bad.any():
        return
    fit = int(bad.argmax())
    found = f"R-hat {rhat[fit]:.3f}, effective sample size {ess[fit]:.0f}, {100 * share[fit]:.2f} % of draws diverged"
    wanted = f"at most {MAX_RHAT}, at least {MIN_ESS}, at most {100 * MAX_DIVERGENT:g} %"
    raise InputError(
        f"the chains have not mixed in {bad.sum()} of {len(bad)} fits: {found}; wanted {wanted}",
        where=where,
        fix="more `warmup` and `draws` under config key `regression.nuts`, or the estimator `laplace_posterior`",
    )


def worst(diagnostics: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest R-hat, the smallest effective sample size and all divergences of m fits."""
    return {
        "rhat": float(diagnostics["rhat"].max()),
        "ess": float(diagnostics["ess"].min()),
        "divergences": float(diagnostics["divergences"].sum()),
    }
