"""Reading user files: what comes out of good ones, and what is said about bad ones."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefdissect.errors import InputError
from prefdissect.pairs.files import numbers, read_frame, read_json, read_jsonl, require_columns, row_label

# Characters at which str.splitlines cuts, and others that careless reading loses.
ODD = "a\u2028b\u2029c\x0bd\x0ce\x1cf\x85g\u200bh\u00a0i\rj\r\nk\tl  \n\N{GRINNING FACE}"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "ndjson", "json", "parquet"])
def test_texts_come_back_as_they_were(tmp_path, suffix):
    frame = pd.DataFrame({"id": ["007", "1e5", "NA"], "text": [ODD, ' "quoted", ', "x" * 200_000]})
    path = tmp_path / f"file.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix == "json":
        write(path, json.dumps(frame.to_dict("records")))
    elif suffix in ("jsonl", "ndjson"):
        write(path, "\n".join(json.dumps(row, ensure_ascii=False) for row in frame.to_dict("records")))
    else:
        import csv

        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, delimiter="," if suffix == "csv" else "\t", quoting=csv.QUOTE_ALL)
            writer.writerows([list(frame), *frame.itertuples(index=False)])
    read = read_frame(path)
    assert read.to_dict("list") == frame.to_dict("list")


@given(texts=st.lists(st.text(), min_size=1, max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_json_lines(tmp_path, texts):
    lines = (json.dumps({"t": text}, ensure_ascii=not text.isprintable()) for text in texts)
    path = write(tmp_path / "any.jsonl", "\n".join(lines))
    assert read_frame(path)["t"].tolist() == texts


def test_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert list(read_frame(write(tmp_path / "a.csv", b"\xef\xbb\xbfprompt,x\nhi,1\n"))) == ["prompt", "x"]
    assert read_json(write(tmp_path / "a.json", b"\xef\xbb\xbf[1]")) == [1]


def test_missing_values_are_missing_and_text_is_not_guessed(tmp_path):
    frame = read_frame(write(tmp_path / "a.csv", "a,b\n1,\n2,NA\n"))
    assert frame["a"].tolist() == ["1", "2"]
    assert frame["b"].isna().tolist() == [True, False]
    frame = read_frame(write(tmp_path / "a.jsonl", '{"a": 1}\n{"b": null}\n'))
    assert frame["a"].isna().tolist() == [False, True]
    assert frame["b"].isna().all()


def test_whole_numbers_with_gaps_stay_whole_in_parquet(tmp_path):
    big = 2**60 + 1
    pd.DataFrame({"n": pd.array([big, None], dtype="Int64")}).to_parquet(tmp_path / "a.parquet")
    assert read_frame(tmp_path / "a.parquet")["n"].iloc[0] == big


def test_parquet_index_and_categories_are_ordinary_columns(tmp_path):
    frame = pd.DataFrame({"x": pd.Categorical(["u", "v"])}, index=pd.Index([7, 8], name="pair_id"))
    frame.to_parquet(tmp_path / "a.parquet")
    read = read_frame(tmp_path / "a.parquet")
    assert read["pair_id"].tolist() == [7, 8]
    assert read.index.tolist() == [0, 1]
    assert read["x"].dtype == object


def message(call, *args) -> str:
    with pytest.raises(InputError) as caught:
        call(*args)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "a.csv: the file is empty"),
        ("a.csv", b"a,b\n", "holds no row"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "a.csv: line 3: holds 3 cells where the header has 2"),
        ("a.csv", b'a,b\n"x\ny",2\n1\n', "a.csv: line 4: holds 1 cells"),
        ("a.csv", b'a,b\n1,"open\n2,3\n', "a.csv: line 2: not a complete table"),
        ("a.csv", b"a,a\n1,2\n", "a.csv: line 1: column `a` occurs twice"),
        ("a.csv", b"a\nok\nbad \xe9\n", "a.csv: line 3: byte 0xe9 at offset 9 is not UTF-8"),
        ("a.jsonl", b'{"a": 1}\n\n{"a": \n', "a.jsonl: line 3: not JSON"),
        ("a.jsonl", b'{"a": 1}\n[1]\n', "a.jsonl: line 2: holds an array"),
        ("a.jsonl", b"\n \n", "holds no row"),
        ("a.jsonl", b'{"a": "\xff"}', "byte 0xff at offset 7"),
        ("a.json", b'[{"a": 1},\n{"a": }]', "a.json: line 2: not JSON: Expecting value at column 7"),
        ("a.json", b'{"a": 1}', "a.json: holds an object (an array of objects"),
        ("a.json", b'[{"a": 1}, 3]', "a.json: row 2: holds a number"),
        ("a.json", b'{"a": 1}\n{"a": 2}', "named .jsonl"),
        ("a.json", b"[" * 100_000, "cannot be read"),
        ("a.json", b'[{"a": ' + b"1" * 5000 + b"}]", "cannot be read"),
        ("a.parquet", b"PAR1 not really", "a.parquet: cannot be read as Parquet"),
        ("a.xlsx", b"x", "the format `.xlsx` is unknown"),
    ],
)
def test_bad_files_are_named_with_the_place(tmp_path, name, content, expected):
    assert expected in message(read_frame, write(tmp_path / name, content))


def test_truncated_parquet_missing_file_and_folder(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": range(1000)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path}: cannot be read as Parquet" in message(read_frame, path)
    for name in ("none.parquet", "none.csv", "none.json"):
        assert message(read_frame, tmp_path / name) == f"{tmp_path / name}: the file does not exist"
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert "is a folder" in message(read_frame, folder)


def test_parquet_text_that_is_not_utf8_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    binary = pa.array([b"fine", b"\xff\xfe"], type=pa.binary())
    text = pa.Array.from_buffers(pa.string(), 2, binary.buffers())
    pq.write_table(pa.table({"a": text}), tmp_path / "a.parquet")
    assert "UTF8" in message(read_frame, tmp_path / "a.parquet")


def test_required_columns_are_named_with_what_is_there():
    frame = pd.DataFrame({"query": [1], "answer": [2]})
    require_columns(frame, ["query"], "f.csv")
    assert message(require_columns, frame, ["query", "prompt"], "f.csv") == (
        "f.csv: column `prompt` is missing (present: query, answer)"
    )


def test_row_labels_count_lines_as_an_editor_does(tmp_path):
    path = write(tmp_path / "a.csv", 'a,b\n1,"two\nlines"\n\n3,4\n')
    assert [row_label(path, i) for i in (0, 1)] == [f"{path}: line 2", f"{path}: line 5"]
    path = write(tmp_path / "a.jsonl", '{"a": 1}\n\n{"a": 2}\n')
    assert row_label(path, 1) == f"{path}: line 3"
    assert row_label(tmp_path / "a.parquet", 3) == f"{tmp_path / 'a.parquet'}: row 4"
    assert read_jsonl(path) == [(1, {"a": 1}), (3, {"a": 2})]


def test_row_labels_follow_a_file_that_changed(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"a": 1}\n{"a": 2}\n')
    assert row_label(path, 1).endswith("line 2")
    write(path, '\n\n{"a": 1}\n{"a": 2}\n')
    assert row_label(path, 1).endswith("line 4")


def test_numbers(tmp_path):
    path = write(tmp_path / "a.csv", "x,y\n1.5,1\n,2\n-2e3,many\nNaN,3\n")
    frame = read_frame(path)
    values = numbers(frame, "x", path)
    assert values.dtype == "float64"
    assert values.tolist()[::2] == [1.5, -2000.0]
    assert values.isna().tolist() == [False, True, False, True]
    assert message(numbers, frame, "y", path) == f"{path}: line 4, column `y`: holds 'many' (a number, or empty)"
    assert "line 4" in message(numbers, frame.iloc[2:], "y", path)
    truth = pd.DataFrame({"z": [1, True]}, dtype=object)
    assert "row 2, column `z`: holds True" in message(numbers, truth, "z", tmp_path / "a.parquet")
