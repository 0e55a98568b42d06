"""Source kind `responses`: queries with any number of responses each, optionally rated; every two make a pair."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.pairs.checks import check_pairs
from prefdissect.pairs.columns import Place
from prefdissect.pairs.rated import SEVERITIES, Query, Response, info_row, load_queries
from prefdissect.pairs.source import Source
from prefdissect.tables import conform, empty_table

ANNOTATOR = "recorded"


@dataclass(frozen=True)
class Pair:
    """Two responses to a query, `a` being response_a."""

    query: Query
    a: Response
    b: Response

    @property
    def pair_id(self) -> str:
        return f"{self.query.id}-{self.a.id}-{self.b.id}"


def read(record: dict, catalogue) -> Source:
    """Read queries with responses (form: `prefdissect.pairs.rated`) and pair the responses.

    k responses give k (k - 1) / 2 pairs. A hash of the ids decides which one is response_a, so that nothing about the
    order in the file shows in the position. Scores and errors of the responses become those of the pairs. What is not
    rated yields no row; a query-specific property without its case, and errors where `errors_checked` is false, yield
    one with the status not_applicable. The length is never rated here: an annotator counts it.

    Parameters
    ----------
    record
        `name`; `path`: a folder of *.yaml files, or a .jsonl file; `empty_responses`: error, keep or drop.

    Raises
    ------
    InputError
        For anything wrong in the files, naming file, response and key.
    """
    pairs = [pair for query in load_queries(record["path"], catalogue) for pair in pairs_of(query)]
    checked = check_pairs(pd.DataFrame([_pair_row(pair) for pair in pairs], dtype=object), record, _place(pairs))
    kept = [pairs[row] for row in checked.rows]
    prompts = dict(zip(checked.pairs["pair_id"], checked.pairs["prompt_id"], strict=True))
    return Source(
        checked.pairs,
        annotations=_table("annotations", [row for pair in kept for row in rating_rows(pair)]),
        errors=_table("errors", [row for pair in kept for row in error_rows(pair)]),
        query_info=_query_info(kept, prompts),
        notes=checked.notes,
    )


def pairs_of(query: Query) -> list[Pair]:
    """All pairs of a query's responses, sides decided by a hash of the three ids."""
    pairs = []
    for x, y in combinations(sorted(query.responses, key=lambda response: response.id), 2):
        digest = hashlib.sha256(f"{query.id}\0{x.id}\0{y.id}".encode("utf-8", "surrogatepass")).digest()
        pairs.append(Pair(query, y, x) if digest[0] % 2 else Pair(query, x, y))
    return pairs


def rating_rows(pair: Pair) -> list[dict]:
    """Rows of the table `annotations` about a pair: ratings, query-specific ratings, counts of errors."""
    rows = []
    for name in pair.query.rated:
        both = list(zip(pair.a.scores[name], pair.b.scores[name], strict=True))
        rows += [_rating(pair, name, item, *scores) for item, scores in enumerate(both)] or [_rating(pair, name)]
    if pair.query.errors_checked is False:
        rows += [_rating(pair, f"no_{severity}_errors") for severity in SEVERITIES]
    elif pair.a.errors is not None:
        for severity in SEVERITIES:
            counts = (_count(response, severity) for response in (pair.a, pair.b))
            rows.append(_rating(pair, f"no_{severity}_errors", 0, *counts))
    return rows


def error_rows(pair: Pair) -> list[dict]:
    """Rows of the table `errors` about a pair."""
    return [
        {"annotator": ANNOTATOR, "pair_id": pair.pair_id, "response": side, "n": n, **error}
        for side, response in (("a", pair.a), ("b", pair.b))
        for n, error in enumerate(response.errors or [])
    ]


def _count(response: Response, severity: str) -> int:
    return sum(error["severity"] == severity for error in response.errors)


def _rating(pair: Pair, name: str, item: int = 0, score_a: float | None = None, score_b: float | None = None) -> dict:
    status = "not_applicable" if score_a is None else "ok"
    key = {"annotator": ANNOTATOR, "pair_id": pair.pair_id, "property": name, "item": item}
    return key | {"score_a": score_a, "score_b": score_b, "status": status}


def _pair_row(pair: Pair) -> dict:
    texts = {"response_a": pair.a.text, "response_b": pair.b.text}
    return pair.query.facts | texts | {"pair_id": pair.pair_id, "model_a": pair.a.model, "model_b": pair.b.model}


def _place(pairs: list[Pair]) -> Place:
    def label(row: int) -> str:
        pair = pairs[row]
        return f"{pair.query.where}: response_a `{pair.a.id}`, response_b `{pair.b.id}`"

    return Place(label)


def _query_info(pairs: list[Pair], prompts: dict[str, str]) -> pd.DataFrame:
    rows: dict[str, dict] = {}
    authors: dict[str, Query] = {}
    for pair in pairs:
        prompt, query = prompts[pair.pair_id], pair.query
        if query.info is None:
            continue
        if authors.setdefault(prompt, query) is not query:
            fix = f"also in {authors[prompt].where}; put all responses to a prompt into one query"
            raise InputError("two queries with `query_info` have the same prompt", where=query.where, fix=fix)
        rows[prompt] = {"annotator": ANNOTATOR, "prompt_id": prompt, **info_row(query.info, query.facts["reference"])}
    return _table("query_info", list(rows.values()))


def _table(name: str, rows: list[dict]) -> pd.DataFrame:
    return conform(pd.DataFrame(rows), name) if rows else empty_table(name)
