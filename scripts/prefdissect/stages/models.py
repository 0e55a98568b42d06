"""Stages that run a language model as a judge."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from prefdissect.config import PROJECT
from prefdissect.errors import InputError
from prefdissect.files import write_text
from prefdissect.judges.random_model import make_random_model
from prefdissect.judges.scoring import Machine, fill_store, find_interpreter, run_judge
from prefdissect.provenance import to_json
from prefdissect.tables import read_table, write_table


def make_model(pairs: str, settings: dict, output: str) -> None:
    """Make a random-weights model whose tokenizer is trained on the study's own texts."""
    table = read_table(pairs, "pairs")
    texts = pd.concat([table["prompt"], table["response_a"], table["response_b"]]).drop_duplicates().tolist()
    make_random_model(Path(output), texts, **settings)


def judge_by_model(
    pairs: str,
    record: dict,
    model: str,
    template: str,
    machine: dict,
    judgements: str,
    usage: str,
    stored_only: bool = False,
) -> None:
    """Ask a model judge about every pair, in worker processes of its own."""
    table = read_table(pairs, "pairs")
    with tempfile.TemporaryDirectory(prefix=f"judge-{record['name']}-") as workdir:
        found, used = run_judge(
            with_model(record, model), template, table, workdir, machine_for(record, machine), stored_only=stored_only
        )
    write_text(usage, to_json(used))
    write_table(found, judgements, "judgements")


def judge_shard(
    pairs: str, record: dict, model: str, template: str, machine: dict, shard: int, shards: int, output: str
) -> None:
    """Have one shard of a judge's requests answered into the store."""
    table = read_table(pairs, "pairs")
    with tempfile.TemporaryDirectory(prefix=f"judge-{record['name']}-{shard}-") as workdir:
        where = machine_for(record, machine)
        used = fill_store(with_model(record, model), template, table, workdir, where, shard=shard, shards=shards)
    write_text(output, to_json(used))


def with_model(record: dict, model: str | None) -> dict:
    """The record of a judge whose model was made on the spot, with the model's folder."""
    if "random_model" not in record:
        return record
    return {key: value for key, value in record.items() if key != "random_model"} | {"model": str(model)}


def machine_for(record: dict, machine: dict) -> Machine:
    """Where a judge, or a model that annotates, runs.

    Parameters
    ----------
    machine
        store, judge_python; gpus (how many each judge asks for); given (how many Snakemake gave to this job, absent for
        one that asks nothing).

    Raises
    ------
    InputError
        When Snakemake gave another number than the judge asks for.
    """
    engine = record.get("engine", record["kind"])
    interpreter = find_interpreter(machine["judge_python"], engine, PROJECT)
    given = machine.get("given", 0)
    asked = machine["gpus"][record["name"]] if "given" in machine else 0
    if given != asked:
        problem = f"asks for {asked} GPU{'s' * (asked != 1)} and was given {given}"
        role = record.get("role") or ("annotator" if "engine" in record else "judge")
        raise InputError(problem, where=f"{role} `{record['name']}`", fix=f"--resources gpu={asked} or more")
    return Machine(interpreter=interpreter, store=machine["store"], gpus=given)
