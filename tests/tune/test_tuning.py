"""Fine-tuning by TRL, for real: a small model is tuned towards a rule judge's preference, against it, and on noise."""

from __future__ import annotations

import json
import os
import random

import numpy as np
import pandas as pd
import pytest
import yaml

from prefdissect.annotators import lexical
from prefdissect.catalogue import load_catalogue
from prefdissect.config_schema import generator_schema, load_schema
from prefdissect.features import build_features, feature_matrix
from prefdissect.judges.rules import judge_by_rule
from prefdissect.judges.scoring import Machine
from prefdissect.manipulation import contests, generating, shifts, tuning
from prefdissect.manipulation.benchmark import read_benchmark
from prefdissect.manipulation.preference_data import ARMS, predicted, preference_data
from prefdissect.preferences import combine
from prefdissect.provenance import file_hash
from prefdissect.tables import conform, empty_table, prompt_id
from pretraining import FORM, draw_pair, instructions, pretrained, sentences
from running import ROOT

pytestmark = pytest.mark.tune
STEPS, PAIRS, QUESTIONS, TOKENS = 150, 160, 60, 56


def defaults(schema: dict) -> dict:
    return {key: sub["default"] for key, sub in schema["properties"].items() if "default" in sub}


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("model")
    (folder / "form.yaml").write_text(yaml.safe_dump({"text": FORM}), encoding="utf-8")
    model = {
        "name": "small",
        "kind": "transformers",
        "model": str(pretrained(folder / "small", STEPS)),
        "device": "cpu",
    }
    asked = {"template": str(folder / "form.yaml"), "temperature": 1.0, "max_tokens": TOKENS}
    return defaults(generator_schema("transformers")) | model | asked


@pytest.fixture(scope="module")
def data() -> dict[str, pd.DataFrame]:
    """Preference data of every arm, by the coefficient that a judge of length has: pairs that differ clearly decide."""
    draw, pool = random.Random(5), sentences()
    rows = [
        {"pair_id": f"p{n}", "prompt": draw.choice(instructions()), "source": "made"}
        | dict(zip(("response_a", "response_b"), draw_pair(pool, draw), strict=True))
        for n in range(PAIRS)
    ]
    pairs = pd.DataFrame(rows)
    pairs = conform(pairs.assign(prompt_id=pairs["prompt"].map(prompt_id)), "pairs")
    ratings = lexical.annotate(pairs, load_catalogue(), ["lengthy"], "lexical")
    ids = pairs["pair_id"].tolist()
    built = build_features(ids, ratings, empty_table("features"), load_catalogue(), ["lexical"], "zero")
    verdicts = combine(judge_by_rule(pairs, "longer", "longer")).set_index("pair_id")["preference"]
    chance = predicted(feature_matrix(built.features), pd.Series({"lengthy": 2.0}))
    told = {arm: preference_data(pairs, chance, arm, margin=15, seed=3) for arm in ARMS}
    first = pairs.set_index("pair_id")["response_a"]
    chosen = told["towards"].set_index("pair_id")["chosen"]
    assert ((chosen == first.reindex(chosen.index)) == (verdicts.reindex(chosen.index) == "a")).all()
    return told


@pytest.fixture(scope="module")
def tuned(record, data, tmp_path_factory) -> dict:
    settings = defaults(load_schema()["properties"]["manipulation"]["properties"]["tuning"])
    settings |= {
        "batch_size": 16,
        "micro_batch": 16,
        "learning_rate": 5e-4,
        "beta": 0.5,
        "epochs": 3,
        "dtype": "float32",
    }
    folder = tmp_path_factory.mktemp("tuned")
    interpreter = tuning.find_tuner(os.environ.get("PREFDISSECT_TUNE_PYTHON", ""), ROOT)
    for arm in ARMS:
        tuning.tune(record, data[arm], settings, folder / arm, interpreter)
    return {arm: folder / arm for arm in ARMS}


def test_the_judges_win_rate_follows_the_labels(record, tuned, tmp_path):
    asked = instructions()
    rows = [{"instruction": asked[n % len(asked)] + " " * (n // len(asked))} for n in range(QUESTIONS)]
    (tmp_path / "questions.json").write_text(json.dumps(rows), encoding="utf-8")
    questions = read_benchmark({"path": tmp_path / "questions.json"})
    none = conform(pd.DataFrame([{"arm_id": "none", "arm": "none"}]), "arms")
    written = [generating.generate(record, none, questions, tmp_path / "work", Machine())]
    for arm, folder in tuned.items():
        own = record | {"model": str(folder / "merged")}
        outputs = generating.generate(own, none, questions, tmp_path / "work", Machine())
        written.append(outputs.assign(arm_id=f"longer--tuned-{arm}"))
    outputs = pd.concat(written, ignore_index=True)
    held = contests.build_contests(outputs, questions)
    verdicts = combine(judge_by_rule(contests.pairs_of(held, questions, "made"), "longer", "longer"))
    arms = [{"arm_id": f"longer--tuned-{arm}", "arm": f"tuned-{arm}", "target": "longer"} for arm in ARMS]
    arms = pd.concat([none, conform(pd.DataFrame(arms), "arms")], ignore_index=True)
    rates = contests.win_rates_of(held, verdicts, "longer")
    table = shifts.manipulation_table(arms, held, outputs, rates, empty_table("grades"), resamples=1000, seed=1)
    table = table.set_index("arm")
    print(table[["value", "shift", "shift_q025", "shift_q975", "length_change"]])
    assert table.loc["tuned-towards", "shift_q025"] > 0, "moves up"
    assert table.loc["tuned-against", "shift_q975"] < 0, "moves down"
    low, high = table.loc["tuned-shuffled", ["shift_q025", "shift_q975"]]
    assert low <= 0 <= high, "the control does not move"
    assert table.loc["tuned-against", "shift_q975"] < table.loc["tuned-shuffled", "shift"]
    assert table.loc["tuned-shuffled", "shift"] < table.loc["tuned-towards", "shift_q025"]


def test_adapter_curve_and_provenance_are_there(record, tuned, data):
    for arm, folder in tuned.items():
        curve = pd.read_csv(folder / "training.csv")
        assert len(curve) == 3 * int(np.ceil(len(data[arm]) / 16)) and np.isfinite(curve["loss"]).all()
        assert (folder / "adapter" / "adapter_model.safetensors").is_file()
        told = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        assert told["pairs"] == len(data[arm]) and told["packages"]["trl"]
        assert told["files"]["data.jsonl"] == file_hash(str(folder / "data.jsonl"))
    towards, shuffled = (pd.read_csv(tuned[arm] / "training.csv") for arm in ("towards", "shuffled"))
    assert towards["rewards/accuracies"].tail(5).mean() > shuffled["rewards/accuracies"].head(5).mean()
