"""A language model that annotates, played by the fake engine, which replies what a test says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd

from configs import changed
from prefdissect.annotators import llm
from prefdissect.catalogue import Catalogue, load_catalogue
from prefdissect.config import load_study
from prefdissect.judges.scoring import Machine
from prefdissect.tables import prompt_id

QUIET = {"clear_intent": True, "feelings": False, "constraints": [], "stances": [], "mistakes": []}
CLEAN = {"applicable": True, "errors": []}


@cache
def usual_catalogue() -> Catalogue:
    """The catalogue that comes with the project."""
    return load_catalogue()


def make_pairs(*rows: dict) -> pd.DataFrame:
    """Table `pairs`: each row may leave out whatever is of no interest."""
    full = []
    for number, row in enumerate(rows):
        usual = {"pair_id": f"p{number}", "prompt": "Name a river.", "turns": None, "reference": "The Danube."}
        full.append(usual | {"response_a": "Rhine", "response_b": "Elbe"} | row)
    frame = pd.DataFrame(full)
    return frame.assign(prompt_id=[prompt_id(p, t) for p, t in zip(frame["prompt"], frame["turns"], strict=True)])


def make_record(**changes) -> dict:
    """The record of an annotator as a study completes it."""
    record = {"name": "m", "kind": "llm", "engine": "fake"} | changes
    return load_study(changed("annotators.0", record)).annotators["m"]


def rated(catalogue: Catalogue, family: str, count: int = 2, **scores) -> dict:
    """An answer with the score 1 for every property of a pass; `scores` gives one list per response for others."""
    usual = {prop.asked_name: 1 for prop in catalogue.values() if prop.family == family}
    return {f"response_{n + 1}": usual | {name: values[n] for name, values in scores.items()} for n in range(count)}


def usual_replies(count: int = 2) -> list[dict]:
    """What is replied where a test says nothing else: a plain query, equal ratings, no errors."""
    catalogue = usual_catalogue()
    return [
        {"form": "analysis", "answer": QUIET},
        {"form": "reference", "answer": "The Danube is a river."},
        {"form": "errors", "answer": {f"response_{n + 1}": CLEAN for n in range(count)}},
        *({"form": name, "answer": rated(catalogue, name, count)} for name in ("query_free", "query_aware")),
    ]


class Annotator:
    """Annotates with replies by file; one store for all runs of a test."""

    def __init__(self, folder: Path):
        self.folder, self.lines = folder, []

    def __call__(self, pairs: pd.DataFrame, *replies: dict, catalogue: Catalogue | None = None, **changes):
        count = 1 if changes.get("mode") == "single" else 2
        path = self.folder / "replies.json"  # JSON is YAML too, and quick to write
        path.write_text(
            json.dumps({"replies": [*replies, *usual_replies(count)]}, ensure_ascii=False), encoding="utf-8"
        )
        record = make_record(**{"replies": str(path)} | changes)
        machine = Machine(store=self.folder / "store", log=self.lines.append)
        return llm.annotate(record, pairs, catalogue or usual_catalogue(), self.folder / "work", machine)


def scores(tables: dict[str, pd.DataFrame], prop: str, pair_id: str = "p0") -> list[tuple]:
    """(item, score_a, score_b, status) of one property of a pair; None for no score."""
    table = tables["annotations"]
    rows = table[(table["property"] == prop) & (table["pair_id"] == pair_id)]
    plain = rows[["item", "score_a", "score_b", "status"]].astype(object)
    return [tuple(row) for row in plain.where(plain.notna(), None).itertuples(index=False)]
