"""Queries with several responses and their ratings, as in the bundled sample."""

from __future__ import annotations

import copy
import json

import pytest
import yaml

from prefdissect.catalogue import CASES, load_catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.responses import read
from prefdissect.tables import prompt_id

CATALOGUE = load_catalogue()
BASIC = [name for name, prop in CATALOGUE.items() if prop.family in ("query_free", "query_aware")]


def response(name: str, score: int = 1, **changes) -> dict:
    base = {
        "id": name,
        "text": f"Text of {name}.",
        "ratings": dict.fromkeys(BASIC, score),
        "specific": {},
        "errors": [],
    }
    return base | changes


def query(name: str = "q1", **changes) -> dict:
    info = {"clear_intent": True, "feelings": False, "constraints": [], "stances": [], "mistakes": []}
    base = {
        "id": name,
        "scenario": "Code",
        "prompt": f"Prompt of {name}?",
        "reference": "Right.",
        "query_info": info,
        "errors_checked": True,
        "responses": [response("r1", 1), response("r2", 2), response("r3", 3)],
    }
    return base | changes


def read_queries(tmp_path, *queries, **record):
    folder = tmp_path / "queries"
    folder.mkdir(exist_ok=True)
    for number, entry in enumerate(queries):
        text = entry if isinstance(entry, str) else yaml.safe_dump(entry, allow_unicode=True)
        (folder / f"f{number}.yaml").write_text(text, encoding="utf-8")
    return read({"name": "sample", "path": str(folder), **record}, CATALOGUE)


def error(tmp_path, *queries, **record) -> str:
    with pytest.raises(InputError) as caught:
        read_queries(tmp_path, *queries, **record)
    return str(caught.value).replace(str(tmp_path), "")


def test_all_pairs_of_a_query(tmp_path):
    source = read_queries(tmp_path, query("q1"), query("q2", responses=[response(f"r{i}") for i in range(1, 6)]))
    assert len(source.pairs) == 3 + 10
    for _, pair in source.pairs.iterrows():
        name, a, b = pair["pair_id"].split("-")
        assert pair["prompt"] == f"Prompt of {name}?"
        assert pair["prompt_id"] == prompt_id(pair["prompt"])
        assert (pair["response_a"], pair["response_b"]) == (f"Text of {a}.", f"Text of {b}.")
        assert (pair["scenario"], pair["reference"], pair["source"]) == ("Code", "Right.", "sample")


def test_bundled_sample(root):
    source = read({"name": "sample", "path": str(root / "data" / "sample" / "queries")}, CATALOGUE)
    queries = source.pairs["prompt_id"].nunique()
    assert len(source.pairs) == 6 * queries
    assert len(source.query_info) == queries
    assert source.annotations.groupby("pair_id")["property"].nunique().eq(28).all()


def test_side_does_not_follow_the_order_in_the_file(tmp_path):
    plain = [{"id": f"r{k}", "text": f"Text {k}."} for k in range(1, 5)]
    found = []
    for responses in (plain, plain[::-1]):
        lines = [json.dumps({"id": f"q{i}", "prompt": f"P{i}", "responses": responses}) for i in range(60)]
        (tmp_path / "q.jsonl").write_text("\n".join(lines), encoding="utf-8")
        found.append(read({"name": "s", "path": str(tmp_path / "q.jsonl")}, CATALOGUE).pairs["pair_id"])
    assert set(found[0]) == set(found[1])
    sides = found[0].str.extract(r"-r(\d)-r(\d)").astype(int)
    assert 0.4 < (sides[0] < sides[1]).mean() < 0.6  # 360 fair coins: 0.40 is 3.8 standard deviations off
    for number in range(1, 5):
        assert 0.35 < (sides[0] == number).sum() / (sides == number).any(axis=1).sum() < 0.65


def test_ratings_become_annotations(tmp_path):
    source = read_queries(tmp_path, query())
    table = source.annotations
    assert set(table["property"]) == set(CATALOGUE) - {"lengthy"}
    assert len(table) == 3 * 28
    basic = table[table["property"].isin(BASIC)]
    for _, row in basic.iterrows():
        _, a, b = row["pair_id"].split("-")
        assert (row["score_a"], row["score_b"], row["status"], row["item"]) == (int(a[1]), int(b[1]), "ok", 0)
    specific = table[table["property"].isin(CASES)]
    assert set(specific["status"]) == {"not_applicable"}
    assert specific[["score_a", "score_b"]].isna().all(axis=None)


def test_query_specific_ratings_have_items(tmp_path):
    info = {"clear_intent": False, "feelings": True, "constraints": ["x", "y"], "stances": ["z"], "mistakes": []}
    specific = {"clarifies_intent": 2, "empathetic": 1, "satisfies_constraints": [3, 0], "supports_stances": [-2]}
    responses = [
        response("r1", specific=specific),
        response("r2", specific=specific | {"satisfies_constraints": [1, 2]}),
    ]
    source = read_queries(tmp_path, query(query_info=info, responses=responses))
    table = source.annotations.set_index(["property", "item"])
    turned = source.pairs["pair_id"].iloc[0] == "q1-r2-r1"
    scores = table.loc["satisfies_constraints", ["score_a", "score_b"]].to_numpy().tolist()
    assert scores == ([[1, 3], [2, 0]] if turned else [[3, 1], [0, 2]])
    assert table.loc[("supports_stances", 0), "score_a"] == -2
    assert table.loc[("clarifies_intent", 0), "status"] == "ok"
    assert table.loc[("corrects_mistakes", 0), "status"] == "not_applicable"
    row = source.query_info.iloc[0]
    assert (row["clear_intent"], row["feelings"], row["reference"]) == (False, True, "Right.")
    assert json.loads(row["constraints"]) == ["x", "y"]
    assert row["prompt_id"] == source.pairs["prompt_id"].iloc[0]


def test_errors_are_counted_and_listed(tmp_path):
    errors = [{"type": "factual", "severity": "severe", "description": "d"}] * 2 + [{"severity": "minor"}]
    source = read_queries(tmp_path, query(responses=[response("r1", errors=errors), response("r2")]))
    side = "a" if source.pairs["pair_id"].iloc[0] == "q1-r1-r2" else "b"
    counts = source.annotations.set_index("property")[f"score_{side}"]
    assert counts[["no_minor_errors", "no_moderate_errors", "no_severe_errors"]].tolist() == [1, 0, 2]
    assert source.errors["response"].tolist() == [side] * 3
    assert source.errors["n"].tolist() == [0, 1, 2]
    assert source.errors["severity"].tolist() == ["severe", "severe", "minor"]
    assert source.errors["type"].isna().tolist() == [False, False, True]


def test_errors_that_cannot_be_checked_are_not_applicable(tmp_path):
    source = read_queries(tmp_path, query(errors_checked=False))
    counts = source.annotations[source.annotations["property"].str.endswith("_errors")]
    assert len(counts) == 9
    assert set(counts["status"]) == {"not_applicable"}
    assert len(source.errors) == 0


def test_prompt_and_responses_alone_are_enough(tmp_path):
    plain = {"id": 5, "prompt": "P", "category": "x", "responses": [{"id": i, "text": f"t{i}"} for i in (1, 2, 3)]}
    path = tmp_path / "plain.jsonl"
    path.write_text(json.dumps(plain) + "\n\n" + json.dumps(plain | {"id": 6}), encoding="utf-8")
    source = read({"name": "plain", "path": str(path)}, CATALOGUE)
    assert len(source.pairs) == 6
    assert source.pairs["model_a"].isna().all()
    for table in (source.annotations, source.query_info, source.errors, source.judgements):
        assert table.empty


def test_some_ratings_yield_rows_for_these_alone(tmp_path):
    responses = [response(f"r{i}", ratings={"friendly": i, "polite": 0}, model=f"m{i}") for i in (1, 2)]
    entry = query(responses=[{k: v for k, v in r.items() if k not in ("specific", "errors")} for r in responses])
    source = read_queries(tmp_path, {k: v for k, v in entry.items() if k not in ("query_info", "errors_checked")})
    assert source.annotations["property"].tolist() == ["friendly", "polite"]
    assert source.query_info.empty
    assert set(source.pairs[["model_a", "model_b"]].iloc[0]) == {"m1", "m2"}


def test_empty_responses(tmp_path):
    entry = query(responses=[response("r1"), response("r2", text=" "), response("r3")])
    assert "/queries/f0.yaml: response_a `r" in error(tmp_path, entry)
    source = read_queries(tmp_path, entry, empty_responses="drop")
    assert len(source.pairs) == 1
    assert set(source.annotations["pair_id"]) == set(source.pairs["pair_id"])
    assert source.notes == {"pairs with an empty response": 2}
    assert len(read_queries(tmp_path, entry, empty_responses="keep").pairs) == 3


def edited(path: str, value) -> dict:
    """A good query with the value at a dotted path replaced (`-` removes it)."""
    entry = copy.deepcopy(query())
    *parents, last = path.split(".")
    place = entry
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    if value == "-":
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return entry


R2 = "/queries/f0.yaml: response `r2`"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("id", "-", "/queries/f0.yaml: `id` is missing"),
        ("prompt", None, "/queries/f0.yaml, key `prompt`: is null or missing"),
        ("prompt", 12, "key `prompt`: holds 12, which is no text"),
        ("responses", "-", "key `responses`: a list of two or more"),
        ("responses", [response("r1")], "key `responses`: a list of two or more"),
        ("errors_checked", "yes", "key `errors_checked`: holds 'yes' (true or false)"),
        ("query_info.feelings", "no", "key `query_info`: `feelings` is 'no' (true or false)"),
        ("query_info.stances", "-", "exactly the keys clear_intent, feelings"),
        ("query_info.stances", ["x", 1], "`stances` is ['x', 1] (a list of texts"),
        ("responses.1", "text", "/queries/f0.yaml: responses, number 2: holds 'text'"),
        ("responses.1.id", "r1", "/queries/f0.yaml: response `r1`: this id occurs twice"),
        ("responses.1.text", "-", f"{R2}, key `text`: is null or missing"),
        (
            "responses.1.ratings.friendly",
            4,
            f"{R2}, key `ratings.friendly`: score 4 of `friendly` is outside its scale, 0 to 3",
        ),
        ("responses.1.ratings.friendly", "high", f"{R2}, key `ratings.friendly`: 'high' is no score of `friendly`"),
        ("responses.1.ratings.friendly", True, "True is no score"),
        ("responses.1.ratings.friendly", float("nan"), "missing or NaN"),
        ("responses.1.ratings.nice", 1, f"{R2}, key `ratings`: property `nice` is not rated here (known: harmless"),
        ("responses.1.ratings.lengthy", 1, "property `lengthy` is not rated here"),
        ("responses.1.ratings.polite", "-", "`polite` is rated in `r1` but not in `r2`"),
        ("responses.1.ratings", "-", "is rated in `r1` but not in `r2`"),
        ("responses.0.ratings", "-", "is rated in `r2` but not in `r1`"),
        (
            "responses.1.specific",
            {"empathetic": 1},
            f"{R2}, key `specific`: rates empathetic where `query_info` calls for nothing",
        ),
        (
            "query_info.feelings",
            True,
            "response `r1`, key `specific`: rates nothing where `query_info` calls for empathetic",
        ),
        ("responses.1.errors", "-", f"{R2}, key `errors`: is missing (`errors: []` if there is none)"),
        ("responses.1.errors", ["bad"], f"{R2}, key `errors`: holds ['bad']"),
        (
            "responses.1.errors",
            [{"severity": "huge"}],
            f"{R2}, key `errors`: an error has the severity 'huge' (one of minor",
        ),
        ("responses.1.rating", {}, f"{R2}: key `rating` is unknown (is `ratings` meant?)"),
        ("response", [], "/queries/f0.yaml: key `response` is unknown (is `responses` meant?)"),
    ],
)
def test_faults_name_file_response_and_key(tmp_path, path, value, expected):
    assert expected in error(tmp_path, edited(path, value))


def test_more_faults(tmp_path):
    info = query()["query_info"]
    constrained = query(query_info=info | {"constraints": ["x", "y"]})
    for entry in constrained["responses"]:
        entry["specific"] = {"satisfies_constraints": [1, 2]}
    read_queries(tmp_path, constrained)
    constrained["responses"][1]["specific"] = {"satisfies_constraints": [1]}
    assert f"{R2}, key `specific`: `satisfies_constraints` has 1 scores where 2 are called for" in error(
        tmp_path, constrained
    )
    constrained["responses"][1]["specific"] = {"satisfies_constraints": [1, 9]}
    assert "score 9 of `satisfies_constraints` is outside its scale, 0 to 3" in error(tmp_path, constrained)
    unchecked = edited("responses.1.errors", [{"severity": "minor"}]) | {"errors_checked": False}
    assert "errors are listed though `errors_checked` is false" in error(tmp_path, unchecked)
    del (orphan := query())["query_info"]
    orphan["responses"][0]["specific"] = {"empathetic": 1}
    assert "there are ratings, but the query has no `query_info`" in error(tmp_path, orphan)


def test_faults_across_files(tmp_path):
    assert "f1.yaml: id `q1` occurs twice (first: /queries/f0.yaml)" in error(tmp_path, query(), query())
    assert "two queries with `query_info` have the same prompt" in error(
        tmp_path, query("q1"), query("q2", prompt=query("q1")["prompt"])
    )


def test_faults_of_the_files_themselves(tmp_path):
    assert "f0.yaml: line 2: not YAML" in error(tmp_path, "id: q1\nprompt: [open]]\n")
    assert "f0.yaml: line 3: not YAML: key `id` occurs twice" in error(tmp_path, "id: q1\nprompt: x\nid: q2\n")
    assert "f0.yaml: holds ['list']" in error(tmp_path, "- list\n")
    (tmp_path / "queries" / "f0.yaml").write_bytes(b"id: \xff\n")
    assert "f0.yaml: line 1: byte 0xff at offset 4 is not UTF-8" in error(tmp_path)
    for name, expected in (("gone.jsonl", "does not exist"), ("x.txt", "the format is unknown"), ("none", "no *.yaml")):
        path = tmp_path / name
        if name == "none":
            path.mkdir()
        with pytest.raises(InputError, match=expected.replace("*", r"\*")):
            read({"name": "s", "path": str(path)}, CATALOGUE)
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(query()) + "\n" + json.dumps(edited("responses.1.text", 3)), encoding="utf-8")
    with pytest.raises(InputError, match="bad.jsonl: line 2: response `r2`, key `text`: holds 3"):
        read({"name": "s", "path": str(path)}, CATALOGUE)
