"""The kinds of sources, and the files that a source consists of."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefdissect.config_schema import load_schema
from prefdissect.errors import InputError
from prefdissect.pairs.registry import KINDS, source_files


def source(**keys) -> dict:
    return {"name": "votes", "kind": "table", **keys}


def test_all_files_of_a_source_are_listed(tmp_path):
    for name in ("pairs.csv", "j.csv", "a.json", "data/one", "data/sub/two", "data/.hidden", "data/.git/objects/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    record = source(
        path=str(tmp_path / "data"),
        judgements={"path": str(tmp_path / "j.csv"), "columns": {}, "values": {"x": "a"}},
        groups=str(tmp_path / "pairs.csv"),
        labels={"path": str(tmp_path / "a.json")},
    )
    assert source_files(record) == [
        str(tmp_path / name) for name in ("a.json", "data/one", "data/sub/two", "j.csv", "pairs.csv")
    ]


def test_a_path_that_is_not_there_and_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match=r"^source `votes`, key `path`: `none` does not exist \(give a file or folder"):
        source_files(source(path="none"))
    with pytest.raises(InputError, match=r"^source `votes`, key `judgements`: `none` does not exist"):
        source_files(source(path=__file__, judgements={"path": "none"}))
    (tmp_path / ".hidden").write_text("x")
    with pytest.raises(InputError, match=r"^source `votes`, key `path`: the folder `.*` is empty"):
        source_files(source(path=str(tmp_path)))


def test_every_kind_of_source_has_a_reader_and_a_schema(root):
    schema = load_schema()
    assert {key.removeprefix("source_") for key in schema["$defs"] if key.startswith("source_")} == set(KINDS)
    for module in KINDS.values():
        assert (root / "scripts" / Path(*module.split("."))).with_suffix(".py").is_file()
