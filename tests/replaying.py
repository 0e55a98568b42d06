"""The author's ratings of the bundled sample as the answers of a language model: what a perfect annotator would say."""

from __future__ import annotations

import json

import pandas as pd

from prefdissect.annotators.forms import FLAGS, LISTS
from prefdissect.annotators.passes import Instrument, Item
from prefdissect.annotators.questions import Pair, read_pairs
from prefdissect.catalogue import Property
from prefdissect.pairs.source import Source

SIDES = ("a", "b")


class Author:
    """Replies for `prefdissect.judges.fake_replies`, made from the recorded tables of a source."""

    def __init__(self, source: Source, instrument: Instrument):
        self.instrument = instrument
        self.types = list(instrument.prompts["errors"].types)
        columns = ["score_a", "score_b", "status"]
        self.ratings = source.annotations.set_index(["pair_id", "property", "item"])[columns].to_dict("index")
        self.info = source.query_info.set_index("prompt_id").to_dict("index")
        self.errors = dict(list(source.errors.groupby(["pair_id", "response"])))

    def replies(self, pairs: pd.DataFrame, mode: str) -> list[dict]:
        """Replies to all questions about these pairs."""
        found: dict[str, dict] = {}
        for pair in read_pairs(pairs):
            for reply in self._about(pair, mode):
                found.setdefault(json.dumps([reply["form"], reply["contains"]]), reply)
        return list(found.values())

    def _about(self, pair: Pair, mode: str):
        asked = f"### Conversation\n{pair.prompt}\n\n###"
        yield {"form": "analysis", "contains": [asked], "answer": self.analysis(pair)}
        for sides in [SIDES] if mode == "pairwise" else SIDES:
            texts = [pair.responses[SIDES.index(side)] for side in sides]
            shown = [f"### Response {n + 1} (`response_{n + 1}`)\n{text}\n\n###" for n, text in enumerate(texts)]
            yield {"form": "query_free", "contains": shown, "answer": self.ratings_of(pair, sides, "query_free")}
            contains = [asked, *shown]
            yield {"form": "query_aware", "contains": contains, "answer": self.ratings_of(pair, sides, "query_aware")}
            yield {"form": "query_specific", "contains": contains, "answer": self.points(pair, sides)}
            yield {"form": "errors", "contains": contains, "answer": self.findings(pair, sides)}

    def analysis(self, pair: Pair) -> dict:
        info = self.info[pair.prompt_id]
        return {key: bool(info[key]) for key in FLAGS} | {key: json.loads(info[key]) for key in LISTS}

    def ratings_of(self, pair: Pair, sides, family: str) -> dict:
        return self._scores(pair, sides, [Item(prop) for prop in self.instrument.of_family(family)])

    def points(self, pair: Pair, sides) -> dict:
        return self._scores(pair, sides, self.instrument.items(self.analysis(pair)))

    def _scores(self, pair: Pair, sides, items: list[Item]) -> dict:
        def score(side: str, item: Item) -> int:
            return int(self.ratings[pair.pair_id, item.property.name, item.number][f"score_{side}"])

        return {f"response_{n + 1}": {item.key: score(side, item) for item in items} for n, side in enumerate(sides)}

    def findings(self, pair: Pair, sides) -> dict:
        checked = self.ratings[pair.pair_id, self._severe.name, 0]["status"] == "ok"
        return {
            f"response_{n + 1}": {"applicable": checked, "errors": self._errors(pair, side) if checked else []}
            for n, side in enumerate(sides)
        }

    @property
    def _severe(self) -> Property:
        return self.instrument.of_family("errors")[0]

    def _errors(self, pair: Pair, side: str) -> list[dict]:
        rows = self.errors.get((pair.pair_id, side))
        found = [] if rows is None else rows[["description", "type", "severity"]].to_dict("records")
        return [error | {"type": error["type"] if error["type"] in self.types else "other"} for error in found]


def write_replies(path, replies: list[dict]) -> str:
    """A file of replies; JSON is YAML too, and quick to write."""
    path.write_text(json.dumps({"replies": replies}, ensure_ascii=False), encoding="utf-8")
    return str(path)
