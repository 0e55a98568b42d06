"""A study: its config file read, checked and completed with defaults.

Runs when the Snakefile is parsed, on every node: it imports nothing heavier than yaml and jsonschema.
"""

from __future__ import annotations

import csv
import difflib
import re
from copy import deepcopy
from functools import cached_property, lru_cache
from pathlib import Path

import jsonschema
import yaml

from prefdissect.catalogue import DEFAULT_PATH, Catalogue, load_catalogue
from prefdissect.errors import InputError
from prefdissect.freezing import frozen_judges

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "workflow" / "schemas" / "config.schema.yaml"
RECORD_SECTIONS = {"sources": "source", "judges": "judge", "annotators": "annotator"}
POOLED, OVERALL = "pooled", "overall"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_name(label: str) -> str:
    """Turn free text into a name that is safe as a file name; `GPT-4/Vanilla` becomes `GPT-4-Vanilla`."""
    return _UNSAFE.sub("-", label).strip("-.") or "unnamed"


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
        self.folder = f"{config['results_dir']}/{self.name}"
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
        return self.config["catalogue"] or str(DEFAULT_PATH)

    def judges_of(self, *kinds: str) -> list[str]:
        """Names of the judges of these kinds, in the order of the study."""
        return [name for name, record in self.judges.items() if record["kind"] in kinds]

    def annotators_of(self, *kinds: str) -> list[str]:
        """Names of the annotators of these kinds, in the order of precedence."""
        return [name for name, record in self.annotators.items() if record["kind"] in kinds]

    @property
    def labels(self) -> dict[str, str]:
        """Judge name -> label shown to people."""
        return {name: record["label"] for name, record in self.judges.items()}


def read_config(path: str | Path) -> dict:
    """Read one YAML config file.

    Raises
    ------
    InputError
        When the file is missing, not UTF-8, not YAML or not a mapping.
    """
    path = Path(path)
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("the config file does not exist", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", where=str(path), fix="save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {' '.join(str(error).split())}", where=str(path)) from None
    if not isinstance(config, dict):
        raise InputError("the config must be a mapping of keys", where=str(path))
    return config


def load_study(config: dict) -> Study:
    """Check a raw config and complete it.

    Raises
    ------
    InputError
        Naming the config key, its value and what would be right.
    """
    config = deepcopy(config)
    schema = _schema()
    _check(config, schema, "")
    _fill_paths(config)
    if config["measurements"] == "frozen":
        config["judges"] = _frozen_judges(config)
    else:
        config["judges"] = config["judges"] + _listed_judges(config)
    _check_records(config, schema)
    study = Study(config)
    _check_references(study)
    return study


@lru_cache
def _schema() -> dict:
    return yaml.safe_load(SCHEMA_PATH.read_text(encoding="utf-8"))


def _check(instance: dict, schema: dict, where: str) -> None:
    """Validate and fill defaults in place; the first error becomes the message."""
    validator = jsonschema.Draft202012Validator({**schema, "$defs": _schema()["$defs"]})
    errors = sorted(validator.iter_errors(instance), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        raise InputError(_message(errors[0], where))
    _fill_defaults(instance, schema)


def _fill_defaults(instance, schema: dict) -> None:
    schema = _resolve(schema)
    if isinstance(instance, dict):
        for key, sub in schema.get("properties", {}).items():
            sub = _resolve(sub)
            if key not in instance and "default" in sub:
                instance[key] = deepcopy(sub["default"])
            if key in instance:
                _fill_defaults(instance[key], sub)
    elif isinstance(instance, list):
        for item in instance:
            _fill_defaults(item, schema.get("items", {}))


def _resolve(schema: dict) -> dict:
    reference = schema.get("$ref")
    return _schema()["$defs"][reference.rsplit("/", 1)[1]] if reference else schema


def _message(error: jsonschema.ValidationError, where: str) -> str:
    key = _key(where, error.absolute_path)
    if error.validator == "additionalProperties":
        allowed = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in allowed)
        close = difflib.get_close_matches(str(unknown), allowed, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        return f"config key `{_key(key, [unknown])}` is unknown ({hint}known here: {', '.join(allowed)})"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        about = _resolve(error.schema["properties"].get(missing, {})).get("description", "it is required")
        return f"config key `{_key(key, [missing])}` is missing ({about})"
    expected = {
        "type": f"type {error.validator_value}",
        "enum": f"one of {', '.join(map(str, error.validator_value)) if error.validator == 'enum' else ''}",
    }.get(error.validator, error.schema.get("description", f"{error.validator} {error.validator_value}"))
    return f"config key `{key}` is {error.instance!r} (expected: {expected})"


def _key(where: str, path) -> str:
    key = where
    for part in path:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    return key


def _fill_paths(config: dict) -> None:
    """Put `data_dir` into every string that holds the placeholder `{data_dir}`."""
    folder = config["data_dir"].rstrip("/") or "/"

    def fill(value):
        if isinstance(value, dict):
            return {key: fill(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [fill(entry) for entry in value]
        return value.replace("{data_dir}", folder) if isinstance(value, str) else value

    for key in ("sources", "judges", "judge_lists", "annotators", "groups", "archive", "catalogue"):
        config[key] = fill(config[key])


def _frozen_judges(config: dict) -> list[dict]:
    """The judges that were measured: a frozen study has no others, and needs no list of judges beside its archive."""
    if not Path(config["archive"]).is_file():
        raise InputError(
            f"config key `archive`: `{config['archive']}` does not exist", fix="write one: snakemake freeze"
        )
    return frozen_judges(config["archive"])


def _listed_judges(config: dict) -> list[dict]:
    return [record for number, entry in enumerate(config["judge_lists"]) for record in _read_judge_list(entry, number)]


def _read_judge_list(entry: dict, number: int) -> list[dict]:
    path, where = Path(entry["path"]), f"config key `judge_lists[{number}].path`"
    if not path.is_file():
        raise InputError(f"`{path}` does not exist", where=where, fix="give a CSV file; see `data_dir` too")
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            rows, header = list(reader), reader.fieldnames or []
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", where=str(path)) from None
    for key, column in entry["columns"].items():
        if column not in header:
            raise InputError(f"column `{column}` (for `{key}`) is missing", where=str(path), fix=f"present: {header}")
    renamed = {column: key for key, column in entry["columns"].items()}
    return [_judge_record(row, renamed, entry["defaults"], f"{path}: line {line}") for line, row in enumerate(rows, 2)]


def _judge_record(row: dict, renamed: dict, defaults: dict, where: str) -> dict:
    row = {renamed.get(column, column): value for column, value in row.items() if value not in ("", None)}
    kind = row.get("kind", defaults.get("kind"))
    known = _schema()["$defs"].get(f"judge_{kind}", {"properties": {}})["properties"]
    record = {**defaults, **{key: value for key, value in row.items() if key in known}}
    record["attributes"] = {key: value for key, value in row.items() if key not in known}
    if "name" not in record and "label" not in record:
        raise InputError("neither `name` nor `label` is given", where=where, fix="map a column, e.g. {label: judge}")
    record.setdefault("name", safe_name(record.get("label", "")))
    return record


def _check_records(config: dict, schema: dict) -> None:
    for section, prefix in RECORD_SECTIONS.items():
        kinds = [key.removeprefix(f"{prefix}_") for key in schema["$defs"] if key.startswith(f"{prefix}_")]
        seen: dict[str, int] = {}
        for number, record in enumerate(config[section]):
            where = f"{section}[{number}]"
            if record.get("kind") not in kinds:
                raise InputError(f"config key `{where}.kind` is {record.get('kind')!r} (one of {', '.join(kinds)})")
            if section == "judges":
                record.setdefault("label", record.get("name", ""))
            _check(record, schema["$defs"][f"{prefix}_{record['kind']}"], where)
            first = seen.setdefault(record["name"].lower(), number)
            if first != number:
                other = config[section][first].get("label", record["name"])
                raise InputError(
                    f"config key `{where}.name`: the name `{record['name']}` is taken by {section}[{first}] ({other})",
                    fix="names must differ, in more than upper and lower case",
                )
    if not config["judges"]:
        raise InputError("config key `judges` lists no judge", fix="list one, or a CSV under `judge_lists`")


def _check_references(study: Study) -> None:
    """Names that one part of the config uses and another part must define."""
    catalogue = study.catalogue
    for number, judge in enumerate(study["judges"]):
        where = f"judges[{number}]"
        if judge["kind"] == "recorded":
            _known(judge["source"], study.sources, f"{where}.source")
        if judge["kind"] == "simulated":
            for prop in judge["coefficients"]:
                _known(prop, catalogue, f"{where}.coefficients")
        if judge["kind"] == "transformers" and ("model" in judge) == ("random_model" in judge):
            raise InputError(f"config key `{where}` needs exactly one of `model` and `random_model`")
    for number, annotator in enumerate(study["annotators"]):
        if annotator["kind"] == "recorded":
            _known(annotator["source"], study.sources, f"annotators[{number}].source")
        for prop in annotator.get("properties", ()):
            able = [name for name, entry in catalogue.items() if annotator["kind"] in entry.annotators]
            _known(prop, able, f"annotators[{number}].properties")
    for name in study["figures"]["judges"]:
        _known(name, study.judges, "figures.judges")
    for number, group in enumerate(study["groups"]["define"]):
        if group["name"] in (POOLED, OVERALL):
            raise InputError(f"config key `groups.define[{number}].name`: `{group['name']}` is reserved")


def _known(name: str, allowed, key: str) -> None:
    if name not in allowed:
        close = difflib.get_close_matches(name, list(allowed), n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"one of {', '.join(list(allowed)[:30])}"
        raise InputError(f"config key `{key}`: `{name}` is not known", fix=hint)
