"""LLMBar: the published folders, the same as tables, and the published statistics."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from prefdissect.errors import InputError
from prefdissect.pairs.llmbar import STATISTICS, convert, read, statistics

KEY = ["judge", "pair_id", "order"]


@pytest.fixture(scope="module")
def tables(shared_data: Path):
    return read({"name": "llmbar", "path": str(shared_data / "llmbar"), "empty_responses": "keep"}, None)


@pytest.fixture(scope="module")
def published(shared_data: Path):
    return read({"name": "llmbar", "path": str(shared_data / "llmbar-raw" / "LLMBar")}, None)


def test_all_349_published_statistics_come_out(shared_data, tables):
    wanted = pd.read_csv(shared_data / "llmbar" / "published_statistics.csv")[STATISTICS]
    found = statistics(tables.judgements, tables.pairs)
    assert len(found) == len(wanted) == 349
    key = ["scenario", "judge"]
    found, wanted = (table.sort_values(key).reset_index(drop=True) for table in (found, wanted))
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, check_exact=True)


def test_statistics_of_the_published_folders_are_those_stored_beside_them(shared_data, published):
    found = statistics(published.judgements, published.pairs).set_index(["scenario", "judge"])
    root = shared_data / "llmbar-raw" / "LLMBar"
    files = sorted(root.rglob("statistics.json"))
    assert len(files) == len(found) == 16
    for path in files:
        scenario = path.relative_to(root).parents[3].as_posix()
        cell = found.loc[scenario, "/".join(path.parts[-3:-1])]
        stored = json.loads(path.read_text(encoding="utf-8"))
        counts = [int(stored[key].split("/")[0]) for key in ("correct_False", "correct_True", "correct_both", "equal")]
        assert list(cell[["correct_ab", "correct_ba", "correct_both", "agree"]]) == counts
        assert cell["accuracy_avg_pct"] == float(stored["correct_average"].rstrip("%"))


def test_both_forms_hold_the_same_pairs_and_judgements(tables, published):
    ids = set(published.pairs["pair_id"])
    assert len(ids) == 146 and {"llmbar-natural-099", "llmbar-adv-manual-045"} <= ids
    pairs = tables.pairs[tables.pairs["pair_id"].isin(ids)].sort_values("pair_id").reset_index(drop=True)
    pd.testing.assert_frame_equal(pairs, published.pairs.sort_values("pair_id").reset_index(drop=True))
    judges = set(published.judgements["judge"])
    assert len(judges) == 9 and {"gold", "GPT-4/Swap", "ChatGPT/Rating"} <= judges
    mine = tables.judgements
    mine = mine[mine["pair_id"].isin(ids) & mine["judge"].isin(judges)].sort_values(KEY).reset_index(drop=True)
    assert len(mine) == 146 * (1 + 6 * 2 + 2)
    pd.testing.assert_frame_equal(mine, published.judgements.sort_values(KEY).reset_index(drop=True))


def test_what_the_judges_left_open_is_no_verdict(tables):
    judgements = tables.judgements
    assert judgements["judge"].nunique() == 66 and len(judgements) == 58993 + 885
    open_ones = judgements[judgements["verdict"].isna()]
    # 273 pairwise verdicts and 5 ratings are null; 52 + 5 of them were stopped by the provider's filter.
    assert open_ones["status"].value_counts().to_dict() == {"unparsed": 221, "refused": 57}
    assert (judgements[judgements["verdict"].notna()]["status"] == "ok").all()
    assert (judgements["verdict"] == "tie").sum() == 714
    assert judgements.loc[judgements["verdict"] == "tie", "order"].isna().all()


def test_a_response_of_white_space_follows_the_sources_policy(shared_data):
    record = {"name": "llmbar", "path": str(shared_data / "llmbar")}
    with pytest.raises(InputError, match="response_b.*white space"):
        read(record, None)
    dropped = read({**record, "empty_responses": "drop"}, None)
    assert len(dropped.pairs) == 884 and dropped.notes == {"pairs with an empty response": 1}
    assert "llmbar-llmeval2-169" not in set(dropped.judgements["pair_id"])


def test_the_converter_writes_the_same_tables(shared_data, root, tmp_path):
    script = root / "scripts" / "convert_llmbar.py"
    folder = shared_data / "llmbar-raw" / "LLMBar"
    subprocess.run([sys.executable, str(script), str(folder), str(tmp_path / "out")], check=True)
    for name, key in (("pairs", ["pair_id"]), ("judgements", KEY)):
        mine = pq.read_table(tmp_path / "out" / f"{name}.parquet")
        theirs = pq.read_table(shared_data / "llmbar" / f"{name}.parquet")
        assert mine.schema.equals(theirs.schema)
        mine, theirs = mine.to_pandas(), theirs.to_pandas()
        theirs = theirs[theirs["pair_id"].isin(set(mine["pair_id"]))]
        if name == "judgements":
            theirs = theirs[theirs["judge"].isin(set(mine["judge"]))]
        mine, theirs = (table.sort_values(key).reset_index(drop=True) for table in (mine, theirs))
        pd.testing.assert_frame_equal(mine, theirs)
    judges = pd.read_csv(tmp_path / "out" / "judges.csv")
    theirs = pd.read_csv(shared_data / "llmbar" / "judges.csv").set_index("judge").loc[judges["judge"]].reset_index()
    assert len(judges) == 8 and list(judges) == list(theirs)
    pd.testing.assert_frame_equal(judges[["judge", "base_model", "strategy", "mode"]], theirs.iloc[:, :4])
    assert judges["model_name"].isna().all(), "the evaluators' configs are not in the data"
    again = read({"name": "llmbar", "path": str(tmp_path / "out")}, None)
    assert len(again.judgements) == 146 * 15


def test_the_converter_says_what_is_wrong_without_a_traceback(root, tmp_path):
    script = root / "scripts" / "convert_llmbar.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "nowhere"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "nowhere: the folder does not exist" in done.stderr
    assert "Traceback" not in done.stderr


def instance(number: int, results: list | None = None, label: int = 1) -> dict:
    row = {"input": f"Do {number}.", "output_1": f"One {number}", "output_2": f"Two {number}", "label": label}
    return row if results is None else {**row, "results": results}


def runs(first: str | None, second: str | None, reason: str = "stop") -> dict:
    verdicts = {"swap = False": first, "swap = True": second}
    return {run: {"completion": ["Output (a)", reason], "winner": winner} for run, winner in verdicts.items()}


def ratings(a: str, b: str, reason: str = "stop") -> dict:
    return {
        "score_1": [a, reason],
        "score_2": [b, "stop"],
        "swap = False": {"winner": "1"},
        "swap = True": {"winner": "2"},
    }


def write(folder: Path, judges: dict[str, list], labels=(1, 2)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [instance(number, label=label) for number, label in enumerate(labels)]
    (folder / "dataset.json").write_text(json.dumps(rows), encoding="utf-8")
    for judge, results in judges.items():
        path = folder / "evaluators" / judge / "result.json"
        path.parent.mkdir(parents=True)
        content = [instance(n, result, labels[n]) for n, result in enumerate(results)]
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def rows_of(folder: Path, judge: str) -> list[tuple]:
    found = read({"name": "bar", "path": str(folder)}, None).judgements
    found = found[found["judge"] == judge].astype(object).where(lambda table: table.notna(), None)
    return list(found[["order", "verdict", "rating_a", "rating_b", "status"]].itertuples(index=False, name=None))


def test_the_last_pass_counts_and_what_the_judge_wrote_for_itself_does_not(tmp_path):
    write(
        tmp_path / "LLMBar" / "Natural",
        {
            "M/Metrics_Reference": [
                [["metrics", "stop"], ["reference", "stop"], runs("1", "2")],
                [["x", ""], runs("2", None)],
            ],
            "M/Swap": [[runs("1", "2"), runs("2", "2")], [runs("1", "1")]],
            "M/Vanilla": [[runs("2", None, "content management policy")], [runs("1", "2", "length")]],
        },
    )
    assert rows_of(tmp_path, "M/Metrics_Reference") == [
        ("ab", "a", None, None, "ok"),
        ("ba", "b", None, None, "ok"),
        ("ab", "b", None, None, "ok"),
        ("ba", None, None, None, "unparsed"),
    ]
    assert [row[1] for row in rows_of(tmp_path, "M/Swap")] == ["b", "b", "a", "a"]
    assert [row[4] for row in rows_of(tmp_path, "M/Vanilla")] == ["ok", "refused", "ok", "ok"]
    assert rows_of(tmp_path, "gold") == [(None, "a", None, None, "ok"), (None, "b", None, None, "ok")]


def test_ratings_become_one_row_and_ties_follow_the_published_rule_in_the_statistics(tmp_path):
    answers = [
        ratings("7", "3"),
        ratings("5", "5"),
        ratings("", "4", "content management policy"),
        ratings("7/10", "4"),
    ]
    write(tmp_path / "Natural", {"M/Rating": [[answer] for answer in answers]}, labels=(1, 1, 1, 1))
    assert rows_of(tmp_path, "M/Rating") == [
        (None, "a", 7.0, 3.0, "ok"),
        (None, "tie", 5.0, 5.0, "ok"),
        (None, None, None, 4.0, "refused"),
        (None, None, None, 4.0, "unparsed"),
    ]
    found = read({"name": "bar", "path": str(tmp_path)}, None)
    cell = statistics(found.judgements, found.pairs).iloc[0]
    # In ab: a, b (tie), a, a (missing); in ba: a, a (tie), b, b (missing).
    assert list(cell[STATISTICS[2:]]) == [4, 3, 2, 1, 1, 62.5]


def test_no_verdict_in_both_orders_agrees_and_is_not_correct(tmp_path):
    write(tmp_path / "Natural", {"M/CoT": [[runs(None, None)], [runs(None, "2")]]})
    found = read({"name": "bar", "path": str(tmp_path)}, None)
    cell = statistics(found.judgements, found.pairs).iloc[0]
    assert list(cell[STATISTICS[2:]]) == [2, 0, 1, 0, 1, 25.0]
    with pytest.raises(InputError, match="pair `llmbar-natural-000` has no verdict of judge `gold`"):
        statistics(found.judgements[found.judgements["judge"] != "gold"], found.pairs)


@pytest.mark.parametrize("root", ["", "Dataset", "Dataset/LLMBar"])
def test_scenarios_and_pair_ids_do_not_depend_on_which_folder_is_given(tmp_path, root):
    for name in ("LLMBar/Natural", "LLMBar/Adversarial/GPTInst", "Processed/LLMEval^2", "CaseStudy/Base-9"):
        write(tmp_path / "Dataset" / name, {})
    found = read({"name": "bar", "path": str(tmp_path / root)}, None).pairs
    scenarios = dict(zip(found["pair_id"].str[:-4], found["scenario"], strict=True))
    wanted = {"llmbar-natural": "Natural", "llmbar-adv-gptinst": "Adversarial/GPTInst"}
    if root != "Dataset/LLMBar":
        wanted |= {"llmbar-llmeval2": "Processed/LLMEval^2", "llmbar-casestudy-base9": "CaseStudy/Base-9"}
    assert scenarios == wanted


def test_a_container_can_be_given_alone_but_a_subset_cannot(tmp_path):
    write(tmp_path / "Adversarial" / "Manual", {})
    assert set(read({"name": "bar", "path": str(tmp_path / "Adversarial")}, None).pairs["scenario"]) == {
        "Adversarial/Manual"
    }
    with pytest.raises(InputError, match="Manual: no subset with a dataset.json lies below .give the folder above"):
        read({"name": "bar", "path": str(tmp_path / "Adversarial" / "Manual")}, None)


def test_model_names_come_from_the_evaluators_configs_where_they_are(tmp_path):
    write(
        tmp_path / "Dataset" / "LLMBar" / "Natural", {"M/CoT": [[runs("1", "1")]] * 2, "M/Own": [[runs("1", "1")]] * 2}
    )
    config = tmp_path / "LLMEvaluator" / "evaluators" / "config" / "M" / "CoT.json"
    config.parent.mkdir(parents=True)
    modules = [{"model_name": "x"}, {"model_name": "gpt", "openai_kwargs": {"engine": "gpt-0613"}}]
    config.write_text(json.dumps(modules), encoding="utf-8")
    for number, published in enumerate((tmp_path, tmp_path / "Dataset", tmp_path / "Dataset" / "LLMBar")):
        convert(published, tmp_path / f"out-{number}")
        judges = pd.read_csv(tmp_path / f"out-{number}" / "judges.csv").set_index("judge")
        assert list(judges.loc["M/CoT", ["model_name", "engine"]]) == ["gpt", "gpt-0613"]
        assert judges.loc["M/Own", ["model_name", "engine"]].isna().all()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ([runs("1", "3")], "row 2: `winner` of the run `swap = True` is '3'"),
        ([], "row 2: `results` does not end with both runs"),
        ([{"swap = False": {"winner": "1"}}], "row 2: `results` does not end with both runs"),
        ([{**ratings("1", "2"), "score_2": "4"}], "row 2: the judge's answer is '4'"),
        (None, "column `results` is missing"),
    ],
)
def test_a_bad_result_is_named(tmp_path, result, message):
    folder = write(tmp_path / "Natural", {"M/CoT": [[runs("1", "1")], result or []]})
    if result is None:
        shutil.copy(folder / "dataset.json", folder / "evaluators" / "M" / "CoT" / "result.json")
    with pytest.raises(InputError, match=message) as error:
        read({"name": "bar", "path": str(tmp_path)}, None)
    assert "evaluators/M/CoT/result.json" in str(error.value)


def test_results_about_other_pairs_are_refused(tmp_path):
    folder = write(tmp_path / "Natural", {"M/CoT": [[runs("1", "1")], [runs("1", "1")]]})
    path = folder / "evaluators" / "M" / "CoT" / "result.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(rows[::-1]), encoding="utf-8")
    with pytest.raises(InputError, match="result.json: row 1: is about another pair than .*dataset.json: row 1"):
        read({"name": "bar", "path": str(tmp_path)}, None)
    path.write_text(json.dumps(rows[:1]), encoding="utf-8")
    with pytest.raises(InputError, match="result.json: holds 1 rows .dataset.json holds 2"):
        read({"name": "bar", "path": str(tmp_path)}, None)


def test_bad_pairs_are_named(tmp_path):
    write(tmp_path / "Natural", {}, labels=(1, 0))
    with pytest.raises(InputError, match="dataset.json: row 2: column `label` holds 0 .1 or 2"):
        read({"name": "bar", "path": str(tmp_path)}, None)
    rows = [instance(0), {**instance(1), "output_2": None}]
    (tmp_path / "Natural" / "dataset.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InputError, match="dataset.json: row 2, column `output_2`: is null"):
        read({"name": "bar", "path": str(tmp_path)}, None)
