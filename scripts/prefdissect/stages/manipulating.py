"""Stages of the manipulation experiments: from a judge's coefficients to how far its scores can be moved."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from prefdissect.annotators import lexical
from prefdissect.catalogue import Catalogue, load_catalogue
from prefdissect.config import PROJECT
from prefdissect.errors import InputError
from prefdissect.features import build_features, feature_matrix
from prefdissect.files import atomic_write
from prefdissect.judges.rules import judge_by_rule
from prefdissect.judges.scoring import run_judge
from prefdissect.judges.simulated import simulate
from prefdissect.manipulation import alpaca_files, contests, generating, grading, tuning
from prefdissect.manipulation.arms import Choice, choose_arms
from prefdissect.manipulation.benchmark import read_benchmark
from prefdissect.manipulation.preference_data import predicted, preference_data
from prefdissect.manipulation.shifts import manipulation_table
from prefdissect.names import OVERALL
from prefdissect.preferences import combine
from prefdissect.stages.models import machine_for, with_model
from prefdissect.tables import conform, empty_table, read_table, write_csv, write_table


def prepare_manipulation(
    coefficients: str, catalogue: str, prompt: str, benchmark: dict, targets: list[str], tuned: list[dict],
    settings: dict, outputs: dict[str, str],
) -> None:  # fmt: skip
    """Choose the arms, and read the instructions."""
    effects, how = read_table(coefficients, "coefficients"), Choice(**settings)
    table = choose_arms(effects, targets, load_catalogue(catalogue), how, prompt)
    further = {(each["target"], each["arm"]) for each in tuned}
    rows = [
        {"arm_id": f"{target}--tuned-{arm}", "target": target, "arm": f"tuned-{arm}"} for target, arm in sorted(further)
    ]
    table = pd.concat([table, conform(pd.DataFrame(rows), "arms")], ignore_index=True) if rows else table
    for row in table[table["note"].notna()].itertuples():
        print(f"{row.arm_id}: {row.note}")
    write_table(table, outputs["arms"], "arms")
    write_table(read_benchmark(benchmark), outputs["questions"], "questions")


def generate_outputs(arms: str, questions: str, record: dict, machine: dict, output: str) -> None:
    """Have a model answer the benchmark under every arm."""
    with tempfile.TemporaryDirectory(prefix=f"generate-{record['name']}-") as workdir:
        where = machine_for(record, machine)
        table = generating.generate(
            record, read_table(arms, "arms"), read_table(questions, "questions"), workdir, where
        )
    write_table(table, output, "outputs")


def hold_against_baseline(
    outputs: list[str], questions: str, baseline: str | None, benchmark: str, results: dict[str, str]
) -> None:
    """Pair the outputs of every arm with the baseline's."""
    written = pd.concat([read_table(path, "outputs") for path in outputs], ignore_index=True)
    asked = read_table(questions, "questions")
    table = contests.build_contests(written, asked, alpaca_files.read_outputs(baseline) if baseline else None)
    write_table(written, results["outputs"], "outputs")
    write_table(table, results["contests"], "contests")
    write_table(contests.pairs_of(table, asked, benchmark), results["pairs"], "pairs")


def judge_outputs(pairs: str, record: dict, model: str, machine: dict, catalogue: str, judgements: str) -> None:
    """Have one judge compare the outputs of every arm with the baseline's, as it judges any other pairs."""
    table = read_table(pairs, "pairs")
    if table.empty:
        write_table(empty_table("judgements"), judgements, "judgements")
        return
    if record["kind"] == "rule":
        found = judge_by_rule(table, record["name"], record["rule"], record["seed"])
    elif record["kind"] == "simulated":
        found = simulate(
            _measured(table, load_catalogue(catalogue)), record["name"], record["coefficients"], record["seed"]
        )
    else:
        with tempfile.TemporaryDirectory(prefix=f"judge-{record['name']}-") as workdir:
            where = machine_for(record, machine)
            found, _ = run_judge(with_model(record, model), record["template"], table, workdir, where)
    write_table(found, judgements, "judgements")


def _measured(pairs: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Features of new responses, as far as words alone can measure them."""
    ratings = lexical.annotate(pairs, catalogue, None, "lexical")
    built = build_features(pairs["pair_id"].tolist(), ratings, empty_table("features"), catalogue, ["lexical"], "zero")
    return built.features


def score_manipulation(
    inputs: dict, judges: list[str], settings: dict, dataset: str, folder: str, results: dict[str, str]
) -> None:
    """Win rates, grades and shifts of all arms; AlpacaEval's own files beside them.

    Parameters
    ----------
    inputs
        arms, questions, outputs, contests; judgements: one file per judge; grades: files, maybe none.
    judges
        Judges, in the order of their files.
    settings
        resamples, seed.
    dataset, folder
        Name of the benchmark, and where AlpacaEval's files go.
    results
        win_rates, manipulation; grades: mean grades by category, as CSV.
    """
    arms, questions, outputs, held = (
        read_table(inputs[name], name) for name in ("arms", "questions", "outputs", "contests")
    )
    rates = [
        contests.win_rates_of(held, combine(read_table(path, "judgements")), judge)
        for judge, path in zip(judges, inputs["judgements"], strict=True)
    ]
    found = [read_table(path, "grades") for path in inputs.get("grades") or []]
    grades = pd.concat(found, ignore_index=True) if found else empty_table("grades")
    win_rates = pd.concat(rates, ignore_index=True)
    table = manipulation_table(arms, held, outputs, win_rates, grades, **settings)
    write_csv(grading.by_category(grades, questions), results.pop("grades"))
    write_table(win_rates, results["win_rates"], "win_rates")
    _write_alpaca_files(Path(folder), held, rates, questions, outputs, dataset)
    write_table(table, results["manipulation"], "manipulation")


def _write_alpaca_files(folder: Path, held, rates: list, questions, outputs, dataset: str) -> None:
    for table in rates:
        judge = table["judge"].iloc[0]
        rows = contests.annotations_of(held, table, questions)
        alpaca_files.write_annotations(folder / judge / "annotations.json", rows)
        board = alpaca_files.leaderboard(rows[rows["preference"].notna()])
        alpaca_files.write_leaderboard(folder / judge / "leaderboard.csv", board)
    written = outputs[(outputs["turn"] == 1) & (outputs["status"] == "ok")]
    asked = contests.first_messages(questions)
    rows = written.assign(
        instruction=written["question_id"].map(asked), model=written["generator"] + "--" + written["arm_id"]
    )
    for model, part in rows.drop(columns="generator").rename(columns={"model": "generator"}).groupby("generator"):
        alpaca_files.write_outputs(folder / "outputs" / model / "model_outputs.json", part, dataset)


def make_preference_data(inputs: dict, target: str, arm: str, settings: dict, output: str) -> None:
    """Relabel the study's pairs by a judge's regression.

    Parameters
    ----------
    inputs
        pairs, groups, features, coefficients.
    target, arm
        Judge, and towards, against or shuffled.
    settings
        group, estimator, margin, seed, graded.
    output
        Parquet file of preference data.
    """
    table = read_table(inputs["coefficients"], "coefficients")
    mine = table[(table["judge"] == target) & (table["estimator"] == settings["estimator"])]
    effects = mine[mine["group"] == settings["group"]].set_index("property")["mean"]
    if effects.empty:
        where = f"config key `manipulation.targets`: judge `{target}`"
        raise InputError(f"was not fitted in the group `{settings['group']}`", where=where)
    matrix = feature_matrix(read_table(inputs["features"], "features"), "graded" if settings["graded"] else "sign")
    pairs = read_table(inputs["pairs"], "pairs")
    if settings["group"] != OVERALL:
        groups = read_table(inputs["groups"], "groups")
        pairs = pairs[pairs["pair_id"].isin(groups.loc[groups["group"] == settings["group"], "pair_id"])]
    chance = predicted(matrix[[name for name in matrix if name in effects.index]], effects)
    rows = preference_data(pairs, chance, arm, margin=settings["margin"], seed=settings["seed"])
    print(f"{len(rows)} of {len(pairs)} pairs are beyond 50 +/- {settings['margin']:g} per cent")
    atomic_write(output, lambda handle: rows.to_parquet(handle, index=False))


def tune_model(data: str, record: dict, settings: dict, tune_python: str, gpus: int, folder: str) -> None:
    """Fine-tune a generator's model on preference data."""
    interpreter = tuning.find_tuner(tune_python, PROJECT)
    tuning.tune(record, pd.read_parquet(data), settings, folder, interpreter, gpus)


def generate_tuned(questions: str, record: dict, model: str, tuned: dict, machine: dict, output: str) -> None:
    """Have a fine-tuned model answer the benchmark, without a system message."""
    arm = f"{tuned['target']}--tuned-{tuned['arm']}"
    plain = conform(pd.DataFrame([{"arm_id": "none", "arm": "none"}]), "arms")
    own = {key: value for key, value in record.items() if key != "revision"} | {"model": str(Path(model) / "merged")}
    with tempfile.TemporaryDirectory(prefix=f"generate-{tuned['name']}-") as workdir:
        where = machine_for(record, machine)
        table = generating.generate(own, plain, read_table(questions, "questions"), workdir, where)
    write_table(table.assign(arm_id=arm), output, "outputs")


def grade_outputs(
    outputs: str, questions: str, record: dict, model: str, settings: dict, machine: dict, grades: str
) -> None:
    """Have one judge grade every output from 1 to 10."""
    with tempfile.TemporaryDirectory(prefix=f"grade-{record['name']}-") as workdir:
        where, own = machine_for(record, machine), with_model(record, model)
        asked = read_table(questions, "questions")
        table = grading.grade(own, read_table(outputs, "outputs"), asked, settings, workdir, where)
    print(table["status"].value_counts().to_string())
    write_table(table, grades, "grades")
