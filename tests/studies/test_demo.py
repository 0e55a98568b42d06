"""The default study, run to the end: what is known of its judges must come out."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from running import ROOT, snakemake

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def effects(tmp_path_factory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("demo")
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["sources"][0]["path"] = str(ROOT / config["sources"][0]["path"])
    run = snakemake(folder, config, cores=2)
    assert run.code == 0, run.output
    return pd.read_csv(folder / "results/demo/tables/effects.csv")


def told(effects: pd.DataFrame, judge: str, group: str = "pooled") -> dict[str, str]:
    """Property -> word, for the effects that are told from neutral."""
    chosen = effects[(effects["judge"] == judge) & (effects["group"] == group)]
    chosen = chosen[chosen["word"].isin(["rewards", "penalises"])]
    return dict(zip(chosen["property"], chosen["word"], strict=True))


def test_length_judges_reward_length_and_nothing_else(effects):
    assert told(effects, "longer") == {"lengthy": "rewards"}
    assert told(effects, "shorter") == {"lengthy": "penalises"}


def test_the_structure_judge_rewards_formatting(effects):
    assert told(effects, "structured")["well_formatted"] == "rewards"
    assert "lengthy" not in told(effects, "structured")


@pytest.mark.parametrize("judge", ["coin", "random-model"])
def test_judges_that_know_nothing_show_no_more_than_the_error_rate_allows(effects, judge):
    mine = effects[effects["judge"] == judge]
    found = mine["word"].isin(["rewards", "penalises"]).sum()
    assert found <= 0.05 * len(mine)


def test_every_group_and_all_29_properties_are_there(effects):
    assert effects["property"].nunique() == 29
    assert effects["group"].nunique() == 11 + 5 + 1 + 2  # scenarios, cases, the study's own, pooled and overall
