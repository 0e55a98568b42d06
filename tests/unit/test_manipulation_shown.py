"""What people read of a manipulation experiment: figure, printed table, findings, datasheet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from prefdissect.figures.manipulation import manipulation_figure
from prefdissect.findings_manipulation import describe_manipulation
from prefdissect.manipulation.gameability import with_gameability
from prefdissect.printed_manipulation import shown_rows
from prefdissect.tables import conform

LABELS = {"t": "the target", "o": "another"}


def row(arm: str, judge: str, shift: float, half: float = 5.0, seed: str | None = None, generator: str = "g") -> dict:
    identity = f"t--{arm}" + (f"-{seed}" if seed else "")
    aimed = {"target": "t", "role": "target" if judge == "t" else "off-target"}
    if arm == "none":
        identity, aimed = "none", {"target": None, "role": None}
    numbers = {"shift": shift, "length_change": 12.0, "controlled": shift / 2}
    ends = {f"{k}_{end}": v + side * half for k, v in numbers.items() for end, side in (("q025", -1), ("q975", 1))}
    about = {"generator": generator, "arm_id": identity, "arm": arm, "seed": seed, "judge": judge, "score": "win_rate"}
    return {**about, **aimed, **numbers, **ends, "n": 40, "value": 50 + shift, "standard_error": half / 2}


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [row("none", "t", 0, 0), row("towards", "t", 30), row("towards", "o", 2), row("against", "t", -20)]
    rows += [row("random", "t", shift, seed=seed) for seed, shift in (("1", 4), ("2", -6))] + [row("random", "t", -1)]
    rows += [row("towards", "t", 10, generator="h")]
    return conform(pd.DataFrame(rows), "manipulation")


def test_single_seeds_give_way_to_their_mean(table):
    shown = shown_rows(table)
    assert shown["arm_id"].tolist().count("t--random") == 1 and not shown["seed"].notna().any()
    alone = table[table["arm_id"] != "t--random"]
    assert shown_rows(alone)["seed"].notna().sum() == 2, "without a mean the seeds themselves are shown"


def test_findings_hedge_what_the_intervals_do_not_carry(table):
    text = " ".join(describe_manipulation(table, LABELS, "pooled"))
    assert "g, told what the target rewards: the target moves by +30.0 points of win rate (+25.0 to +35.0)" in text
    assert "no other judge follows" in text
    assert "told as much at random: the target moves by -1.0" in text and "cannot be told from no shift" in text
    assert describe_manipulation(None, LABELS, "") == []


def test_gameability_is_the_largest_shift_of_the_targets_own(table):
    sheet = pd.DataFrame({"judge": ["t", "o", "t"], "group": ["pooled", "pooled", "Code"]})
    found = with_gameability(sheet, table)
    assert found["gameability"].tolist() == pytest.approx([0.3, np.nan, np.nan], nan_ok=True)
    assert found["gameability_q025"].iloc[0] == pytest.approx(0.25)


def test_figure_shows_the_target_first_and_says_what_is_behind(table):
    figure = manipulation_figure(table, LABELS, target="t")
    axes = figure.axes[-1]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "the target · g" and "another · g" in names and len(names) == 3
    said = {text.get_text() for legend in figure.legends for text in legend.get_texts()}
    assert {"told what it rewards", "told what it penalises", "at random, mean over seeds"} <= said
    empty = manipulation_figure(table.iloc[:0], LABELS, target="t")
    assert any("No arm has a score." in text.get_text() for text in empty.texts)
