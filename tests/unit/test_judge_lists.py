"""Judges listed in a CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs import base, error
from prefdissect.config import load_study
from prefdissect.errors import InputError


class Lists:
    """Writes a CSV file and loads a study that lists it."""

    def __init__(self, folder: Path):
        self.path = folder / "judges.csv"

    def config(self, content: str | bytes, **entry) -> dict:
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return base(judge_lists=[{"path": str(self.path), **entry}])

    def judges(self, content, **entry) -> list[dict]:
        return list(load_study(self.config(content, **entry)).judges.values())[2:]

    def error(self, content, **entry) -> str:
        return error(self.config(content, **entry)).replace(str(self.path), "judges.csv")


@pytest.fixture
def lists(tmp_path) -> Lists:
    return Lists(tmp_path)


RECORDED = {"kind": "recorded", "source": "votes"}
LABELLED = {"columns": {"label": "judge"}, "defaults": RECORDED}


def test_labels_become_safe_names_and_other_columns_attributes(lists):
    judges = lists.judges("judge,base\nGPT-4/Vanilla,GPT-4\n", **LABELLED)
    assert judges == [
        {"name": "GPT-4-Vanilla", "label": "GPT-4/Vanilla", "attributes": {"base": "GPT-4"}, **RECORDED}
    ]  # fmt: skip


def test_one_column_may_give_two_keys(lists):
    [judge] = lists.judges("who\nx/y\n", columns={"label": "who", "judge": "who"}, defaults=RECORDED)
    assert (judge["label"], judge["judge"], judge["name"]) == ("x/y", "x/y", "x-y")


def test_values_take_the_type_of_their_key(lists):
    content = (
        "name,kind,model,gpu,trust_remote_code,mem_mb,rule,seed,coefficients,size\n"
        "007,transformers,7,1,true,1_000,,,,7\n"
        "coin,rule,,,,,coin,3,,\n"
        's,simulated,,,,,,,"{lengthy: 0.5}",\n'
    )
    model, coin, simulated = lists.judges(content)
    assert (model["name"], model["model"], model["gpu"], model["trust_remote_code"]) == ("007", "7", 1, True)
    assert model["mem_mb"] == 1000 and model["attributes"] == {"size": "7"}
    assert coin["seed"] == 3 and type(coin["seed"]) is int
    assert simulated["coefficients"] == {"lengthy": 0.5}


def test_a_row_overrides_the_defaults_and_keeps_their_attributes(lists):
    defaults = {**RECORDED, "attributes": {"stage": "sft", "size": "?"}}
    first, second = lists.judges("name,size\na,7\nb,\n", defaults=defaults)
    assert first["attributes"] == {"stage": "sft", "size": "7"}
    assert second["attributes"] == {"stage": "sft", "size": "?"}


def test_quotes_blank_lines_marks_and_spaces_in_a_list(lists):
    judges = lists.judges('\ufeffname, label\r\n\r\na,"A, the\nfirst"\r\nb, B\r\n , \r\n', defaults=RECORDED)
    assert [(judge["name"], judge["label"]) for judge in judges] == [("a", "A, the\nfirst"), ("b", "B")]


def test_data_dir_goes_into_the_rows_too(lists):
    [judge] = lists.judges("name,kind,model\na,transformers,{data_dir}/m\n")
    assert judge["model"] == "./m"


LIST_FAULTS = [
    (
        "judge\nGPT-4/Vanilla\nGPT-4 Vanilla\n",
        LABELLED,
        "judges.csv: line 3, column `judge`: the name `GPT-4-Vanilla` is taken already, by judges.csv: line 2",
    ),
    (
        "judge\nHuman\n",
        LABELLED,
        "judges.csv: line 2, column `judge`: the name `Human` is taken already, by config key `judges[0]`",
    ),
    (
        "name\na b\n",
        {"defaults": RECORDED},
        "judges.csv: line 2, column `name` is 'a b' (expected: name, safe as a file name",
    ),
    (
        'name,x\na,"1\n2"\na,3\n',
        {"defaults": RECORDED},
        "judges.csv: line 4, column `name`: the name `a` is taken already",
    ),
    (
        "name\na\n",
        {"columns": {"label": "judge"}, "defaults": RECORDED},
        "judges.csv, named by config key `judge_lists[0].columns.label`: column `judge` is missing (present: name)",
    ),
    ("base\nx\n", {"defaults": RECORDED}, "judges.csv: line 2: neither `name` nor `label` is given (`columns: {label:"),
    ("name\na\n", {}, "judges.csv: line 2, config key `judge_lists[0].defaults.kind` is missing (one of recorded,"),
    ("name,kind\na,rules\n", {}, "judges.csv: line 2, column `kind` is 'rules' (did you mean `rule`? one of"),
    ("name\na\n", {"defaults": {"kind": "recorded"}}, "line 2, config key `judge_lists[0].defaults.source` is missing"),
    (
        "name\na\n",
        {"defaults": {**RECORDED, "sauce": 1}},
        "config key `judge_lists[0].defaults.sauce` is unknown (did you mean `source`?",
    ),
    (
        "name\na\n",
        {"defaults": {**RECORDED, "attributes": 1}},
        "config key `judge_lists[0].defaults.attributes` is 1 (expected",
    ),
    (
        "name\na\n",
        {"defaults": {**RECORDED, "source": "x"}},
        "line 2, config key `judge_lists[0].defaults.source`: `x` is not known",
    ),
    (
        "name,source\na,x\n",
        {"defaults": RECORDED},
        "judges.csv: line 2, column `source`: `x` is not known (one of votes)",
    ),
    (
        "name,kind,model,gpu\na,transformers,m,two\n",
        {},
        "judges.csv: line 2, column `gpu` is 'two' (expected: a whole number",
    ),
    (
        "name,kind,rule,number\na,rule,coin,x\n",
        {"columns": {"seed": "number"}},
        "judges.csv: line 2, column `number` is 'x'",
    ),
    ("", {"defaults": RECORDED}, "judges.csv: no judge is listed (a header, then one row per judge)"),
    ("name\n", {"defaults": RECORDED}, "judges.csv: no judge is listed"),
    (
        "name\na,b\n",
        {"defaults": RECORDED},
        "judges.csv: line 2: 2 cells, 1 columns (put a cell that holds a comma in double quotes",
    ),
    ("name,name\na,b\n", {"defaults": RECORDED}, "judges.csv: line 1: column `name` occurs twice"),
    ('name\n"a\n', {"defaults": RECORDED}, "judges.csv: line 2: not CSV: unexpected end of data"),
    (b"name\na\n\xe9\n", {"defaults": RECORDED}, "judges.csv: line 3: byte 0xe9 at offset 7 is not UTF-8"),
    ("name\na\n", {"column": {}}, "config key `judge_lists[0].column` is unknown (did you mean `columns`?"),
    (
        "name\na\n",
        {"columns": {"label": None}},
        "config key `judge_lists[0].columns.label` is empty (expected: a text: a column",
    ),
]


@pytest.mark.parametrize(
    ("content", "entry", "message"), LIST_FAULTS, ids=[message[:70] for _, _, message in LIST_FAULTS]
)
def test_a_fault_of_a_list_gives_one_message_with_its_line(lists, content, entry, message):
    assert message in lists.error(content, **entry)


def test_a_list_that_is_not_there(tmp_path):
    config = base(judge_lists=[{"path": "{data_dir}/none.csv"}], data_dir=str(tmp_path))
    assert error(config) == (
        f"config key `judge_lists[0].path`: `{tmp_path}/none.csv` does not exist (give a CSV file; see `data_dir` too)"
    )


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet='name,label"\n \r;x1{}', max_size=40))
def test_no_list_gives_a_traceback(lists, content):
    try:
        assert lists.judges(content, defaults=RECORDED)
    except InputError as caught:
        assert "judges.csv" in str(caught)
