"""Single answer grading: what judges are shown, and how strictly their grades are read."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from manipulating import obedient
from prefdissect.errors import InputError
from prefdissect.judges.scoring import Machine
from prefdissect.manipulation import grading
from prefdissect.manipulation.benchmark import read_benchmark
from prefdissect.tables import conform
from running import ROOT

PROMPT = ROOT / "workflow/prompts/manipulation/grading.yaml"
SETTINGS = {"prompt": str(PROMPT), "referenced": ["math"], "max_tokens": 200}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is right.\nGrade: [[7]]", 7),
        ("Grade: [[10]]\n \n", 10),
        ("Grade: [[0]]", None),
        ("Grade: [[11]]", None),
        ("Grade: [[7.5]]", None),
        ("Grade: [[7]] or so", None),
        ("Grade: [[7]]\nOn reflection it is worse.", None),
        ("Rating: 7", None),
        ("", None),
    ],
)
def test_grades_are_read_in_just_one_form(text, expected):
    assert grading.read_grade(text) == expected


def outputs(*texts: str | None) -> pd.DataFrame:
    rows = [
        {"generator": "g", "arm_id": "none", "question_id": "1", "turn": turn, "output": text, "cut": False}
        | {"status": "ok" if text else "failed"}
        for turn, text in enumerate(texts, 1)
    ]
    return conform(pd.DataFrame(rows), "outputs")


def questions(category: str) -> pd.DataFrame:
    row = {"question_id": "1", "turns": json.dumps(["What is 2 + 2?", "And 3 + 3?"]), "category": category}
    return conform(pd.DataFrame([row | {"reference": json.dumps(["It is 4.", "It is 6."])}]), "questions")


@pytest.mark.parametrize("category", ["math", "writing"])
def test_turns_and_references_that_the_judge_is_shown(category):
    wording = grading.load_wording(PROMPT)
    first, second = grading.build_questions(
        outputs("Four {reference}", "Seven"), questions(category), wording, ["math"]
    )
    text, later = first["texts"][0], second["texts"][0]
    assert "Four {reference}" in text, "what a model writes is no placeholder"
    assert "Seven" not in text and "3 + 3" not in text
    assert later.index("Four") < later.rindex("And 3 + 3?") < later.index("Seven")
    assert ("It is 4." in text) == ("It is 6." in later) == (category == "math")
    assert "It is 6." not in text


def test_grades_of_a_judge(tmp_path):
    said = [
        {"contains": ["Seven"], "answer": "Wrong.\nGrade: [[2]]"},
        {"contains": ["Nine"], "answer": "No idea"},
        {"contains": ["Four"], "answer": "Right.\nGrade: [[9]]"},
    ]
    (tmp_path / "replies.yaml").write_text(json.dumps({"replies": said}), encoding="utf-8")
    record = obedient(tmp_path, replies=str(tmp_path / "replies.yaml"), name="judge")
    found = grading.grade(record, outputs("Four", "Seven"), questions("math"), SETTINGS, tmp_path / "w", Machine())
    assert found["grade"].tolist() == [9, 2]
    found = grading.grade(record, outputs("Nine", None), questions("math"), SETTINGS, tmp_path / "w", Machine())
    assert found["status"].tolist() == ["unparsed", "no_output"] and found["grade"].isna().all()
    means = grading.by_category(found, questions("math"))
    assert means["n"].tolist() == [0, 0] and means["category"].tolist() == ["math", "math"]


def test_faulty_wording_is_named(tmp_path):
    (tmp_path / "p.yaml").write_text("text: '{conversation}'\nreference: '{reference}'\n", encoding="utf-8")
    with pytest.raises(InputError, match="p.yaml: key `text` must hold {conversation} and {reference} once each"):
        grading.load_wording(tmp_path / "p.yaml")


@pytest.mark.study
def test_every_question_of_mt_bench_can_be_graded(shared_data):
    folder = shared_data / "mt-bench"
    asked = read_benchmark({"path": folder / "questions.jsonl", "references": folder / "reference_answers_gpt-4.jsonl"})
    rows = [
        {
            "generator": "g",
            "arm_id": "none",
            "question_id": q,
            "turn": turn,
            "output": "x",
            "status": "ok",
            "cut": False,
        }
        for q in asked["question_id"]
        for turn in (1, 2)
    ]
    referenced = ["math", "coding", "reasoning"]
    built = grading.build_questions(
        conform(pd.DataFrame(rows), "outputs"), asked, grading.load_wording(PROMPT), referenced
    )
    assert len(built) == 160
    assert sum("### A reference answer" in question["texts"][0] for question in built) == 60
