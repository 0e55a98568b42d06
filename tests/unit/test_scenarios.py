"""The classifier of scenarios: what it is trained on, what it says, and how well."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from configs import changed, error
from prefdissect import scenarios
from prefdissect.errors import InputError
from prefdissect.findings import describe_scenarios
from prefdissect.stages.sourcing import assemble_sources, classify_scenarios
from prefdissect.tables import conform, read_table, write_table

TOPICS = {
    "poem": ["Write a poem about {}", "A short sonnet on {}, please", "Give me four rhyming lines about {}"],
    "code": ["Write a Python function that sorts {}", "Fix this loop over {}", "Which SQL query counts {}?"],
    "recipe": ["How do I cook {}?", "A recipe with {} for dinner", "How long should {} be in the oven?"],
}
THINGS = ["apples", "rivers", "old letters", "green beans"]
GROUPS = pd.DataFrame({"scenario": ["poem", "code", "recipe"], "group": ["Writing", "Work", "Work"]})


def labelled_frame() -> pd.DataFrame:
    rows = [(form.format(thing), topic) for topic, forms in TOPICS.items() for form in forms for thing in THINGS]
    return pd.DataFrame(rows, columns=["query", "scenario"])


def checked(frame: pd.DataFrame, groups=GROUPS, folds: int = 3) -> scenarios.Labelled:
    return scenarios.check_labels(frame, groups, folds, "queries.csv", "groups.csv")


@pytest.fixture(scope="module")
def predicted() -> pd.DataFrame:
    return scenarios.held_out(checked(labelled_frame()), 3, 1)


def test_it_learns_what_queries_of_a_scenario_share(predicted):
    assert len(predicted) == 36 and sorted(predicted["true_scenario"].unique()) == ["code", "poem", "recipe"]
    assert (predicted["scenario"] == predicted["true_scenario"]).mean() > 0.8
    assert predicted["probability"].between(1 / 3, 1).all()


def test_labels_without_a_pattern_are_not_learned():
    frame = labelled_frame()
    frame["scenario"] = np.random.default_rng(5).permutation(frame["scenario"])
    table = scenarios.held_out(checked(frame), 3, 1)
    assert (table["scenario"] == table["true_scenario"]).mean() < 0.6
    assert table["probability"].mean() < 0.6, "temperature scaling keeps chance at chance"


def test_a_group_takes_the_probability_of_its_scenarios(predicted):
    classifier = scenarios.train(*(checked(labelled_frame()).queries, checked(labelled_frame()).scenarios), 1)
    queries = np.array(["Fix this recipe for apples", "Write four lines"], dtype=object)
    shares = pd.DataFrame(classifier.probabilities(queries), columns=classifier.scenarios)
    said = scenarios.predictions(classifier, queries, checked(labelled_frame()).groups)
    work = shares["code"] + shares["recipe"]
    expected = np.where(work > shares["poem"], "Work", "Writing")
    assert said["group"].tolist() == expected.tolist()
    assert said["group_probability"].to_numpy() == pytest.approx(np.maximum(work, shares["poem"]))
    assert shares.sum(axis=1).to_numpy() == pytest.approx([1, 1])


def test_the_quality_table_counts_by_hand():
    table = pd.DataFrame(
        {
            "scenario": ["x", "x", "y", "y"],
            "true_scenario": ["x", "y", "y", "y"],
            "probability": [0.9, 0.4, 0.8, 0.5],
            "group": None,
            "group_probability": np.nan,
            "true_group": None,
        }
    )
    rows = scenarios.quality_table(table, 0.5).set_index("scenario")
    assert list(rows.index) == [scenarios.ALL, "x", "y"] and set(rows["level"]) == {"scenario"}
    assert rows.loc["y", ["n_queries", "accuracy", "precision"]].tolist() == [3, pytest.approx(2 / 3), 1]
    assert rows.loc["x", ["accuracy", "precision"]].tolist() == [1, 0.5]
    whole = rows.loc[scenarios.ALL]
    assert (whole["accuracy"], whole["sure_share"], whole["sure_accuracy"]) == (0.75, 0.75, 1)
    assert whole["mean_probability"] == pytest.approx(0.65)
    # Wilson's interval for 3 of 4, by its formula.
    z, n, share = 1.959964, 4, 0.75
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert whole[["q025", "q975"]].tolist() == pytest.approx([middle - half, middle + half], abs=1e-5)


def test_unsure_queries_get_what_the_study_says():
    labelled = checked(labelled_frame())
    prompts = pd.DataFrame({"prompt_id": ["p", "q"], "prompt": ["Write a poem about apples", "Xyzzy 17"]})
    settings = {"level": "scenario", "min_probability": 0.0, "unsure": None}
    plain = scenarios.classify(labelled, prompts, settings, 1)
    assert plain["assigned"].tolist() == plain["scenario"].tolist() and plain["scenario"].iloc[0] == "poem"
    limit = float(plain["probability"].mean())
    assert plain["probability"].iloc[0] > limit > plain["probability"].iloc[1]
    others = scenarios.classify(labelled, prompts, settings | {"min_probability": limit, "unsure": "Others"}, 1)
    assert others["assigned"].tolist() == ["poem", "Others"]
    none = scenarios.classify(labelled, prompts, settings | {"min_probability": limit, "level": "group"}, 1)
    assert none["assigned"].iloc[0] == "Writing"


@pytest.mark.parametrize(
    ("frame", "groups", "message"),
    [
        (pd.DataFrame({"query": ["a", "a"], "scenario": ["x", "y"]}), None, "'a' has the scenarios 'x' and 'y'"),
        (pd.DataFrame({"query": list("abcd"), "scenario": ["x"] * 4}), None, "all queries have one scenario"),
        (pd.DataFrame({"query": list("abcdefg"), "scenario": list("xxxxyyy")}), None, "`y` has 3 different queries"),
        (labelled_frame(), GROUPS.iloc[:2], "groups.csv: scenario `recipe` of the labelled queries has no group"),
        (labelled_frame(), pd.concat([GROUPS, GROUPS.assign(group="Z")]), "scenario `poem` is put into two groups"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_trained_on(frame, groups, message):
    try:
        checked(frame, groups)
    except InputError as caught:
        assert message in str(caught)
    else:
        pytest.fail("no error")


def test_a_repeated_query_counts_once():
    frame = labelled_frame()
    assert len(checked(pd.concat([frame, frame])).queries) == len(frame)


def test_the_middle_of_long_queries_is_left_out():
    query = "begin " + "x" * 5000 + " end"
    short = scenarios.shortened([query, "as it is"])
    assert short[1] == "as it is" and short[0].startswith("begin") and short[0].endswith(" end")
    assert len(short[0]) == scenarios.HEAD + scenarios.TAIL + 1


def pairs_file(folder) -> str:
    rows = [
        {"pair_id": f"s-{n}", "prompt_id": f"p{n}", "prompt": text, "response_a": "1", "response_b": "2", "source": "s"}
        | {"scenario": scenario}
        for n, (text, scenario) in enumerate(
            [("Write a poem about a cat", None), ("Write a poem about bombs", "Unsafe Queries"), ("Bake beans", None)]
        )
    ]
    path = str(folder / "pairs.parquet")
    write_table(conform(pd.DataFrame(rows), "pairs"), path, "pairs")
    return path


def test_the_stage_fills_what_the_source_left_open(tmp_path):
    frame = labelled_frame().rename(columns={"query": "text", "scenario": "kind"})
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    GROUPS.to_csv(tmp_path / "groups.csv", index=False)
    settings = {
        "queries": str(tmp_path / "queries.jsonl"),
        "columns": {"query": "text", "scenario": "kind"},
        "groups": str(tmp_path / "groups.csv"),
        "level": "group",
        "min_probability": 0.0,
        "unsure": None,
        "folds": 3,
    }
    outputs = {name: str(tmp_path / f"{name}.parquet") for name in ("scenarios", "quality")}
    source = pairs_file(tmp_path)
    classify_scenarios([source], settings, 1, outputs)
    said = read_table(outputs["scenarios"], "scenarios")
    assert said["prompt_id"].tolist() == ["p0", "p2"], "what the source says needs no classifier"
    quality = read_table(outputs["quality"], "scenario_quality")
    assert quality["scenario"].tolist() == [scenarios.ALL, "code", "poem", "recipe", scenarios.ALL, "Work", "Writing"]
    assemble_sources({"s": source}, {}, str(tmp_path / "all.parquet"), outputs["scenarios"])
    given = read_table(tmp_path / "all.parquet", "pairs")["scenario"].tolist()
    assert given == ["Writing", "Unsafe Queries", "Work"]
    with pytest.raises(InputError, match=r"queries.jsonl: column `query` is missing"):
        classify_scenarios([source], settings | {"columns": {"query": "query", "scenario": "kind"}}, 1, outputs)


def test_the_findings_say_how_well_it_does(predicted):
    quality = scenarios.quality_table(predicted, 0.0)
    evidence = SimpleNamespace(config={"scenarios": {"level": "group"}}, scenario_quality=quality)
    share = (predicted["group"] == predicted["true_group"]).mean()
    text = describe_scenarios(evidence)
    assert "trained on 36 labelled queries" in text and f"recognises {100 * share:.0f} %" in text
    assert "over 2 groups" in text
    evidence.config["scenarios"]["level"] = "scenario"
    assert "over 3 scenarios" in describe_scenarios(evidence)
    worst = quality.assign(accuracy=quality["accuracy"].where(quality["scenario"] != "poem", 0.25))
    evidence.scenario_quality = worst
    assert "least of poem (25 % of 12)" in describe_scenarios(evidence)


def test_faults_of_the_config():
    assert "`scenarios.queries`: `nowhere.csv` does not exist" in error(changed("scenarios.queries", "nowhere.csv"))
    assert "`scenarios.groups` is of no use" in error(changed("scenarios.groups", "groups.csv"))


def test_it_recognises_groups_of_real_queries(shared_data):
    """A fifth of Auto-J's queries, by a classifier of the others; docs/data.md has the numbers of all five folds."""
    table = pd.read_parquet(shared_data / "auto-j" / "pairs.parquet", columns=["prompt", "scenario"])
    groups = pd.read_csv(shared_data / "auto-j" / "scenario_groups.csv")
    labelled = checked(table.set_axis(["query", "scenario"], axis=1), groups, 5)
    assert len(labelled.queries) == 1182 and len(set(labelled.groups.values())) == 8
    asked = np.arange(len(labelled.queries)) % 5 == 0
    classifier = scenarios.train(labelled.queries[~asked], labelled.scenarios[~asked], 1)
    said = scenarios.predictions(classifier, labelled.queries[asked], labelled.groups)
    true = pd.Series(labelled.scenarios[asked])
    right = (said["scenario"] == true).mean(), (said["group"] == true.map(labelled.groups)).mean()
    assert right[0] > 0.48 and right[1] > 0.65
    assert abs(said["group_probability"].mean() - right[1]) < 0.12
