"""The tables about the reliability of ratings."""

from __future__ import annotations

from prefdissect.reliability_config import ATTENUATED
from prefdissect.table_columns import flag, number, schema, text, whole


def _measure(name: str, what: str, low: float) -> dict:
    bounds = {"nullable": True, "low": low - 1e-9, "high": 1 + 1e-9}
    return {
        name: number(what, **bounds),
        f"{name}_q025": number("lower end of its 95 % interval from resampling prompts", **bounds),
        f"{name}_q975": number("upper end", **bounds),
    }


RELIABILITY_SCHEMAS = (
    schema(
        "reliability",
        ["comparison", "annotator_1", "annotator_2", "property"],
        {
            "comparison": text(
                "repeats (an annotator with itself), orders (with itself, the responses exchanged) or annotators",
                isin=["repeats", "orders", "annotators"],
            ),
            "annotator_1": text("annotator"),
            "annotator_2": text("the other annotator, or the same"),
            "property": text("property"),
            "n_ratings": whole("ratings that were given twice: two per pair and item", low=1),
            "n_pairs": whole("pairs they are from", low=1),
            "n_prompts": whole("prompts they are from", low=1),
            "equal": number("share of ratings that are equal", low=0, high=1),
            **_measure(
                "kappa",
                "quadratically weighted kappa; 0 is chance, null where all ratings are one and the same value",
                -1,
            ),
            **_measure("within_one", "share of ratings at most one step apart", 0),
            **_measure("same_sign", "share of pairs whose feature comes out the same", 0),
        },
    ),
    schema(
        "property_reliability",
        ["property"],
        {
            "property": text("property in the fits"),
            "annotator": text("annotator that supplies it"),
            "kappa": number(
                "least kappa of table `reliability` on repeats, with the responses exchanged and against the "
                "annotators that the study names",
                nullable=True,
                low=-1 - 1e-9,
                high=1 + 1e-9,
            ),
            "within_one": number("least share within one step of the same", nullable=True, low=-1e-9, high=1 + 1e-9),
            "reliability": text(
                "against the limits of the study; null where it sets none",
                nullable=True,
                isin=["reached", "below", "not measured"],
            ),
        },
    ),
    schema(
        "attenuation",
        ["judge", "group", "property"],
        {
            "judge": text("judge, by its safe name"),
            "group": text("group, or overall"),
            "property": text("property that its annotator rated again"),
            "error_rate": number("share of repeated ratings whose feature comes out another one", low=0, high=1),
            "effect": number("effect strength at the mode (log-odds), on sign features"),
            "perturbed": number("its mean where all features are perturbed by the measured error once more"),
            "perturbed_se": number("standard error of that mean, from the number of perturbations alone", low=0),
            "left": number(
                "perturbed / effect: what the error leaves of an effect; null where the effect is too near 0 to say",
                nullable=True,
            ),
            "attenuated": flag(f"is less than {ATTENUATED} left; null where that is", nullable=True),
        },
    ),
)
