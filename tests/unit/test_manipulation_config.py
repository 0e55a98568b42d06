"""The section `manipulation` of a study: what is filled in, and faults by their key."""

from __future__ import annotations

import json

import pytest

from configs import base, error
from prefdissect.catalogue import load_catalogue
from prefdissect.config import load_study, read_config
from prefdissect.manipulation.planning import plan_of, printed_plan
from prefdissect.manipulation_config import tuned_arms
from running import ROOT

SIZED = {"name": "seven", "kind": "vllm", "model": "some/model", "size": 7}
FAKE = {"name": "made-up", "kind": "fake"}


@pytest.fixture
def section(tmp_path) -> dict:
    (tmp_path / "b.json").write_text(json.dumps([{"instruction": "x" * 40}] + [{"instruction": "y" * 40}]))
    return {"benchmark": {"path": str(tmp_path / "b.json")}, "generators": [dict(FAKE)], "targets": ["human"]}


def test_what_is_left_out_is_filled_in(section):
    found = load_study(base(manipulation=section))["manipulation"]
    assert found["judges"] == ["longer"], "people judge no new output"
    assert found["group"] == "overall" or found["group"] == "pooled"
    assert (found["k"], found["seeds"], found["tuning"]) == (3, [1, 2, 3, 4, 5], None)
    assert load_study(base())["manipulation"] is None


def test_tuned_arms_have_the_published_settings(section):
    section |= {"generators": [dict(SIZED), dict(FAKE)], "tuning": {}}
    found = load_study(base(manipulation=section))["manipulation"]
    tuning = found["tuning"]
    assert tuning["generators"] == ["seven"]
    published = {"batch_size": 64, "learning_rate": 1e-5, "schedule": "cosine", "epochs": 3, "margin": 15}
    assert published.items() <= tuning.items()
    assert [each["name"] for each in tuned_arms(found)] == [
        "seven--human--towards", "seven--human--against", "seven--human--shuffled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"targets": ["humans"]},
            "config key `manipulation.targets[0]`: `humans` is not known (did you mean `human`?)",
        ),
        ({"judges": ["human"]}, "`manipulation.judges[0]`: `human` is recorded and cannot judge anew (one of longer"),
        ({"generators": [{"name": "g"}]}, "config key `manipulation.generators[0].kind` is missing (one of vllm"),
        ({"generators": [{"name": "g", "kind": "vllm"}]}, "manipulation.generators[0].model` is missing"),
        ({"generators": [FAKE, FAKE]}, "config key `manipulation.generators[1].name`: `made-up` is taken already"),
        ({"generators": [FAKE | {"modle": "x"}]}, "config key `manipulation.generators[0].modle` is unknown"),
        ({"benchmark": {"path": "no.json"}}, "config key `manipulation.benchmark.path`: `no.json` does not exist"),
        ({"tuning": {}}, "config key `manipulation.tuning`: no generator has weights to tune"),
        ({"grading": {}}, "config key `manipulation.grading`: no scoring judge is asked by prompts"),
        ({"k": 0}, "config key `manipulation.k` is 0"),
    ],
)
def test_faults_name_their_key(section, changes, expected):
    assert expected in error(base(manipulation=section | changes))


def test_a_plan_counts_what_will_be_asked(section):
    section |= {"generators": [dict(SIZED)], "tuning": {}, "targets": ["human", "longer"]}
    judge = {"name": "asked", "kind": "fake", "samples": 2}
    judges = [*base()["judges"], judge]
    study = load_study(base(manipulation=section, judges=judges))
    plan = plan_of(study["manipulation"], study.judges, load_catalogue(), study["plan"]).set_index(["name", "task"])
    arms = 1 + 2 * (2 + 5) + 2 * 3
    assert plan.loc[("seven", "write"), "requests"] == arms * 2
    assert plan.loc[("seven", "write"), "gpu_hours"] > 0 and plan.loc[("seven", "tune"), "requests"] == 2 * 3 * 3 * 4000
    assert plan.loc[("asked", "judge"), "requests"] == (arms - 1) * 2 * 2 * 2, (
        "both orders, two samples, no own baseline"
    )
    assert "GPU-hours" in printed_plan(plan.reset_index())


def test_the_full_study_loads(tmp_path):
    for name in ("alpaca_eval.json", "gpt4_1106_preview.json"):
        (tmp_path / name).write_text(json.dumps([{"instruction": "x"}]))
    config = read_config(ROOT / "workflow/studies/manipulation.yaml") | {"data_dir": str(tmp_path)}
    study = load_study(config)
    sizes = {record["name"]: record["size"] for record in study["manipulation"]["generators"]}
    assert min(sizes.values()) >= 7 and max(sizes.values()) >= 70
    assert study["manipulation"]["generators"][2]["gpu"] == 4
