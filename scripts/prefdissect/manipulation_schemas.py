"""The tables of the manipulation experiments."""

from __future__ import annotations

from prefdissect.table_columns import flag, number, schema, text, whole

ARMS = ["towards", "against", "random", "none", "tuned-towards", "tuned-against", "tuned-shuffled"]
_ARM_ID = text("arm, by its safe name: none, or <target>--<arm>, for random ones with their seed")
_GENERATOR = text("model that writes the outputs")
_QUESTION = text("question of the benchmark")


def _measure(name: str, what: str) -> dict:
    return {
        name: number(what, nullable=True),
        f"{name}_q025": number("lower end of its 95 % interval, from resampling instructions", nullable=True),
        f"{name}_q975": number("upper end", nullable=True),
    }


MANIPULATION_SCHEMAS = (
    schema(
        "questions",
        ["question_id"],
        {
            "question_id": _QUESTION,
            "turns": text("the user's messages as a JSON list"),
            "category": text("category of the benchmark", nullable=True),
            "reference": text("reference answers, one per message, as a JSON list", nullable=True),
        },
    ),
    schema(
        "arms",
        ["arm_id"],
        {
            "arm_id": _ARM_ID,
            "target": text("judge whose preferences are aimed at; null for none", nullable=True),
            "arm": text("what is aimed for", isin=ARMS),
            "seed": text("seed of a random arm", nullable=True),
            "properties": text("properties that the model is told to show, by blanks", nullable=True),
            "system": text("system message; null for none", nullable=True),
            "note": text("what is unusual about it: fewer properties than asked for, or none", nullable=True),
        },
    ),
    schema(
        "outputs",
        ["generator", "arm_id", "question_id", "turn"],
        {
            "generator": _GENERATOR,
            "arm_id": _ARM_ID,
            "question_id": _QUESTION,
            "turn": whole("which message it answers, from 1", low=1),
            "output": text("what the model wrote; null where it failed", nullable=True),
            "status": text("what became of the request", isin=["ok", "too_long", "refused", "failed"]),
            "cut": flag("did `max_tokens` end it"),
        },
    ),
    schema(
        "contests",
        ["generator", "arm_id", "question_id"],
        {
            "generator": _GENERATOR,
            "arm_id": _ARM_ID,
            "question_id": _QUESTION,
            "pair_id": text("pair that judges were shown; null where both outputs are equal", nullable=True),
            "baseline": text("who wrote the baseline's output"),
            "output_1": text("the baseline's output"),
            "output_2": text("the arm's output"),
        },
    ),
    schema(
        "win_rates",
        ["generator", "arm_id", "question_id", "judge"],
        {
            "generator": _GENERATOR,
            "arm_id": _ARM_ID,
            "question_id": _QUESTION,
            "judge": text("judge"),
            "preference": number(
                "1 (the baseline's output) to 2 (the arm's), as in AlpacaEval; null where the judge gave none",
                nullable=True,
                low=1,
                high=2,
            ),
        },
    ),
    schema(
        "grades",
        ["judge", "generator", "arm_id", "question_id", "turn"],
        {
            "judge": text("judge"),
            "generator": _GENERATOR,
            "arm_id": _ARM_ID,
            "question_id": _QUESTION,
            "turn": whole("which message was answered, from 1", low=1),
            "grade": number("1 to 10; null where the judge gave none that can be read", nullable=True, low=1, high=10),
            "status": text(
                "what became of the request", isin=["ok", "unparsed", "too_long", "refused", "failed", "no_output"]
            ),
        },
    ),
    schema(
        "manipulation",
        ["generator", "arm_id", "judge", "score"],
        {
            "generator": _GENERATOR,
            "arm_id": text("arm; `<target>--random` is the mean over the seeds"),
            "target": text("judge whose preferences are aimed at", nullable=True),
            "arm": text("what is aimed for", isin=ARMS),
            "seed": text("seed of a random arm; null for their mean and for others", nullable=True),
            "properties": text("properties that the model is told to show", nullable=True),
            "judge": text("judge that scores"),
            "role": text("is it the judge aimed at", isin=["target", "off-target"], nullable=True),
            "score": text("win_rate (per cent, against the baseline) or grade (1 to 10)", isin=["win_rate", "grade"]),
            "baseline": text("what outputs are compared with", nullable=True),
            "n": whole("instructions with a score here and under `none`"),
            "value": number("the score", nullable=True),
            "standard_error": number("its standard error over instructions", nullable=True, low=0),
            **_measure("shift", "value - that under `none`, over the same instructions"),
            **_measure("length_change", "words per output, minus those under `none`"),
            **_measure(
                "controlled",
                "shift left at equal lengths; null for grades, and where none were seen",
            ),
            "note": text("what is unusual about the arm", nullable=True),
        },
    ),
)
