"""A study that starts from published coefficients, run to the end as a user would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exploring import chunks_of
from running import snakemake

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with coefficients of three judges in two scenarios, as they are published."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "fitted").mkdir()
    rng = np.random.default_rng(1)
    for group in ("Advice", "Code"):
        rows = [
            {"model_name": name, "parameters": rng.normal(0, 0.3, 29).tolist()} for name in ("human", "A", "A-chat")
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "fitted" / f"model_{group}_fitted_paras.jsonl").write_text(text, encoding="utf-8")
    return folder


def config(folder: Path) -> dict:
    return {
        "study": "p",
        "measurements": "published",
        "published": str(folder / "fitted"),
        "judges": [
            {"name": "human", "kind": "published", "attributes": {"stage": "human"}},
            {"name": "A", "kind": "published", "attributes": {"stage": "base"}},
            {"name": "A-chat", "kind": "published", "attributes": {"stage": "aligned", "base": "A"}},
        ],
        "comparison": {"human": "human", "base": "base", "differences": [["human", "A"]]},
        "figures": {"groups": ["overall", "Code"]},
    }


def test_no_rule_that_needs_pairs_is_in_the_plan(folder):
    run = snakemake(folder, config(folder), "--dry-run")
    assert run.code == 0, run.output
    assert set(run.jobs) == {
        "import_published", "compare_judges", "contrast_judges", "plot_degree", "plot_effects", "plot_similarity",
        "write_tables", "write_findings", "write_explorer", "write_provenance",
    }  # fmt: skip


def test_a_missing_folder_stops_with_one_message(folder):
    run = snakemake(folder, config(folder) | {"published": "nowhere"}, "--dry-run")
    assert run.code != 0 and "config key `published`: the folder `nowhere` does not exist" in run.output
    assert "Traceback" not in run.output


def test_figures_tables_findings_and_report(folder, tmp_path):
    run = snakemake(folder, config(folder), cores=2)
    assert run.code == 0, run.output
    out = folder / "results" / "p"
    for figure in ("degree/overall", "degree/Code", "differences/human--A", "aligned_shifts", "aligned_similarity",
                   "attribute_similarity", "similarity", "group_similarity", "top_properties/human"):  # fmt: skip
        assert (out / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF"), figure
    effects = pd.read_csv(out / "tables" / "effects.csv")
    assert effects[["q025", "q975"]].isna().all(axis=None) and set(effects["word"]) == {"no interval"}
    chunks = chunks_of(out / "explorer.html")
    core, arrays = chunks["core"]
    assert set(chunks) == {"core", "differences"} and core["pairs"] is None and not core["study"]["judged"]
    assert len(core["judges"]) == 3 and (arrays["effect_word"] == core["words"].index("no interval")).any()
    text = (out / "findings.html").read_text(encoding="utf-8")
    assert "Nothing is called distinguishable" in text and "nothing distinguishable" not in text
    assert snakemake(folder, config(folder), "--dry-run").jobs == {}
    target = tmp_path / "report.html"
    report = snakemake(folder, config(folder), "--report", str(target))
    assert report.code == 0, report.output
    assert "aligned similarity" in target.read_text(encoding="utf-8")
