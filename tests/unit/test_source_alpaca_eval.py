"""AlpacaEval annotations in their published form."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.pairs.alpaca_eval import read
from prefdissect.tables import prompt_id


def row(preference=1.25, **changes) -> dict:
    base = {
        "instruction": "Name a tree.",
        "output_1": "Oak.",
        "output_2": "Beech.",
        "generator_1": "m1",
        "generator_2": "m2",
        "dataset": "helpful_base",
        "annotator": "soft",
        "preference": preference,
    }
    return base | changes


def completion(first: float | None, second: float | None) -> dict:
    tokens = [("m", first), ("M", second), ("The", -20.0)]
    top = [{"token": token, "logprob": logprob} for token, logprob in tokens if logprob is not None]
    return {"logprobs": {"content": [{"token": "m", "top_logprobs": top}]}}


def read_rows(tmp_path, rows, **record):
    (tmp_path / "annotations.json").write_text(json.dumps(rows), encoding="utf-8")
    return read({"name": "ae", "path": str(tmp_path / "annotations.json"), **record}, load_catalogue())


def recovered(judgements: pd.DataFrame) -> np.ndarray:
    return (1 + 1 / (1 + np.exp(judgements["logp_a"] - judgements["logp_b"]))).to_numpy()


def test_columns(tmp_path):
    source = read_rows(tmp_path, [row()])
    pair = source.pairs.iloc[0]
    assert (pair["pair_id"], pair["prompt"], pair["response_a"], pair["response_b"]) == (
        "ae-1",
        "Name a tree.",
        "Oak.",
        "Beech.",
    )
    assert pair["prompt_id"] == prompt_id("Name a tree.")
    assert (pair["model_a"], pair["model_b"], pair["scenario"]) == ("m1", "m2", "helpful_base")


def test_soft_preference_without_token_log_probabilities(tmp_path):
    values = [1.25, 1.5, 1.75, 1.0, 2.0, 1.0000000001, 1.9999999999, 0, None]
    source = read_rows(tmp_path, [row(p, instruction=str(i)) for i, p in enumerate(values)])
    judgements = source.judgements
    assert judgements["verdict"].tolist()[:8] == ["a", "tie", "b", "a", "b", "a", "b", "tie"]
    assert pd.isna(judgements["verdict"].iloc[8])
    assert judgements["status"].tolist() == ["ok"] * 8 + ["unparsed"]
    assert judgements["order"].isna().all()
    expected = np.array([1.25, 1.5, 1.75, 1.0, 2.0, 1.0000000001, 1.9999999999, 1.5])
    assert np.abs(recovered(judgements)[:8] - expected).max() <= 1e-9
    assert np.isfinite(judgements[["logp_a", "logp_b"]].iloc[:8]).all(axis=None)
    assert judgements[["logp_a", "logp_b"]].iloc[8].isna().all()


def test_token_log_probabilities_and_order(tmp_path):
    first, second = math.log(0.2), math.log(0.6)  # the first shown has a share of 0.25
    source = read_rows(
        tmp_path,
        [
            row(1.75, instruction="ab", raw_completion=completion(first, second)),
            row(1.25, instruction="ba", raw_completion=completion(first, second)),
            row(1.4, instruction="unlike", raw_completion=completion(first, second)),
            row(1.5, instruction="tie", raw_completion=completion(first, first)),
        ],
    )
    judgements = source.judgements
    assert judgements["order"].fillna("none").tolist() == ["ab", "ba", "none", "none"]
    assert judgements.loc[0, ["logp_a", "logp_b"]].tolist() == [first, second]
    assert judgements.loc[1, ["logp_a", "logp_b"]].tolist() == [second, first]
    assert judgements.loc[0, "mass"] == pytest.approx(0.8)
    assert math.isnan(judgements.loc[2, "mass"])
    assert np.abs(recovered(judgements) - [1.75, 1.25, 1.4, 1.5]).max() <= 1e-9


def test_token_outside_the_published_ones(tmp_path):
    source = read_rows(
        tmp_path,
        [
            row(1.0, instruction="x", raw_completion=completion(-0.01, None)),
            row(2.0, instruction="y", raw_completion=completion(-0.01, None)),
            row(1.0, instruction="z", raw_completion=completion(None, -0.01)),
        ],
    )
    judgements = source.judgements
    assert judgements["order"].tolist() == ["ab", "ba", "ba"]
    assert np.abs(recovered(judgements) - [1, 2, 1]).max() <= 1e-9
    assert judgements["mass"].isna().all()
    assert judgements[["logp_a", "logp_b"]].max(axis=1).tolist() == [-0.01] * 3


@pytest.mark.parametrize("raw", [None, "text", {"logprobs": None}, {"logprobs": {"content": []}}, [1]])
def test_other_raw_answers_are_no_hindrance(tmp_path, raw):
    judgements = read_rows(tmp_path, [row(1.3, raw_completion=raw)]).judgements
    assert recovered(judgements)[0] == pytest.approx(1.3, abs=1e-12)


def test_annotator_with_verdicts_alone_gets_no_log_probabilities(tmp_path):
    rows = [row(p, instruction=str(i), annotator=name) for name in ("hard", "soft") for i, p in enumerate((1, 2, 1.5))]
    source = read_rows(tmp_path, [*rows, row(1.1, instruction="3")])
    hard, soft = (source.judgements[source.judgements["judge"] == name] for name in ("hard", "soft"))
    assert hard["verdict"].tolist() == ["a", "b", "tie"]
    assert hard["logp_a"].isna().all()
    assert soft["logp_a"].notna().all()


def test_annotators_share_pairs_and_repeats_are_samples(tmp_path):
    source = read_rows(
        tmp_path, [row(1.1), row(1.2, annotator=7), row(1.3), row(1.4, output_2="Ash."), row(1.5, generator_2="m3")]
    )
    assert source.pairs["pair_id"].tolist() == ["ae-1", "ae-4", "ae-5"]
    found = source.judgements[["judge", "pair_id", "sample"]].apply(tuple, axis=1).tolist()
    assert found == [
        ("soft", "ae-1", 0),
        ("7", "ae-1", 0),
        ("soft", "ae-1", 1),
        ("soft", "ae-4", 0),
        ("soft", "ae-5", 0),
    ]


def test_empty_outputs_take_their_judgements_along(tmp_path):
    rows = [row(1.1, output_2=""), row(1.2, instruction="other")]
    source = read_rows(tmp_path, rows, empty_responses="drop")
    assert source.judgements["pair_id"].tolist() == ["ae-2"]
    assert source.notes == {"pairs with an empty response": 1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"preference": 2.5}, "annotations.json: row 2, column `preference`: holds the preference 2.5"),
        ({"preference": "b"}, "row 2, column `preference`: holds 'b'"),
        ({"annotator": None}, "row 2, column `annotator`: is empty"),
        ({"output_2": None}, "row 2, column `output_2`: is null"),
        ({"output_1": ""}, "row 2, column `output_1`: is empty"),
        ({"output_1": ["list"]}, "row 2, column `output_1`: holds ['list'], which is no text"),
    ],
)
def test_faults_name_row_and_published_key(tmp_path, changes, expected):
    with pytest.raises(InputError) as caught:
        read_rows(tmp_path, [row(instruction="fine"), row(**changes)])
    assert expected in str(caught.value)


def test_missing_key_is_named(tmp_path):
    broken = {key: value for key, value in row().items() if key != "output_1"}
    with pytest.raises(InputError, match="column `output_1` is missing"):
        read_rows(tmp_path, [broken])


def test_published_file(shared_data):
    """60 rows as published, against the order and preferences derived from them elsewhere."""
    path = shared_data / "alpaca-eval-raw" / "annotations.json"
    source = read({"name": "ae", "path": str(path)}, load_catalogue())
    table = pd.read_parquet(shared_data / "alpaca-eval" / "annotations.parquet")
    expected = table[table["model"] == "gpt-3.5-turbo-1106"].head(60)
    assert source.pairs["response_b"].tolist() == expected["output_2"].tolist()
    assert np.abs(recovered(source.judgements) - expected["preference"]).max() <= 1e-9
    shown = source.judgements["order"].map({"ab": "output_1", "ba": "output_2"})
    assert shown.tolist() == expected["shown_first"].tolist()
    assert source.judgements["mass"].between(0.9, 1).all()


def test_all_published_preferences(shared_data, tmp_path):
    """5,633 annotations of seven models, the raw answers rebuilt from their token log-probabilities."""
    table = pd.read_parquet(shared_data / "alpaca-eval" / "annotations.parquet")
    rows = table[list(row())].to_dict("records")
    for entry, first, second in zip(rows, table["logprob_first"], table["logprob_second"], strict=True):
        if not (math.isnan(first) and math.isnan(second)):
            entry["raw_completion"] = completion(*(None if math.isnan(x) else x for x in (first, second)))
    source = read_rows(tmp_path, rows)
    judgements = source.judgements
    assert len(source.pairs) == len(judgements) == 5633
    assert np.abs(recovered(judgements) - table["preference"]).max() <= 1e-9
    shown = judgements["order"].map({"ab": "output_1", "ba": "output_2"}).fillna("none")
    assert shown.tolist() == table["shown_first"].fillna("none").tolist()
    wins = table["preference"].map(lambda p: "tie" if p == 1.5 else "a" if p < 1.5 else "b")
    assert judgements["verdict"].tolist() == wins.tolist()
