"""Studies whose properties a language model rates: from prompts to figures, with a property of the user's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from prefdissect.tables import read_table
from running import ENVIRONMENT, ROOT, snakemake, snakemake_command, tiny_pairs, tiny_study, write_jsonl

pytestmark = pytest.mark.study
OWN = [
    {
        "name": "names_numbers", "label": "names numbers", "family": "query_free",
        "definition": "The response says how many.", "scale": {"min": 0, "max": 3},
        "anchors": {0: "no number", 3: "numbers throughout"}, "sign_rule": "more", "graded_by": 3,
        "annotators": ["recorded", "llm"],
    },
    {
        "name": "explains_constraints", "label": "explains constraints", "family": "query_specific",
        "case": "w_constraints", "definition": "The response says how it meets each constraint.",
        "scale": {"min": 0, "max": 3}, "sign_rule": "mean_of_items", "graded_by": 3, "annotators": ["llm"],
    },
]  # fmt: skip
TABLES = ("annotations", "query_info", "errors", "features", "annotation_repeats")


def own_catalogue(folder: Path) -> str:
    """The catalogue with two further properties."""
    catalogue = yaml.safe_load((ROOT / "workflow/properties.yaml").read_text(encoding="utf-8"))
    path = folder / "properties.yaml"
    path.write_text(yaml.safe_dump({"properties": catalogue["properties"] + OWN}, sort_keys=False), encoding="utf-8")
    return str(path)


def study(folder: Path, **changes) -> dict:
    """A study on tiny pairs with a made-up annotator and lexical length."""
    config = tiny_study(folder)
    lexical = {"name": "lexical", "kind": "lexical", "properties": ["lengthy"]}
    config["annotators"] = [{"name": "pretend", "kind": "llm", "engine": "fake"} | changes, lexical]
    config["features"] = {"unchecked_errors": "zero"}
    return config


def test_a_property_of_ones_own_goes_from_annotation_to_figures(tmp_path):
    """Without a change of code: rated by a model, rewarded by a judge, found by the fit, in tables and figures."""
    config = study(tmp_path, mode="single") | {"catalogue": own_catalogue(tmp_path)}
    config["judges"] = [
        {"name": "counter", "kind": "simulated", "coefficients": {"names_numbers": 4}},
        {"name": "coin", "kind": "rule", "rule": "coin"},
    ]
    run = snakemake(tmp_path, config, cores=2)
    assert run.code == 0, run.output
    out = tmp_path / "results/tiny"
    annotations = read_table(out / "annotations/pretend.annotations.parquet", "annotations")
    own = annotations[annotations["property"] == "names_numbers"]
    assert len(own) == 60 and set(own["score_a"]) == {0, 1, 2, 3}
    specific = annotations[annotations["property"] == "explains_constraints"].set_index(["pair_id", "item"])
    assert specific.index.equals(
        annotations[annotations["property"] == "satisfies_constraints"].set_index(["pair_id", "item"]).index
    )
    features = read_table(out / "features.parquet", "features")
    assert {"names_numbers", "explains_constraints", "lengthy"} <= set(features["property"])
    effects = pd.read_csv(out / "tables/effects.csv")
    found = effects[(effects["judge"] == "counter") & (effects["group"] == "pooled")].set_index("property")
    assert found["mean"].idxmax() == "names_numbers" and found["word"]["names_numbers"] == "rewards"
    assert found["property_label"]["names_numbers"] == "names numbers" and len(found) == 31
    top = pd.read_csv(out / "tables/top_properties.csv")
    assert "names numbers" in set(top["property"])
    figure = (out / "figures/degree/pooled.pdf").read_bytes()
    assert figure.startswith(b"%PDF") and (out / "figures/degree/pooled.png").stat().st_size > 10_000
    assert "names numbers" in (out / "findings.html").read_text(encoding="utf-8")


def test_recorded_ratings_of_ones_own_property_flow_as_well(tmp_path):
    config = study(tmp_path) | {"catalogue": own_catalogue(tmp_path)}
    rows = [
        {"pair_id": pair["pair_id"], "property": "names_numbers", "score_a": n % 4, "score_b": n % 3}
        for n, pair in enumerate(tiny_pairs())
    ]
    config["sources"][0]["annotations"] = {"path": write_jsonl(tmp_path / "ratings.jsonl", rows)}
    config["annotators"][0] = {"name": "people", "kind": "recorded", "source": "votes"}
    run = snakemake(tmp_path, config, "results/tiny/tables/effects.csv", cores=2)
    assert run.code == 0, run.output
    effects = pd.read_csv(tmp_path / "results/tiny/tables/effects.csv")
    assert set(effects["property"]) == {"names_numbers", "lengthy"}


def test_a_model_is_one_line_away_from_recorded_ratings(tmp_path):
    """The sample's config, with the annotator's record replaced."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["sources"][0]["path"] = str(ROOT / config["sources"][0]["path"])
    config["annotators"][0] = {"name": "author", "kind": "llm", "engine": "fake"}
    run = snakemake(tmp_path, config, "results/demo/features.parquet", "results/demo/groups.parquet", cores=2)
    assert run.code == 0, run.output
    features = read_table(tmp_path / "results/demo/features.parquet", "features")
    assert features["property"].nunique() == 29 and features["pair_id"].nunique() == 384
    assert set(features["annotator"]) == {"author", "lexical"}
    groups = read_table(tmp_path / "results/demo/groups.parquet", "groups")
    assert "w_constraints" in set(groups["group"])


def table(name: str) -> str:
    return f"results/tiny/annotations/pretend.{name}.parquet"


def stored(folder: Path) -> list[str]:
    found = (folder / "results/.cache/annotations").rglob("*.jsonl")
    return [line for path in found for line in path.read_text(encoding="ascii").splitlines()]


def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    run = snakemake(whole, study(whole), table("annotations"))
    assert run.code == 0, run.output
    command = snakemake_command(tmp_path, study(tmp_path, seconds=0.2, batch_size=8), table("annotations"))
    process = subprocess.Popen(
        command,
        env=ENVIRONMENT,
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        end = time.monotonic() + 180
        while len(stored(tmp_path)) < 30:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    time.sleep(1.0)
    kept = len(stored(tmp_path))
    assert not (tmp_path / table("annotations")).exists()
    assert snakemake(tmp_path, study(tmp_path), "--unlock").code == 0
    resumed = snakemake(tmp_path, study(tmp_path), table("annotations"))
    assert resumed.code == 0, resumed.output
    for name in TABLES:
        assert (tmp_path / table(name)).read_bytes() == (whole / table(name)).read_bytes(), name
    usage = json.loads((tmp_path / "results/tiny/annotations/pretend.usage.json").read_text(encoding="utf-8"))
    assert 30 <= kept < usage["requests"] == len(stored(tmp_path)), "nothing was asked twice"


def test_the_plan_counts_annotators_and_judges_alike(tmp_path):
    config = study(tmp_path)
    config["annotators"].insert(
        1, {"name": "bought", "kind": "llm", "engine": "openai", "model": "m", "price": {"read": 1, "written": 2}}
    )
    config["judges"].append({"name": "asked", "kind": "fake"})
    run = snakemake(tmp_path, config, "plan")
    assert run.code == 0, run.output
    rows = {line.split()[0]: line.split() for line in run.output.splitlines() if line.strip()}
    # 60 queries with an analysis and a reference each, 60 pairs in four passes.
    assert rows["pretend"][1:5] == ["annotator", "360", "0", "about"] and rows["asked"][1:4] == ["judge", "120", "0"]
    assert (
        "at most" in " ".join(rows["bought"])
        and "at the prices given" in " ".join(rows["bought"])
        and stored(tmp_path) == []
    )


def test_an_edited_prompt_or_catalogue_redoes_the_annotation_and_a_machine_setting_does_not(tmp_path):
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    for file in (ROOT / "workflow/prompts/annotation").glob("*.yaml"):
        (prompts / file.name).write_bytes(file.read_bytes())
    catalogue = own_catalogue(tmp_path)
    config = study(tmp_path, prompts=str(prompts)) | {"catalogue": catalogue}
    assert snakemake(tmp_path, config, table("annotations")).code == 0
    moved = study(tmp_path, prompts=str(prompts), mem_mb=77, runtime=7) | {"catalogue": catalogue}
    assert snakemake(tmp_path, moved, "--dry-run", table("annotations")).jobs == {}
    file = prompts / "query_aware.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("You rate", "Please rate"), encoding="utf-8")
    assert snakemake(tmp_path, moved, "--dry-run", table("annotations")).jobs == {"annotate_by_model": 1}
    before = len(stored(tmp_path))
    assert snakemake(tmp_path, moved, table("annotations")).code == 0
    assert len(stored(tmp_path)) == before + 60, "one pass of 60 pairs is asked anew"
