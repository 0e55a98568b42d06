"""What a study asks of the comparison of its judges: checks of the section `comparison`, and the tables that follow.

Runs when the Snakefile is parsed: it imports nothing heavier than yaml and jsonschema.
"""

from __future__ import annotations

import math

from prefdissect.config_schema import did_you_mean
from prefdissect.errors import InputError

# Always made; the others only where a study asks for them.
BASIC_TABLES = ("judge_reliability", "cluster_numbers", "nearest_judges")


def check_comparison(comparison: dict, records: dict[str, dict]) -> None:
    """Check names and values that the schema cannot.

    Parameters
    ----------
    comparison
        Section `comparison` of the study.
    records
        Judge -> record.

    Raises
    ------
    InputError
        For an unknown or doubled judge, group or attribute, a base that is no judge, and a value that cannot be cut.
    """
    if comparison["human"]:
        _known(comparison["human"], records, "config key `comparison.human`")
    for key in ("differences", "drift"):
        for number, pair in enumerate(comparison[key]):
            for position, name in enumerate(pair):
                _known(name, records, f"config key `comparison.{key}[{number}][{position}]`")
    for key in ("differences", "drift", "group_differences"):
        _check_pairs(comparison[key], key)
    for number, entry in enumerate(comparison["attributes"]):
        _check_attribute(entry, f"config key `comparison.attributes[{number}]", records)
    entries = [(entry["name"], entry["within"], tuple(sorted(entry["cuts"]))) for entry in comparison["attributes"]]
    if twice := [entry for number, entry in enumerate(entries) if entry in entries[:number]]:
        raise InputError(f"config key `comparison.attributes`: `{twice[0][0]}` is listed twice in the same way")
    base_judges(records, comparison["base"])


def _check_pairs(pairs: list, key: str) -> None:
    for number, pair in enumerate(pairs):
        if pair[0] == pair[1]:
            problem = f"config key `comparison.{key}[{number}]` compares `{pair[0]}` with itself"
            raise InputError(problem, fix="two different names")
        if pair in pairs[:number]:
            raise InputError(f"config key `comparison.{key}[{number}]`: this comparison is listed already")


def _check_attribute(entry: dict, key: str, records: dict[str, dict]) -> None:
    known = dict.fromkeys(name for record in records.values() for name in record["attributes"])
    _known(entry["name"], known, f"{key}.name`")
    if entry["within"]:
        _known(entry["within"], known, f"{key}.within`")
    if entry["within"] == entry["name"]:
        raise InputError(f"{key}.within` is the attribute itself", fix="another attribute, or leave it out")
    for judge, record in records.items():
        attribute_value(record["attributes"].get(entry["name"]), entry, judge)


def _known(name: str, allowed, key: str) -> None:
    if name not in allowed:
        fix = did_you_mean(name, allowed).strip() or f"one of {', '.join(list(allowed)[:30]) or 'nothing yet'}"
        raise InputError(f"{key}: `{name}` is not known", fix=fix)


def attribute_text(value) -> str | None:
    """An attribute's value as text; None where there is none."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value).strip()
    return text or None


def attribute_value(value, entry: dict, judge: str) -> str | None:
    """The value that a judge is compared by: its class where the entry has cuts.

    Raises
    ------
    InputError
        When there are cuts and the value is no number.
    """
    text = attribute_text(value)
    if text is None or not entry["cuts"]:
        return text
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        name = entry["name"]
        problem = f"config key `comparison.attributes`: `{name}` of judge `{judge}` is {text!r} and cannot be cut"
        raise InputError(problem, fix="a number, or nothing to leave the judge out")
    return class_of(number, entry["cuts"])


def class_of(number: float, cuts: list[float]) -> str:
    """Name of the class that a number falls into: `<= 14`, `> 14 to 40`, `> 40`."""
    cuts = sorted(cuts)
    place = sum(number > cut for cut in cuts)
    if place == 0:
        return f"<= {cuts[0]:g}"
    return f"> {cuts[place - 1]:g}" + (f" to {cuts[place]:g}" if place < len(cuts) else "")


def base_judges(records: dict[str, dict], attribute: str) -> dict[str, str]:
    """Judge -> its base judge, for judges whose attribute names another judge (by name or label).

    Raises
    ------
    InputError
        When it names no judge of the study.
    """
    by_label = {record["label"]: judge for judge, record in records.items()}
    found = {}
    for judge, record in records.items():
        named = attribute_text(record["attributes"].get(attribute)) if attribute else None
        if named is None:
            continue
        base = named if named in records else by_label.get(named)
        if base is None:
            fix = (
                did_you_mean(named, records).strip() or "the name of a judge, or another attribute in `comparison.base`"
            )
            raise InputError(f"attribute `{attribute}` of judge `{judge}`: `{named}` is no judge of the study", fix=fix)
        if base != judge:
            found[judge] = base
    return found


def asked_differences(comparison: dict, judges: list[str]) -> list[tuple[str, str]]:
    """Pairs of judges whose effects are compared: those of the study, else every judge against the human one."""
    human = comparison["human"]
    if comparison["differences"]:
        return [tuple(pair) for pair in comparison["differences"]]
    return [(judge, human) for judge in judges if judge != human] if human else []


def comparison_tables(comparison: dict, records: dict[str, dict]) -> list[str]:
    """The tables of the comparison that a study writes for people, beside similarity and clusters."""
    kinds = {record["kind"] for record in records.values()}
    has_base = bool(base_judges(records, comparison["base"]))
    asked = {
        "control_similarity": "rule" in kinds and kinds != {"rule"},
        "attribute_similarity": bool(comparison["attributes"]),
        "base_similarity": has_base,
        "base_differences": has_base,
        "judge_differences": bool(asked_differences(comparison, list(records))),
        "group_differences": bool(comparison["group_differences"]),
        "drift": bool(comparison["drift"]),
        "flip_counts": bool(comparison["drift"]),
        "flipped_pairs": bool(comparison["drift"]),
    }
    return [*BASIC_TABLES, *(table for table, wanted in asked.items() if wanted)]
