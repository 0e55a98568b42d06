"""The author's ratings of the bundled sample, said by a model, come out as the very tables that are recorded."""

from __future__ import annotations

import pandas as pd
import pytest

from annotating import make_record
from prefdissect.annotators import llm
from prefdissect.catalogue import load_catalogue
from prefdissect.judges.scoring import Machine
from prefdissect.pairs.registry import read_source
from replaying import Author, write_replies

CATALOGUE = load_catalogue()
N_PAIRS = 90  # of 15 queries, among which every case occurs


pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def source(root):
    record = {"name": "sample", "kind": "responses", "path": str(root / "data/sample/queries")}
    return read_source(record | {"empty_responses": "error"}, CATALOGUE)


@pytest.mark.parametrize("mode", ["pairwise", "single"])
def test_what_the_author_says_through_a_model_is_what_is_recorded(tmp_path, source, mode):
    pairs = source.pairs.head(N_PAIRS)
    author = Author(source, llm.instrument_of(make_record(), CATALOGUE))
    record = make_record(replies=write_replies(tmp_path / "replies.json", author.replies(pairs, mode)), mode=mode)
    tables, usage = llm.annotate(record, pairs, CATALOGUE, tmp_path / "w", Machine(log=lambda line: None))
    assert all(set(used["statuses"]) <= {"ok", "needless"} for used in usage["passes"].values())
    recorded = {name: getattr(source, name) for name in ("annotations", "errors", "query_info")}
    for name, columns in {
        "annotations": ["pair_id", "property", "item", "score_a", "score_b", "status"],
        "errors": ["pair_id", "response", "n", "severity", "description"],
        "query_info": ["prompt_id", "clear_intent", "feelings", "constraints", "stances", "mistakes", "reference"],
    }.items():
        key = "prompt_id" if name == "query_info" else "pair_id"
        expected = recorded[name][recorded[name][key].isin(set(pairs[key]))]
        same = [table.sort_values(columns[:3])[columns].reset_index(drop=True) for table in (tables[name], expected)]
        pd.testing.assert_frame_equal(*same)
    specific = [prop.name for prop in CATALOGUE.values() if prop.case]
    rated = tables["annotations"][tables["annotations"]["status"] == "ok"]
    assert set(specific) <= set(rated["property"]), "every case occurs"
