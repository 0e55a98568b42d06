"""The real vLLM, in process and as a server, as an annotator: a small random model held to the forms of every pass.

What it answers has no meaning. That every answer has the form that was asked for is what counts.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest
from test_server import NAME, free_port, start_server

from annotating import make_record
from prefdissect.annotators import llm
from prefdissect.catalogue import load_catalogue
from prefdissect.judges.random_model import make_random_model
from prefdissect.judges.scoring import Machine
from prefdissect.tables import validate

pytestmark = pytest.mark.judges
CATALOGUE = load_catalogue()
TURNS = json.dumps([{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good day."}])
LOCAL = {"dtype": "float32", "device": "cpu", "max_tokens": 700}
VLLM = LOCAL | {"engine": "vllm", "kv_cache_gb": 1}


@pytest.fixture(scope="module")
def pairs(sample_pairs) -> pd.DataFrame:
    """Six pairs of two queries; one has earlier turns, and the reference of one is to be written."""
    few = sample_pairs.head(6).copy()
    few["turns"] = [TURNS, *[None] * 5]
    few["reference"] = [None, *few["reference"][1:]]
    return few


@pytest.fixture(scope="module")
def small_model(tmp_path_factory, sample_pairs):
    texts = sample_pairs[["prompt", "response_a", "response_b"]].to_numpy().ravel().tolist()
    return str(make_random_model(tmp_path_factory.mktemp("models") / "m", texts, seed=5, vocab_size=4000))


@pytest.fixture(scope="module")
def in_process(tmp_path_factory, judge_python, pairs, small_model):
    folder, lines = tmp_path_factory.mktemp("annotator"), []
    machine = Machine(judge_python, store=folder / "store", log=lines.append)
    record = make_record(model=small_model, **VLLM)
    tables, usage = llm.annotate(record, pairs, CATALOGUE, folder / "w", machine)
    return {"tables": tables, "usage": usage, "lines": lines, "machine": machine, "record": record, "folder": folder}


def check_forms(tables: dict[str, pd.DataFrame], usage: dict) -> None:
    """Every rating is on its scale, and every answer that was not cut had the form asked for."""
    for name, table in tables.items():
        validate(table, name, name)
    rated = tables["annotations"][tables["annotations"]["status"] == "ok"]
    for name, rows in rated.groupby("property"):
        prop = CATALOGUE[name]
        for column in ("score_a", "score_b"):
            assert rows[column].between(prop.minimum, 20 if prop.maximum is None else prop.maximum).all(), name
    for name in ("query_free", "query_aware"):
        assert usage["passes"][name]["statuses"] == {"ok": 6}, name
    assert set(tables["annotations"]["pair_id"]) == set(rated["pair_id"]) and len(rated) >= 6 * 20
    assert {name for used in usage["passes"].values() for name in used["statuses"]} <= {
        "ok",
        "invalid",
        "unmet",
        "needless",
    }


def test_vllm_in_process_keeps_to_every_form(in_process):
    check_forms(in_process["tables"], in_process["usage"])
    usage = in_process["usage"]
    assert usage["passes"]["analysis"]["statuses"].get("ok"), "lists and flags of the analysis too"
    assert usage["tokens_read"] > 10_000 and usage["tokens_written"] > 1000
    scores = in_process["tables"]["annotations"][["score_a", "score_b"]].stack()
    assert scores.nunique() > 2, "the model chooses, not the form"


def test_one_engine_is_loaded_for_all_rounds_and_none_for_what_is_known(in_process, pairs):
    loaded = [line for line in in_process["lines"] if line.startswith("loading ")]
    rounds = [line for line in in_process["lines"] if line.startswith("asked ")]
    assert len(loaded) == 1 < len(rounds)
    in_process["lines"].clear()
    record = in_process["record"] | {"gpu_memory_utilization": None, "runtime": 5}
    again, usage = llm.annotate(record, pairs, CATALOGUE, in_process["folder"] / "v", in_process["machine"])
    assert usage == in_process["usage"] and not any(line.startswith("loading ") for line in in_process["lines"])
    for name, table in in_process["tables"].items():
        pd.testing.assert_frame_equal(table, again[name])


def test_a_plan_counts_with_the_models_tokenizer(in_process, judge_python, pairs, tmp_path):
    found = llm.plan_annotating(in_process["record"], pairs, CATALOGUE, tmp_path, Machine(judge_python))
    read = sum(in_process["usage"]["passes"][name]["tokens_read"] for name in ("query_free", "query_aware"))
    assert found["tokens"] > read and found["parameters"] > 10_000 and found["shared_tokens"] > 0


def test_a_server_keeps_to_every_form(tmp_path, judge_python, judge_environment, pairs, small_model):
    compact = '--structured-outputs-config {"backend":"xgrammar","disable_any_whitespace":true}'
    with start_server(judge_python, judge_environment, small_model, tmp_path, free_port(), compact) as url:
        record = make_record(engine="openai", model=NAME, base_url=url, max_tokens=700, timeout=300, mode="single")
        tables, usage = llm.annotate(record, pairs, CATALOGUE, tmp_path / "w", Machine(judge_python, log=print))
    rated = tables["annotations"]
    for name in ("query_free", "query_aware"):
        assert set(usage["passes"][name]["statuses"]) == {"ok"}, name
    free = rated[rated["property"] == "friendly"]
    assert (free["status"] == "ok").all() and set(free["score_a"]) <= {0, 1, 2, 3}
    for name, table in tables.items():
        validate(table, name, name)


def test_without_constrained_output_a_random_model_gives_no_rating_at_all(tmp_path, judge_python, pairs, small_model):
    record = make_record(engine="transformers", model=small_model, attempts=2, **LOCAL | {"max_tokens": 16})
    tables, usage = llm.annotate(record, pairs.head(2), CATALOGUE, tmp_path / "w", Machine(judge_python, log=print))
    assert (
        usage["passes"]["query_free"]["statuses"] == {"invalid": 2} and usage["passes"]["query_free"]["requests"] == 4
    )
    assert not tables["annotations"]["score_a"].notna().any() and tables["query_info"].empty
    assert set(tables["annotations"]["status"]) == {"failed"}
