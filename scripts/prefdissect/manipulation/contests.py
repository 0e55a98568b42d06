"""Which outputs are held against which: the pairs that judges are shown, and what their verdicts are worth."""

from __future__ import annotations

import pandas as pd

from prefdissect.errors import InputError
from prefdissect.manipulation.arms import NONE
from prefdissect.manipulation.benchmark import first_messages
from prefdissect.names import safe_name
from prefdissect.tables import conform, prompt_id

KEY = ["generator", "arm_id", "question_id"]
DRAW = 1.5


def build_contests(outputs: pd.DataFrame, questions: pd.DataFrame, baseline: pd.DataFrame | None = None):
    """Hold the first output of every arm against the baseline's.

    Parameters
    ----------
    outputs
        Table `outputs` of all generators.
    questions
        Table `questions`.
    baseline
        A file of outputs (`alpaca_files.read_outputs`); if left out every generator's arm `none` is its baseline.

    Returns
    -------
    Table `contests`. Equal outputs are no pair: they are a draw that nobody is asked about, as in AlpacaEval. What a
    model failed to write is left out.

    Raises
    ------
    InputError
        When the baseline lacks an instruction.
    """
    first = outputs[(outputs["turn"] == 1) & (outputs["status"] == "ok")]
    if baseline is None:
        own = first[first["arm_id"] == NONE].set_index(["generator", "question_id"])["output"]
        table = first.join(own.rename("output_1"), on=["generator", "question_id"], how="inner")
        table["baseline"] = table["generator"] + "--" + NONE
    else:
        asked = first_messages(questions)
        written = baseline.set_index("instruction")
        lacking = asked[~asked.isin(written.index)]
        if len(lacking):
            fix = "outputs to exactly these instructions"
            problem = f"the baseline lacks {len(lacking)} instructions, such as {lacking.iloc[0][:80]!r}"
            raise InputError(problem, where="config key `manipulation.benchmark.baseline`", fix=fix)
        found = asked.map(written["output"]), asked.map(written["generator"])
        table = first.assign(output_1=first["question_id"].map(found[0]), baseline=first["question_id"].map(found[1]))
    table = table.rename(columns={"output": "output_2"})
    named = table["generator"] + "--" + table["arm_id"] + "--" + table["question_id"]
    table["pair_id"] = named.map(safe_name).where(table["output_1"] != table["output_2"], None)
    return conform(table[[*KEY, "pair_id", "baseline", "output_1", "output_2"]], "contests")


def pairs_of(contests: pd.DataFrame, questions: pd.DataFrame, source: str) -> pd.DataFrame:
    """Contests as table `pairs`, for the code that judges: response_a is the baseline's, response_b the arm's."""
    shown = contests[contests["pair_id"].notna()]
    about = questions.set_index("question_id")
    prompts = shown["question_id"].map(first_messages(questions))
    return conform(
        pd.DataFrame(
            {
                "pair_id": shown["pair_id"],
                "prompt_id": prompts.map(prompt_id),
                "prompt": prompts,
                "response_a": shown["output_1"],
                "response_b": shown["output_2"],
                "model_a": shown["baseline"],
                "model_b": shown["generator"] + "--" + shown["arm_id"],
                "scenario": shown["question_id"].map(about["category"]),
                "source": source,
            }
        ),
        "pairs",
    )


def win_rates_of(contests: pd.DataFrame, preferences: pd.DataFrame, judge: str) -> pd.DataFrame:
    """Table `win_rates` of one judge: AlpacaEval's preferences, 1 + the judge's probability of the arm's output."""
    p_a = preferences.set_index("pair_id")["p_a"]
    share = 1 - contests["pair_id"].map(p_a)
    values = (1 + share).where(contests["pair_id"].notna(), DRAW)
    return conform(contests[KEY].assign(judge=judge, preference=values), "win_rates")


def annotations_of(contests: pd.DataFrame, win_rates: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    """Contests and preferences of one judge in the columns of AlpacaEval's `annotations.json`."""
    table = contests.merge(win_rates, on=KEY)
    table["instruction"] = table["question_id"].map(first_messages(questions))
    table["generator_2"] = table["generator"] + "--" + table["arm_id"]
    return table.rename(columns={"baseline": "generator_1", "judge": "annotator"})
