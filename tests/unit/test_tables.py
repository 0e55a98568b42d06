"""The tables: what is written comes back, and every kind of broken row gives one message with file, row and column."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefdissect.errors import InputError
from prefdissect.tables import SCHEMAS, conform, empty_table, prompt_id, read_table, validate, write_csv, write_table

COLUMNS = [(name, column) for name, schema in SCHEMAS.items() for column in schema.columns]
# Columns that may not be null; ratings may, but not where their status is ok.
NEEDED = [(name, column) for name, column in COLUMNS if not SCHEMAS[name].columns[column].nullable]
RATED = ("annotations", "annotation_repeats")
NEEDED += [(name, column) for name in RATED for column in ("score_a", "score_b")]


def first_of_each(pairs: list[tuple[str, str]], trait) -> list[tuple[str, str]]:
    """One column for each trait: columns that are alike are checked by the same lines of code."""
    return list({trait(*pair): pair for pair in reversed(pairs)}.values())[::-1]


ODD_TEXTS = ["", " ", "a\r\nb", "\N{GRINNING FACE}", "a\u200bb", "x" * 15_000, "NA", "nan", "007", "\u2028"]


def bounds(name: str, column: str) -> dict:
    """Limits of a column: allowed_values, min_value, max_value."""
    checks = SCHEMAS[name].columns[column].checks
    return {key: value for check in checks for key, value in (check.statistics or {}).items()}


def kind(name: str, column: str) -> str:
    return str(SCHEMAS[name].columns[column].dtype)


def good_values(name: str, column: str) -> st.SearchStrategy:
    """Values that a column may hold."""
    limits, dtype = bounds(name, column), kind(name, column)
    if "allowed_values" in limits:
        values = st.sampled_from(list(limits["allowed_values"]))
    elif dtype.startswith("str"):
        values = st.text(max_size=20) | st.sampled_from(ODD_TEXTS)
    elif dtype == "int64":
        values = st.integers(limits.get("min_value"), limits.get("max_value", 2**63 - 1))
    elif dtype == "float64":
        values = st.floats(limits.get("min_value"), limits.get("max_value"), allow_nan=False, allow_infinity=False)
    else:
        values = st.booleans()
    return st.none() | values if SCHEMAS[name].columns[column].nullable else values


def rows(name: str) -> st.SearchStrategy:
    """Valid rows of a table, keys unique."""
    key = SCHEMAS[name].metadata["key"]
    row = st.fixed_dictionaries({column: good_values(name, column) for column in SCHEMAS[name].columns})
    if name == "judgements":
        row = row.map(lambda row: row if row["status"] == "ok" else {**row, "verdict": None})
    if name in RATED:
        row = row.map(lambda row: {**row, "score_a": row["score_a"] or 0.0, "score_b": row["score_b"] or 0.0})
    return st.lists(row, max_size=6, unique_by=lambda row: tuple(row[column] for column in key))


def frame_of(name: str, found: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(
        {column: pd.Series([row[column] for row in found], dtype=object) for column in SCHEMAS[name].columns}
    )


def plain(frame: pd.DataFrame) -> list[dict]:
    """Rows with None for whatever is missing."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def example(name: str, n: int = 3) -> pd.DataFrame:
    """A valid table of n rows, made by hand from the limits of its columns."""
    columns = {}
    for column in SCHEMAS[name].columns:
        limits, dtype = bounds(name, column), kind(name, column)
        if "allowed_values" in limits:
            columns[column] = [limits["allowed_values"][0]] * n
        elif dtype.startswith("str"):
            columns[column] = [f"{column}-{row}" for row in range(n)]
        elif dtype == "int64":
            columns[column] = [max(1, limits.get("min_value", 1))] * n
        else:
            columns[column] = [False] * n if dtype.startswith("bool") else [max(0.0, limits.get("min_value", 0.0))] * n
    if name == "linkage":
        columns["node"] = list(range(n))
    if name == "cluster_numbers":
        columns["n_clusters"] = list(range(2, 2 + n))
    if name == "judgements":
        columns["status"] = ["ok"] * n
    return pd.DataFrame(columns, dtype=object)


def broken(name: str, column: str, value) -> pd.DataFrame:
    """A valid table but for the second row's value of one column."""
    frame = example(name)
    frame[column] = pd.Series([*frame[column][:1], value, *frame[column][2:]], dtype=object)
    return frame


def fault(path, frame: pd.DataFrame, name: str) -> str:
    """The message about a frame, the same on writing it and on reading such a file; nothing is left behind."""
    with pytest.raises(InputError) as written:
        write_table(frame, path, name)
    assert list(path.parent.iterdir()) == []
    message = str(written.value)
    assert "\n" not in message and message.startswith(f"{path}: table `{name}`")
    return message.removeprefix(f"{path}: ")


# Round trips ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_written_comes_back(tmp_path, name, data):
    found = data.draw(rows(name))
    path = tmp_path / "table.parquet"
    written = write_table(frame_of(name, found), path, name)
    read = read_table(path, name)
    assert plain(read) == plain(written) == found
    assert list(read.dtypes) == list(written.dtypes) == list(empty_table(name).dtypes)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_table_without_rows_keeps_its_types(tmp_path, name):
    write_table(empty_table(name), tmp_path / "t.parquet", name)
    assert read_table(tmp_path / "t.parquet", name).dtypes.to_dict() == conform(example(name), name).dtypes.to_dict()


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_same_table_gives_the_same_bytes(tmp_path, name):
    for path in (tmp_path / "a", tmp_path / "b"):
        write_table(example(name), path, name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_order_of_columns_index_and_unknown_columns_do_not_matter_to_conform():
    frame = example("groups").set_index(pd.Index([5, 5, 7]))[["kind", "group", "pair_id"]].assign(extra=1)
    assert plain(conform(frame, "groups")) == plain(example("groups"))
    assert list(conform(frame, "groups").index) == [0, 1, 2]


def test_types_change_only_where_nothing_is_lost():
    frame = example("judgements").assign(
        sample=[0.0, 1.0, 2.0], logp_a=[-1, np.float32(-0.5), None], truncated=np.True_
    )
    table = conform(frame, "judgements")
    assert table["sample"].tolist() == [0, 1, 2] and table["sample"].dtype == "int64"
    assert table["logp_a"].tolist()[:2] == [-1.0, -0.5] and table["truncated"].tolist() == [True] * 3
    categories = frame.assign(status=pd.Categorical(["ok"] * 3), verdict=pd.Series([None, None, "a"], dtype="string"))
    assert plain(conform(categories, "judgements"))[2]["verdict"] == "a"


def test_chosen_columns_are_read_in_the_order_asked(tmp_path):
    write_table(example("pairs"), tmp_path / "p.parquet", "pairs")
    table = read_table(tmp_path / "p.parquet", "pairs", columns=["prompt", "pair_id"])
    assert list(table) == ["prompt", "pair_id"] and table["pair_id"][0] == "pair_id-0"


def test_a_folder_whose_name_looks_like_a_partition_adds_no_column(tmp_path):
    path = tmp_path / "run=3" / "group=x" / "g.parquet"
    write_table(example("groups"), path, "groups")
    assert plain(read_table(path, "groups")) == plain(example("groups"))


# Broken rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "column"), first_of_each(NEEDED, lambda name, column: (name, kind(name, column))))
def test_a_null_where_none_may_be(tmp_path, name, column):
    message = fault(tmp_path / "t", broken(name, column, None), name)
    assert f"column `{column}` is null" in message and ", row 2" in message


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_may_be_null_may_be_absent_too(tmp_path, name):
    optional = [column for column in SCHEMAS[name].columns if (name, column) not in NEEDED]
    table = write_table(example(name).drop(columns=optional), tmp_path / "t", name)
    assert table[optional].isna().all(axis=None)
    assert plain(table) == plain(write_table(example(name).assign(**dict.fromkeys(optional)), tmp_path / "t", name))


@pytest.mark.parametrize(("name", "column"), first_of_each(COLUMNS, lambda name, column: (name, kind(name, column))))
def test_a_value_of_another_type(tmp_path, name, column):
    wrong = {
        "s": [3, ["x"], "\ud800"],
        "i": [1.5, "1", True, 2.0**70],
        "f": ["0.5", True, [1.0]],
        "b": ["false", 0, 1.0],
    }
    for value in wrong[kind(name, column)[0]]:
        message = fault(tmp_path / "t", broken(name, column, value), name)
        assert f"column `{column}` holds {value!r} (expected: " in message and ", row 2" in message


@pytest.mark.parametrize(
    ("name", "column"), first_of_each(COLUMNS, lambda name, column: (kind(name, column), str(bounds(name, column))))
)
def test_a_value_outside_the_limits(tmp_path, name, column):
    limits = bounds(name, column)
    values = ["none of these"] if "allowed_values" in limits else []
    values += [limits["min_value"] - 1] if "min_value" in limits else []
    values += [limits["max_value"] + 1] if "max_value" in limits else []
    values += [np.inf] if kind(name, column) == "float64" else []
    for value in values:
        value = float(value) if kind(name, column) == "float64" else value
        message = fault(tmp_path / "t", broken(name, column, value), name)
        assert f"column `{column}` holds {value!r} (expected: " in message and ", row 2 " in message
        if "allowed_values" in limits:
            assert f"one of {', '.join(limits['allowed_values'])}" in message


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_key_that_occurs_twice(tmp_path, name):
    key = SCHEMAS[name].metadata["key"]
    frame = example(name)
    frame.loc[2, key] = frame.loc[0, key]
    message = fault(tmp_path / "t", frame, name)
    assert f"table `{name}`: rows 1 and 3 share the key {key[0]}=" in message and message.endswith(
        "keys must be unique"
    )


def test_a_null_in_a_key_counts_as_a_value(tmp_path):
    frame = example("judgements").assign(judge="j", pair_id="p", sample=0, order=[None, "ab", None])
    assert "rows 1 and 3 share the key judge='j', pair_id='p', sample=0;" in fault(tmp_path / "t", frame, "judgements")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_column_that_is_not_there(tmp_path, name):
    column = next(column for named, column in NEEDED if named == name)
    message = fault(tmp_path / "t", example(name).drop(columns=column), name)
    assert message.startswith(f"table `{name}` lacks column `{column}` (present: ")


def test_a_column_that_is_there_twice(tmp_path):
    frame = pd.concat([example("groups"), example("groups")[["kind"]]], axis=1)
    assert fault(tmp_path / "t", frame, "groups") == "table `groups` has the column `kind` twice"


def test_the_first_row_with_a_fault_is_named(tmp_path):
    frame = example("fit_quality", 4)
    frame.loc[3, "n_pairs"], frame.loc[1, "brier"], frame.loc[2, "group"] = -1, 7.0, "x"
    assert "row 2 (judge='judge-1', group='group-1', estimator='estimator-1'), column `brier` holds 7.0" in fault(
        tmp_path / "t", frame, "fit_quality"
    )


def test_a_verdict_beside_a_failure(tmp_path):
    frame = example("judgements").assign(status=["ok", "failed", "ok"])
    assert "row 2 (judge='judge-1', pair_id='pair_id-1', order='ab', sample=1), column `status` is not ok" in fault(
        tmp_path / "t", frame, "judgements"
    )


def test_a_long_value_is_cut(tmp_path):
    assert len(fault(tmp_path / "t", broken("groups", "kind", "x" * 10_000), "groups")) < 300


def test_validate_names_columns_that_do_not_belong():
    with pytest.raises(
        InputError, match=r"f: table `groups` has the unknown column `extra` \(known: pair_id, group, kind\)"
    ):
        validate(conform(example("groups"), "groups").assign(extra=1), "groups", "f")
    with pytest.raises(InputError, match="f: table `groups` lacks column `kind`"):
        validate(conform(example("groups"), "groups").drop(columns="kind"), "groups", "f")


# Broken files ---------------------------------------------------------------------------------------------------------


def read_fault(path, name: str, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_table(path, name, **options)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_missing_file(tmp_path):
    assert read_fault(tmp_path / "none.parquet", "pairs") == "table `pairs` is missing"
    assert read_fault(tmp_path, "pairs") == "table `pairs` is missing"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"pair_id,group,kind\n1,2,3\n", b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_a_file_that_is_no_parquet(tmp_path, content):
    (tmp_path / "t.parquet").write_bytes(content)
    assert read_fault(tmp_path / "t.parquet", "groups").startswith("not a complete Parquet file: ")


def test_a_truncated_or_damaged_file_is_never_read_as_other_values(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(example("groups", 200), path, "groups")
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 25):
        path.write_bytes(whole[:length])
        assert read_fault(path, "groups").startswith("not a complete Parquet file: ")
    for position in range(4, len(whole) // 2, 37):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            assert plain(read_table(path, "groups")) == plain(example("groups", 200))
        except InputError as caught:
            assert str(caught).startswith(f"{path}: ")


def test_a_foreign_file_is_checked_on_reading(tmp_path):
    path = tmp_path / "t.parquet"
    frame = example("groups")
    pq.write_table(arrow.Table.from_pandas(broken("groups", "kind", "x")), path)
    assert read_fault(path, "groups").startswith(
        "table `groups`, row 2 (pair_id='pair_id-1', group='group-1'), column `kind`"
    )
    pq.write_table(arrow.Table.from_pandas(frame.assign(extra=1)), path)
    assert read_fault(path, "groups") == "table `groups` has the unknown column `extra` (known: pair_id, group, kind)"
    assert read_fault(path, "groups", columns=["extra"]).startswith("table `groups` has the unknown column `extra`")
    pq.write_table(arrow.Table.from_pandas(frame.drop(columns="kind")), path)
    assert read_fault(path, "groups") == "table `groups` lacks column `kind` (present: pair_id, group)"
    assert read_fault(path, "groups", columns=["kind"]).startswith("table `groups` lacks column `kind`")


def test_a_failed_write_leaves_the_old_table(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(example("groups"), path, "groups")
    with pytest.raises(InputError):
        write_table(broken("groups", "kind", "x"), path, "groups")
    assert plain(read_table(path, "groups")) == plain(example("groups"))
    assert list(tmp_path.iterdir()) == [path]


# The rest -------------------------------------------------------------------------------------------------------------


def test_every_column_says_what_it_is():
    for name, schema in SCHEMAS.items():
        assert schema.metadata["key"] and set(schema.metadata["key"]) <= set(schema.columns), name
        for column, spec in schema.columns.items():
            assert spec.description and spec.metadata["rule"], f"{name}.{column}"


def test_prompt_ids_are_stable_and_tell_turns_apart():
    # Published results depend on these values: they must never change.
    assert prompt_id("What is a hash table?") == "bdb0baef22105b8f"  # sha256 of '[null, "What is a hash table?"]'
    assert prompt_id("a") == prompt_id("a", None) == prompt_id("a", "")
    turns = json.dumps([{"role": "user", "content": "a"}])
    assert len({prompt_id("a"), prompt_id("a", turns), prompt_id("a "), prompt_id("A"), prompt_id(turns)}) == 5
    assert len(prompt_id("\ud83d")) == 16


def test_csv_for_people(tmp_path):
    write_csv(pd.DataFrame({"judge": ["a,b", None], "mean": [1 / 3, np.nan]}), tmp_path / "x" / "t.csv")
    assert (tmp_path / "x" / "t.csv").read_bytes() == b'judge,mean\n"a,b",0.333333\n,\n'
