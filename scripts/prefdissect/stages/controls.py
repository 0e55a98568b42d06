"""Stages of the judges that are known: rules and simulations."""

from __future__ import annotations

from prefdissect.judges import rules, simulated
from prefdissect.tables import read_table, write_table


def judge_by_rule(pairs: str, record: dict, output: str) -> None:
    """Apply a rule judge."""
    judgements = rules.judge_by_rule(read_table(pairs, "pairs"), record["name"], record["rule"], record["seed"])
    write_table(judgements, output, "judgements")


def simulate_judge(features: str, record: dict, output: str) -> None:
    """Draw the verdicts of a judge with known coefficients."""
    table = read_table(features, "features")
    write_table(simulated.simulate(table, record["name"], record["coefficients"], record["seed"]), output, "judgements")
