"""One small study with a job of every stage, and what its results are compared by."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pandas as pd

from running import tiny_pairs, tiny_study, write_jsonl

TARGETS = ("all", "contributions", "freeze")
TOPICS = {"gardening": "How do I grow {} on a balcony?", "letters": "Write a card to {} with two lines"}
THINGS = ["basil", "roses", "my aunt", "tomatoes", "a friend", "mint"]
CONCURRENCY = BATCH = 4


def every_stage(folder: Path, server: str, pairs: int = 40) -> dict:
    """Recorded, rule, simulated, fake, sharded, served and loaded judges; two annotators, one of them asked twice."""
    config = tiny_study(folder, n=pairs)
    given = [{**row, "scenario": None if number % 4 else "Code"} for number, row in enumerate(tiny_pairs(pairs))]
    write_jsonl(folder / "pairs.jsonl", given)
    labelled = [{"text": form.format(thing), "kind": kind} for kind, form in TOPICS.items() for thing in THINGS]
    queries = write_jsonl(folder / "labelled.jsonl", labelled)
    fake = {"kind": "fake", "batch_size": BATCH, "seconds": 0.1}
    served = {
        "kind": "openai",
        "model": "m",
        "base_url": server,
        "api_key_env": "JUDGE_KEY",
        "concurrency": CONCURRENCY,
    }
    config["judges"] += [
        {"name": "simulated", "kind": "simulated", "coefficients": {"lengthy": 3}},
        {"name": "pretend", **fake, "attributes": {"family": "fake"}},
        {"name": "sharded", **fake, "seed": 1, "shards": 2, "attributes": {"family": "fake"}},
        {"name": "served", **served},
        {"name": "loaded", "kind": "transformers", "random_model": {"hidden_size": 64, "layers": 1}, "min_mass": 0},
    ]
    model = {"kind": "llm", "engine": "fake", "batch_size": BATCH, "repeats": 2, "mode": "single"}
    config["annotators"] = [
        {"name": "lexical", "kind": "lexical", "properties": ["lengthy", "step_by_step"]},
        {"name": "rater", **model},
    ]
    return config | {
        "scenarios": {"queries": queries, "columns": {"query": "text", "scenario": "kind"}, "folds": 3},
        "features": {"unchecked_errors": "zero"},
        "comparison": {"group": "pooled", "differences": [["longer", "simulated"]]},
        "figures": {"groups": ["pooled"], "judges": ["longer", "pretend"], "pairs": ["p003"]},
    }


def tables(folder: Path) -> dict[str, bytes]:
    """Every table by its path below the results, but those that hold a loaded model's log-probabilities."""
    root = folder / "results/tiny"
    files = [path for kind in ("parquet", "csv", "md", "tex") for path in root.rglob(f"*.{kind}")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files if path.stem != "loaded"}


def log_probabilities(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "results/tiny/judgements/loaded.parquet")


def stored(folder: Path) -> Counter:
    """How often the store holds an answer, by judge and request."""
    found: Counter = Counter()
    for path in (folder / "results/.cache").rglob("*.jsonl"):
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                found[path.parent.name, json.loads(line.split(b" ", 1)[1])["key"]] += 1
    return found
