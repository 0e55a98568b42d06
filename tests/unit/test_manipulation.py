"""The training-free experiment: arms, outputs, judgements, shifts; a model that obeys and judges that are known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from manipulating import CATALOGUE, instructions, obedient
from prefdissect.annotators import lexical
from prefdissect.errors import InputError
from prefdissect.features import build_features, feature_matrix
from prefdissect.judges.scoring import Machine
from prefdissect.judges.simulated import simulate
from prefdissect.manipulation import benchmark, contests, generating, shifts
from prefdissect.manipulation.arms import Choice, choose_arms
from prefdissect.preferences import combine
from prefdissect.regression.cells import build_cells
from prefdissect.regression.fit import FitSettings, fit_cells
from prefdissect.stages import manipulating
from prefdissect.tables import conform, empty_table, write_table
from running import ROOT

WORDING = ROOT / "workflow/prompts/manipulation/system.yaml"
# A judge that likes form and courtesy, and dislikes slang, hedging and questions.
TRUTH = {
    "well_formatted": 2.5,
    "polite": 2.0,
    "lengthy": 1.5,
    "informal": -2.5,
    "admits_limits": -2.0,
    "interactive": -2.0,
}
HOW = Choice("pooled", "laplace_posterior", 3, (1, 2, 3, 4, 5, 6))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> pd.DataFrame:
    """Coefficients of the known judge, fitted to its verdicts on pairs of made-up features."""
    draw = np.random.default_rng(0)
    names = list(TRUTH)
    ids = [f"p{number:03d}" for number in range(400)]
    signs = draw.integers(-1, 2, (len(ids), len(names)))
    rows = [
        {
            "pair_id": ids[i],
            "property": names[j],
            "sign": signs[i, j],
            "graded": float(signs[i, j]),
            "annotator": "made",
        }
        for i in range(len(ids))
        for j in range(len(names))
    ]
    features = conform(pd.DataFrame(rows), "features")
    pairs = pd.DataFrame({"pair_id": ids, "prompt_id": ids})
    groups = conform(pd.DataFrame({"pair_id": ids, "group": "pooled", "kind": "pooled"}), "groups")
    preferences = combine(simulate(features, "known", TRUTH, seed=3))
    cells = build_cells(pairs, groups, feature_matrix(features), preferences, "drop")
    settings = FitSettings("laplace_posterior", prior_scale=0.1, folds=3, resamples=0, seed=1, code="test")
    return fit_cells(cells, names, [], len(ids), settings, cache_dir=tmp_path_factory.mktemp("cache")).coefficients


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("benchmark") / "instructions.json"
    path.write_text(json.dumps(instructions()), encoding="utf-8")
    return benchmark.read_benchmark({"path": path})


def test_arms_aim_where_they_should(fitted):
    arms = choose_arms(fitted, ["known"], CATALOGUE, HOW, WORDING).set_index("arm_id")
    assert set(arms.at["known--towards", "properties"].split()) == {"well_formatted", "polite", "lengthy"}
    assert set(arms.at["known--against", "properties"].split()) == {"informal", "admits_limits", "interactive"}
    assert arms.loc["known--towards", "system"].count("\n- ") == 3
    assert CATALOGUE["polite"].instruction in arms.at["known--towards", "system"]
    assert pd.isna(arms.at["none", "system"])
    drawn = arms[arms["arm"] == "random"]["properties"]
    assert len(drawn) == 6 and all(len(set(names.split())) == 3 for names in drawn) and drawn.nunique() > 3


def test_properties_that_cannot_be_told_from_neutral_are_never_used(fitted):
    weak = fitted.assign(word=fitted["word"].where(fitted["property"] != "polite", "not distinguishable"))
    weak["word"] = weak["word"].where(weak["property"] != "lengthy", "not distinguishable")
    arms = choose_arms(weak, ["known"], CATALOGUE, HOW, WORDING).set_index("arm_id")
    assert not arms["properties"].fillna("").str.contains("polite|lengthy").any()
    assert arms.at["known--towards", "properties"] == "well_formatted"
    assert arms.at["known--towards", "note"].startswith("1 of the 3 properties")
    refusing = Choice("pooled", "laplace_posterior", 3, (1,), too_few="refuse")
    with pytest.raises(InputError, match="judge `known`: 1 of the 3 properties"):
        choose_arms(weak, ["known"], CATALOGUE, refusing, WORDING)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"word": "not distinguishable"}, "`known`: none of its 6 properties can be told from neutral in the group"),
        ({"word": "no interval"}, "its effects have no intervals"),
        ({"group": "Advice"}, "was not fitted in the group `pooled` .fitted: Advice."),
    ],
)
def test_targets_that_cannot_be_aimed_at(fitted, changes, what):
    with pytest.raises(InputError, match=what):
        choose_arms(fitted.assign(**changes), ["known"], CATALOGUE, HOW, WORDING)


def judged(table: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Judgements of the known judge, and of one that knows length alone."""
    ratings = lexical.annotate(table, CATALOGUE, None, "lexical")
    ids = table["pair_id"].tolist()
    features = build_features(ids, ratings, empty_table("features"), CATALOGUE, ["lexical"], "zero").features
    return {
        "known": simulate(features, "known", TRUTH, seed),
        "other": simulate(features, "other", {"informal": 2}, seed),
    }


def experiment(fitted, questions, folder, seed: int, **changes) -> pd.DataFrame:
    arms = choose_arms(fitted, ["known"], CATALOGUE, HOW, WORDING)
    outputs = generating.generate(obedient(folder, seed, **changes), arms, questions, folder / "work", Machine())
    held = contests.build_contests(outputs, questions)
    table = contests.pairs_of(held, questions, "made")
    rates = [contests.win_rates_of(held, combine(rows), judge) for judge, rows in judged(table, seed).items()]
    return shifts.manipulation_table(
        arms, held, outputs, pd.concat(rates), empty_table("grades"), resamples=200, seed=seed
    )


@pytest.mark.parametrize("seed", range(10))
def test_towards_is_above_none_and_none_above_against(fitted, questions, tmp_path, seed):
    table = experiment(fitted, questions, tmp_path, seed)
    rows = table[table["judge"] == "known"].set_index("arm_id")
    towards, none, against = (rows.loc[arm] for arm in ("known--towards", "none", "known--against"))
    assert towards["value"] > none["value"] == 50 > against["value"]
    assert towards["shift_q025"] > 0 > against["shift_q975"]
    random = rows.loc["known--random"]
    assert against["shift_q975"] < random["shift_q025"] <= random["shift_q975"] < towards["shift_q025"]
    assert random["note"] == "mean over 6 seeds" and (rows["n"] == 40).all()
    assert towards["role"] == "target"
    # A judge with other tastes is not moved that way: gain and game can be told apart.
    other = table[table["judge"] == "other"].set_index("arm_id")
    assert other.loc["known--towards", "shift"] < towards["shift_q025"]
    assert other.loc["known--against", "shift_q025"] > 0


def test_drawn_outputs_depend_on_the_seed_and_are_paired(fitted, questions, tmp_path):
    arms = choose_arms(fitted, ["known"], CATALOGUE, HOW, WORDING)
    outputs = [
        generating.generate(obedient(tmp_path, seed, temperature=1.0), arms, questions, tmp_path / "work", Machine())
        for seed in (1, 1, 2)
    ]
    pd.testing.assert_frame_equal(outputs[0], outputs[1])
    assert (outputs[0]["output"] != outputs[2]["output"]).mean() > 0.9
    assert len(outputs[0]) == 40 * int(generating.is_run(arms).sum())


def test_outputs_are_kept_and_a_broken_run_asks_only_what_is_missing(fitted, questions, tmp_path):
    arms = choose_arms(fitted, ["known"], CATALOGUE, HOW, WORDING)
    said: list[str] = []
    machine = Machine(store=tmp_path / "store", log=said.append)
    with pytest.raises(InputError, match="generator `obedient`: .* requests failed"):
        generating.generate(obedient(tmp_path, failing=0.3), arms, questions, tmp_path / "work", machine)
    generating.generate(obedient(tmp_path), arms, questions, tmp_path / "work", machine)
    asked = [line for line in said if line.startswith("asked ")]
    assert len(asked) == 2 and 0 < int(asked[1].split()[1]) < int(asked[0].split()[1]) / 2
    generating.generate(obedient(tmp_path), arms, questions, tmp_path / "work", machine)
    assert len([line for line in said if line.startswith("asked ")]) == 2


def test_second_turns_answer_the_first(tmp_path):
    rows = [{"question_id": 81, "category": "writing", "turns": ["Name a tree.", "Another."]}]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    replies = tmp_path / "replies.yaml"
    said = [
        {"contains": ["Another.", "Oak of the first turn"], "answer": "Beech."},
        {"contains": "Another.", "answer": "the first turn was lost"},
        {"contains": "Name a tree.", "answer": "Oak of the first turn"},
    ]
    replies.write_text(json.dumps({"replies": said}), encoding="utf-8")
    asked = benchmark.read_benchmark({"path": path})
    arms = conform(pd.DataFrame([{"arm_id": "none", "arm": "none"}]), "arms")
    record = obedient(tmp_path, replies=str(replies))
    outputs = generating.generate(record, arms, asked, tmp_path / "work", Machine())
    assert outputs["output"].tolist() == ["Oak of the first turn", "Beech."]
    raw = record | {"template": str(ROOT / "workflow/prompts/manipulation/alpaca.yaml")}
    outputs = generating.generate(raw, arms, asked, tmp_path / "work", Machine())
    assert outputs["output"].tolist() == ["Oak of the first turn", "Beech."]


def test_a_baseline_from_a_file_is_what_all_arms_are_held_against(fitted, questions, tmp_path):
    arms = choose_arms(fitted, ["known"], CATALOGUE, HOW, WORDING)
    outputs = generating.generate(obedient(tmp_path), arms, questions, tmp_path / "work", Machine())
    asked = contests.first_messages(questions)
    own = outputs[outputs["arm_id"] == "none"].set_index("question_id")["output"]
    file = pd.DataFrame({"instruction": asked, "output": own.reindex(asked.index), "generator": "reference"})
    file.loc[file.index[1:], "output"] = "Something else altogether."
    held = contests.build_contests(outputs, questions, file)
    none = held[held["arm_id"] == "none"]
    assert none["pair_id"].isna().sum() == 1, "equal outputs are a draw that nobody is asked about"
    assert set(held["baseline"]) == {"reference"}
    with pytest.raises(InputError, match="the baseline lacks 1 instructions, such as"):
        contests.build_contests(outputs, questions, file.iloc[1:])


def test_a_shift_that_is_length_alone_is_gone_at_equal_lengths():
    draw = np.random.default_rng(0)
    n = 400
    ids = [str(number) for number in range(n)]
    words = {
        "none": draw.integers(40, 60, n),
        "t--towards": draw.integers(40, 90, n),
        "t--random-1": draw.integers(20, 80, n),
    }
    text = {arm: ["word " * count for count in counts] for arm, counts in words.items()}
    rows = [
        {
            "generator": "g",
            "arm_id": arm,
            "question_id": ids[i],
            "turn": 1,
            "output": text[arm][i],
            "status": "ok",
            "cut": False,
        }
        for arm in words
        for i in range(n)
    ]
    outputs = conform(pd.DataFrame(rows), "outputs")
    questions = conform(pd.DataFrame({"question_id": ids, "turns": [json.dumps([name]) for name in ids]}), "questions")
    file = pd.DataFrame({"instruction": ids, "output": ["word " * 50] * n, "generator": "b"})
    held = contests.build_contests(outputs, questions, file)
    longer = held["output_2"].str.len() - held["output_1"].str.len()
    chance = 1 / (1 + np.exp(-2 * np.tanh(longer / longer.std(ddof=0))))
    rates = conform(
        held[["generator", "arm_id", "question_id"]].assign(judge="longish", preference=1 + chance), "win_rates"
    )
    arms = conform(
        pd.DataFrame(
            [{"arm_id": "none", "arm": "none"}]
            + [{"arm_id": arm, "arm": arm[3:].partition("-")[0], "target": "t"} for arm in list(words)[1:]]
        ),
        "arms",
    )
    table = shifts.manipulation_table(arms, held, outputs, rates, empty_table("grades"), resamples=200, seed=1)
    row = table.set_index("arm_id").loc["t--towards"]
    assert row["shift"] > 20 and row["shift_q025"] > 15
    assert abs(row["controlled"]) < 2 and row["controlled_q025"] < 2
    assert row["length_change"] == pytest.approx(words["t--towards"].mean() - words["none"].mean())


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"instruction": ""}], "row 1, column `instruction`: holds ''"),
        ([{"text": "x"}], "there is no column of instructions .a column instruction or prompt"),
        ([{"instruction": "x"}] * 2, "row 2: the instruction .* occurs twice"),
        ([{"question_id": 1, "turns": []}], "row 1, column `turns`: holds"),
    ],
)
def test_faults_in_benchmarks(tmp_path, rows, what):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InputError, match=what):
        benchmark.read_benchmark({"path": path})


@pytest.mark.study
def test_the_questions_of_mt_bench_are_read(shared_data):
    folder = shared_data / "mt-bench"
    record = {"path": folder / "questions.jsonl", "references": folder / "reference_answers_gpt-4.jsonl"}
    table = benchmark.read_benchmark(record)
    assert len(table) == 80 and table["category"].nunique() == 8 and table["reference"].notna().sum() == 30
    assert all(len(json.loads(turns)) == 2 for turns in table["turns"])
    assert len(benchmark.read_benchmark(record | {"limit": 8})["category"].unique()) == 8


def test_stages_write_alpaca_eval_files(fitted, questions, tmp_path):
    arms = choose_arms(fitted, ["known"], CATALOGUE, HOW, WORDING)
    outputs = generating.generate(obedient(tmp_path), arms, questions, tmp_path / "work", Machine())
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("outputs", "contests", "pairs", "arms", "questions")}
    for name, table in (("arms", arms), ("questions", questions), ("outputs", outputs)):
        write_table(table, paths[name], name)
    manipulating.hold_against_baseline([paths["outputs"]], paths["questions"], None, "made", paths)
    record = {"name": "longer", "kind": "rule", "rule": "longer", "seed": 0}
    manipulating.judge_outputs(paths["pairs"], record, None, {}, "", str(tmp_path / "longer.parquet"))
    results = {name: str(tmp_path / f"{name}.parquet") for name in ("win_rates", "manipulation", "grades")}
    inputs = paths | {"judgements": [str(tmp_path / "longer.parquet")]}
    folder = tmp_path / "alpaca"
    manipulating.score_manipulation(inputs, ["longer"], {"resamples": 20, "seed": 1}, "made", str(folder), results)
    board = pd.read_csv(folder / "longer" / "leaderboard.csv", index_col=0)
    table = pd.read_parquet(results["manipulation"]).set_index("arm_id")
    for arm in ("none", "known--towards", "known--random-2"):
        assert board.loc[f"obedient--{arm}", "win_rate"] == pytest.approx(table.loc[arm, "value"])
        assert board.loc[f"obedient--{arm}", "standard_error"] == pytest.approx(table.loc[arm, "standard_error"])
    assert len(list((folder / "outputs").iterdir())) == len(board)
