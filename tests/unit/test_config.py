"""A study's config: what is filled in, and what parsing it costs."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import BASE, base, changed, error
from prefdissect.config import figure_file, load_study, read_config, safe_name
from prefdissect.config_schema import _validator, load_schema
from prefdissect.freezing import freeze
from prefdissect.provenance import to_json


@pytest.mark.parametrize("path", ["config.yaml", "workflow/studies/llmbar.yaml"])
def test_the_bundled_studies_are_valid(root, path, monkeypatch):
    monkeypatch.chdir(root)
    config = read_config(path)
    config.pop("judge_lists", None)  # its file lies with the data
    config["figures"]["judges"] = config["figures"]["judges"][-1:]
    study = load_study(config)
    assert study.folder == f"results/{study.name}"
    assert list(study.judges) == [record["name"] for record in config["judges"]]


def test_the_llmbar_study_has_its_65_listed_judges(root, shared_data):
    config = read_config(root / "workflow/studies/llmbar.yaml")
    study = load_study({**config, "data_dir": str(shared_data / "llmbar")})
    listed = [
        record for record in study.judges.values() if "base_model" in record["attributes"] and "/" in record["label"]
    ]
    assert len(listed) == 65
    assert study.judges["GPT-4-Vanilla"] == {
        "name": "GPT-4-Vanilla",
        "label": "GPT-4/Vanilla",
        "kind": "recorded",
        "source": "llmbar",
        "attributes": {
            "base_model": "GPT-4", "strategy": "Vanilla", "mode": "pairwise", "model_name": "gpt-4", "engine": "gpt-4"
        },
    }  # fmt: skip


def test_what_is_left_out_takes_the_default_in_nested_sections_too():
    study = load_study(base(regression={"folds": 5}, groups={"define": [{"name": "both", "groups": ["x"]}]}))
    assert study["regression"] == {
        "estimators": ["laplace_posterior"], "prior_scale": 0.1, "folds": 5, "resamples": 200, "graded": False,
        "published": "", "nuts": {"chains": 4, "warmup": 500, "draws": 2000},
    }  # fmt: skip
    assert study["groups"]["scenarios"] is study["groups"]["cases"] is study["groups"]["pooled"] is True
    assert study["comparison"] == {
        "human": "", "group": "overall", "clusters": 0, "resample": "prompts", "attributes": [], "permutations": 9999,
        "base": "", "differences": [], "group_differences": [], "drift": [],
    }  # fmt: skip
    assert study["preferences"] == {"ties": "drop"}
    look = {"width": 178, "font": "DejaVu Sans", "palette": "okabe_ito"}
    assert study["figures"] == {"judges": [], "groups": ["pooled"], "attributes": [], "pairs": []} | look
    assert (study["seed"], study["measurements"], study["results_dir"]) == (1, "live", "results")


def test_records_take_the_defaults_of_their_kind():
    sources = [
        {"name": "votes", "kind": "table", "path": "p.csv", "judgements": {"path": "j.csv"}, "sample": {"sizes": 3}},
        {"name": "arena", "kind": "lmsys", "path": "a.json", "filter": {"language": None}},
    ]
    random = {"name": "random", "kind": "transformers", "random_model": {"seed": 3}}
    study = load_study(base(sources=sources, judges=[*BASE["judges"], random]))
    votes, arena = study.sources.values()
    assert votes["columns"] == {} and votes["votes"] == [] and votes["empty_responses"] == "error"
    assert votes["judgements"] == {"path": "j.csv", "columns": {}} and votes["sample"] == {"sizes": 3, "seed": 0}
    assert arena["filter"] == {"language": None, "single_turn": True, "clear_winner": True}
    model = study.judges["random"]
    assert model["random_model"] == {"seed": 3, "hidden_size": 128, "layers": 2, "vocab_size": 2000}
    assert (model["dtype"], model["gpu"], model["mem_mb"], model["runtime"]) == ("auto", 0, 4000, 60)
    assert study.labels == {"human": "human", "longer": "longer", "random": "random"}


def test_loading_does_not_change_what_was_given_and_is_stable():
    config = base(groups={"define": []})
    before = copy.deepcopy(config)
    study = load_study(config)
    assert config == before
    assert load_study(study.config).config == study.config


def test_defaults_of_two_studies_are_not_shared():
    first = load_study(base())
    first["figures"]["judges"].append("x")
    assert load_study(base())["figures"]["judges"] == []


@pytest.mark.parametrize(
    "section",
    ["groups", "judge_lists", "preferences", "regression", "comparison", "figures", "title", "seed", "archive"],
)
def test_a_section_left_empty_is_as_if_left_out(section):
    assert load_study(base(**{section: None})).config == load_study(base()).config


def test_nested_keys_left_empty_are_as_if_left_out():
    config = base(groups={"define": None, "cases": None}, regression={"folds": None})
    config["judges"][0] |= {"label": None, "attributes": None}
    config["sources"][0] |= {"columns": None, "votes": None, "sample": None}
    assert load_study(config).config == load_study(base()).config


@pytest.mark.parametrize(
    ("folder", "path"),
    [(".", "./p.csv"), ("", "./p.csv"), ("/data/x", "/data/x/p.csv"), ("a/", "a/p.csv"), ("/", "//p.csv")],
)
def test_data_dir_goes_into_every_path(folder, path):
    config = base(data_dir=folder, sources=[{"name": "votes", "kind": "table", "path": "{data_dir}/p.csv"}])
    assert load_study(config).sources["votes"]["path"] == path


@pytest.mark.parametrize(
    ("results", "folder"),
    [
        ("results/", "results/mine"),
        ("./out", "out/mine"),
        ("", "mine"),
        ("/abs//x", "/abs/x/mine"),
        ("{data_dir}/o", "d/o/mine"),
    ],
)
def test_the_folder_of_a_study_is_a_plain_path(results, folder):
    assert load_study(base(results_dir=results, data_dir="d")).folder == folder


def test_numbers_as_keys_become_text():
    votes = [{"judge": "human", "column": "w", "values": {1: "a", 2.0: "b", False: "tie", None: None}}]
    study = load_study(changed("sources.0.votes", votes))
    assert study.sources["votes"]["votes"][0]["values"] == {"1": "a", "2": "b", "false": "tie", None: None}
    assert json.loads(to_json(study.config))["study"] == "mine"


def test_kinds_come_back_in_the_order_of_the_study():
    study = load_study(base())
    assert study.judges_of("rule", "recorded") == ["human", "longer"]
    assert study.judges_of("simulated") == []
    assert study.annotators_of("lexical") == ["lexical"]


@pytest.mark.parametrize(
    ("label", "name"),
    [("GPT-4/Vanilla", "GPT-4-Vanilla"), ("GPT-4 Vanilla", "GPT-4-Vanilla"), ("a.b_c", "a.b_c"), ("..", "unnamed"),
     ("/etc/passwd", "etc-passwd"), ("_x_", "x_"), ("裁判", "unnamed"), ("", "unnamed"), (".hidden", "hidden")],
)  # fmt: skip
def test_safe_names(label, name):
    assert safe_name(label) == name


@given(st.text())
def test_a_safe_name_passes_the_schema_or_is_too_long(label):
    pattern = load_schema()["$defs"]["name"]["pattern"]
    assert re.search(pattern, safe_name(label)[:100])


@pytest.mark.parametrize(
    ("group", "name"),
    [("pooled", "pooled"), ("Adversarial/Neighbor", "Adversarial-Neighbor"), ("Unsafe Queries", "Unsafe_Queries"),
     ("写作", "写作"), ("{x}", "-x-"), ("..", "unnamed")],
)  # fmt: skip
def test_figure_files(group, name):
    assert figure_file(group) == name


# Frozen studies -------------------------------------------------------------------------------------------------------


def archive(folder: Path, judges: list) -> str:
    (folder / "pairs.parquet").write_bytes(b"x")
    path = folder / "measurements.zip"
    freeze(str(folder), [str(folder / "pairs.parquet")], "mine", judges, str(path))
    return str(path)


def test_a_frozen_study_takes_its_judges_from_the_archive(tmp_path):
    live = load_study(base())
    frozen = {"measurements": "frozen", "archive": archive(tmp_path, live["judges"])}
    study = load_study({**base(**frozen), "judge_lists": [{"path": "none.csv"}], "judges": []})
    assert study.judges == live.judges


def test_a_judge_in_an_archive_that_breaks_the_schema_is_named(tmp_path):
    path = archive(tmp_path, [{"name": "a", "kind": "rule", "rule": "best"}])
    assert f"{path}: config key `judges[0].rule` is 'best'" in error(base(measurements="frozen", archive=path))


# The schema itself ----------------------------------------------------------------------------------------------------


def described(schema: dict, where: str):
    """Every key with its own schema."""
    for key, sub in schema.get("properties", {}).items():
        yield f"{where}.{key}", sub
        yield from described(sub, f"{where}.{key}")
    if "items" in schema:
        yield from described(schema["items"], f"{where}[]")


def test_every_key_says_what_it_is_and_has_a_valid_default():
    schema = load_schema()
    keys = [pair for name, part in [("", schema), *schema["$defs"].items()] for pair in described(part, name)]
    assert len(keys) > 80
    for key, sub in keys:
        sub = schema["$defs"][sub["$ref"].rsplit("/", 1)[1]] if "$ref" in sub else sub
        described_elsewhere = key.endswith(".kind") or "properties" in sub
        assert sub.get("description") or described_elsewhere, f"{key} has no description"
        if "default" in sub:
            assert _validator(sub).is_valid(sub["default"]), key


# What parsing the Snakefile costs -------------------------------------------------------------------------------------


def test_what_the_snakefile_imports_is_light(root):
    code = (
        "import sys, prefdissect.config, prefdissect.pairs.registry, prefdissect.provenance as p;"
        "p.code_hash('prefdissect.config');"
        "print([m for m in ('pandas', 'numpy', 'torch', 'pandera', 'pyarrow', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(root / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
