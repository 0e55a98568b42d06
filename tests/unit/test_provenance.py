"""Where results come from: the hash of code moves with what a module imports, and with nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from prefdissect import provenance
from prefdissect.provenance import code_hash, collect, file_hash, to_json


@pytest.fixture
def library(root, tmp_path, monkeypatch) -> Path:
    """A copy of the library that the hashes are taken from."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "scripts" / "prefdissect", tmp_path / "prefdissect", ignore=skip)
    monkeypatch.setattr(provenance, "LIBRARY", tmp_path)
    provenance._imports.cache_clear()
    yield tmp_path / "prefdissect"
    provenance._imports.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes modules of a small package and gives the hash of one."""
    monkeypatch.setattr(provenance, "LIBRARY", tmp_path)

    def write(**modules: str) -> None:
        for name, text in {"__init__": "", **modules}.items():
            path = tmp_path / "prefdissect" / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        provenance._imports.cache_clear()

    yield write
    provenance._imports.cache_clear()


def edited(path: Path, *modules: str) -> str:
    """Hash after a line was added to a module, which is taken back afterwards."""
    before = path.read_text(encoding="utf-8")
    path.write_text(before + "\nADDED = 1\n", encoding="utf-8")
    provenance._imports.cache_clear()
    after = code_hash(*modules)
    path.write_text(before, encoding="utf-8")
    return after


def test_the_hash_is_stable_and_short(library):
    assert code_hash("prefdissect.features") == code_hash("prefdissect.features")
    assert len(code_hash("prefdissect.features")) == 16


def test_the_hash_does_not_depend_on_where_the_library_lies(library):
    here = code_hash("prefdissect.tables", "prefdissect.catalogue")
    provenance._imports.cache_clear()
    assert here == code_hash("prefdissect.catalogue", "prefdissect.tables")
    moved = library.parent / "elsewhere"
    moved.mkdir()
    shutil.move(library, moved / "prefdissect")
    provenance.LIBRARY = moved
    provenance._imports.cache_clear()
    assert here == code_hash("prefdissect.tables", "prefdissect.catalogue")


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("features", "features"),
        ("features", "catalogue"),
        ("features", "table_schemas"),  # by way of tables
        ("features", "errors"),
        ("tables", "files"),
        ("pairs.llmbar", "pairs/source"),
        ("pairs.llmbar", "pairs/__init__"),
        ("pairs.llmbar", "__init__"),
    ],
)
def test_an_edit_of_what_is_imported_changes_the_hash(library, module, imported):
    before = code_hash(f"prefdissect.{module}")
    assert edited(library / f"{imported}.py", f"prefdissect.{module}") != before
    provenance._imports.cache_clear()
    assert code_hash(f"prefdissect.{module}") == before


@pytest.mark.parametrize(
    ("module", "other"),
    [("features", "figures/heatmap"), ("tables", "features"), ("catalogue", "tables"), ("pairs.llmbar", "pairs/lmsys")],
)
def test_an_edit_elsewhere_does_not(library, module, other):
    before = code_hash(f"prefdissect.{module}")
    assert edited(library / f"{other}.py", f"prefdissect.{module}") == before


def test_tables_do_not_depend_on_the_config(library):
    """Else a new key of the config would redo every stage of every study."""
    before = code_hash("prefdissect.tables", "prefdissect.features", "prefdissect.preferences")
    after = edited(library / "config.py", "prefdissect.tables", "prefdissect.features", "prefdissect.preferences")
    assert after == before


@pytest.mark.parametrize(
    "statement",
    [
        "import prefdissect.b",
        "import prefdissect.b as other, json",
        "from prefdissect import b",
        "from prefdissect.b import VALUE",
        "from prefdissect.b import *",
        "from . import b",
        "from .b import VALUE",
        "def f():\n    from prefdissect.b import VALUE",
        "try:\n    import prefdissect.b\nexcept ImportError:\n    pass",
        "from prefdissect import c",  # c imports b
    ],
)
def test_every_way_to_import_counts(package, statement):
    package(a=statement, b="VALUE = 1", c="import prefdissect.b", d="")
    before = code_hash("prefdissect.a")
    package(d="OTHER = 1")
    assert code_hash("prefdissect.a") == before
    package(b="VALUE = 2")
    assert code_hash("prefdissect.a") != before


def test_relative_imports_in_packages(package):
    package(
        sub__in____init__="from . import x", sub__in__x="from ..b import V\nfrom .y import W", sub__in__y="", b="V = 1"
    )
    for changed in ({"b": "V = 2"}, {"sub__in__y": "W = 1"}):
        before = code_hash("prefdissect.sub")
        package(**changed)
        assert code_hash("prefdissect.sub") != before


def test_imports_in_a_circle_and_of_others(package):
    package(a="import prefdissect.b, json, prefdissect_other", b="import prefdissect.a")
    assert code_hash("prefdissect.a") == code_hash("prefdissect.b")


def test_content_that_moves_from_one_module_to_another_changes_the_hash(package):
    package(a="import prefdissect.b", b="X = 1")
    before = code_hash("prefdissect.a", "prefdissect.b")
    package(a="import prefdissect.b\n", b="X = 1")
    assert code_hash("prefdissect.a", "prefdissect.b") != before


def test_an_unknown_module_is_an_error(package):
    package(a="")
    with pytest.raises(ValueError, match=r"prefdissect\.nope is no module of this library"):
        code_hash("prefdissect.nope")


def test_every_module_that_a_rule_names_exists(root):
    import re

    named = set()
    for file in (root / "workflow" / "rules").glob("*.smk"):
        for call in re.findall(r"code_hash\(([^()]*)\)", file.read_text(encoding="utf-8")):
            named |= set(re.findall(r'(?<!f)"(prefdissect[.\w]*)"', call))
    assert len(named) > 10
    for module in named:
        assert provenance._module_file(module), module


def test_file_hash(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert file_hash(str(tmp_path / "f")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "f").write_bytes(b"abcd")
    assert file_hash(str(tmp_path / "f")).startswith("88d4266f")


def test_what_is_collected(tmp_path):
    for name in ("in.csv", "a/coefficients.parquet", "b/coefficients.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    tables = [str(tmp_path / name / "coefficients.parquet") for name in "ba"]
    record = collect({"study": "mine", "seed": 1}, [str(tmp_path / "in.csv")], tables)
    assert record["study"] == "mine" and record["config"]["seed"] == 1
    assert list(record["inputs"]) == [str(tmp_path / "in.csv")]
    assert list(record["results"]) == sorted(tables) and len(set(record["results"].values())) == 2
    assert record["packages"]["pandas"] and all(record["packages"])
    assert list(record["packages"]) == sorted(record["packages"], key=str.lower)
    assert json.loads(to_json(record)) == record


def test_json_is_stable_and_takes_the_keys_of_a_config():
    assert to_json({"b": {1: "x", "tie": None, None: 2}, "a": "é"}) == to_json(
        {"a": "é", "b": {None: 2, "tie": None, 1: "x"}}
    )
    assert json.loads(to_json({"b": {1: "x", None: (2,)}})) == {"b": {"1": "x", "null": [2]}}
    assert "é" in to_json({"a": "é"}) and to_json({}).endswith("\n")


def test_no_git_no_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance._git_commit() is None


def test_word_lists_beside_a_module_count_as_code(package, tmp_path):
    package(annotators__in____init__="", annotators__in__words="X = 1")
    before = code_hash("prefdissect.annotators.words")
    (tmp_path / "prefdissect" / "annotators" / "markers.yaml").write_text("a: [b]", encoding="utf-8")
    assert code_hash("prefdissect.annotators.words") != before
