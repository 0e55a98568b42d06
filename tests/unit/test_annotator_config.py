"""A model that annotates, as a study's record, a folder of prompts and a catalogue describe it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from annotating import make_record
from configs import BASE, changed, error
from prefdissect.annotators import llm
from prefdissect.annotators.prompt_files import PASSES, load_prompts
from prefdissect.catalogue import load_catalogue
from prefdissect.config import load_study
from prefdissect.errors import InputError

CATALOGUE = load_catalogue()
LLM = {"name": "m", "kind": "llm", "engine": "vllm", "model": "a/b"}


def fault(**changes) -> str:
    record = {key: value for key, value in (LLM | changes).items() if value is not ...}
    return error(changed("annotators.0", record))


def test_what_is_left_out_takes_defaults():
    record = make_record(engine="vllm", model="a/b")
    assert record["mode"] == "pairwise" and record["order"] == "ab" and record["attempts"] == 3
    assert record["constrained"] is True and record["max_tokens"] == 1024 and record["temperature"] == 0
    assert record["gpu"] == 1 and record["tensor_parallel"] == 1 and record["runtime"] == 60
    assert make_record(engine="vllm", model="a/b", tensor_parallel=4, data_parallel=2)["gpu"] == 8
    assert make_record(engine="transformers", model="a/b")["constrained"] is False
    assert make_record(engine="openai", model="m")["concurrency"] == 8
    assert "template" not in record and "samples" not in record


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"engine": ...}, "`annotators[0].engine` is missing (one of transformers, vllm, openai, fake)"),
        ({"engine": "vlm"}, "`annotators[0].engine` is 'vlm' (did you mean `vllm`?"),
        ({"model": ...}, "`annotators[0].model` is missing"),
        ({"engine": "openai", "model": ...}, "`annotators[0].model` is missing"),
        ({"template": "x.yaml"}, "`annotators[0].template` is unknown"),
        ({"concurrency": 3}, "`annotators[0].concurrency` is unknown"),
        ({"replies": "x.yaml"}, "`annotators[0].replies` is unknown"),
        ({"engine": "fake", "model": ..., "replies": "/no.yaml"}, "`annotators[0].replies`: `/no.yaml` does not exist"),
        ({"mode": "both"}, "`annotators[0].mode` is 'both' (expected: one of pairwise, single"),
        ({"mode": "single", "swap": True}, "`annotators[0].swap`: `mode: single` shows one response at a time"),
        ({"repeats": 2}, "`annotators[0].repeats`: at temperature 0 every repeat gives the same answer"),
        ({"passes": ["query_specific"]}, "`annotators[0].passes`: `query_specific` needs the analysis of queries"),
        ({"passes": ["ratings"]}, "`annotators[0].passes[0]` is 'ratings'"),
        ({"properties": ["lengthy"]}, "`annotators[0].properties`: `lengthy` is not known"),
        ({"properties": ["freindly"]}, "did you mean `friendly`?"),
        ({"prompts": "/nowhere"}, "`annotators[0].prompts`: `/nowhere/analysis.yaml` does not exist"),
        (
            {"engine": "transformers", "constrained": True},
            "`annotators[0].constrained` is true, and transformers cannot",
        ),
        ({"gpu": 3}, "`annotators[0].gpu` is 3"),
        ({"too_long": "truncate_responses"}, "`annotators[0].too_long` is 'truncate_responses'"),
    ],
)
def test_a_fault_is_named(changes, message):
    assert message in fault(**changes)


def test_the_passes_follow_from_the_properties():
    def passes(**changes):
        return llm.plan_of(make_record(**changes), CATALOGUE).passes

    assert passes() == PASSES
    assert passes(properties=["friendly"]) == ("analysis", "query_free")
    assert passes(properties=["friendly"], passes=["query_free"]) == ("query_free",)
    assert passes(properties=["no_minor_errors", "novel"]) == ("analysis", "reference", "query_aware", "errors")


def test_several_annotators_may_share_the_properties():
    records = [
        LLM | {"properties": ["friendly"]},
        {"name": "own", "kind": "llm", "engine": "fake"},
        *BASE["annotators"],
    ]
    study = load_study(changed("annotators", records))
    assert study.annotators_of("llm") == ["m", "own"]


@pytest.fixture
def folder(root, tmp_path):
    return shutil.copytree(root / "workflow/prompts/annotation", tmp_path / "prompts")


@pytest.mark.parametrize(
    "name, old, new, message",
    [
        ("analysis", "{form}", "", "lacks placeholder {form}"),
        ("analysis", "{form}", "{form} {form}", "repeats placeholder {form}"),
        ("query_free", "{properties}", "{properties} {conversation}", "holds the unknown placeholder {conversation}"),
        ("errors", "types:", "kinds:", "unknown key `kinds` (known: text, types, description)"),
        ("errors", "  factual: states something that is not so", "  factual: 3", "key `types` is no mapping of texts"),
        ("reference", "text: |-", "types: {a: b}\ntext: |-", "key `types` is out of place"),
        ("query_aware", "text: |-", "words: |-", "unknown key `words`"),
    ],
)
def test_a_fault_in_a_prompt_file_is_named(folder, name, old, new, message):
    path = folder / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    head, _, body = text.partition("description:")
    assert old in body
    path.write_text(f"{head}description:{body.replace(old, new)}", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_prompts(folder, list(PASSES))
    assert message in str(caught.value) and f"{name}.yaml" in str(caught.value)


def changed_catalogue(name: str, **changes):
    catalogue = load_catalogue()
    catalogue[name] = replace(catalogue[name], **changes)
    return catalogue


@pytest.mark.parametrize(
    "name, changes, message",
    [
        ("friendly", {"maximum": 2.5}, "property `friendly`: a model cannot rate it on a scale from 0 to 2.5"),
        ("lengthy", {"annotators": ("llm",)}, "property `lengthy`: no pass of a model rates the family length"),
        (
            "no_minor_errors",
            {"asked_name": "tiny"},
            "property `no_minor_errors`: a property of the family errors needs a severity",
        ),
        ("friendly", {"asked_name": "polite"}, "2 properties of the family query_free are asked for as `polite`"),
    ],
)
def test_a_property_that_a_model_cannot_rate_is_named(name, changes, message):
    with pytest.raises(InputError) as caught:
        llm.instrument_of(make_record(), changed_catalogue(name, **changes))
    assert message in str(caught.value)


def test_a_property_may_be_counted():
    catalogue = changed_catalogue("funny", maximum=None)
    instrument = llm.instrument_of(make_record(properties=["funny"], passes=["query_free"]), catalogue)
    question = {"pass": "query_free", "responses": ["x"], "turns": None, "prompt": "", "sample": 0}
    schema = instrument.schema(question, {})["properties"]["response_1"]["properties"]["funny"]
    assert schema == {"type": "integer", "minimum": 0, "maximum": 9999}
