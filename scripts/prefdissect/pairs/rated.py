"""One query with its responses as an author wrote it down: reading a YAML or JSON Lines file, and checking it.

The form is that of the bundled sample (`data/sample/queries`). Only `id`, `prompt` and the responses' `id` and `text`
must be there; what is there is checked down to the single score.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from prefdissect.catalogue import CASE_KEYS, CASES, Catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.checks import score_problem
from prefdissect.pairs.columns import as_label, short
from prefdissect.pairs.files import read_jsonl, read_text
from prefdissect.yaml_files import UniqueKeys

FACTS = ("turns", "prompt_id", "scenario", "language", "reference")
QUERY_KEYS = ("id", "prompt", *FACTS, "query_info", "errors_checked", "responses")
RESPONSE_KEYS = ("id", "text", "model", "differs", "ratings", "specific", "errors")
FLAGS = ("clear_intent", "feelings")
LISTS = ("constraints", "stances", "mistakes")
ERROR_KEYS = ("type", "severity", "description")
SEVERITIES = ("minor", "moderate", "severe")


@dataclass(frozen=True)
class Response:
    """A response; `scores` maps a rated property to its scores (one per item), `errors` is None if not looked for."""

    id: str
    text: str
    model: str | None
    scores: dict[str, list[float]]
    errors: list[dict] | None


@dataclass(frozen=True)
class Query:
    """A query; `facts` are the optional columns of the table `pairs`, `errors_checked` is None if nothing is said."""

    where: str
    id: str
    facts: dict
    info: dict | None
    errors_checked: bool | None
    responses: list[Response]

    @property
    def rated(self) -> list[str]:
        """Properties that the responses are rated on, the same for all of them."""
        return list(self.responses[0].scores)


def load_queries(path: str | Path, catalogue: Catalogue) -> list[Query]:
    """Read all queries of a folder of YAML files, of one YAML file (one query) or of a JSON Lines file.

    Raises
    ------
    InputError
        For a fault in a file, naming file, response and key, or an id that occurs twice.
    """
    queries: dict[str, Query] = {}
    for where, raw in _load(Path(path)):
        query = parse_query(raw, where, catalogue)
        if query.id in queries:
            raise InputError(f"id `{query.id}` occurs twice", where=where, fix=f"first: {queries[query.id].where}")
        queries[query.id] = query
    return list(queries.values())


def _load(path: Path) -> list[tuple[str, object]]:
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return [(f"{path}: line {line}", raw) for line, raw in read_jsonl(path)]
    files = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml")) if path.is_dir() else [path]
    if not files:
        raise InputError("the folder holds no *.yaml file", where=str(path), fix="one file per query")
    if files[0].suffix.lower() not in (".yaml", ".yml"):
        raise InputError("the format is unknown", where=str(path), fix="a folder of *.yaml files, or a .jsonl file")
    return [(str(file), _read_yaml(file)) for file in files]


def _read_yaml(path: Path):
    try:
        return yaml.load(read_text(path), Loader=UniqueKeys)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}: line {mark.line + 1}" if mark else str(path)
        raise InputError(f"not YAML: {getattr(error, 'problem', None) or error}", where=where) from None


def parse_query(raw, where: str, catalogue: Catalogue) -> Query:
    """Check one query and its responses.

    Raises
    ------
    InputError
        For a missing key or text, a rating that is unknown, missing or off its scale, query-specific ratings that do
        not fit `query_info`, and errors without a known severity or where `errors_checked` is false.
    """
    if not isinstance(raw, dict):
        raise InputError(f"holds {short(raw)}", where=where, fix="a mapping with id, prompt and responses")
    _refuse_misspelt(raw, QUERY_KEYS, where)
    info = _query_info(raw["query_info"], f"{where}: key `query_info`") if raw.get("query_info") is not None else None
    checked = raw.get("errors_checked")
    if not isinstance(checked, bool | None):
        raise InputError(f"holds {short(checked)}", where=f"{where}: key `errors_checked`", fix="true or false")
    if not isinstance(raw.get("responses"), list) or len(raw["responses"]) < 2:
        raise InputError("a list of two or more responses is needed", where=f"{where}: key `responses`")
    responses = [_response(r, i, info, checked, where, catalogue) for i, r in enumerate(raw["responses"], start=1)]
    _refuse_unlike(responses, where)
    facts = {key: raw.get(key) for key in FACTS} | {"prompt": _text(raw, "prompt", where)}
    return Query(where, _name(raw, where), facts, info, checked, responses)


def _response(raw, number: int, info: dict | None, checked: bool | None, where: str, catalogue: Catalogue) -> Response:
    if not isinstance(raw, dict):
        raise InputError(f"holds {short(raw)}", where=f"{where}: responses, number {number}", fix="id and text")
    name = _name(raw, f"{where}: responses, number {number}")
    where = f"{where}: response `{name}`"
    _refuse_misspelt(raw, RESPONSE_KEYS, where)
    scores = _ratings(raw.get("ratings") or {}, where, catalogue)
    if scores or raw.get("specific"):
        scores |= _specific(raw.get("specific") or {}, info, where, catalogue)
    errors = _errors(raw["errors"], checked, where) if raw.get("errors") is not None else None
    if checked and errors is None:
        raise InputError("is missing", where=f"{where}, key `errors`", fix="`errors: []` if there is none")
    return Response(name, _text(raw, "text", where), as_label(raw.get("model")), scores, errors)


def _query_info(raw, where: str) -> dict:
    if not isinstance(raw, dict) or set(raw) != {*FLAGS, *LISTS}:
        raise InputError(f"holds {short(raw)}", where=where, fix=f"exactly the keys {', '.join((*FLAGS, *LISTS))}")
    for key in FLAGS:
        if not isinstance(raw[key], bool):
            raise InputError(f"`{key}` is {short(raw[key])}", where=where, fix="true or false")
    for key in LISTS:
        if not isinstance(raw[key], list) or not all(isinstance(item, str) for item in raw[key]):
            raise InputError(f"`{key}` is {short(raw[key])}", where=where, fix="a list of texts, [] if there is none")
    return raw


def _ratings(raw, where: str, catalogue: Catalogue) -> dict[str, list[float]]:
    if not isinstance(raw, dict):
        raise InputError(f"holds {short(raw)}", where=f"{where}, key `ratings`", fix="a mapping of property to score")
    rateable = [name for name, prop in catalogue.items() if prop.family in ("query_free", "query_aware")]
    for key in raw:
        if key not in rateable:
            fix = f"known: {', '.join(rateable)}"
            raise InputError(f"property `{key}` is not rated here", where=f"{where}, key `ratings`", fix=fix)
    given = [name for name in rateable if name in raw]
    return {name: [_score(raw[name], name, f"{where}, key `ratings.{name}`", catalogue)] for name in given}


def _specific(raw, info: dict | None, where: str, catalogue: Catalogue) -> dict[str, list[float]]:
    """Query-specific scores; an empty list where the query has no such case."""
    where = f"{where}, key `specific`"
    if info is None and raw:
        raise InputError("there are ratings, but the query has no `query_info`", where=where)
    if not isinstance(raw, dict):
        raise InputError(f"holds {short(raw)}", where=where, fix="a mapping of property to score or list of scores")
    keys = {name: CASE_KEYS[prop.case] for name, prop in catalogue.items() if prop.case}
    # A property of the user's own may be left to another annotator.
    keys = {name: key for name, key in keys.items() if name in CASES or name in raw}
    wanted = {name: _items(info, key) for name, key in keys.items()} if info else {}
    called_for = [name for name, items in wanted.items() if items]
    if set(raw) != set(called_for):
        found, expected = ", ".join(map(str, raw)) or "nothing", ", ".join(called_for) or "nothing"
        raise InputError(f"rates {found} where `query_info` calls for {expected}", where=where)
    scores = {}
    for name, items in wanted.items():
        given = raw.get(name, [])
        given = given if isinstance(given, list) else [given]
        if len(given) != items:
            fix = f"one for each of `query_info.{keys[name]}`"
            raise InputError(f"`{name}` has {len(given)} scores where {items} are called for", where=where, fix=fix)
        scores[name] = [_score(value, name, f"{where}, `{name}`", catalogue) for value in given]
    return scores


def _items(info: dict, key: str) -> int:
    """How many scores a query calls for: one per listed item, or one where the flag marks a case."""
    return len(info[key]) if key in LISTS else int(info[key] if key == "feelings" else not info[key])


def _score(value, name: str, where: str, catalogue: Catalogue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        problem = f"{short(value)} is no score of `{name}`; its scale is {catalogue[name].scale_text}"
    else:
        problem = score_problem(catalogue[name], float(value))
    if problem:
        raise InputError(problem, where=where)
    return float(value)


def _errors(raw, checked: bool | None, where: str) -> list[dict]:
    where = f"{where}, key `errors`"
    if not isinstance(raw, list) or not all(isinstance(error, dict) for error in raw):
        raise InputError(f"holds {short(raw)}", where=where, fix="a list of {type, severity, description}")
    if raw and checked is False:
        raise InputError("errors are listed though `errors_checked` is false", where=where)
    for error in raw:
        if error.get("severity") not in SEVERITIES:
            fix = f"one of {', '.join(SEVERITIES)}"
            raise InputError(f"an error has the severity {short(error.get('severity'))}", where=where, fix=fix)
        _refuse_misspelt(error, ERROR_KEYS, where)
    return [{key: as_label(error.get(key)) for key in ERROR_KEYS} for error in raw]


def _refuse_unlike(responses: list[Response], where: str) -> None:
    """All responses of a query must have their own id, the same properties rated, and errors looked for or not."""
    first = responses[0]
    for number, response in enumerate(responses):
        here = f"{where}: response `{response.id}`"
        if response.id in [r.id for r in responses[:number]]:
            raise InputError("this id occurs twice", where=here)
        unlike = set(response.scores) ^ set(first.scores)
        if unlike:
            has, lacks = (response, first) if unlike & set(response.scores) else (first, response)
            name = min(unlike & set(has.scores))
            raise InputError(f"`{name}` is rated in `{has.id}` but not in `{lacks.id}`", where=here, fix="rate both")
        if (response.errors is None) != (first.errors is None):
            raise InputError(f"one of `{first.id}` and `{response.id}` lacks `errors`", where=here, fix="`errors: []`")


def _refuse_misspelt(raw: dict, known: tuple[str, ...], where: str) -> None:
    """Other keys are free, but one that looks like a slip of a known one would be lost without a word."""
    for key in raw:
        meant = [] if key in known else difflib.get_close_matches(str(key), known, n=1, cutoff=0.85)
        if meant:
            raise InputError(f"key `{key}` is unknown", where=where, fix=f"is `{meant[0]}` meant?")


def _name(raw: dict, where: str) -> str:
    name = as_label(raw.get("id"))
    if name is None:
        raise InputError("`id` is missing", where=where, fix="a text, unique here")
    return name


def _text(raw: dict, key: str, where: str) -> str:
    if not isinstance(raw.get(key), str):
        problem = "is null or missing" if raw.get(key) is None else f"holds {short(raw[key])}, which is no text"
        raise InputError(problem, where=f"{where}, key `{key}`", fix="a text, in quotes if it looks like a number")
    return raw[key]


def info_row(info: dict, reference: str | None) -> dict:
    """The facts about a query as columns of the table `query_info`."""
    lists = {key: json.dumps(info[key], ensure_ascii=False) for key in LISTS}
    return {key: info[key] for key in FLAGS} | lists | {"reference": reference}
