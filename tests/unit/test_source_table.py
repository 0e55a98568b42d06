"""A table of pairs of any column names, with votes, judgements, ratings, facts about queries and groups."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.table import read
from prefdissect.tables import SCHEMAS, prompt_id

PAIRS = [
    {"pair_id": "p1", "prompt": "Hi", "response_a": "Hello.", "response_b": "Yo.", "winner": "a"},
    {"pair_id": "p2", "prompt": "2+2?", "response_a": "4", "response_b": "Four, of course.", "winner": "tie"},
    {"pair_id": "p3", "prompt": "2+2?", "response_a": "5", "response_b": "4", "winner": "b"},
]


class Files:
    """Writes the files of a record and reads it."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, rows) -> str:
        path = self.folder / name
        if path.suffix == ".jsonl":
            path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        elif path.suffix == ".parquet":
            pd.DataFrame(rows).to_parquet(path)
        else:
            pd.DataFrame(rows).to_csv(path, index=False)
        return str(path)

    def read(self, rows=PAIRS, name="pairs.jsonl", **record):
        for key in ("judgements", "annotations", "query_info", "groups"):
            if isinstance(record.get(key), list):
                record[key] = {"path": self.write(f"{key}.jsonl", record[key])}
        record = {"name": "mine", "path": self.write(name, rows), **record}
        return read(record, load_catalogue())

    def error(self, *args, **record) -> str:
        with pytest.raises(InputError) as caught:
            self.read(*args, **record)
        return str(caught.value).replace(str(self.folder), "")


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def changed(position: int, **changes) -> list[dict]:
    return [{**row, **changes} if i == position else row for i, row in enumerate(PAIRS)]


# --- pairs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_contract_names_need_no_mapping(files, suffix):
    pairs = files.read(name=f"pairs.{suffix}").pairs
    assert list(pairs) == list(SCHEMAS["pairs"].columns)
    assert pairs["pair_id"].tolist() == ["p1", "p2", "p3"]
    assert pairs["response_a"].tolist() == ["Hello.", "4", "5"]
    assert pairs["prompt_id"].tolist() == [prompt_id("Hi"), prompt_id("2+2?"), prompt_id("2+2?")]
    assert set(pairs["source"]) == {"mine"}
    assert pairs[["turns", "model_a", "scenario", "reference"]].isna().all(axis=None)


def test_columns_are_mapped_and_others_ignored(files):
    rows = [{"q": "Hi", "left": "a", "right": "b", "lm": 7, "scenario": "x", "junk": [1, {"y": 2}]}] * 2
    columns = {"prompt": "q", "response_a": "left", "response_b": "right", "model_a": "lm", "scenario": None}
    pairs = files.read(rows, columns=columns).pairs
    assert pairs["pair_id"].tolist() == ["mine-1", "mine-2"]
    assert pairs["model_a"].tolist() == ["7", "7"]
    assert pairs["scenario"].isna().all()


def test_identifiers_may_be_numbers(files):
    rows = [{**row, "pair_id": i} for i, row in enumerate(PAIRS)]
    assert files.read(rows, name="p.parquet").pairs["pair_id"].tolist() == ["0", "1", "2"]


def test_given_prompt_ids_are_kept_and_missing_ones_made(files):
    rows = [{**PAIRS[0], "prompt_id": "mine"}, {**PAIRS[1], "prompt_id": None}]
    assert files.read(rows).pairs["prompt_id"].tolist() == ["mine", prompt_id("2+2?")]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_turns_as_text_or_list_are_the_same(files, suffix):
    turns = [{"role": "user", "content": "Grüß\u2028e"}, {"role": "assistant", "content": "?"}]
    as_text = files.read([{**PAIRS[0], "turns": json.dumps(turns)}], name=f"t.{suffix}").pairs
    as_list = files.read([{**PAIRS[0], "turns": turns}], name=f"l.{suffix}").pairs
    assert json.loads(as_text["turns"].iloc[0]) == turns
    assert as_text["turns"].tolist() == as_list["turns"].tolist()
    assert as_text["prompt_id"].tolist() == as_list["prompt_id"].tolist() != [prompt_id("Hi")]


def test_no_earlier_turns_is_null(files):
    rows = [{**PAIRS[0], "turns": []}, {**PAIRS[1], "turns": None}, {**PAIRS[2], "turns": "[]"}]
    assert files.read(rows).pairs["turns"].isna().all()


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ("not json", "holds 'not json', which is not JSON"),
        ({"role": "user"}, "holds {'role': 'user'}"),
        ([{"role": "user"}], "holds the message"),
        ([{"role": "robot", "content": "x"}], "a message has the role 'robot'"),
    ],
)
def test_bad_turns(files, turns, expected):
    assert f"/pairs.jsonl: line 2, column `turns`: {expected}" in files.error(changed(1, turns=turns))


def test_missing_mapped_column_is_named(files):
    text = files.error(columns={"response_a": "left"})
    assert text == ("/pairs.jsonl: column `left` is missing (present: pair_id, prompt, response_a, response_b, winner)")
    assert "column `prompt` is missing" in files.error([{"response_a": "x", "response_b": "y"}])
    assert "`columns` names `answer`" in files.error(columns={"answer": "x"})
    assert "`columns: prompt` is null" in files.error(columns={"prompt": None})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"prompt": None}, "line 2, column `q`: is null"),
        ({"prompt": "\n"}, "line 2, column `q`: holds only white space"),
        ({"response_b": None}, "line 2, column `response_b`: is null"),
        ({"response_b": 4}, "line 2, column `response_b`: holds 4, which is no text"),
        ({"response_a": ""}, "line 2, column `response_a`: is empty (`empty_responses: keep` or `drop` allows it)"),
        ({"response_a": " \t"}, "line 2, column `response_a`: holds only white space"),
        ({"response_a": "x\ud800"}, "line 2, column `response_a`: holds half a surrogate pair (U+D800)"),
        ({"pair_id": "p1"}, "line 2, column `pair_id`: pair_id `p1` occurs twice (first: /pairs.jsonl: line 1)"),
        ({"pair_id": None}, "line 2, column `pair_id`: is empty"),
        ({"pair_id": ["x"]}, "line 2, column `pair_id`: holds ['x'], which is no text"),
    ],
)
def test_faults_of_a_pair_name_line_and_column(files, changes, expected):
    rows = [{"q" if key == "prompt" else key: value for key, value in row.items()} for row in changed(1, **changes)]
    assert f"/pairs.jsonl: {expected}" in files.error(rows, columns={"prompt": "q"})


def test_rows_of_parquet_and_lines_of_csv_are_named(files):
    assert "/p.parquet: row 2, column `prompt`: is null" in files.error(changed(1, prompt=None), name="p.parquet")
    rows = [{**PAIRS[0], "prompt": "two\nlines"}, {**PAIRS[1], "response_a": None}]
    assert "/p.csv: line 4, column `response_a`: is empty" in files.error(rows, name="p.csv")


def test_empty_responses_kept_or_dropped(files):
    rows = changed(1, response_a=" ")
    assert files.read(rows, empty_responses="keep").pairs["response_a"].tolist() == ["Hello.", " ", "5"]
    source = files.read(rows, empty_responses="drop", votes=[{"judge": "human", "column": "winner"}])
    assert source.pairs["pair_id"].tolist() == ["p1", "p3"]
    assert source.judgements["verdict"].tolist() == ["a", "b"]
    assert source.notes == {"pairs with an empty response": 1}
    assert "is empty" in files.error(changed(1, prompt=""), empty_responses="keep")
    assert "no pair is left" in files.error([{**PAIRS[0], "response_a": ""}], empty_responses="drop")
    assert "`skip` is unknown (one of error, keep, drop)" in files.error(empty_responses="skip")


def test_dropped_pairs_keep_the_numbers_of_the_others(files):
    rows = [{key: value for key, value in row.items() if key != "pair_id"} for row in changed(0, response_a="")]
    assert files.read(rows, empty_responses="drop").pairs["pair_id"].tolist() == ["mine-2", "mine-3"]


def test_odd_texts_are_legal_and_unchanged(files):
    odd = "\ufeffa\r\nb\rc\u200b\u00a0\x00\x85\u2028\N{WOMAN}\N{ZERO WIDTH JOINER}\N{BOY} " + "é" * 15_000
    rows = [
        {"prompt": odd, "response_a": odd, "response_b": odd},
        {"prompt": "same", "response_a": "x", "response_b": "y"},
        {"prompt": "same", "response_a": "x", "response_b": "y"},
        {"prompt": "p", "response_a": "\u200b", "response_b": "y"},
    ]
    for suffix in ("jsonl", "parquet"):
        pairs = files.read(rows, name=f"odd.{suffix}").pairs
        assert pairs[["prompt", "response_a", "response_b"]].to_dict("records") == rows


@pytest.mark.parametrize("folder", ["auto-j", "llmbar"])
def test_published_texts_come_through_unchanged(shared_data, folder):
    path = shared_data / folder / "pairs.parquet"
    published = pd.read_parquet(path)
    vote = {"judge": "human", "column": "label" if "label" in published else "gold"}
    source = read({"name": folder, "path": str(path), "empty_responses": "keep", "votes": [vote]}, load_catalogue())
    for column in ("pair_id", "prompt", "response_a", "response_b", "scenario"):
        assert source.pairs[column].tolist() == published[column].tolist()
    assert source.judgements["verdict"].tolist() == published[vote["column"]].tolist()


# --- votes -----------------------------------------------------------------------------------------------------------


def test_votes_are_judgements_without_order(files):
    judgements = files.read(votes=[{"judge": "human", "column": "winner"}]).judgements
    assert judgements["pair_id"].tolist() == ["p1", "p2", "p3"]
    assert judgements["verdict"].tolist() == ["a", "tie", "b"]
    assert set(judgements["status"]) == {"ok"}
    assert judgements["order"].isna().all()
    assert (judgements["sample"] == 0).all()


def test_votes_are_translated(files):
    rows = [{**row, "w": w, "n": n} for row, w, n in zip(PAIRS, ["left", "right", "bad"], [1, 2, None], strict=True)]
    votes = [
        {"judge": "crowd", "column": "w", "values": {"left": "a", "right": "b", "bad": None}},
        {"judge": "expert", "column": "n", "values": {1: "a", 2: "b"}},
    ]
    for suffix in ("jsonl", "parquet", "csv"):
        judgements = files.read(rows, name=f"v.{suffix}", votes=votes).judgements
        assert judgements["judge"].tolist() == ["crowd"] * 3 + ["expert"] * 3
        assert judgements["verdict"].fillna("-").tolist() == ["a", "b", "-"] * 2
        assert judgements["status"].tolist() == ["ok", "ok", "unparsed"] * 2


def test_a_column_without_any_vote_is_no_fault(files):
    rows = [{**row, "winner": None} for row in PAIRS]
    judgements = files.read(rows, votes=[{"judge": "human", "column": "winner"}]).judgements
    assert judgements["verdict"].isna().all()
    assert set(judgements["status"]) == {"unparsed"}


def test_bad_votes(files):
    vote = {"judge": "human", "column": "winner"}
    text = files.error(changed(1, winner="A"), votes=[vote])
    assert "/pairs.jsonl: line 2, column `winner`: holds `A`, which is no verdict (one of a, b, tie, or empty" in text
    text = files.error(votes=[{**vote, "values": {"a": "a", "b": "b"}}])
    assert "line 2, column `winner`: holds `tie`, which is no verdict" in text
    assert "turns `a` into `first`" in files.error(votes=[{**vote, "values": {"a": "first"}}])
    assert "column `who` is missing (present: pair_id" in files.error(votes=[{"judge": "human", "column": "who"}])
    assert "judge `human` judges pair `p1`" in files.error(votes=[vote, vote])


# --- judgements ------------------------------------------------------------------------------------------------------

JUDGEMENT = {"judge": "j", "pair_id": "p1", "verdict": "a", "order": "ab"}


def test_judgements_with_mapped_columns(files):
    rows = [
        {"who": "j", "pair": "p1", "says": "1", "order": "ab"},
        {"who": "j", "pair": "p1", "says": "2", "order": "ba"},
    ]
    entry = {
        "path": files.write("j.csv", rows),
        "columns": {"judge": "who", "pair_id": "pair", "verdict": "says"},
        "values": {"1": "a", "2": "b"},
    }
    source = files.read(judgements=entry, votes=[{"judge": "human", "column": "winner"}])
    recorded = source.judgements[source.judgements["judge"] == "j"]
    assert recorded[["verdict", "order", "status"]].apply(tuple, axis=1).tolist() == [
        ("a", "ab", "ok"),
        ("b", "ba", "ok"),
    ]
    assert len(source.judgements) == 5


def test_verdicts_follow_from_ratings_and_log_probabilities(files):
    base = {"judge": "j", "pair_id": "p1"}
    rows = [
        {"rating_a": 7, "rating_b": 3},
        {"rating_a": 2, "rating_b": 3},
        {"rating_a": 5, "rating_b": 5},
        {"rating_a": 5, "rating_b": None},
        {"logp_a": -0.1, "logp_b": -3.0},
        {"logp_a": -3.0, "logp_b": -0.1, "rating_a": 9, "rating_b": 1},
        {"logp_a": -0.1},
        {"verdict": "b", "rating_a": 9, "rating_b": 1},
        {"rating_a": 9, "rating_b": 1, "status": "failed"},
        {"status": "ok"},
    ]
    judgements = files.read(judgements=[{**base, "sample": i, **row} for i, row in enumerate(rows)]).judgements
    assert judgements["verdict"].fillna("-").tolist() == ["a", "b", "tie", "-", "a", "b", "-", "b", "-", "-"]
    assert judgements["status"].tolist() == ["ok"] * 3 + [
        "unparsed",
        "ok",
        "ok",
        "unparsed",
        "ok",
        "failed",
        "unparsed",
    ]
    assert judgements["mass"].iloc[4] == pytest.approx(math.exp(-0.1) + math.exp(-3.0))
    assert judgements["rating_a"].iloc[0] == 7


def test_flags_and_mass_are_read(files):
    rows = [JUDGEMENT | {"truncated": "true", "mass": 0.9}, JUDGEMENT | {"order": "ba", "truncated": None}]
    judgements = files.read(judgements=rows).judgements
    assert judgements["truncated"].tolist() == [True, False]
    assert judgements["mass"].iloc[0] == 0.9


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pair_id": "p9"}, "column `pair_id`: pair `p9` is not among the pairs of this source"),
        ({"verdict": "A"}, "column `verdict`: holds `A`, which is no verdict"),
        ({"order": "AB"}, "column `order`: holds 'AB' (one of ab, ba, or empty)"),
        ({"sample": -1}, "column `sample`: holds -1"),
        ({"sample": 0.5}, "column `sample`: holds 0.5"),
        ({"judge": ""}, "column `judge`: is empty"),
        ({"status": "done"}, "column `status`: holds 'done' (one of ok, unparsed"),
        ({"status": "refused"}, "column `status`: is `refused` though there is a verdict"),
        ({"logp_a": 0.5}, "column `logp_a`: holds the positive log-probability 0.5"),
        ({"logp_b": -math.inf}, "column `logp_b`: holds -inf"),
        ({"logp_a": -0.1, "logp_b": -0.1}, "column `logp_b`: together with logp_a gives the two answers"),
        ({"mass": 1.2}, "column `mass`: holds the probability 1.2"),
        ({"rating_a": "good"}, "column `rating_a`: holds 'good' (a number, or empty)"),
        ({"truncated": "maybe"}, "column `truncated`: holds 'maybe' (true or false)"),
        ({"order": "ab"}, "judge=j, pair_id=p1, order=ab, sample=0 occurs twice (first: /judgements.jsonl: line 1"),
    ],
)
def test_bad_judgements(files, changes, expected):
    text = files.error(judgements=[JUDGEMENT, JUDGEMENT | {"order": "ba"} | changes])
    assert text.startswith("/judgements.jsonl: line 2")
    assert expected in text


def test_judgements_without_order_are_doubled_too(files):
    rows = [{"judge": "j", "pair_id": "p1", "verdict": "a"}] * 2
    assert "judge=j, pair_id=p1, sample=0 occurs twice" in files.error(judgements=rows)


def test_judgements_that_say_nothing(files):
    assert "no column says what the judges preferred" in files.error(judgements=[{"judge": "j", "pair_id": "p1"}])


# --- ratings ---------------------------------------------------------------------------------------------------------

RATING = {"pair_id": "p1", "property": "friendly", "score_a": 3, "score_b": 0}


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_ratings(files, suffix):
    rows = [
        RATING,
        RATING | {"property": "supports_stances", "score_a": -2, "score_b": 2, "item": 1},
        RATING | {"property": "use supporting materials"},
        RATING | {"property": "no_severe_errors", "score_a": 17},
        RATING | {"property": "empathetic", "score_a": None, "score_b": None, "status": "not_applicable"},
    ]
    entry = {"path": files.write(f"a.{suffix}", rows)}
    table = files.read(annotations=entry).annotations
    assert table["property"].tolist()[2] == "supporting_materials"
    assert table["item"].tolist() == [0, 1, 0, 0, 0]
    assert table["score_a"].tolist()[:4] == [3, -2, 3, 17]
    assert table["status"].tolist() == ["ok"] * 4 + ["not_applicable"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"property": "nice"}, "line 2, column `property`: property `nice` is unknown (known: harmless,"),
        ({"score_a": 4}, "line 2, column `score_a`: score 4 of `polite` is outside its scale, 0 to 3"),
        ({"score_b": -1}, "line 2, column `score_b`: score -1 of `polite` is outside its scale, 0 to 3"),
        (
            {"score_a": math.nan},
            "line 2, column `score_a`: the score of `polite` is missing or NaN; its scale is 0 to 3",
        ),
        ({"score_a": None}, "the score of `polite` is missing"),
        ({"score_a": math.inf}, "score inf of `polite` is outside its scale"),
        ({"score_a": "high"}, "'high' is no score of `polite`; its scale is 0 to 3"),
        ({"score_a": True}, "True is no score of `polite`"),
        ({"property": "supports_stances", "score_a": -3}, "outside its scale, -2 to 2"),
        ({"property": "no_minor_errors", "score_a": 0.5}, "outside its scale, a count >= 0"),
        ({"status": "failed"}, "a score is given though the status of `polite` is failed"),
        ({"status": "bad"}, "column `status`: holds 'bad'"),
        ({"item": -1}, "column `item`: holds -1"),
        ({"pair_id": "p7"}, "column `pair_id`: pair `p7` is not among the pairs"),
        (
            {"property": "friendly"},
            "pair_id=p1, property=friendly, item=0 occurs twice (first: /annotations.jsonl: line 1",
        ),
    ],
)
def test_bad_ratings(files, changes, expected):
    text = files.error(annotations=[RATING, RATING | {"property": "polite"} | changes])
    assert text.startswith("/annotations.jsonl: line 2")
    assert expected in text


def test_bad_ratings_count_as_zero_where_the_study_asks_for_the_published_way(files):
    rows = [RATING | {"score_a": 7}, RATING | {"property": "supports_stances", "score_a": None, "score_b": -2}]
    table = files.read(annotations={"path": files.write("a.jsonl", rows), "bad_ratings": "zero"}).annotations
    assert table[["score_a", "score_b"]].to_numpy().tolist() == [[0, 0], [0, -2]]
    assert set(table["status"]) == {"ok"}


# --- facts about queries, groups, dropped pairs ----------------------------------------------------------------------

INFO = {"clear_intent": True, "feelings": False, "constraints": ["short"], "stances": "[]"}


def test_query_info_by_prompt_or_pair(files):
    by_prompt = files.read(query_info=[{"prompt_id": prompt_id("Hi"), **INFO}]).query_info
    by_pair = files.read(query_info=[{"pair_id": name, **INFO} for name in ("p1", "p2", "p3")]).query_info
    assert by_prompt[["constraints", "stances", "mistakes"]].iloc[0].tolist() == ['["short"]', "[]", "[]"]
    assert by_pair["prompt_id"].tolist() == [prompt_id("Hi"), prompt_id("2+2?")]
    assert by_prompt["clear_intent"].dtype == bool


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt_id": "x"}, "column `prompt_id`: prompt `x` is not among those of this source"),
        ({"pair_id": "x"}, "column `pair_id`: pair `x` is not among the pairs"),
        ({"pair_id": "p1", "feelings": None}, "column `feelings`: holds None (true or false)"),
        ({"pair_id": "p1", "stances": "none"}, "column `stances`: holds 'none' (a list of texts"),
        ({"pair_id": "p1", "stances": [1]}, "column `stances`: holds [1]"),
    ],
)
def test_bad_query_info(files, row, expected):
    assert f"/query_info.jsonl: line 1, {expected}" in files.error(query_info=[INFO | row])


def test_unlike_facts_about_one_prompt(files):
    rows = [{"pair_id": "p2", **INFO}, {"pair_id": "p3", **INFO, "feelings": True}]
    assert f"prompt_id={prompt_id('2+2?')} occurs twice" in files.error(query_info=rows)


def test_groups(files):
    rows = [{"pair_id": "p1", "group": "easy"}, {"pair_id": "p2", "group": "easy"}, {"pair_id": "p1", "group": 5}]
    groups = files.read(groups=rows).groups
    assert groups[["pair_id", "group"]].apply(tuple, axis=1).tolist() == [("p1", "easy"), ("p2", "easy"), ("p1", "5")]
    assert set(groups["kind"]) == {"defined"}
    assert "pair_id=p1, group=easy occurs twice" in files.error(groups=[*rows, rows[0]])
    assert "line 1, column `pair_id`: pair `p0`" in files.error(groups=[{"pair_id": "p0", "group": "easy"}])


def test_rows_about_dropped_pairs_are_counted(files):
    source = files.read(
        changed(0, response_b=""),
        empty_responses="drop",
        judgements=[JUDGEMENT, JUDGEMENT | {"pair_id": "p2"}],
        annotations=[RATING, RATING | {"pair_id": "p2"}],
        query_info=[{"pair_id": "p1", **INFO}, {"pair_id": "p2", **INFO}],
        groups=[{"pair_id": "p1", "group": "g"}, {"pair_id": "p2", "group": "g"}],
    )
    for table in (source.judgements, source.annotations, source.groups):
        assert table["pair_id"].tolist() == ["p2"]
    assert source.query_info["prompt_id"].tolist() == [prompt_id("2+2?")]
    assert source.notes.pop("pairs with an empty response") == 1
    assert set(source.notes.values()) == {1}
    assert len(source.notes) == 4


def test_many_ratings_are_quick(files):
    """Checks of tens of thousands of rows take seconds, or studies of real size would wait for them."""
    rows = [{"prompt": f"q{i}", "response_a": "x", "response_b": "y"} for i in range(2000)]
    names = [name for name, prop in load_catalogue().items() if prop.family == "query_free"]
    ids = np.repeat([f"mine-{i + 1}" for i in range(2000)], len(names))
    frame = pd.DataFrame({"pair_id": ids, "property": names * 2000, "score_a": 1, "score_b": 2})
    source = files.read(rows, name="p.parquet", annotations={"path": files.write("a.parquet", frame)})
    assert len(source.annotations) == 2000 * len(names)
