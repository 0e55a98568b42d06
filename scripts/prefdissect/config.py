"""A study: its config file read, checked and completed with defaults.

Runs when the Snakefile is parsed, on every node: it imports nothing heavier than yaml and jsonschema.
"""

from __future__ import annotations

import posixpath
from copy import deepcopy
from functools import cached_property
from pathlib import Path

from prefdissect.annotators.prompt_files import PASSES, prompt_file
from prefdissect.catalogue import CASES, Catalogue, load_catalogue
from prefdissect.comparison_config import check_comparison
from prefdissect.config_schema import (
    SCHEMA_PATH,
    Place,
    check,
    did_you_mean,
    engine_schema,
    kinds,
    load_schema,
    published_schema,
    record_schema,
    shown,
)
from prefdissect.errors import InputError
from prefdissect.freezing import frozen_judges
from prefdissect.judge_lists import read_judge_list
from prefdissect.manipulation_config import check_manipulation
from prefdissect.names import OVERALL, POOLED, figure_file, safe_name
from prefdissect.reliability_config import check_reliability
from prefdissect.yaml_files import read_yaml

__all__ = [
    "OVERALL", "POOLED", "PROJECT", "SCHEMA_PATH", "Study", "figure_file", "load_study", "product_file", "read_config",
    "safe_name",
]  # fmt: skip

PROJECT = Path(__file__).resolve().parents[2]
PUBLISHED_FILES = "model_*_fitted_paras.jsonl"  # one per group
# Judges that are asked by prompts, and those of them whose model is loaded here.
LOADED = ("transformers", "vllm")
ASKED = (*LOADED, "openai", "fake")
RECORD_SECTIONS = {"sources": "source", "judges": "judge", "annotators": "annotator"}
PATH_SECTIONS = (
    "results_dir", "cache_dir", "sources", "judges", "judge_lists", "annotators", "scenarios", "groups", "archive",
    "published", "catalogue", "regression", "manipulation",
)  # fmt: skip


def product_file(path: str) -> str:
    """A file that comes with the project: as given where it exists from here, else below the project's root."""
    return path if Path(path).exists() or not (PROJECT / path).exists() else str(PROJECT / path)


class Study:
    """A complete, checked study.

    Attributes
    ----------
    config : dict
        The config with every default filled in; records of `judge_lists` are in `judges`.
    """

    def __init__(self, config: dict):
        self.config = config
        self.name = config["study"]
        self.folder = posixpath.normpath(f"{config['results_dir'] or '.'}/{self.name}")
        self.sources = {record["name"]: record for record in config["sources"]}
        self.judges = {record["name"]: record for record in config["judges"]}
        self.annotators = {record["name"]: record for record in config["annotators"]}

    def __getitem__(self, key: str):
        return self.config[key]

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self.catalogue_path)

    @property
    def catalogue_path(self) -> str:
        return self.config["catalogue"] or product_file("workflow/properties.yaml")

    def judges_of(self, *kinds: str) -> list[str]:
        """Names of the judges of these kinds, in the order of the study."""
        return [name for name, record in self.judges.items() if record["kind"] in kinds]

    def annotators_of(self, *kinds: str) -> list[str]:
        """Names of the annotators of these kinds, in the order of precedence."""
        return [name for name, record in self.annotators.items() if record["kind"] in kinds]

    @property
    def suppliers(self) -> list[str]:
        """Annotators that supply properties, in the order of precedence: all but sheets, which hold a sample."""
        return [name for name, record in self.annotators.items() if record["kind"] != "sheet"]

    def prompt_files(self, annotator: dict) -> list[str]:
        """Prompt files of a model that annotates."""
        return [str(prompt_file(annotator["prompts"], name)) for name in annotator.get("passes") or PASSES]

    @property
    def labels(self) -> dict[str, str]:
        """Judge name -> label shown to people."""
        return {name: record["label"] for name, record in self.judges.items()}


def read_config(path: str | Path) -> dict:
    """Read one YAML config file.

    Raises
    ------
    InputError
        When the file is missing, not UTF-8, not YAML, not a mapping, or gives a key twice.
    """
    return read_yaml(path, "config")


def load_study(config: dict) -> Study:
    """Check a raw config and complete it.

    Raises
    ------
    InputError
        Naming the config key (or the line of a list of judges), its value and what would be right.
    """
    config = _text_keys(deepcopy(config))
    check(config, published_schema() if config.get("measurements") == "published" else load_schema(), Place())
    fill = _filler(config["data_dir"])
    config |= {key: fill(config[key]) for key in PATH_SECTIONS}
    if config["measurements"] == "published":
        _require_published(config["published"])
    judges = _frozen_judges(config) if config["measurements"] == "frozen" else _live_judges(config, fill)
    config["judges"] = [record for record, _ in judges]
    places = {section: _places(section, config[section]) for section in RECORD_SECTIONS}
    places["judges"] = [place for _, place in judges]
    _check_records(config, places)
    for record in config["judges"]:
        if "template" in record:
            record["template"] = product_file(record["template"])
    for record in config["annotators"]:
        if "prompts" in record:
            record["prompts"] = product_file(record["prompts"])
    study = Study(config)
    _check_published(study, places["judges"])
    _check_references(study, places)
    check_comparison(study["comparison"], study.judges)
    _check_manipulation(study)
    _check_groups(config["groups"], config["measurements"] == "live")
    _check_scenarios(config["scenarios"], config["measurements"] == "live")
    _check_figures(study)
    _check_reference(study["regression"]["published"])
    return study


def _text_keys(value):
    """Every key as text: YAML reads the key `1:` as a number and `no:` as false."""
    if isinstance(value, dict):
        return {_text_key(key): _text_keys(entry) for key, entry in value.items()}
    return [_text_keys(entry) for entry in value] if isinstance(value, list) else value


def _text_key(key):
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return key if key is None else str(key)


def _filler(data_dir: str):
    """A function that puts `data_dir` into every string that holds the placeholder `{data_dir}`."""
    folder = data_dir.rstrip("/") or ("/" if data_dir else ".")

    def fill(value):
        if isinstance(value, dict):
            return {key: fill(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [fill(entry) for entry in value]
        return value.replace("{data_dir}", folder) if isinstance(value, str) else value

    return fill


def _frozen_judges(config: dict) -> list[tuple[dict, Place]]:
    """The judges that were measured: a frozen study has no others, and needs no list of judges beside its archive."""
    archive = config["archive"]
    if not archive:
        raise InputError("config key `archive` is missing: `measurements: frozen` takes the measured tables from it")
    if not Path(archive).is_file():
        raise InputError(f"config key `archive`: `{archive}` does not exist", fix="write one: snakemake freeze")
    records = frozen_judges(archive)
    return list(zip(records, _places("judges", records, archive), strict=True))


def _live_judges(config: dict, fill) -> list[tuple[dict, Place]]:
    """The judges of the study itself, then those of its lists."""
    listed = [pair for number, entry in enumerate(config["judge_lists"]) for pair in read_judge_list(entry, number)]
    own = list(zip(config["judges"], _places("judges", config["judges"]), strict=True))
    return own + [(fill(record), place) for record, place in listed]


def _places(section: str, records: list, file: str | None = None) -> list[Place]:
    return [Place(f"{section}[{number}]", file) for number in range(len(records))]


def _check_records(config: dict, places: dict[str, list[Place]]) -> None:
    for section, prefix in RECORD_SECTIONS.items():
        seen: dict[str, Place] = {}
        for record, place in zip(config[section], places[section], strict=True):
            _check_record(record, prefix, place)
            first = seen.setdefault(record["name"].casefold(), place)
            if first is not place:
                raise InputError(
                    f"{place.at('name')}: the name `{record['name']}` is taken already, by {first.at()}",
                    fix="names must differ, in more than upper and lower case",
                )
    if not config["judges"]:
        raise InputError("config key `judges` lists no judge", fix="list one, or a CSV file under `judge_lists`")


def _check_record(record: dict, prefix: str, place: Place) -> None:
    kind = record.get("kind")
    if kind is None:
        raise InputError(f"{place.at('kind')} is missing", fix=f"one of {', '.join(kinds(prefix))}")
    if kind not in kinds(prefix):
        fix = f"{did_you_mean(kind, kinds(prefix))}one of {', '.join(kinds(prefix))}"
        raise InputError(f"{place.at('kind')} is {shown(kind)}", fix=fix)
    name = record.get("name")
    if prefix == "judge" and record.get("label") is None and isinstance(name, str):
        record["label"] = name
    if kind == "llm":
        _check_choice(record.get("engine"), ASKED, place.at("engine"))
    check(record, engine_schema(record["engine"]) if kind == "llm" else record_schema(prefix, kind), place)


def _check_choice(value, allowed: tuple[str, ...], key: str) -> None:
    if value not in allowed:
        problem = "is missing" if value is None else f"is {shown(value)}"
        raise InputError(f"{key} {problem}", fix=f"{did_you_mean(value, allowed)}one of {', '.join(allowed)}")


def _check_references(study: Study, places: dict[str, list[Place]]) -> None:
    """Names that one part of the config uses and another part must define."""
    if not Path(study.catalogue_path).is_file():
        raise InputError(f"config key `catalogue`: `{study.catalogue_path}` does not exist", fix="a YAML file")
    catalogue = study.catalogue
    for source, place in zip(study["sources"], places["sources"], strict=True):
        if source["kind"] == "released" and ("path" in source) == ("dataset" in source):
            fix = "`path` for files on disk, `dataset` for an id on the hub"
            raise InputError(f"{place.at()} needs exactly one of `path` and `dataset`", fix=fix)
    for judge, place in zip(study["judges"], places["judges"], strict=True):
        _check_judge(judge, place, study)
    for annotator, place in zip(study["annotators"], places["annotators"], strict=True):
        if annotator["kind"] == "recorded":
            _known(annotator["source"], study.sources, place.at("source"))
        for prop in annotator.get("properties", ()):
            able = [name for name, entry in catalogue.items() if annotator["kind"] in entry.annotators]
            _known(prop, able, place.at("properties"))
        if annotator["kind"] == "llm":
            _check_annotator(annotator, place, study)
        if annotator["kind"] == "sheet" and study["measurements"] == "live" and not Path(annotator["path"]).is_file():
            raise InputError(f"{place.at('path')}: `{annotator['path']}` does not exist", fix="a sheet, filled in")
    if study["annotators"] and not study.suppliers:
        fix = "an annotator of another kind: a sheet holds a sample alone, and supplies no property"
        raise InputError("config key `annotators` lists sheets alone", fix=fix)
    check_reliability(study["annotations"], study.annotators)


def _check_annotator(record: dict, place: Place, study: Study) -> None:
    """A model that annotates; fills in what depends on its engine."""
    can = record["engine"] in ("vllm", "openai")
    if record.setdefault("constrained", can) and not can:
        fix = "engine vllm or openai, or leave it out: answers are held to their form when they are read"
        raise InputError(f"{place.at('constrained')} is true, and {record['engine']} cannot do it", fix=fix)
    if record["engine"] in LOADED:
        if "model" not in record:
            raise InputError(f"{place.at('model')} is missing", fix="a folder or hub id")
        _check_gpus(record, place, kind=record["engine"])
        if record["repeats"] > 1 and not record["temperature"]:
            fix = "give a `temperature` above 0"
            raise InputError(f"{place.at('repeats')}: at temperature 0 every repeat gives the same answer", fix=fix)
    if record["swap"] and record["mode"] == "single":
        raise InputError(f"{place.at('swap')}: `mode: single` shows one response at a time", fix="mode: pairwise")
    if record.get("replies") and not Path(record["replies"]).is_file():
        raise InputError(f"{place.at('replies')}: `{record['replies']}` does not exist", fix="a YAML file")
    passes = record.get("passes") or []
    if "query_specific" in passes and "analysis" not in passes:
        fix = "add `analysis`, which finds what is to be rated"
        raise InputError(f"{place.at('passes')}: `query_specific` needs the analysis of queries", fix=fix)
    for path in study.prompt_files(record) if study["measurements"] == "live" else []:
        if not Path(path).is_file():
            raise InputError(f"{place.at('prompts')}: `{path}` does not exist", fix="a prompt file for each pass")


def _check_judge(judge: dict, place: Place, study: Study) -> None:
    if judge["kind"] == "recorded":
        _known(judge["source"], study.sources, place.at("source"))
    for prop in judge.get("coefficients", ()):
        _known(prop, study.catalogue, place.at("coefficients"))
    if judge["kind"] in LOADED and ("model" in judge) == ("random_model" in judge):
        fix = "`random_model: {}` makes one with the default size"
        raise InputError(f"{place.at()} needs exactly one of `model` and `random_model`", fix=fix)
    if judge["kind"] in LOADED:
        _check_gpus(judge, place)
    if "template" in judge and study["measurements"] == "live" and not Path(judge["template"]).is_file():
        raise InputError(f"{place.at('template')}: `{judge['template']}` does not exist", fix="a prompt template")


def _check_gpus(judge: dict, place: Place, kind: str | None = None) -> None:
    """Fill in how many GPUs a judge (or an annotator, `kind` being its engine) needs, or check what is asked for."""
    copies, spread = judge["data_parallel"], judge.get("tensor_parallel", 1)
    wanted = (kind or judge["kind"]) == "vllm" or judge["device"] == "cuda"
    needed = copies * spread if wanted and judge["device"] != "cpu" else 0
    asked = judge.setdefault("gpu", needed)
    if (needed and asked != needed) or (asked and (judge["device"] == "cpu" or asked != copies * spread)):
        fix = "leave `gpu` out, and use `tensor_parallel`, `data_parallel` and `device`"
        raise InputError(f"{place.at('gpu')} is {asked}, and this judge uses {needed or copies * spread}", fix=fix)


def _check_groups(groups: dict, live: bool) -> None:
    """Groups that the study defines."""
    reserved = (POOLED, OVERALL, *CASES.values())
    taken = set(reserved)
    for number, group in enumerate(groups["define"]):
        if group["name"] in taken:
            raise InputError(
                f"config key `groups.define[{number}].name`: the name `{group['name']}` is taken",
                fix=f"every group once, and none of {', '.join(reserved)}",
            )
        taken.add(group["name"])
    path = groups["scenario_groups"]
    if path and live and not Path(path).is_file():
        raise InputError(f"config key `groups.scenario_groups`: `{path}` does not exist", fix="a CSV file")


def _check_scenarios(scenarios: dict, live: bool) -> None:
    """Files that the classifier of scenarios is trained on."""
    if scenarios["groups"] and not scenarios["queries"]:
        fix = "name labelled queries, or leave `groups` out"
        raise InputError("config key `scenarios.groups` is of no use without `scenarios.queries`", fix=fix)
    for key in ("queries", "groups"):
        path = scenarios[key]
        if path and live and not Path(path).is_file():
            raise InputError(f"config key `scenarios.{key}`: `{path}` does not exist", fix="a file")


def _check_manipulation(study: Study) -> None:
    section = study["manipulation"]
    if section is None:
        return
    if study["measurements"] != "live":
        fix = "leave the section out: its results are kept with the study that made them"
        raise InputError(f"config key `manipulation` needs `measurements: live`, not {study['measurements']}", fix=fix)
    check_manipulation(section, study.judges, study["comparison"]["group"])
    _check_shown("manipulation.group", section["group"], study["groups"])
    section["prompt"] = product_file(section["prompt"])
    for number, generator in enumerate(section["generators"]):
        if generator["kind"] in LOADED:
            _check_gpus(generator, Place(f"manipulation.generators[{number}]"))
        if generator["template"]:
            generator["template"] = product_file(generator["template"])
    if section["grading"]:
        section["grading"]["prompt"] = product_file(section["grading"]["prompt"])
    for key, path in _manipulation_files(section):
        if path and not Path(path).is_file():
            raise InputError(f"config key `manipulation.{key}`: `{path}` does not exist", fix="a file")


def _manipulation_files(section: dict) -> list[tuple[str, str]]:
    files = [(f"benchmark.{key}", section["benchmark"][key]) for key in ("path", "references", "baseline")]
    files += [("prompt", section["prompt"])]
    files += [("grading.prompt", section["grading"]["prompt"])] if section["grading"] else []
    for number, generator in enumerate(section["generators"]):
        files += [(f"generators[{number}].{key}", generator.get(key)) for key in ("template", "replies")]
    return files


def _check_figures(study: Study) -> None:
    """Judges and groups that are shown."""
    for name in study["figures"]["judges"]:
        _known(name, study.judges, "config key `figures.judges`")
    _check_shown("comparison.group", study["comparison"]["group"], study["groups"])
    for pair in study["comparison"]["group_differences"]:
        for group in pair:
            _check_shown("comparison.group_differences", group, study["groups"])
    files: dict[str, str] = {}
    for group in study["figures"]["groups"]:
        _check_shown("figures.groups", group, study["groups"])
        if files.setdefault(figure_file(group), group) != group:
            both = f"`{files[figure_file(group)]}` and `{group}`"
            raise InputError(f"config key `figures.groups`: {both} would have the same file name", fix="show one")


def _check_reference(folder: str) -> None:
    """Before anything is judged or fitted."""
    if folder and not any(Path(folder).glob("model_*_fitted_paras.jsonl")):
        raise InputError(
            f"config key `regression.published`: `{folder}` holds no published coefficients",
            fix="a folder with files model_<group>_fitted_paras.jsonl",
        )


def _check_shown(key: str, group: str, groups: dict) -> None:
    """A group that is switched off cannot be shown; whether any other exists, only the pairs can tell."""
    needs = {POOLED: "pooled", OVERALL: "scenarios"}.get(group)
    if needs and not groups[needs]:
        raise InputError(f"config key `{key}`: `{group}` needs `groups.{needs}: true`", fix="or name another group")


def _check_published(study: Study, places: list[Place]) -> None:
    """Judges known by published coefficients alone belong to a study that starts from these, and to no other."""
    published = study["measurements"] == "published"
    for judge, place in zip(study["judges"], places, strict=True):
        if (judge["kind"] == "published") != published:
            fix = "`kind: published` goes with `measurements: published`, and with nothing else"
            raise InputError(f"{place.at('kind')} is {shown(judge['kind'])} in this study", fix=fix)


def _require_published(folder: str) -> None:
    """The folder of the published coefficients: looked for first, for a list of judges often lies beside it."""
    if any(Path(folder).glob(PUBLISHED_FILES)):
        return
    problem = f"holds no `{PUBLISHED_FILES}`" if Path(folder).is_dir() else "does not exist"
    raise InputError(
        f"config key `published`: the folder `{folder}` {problem}",
        fix="get github.com/GAIR-NLP/Preference-Dissection and name its folder fitted_paras_comparison; "
        "`--config data_dir=...` sets the folder above it",
    )


def _known(name: str, allowed, key: str) -> None:
    if name not in allowed:
        fix = did_you_mean(name, allowed).strip() or f"one of {', '.join(list(allowed)[:30])}"
        raise InputError(f"{key}: `{name}` is not known", fix=fix)
