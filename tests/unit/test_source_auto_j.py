"""The Auto-J test set in its published form."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.auto_j import read


def line(**changes) -> str:
    row = {"scenario": "chitchat", "label": 0, "prompt": "Hi", "response 1": "Hello.", "response 2": "Yo."}
    return json.dumps(row | changes, ensure_ascii=False)


def read_lines(tmp_path, *lines, **record):
    (tmp_path / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return read({"name": "autoj", "path": str(tmp_path / "t.jsonl"), **record}, load_catalogue())


def test_labels_become_human_verdicts(tmp_path):
    source = read_lines(tmp_path, line(), line(label=1), line(label=2), line(label=None))
    assert source.pairs["pair_id"].tolist() == ["autoj-1", "autoj-2", "autoj-3", "autoj-4"]
    assert set(source.pairs["scenario"]) == {"chitchat"}
    judgements = source.judgements
    assert judgements["verdict"].tolist()[:3] == ["a", "b", "tie"]
    assert judgements["status"].tolist() == ["ok", "ok", "ok", "unparsed"]
    assert set(judgements["judge"]) == {"human"}
    assert judgements["order"].isna().all()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"label": 3}, "line 2, column `label`: holds `3`, which is no verdict"),
        ({"label": "a"}, "holds `a`"),
        ({"label": True}, "holds `true`"),
        ({"response 2": None}, "line 2, column `response 2`: is null"),
        ({"response 1": " "}, "line 2, column `response 1`: holds only white space"),
        ({"prompt": ""}, "line 2, column `prompt`: is empty"),
    ],
)
def test_faults_name_line_and_published_key(tmp_path, changes, expected):
    with pytest.raises(InputError, match="t.jsonl") as caught:
        read_lines(tmp_path, line(), line(**changes))
    assert expected in str(caught.value)


def test_missing_key_is_named(tmp_path):
    with pytest.raises(InputError, match=r"t\.jsonl.*column `response 1` is missing \(present: prompt"):
        read_lines(tmp_path, '{"prompt": "x", "response 2": "y", "label": 0}')


@pytest.fixture(scope="module")
def published(shared_data, tmp_path_factory):
    """The published form, rebuilt from the tabulated one."""
    pairs = pd.read_parquet(shared_data / "auto-j" / "pairs.parquet")
    labels = pairs["label"].map({"a": 0, "b": 1, "tie": 2})
    rows = zip(pairs["scenario"], labels, pairs["prompt"], pairs["response_a"], pairs["response_b"], strict=True)
    keys = ("scenario", "label", "prompt", "response 1", "response 2")
    lines = [json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False) for row in rows]
    path = tmp_path_factory.mktemp("autoj") / "testdata_pairwise.jsonl"
    path.write_bytes("\n".join(lines).encode("utf-8"))
    return path, pairs


def test_published_data_come_through_unchanged(published):
    path, expected = published
    source = read({"name": "autoj", "path": str(path), "empty_responses": "keep"}, load_catalogue())
    for column in ("prompt", "response_a", "response_b", "scenario"):
        assert source.pairs[column].tolist() == expected[column].tolist()
    assert source.judgements["verdict"].tolist() == expected["label"].tolist()
    assert source.judgements["verdict"].value_counts().to_dict() == {"a": 520, "b": 499, "tie": 373}
    assert source.pairs["prompt_id"].nunique() == 1182


def test_published_empty_response_is_refused_or_dropped(published):
    path, expected = published
    with pytest.raises(InputError, match="line 569, column `response [12]`: is empty"):
        read({"name": "autoj", "path": str(path)}, load_catalogue())
    source = read({"name": "autoj", "path": str(path), "empty_responses": "drop"}, load_catalogue())
    assert source.notes == {"pairs with an empty response": 1}
    assert len(source.pairs) == len(source.judgements) == len(expected) - 1
    assert "autoj-569" not in set(source.pairs["pair_id"])
    assert source.judgements["verdict"].tolist() == expected["label"].drop(568).tolist()
