"""From an annotator's outcomes to the tables of annotations, by the rules of the paper.

* A pair whose rating is missing in a pass, for either response, is `failed` in every property of that pass.
* Query-specific properties are rated on every item that the analysis found; without their case they are
  `not_applicable`, and where the analysis failed, `failed`.
* Errors are counted by severity; where the check is not applicable to at least one response, or there is no reference,
  all severities are `not_applicable`.

Nothing is ever guessed: what is not known has a status and no score.
"""

from __future__ import annotations

import json

import pandas as pd

from prefdissect.annotators import forms
from prefdissect.annotators.passes import Instrument, Item
from prefdissect.annotators.questions import Pair, Plan, Repeat, needs_reference, query_question, rating_questions
from prefdissect.catalogue import Property
from prefdissect.tables import conform, empty_table

SIDES = ("a", "b")


class Reader:
    """Reads outcomes pair by pair.

    Parameters
    ----------
    instrument, plan
        What was asked, and how.
    outcomes
        Outcome by the id of its question.
    """

    def __init__(self, instrument: Instrument, plan: Plan, outcomes: dict[str, dict]):
        self.instrument, self.plan, self.outcomes = instrument, plan, outcomes

    def tables(self, pairs: list[Pair], annotator: str) -> dict[str, pd.DataFrame]:
        """Tables `annotations`, `query_info`, `errors`, `features` (empty) and `annotation_repeats`."""
        repeated = self.plan.repeated([pair.pair_id for pair in pairs])
        rows = {"annotations": [], "query_info": self.query_rows(pairs), "errors": [], "annotation_repeats": []}
        for pair in pairs:
            for rating in self.plan.ratings(pair.pair_id, pair.pair_id in repeated):
                found = [{"pair_id": pair.pair_id, **row} for row in self.rows(pair, rating)]
                if rating == self.plan.first(pair.pair_id):
                    rows["annotations"] += found
                    rows["errors"] += [{"pair_id": pair.pair_id, **row} for row in self.error_rows(pair, rating)]
                if pair.pair_id in repeated:
                    way = {"repeat": rating.number, "order": rating.order if self.plan.mode == "pairwise" else None}
                    rows["annotation_repeats"] += [row | way for row in found]
        tables = {name: _table(name, found, annotator) for name, found in rows.items()}
        return tables | {"features": empty_table("features")}

    def rows(self, pair: Pair, rating: Repeat) -> list[dict]:
        """All scores of one rating of a pair: {property, item, score_a, score_b, status}."""
        rows = []
        for name in self.plan.passes:
            if name in ("query_free", "query_aware"):
                sides = self._sides(name, pair, rating)
                rows += [_scored(Item(prop), sides) for prop in self.instrument.of_family(name)]
            elif name == "query_specific":
                rows += self._specific_rows(pair, rating)
            elif name == "errors":
                rows += self._count_rows(pair, rating)
        order = {prop.name: number for number, prop in enumerate(self.instrument.properties)}
        return sorted(rows, key=lambda row: (order[row["property"]], row["item"]))

    def _sides(self, name: str, pair: Pair, rating: Repeat) -> list[dict] | None:
        """What a pass found about response_a and response_b, whatever was shown first; None where it failed."""
        found = [self.outcomes[question["id"]] for question in rating_questions(name, pair, self.plan.mode, rating)]
        if any(outcome["status"] != "ok" for outcome in found):
            return None
        if self.plan.mode == "single":
            return [outcome["data"][forms.response_key(0)] for outcome in found]
        shown = [found[0]["data"][forms.response_key(number)] for number in range(2)]
        return shown[::-1] if rating.order == "ba" else shown

    def _specific_rows(self, pair: Pair, rating: Repeat) -> list[dict]:
        properties = self.instrument.of_family("query_specific")
        analysis = self.outcomes[query_question("analysis", pair)["id"]]
        if analysis["status"] != "ok":
            return [_unrated(prop, "failed") for prop in properties]
        items = self.instrument.items(analysis["data"])
        sides = self._sides("query_specific", pair, rating) if items else None
        called_for = {item.property.name for item in items}
        absent = [_unrated(prop, "not_applicable") for prop in properties if prop.name not in called_for]
        return [_scored(item, sides) for item in items] + absent

    def _count_rows(self, pair: Pair, rating: Repeat) -> list[dict]:
        properties = self.instrument.of_family("errors")
        sides, why = self._checked(pair, rating)
        if sides is None:
            return [_unrated(prop, why) for prop in properties]
        counts = [{severity: _count(side, severity) for severity in forms.SEVERITIES} for side in sides]
        return [_scored(Item(prop), counts) for prop in properties]

    def _checked(self, pair: Pair, rating: Repeat) -> tuple[list[dict] | None, str]:
        """The findings about both responses, or why there are none."""
        if not pair.reference and "reference" not in self.plan.passes:
            return None, "not_applicable"
        sides = self._sides("errors", pair, rating)
        if sides is None:
            return None, "failed"
        return (sides, "ok") if all(side["applicable"] for side in sides) else (None, "not_applicable")

    def error_rows(self, pair: Pair, rating: Repeat) -> list[dict]:
        """Every error of a pair that was checked: {response, n, type, severity, description}."""
        if "errors" not in self.plan.passes:
            return []
        sides, _ = self._checked(pair, rating)
        return [
            {"response": name, "n": n, **error}
            for name, side in zip(SIDES, sides or [])
            for n, error in enumerate(side["errors"])
        ]

    def query_rows(self, pairs: list[Pair]) -> list[dict]:
        """What the analysis found about every query, with the reference that responses are checked against."""
        rows: dict[str, dict] = {}
        for pair in pairs if "analysis" in self.plan.passes else []:
            analysis = self.outcomes[query_question("analysis", pair)["id"]]
            if analysis["status"] == "ok" and pair.prompt_id not in rows:
                lists = {key: json.dumps(analysis["data"][key], ensure_ascii=False) for key in forms.LISTS}
                flags = {key: analysis["data"][key] for key in forms.FLAGS}
                rows[pair.prompt_id] = {
                    "prompt_id": pair.prompt_id,
                    **flags,
                    **lists,
                    "reference": self._reference(pair),
                }
        return list(rows.values())

    def _reference(self, pair: Pair) -> str | None:
        if not needs_reference(pair, self.plan):
            return pair.reference
        return self.outcomes[query_question("reference", pair)["id"]]["data"]


def _scored(item: Item, sides: list[dict] | None) -> dict:
    if sides is None:
        return _unrated(item.property, "failed", item.number)
    scores = {f"score_{name}": float(side[item.key]) for name, side in zip(SIDES, sides, strict=True)}
    return {"property": item.property.name, "item": item.number, **scores, "status": "ok"}


def _unrated(prop: Property, status: str, item: int = 0) -> dict:
    return {"property": prop.name, "item": item, "score_a": None, "score_b": None, "status": status}


def _count(side: dict, severity: str) -> int:
    return sum(error["severity"] == severity for error in side["errors"])


def _table(name: str, rows: list[dict], annotator: str) -> pd.DataFrame:
    return conform(pd.DataFrame(rows).assign(annotator=annotator), name) if rows else empty_table(name)
