"""Stages that run a language model as a judge."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from prefdissect.judges.random_model import make_random_model
from prefdissect.judges.scoring import run_worker
from prefdissect.tables import read_table, write_table


def make_model(pairs: str, settings: dict, output: str) -> None:
    """Make a random-weights model whose tokenizer is trained on the study's own texts."""
    table = read_table(pairs, "pairs")
    texts = pd.concat([table["prompt"], table["response_a"], table["response_b"]]).drop_duplicates().tolist()
    make_random_model(Path(output), texts, **settings)


def judge_by_model(pairs: str, record: dict, template: str, output: str, interpreter: str | None = None) -> None:
    """Score the two answer tokens with a model judge, in the worker's own process."""
    table = read_table(pairs, "pairs")
    with tempfile.TemporaryDirectory(prefix=f"judge-{record['name']}-") as workdir:
        judgements = run_worker(record, template, table, workdir=Path(workdir), interpreter=interpreter)
    write_table(judgements, output, "judgements")
