"""A study whose queries get their scenario from a classifier."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from running import snakemake, tiny_pairs, tiny_study, write_jsonl

pytestmark = pytest.mark.study
TOPICS = {"gardening": "How do I grow {} on a balcony?", "letters": "Write a card to {} with two lines"}
THINGS = ["basil", "roses", "my aunt", "tomatoes", "a friend", "mint"]


@pytest.fixture
def config(tmp_path) -> dict:
    study = tiny_study(tmp_path)
    given = [{**row, "scenario": "Kept" if number < 8 else None} for number, row in enumerate(tiny_pairs())]
    write_jsonl(tmp_path / "pairs.jsonl", given)
    labelled = [{"text": form.format(thing), "kind": kind} for kind, form in TOPICS.items() for thing in THINGS]
    queries = write_jsonl(tmp_path / "labelled.jsonl", labelled)
    return study | {"scenarios": {"queries": queries, "columns": {"query": "text", "scenario": "kind"}, "folds": 3}}


def test_pairs_get_a_scenario_and_the_accuracy_is_planned_as_a_table(config, tmp_path):
    run = snakemake(tmp_path, config, "results/tiny/pairs.parquet")
    assert run.code == 0 and run.jobs == {"import_source": 1, "classify_scenarios": 1, "assemble_pairs": 1}, run.output
    pairs = pd.read_parquet(tmp_path / "results/tiny/pairs.parquet")
    assert (pairs["scenario"][:8] == "Kept").all() and set(pairs["scenario"][8:]) == set(TOPICS)
    said = pd.read_parquet(tmp_path / "results/tiny/scenarios.parquet")
    assert len(said) == pairs.loc[8:, "prompt_id"].nunique() and said["probability"].between(0.5, 1).all()
    plan = snakemake(tmp_path, config, "--dry-run", "results/tiny/tables/scenario_quality.csv")
    assert plan.code == 0 and "classify_scenarios" not in plan.jobs and plan.jobs["write_tables"] == 1


def test_a_query_with_two_scenarios_stops_the_study_with_one_message(config, tmp_path):
    path = tmp_path / "labelled.jsonl"
    twice = {"text": "How do I grow basil on a balcony?", "kind": "letters"}
    path.write_text(path.read_text(encoding="utf-8") + json.dumps(twice) + "\n", encoding="utf-8")
    run = snakemake(tmp_path, config, "results/tiny/pairs.parquet")
    assert run.code != 0 and run.errors == [
        f"Error: {path}: the query 'How do I grow basil on a balcony?' has the scenarios 'gardening' and 'letters' "
        "(one scenario per query)"
    ]
