"""The study that the README shows is run as it stands there."""

from __future__ import annotations

import csv
import re

import pandas as pd
import pytest
import yaml

from running import ROOT, snakemake, tiny_pairs

pytestmark = pytest.mark.study


def test_the_short_study_of_the_readme_runs(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    study = yaml.safe_load(re.search(r"<!-- tested -->\n```yaml\n(.*?)```", text, re.DOTALL).group(1))
    words = {"a": "1", "b": "2"}
    with (tmp_path / "votes.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["question", "answer_1", "answer_2", "winner"])
        for number, pair in enumerate(tiny_pairs()):
            winner = "both" if number % 20 == 7 else words[pair["winner"]]
            writer.writerow([pair["prompt"], pair["response_a"], pair["response_b"], winner])
    run = snakemake(tmp_path, study, cores=2)
    assert run.code == 0, run.output
    sheet = pd.read_csv(tmp_path / "results/mine/tables/judge_datasheet.csv")
    sheet = sheet[sheet["group"] == "pooled"].set_index("judge")
    assert sheet.loc["human", "undecided"] == pytest.approx(3 / 60)
    assert sheet.loc["longer", "picks_longer"] == 1


def test_the_experiment_of_the_documentation_runs(tmp_path):
    """As docs/manipulation.md starts it: the table, the figure, AlpacaEval's files, and nothing to do a second time."""
    page = (ROOT / "docs" / "manipulation.md").read_text(encoding="utf-8")
    assert "--configfile workflow/studies/gaming_demo.yaml" in page
    study = yaml.safe_load((ROOT / "workflow/studies/gaming_demo.yaml").read_text(encoding="utf-8"))
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL).group(1))["manipulation"]
    shown["benchmark"]["path"] = str(ROOT / shown["benchmark"]["path"])
    shown["generators"][0]["replies"] = str(ROOT / shown["generators"][0]["replies"])
    study["sources"][0]["path"] = str(ROOT / study["sources"][0]["path"])
    study |= {"manipulation": shown, "regression": {"resamples": 10}}
    plan = snakemake(tmp_path, study, "plan_manipulation")
    assert plan.code == 0 and re.search(r"obedient +write +320 ", plan.output), plan.output
    run = snakemake(tmp_path, study, cores=2)
    assert run.code == 0, run.output
    table = pd.read_csv(tmp_path / "results/gaming_demo/tables/manipulation.csv")
    rows = table[table["judge"] == "known"].set_index("arm_id")
    assert rows.loc["known--towards", "shift_q025"] > 0 > rows.loc["known--against", "shift_q975"]
    assert (tmp_path / "results/gaming_demo/figures/manipulation/known.pdf").stat().st_size > 0
    assert "How far judges can be moved" in (tmp_path / "results/gaming_demo/findings.html").read_text(encoding="utf-8")
    sheet = pd.read_csv(tmp_path / "results/gaming_demo/tables/judge_datasheet.csv").query("group == 'pooled'")
    measured = sheet.set_index("judge")["gameability"].dropna()
    assert measured.to_dict() == pytest.approx({"known": rows.loc["known--towards", "shift"] / 100}, abs=1e-5)
    board = tmp_path / "results/gaming_demo/manipulation/alpaca_eval/longer/leaderboard.csv"
    assert len(pd.read_csv(board)) == 8
    again = snakemake(tmp_path, study, "--dry-run")
    assert again.jobs == {}, again.output
