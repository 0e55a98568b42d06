"""LLMBar (Zeng et al. 2023): pairs with a gold label, and the verdicts of many LLM evaluators.

Two forms are read: the folders as published (`<subset>/dataset.json` with `evaluators/<base>/<strategy>/result.json`
beside it), and the same as tables (`pairs.parquet`, `judgements.parquet`), which `convert` writes. A judge is labelled
`<base>/<strategy>`; the gold label is the judge `gold`. The stored `winner` is taken as it stands: the published code
has already mapped the run with exchanged outputs back to the stored order.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as pq

from prefdissect.errors import InputError
from prefdissect.pairs.checks import check_pairs, keep_known_pairs
from prefdissect.pairs.columns import Place, choices, floats
from prefdissect.pairs.files import read_frame, read_json, require_columns
from prefdissect.pairs.source import Source
from prefdissect.tables import ORDERS, VERDICTS, atomic_write, conform, validate, write_csv

GOLD = "gold"
RUNS = {"swap = False": "ab", "swap = True": "ba"}
VERDICT_OF_WINNER = {"1": "a", "2": "b", None: None}
# Stored in place of a finish reason where the provider's filter stopped the request.
REFUSED = "content management policy"
# Folders that hold subsets; the first two do not show in a scenario's name.
ROOTS, CONTAINERS = ("Dataset", "LLMBar"), ("Adversarial", "Processed", "CaseStudy")

PAIR_TEXTS = {"input": "prompt", "output_1": "response_a", "output_2": "response_b"}
PAIR_COLUMNS = ["pair_id", "prompt", "response_a", "response_b", "scenario", "source", "gold"]
JUDGEMENT_COLUMNS = [
    *("pair_id", "judge", "base_model", "strategy", "mode", "order", "verdict", "rating_a", "rating_b"),
    *("n_passes", "finish_reason"),
]
JUDGE_COLUMNS = ["judge", "base_model", "strategy", "mode", "model_name", "engine"]
ARROW_TYPES = {"rating_a": arrow.float64(), "rating_b": arrow.float64(), "n_passes": arrow.int64()}
STATISTICS = ["scenario", "judge", "n", "correct_ab", "correct_ba", "correct_both", "agree", "accuracy_avg_pct"]


def read(record: dict, catalogue) -> Source:
    """Read LLMBar, published or converted.

    Parameters
    ----------
    record
        `name`; `path`: the published folder (`Dataset`, `LLMBar`, or the whole repository) or the converted one;
        `empty_responses`: error, keep or drop (one published response is white space).
    catalogue
        Not needed.

    Raises
    ------
    InputError
        When a file is missing, damaged, or not of the published form.
    """
    folder = Path(record["path"])
    if (folder / "pairs.parquet").is_file():
        pairs, judgements = _read_tables(folder)
        place = Place.of_file(folder / "pairs.parquet")
    else:
        pairs, judgements = tabulate(folder)
        place = _published_place(pairs)
    checked = check_pairs(pairs, record, place)
    gold = pd.DataFrame({"pair_id": pairs["pair_id"], "judge": GOLD, "verdict": pairs["gold"]})
    rows = pd.concat([gold, judgements], ignore_index=True)
    rows = keep_known_pairs(rows, checked, Place(lambda row: f"{folder}: judgement {row - len(gold) + 1}"))
    return Source(checked.pairs, judgements=_contract_judgements(rows, str(folder)), notes=checked.notes)


def convert(published: str | Path, output: str | Path) -> None:
    """Write the published folder as `pairs.parquet`, `judgements.parquet` and `judges.csv`.

    `model_name` and `engine` of a judge are known only where the repository's evaluator configs lie beside the data.
    """
    published, output = Path(published), Path(output)
    pairs, judgements = tabulate(published)
    check_pairs(pairs, {"name": "llmbar", "empty_responses": "keep"}, _published_place(pairs))
    _write(pairs[PAIR_COLUMNS], output / "pairs.parquet")
    _write(judgements, output / "judgements.parquet")
    judges = judgements[JUDGE_COLUMNS[:4]].drop_duplicates().sort_values("judge").to_dict("records")
    rows = [{**judge, **_model_and_engine(published, judge["judge"])} for judge in judges]
    write_csv(pd.DataFrame(rows, columns=JUDGE_COLUMNS), output / "judges.csv")


def tabulate(root: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn the published folders into two tables, pairs and judgements.

    Returns
    -------
    pairs
        One row per instance: the columns that `convert` writes, and `row`, which says where it comes from.
    judgements
        Pairwise judges: two rows per pair, orders ab and ba, the verdict of the last pass. Judges that rate each
        response alone: one row with null order; the higher rating wins, equal is a tie, a missing one is null.
    """
    root = Path(root)
    pairs, judgements = [], []
    for path in _datasets(root):
        members = _pair_rows(path, _scenario(root, path))
        pairs += members
        for result in sorted(path.parent.glob("evaluators/*/*/result.json")):
            judgements += _result_rows(result, members)
    table = pd.DataFrame(judgements, columns=JUDGEMENT_COLUMNS)
    return pd.DataFrame(pairs, dtype=object), table.astype({"rating_a": "float64", "rating_b": "float64"})


def statistics(judgements: pd.DataFrame, pairs: pd.DataFrame, *, gold: str = GOLD) -> pd.DataFrame:
    """Accuracy and agreement of the orders, per scenario and judge, by the published rules.

    Parameters
    ----------
    judgements, pairs
        Contract tables of this source.
    gold
        Judge whose verdicts are the truth.

    Returns
    -------
    One row per scenario and judge: n, correct in order ab, in ba and in both, agreeing orders (no verdict in both
    counts as agreement), mean accuracy of the two orders in per cent. A judge that rates is turned into two orders as
    published: the higher rating wins; equal ratings go to the response shown second, and where one is missing, to the
    response shown first.

    Raises
    ------
    InputError
        When a pair that was judged has no gold verdict.
    """
    truth = judgements[judgements["judge"] == gold].set_index("pair_id")["verdict"]
    wide = _both_orders(judgements[judgements["judge"] != gold])
    wide["gold"] = wide["pair_id"].map(truth)
    if wide["gold"].isna().any():
        lacking = wide.loc[wide["gold"].isna(), "pair_id"].iloc[0]
        raise InputError(f"pair `{lacking}` has no verdict of judge `{gold}`", where="statistics")
    right_ab, right_ba = wide["ab"] == wide["gold"], wide["ba"] == wide["gold"]
    marks = wide[["judge"]].assign(
        scenario=wide["pair_id"].map(pairs.set_index("pair_id")["scenario"]),
        n=1,
        correct_ab=right_ab,
        correct_ba=right_ba,
        correct_both=right_ab & right_ba,
        agree=wide["ab"].fillna("none") == wide["ba"].fillna("none"),
    )
    sums = marks.groupby(["scenario", "judge"], as_index=False).sum()
    sums["accuracy_avg_pct"] = (sums["correct_ab"] + sums["correct_ba"]) / 2 / sums["n"] * 100
    return sums[STATISTICS]


def _both_orders(judgements: pd.DataFrame) -> pd.DataFrame:
    """One row per judge and pair, with the verdicts `ab` and `ba`."""
    key = ["judge", "pair_id"]
    rated, compared = (judgements[mask] for mask in (judgements["order"].isna(), judgements["order"].notna()))
    verdict = rated["verdict"].astype(object)
    first, second = (compared[compared["order"] == order].set_index(key)["verdict"] for order in ORDERS)
    return pd.concat(
        [
            pd.concat([first.rename("ab"), second.rename("ba")], axis=1).reset_index(),
            rated[key].assign(
                ab=verdict.where(verdict != "tie", "b").fillna("a"),
                ba=verdict.where(verdict != "tie", "a").fillna("b"),
            ),
        ],
        ignore_index=True,
    ).astype(object)


def _read_tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    pairs = read_frame(folder / "pairs.parquet")
    require_columns(pairs, PAIR_COLUMNS, folder / "pairs.parquet")
    path = folder / "judgements.parquet"
    judgements = read_frame(path)
    require_columns(judgements, JUDGEMENT_COLUMNS, path)
    place = Place.of_file(path)
    ratings = {column: floats(judgements, column, place) for column in ("rating_a", "rating_b")}
    verdict, order = choices(judgements, "verdict", VERDICTS, place), choices(judgements, "order", ORDERS, place)
    return pairs, judgements.assign(verdict=verdict, order=order, **ratings)


def _contract_judgements(rows: pd.DataFrame, where: str) -> pd.DataFrame:
    refused = rows["finish_reason"] == REFUSED
    status = pd.Series("ok", index=rows.index).where(rows["verdict"].notna(), "unparsed")
    status = status.where(~(refused & rows["verdict"].isna()), "refused")
    return validate(conform(rows.assign(sample=0, status=status, truncated=False), "judgements"), "judgements", where)


def _published_place(pairs: pd.DataFrame) -> Place:
    columns = {contract: published for published, contract in PAIR_TEXTS.items()}
    return Place(lambda row: pairs.loc[row, "row"], columns)


def _datasets(root: Path) -> list[Path]:
    if not root.is_dir():
        raise InputError("the folder does not exist", where=str(root), fix="the folder `Dataset` of LLMBar")
    found = sorted(path for path in root.rglob("dataset.json") if path.parent != root)
    if not found:
        fix = "give the folder above the subsets: `Dataset` or `LLMBar`, or one with pairs.parquet"
        raise InputError("no subset with a dataset.json lies below", where=str(root), fix=fix)
    return found


def _scenario(root: Path, path: Path) -> str:
    parts = list(path.parent.relative_to(root).parts)
    while parts[0] in ROOTS and len(parts) > 1:
        parts.pop(0)
    name = root.resolve().name
    return "/".join([name, *parts] if name in CONTAINERS else parts)


def _prefix(scenario: str) -> str:
    """Beginning of pair ids: Adversarial/Manual gives llmbar-adv-manual, Processed/LLMEval^2 gives llmbar-llmeval2."""
    parts = [re.sub(r"[^a-z0-9]", "", part.lower()) for part in scenario.removeprefix("Processed/").split("/")]
    return "-".join(["llmbar", *("adv" if part == "adversarial" else part for part in parts)])


def _instances(path: Path, *extra: str) -> list[tuple[str, dict]]:
    frame = read_frame(path)
    require_columns(frame, (*PAIR_TEXTS, "label", *extra), path)
    return [(f"{path}: row {number}", row) for number, row in enumerate(frame.to_dict("records"), start=1)]


def _pair_rows(path: Path, scenario: str) -> list[dict]:
    source = scenario.split("/")[-1] if scenario.startswith("Processed/") else "LLMBar"
    rows = []
    for number, (where, instance) in enumerate(_instances(path)):
        gold = VERDICT_OF_WINNER.get(str(instance["label"]))
        if gold is None:
            raise InputError(f"column `label` holds {instance['label']!r}", where=where, fix="1 or 2")
        texts = {contract: instance[published] for published, contract in PAIR_TEXTS.items()}
        name = {"pair_id": f"{_prefix(scenario)}-{number:03d}"}
        rows.append({**name, **texts, "scenario": scenario, "source": source, "gold": gold, "row": where})
    return rows


def _result_rows(path: Path, pairs: list[dict]) -> list[dict]:
    base, strategy = path.parts[-3:-1]
    judge = {"judge": f"{base}/{strategy}", "base_model": base, "strategy": strategy}
    instances = _instances(path, "results")
    if len(instances) != len(pairs):
        raise InputError(f"holds {len(instances)} rows", where=str(path), fix=f"dataset.json holds {len(pairs)}")
    rows = []
    for (where, instance), pair in zip(instances, pairs, strict=True):
        if any(instance[published] != pair[contract] for published, contract in PAIR_TEXTS.items()):
            raise InputError(f"is about another pair than {pair['row']}", where=where)
        rows += [{"pair_id": pair["pair_id"], **judge, **row} for row in _judgement_rows(instance, strategy, where)]
    return rows


def _judgement_rows(instance: dict, strategy: str, where: str) -> list[dict]:
    # A pass is an object; lists before it hold texts that the judge wrote for itself (metrics, a reference answer).
    passes = [entry for entry in instance["results"] or [] if isinstance(entry, dict)]
    last = passes[-1] if passes else {}
    if not all(isinstance(last.get(run), dict) for run in RUNS):
        raise InputError("`results` does not end with both runs", where=where, fix=f"an object with {', '.join(RUNS)}")
    if "score_1" in last:
        return [_rating_row(last, where)]
    mode = "pairwise-synthesis" if strategy.startswith("Swap") else "pairwise"
    rows = []
    for run, order in RUNS.items():
        winner, (_, reason) = last[run].get("winner"), _completion(last[run].get("completion"), where)
        if winner not in VERDICT_OF_WINNER:
            raise InputError(f"`winner` of the run `{run}` is {winner!r}", where=where, fix='"1", "2" or null')
        row = {"mode": mode, "order": order, "verdict": VERDICT_OF_WINNER[winner]}
        rows.append({**row, "n_passes": len(passes), "finish_reason": reason})
    return rows


def _rating_row(last: dict, where: str) -> dict:
    answers = [_completion(last.get(score), where) for score in ("score_1", "score_2")]
    a, b = (float(text) if re.fullmatch(r"\s*-?\d+\s*", text) else None for text, _ in answers)
    verdict = None if a is None or b is None else "a" if a > b else "b" if b > a else "tie"
    # One reason for two requests: the one that says most.
    reason = next((reason for _, reason in answers if reason != "stop"), "stop")
    row = {"mode": "pointwise", "order": None, "verdict": verdict, "rating_a": a, "rating_b": b}
    return {**row, "n_passes": 1, "finish_reason": reason}


def _completion(entry, where: str) -> tuple[str, str]:
    if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(text, str) for text in entry):
        raise InputError(f"the judge's answer is {str(entry)[:60]!r}", where=where, fix="[text, finish reason]")
    return entry[0], entry[1]


def _model_and_engine(published: Path, judge: str) -> dict:
    above = [published, *published.resolve().parents[:2]]
    configs = [folder / "LLMEvaluator" / "evaluators" / "config" / f"{judge}.json" for folder in above]
    config = next((path for path in configs if path.is_file()), None)
    modules = read_json(config) if config else [{}]
    if not isinstance(modules, list) or not modules or not isinstance(modules[-1], dict):
        raise InputError("holds no list of modules", where=str(config), fix="the last one asks for the verdict")
    last = modules[-1]
    return {"model_name": last.get("model_name"), "engine": (last.get("openai_kwargs") or {}).get("engine")}


def _write(table: pd.DataFrame, path: Path) -> None:
    schema = arrow.schema([(column, ARROW_TYPES.get(column, arrow.string())) for column in table])
    content = arrow.Table.from_pandas(table, schema=schema, preserve_index=False).replace_schema_metadata(None)
    atomic_write(path, lambda handle: pq.write_table(content, handle, compression="zstd"))
