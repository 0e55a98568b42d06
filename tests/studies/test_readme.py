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
