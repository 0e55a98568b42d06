"""Mutated configs, pairs, judgements, ratings, prompts and coefficients: accepted and right, or refused in one message.

`EXAMPLES` (250) is how many of each; a traceback is a failure, and so is a table that does not hold what the file says.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import damaged, mutated

from prefdissect.annotators.prompt_files import PASSES, load_prompts
from prefdissect.annotators.sheet import read_sheet
from prefdissect.catalogue import Catalogue, load_catalogue
from prefdissect.config import Study, load_study, read_config
from prefdissect.errors import InputError
from prefdissect.freezing import freeze, unpack
from prefdissect.judges.prompts import Template, load_template
from prefdissect.pairs.registry import read_source
from prefdissect.regression.published import read_published_coefficients
from prefdissect.tables import SCHEMAS, conform, read_table, validate, write_table
from running import ROOT, tiny_pairs, tiny_study

pytestmark = pytest.mark.faults
EXAMPLES = int(os.environ.get("EXAMPLES", "250"))
many = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck],
    database=None, print_blob=True,
)  # fmt: skip
CATALOGUE = load_catalogue()
SCORED = ["clear", "friendly"]


def outcome(read: Callable, folder: Path):
    """What a reader made of its input, or None where it refused it in one message that a person can use."""
    try:
        return read()
    except InputError as error:
        message = str(error)
        assert message.strip() and "\n" not in message and "Traceback" not in message, message
        assert len(message) < 1600, message
        assert str(folder) in message or "`" in message, f"names neither file nor key: {message}"
        return None


def as_json_lines(rows) -> bytes:
    rows = rows if isinstance(rows, list) else [rows]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows) -> bytes:
    rows = [row if isinstance(row, dict) else {"pair_id": row} for row in (rows if isinstance(rows, list) else [])]
    handle = io.StringIO()
    writer = csv.DictWriter(handle, list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    return handle.getvalue().encode("utf-8", "surrogatepass")


def check_source(source) -> None:
    """Every table of a source keeps its contract, and they speak of the same pairs."""
    for name in ("pairs", "judgements", "annotations", "query_info", "errors", "features", "groups"):
        table = getattr(source, name)
        validate(conform(table, name), name, name)
    pairs = set(source.pairs["pair_id"])
    for name in ("judgements", "annotations", "errors", "features", "groups"):
        assert set(getattr(source, name)["pair_id"]) <= pairs, name


# Configs --------------------------------------------------------------------------------------------------------------

DEMO = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@many
@given(data=st.data())
def test_configs(tmp_path, data, monkeypatch):
    monkeypatch.chdir(ROOT)
    base = data.draw(st.sampled_from([DEMO, tiny_study(tmp_path)]))
    config = data.draw(mutated(base))
    if not isinstance(config, dict):
        return
    study = outcome(lambda: load_study(config), tmp_path)
    assert study is None or (isinstance(study, Study) and study.config["study"] == config["study"])


@many
@given(content=damaged((ROOT / "config.yaml").read_bytes()))
def test_files_of_configs(tmp_path, content, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "config.yaml").write_bytes(content)
    study = outcome(lambda: load_study(read_config(tmp_path / "config.yaml")), tmp_path)
    assert study is None or (study.config["study"] and study.judges and study.sources)


# Pairs, judgements, ratings -------------------------------------------------------------------------------------------

PAIRS = tiny_pairs(8)
JUDGED = [
    {"judge": judge, "pair_id": pair["pair_id"], "verdict": v}
    for pair in PAIRS
    for judge, v in (("x", "a"), ("y", "tie"))
]
SCORES = [
    {"judge": "x", "pair_id": pair["pair_id"], "order": order, "logp_a": -0.5, "logp_b": -1.5}
    for pair in PAIRS for order in ("ab", "ba")
]  # fmt: skip
RATED = [
    {"pair_id": pair["pair_id"], "property": prop, "score_a": 2, "score_b": 1} for pair in PAIRS for prop in SCORED
]
GROUPS = [{"pair_id": pair["pair_id"], "group": "mine"} for pair in PAIRS]


def table_source(folder: Path, **files: bytes) -> dict:
    """A record of kind `table`; `files` are the contents of what lies beside the pairs, by key."""
    names = {"pairs": "pairs.jsonl", "judgements": "judged.csv", "scores": "scores.jsonl", "annotations": "rated.csv"}
    names |= {"groups": "groups.csv"}
    given = {"pairs": as_json_lines(PAIRS)} | files
    for key, content in given.items():
        (folder / names[key]).write_bytes(content)
    record = {"name": "votes", "kind": "table", "path": str(folder / names["pairs"])}
    record |= {"votes": [{"judge": "human", "column": "winner"}], "empty_responses": "error"}
    for key in given.keys() - {"pairs"}:
        record["judgements" if key == "scores" else key] = {"path": str(folder / names[key])}
    return record


@many
@given(rows=mutated(PAIRS))
def test_pairs(tmp_path, rows):
    source = outcome(lambda: read_source(table_source(tmp_path, pairs=as_json_lines(rows)), CATALOGUE), tmp_path)
    if source is None:
        return
    check_source(source)
    texts = {(row["prompt"], row["response_a"], row["response_b"]) for row in rows}
    assert set(source.pairs[["prompt", "response_a", "response_b"]].itertuples(index=False, name=None)) == texts
    votes = {row["pair_id"]: row.get("winner") for row in rows if isinstance(row.get("pair_id"), str)}
    found = source.judgements.set_index("pair_id")["verdict"]
    assert all(found.get(pair) == vote for pair, vote in votes.items() if vote in ("a", "b", "tie"))


@many
@given(content=damaged(as_json_lines(PAIRS)))
def test_files_of_pairs(tmp_path, content):
    source = outcome(lambda: read_source(table_source(tmp_path, pairs=content), CATALOGUE), tmp_path)
    if source is not None:
        check_source(source)


@many
@given(data=st.data())
def test_judgements(tmp_path, data):
    key, base, form = data.draw(st.sampled_from([("judgements", JUDGED, as_csv), ("scores", SCORES, as_json_lines)]))
    content = form(data.draw(mutated(base))) if data.draw(st.booleans()) else data.draw(damaged(form(base)))
    source = outcome(lambda: read_source(table_source(tmp_path, **{key: content}), CATALOGUE), tmp_path)
    if source is not None:
        check_source(source)
        wins = source.judgements.dropna(subset=["verdict", "logp_a", "logp_b"])
        assert (((wins["logp_a"] > wins["logp_b"]) == (wins["verdict"] == "a")) | (wins["verdict"] == "tie")).all()


@many
@given(data=st.data())
def test_ratings(tmp_path, data):
    content = as_csv(data.draw(mutated(RATED))) if data.draw(st.booleans()) else data.draw(damaged(as_csv(RATED)))
    source = outcome(lambda: read_source(table_source(tmp_path, annotations=content), CATALOGUE), tmp_path)
    if source is not None:
        check_source(source)
        for prop, rows in source.annotations.groupby("property"):
            low, high = CATALOGUE[prop].minimum, CATALOGUE[prop].maximum
            rated = rows[rows["status"] == "ok"][["score_a", "score_b"]].to_numpy()
            assert ((rated >= low) & (rated <= (np.inf if high is None else high))).all()


@many
@given(data=st.data())
def test_groups_and_sheets(tmp_path, data):
    groups = as_csv(data.draw(mutated(GROUPS))) if data.draw(st.booleans()) else data.draw(damaged(as_csv(GROUPS)))
    source = outcome(lambda: read_source(table_source(tmp_path, groups=groups), CATALOGUE), tmp_path)
    if source is not None:
        check_source(source)
    sheet = [row | {"item": 0} for row in RATED]
    (tmp_path / "sheet.csv").write_bytes(as_csv(data.draw(mutated(sheet))))
    pairs = pd.DataFrame(PAIRS)
    ratings = outcome(lambda: read_sheet(tmp_path / "sheet.csv", CATALOGUE, pairs, "people"), tmp_path)
    if ratings is not None:
        validate(ratings, "annotations", "sheet")


SAMPLE = yaml.safe_load((ROOT / "data/sample/queries/q01.yaml").read_text(encoding="utf-8"))


@many
@given(data=st.data())
def test_rated_responses(tmp_path, data):
    if data.draw(st.booleans()):
        content = yaml.safe_dump(data.draw(mutated(SAMPLE)), allow_unicode=False).encode()
    else:
        content = data.draw(damaged((ROOT / "data/sample/queries/q01.yaml").read_bytes()))
    folder = tmp_path / "queries"
    folder.mkdir(exist_ok=True)
    (folder / "q01.yaml").write_bytes(content)
    record = {"name": "sample", "kind": "responses", "path": str(folder)}
    source = outcome(lambda: read_source(record, CATALOGUE), tmp_path)
    if source is not None:
        check_source(source)


# Prompts, the catalogue -----------------------------------------------------------------------------------------------

TEMPLATES = sorted((ROOT / "workflow/prompts").glob("*.yaml"))


@many
@given(data=st.data())
def test_prompts_of_judges(tmp_path, data):
    path = data.draw(st.sampled_from(TEMPLATES))
    template = outcome(lambda: load_template(changed_yaml(data, path, tmp_path)), tmp_path)
    assert template is None or isinstance(template, Template)
    if template is not None:
        assert all(template.text.count("{" + name + "}") == 1 for name in ("response_1", "response_2"))


def changed_yaml(data, path: Path, folder: Path) -> Path:
    """A file with a mutated copy of a YAML file's content, or of its bytes."""
    if data.draw(st.booleans()):
        content = yaml.safe_dump(data.draw(mutated(yaml.safe_load(path.read_text(encoding="utf-8"))))).encode()
    else:
        content = data.draw(damaged(path.read_bytes()))
    (folder / path.name).write_bytes(content)
    return folder / path.name


ANNOTATING = ROOT / "workflow/prompts/annotation"


@many
@given(data=st.data())
def test_prompts_of_annotators(tmp_path, data):
    path = data.draw(st.sampled_from(sorted(ANNOTATING.glob("*.yaml"))))
    for other in ANNOTATING.glob("*.yaml"):
        (tmp_path / other.name).write_bytes(other.read_bytes())
    changed_yaml(data, path, tmp_path)
    prompts = outcome(lambda: load_prompts(tmp_path, list(PASSES)), tmp_path)
    assert prompts is None or set(prompts) == set(PASSES)


@many
@given(data=st.data())
def test_catalogues(tmp_path, data):
    catalogue = outcome(
        lambda: load_catalogue(changed_yaml(data, ROOT / "workflow/properties.yaml", tmp_path)), tmp_path
    )
    assert catalogue is None or (isinstance(catalogue, Catalogue) and all(prop.label for prop in catalogue.values()))


# Coefficients, tables, archives ---------------------------------------------------------------------------------------

NAMES = [prop.name for prop in CATALOGUE.values() if prop.published]
COEFFICIENTS = [{"model_name": judge, "parameters": [0.1 * n for n in range(len(NAMES))]} for judge in ("x", "y")]


@many
@given(data=st.data())
def test_coefficients(tmp_path, data):
    whole = as_json_lines(COEFFICIENTS)
    rows = data.draw(mutated(COEFFICIENTS))
    content = as_json_lines(rows) if data.draw(st.booleans()) else data.draw(damaged(whole))
    (tmp_path / "model_mine_fitted_paras.jsonl").write_bytes(content)
    table = outcome(lambda: read_published_coefficients(tmp_path, CATALOGUE), tmp_path)
    if table is not None:
        validate(table, "coefficients", "published")
        assert len(table) % len(NAMES) == 0 and table["mean"].map(np.isfinite).all()
        if content == as_json_lines(rows):
            assert table["mean"].tolist() == [float(value) for row in rows for value in row["parameters"]]


@many
@given(data=st.data())
def test_tables_of_a_study(tmp_path, data):
    """Damaged where they lie: found by checksums, never read as other values."""
    path, name = tmp_path / "groups.parquet", "groups"
    frame = pd.DataFrame({"pair_id": [f"p{n}" for n in range(300)], "group": "mine", "kind": "defined"})
    written = write_table(frame, path, name)
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    table = outcome(lambda: read_table(path, name), tmp_path)
    assert table is None or (list(table) == list(SCHEMAS[name].columns) and table.equals(written))


@many
@given(data=st.data())
def test_archives_of_measurements(tmp_path, data):
    folder = tmp_path / "study"
    folder.mkdir(exist_ok=True)
    files = {name: f"{name} {'content ' * 50}".encode() for name in ("pairs.parquet", "groups.parquet")}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    wanted = [str(folder / name) for name in files]
    archive = str(tmp_path / "measurements.zip")
    freeze(str(folder), wanted, "mine", [{"name": "x"}], archive)
    Path(archive).write_bytes(data.draw(damaged(Path(archive).read_bytes())))

    def unpacked() -> bool:
        unpack(archive, str(folder), wanted)
        return True

    if outcome(unpacked, tmp_path):
        assert all((folder / name).read_bytes() == content for name, content in files.items())
