"""What a study asks of the reliability of its ratings.

Runs when the Snakefile is parsed: it imports nothing heavier than yaml and jsonschema.
"""

from __future__ import annotations

from prefdissect.config_schema import did_you_mean
from prefdissect.errors import InputError

ATTENUATED = 0.8  # an effect of which the error of ratings leaves less is marked
KEY = "config key `annotations.reliability"


def rated_again(record: dict) -> bool:
    """Whether an annotator rates pairs more than once."""
    return record["kind"] == "llm" and (record["repeats"] > 1 or record["swap"])


def is_measured(annotators: dict[str, dict]) -> bool:
    """Whether anything may be rated twice: by an annotator again, or by two annotators."""
    return len(annotators) > 1 or any(rated_again(record) for record in annotators.values())


def asks(annotations: dict) -> bool:
    """Whether the study sets a reliability that properties must reach."""
    wanted = annotations["reliability"]
    return wanted["kappa"] is not None or wanted["within_one"] is not None


def check_reliability(annotations: dict, annotators: dict[str, dict]) -> None:
    """Check section `annotations`.

    Parameters
    ----------
    annotations
        The section.
    annotators
        Annotator -> record.

    Raises
    ------
    InputError
        For an unknown annotator, and for a limit where nothing that counts is rated twice.
    """
    against = annotations["reliability"]["against"]
    for number, name in enumerate(against):
        if name not in annotators:
            fix = did_you_mean(name, annotators).strip() or f"one of {', '.join(annotators) or 'none'}"
            raise InputError(f"{KEY}.against[{number}]`: `{name}` is not known", fix=fix)
    others = against and len(annotators) > 1
    if asks(annotations) and not others and not any(rated_again(record) for record in annotators.values()):
        fix = "an annotator of kind llm with `repeats` or `swap`, or an annotator to compare with in `against`"
        raise InputError(f"{KEY}` sets a limit, and nothing in this study is rated twice", fix=fix)
