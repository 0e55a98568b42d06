"""The annotator `llm`: a language model rates properties of responses, in passes (`prefdissect.annotators.passes`).

It runs as model judges do: in worker processes under the judges' interpreter, with a partial store of answers.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from prefdissect.annotators import forms
from prefdissect.annotators.outcomes import Reader
from prefdissect.annotators.passes import Instrument
from prefdissect.annotators.prompt_files import PASSES, load_prompts
from prefdissect.annotators.questions import Plan, build_questions, read_pairs
from prefdissect.catalogue import Catalogue, Property
from prefdissect.errors import InputError
from prefdissect.judges.scoring import Machine, ask, check_failures, plan_asking

KIND = "llm"


def annotate(
    record: dict, pairs: pd.DataFrame, catalogue: Catalogue, workdir: str | Path, machine: Machine
) -> tuple[dict[str, pd.DataFrame], dict]:
    """Have a model annotate pairs.

    Parameters
    ----------
    record
        The annotator's record.
    pairs
        Table `pairs`.
    catalogue
        The properties.
    workdir
        Folder for the workers' files; made where absent, and for one annotator at a time.
    machine
        Where and how.

    Returns
    -------
    Tables by name (see `Reader.tables`), and the usage (see `usage_of`).

    Raises
    ------
    InputError
        As `prefdissect.judges.scoring.run_judge`; and for a property that a model cannot rate.
    """
    instrument, plan = instrument_of(record, catalogue), plan_of(record, catalogue)
    read = read_pairs(pairs)
    questions = build_questions(read, plan)
    outcomes = ask(worker_record(record, instrument), questions, workdir, machine)
    check_failures(outcomes, record | {"role": "annotator"})
    tables = Reader(instrument, plan, {outcome["id"]: outcome for outcome in outcomes}).tables(read, record["name"])
    usage = usage_of(outcomes, questions, len(read), record.get("price"))
    for name, used in usage["passes"].items():
        machine.log(f"{name}: " + ", ".join(f"{count} {status}" for status, count in used["statuses"].items()))
    return tables, usage


def plan_annotating(record: dict, pairs: pd.DataFrame, catalogue: Catalogue, workdir: str | Path, machine: Machine):
    """What a run of this annotator would cost: see `prefdissect.judges.costs.costs_of`. Raises `InputError`."""
    questions = build_questions(read_pairs(pairs), plan_of(record, catalogue))
    return plan_asking(worker_record(record, instrument_of(record, catalogue)), questions, workdir, machine)


def rated_by(record: dict, catalogue: Catalogue) -> list[Property]:
    """Properties that an annotator rates, in the order of the catalogue."""
    wanted = record.get("properties") or [name for name, prop in catalogue.items() if KIND in prop.annotators]
    return [prop for name, prop in catalogue.items() if name in wanted]


def plan_of(record: dict, catalogue: Catalogue) -> Plan:
    """How an annotator asks.

    Without `passes` in its record these are all that its properties call for: the analysis of queries always, which the
    groups of query-specific cases come from too, and a reference where errors are counted.
    """
    families = {prop.family for prop in rated_by(record, catalogue)}
    asked = families | {"analysis"} | ({"reference"} if "errors" in families else set())
    asked &= set(record.get("passes") or PASSES)
    settings = {key: record[key] for key in ("mode", "order", "repeats", "swap", "repeat_pairs")}
    return Plan(passes=tuple(name for name in PASSES if name in asked), **settings)


def instrument_of(record: dict, catalogue: Catalogue) -> Instrument:
    """The prompts and properties of an annotator. Raises `InputError`."""
    passes = plan_of(record, catalogue).passes
    rated = rated_by(record, catalogue)
    for prop in rated:
        if prop.family not in PASSES:
            problem = f"no pass of a model rates the family {prop.family}"
            raise InputError(problem, where=f"property `{prop.name}`", fix="take `llm` out of its `annotators`")
    properties = [prop for prop in rated if prop.family in passes]
    for prop in properties:
        forms.scores_of(prop)  # refuses a scale that cannot be listed
        if prop.family == "errors" and prop.asked_name not in forms.SEVERITIES:
            fix = "one of {}, under `asked_as.name`".format(", ".join(forms.SEVERITIES))
            raise InputError(
                "a property of the family errors needs a severity", where=f"property `{prop.name}`", fix=fix
            )
    _refuse_clashes(properties)
    return Instrument(load_prompts(record["prompts"], list(passes)), properties)


def _refuse_clashes(properties: list[Property]) -> None:
    counted = Counter((prop.family, prop.asked_name) for prop in properties)
    (family, name), count = counted.most_common(1)[0] if counted else (("", ""), 0)
    if count > 1:
        problem = f"{count} properties of the family {family} are asked for as `{name}`"
        raise InputError(problem, where="catalogue", fix="give each another name under `asked_as`")


def worker_record(record: dict, instrument: Instrument) -> dict:
    """An annotator's record as the worker and its engine read it."""
    annotation = {"instrument": instrument.to_dict(), "attempts": record["attempts"]}
    return {**record, "kind": record["engine"], "role": "annotator", "annotation": annotation}


def usage_of(outcomes: list[dict], questions: list[dict], n_pairs: int, price: dict | None) -> dict:
    """What an annotator's answers took, whenever they were asked.

    Returns
    -------
    {pairs, requests, tokens_read, tokens_written, cost, per_pair, passes}: `per_pair` has the three counts per pair,
    and `passes` for every pass the three counts, `questions` and their `statuses`. Requests that answer several
    questions count once; the cost is by the record's `price`, null without one.
    """
    passes: dict[str, dict] = {}
    counted: set[str] = set()
    by_id = {question["id"]: question["pass"] for question in questions}
    for outcome in sorted(outcomes, key=lambda each: PASSES.index(by_id[each["id"]])):
        used = passes.setdefault(by_id[outcome["id"]], {**_NOTHING, "questions": 0, "statuses": Counter()})
        used["questions"] += 1
        used["statuses"][outcome["status"]] += 1
        for key, read, written, _ in outcome["calls"]:
            if key not in counted:
                counted.add(key)
                used["requests"] += 1
                used["tokens_read"] += read
                used["tokens_written"] += written
    total = {key: sum(used[key] for used in passes.values()) for key in _NOTHING}
    cost = None
    if price:
        cost = (total["tokens_read"] * price["read"] + total["tokens_written"] * price["written"]) / 1e6
    per_pair = {key: round(count / n_pairs, 3) for key, count in total.items()} if n_pairs else {}
    for used in passes.values():
        used["statuses"] = dict(sorted(used["statuses"].items()))
    return {"pairs": n_pairs, **total, "cost": cost, "per_pair": per_pair, "passes": passes}


_NOTHING = {"requests": 0, "tokens_read": 0, "tokens_written": 0}
