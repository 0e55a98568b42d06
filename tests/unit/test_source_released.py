"""The data set of the paper as released on the hub: files of the data card's form, made by hand."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as pq
import pytest

from configs import changed, error
from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.features import build_features
from prefdissect.pairs.hub import data_files
from prefdissect.pairs.registry import source_files
from prefdissect.pairs.released import read

CATALOGUE = load_catalogue()
BASIC = [
    "repetitive" if prop.name == "non_repetitive" else prop.published[0]
    for prop in CATALOGUE.values()
    if prop.family in ("query_free", "query_aware")
]
CONSTRAINTS, STANCES = "satisfying explicit constraints", "supporting explicit subjective stances"
MISTAKES, INTENT, EMPATHY = "correcting explicit mistakes or biases", "clarify user intent", "showing empathetic"


def specific(**changes) -> dict:
    return {INTENT: None, EMPATHY: None, CONSTRAINTS: [], STANCES: [], MISTAKES: []} | changes


def checked(*errors, word: str = "applicable") -> dict:
    found = [{"brief description": text, "severity": severity, "type": "fact"} for text, severity in errors]
    return {"applicable or not": word, "errors": found}


def row(number: int = 0, **changes) -> dict:
    """One row of the card's form."""
    content = {"model": "vicuna-13b", "content": f"One {number}.", "num_words": 40}
    return {
        "query": f"Question {number}?",
        "scenario_auto-j": "code_generation",
        "scenario_group": "Code",
        "response_1": content,
        "response_2": {"model": "alpaca-13b", "content": f"Two {number}.", "num_words": 20},
        "gpt-4-turbo_reference": f"Reference {number}.",
        "clear intent": "Yes",
        "explicitly express feelings": "No",
        "explicit constraints": [],
        "explicit subjective stances": [],
        "explicit mistakes or biases": [],
        "preference_labels": {"human": "response_2", "yi-6b": "response_1"},
        "basic_response_1": dict.fromkeys(BASIC, 1),
        "basic_response_2": dict.fromkeys(BASIC, 1),
        "errors_response_1": checked(),
        "errors_response_2": checked(),
        "query-specific_response_1": specific(),
        "query-specific_response_2": specific(),
    } | changes


# A query that has every case, with ratings of both responses.
FULL = row(
    7,
    **{
        "clear intent": "No",
        "explicitly express feelings": "Yes",
        "explicit constraints": ["Be brief", "Use Python"],
        "explicit subjective stances": ["Tabs are better"],
        "explicit mistakes or biases": ["Python is compiled"],
        "query-specific_response_1": specific(
            **{INTENT: 3, EMPATHY: 0, CONSTRAINTS: [3, 1], STANCES: ["Weakly opposed"]},
            **{MISTAKES: ["pointed out and corrected"]},
        ),
        "query-specific_response_2": specific(
            **{INTENT: 1, EMPATHY: 2, CONSTRAINTS: [2, 2], STANCES: ["strongly supported"]},
            **{MISTAKES: ["neither pointed out nor corrected"]},
        ),
    },
)


def written(folder: Path, rows: list[dict], name: str = "data.jsonl") -> str:
    path = folder / name
    if path.suffix == ".parquet":
        pq.write_table(arrow.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(entry) + "\n" for entry in rows), encoding="utf-8")
    return str(path)


def source(folder: Path, rows: list[dict], name: str = "data.jsonl", **keys):
    return read({"name": "hub", "kind": "released", "path": written(folder, rows, name), **keys}, CATALOGUE)


def refused(folder: Path, changes: dict, **keys) -> str:
    with pytest.raises(InputError) as caught:
        source(folder, [row(0), row(1, **changes)], **keys)
    return str(caught.value)


def ratings(found, name: str) -> list[tuple]:
    table = found.annotations[found.annotations["property"] == name]
    columns = table[["item", "score_a", "score_b", "status"]].astype(object)
    return [tuple(values) for values in columns.where(columns.notna(), None).to_numpy().tolist()]


@pytest.mark.parametrize("name", ["data.jsonl", "data.parquet"])
def test_everything_of_the_card_is_taken(tmp_path, name):
    bad = checked(("off by one", "Severe"), ("typo", "minor"), ("typo again", "minor"))
    basic = dict.fromkeys(BASIC, 1) | {"friendly": 3, "repetitive": 2}
    plain = row(1, errors_response_2=bad, basic_response_1=basic)
    found = source(tmp_path, [FULL, plain], name)
    first, second = found.pairs.to_dict("records")
    assert (first["pair_id"], second["pair_id"]) == ("hub-1", "hub-2")
    assert (first["prompt"], first["response_a"], first["response_b"]) == ("Question 7?", "One 7.", "Two 7.")
    assert (first["model_a"], first["model_b"], first["scenario"]) == ("vicuna-13b", "alpaca-13b", "Code")
    assert first["reference"] == "Reference 7."
    votes = found.judgements.set_index(["judge", "pair_id"])["verdict"].to_dict()
    assert votes == {(j, p): v for j, v in (("human", "b"), ("yi-6b", "a")) for p in ("hub-1", "hub-2")}
    assert ratings(found, "lengthy") == [(0, 40, 20, "ok")] * 2
    assert ratings(found, "friendly") == [(0, 1, 1, "ok"), (0, 3, 1, "ok")]
    assert ratings(found, "satisfies_constraints")[:2] == [(0, 3, 2, "ok"), (1, 1, 2, "ok")]
    assert ratings(found, "supports_stances")[0] == (0, -1, 2, "ok")
    assert ratings(found, "corrects_mistakes")[0] == (0, 3, 0, "ok")
    assert ratings(found, "clarifies_intent") == [(0, 3, 1, "ok"), (0, None, None, "not_applicable")]
    assert ratings(found, "no_minor_errors") == [(0, 0, 0, "ok"), (0, 0, 2, "ok")]
    listed = found.errors[["pair_id", "response", "n", "severity", "description"]].to_numpy().tolist()
    assert listed == [
        ["hub-2", "b", 0, "severe", "off by one"],
        ["hub-2", "b", 1, "minor", "typo"],
        ["hub-2", "b", 2, "minor", "typo again"],
    ]
    info = found.query_info.to_dict("records")[0]
    assert (info["clear_intent"], info["feelings"], info["reference"]) == (False, True, "Reference 7.")
    assert json.loads(info["constraints"]) == ["Be brief", "Use Python"]
    assert set(found.annotations["property"]) == set(CATALOGUE) and found.notes == {}
    ids = list(found.pairs["pair_id"])
    built = build_features(ids, found.annotations, found.features, CATALOGUE, ["released"]).features
    signs = built.set_index(["pair_id", "property"])["sign"]
    assert signs["hub-1", "satisfies_constraints"] == 0 and signs["hub-1", "supports_stances"] == -1
    assert signs["hub-1", "corrects_mistakes"] == 1 and signs["hub-1", "lengthy"] == 1
    assert signs["hub-2", "non_repetitive"] == -1 and signs["hub-2", "no_severe_errors"] == 1
    assert signs["hub-2", "clarifies_intent"] == 0 and signs["hub-2", "relevant"] == 0


def test_what_was_not_rated_or_not_checked_has_no_score(tmp_path):
    partial = {key: value for key, value in row()["basic_response_2"].items() if key != "friendly"}
    rows = [
        row(0, basic_response_1=dict.fromkeys(BASIC, 1) | {"polite": None}, basic_response_2=partial),
        row(1, errors_response_1=checked(("x", "minor"), word="not applicable")),
        row(2, errors_response_2=None),
        row(3, **{"explicit constraints": ["Be brief"]}),
        row(4, preference_labels={"human": None, "yi-6b": "response_1"}),
    ]
    found = source(tmp_path, rows)
    assert [status for *_, status in ratings(found, "polite")] == ["failed", "ok", "ok", "ok", "ok"]
    assert [status for *_, status in ratings(found, "friendly")] == ["failed", "ok", "ok", "ok", "ok"]
    assert [status for *_, status in ratings(found, "no_minor_errors")] == [
        "ok",
        "not_applicable",
        "failed",
        "ok",
        "ok",
    ]
    assert [status for *_, status in ratings(found, "satisfies_constraints")][3] == "failed"
    assert found.errors.empty, "errors of a response whose check is not applicable do not count"
    assert list(found.judgements.loc[found.judgements["pair_id"] == "hub-5", "judge"]) == ["yi-6b"]
    assert found.notes == {"query-specific properties with another number of ratings than the query calls for": 1}


FAULTS = [
    ({"mood": "good"}, r"column `mood` cannot be interpreted .*`ignore_columns`"),
    ({"response_1": "One."}, "line 2, column `response_1`: holds 'One.'"),
    ({"response_1": {"text": "One."}}, "line 2, column `response_1`: key `text` cannot be interpreted"),
    ({"preference_labels": {"human": "A"}}, "column `preference_labels`, judge `human`: the label is 'A'"),
    ({"basic_response_2": {"non-repetitive": 3}}, "`basic_response_2`: key `non-repetitive` cannot be interpreted"),
    ({"basic_response_2": dict.fromkeys(BASIC, 4)}, "column `basic_response_2`: score 4 of `harmless` is outside"),
    ({"errors_response_1": checked(("x", "fatal"))}, "`errors_response_1`, key `errors`: .* has the severity 'fatal'"),
    ({"errors_response_1": checked(word="perhaps")}, "`errors_response_1`, key `applicable or not`: .*'perhaps'"),
    ({"query-specific_response_1": {"tone": 3}}, "`query-specific_response_1`: key `tone` cannot be interpreted"),
    ({"query-specific_response_1": specific(**{CONSTRAINTS: [3]})}, "1 scores here and 0 in `query-specific_"),
    ({"clear intent": "Perhaps"}, "line 2, column `clear intent`: holds 'Perhaps'"),
    ({"explicit constraints": "Be brief"}, "line 2, column `explicit constraints`: holds 'Be brief'"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), FAULTS)
def test_what_cannot_be_interpreted_is_named(tmp_path, changes, message):
    assert re.search(message, refused(tmp_path, changes))


def test_an_unknown_level_is_no_score(tmp_path):
    rated = specific(**{STANCES: ["so so"]})
    both = {f"query-specific_response_{side}": rated for side in "12"} | {"explicit subjective stances": ["Tabs"]}
    assert "'so so' is no score of `supports_stances`" in refused(tmp_path, both)
    found = source(tmp_path, [row(1, **both)], bad_ratings="zero")
    assert ratings(found, "supports_stances") == [(0, 0, 0, "ok")]


def test_the_published_way_with_words_that_are_off(tmp_path):
    rows = [row(0, **{"clear intent": "Maybe", "errors_response_1": checked(("x", "fatal"), ("y", "minor"))})]
    found = source(tmp_path, rows, bad_ratings="zero")
    assert found.query_info["clear_intent"].tolist() == [True]
    assert ratings(found, "no_minor_errors") == [(0, 1, 0, "ok")]
    assert found.notes == {"errors without a known severity, not counted": 1}


def test_columns_may_be_ignored_and_scenarios_fine(tmp_path):
    found = source(tmp_path, [row(0, mood="good")], ignore_columns=["mood"], scenario="fine")
    assert list(found.pairs["scenario"]) == ["code_generation"]
    with pytest.raises(InputError, match="`ignore_columns`: there is no column `modo`"):
        source(tmp_path, [row(0, mood="good")], ignore_columns=["modo"])


def test_half_of_the_ratings_is_a_missing_column(tmp_path):
    rows = [row(0)]
    del rows[0]["errors_response_2"]
    with pytest.raises(InputError, match="column `errors_response_2` is missing"):
        source(tmp_path, rows)


def test_a_folder_of_parts_is_one_data_set_and_rows_are_named_by_part(tmp_path):
    (tmp_path / ".cache").mkdir()
    written(tmp_path / ".cache", [row(9)], "part.parquet")
    (tmp_path / "data").mkdir()
    written(tmp_path / "data", [row(0), row(1)], "train-0.parquet")
    written(tmp_path / "data", [row(2)], "train-1.parquet")
    record = {"name": "hub", "kind": "released", "path": str(tmp_path)}
    assert list(read(record, CATALOGUE).pairs["prompt"]) == ["Question 0?", "Question 1?", "Question 2?"]
    assert len(source_files(record)) == 2
    written(tmp_path / "data", [row(2, preference_labels={"human": "B"})], "train-1.parquet")
    with pytest.raises(InputError, match=r"train-1.parquet: row 1, column `preference_labels`"):
        read(record, CATALOGUE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="the folder holds no table"):
        read(record | {"path": str(tmp_path / "empty")}, CATALOGUE)


def test_analyses_of_one_prompt_that_differ_are_counted(tmp_path):
    other = row(0, **{"clear intent": "No"}, response_1={"content": "Else.", "model": "x", "num_words": 3})
    found = source(tmp_path, [row(0), other])
    assert len(found.query_info) == 1 and found.query_info["clear_intent"].tolist() == [True]
    assert found.notes["query analyses that differ from an earlier one of the same prompt"] == 1


def test_a_hub_that_cannot_be_reached_says_what_to_do(root, tmp_path):
    """In a process of its own: huggingface_hub reads HF_HUB_OFFLINE when it is imported."""
    code = (
        "from prefdissect.pairs.released import read\n"
        "from prefdissect.errors import InputError\n"
        "try:\n read({'name': 'hub', 'dataset': 'GAIR/preference-dissection'}, {})\n"
        "except InputError as error:\n print(error)"
    )
    settings = {"PYTHONPATH": str(root / "scripts"), "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("data set `GAIR/preference-dissection`: ") and run.stdout.count("\n") == 1, run.stdout
    assert "https://huggingface.co/datasets/GAIR/preference-dissection and give their folder as `path`" in run.stdout


def test_without_the_hubs_package_the_files_can_be_fetched_by_hand(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match="needs the package huggingface_hub.*give their folder as `path`"):
        read({"name": "hub", "dataset": "GAIR/preference-dissection"}, CATALOGUE)


@pytest.mark.parametrize("keys", [{}, {"path": "a", "dataset": "GAIR/x"}])
def test_a_study_names_either_files_or_a_hub_id(keys):
    config = changed("sources.0", {"name": "votes", "kind": "released", **keys})
    assert "config key `sources[0]` needs exactly one of `path` and `dataset`" in error(config)


@pytest.mark.parametrize("kind", ["sha256", "git"])
def test_a_file_of_the_hubs_cache_that_is_cut_or_changed_is_named(tmp_path, kind):
    """The cache of huggingface_hub: snapshots are links to blobs, which are named by their checksums."""
    content = b"".join(b'{"n": %d}\n' % number for number in range(2000))
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    blob = tmp_path / "blobs" / (hashlib.sha256(content).hexdigest() if kind == "sha256" else git)
    snapshot = tmp_path / "snapshots/1/train.jsonl"
    for folder in (blob.parent, snapshot.parent):
        folder.mkdir(parents=True)
    snapshot.symlink_to(blob)
    blob.write_bytes(content)
    assert data_files({"path": str(snapshot.parent)}) == [snapshot]
    for damaged in (content[:-7], b"x" + content[1:]):
        blob.write_bytes(damaged)
        with pytest.raises(InputError, match=r"train\.jsonl: it is not what the hub gave.*\(delete .*blobs/"):
            data_files({"path": str(snapshot.parent)})
