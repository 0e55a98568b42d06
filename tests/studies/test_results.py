"""What a finished study leaves behind."""

from __future__ import annotations

import json

import pandas as pd

from exploring import chunks_of
from prefdissect.tables import read_table
from running import snakemake, tiny_study


def test_every_promised_file_is_there(finished):
    out = finished / "results" / "tiny"
    tables = (
        "effects",
        "fit_quality",
        "similarity",
        "group_similarity",
        "clusters",
        "top_properties",
        "judge_datasheet",
        "property_statistics",
        "property_correlations",
    )
    for name in tables:
        assert len(pd.read_csv(out / "tables" / f"{name}.csv")), name
        assert "\\toprule" in (out / "tables" / f"{name}.tex").read_text(encoding="utf-8"), name
        assert "| ---" in (out / "tables" / f"{name}.md").read_text(encoding="utf-8"), name
    figures = ("degree/pooled", "similarity", "group_similarity", "datasheet/pooled", "fit_quality/pooled")
    for figure in (*figures, "properties/pooled", "top_properties/human"):
        assert (out / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert (out / f"figures/{figure}.png").read_bytes().startswith(b"\x89PNG")
    core, _ = chunks_of(out / "explorer.html")["core"]
    assert [judge["name"] for judge in core["judges"]] == ["human", "longer", "coin"]
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["config"]["regression"]["prior_scale"] == 0.1
    assert list(provenance["inputs"]) == [str(finished / "pairs.jsonl")]


def test_findings_name_what_was_not_measured(finished):
    text = (finished / "results" / "tiny" / "findings.html").read_text(encoding="utf-8")
    assert "no annotator of this study produces them" in text and "shows empathy" in text
    assert "Null control" in text


def test_properties_nobody_measured_are_in_no_table(finished):
    features = read_table(finished / "results" / "tiny" / "features.parquet", "features")
    assert set(features["property"]) == {"lengthy", "step_by_step"}


def test_human_votes_arrive_as_they_were_cast(finished):
    out = finished / "results" / "tiny"
    pairs = pd.read_json(finished / "pairs.jsonl", lines=True).set_index("pair_id")["winner"]
    human = read_table(out / "judgements" / "human.parquet", "judgements").set_index("pair_id")["verdict"]
    assert human.to_dict() == pairs.to_dict()


def test_report_is_one_file(finished, tmp_path):
    target = tmp_path / "report.html"
    run = snakemake(finished, tiny_study(finished), "--report", str(target))
    assert run.code == 0, run.output
    assert "Degree of preference" in target.read_text(encoding="utf-8")
