"""The study of 65 real judges, run to the end and held against what is counted from the data and what was published."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml

from exploring import chunks_of
from prefdissect.datasheet import read_datasheet
from prefdissect.pairs.llmbar import statistics
from prefdissect.tables import read_table
from running import ROOT, snakemake

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def config(shared_data) -> dict:
    config = yaml.safe_load((ROOT / "workflow/studies/llmbar.yaml").read_text(encoding="utf-8"))
    return config | {"data_dir": str(shared_data / "llmbar")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("llmbar")
    run = snakemake(folder, config, cores=2)
    assert run.code == 0, run.output
    return folder


@pytest.fixture(scope="module")
def out(folder):
    return folder / "results" / "llmbar"


def effect(out, judge: str, group: str, prop: str) -> pd.Series:
    table = pd.read_csv(out / "tables" / "effects.csv")
    chosen = table[(table["judge"] == judge) & (table["group"] == group) & (table["property"] == prop)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_accuracies_equal_the_published_ones_in_all_349_cells(out, config, shared_data):
    listed = pd.read_csv(shared_data / "llmbar" / "judges.csv")["judge"]
    labels = {re.sub(r"[^A-Za-z0-9._-]+", "-", label): label for label in listed}
    tables = [read_table(out / "judgements" / f"{name}.parquet", "judgements") for name in labels]
    judgements = pd.concat(tables, ignore_index=True)
    judgements["judge"] = judgements["judge"].map(labels)
    gold = read_table(out / "judgements" / "gold.parquet", "judgements")
    ours = statistics(pd.concat([judgements, gold], ignore_index=True), read_table(out / "pairs.parquet", "pairs"))
    published = pd.read_csv(shared_data / "llmbar" / "published_statistics.csv").set_index(["scenario", "judge"])
    ours = ours.set_index(["scenario", "judge"]).loc[published.index]
    assert len(published) == 349
    counts = ["n", "correct_ab", "correct_ba", "correct_both", "agree"]
    pd.testing.assert_frame_equal(ours[counts], published[counts], check_dtype=False)
    assert (ours["accuracy_avg_pct"] - published["accuracy_avg_pct"]).abs().max() < 1e-9


def test_length_pull_on_the_adversarial_pairs_has_the_sign_that_counting_gives(out):
    # Counted from the data: the longer response is picked in 31 %, 67 % and 71 % of the verdicts.
    assert effect(out, "GPT-4-Vanilla", "adversarial", "lengthy")["word"] == "penalises"
    assert effect(out, "ChatGPT-Vanilla", "adversarial", "lengthy")["word"] == "rewards"
    assert effect(out, "LLaMA2-Vanilla", "adversarial", "lengthy")["word"] == "rewards"
    assert effect(out, "gold", "adversarial", "lengthy")["word"] == "penalises"


def test_a_small_subset_shows_less_than_the_union_and_the_findings_say_so(out):
    table = pd.read_csv(out / "tables" / "effects.csv")
    told = table["word"].isin(["rewards", "penalises"]).groupby(table["group"]).mean()
    assert told["Adversarial/Manual"] < told["adversarial"]
    row = (out / "findings.html").read_text(encoding="utf-8").split("<td>Adversarial/Manual</td>")[1].split("</tr>")[0]
    assert "hardly any effect can be told from neutral" in row and "no evidence of no effect" in row


def test_controls_are_dissected_rightly(out):
    assert effect(out, "longer", "pooled", "lengthy")["word"] == "rewards"
    assert effect(out, "shorter", "pooled", "lengthy")["word"] == "penalises"
    coin = pd.read_csv(out / "tables" / "effects.csv").query("judge == 'coin'")
    told = coin["word"].isin(["rewards", "penalises"]).sum()
    assert told <= 0.05 * len(coin) + 2 * (0.05 * 0.95 * len(coin)) ** 0.5


def test_datasheet_shows_position_bias_and_indecision(out):
    sheet = read_datasheet(out / "tables" / "judge_datasheet.csv")
    pooled = sheet[sheet["group"] == "pooled"]
    models = pooled[pooled["first_slot"].notna()]
    verdicts = models["n_requests"] - models["n_unparsed"]
    base = models["label"].str.split("/").str[0]
    share = (models["first_slot"] * verdicts).groupby(base).sum() / verdicts.groupby(base).sum()
    assert (100 * share).round().astype(int).to_dict() == {
        "Falcon": 81,
        "ChatGPT-0301": 68,
        "ChatGPT": 66,
        "PaLM2": 56,
        "GPT-4": 51,
        "LLaMA2": 49,
    }
    judges = pooled[pooled["label"].str.contains("/")]
    assert len(judges) == 65
    assert judges["undecided"].median() == pytest.approx(0.32, abs=0.01)


def test_datasheet_has_every_scenario_and_defined_group_with_intervals(out):
    sheet = read_datasheet(out / "tables" / "judge_datasheet.csv")
    groups = read_table(out / "groups.parquet", "groups")
    assert set(sheet["group"]) == set(groups["group"]) and "adversarial" in set(sheet["group"])
    rows = sheet[sheet["first_slot"].notna()]
    assert rows["first_slot"].between(rows["first_slot_q025"], rows["first_slot_q975"]).all()
    wide = rows["first_slot_q975"] - rows["first_slot_q025"]
    assert wide[rows["group"] == "Adversarial/Manual"].median() > 2 * wide[rows["group"] == "pooled"].median()
    assert (out / "figures" / "datasheet" / "adversarial.pdf").read_bytes().startswith(b"%PDF")


def test_a_finished_study_is_at_rest(folder, config):
    assert "Nothing to be done" in snakemake(folder, config).output


def test_published_folders_give_the_same_study_input(tmp_path, shared_data):
    from prefdissect.pairs.llmbar import convert

    convert(shared_data / "llmbar-raw" / "LLMBar", tmp_path)
    pairs = pd.read_parquet(tmp_path / "pairs.parquet").set_index("pair_id").sort_index()
    published = pd.read_parquet(shared_data / "llmbar" / "pairs.parquet").set_index("pair_id")
    pd.testing.assert_frame_equal(pairs, published.loc[pairs.index], check_dtype=False)


def test_the_explorer_holds_all_judges_pairs_and_texts(out):
    chunks = chunks_of(out / "explorer.html")
    core, arrays = chunks["core"]
    assert len(core["judges"]) == 70 and core["pairs"]["n"] == 885 and core["study"]["judged"]
    judge, group, prop = (
        [entry["name"] for entry in core[axis]].index(name)
        for axis, name in (("judges", "GPT-4-Vanilla"), ("groups", "adversarial"), ("properties", "lengthy"))
    )
    known = effect(out, "GPT-4-Vanilla", "adversarial", "lengthy")
    assert arrays["effect_degree"][judge, group, prop] == pytest.approx(known["degree"], abs=1e-3)
    pairs = read_table(out / "pairs.parquet", "pairs")
    held = [text for name, (document, _) in chunks.items() if name.startswith("texts") for text in document["prompt"]]
    assert held == pairs["prompt"].tolist()
    preferences = read_table(out / "preferences.parquet", "preferences")
    mine = preferences[preferences["judge"] == "GPT-4-Vanilla"].set_index("pair_id")["preference"]
    document, found = chunks["pairs"]
    told = [document["preferences"][code] or "" for code in found["preference"][judge]]
    assert told == mine.reindex(document["ids"]).fillna("").tolist()
