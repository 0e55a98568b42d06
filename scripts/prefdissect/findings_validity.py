"""Sentences on how far effects and intervals can be trusted: by estimator, by simulation, and by false signs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from prefdissect.names import OVERALL, POOLED

# Written by benchmarks/interval_coverage.py.
SIMULATED = Path(__file__).parent / "regression" / "interval_coverage.csv"
WORDS = ("rewards", "penalises")
WIDER = 10


def describe_estimator(estimator: str, regression: dict) -> list[str]:
    """What the coefficients are, and what their intervals cover.

    Parameters
    ----------
    estimator
        The one that is shown.
    regression
        Section `regression` of the study.
    """
    scale = regression["prior_scale"] * (WIDER if estimator == "laplace_weak" else 1)
    model = f"a logistic regression with a Laplace(0, {scale:g}) prior on each effect"
    if estimator == "map":
        votes = round(1 / scale)
        sentences = [
            f"Coefficients are the mode of {model}. The prior shrinks: a single property stays at exactly zero until "
            f"the pairs outweigh it by {votes} half-votes. Read zeros in small groups as not known."
        ]
        return sentences + [_resampled(regression["resamples"])]
    sentences = [
        f"Coefficients are the mean of the posterior of {model}, intervals its 2.5 % and 97.5 % quantiles. The prior "
        "shrinks: in small groups effects are closer to neutral than the data alone would put them."
    ]
    return sentences + ["The posterior takes pairs as independent; several pairs of one prompt are not quite."]


def _resampled(resamples: int) -> str:
    if not resamples:
        return "No intervals were asked for (regression.resamples: 0), so nothing is called distinguishable."
    return (
        f"Intervals are 2.5 % and 97.5 % quantiles over {resamples} resamples of the prompts, with all their pairs and "
        "both orders, each with a refit. They cover what the choice of prompts moves, around the shrunk value; they do "
        "not undo the shrinkage."
    )


def describe_coverage(estimator: str, n_pairs: float) -> list[str]:
    """What simulation says of such intervals, at the simulated number of pairs nearest to `n_pairs`.

    Nothing for an estimator that was not simulated.
    """
    table = pd.read_csv(SIMULATED)
    table = table[(table["estimator"] == estimator) & (table["differing"] == "all")]
    if table.empty or not n_pairs:
        return []
    sizes = table["n_pairs"].unique()
    size = min(sizes, key=lambda simulated: abs(simulated - n_pairs))
    rows = table[table["n_pairs"] == size].set_index("effect")
    large = rows.loc["0.4 and more"]
    everywhere, where_large, shrunk = 100 * rows.loc["all", "coverage"], 100 * large["coverage"], abs(large["bias"])
    return [
        f"In simulations with {size:,} pairs and the published effects as truths, 95 % intervals of this kind held the "
        f"truth for {everywhere:.0f} % of all effects and for {where_large:.0f} % of those of 0.4 or more, which were "
        f"shrunk by {shrunk:.2f} on average (docs/validity.md)."
    ]


def describe_false_signs(coefficients: pd.DataFrame, estimator: str) -> list[str]:
    """How many of the effects that have a word are expected to be wrong.

    Parameters
    ----------
    coefficients
        Table `coefficients` of the estimator; `overall` is left out, for it repeats the others.
    estimator
        Only those that know the posterior have rates that add up.

    Notes
    -----
    The expected number is the sum of the local false-sign rates of these effects (Stephens 2017, *False discovery
    rates: a new deal*). It is bounded by 2.5 % of them where intervals are those of the posterior.
    """
    if estimator == "map":
        return ["Many effects are shown; at 95 % about one in twenty neutral ones may look like an effect."]
    groups = set(coefficients["group"]) - {OVERALL, POOLED} or {POOLED}
    shown = coefficients[coefficients["group"].isin(groups) & coefficients["word"].isin(WORDS)].dropna(
        subset="false_sign"
    )
    if shown.empty:
        return []
    expected = shown["false_sign"].sum()
    return [
        f"Effects of judges in single groups told from neutral: {len(shown):,}; by their false-sign rates about "
        f"{expected:.1f} of them ({100 * expected / len(shown):.2g} %) are expected to have the wrong sign."
    ]
