"""The bundled sample: what its README says of it is true."""

from __future__ import annotations

import importlib.util
import json

import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.pairs.registry import read_source


@pytest.fixture(scope="module")
def sample(root):
    record = {"name": "sample", "kind": "responses", "path": str(root / "data/sample/queries")}
    return read_source(record | {"empty_responses": "error"}, load_catalogue())


@pytest.fixture(scope="module")
def agreement_module(root):
    spec = importlib.util.spec_from_file_location("agreement", root / "data/sample/agreement.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sizes_are_those_of_the_readme(sample, root):
    readme = (root / "data/sample/README.md").read_text(encoding="utf-8")
    assert len(sample.pairs) == 384 and "384 pairs" in readme
    assert sample.pairs["prompt_id"].nunique() == 64 and sample.pairs["scenario"].nunique() == 11
    info = sample.query_info
    cases = {
        "unclear intent": (~info["clear_intent"]).sum(),
        "feelings": info["feelings"].sum(),
        "explicit constraints": info["constraints"].map(json.loads).map(bool).sum(),
        "subjective stances": info["stances"].map(json.loads).map(bool).sum(),
        "mistakes or\nbiases": info["mistakes"].map(json.loads).map(bool).sum(),
    }
    for case, count in cases.items():
        assert f"{case} {count}" in readme.replace("queries, ", "").replace(" queries", ""), (case, count)


def test_every_property_but_length_is_rated_for_every_pair(sample):
    rated = sample.annotations.groupby("property")["pair_id"].nunique()
    assert set(rated.index) == set(load_catalogue()) - {"lengthy"}
    assert (rated == len(sample.pairs)).all()


def test_length_does_not_go_with_the_place_a_response_was_written_in(sample):
    longer = sample.pairs["response_a"].str.len() > sample.pairs["response_b"].str.len()
    assert 0.4 < longer.mean() < 0.6


def test_stated_agreement_of_the_blind_second_ratings_is_the_measured_one(agreement_module, root):
    pairs = agreement_module.paired_ratings()
    stated = (root / "data/sample/README.md").read_text(encoding="utf-8")
    measured = agreement_module.agreement(pairs)
    first = sum(
        len(values)
        for path in (root / "data/sample/queries").glob("*.yaml")
        for query in [agreement_module.yaml.safe_load(path.read_text(encoding="utf-8"))]
        for response in query["responses"]
        for values in agreement_module.first_ratings(query, response).values()
    )
    assert len(pairs) >= 0.1 * first
    assert f"{len(pairs)} ratings" in stated
    for text in (
        f"{100 * measured['equal']:.1f} %",
        f"{100 * measured['within_one']:.1f} %",
        f"{measured['kappa']:.3f}",
    ):
        assert text in stated
