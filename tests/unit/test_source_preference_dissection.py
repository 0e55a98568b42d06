"""The paper's own files: the published sample and lists, and small files of the published form made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.features import build_features
from prefdissect.pairs.preference_dissection import read

CATALOGUE = load_catalogue()
# Keys of the published annotations: long names, errors as one entry, repetition rated (not its absence).
KEYS = [prop.published[0] for prop in CATALOGUE.values() if prop.family != "errors" and prop.name != "non_repetitive"]
IDS = [f"preference-dissection-{number:04d}" for number in range(6)]


def pair(number: int, **changes) -> dict:
    row = {
        "model_a": "vicuna-13b",
        "model_b": "alpaca-13b",
        "winner": "model_b" if number % 2 else "model_a",
        "scenario": "code_generation",
        "prompt": f"Question {number}?",
        "response_a": f"One {number}.",
        "response_b": f"Two {number}.",
        "response_a word": 40 + number,
        "response_b word": 20,
        "gpt4_ref_output": f"Reference {number}.",
        "id": number,
        "group": "Code" if number < 4 else "Advice",
    }
    return {**row, **changes}


def entry(sign, graded) -> dict:
    return {"comparison": sign, "diff": 0, "norm_diff": graded, "meta": None}


def annotation(number: int, **changes) -> dict:
    comparison = {key: entry(0, 0) for key in KEYS}
    comparison["repetitive"] = entry(1, 2 / 3)
    comparison["relevance without considering inaccuracy"] = entry(0, 1 / 3)
    comparison["accuracy"] = entry(
        {"Severe": 1, "Moderate": 0, "Minor": -1}, {"Severe": 0.4, "Moderate": 0, "Minor": -0.2}
    )
    words = {"Response 1": 40 + number, "Response 2": 20}
    comparison["length"] = {"comparison": 1, "diff": 20 + number, "norm_diff": 0.49, "meta": words}
    info = {
        "clear intent": "No" if number == 1 else "Yes",
        "explicitly express feelings": "Yes" if number == 2 else "No",
        "explicit constraints": ["Be brief"] if number == 3 else [],
        "explicit subjective stances": [],
        "explicit mistakes or biases": [],
    }
    return {"query_info": info, "comparison": {**comparison, **changes}}


UNCHECKED = {
    "comparison": 999,
    "diff": {},
    "norm_diff": {},
    "meta": {"Response 1": {"accuracy check": "not applicable"}},
}


def write(folder: Path, name: str, content) -> str:
    path = folder / name
    text = "".join(json.dumps(row) + "\n" for row in content) if name.endswith(".jsonl") else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return str(path)


def source(folder: Path, pairs=None, **files):
    record = {"name": "paper", "kind": "preference_dissection"}
    record["path"] = write(folder, "pairs.jsonl", pairs if pairs is not None else [pair(n) for n in range(6)])
    for key, name in (("annotations", "annotations.jsonl"), ("groups", "query_aware_idxs.json")):
        if key in files:
            record[key] = write(folder, name, files[key])
    if "labels" in files:
        record["labels"] = {j: write(folder, f"labels-{n}.json", v) for n, (j, v) in enumerate(files["labels"].items())}
    return read(record, CATALOGUE)


def by_pair(table: pd.DataFrame, column: str = "sign") -> dict:
    return table.set_index(["pair_id", "property"])[column].to_dict()


def test_the_published_sample(shared_data):
    path = shared_data / "preference-dissection" / "sample_unannotated.jsonl"
    found = read({"name": "paper", "path": str(path)}, CATALOGUE)
    assert list(found.pairs["pair_id"]) == IDS[:2]
    assert list(found.pairs["scenario"]) == ["Functional Writing", "Others"]
    assert list(found.pairs["model_a"]) == ["oasst-pythia-12b", "vicuna-13b"]
    assert found.pairs["reference"].str.len().gt(100).all()
    assert dict(
        zip(found.judgements["judge"] + found.judgements["pair_id"], found.judgements["verdict"], strict=True)
    ) == {
        f"human{IDS[0]}": "b",
        f"human{IDS[1]}": "b",
    }
    # The stored counts, as the published code counts words.
    assert list(found.annotations["property"]) == ["lengthy", "lengthy"]
    assert found.annotations[["score_a", "score_b"]].to_numpy().tolist() == [[144, 64], [431, 8]]
    assert found.features.empty and found.query_info.empty and found.notes == {}


def test_published_lists_with_pairs_of_their_length(shared_data, tmp_path):
    folder = shared_data / "preference-dissection"
    lists = json.loads((folder / "query_aware_idxs.json").read_text(encoding="utf-8"))
    rows = [pair(n) for n in range(len(lists["all"]))]
    for row in rows:
        del row["group"]
    record = {
        "name": "paper",
        "path": write(tmp_path, "pairs.jsonl", rows),
        "groups": str(folder / "query_aware_idxs.json"),
        "labels": {"someone": str(folder / "example_preference_labels.json")},
    }
    found = read(record, CATALOGUE)
    cases = {"intent_unclear": 459, "express_feeling": 121, "w_constraints": 1418, "w_stances": 388, "w_mistakes": 401}
    assert found.groups["group"].value_counts().to_dict() == cases and set(found.groups["kind"]) == {"case"}
    sizes = found.pairs["scenario"].value_counts().to_dict()
    assert sizes.pop("Others") == sizes.pop("Knowledge-aware") == 820
    assert len(sizes) == 9 and set(sizes.values()) == {400}
    labels = found.judgements[found.judgements["judge"] == "someone"]
    assert labels["verdict"].value_counts().to_dict() == {"b": 2631, "a": 2609}
    row = lists["w_stances"][5]
    assert f"preference-dissection-{row:04d}" in set(found.groups.loc[found.groups["group"] == "w_stances", "pair_id"])


def test_published_lists_do_not_fit_the_sample(shared_data):
    folder = shared_data / "preference-dissection"
    record = {"name": "paper", "path": str(folder / "sample_unannotated.jsonl")}
    with pytest.raises(InputError, match="query_aware_idxs.json: group `all`: lists 5240 rows where there are 2 pairs"):
        read({**record, "groups": str(folder / "query_aware_idxs.json")}, CATALOGUE)
    with pytest.raises(InputError, match="example_preference_labels.json: holds 5240 labels .a list of 2 labels"):
        read({**record, "labels": {"someone": str(folder / "example_preference_labels.json")}}, CATALOGUE)


def test_comparisons_become_features_of_the_catalogues_names(tmp_path):
    tone = {"friendly": entry(-1, -1 / 3), "polite": entry(1, 1.5)}
    found = source(tmp_path, annotations=[annotation(n, **tone) for n in range(6)])
    assert len(found.features) == 6 * 29 and set(found.features["property"]) == set(CATALOGUE)
    sign, graded = by_pair(found.features), by_pair(found.features, "graded")
    pair_id = IDS[3]
    assert (sign[pair_id, "friendly"], graded[pair_id, "friendly"]) == (-1, pytest.approx(-1 / 3))
    assert (sign[pair_id, "polite"], graded[pair_id, "polite"]) == (1, 1.0), "graded values are clipped"
    assert (sign[pair_id, "non_repetitive"], graded[pair_id, "non_repetitive"]) == (-1, pytest.approx(-2 / 3))
    assert [sign[pair_id, f"no_{kind}_errors"] for kind in ("severe", "moderate", "minor")] == [1, 0, -1]
    assert graded[pair_id, "no_severe_errors"] == 0.4
    assert (sign[pair_id, "relevant"], graded[pair_id, "relevant"]) == (0, pytest.approx(1 / 3))
    assert (sign[pair_id, "lengthy"], graded[pair_id, "lengthy"]) == (1, 0.49)
    assert found.annotations.empty and found.notes == {}
    assert set(found.features["annotator"]) == {"published"}


def test_long_names_of_errors_and_of_non_repetitive_are_read_as_they_are(tmp_path):
    rows = []
    for number in range(6):
        row = annotation(number)
        del row["comparison"]["accuracy"], row["comparison"]["repetitive"]
        errors = {f"no {kind} errors": entry(-1, -0.2) for kind in ("minor", "moderate", "severe")}
        row["comparison"] |= {**errors, "non-repetitive": entry(1, 1 / 3)}
        rows.append(row)
    rows[2]["comparison"]["no severe errors"] = entry(999, {})
    found = source(tmp_path, annotations=rows)
    sign = by_pair(found.features)
    assert sign[IDS[0], "non_repetitive"] == 1 and sign[IDS[0], "no_severe_errors"] == -1
    assert IDS[2] not in set(found.features["pair_id"])


def test_pairs_whose_errors_cannot_be_checked_have_no_features(tmp_path):
    rows = [annotation(n) for n in range(6)]
    for number in (1, 4):
        rows[number]["comparison"]["accuracy"] = UNCHECKED
    found = source(tmp_path, annotations=rows)
    assert set(found.features["pair_id"]) == {IDS[n] for n in (0, 2, 3, 5)}
    assert found.notes == {"pairs whose errors could not be checked (no features)": 2}
    assert set(found.annotations["pair_id"]) == {IDS[1], IDS[4]}
    assert set(found.annotations["status"]) == {"not_applicable"} and len(found.annotations) == 6
    built = build_features(IDS, found.annotations, found.features, CATALOGUE, ["published"])
    assert set(built.features["pair_id"]) == {IDS[n] for n in (0, 2, 3, 5)}
    errors = built.dropped[built.dropped["property"] == "no_severe_errors"]
    assert set(errors["reason"]) == {"errors cannot be checked"} and set(errors["pair_id"]) == {IDS[1], IDS[4]}


def test_stored_counts_decide_length_where_no_comparison_is_published(tmp_path):
    rows = [annotation(n) for n in range(6)]
    del rows[2]["comparison"]["length"], rows[3]["comparison"]["length"]
    rows[3]["comparison"]["accuracy"] = UNCHECKED
    found = source(tmp_path, annotations=rows)
    counted = found.annotations[found.annotations["property"] == "lengthy"]
    assert counted[["pair_id", "score_a", "score_b"]].to_numpy().tolist() == [[IDS[2], 42.0, 20.0]]
    built = build_features(IDS, found.annotations, found.features, CATALOGUE, ["published"])
    assert by_pair(built.features)[IDS[2], "lengthy"] == 1
    assert set(built.features["pair_id"]) == set(IDS) - {IDS[3]}


def test_annotations_that_skip_pairs_go_by_the_list_of_all(tmp_path):
    """Pairs 1 and 4 could not be parsed: no line is there for them, the lists keep the numbers of the pairs."""
    kept = [0, 2, 3, 5]
    lists = {"all": kept, "w_constraints": [3, 5], "Code": [0, 2, 3], "Advice": [5]}
    rows = [annotation(n, friendly=entry(1 if n == 3 else 0, 0.0)) for n in kept]
    found = source(tmp_path, annotations=rows, groups=lists)
    assert set(found.features["pair_id"]) == {IDS[n] for n in kept}
    assert [key[0] for key, sign in by_pair(found.features).items() if sign and key[1] == "friendly"] == [IDS[3]]
    assert list(found.groups["pair_id"]) == [IDS[3], IDS[5]]
    assert len(found.pairs) == 6
    assert found.notes == {"pairs without an annotation": 2}


def test_annotations_with_ids_or_empty_lines_say_whose_they_are(tmp_path):
    rows = [{"id": n, **annotation(n)} for n in (5, 0, 3)]
    found = source(tmp_path, annotations=rows)
    assert set(found.features["pair_id"]) == {IDS[n] for n in (0, 3, 5)}
    rows = [annotation(n) for n in range(5)] + [{"query_info": None, "comparison": None}]
    assert set(source(tmp_path, annotations=rows).features["pair_id"]) == set(IDS[:5])


def test_annotations_that_cannot_be_assigned_are_refused(tmp_path):
    rows = [annotation(n) for n in (0, 2, 3, 5)]
    with pytest.raises(InputError, match="annotations.jsonl: holds 4 annotations for 6 pairs.*list `all`"):
        source(tmp_path, annotations=rows)
    with pytest.raises(
        InputError, match="annotations.jsonl: line 2: compares responses of 42 and 20 words, but its pair has 41 and 20"
    ):
        source(tmp_path, annotations=rows, groups={"all": [0, 1, 2, 3]})
    with pytest.raises(InputError, match="annotations.jsonl: line 1, column `id`: pair `9` is not among the pairs"):
        source(tmp_path, annotations=[{"id": 9, **annotation(0)}])
    with pytest.raises(InputError, match="annotations.jsonl: line 2, column `id`: pair `0` was annotated already"):
        source(tmp_path, annotations=[{"id": 0, **annotation(0)}] * 2)


def test_query_analyses_without_lists_of_cases(tmp_path):
    pairs = [pair(n, prompt="Same?") if n in (2, 3) else pair(n) for n in range(6)]
    found = source(tmp_path, pairs, annotations=[annotation(n) for n in range(6)])
    assert len(found.query_info) == 5
    info = found.query_info.set_index(
        found.query_info["prompt_id"].map(found.pairs.set_index("prompt_id")["prompt"].to_dict())
    )
    assert not info.loc["Question 1?", "clear_intent"] and info.loc["Question 0?", "clear_intent"]
    assert info.loc["Same?", "feelings"] and info.loc["Same?", "constraints"] == "[]"
    assert info.loc["Question 5?", "reference"] == "Reference 5."
    assert found.notes == {"query analyses that differ from an earlier one of the same prompt": 1}


def test_lists_of_cases_stand_alone(tmp_path):
    lists = {"intent_unclear": [1], "long_prompts": [0, 1]}
    found = source(tmp_path, annotations=[annotation(n) for n in range(6)], groups=lists)
    assert found.query_info.empty
    assert list(found.groups.itertuples(index=False, name=None)) == [
        (IDS[1], "intent_unclear", "case"),
        (IDS[0], "long_prompts", "defined"),
        (IDS[1], "long_prompts", "defined"),
    ]


def test_scenarios_come_from_the_pair_the_lists_or_the_fine_scenario(tmp_path):
    bare = [{k: v for k, v in pair(n).items() if k != "group"} for n in range(6)]
    assert set(source(tmp_path, bare).pairs["scenario"]) == {"code_generation"}
    named = source(tmp_path, bare, groups={"all": [0], "Exam Questions": [0, 1], "Others": [5]}).pairs["scenario"]
    assert list(named) == ["Exam Questions", "Exam Questions", *["code_generation"] * 3, "Others"]
    with pytest.raises(InputError, match="idxs.json: group `Code`: lists row 4, which belongs to `Advice`.*line 5"):
        source(tmp_path, groups={"Code": [0, 4]})


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"Code": [0, 6]}, "group `Code`: lists row 6 .row numbers from 0 to 5"),
        ({"w_stances": [-1]}, "group `w_stances`: lists row -1"),
        ({"w_stances": ["3"]}, "group `w_stances`: lists row '3'"),
        ({"w_stances": [3, 3]}, "group `w_stances`: lists row 3 twice"),
        ({"all": [0, 1, 2, 3, 4, 5, 0]}, "group `all`: lists 7 rows where there are 6 pairs"),
        ({"all": 6}, "group `all`: holds 6"),
        ([1, 2], "idxs.json: holds .1, 2."),
    ],
)
def test_bad_group_lists_are_named(tmp_path, lists, message):
    with pytest.raises(InputError, match=message) as error:
        source(tmp_path, groups=lists)
    assert "query_aware_idxs.json" in str(error.value)


def test_labels_of_judges(tmp_path):
    found = source(tmp_path, labels={"gpt-4-1106-preview": list("ABABBB")})
    verdicts = found.judgements.set_index(["judge", "pair_id"])["verdict"]
    assert list(verdicts["gpt-4-1106-preview"]) == list("ababbb") and list(verdicts["human"]) == list("ababab")
    assert found.judgements["order"].isna().all()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"m": list("ABABB")}, "labels-0.json: holds 5 labels .a list of 6 labels"),
        ({"m": list("ABABBC")}, "labels-0.json: entry 6 is 'C'"),
        ({"m": ["A"] * 5 + [None]}, "labels-0.json: entry 6 is None"),
        ({"m": {"0": "A"}}, "labels-0.json: holds"),
        ({"human": list("ABABBB")}, "labels-0.json: label `human` is the vote stored as `winner`"),
    ],
)
def test_bad_labels_are_named(tmp_path, labels, message):
    with pytest.raises(InputError, match=message):
        source(tmp_path, labels=labels)


def test_votes_other_than_a_clear_winner(tmp_path):
    pairs = [pair(0, winner="tie"), pair(1, winner="tie (bothbad)"), pair(2, winner=None), pair(3)]
    assert list(source(tmp_path, pairs).judgements["verdict"]) == ["tie", "tie", "b"]
    with pytest.raises(InputError, match="pairs.jsonl: line 2, column `winner`: holds 'A'"):
        source(tmp_path, [pair(0), pair(1, winner="A")])


def test_left_out_pairs_keep_the_numbers_of_the_others(tmp_path):
    pairs = [pair(n, response_b=" ") if n == 1 else pair(n) for n in range(6)]
    record = {"name": "paper", "path": write(tmp_path, "pairs.jsonl", pairs), "empty_responses": "drop"}
    record["annotations"] = write(tmp_path, "annotations.jsonl", [annotation(n) for n in range(6)])
    record["groups"] = write(tmp_path, "idxs.json", {"w_stances": [1, 2]})
    found = read(record, CATALOGUE)
    kept = set(IDS) - {IDS[1]}
    assert set(found.pairs["pair_id"]) == set(found.features["pair_id"]) == set(found.judgements["pair_id"]) == kept
    assert list(found.groups["pair_id"]) == [IDS[2]]
    assert found.notes == {"pairs with an empty response": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"friendly": entry(2, 0.0)}, "line 3: `comparison` of `friendly` is 2 .-1, 0 or 1"),
        ({"friendly": entry(999, 0.0)}, "line 3: `comparison` of `friendly` is 999"),
        ({"friendly": entry(True, 0.0)}, "line 3: `comparison` of `friendly` is True"),
        ({"friendly": entry(1, None)}, "line 3: `norm_diff` of `friendly` is None"),
        ({"friendly": 1}, "line 3: `friendly` is 1"),
        ({"frendly": entry(1, 0.3)}, "line 3: property `frendly` is unknown"),
        ({"accuracy": entry({"Severe": 1}, {"Severe": 0.2})}, "line 3: `comparison` of `no moderate errors` is None"),
        (
            {"length": {**entry(1, 0.4), "meta": {"Response 1": 7, "Response 2": 9}}},
            "line 3: compares responses of 7 and 9",
        ),
    ],
)
def test_a_bad_comparison_is_named(tmp_path, change, message):
    rows = [annotation(n) for n in range(6)]
    rows[2]["comparison"] |= change
    with pytest.raises(InputError, match=message):
        source(tmp_path, annotations=rows)


def test_a_bad_query_analysis_or_count_is_named(tmp_path):
    rows = [annotation(n) for n in range(6)]
    rows[4]["query_info"]["explicit constraints"] = "Be brief"
    with pytest.raises(InputError, match="line 5: `explicit constraints` is 'Be brief'"):
        source(tmp_path, annotations=rows)
    with pytest.raises(InputError, match="pairs.jsonl: line 2, column `response_a word`"):
        source(tmp_path, [pair(0), pair(1, **{"response_a word": -3})])
    with pytest.raises(InputError, match="line 2, column `id`: pair_id `preference-dissection-0000` occurs twice"):
        source(tmp_path, [pair(0), pair(1, id=0)])


def test_properties_missing_from_an_annotation_are_counted(tmp_path):
    rows = [annotation(n) for n in range(6)]
    del rows[0]["comparison"]["funny and humorous"]
    found = source(tmp_path, annotations=rows)
    assert found.notes == {"annotated pairs that lack a property others have": 1}
    assert (IDS[0], "funny") not in by_pair(found.features)
