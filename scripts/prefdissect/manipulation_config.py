"""The section `manipulation` of a study: its checks, and what follows from it.

Runs when the Snakefile is parsed: it imports nothing heavier than yaml and jsonschema.
"""

from __future__ import annotations

from prefdissect.config_schema import Place, check, did_you_mean, generator_schema, shown
from prefdissect.errors import InputError

ENGINES = ("vllm", "transformers", "openai", "fake")
TUNABLE = ("transformers", "vllm")
# Judges that cannot be asked about a new response: what they said is all there is.
MUTE = ("recorded", "published")
KEY = "manipulation"


def check_manipulation(section: dict, judges: dict[str, dict], group: str) -> None:
    """Check the section and fill in what depends on other parts of the study, in place.

    Parameters
    ----------
    section
        The section, with its defaults.
    judges
        Judge -> record.
    group
        Group of the comparison.

    Raises
    ------
    InputError
        Naming the config key and what would be right.
    """
    section["group"] = section["group"] or group
    able = [name for name, record in judges.items() if record["kind"] not in MUTE]
    _check_generators(section["generators"])
    _check_names(section["targets"], judges, f"{KEY}.targets")
    for number, name in enumerate(section["judges"]):
        if name in judges and name not in able:
            fix = f"one of {', '.join(able) or 'none in this study'}; as a target it may stay"
            problem = f"config key `{KEY}.judges[{number}]`: `{name}` is {judges[name]['kind']} and cannot judge anew"
            raise InputError(problem, fix=fix)
    _check_names(section["judges"], judges, f"{KEY}.judges")
    section["judges"] = section["judges"] or able
    if not section["judges"]:
        fix = "a judge that is no recorded one"
        raise InputError(f"config key `{KEY}.judges`: no judge of this study can judge new responses", fix=fix)
    if section["grading"] is not None:
        _check_grading(section, judges)
    if section["tuning"] is not None:
        _check_tuning(section)


def _check_generators(records: list[dict]) -> None:
    seen: set[str] = set()
    for number, record in enumerate(records):
        place = Place(f"{KEY}.generators[{number}]")
        kind = record.get("kind")
        if kind not in ENGINES:
            problem = "is missing" if kind is None else f"is {shown(kind)}"
            raise InputError(f"{place.at('kind')} {problem}", fix=f"one of {', '.join(ENGINES)}")
        if record.get("label") is None and isinstance(record.get("name"), str):
            record["label"] = record["name"]
        check(record, generator_schema(kind), place)
        if kind in TUNABLE and "model" not in record:
            raise InputError(f"{place.at('model')} is missing", fix="a folder or hub id")
        if record["name"].casefold() in seen or "--" in record["name"]:
            problem = "is taken already" if "--" not in record["name"] else "holds `--`"
            raise InputError(f"{place.at('name')}: `{record['name']}` {problem}", fix="another name, without `--`")
        seen.add(record["name"].casefold())


def _check_names(names: list[str], known: dict, key: str) -> None:
    for number, name in enumerate(names):
        if name not in known:
            fix = did_you_mean(name, known).strip() or f"one of {', '.join(list(known)[:30])}"
            raise InputError(f"config key `{key}[{number}]`: `{name}` is not known", fix=fix)


def _check_grading(section: dict, judges: dict[str, dict]) -> None:
    able = {name: None for name in section["judges"] if judges[name]["kind"] in ENGINES}
    _check_names(section["grading"]["judges"], able, f"{KEY}.grading.judges")
    section["grading"]["judges"] = section["grading"]["judges"] or list(able)
    if not able:
        fix = f"a judge of kind {', '.join(ENGINES)} among `{KEY}.judges`, or no `grading`"
        raise InputError(f"config key `{KEY}.grading`: no scoring judge is asked by prompts", fix=fix)


def _check_tuning(section: dict) -> None:
    able = {record["name"]: None for record in section["generators"] if record["kind"] in TUNABLE}
    _check_names(section["tuning"]["generators"], able, f"{KEY}.tuning.generators")
    section["tuning"]["generators"] = section["tuning"]["generators"] or list(able)
    if not able:
        fix = f"a generator of kind {' or '.join(TUNABLE)}, or no `tuning`"
        raise InputError(f"config key `{KEY}.tuning`: no generator has weights to tune", fix=fix)


def tuned_arms(section: dict) -> list[dict]:
    """Fine-tuned models of a study: {generator, target, arm, name}; `name` is that of their files."""
    tuning = section["tuning"]
    if tuning is None:
        return []
    return [
        {"generator": generator, "target": target, "arm": arm, "name": f"{generator}--{target}--{arm}"}
        for generator in tuning["generators"]
        for target in section["targets"]
        for arm in tuning["arms"]
    ]
