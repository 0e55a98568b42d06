"""The datasheet of each judge on hand-made verdicts, and on real ones whose numbers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from prefdissect.datasheet import MEASURES, judge_datasheet
from prefdissect.preferences import combine
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import conform, validate

PAIRS = pd.DataFrame({"pair_id": [f"p{n}" for n in range(6)], "prompt_id": ["q0", "q0", "q1", "q2", "q3", "q3"]})
WORDS = pd.DataFrame(
    {"a": [10, 5, 7, 30, 8], "b": [5, 10, 7, 12, 9]}, index=pd.Index([f"p{n}" for n in range(5)], name="pair_id")
)
BOTH = {  # verdicts in the orders ab and ba
    "p0": ("a", "a"),  # longer
    "p1": ("a", "b"),  # first slot twice: undecided
    "p2": ("b", "b"),  # equally long
    "p3": ("b", "a"),  # second slot twice: undecided
    "p4": ("a", "a"),  # shorter
    "p5": ("b", None),  # no verdict in one order
}
RESAMPLES, SEED = 40, 5
pytestmark = pytest.mark.filterwarnings("error")


def judgements(rows) -> pd.DataFrame:
    table = pd.DataFrame(rows).assign(sample=0, truncated=False)
    table["status"] = np.where(table["verdict"].isna(), "unparsed", "ok")
    return validate(conform(table, "judgements"), "judgements", "test")


def two_orders(judge="j", verdicts=None) -> pd.DataFrame:
    verdicts = verdicts or BOTH
    return judgements(
        [
            {"judge": judge, "pair_id": pair, "order": order, "verdict": verdict}
            for pair, both in verdicts.items()
            for order, verdict in zip(("ab", "ba"), both)
        ]
    )


def sheet(*tables, words=WORDS, resamples=RESAMPLES) -> pd.DataFrame:
    by_judge = {table["judge"].iloc[0]: table for table in tables}
    result = judge_datasheet(
        PAIRS, by_judge, combine(pd.concat(tables, ignore_index=True)), words, resamples=resamples, seed=SEED
    )
    expected = ["judge", "n_pairs", "n_requests", *(f"{m}{end}" for m in MEASURES for end in ("", "_q025", "_q975"))]
    assert sorted(result) == sorted(expected)
    return result.set_index("judge")


def test_measures_by_hand():
    row = sheet(two_orders()).loc["j"]
    assert (row["n_pairs"], row["n_requests"]) == (6, 12)
    assert row["undecided"] == pytest.approx(2 / 5)  # of the five answered pairs
    assert row["flipped"] == pytest.approx(2 / 5)
    # First slot: p0 once of two, p1 twice, p2 once, p3 never, p4 once, p5 never of one.
    assert row["first_slot"] == pytest.approx((1 + 2 + 1 + 0 + 1 + 0) / 11)
    assert row["picks_longer"] == pytest.approx(1 / 2)  # p0 and p4; p2 is equally long
    assert row["unparsed"] == pytest.approx(1 / 12)
    assert row[["mass", "mass_q025", "mass_q975"]].isna().all()


def test_intervals_resample_prompts_with_all_their_pairs():
    row = sheet(two_orders()).loc["j"]
    counts = resample_counts(4, RESAMPLES, SEED)
    prompt = {"p0": 0, "p1": 0, "p2": 1, "p3": 2, "p4": 3, "p5": 3}
    first = {pair: [v == slot for v, slot in zip(both, "ab") if v] for pair, both in BOTH.items()}
    shares = []
    for count in counts:
        hits = [hit for pair, slots in first.items() for hit in slots for _ in range(count[prompt[pair]])]
        shares.append(np.mean(hits))
    np.testing.assert_allclose(
        row[["first_slot_q025", "first_slot_q975"]].tolist(), np.quantile(shares, [0.025, 0.975])
    )


def test_resamples_without_an_observation_play_no_part():
    words = WORDS.loc[["p4"]]  # only p4 has lengths, so many resamples have none
    row = sheet(two_orders(), words=words).loc["j"]
    assert row[["picks_longer", "picks_longer_q025", "picks_longer_q975"]].tolist() == [0, 0, 0]


def test_what_does_not_apply_is_null():
    one_order = judgements(
        [{"judge": "k", "pair_id": pair, "order": None, "verdict": both[0]} for pair, both in BOTH.items()]
    )
    table = sheet(two_orders(), one_order, words=WORDS.iloc[:0])
    assert table.loc["k", ["flipped", "first_slot", "picks_longer", "mass"]].isna().all()
    assert table.loc["k", "undecided"] == 0 and table.loc["k", "unparsed"] == 0
    assert pd.isna(table.loc["j", "picks_longer"]) and table.loc["j", "flipped"] == pytest.approx(0.4)


def test_a_judge_with_log_probabilities():
    rows = [
        {"judge": "j", "pair_id": pair, "order": order, "verdict": "a", "logp_a": -0.1, "logp_b": -3.0, "mass": mass}
        for pair, mass in (("p0", 0.9), ("p1", 0.5))
        for order in ("ab", "ba")
    ]
    row = sheet(judgements(rows)).loc["j"]
    assert row["mass"] == pytest.approx(0.7) and row["flipped"] == 0 and row["first_slot"] == 0.5
    assert 0.5 <= row["mass_q025"] <= row["mass_q975"] <= 0.9


def test_ties_and_missing_verdicts_are_no_slot():
    verdicts = {"p0": ("tie", "tie"), "p1": ("a", "tie"), "p2": (None, None)}
    row = sheet(two_orders(verdicts=verdicts)).loc["j"]
    assert row["first_slot"] == 1 and row["undecided"] == 0.5 and row["unparsed"] == pytest.approx(1 / 3)
    assert row["flipped"] == 0.5  # a and a tie are not the same verdict


def test_without_resamples_there_are_no_intervals():
    row = sheet(two_orders(), resamples=0).loc["j"]
    for measure in MEASURES:
        assert row[[f"{measure}_q025", f"{measure}_q975"]].isna().all()
    assert row["undecided"] == pytest.approx(0.4)


def test_real_judges(shared_data):
    """Shares counted by those who collected the data: see the README beside them."""
    pairs = pd.read_parquet(shared_data / "llmbar" / "pairs.parquet")
    pairs["prompt_id"] = pairs["prompt"]
    stored = pd.read_parquet(shared_data / "llmbar" / "judgements.parquet")
    stored = stored.assign(
        sample=0, truncated=False, status=stored["verdict"].notna().map({True: "ok", False: "failed"})
    )
    table = conform(stored, "judgements")
    words = pairs.set_index("pair_id")[["response_a", "response_b"]].map(lambda text: len(text.split()))
    rows = judge_datasheet(
        pairs,
        dict(tuple(table.groupby("judge", sort=False))),
        combine(table),
        words.set_axis(["a", "b"], axis=1),
        resamples=0,
        seed=0,
    )
    assert len(rows) == 65 and rows["n_pairs"].sum() * 2 - rows["n_requests"].sum() == 7 * 419  # seven judges rate
    assert round(100 * rows["undecided"].median()) == 32
    compared = rows[rows["first_slot"].notna()]
    verdicts = compared["n_requests"] * (1 - compared["unparsed"])
    base = compared["judge"].str.split("/").str[0]
    share = (compared["first_slot"] * verdicts).groupby(base).sum() / verdicts.groupby(base).sum()
    assert (100 * share).round().astype(int).to_dict() == {
        "Falcon": 81,
        "ChatGPT-0301": 68,
        "ChatGPT": 66,
        "PaLM2": 56,
        "GPT-4": 51,
        "LLaMA2": 49,
    }
    by_judge = rows.set_index("judge")
    assert round(100 * by_judge.loc["Falcon/CoT", "first_slot"]) == 93 == by_judge["first_slot"].max().round(2) * 100
    assert round(100 * by_judge.loc["LLaMA2/Swap", "first_slot"]) == 32
    assert round(100 * (1 - by_judge.loc["Falcon/CoT", "flipped"])) == 13
    unparsed = compared["unparsed"] * compared["n_requests"]
    assert round(unparsed.sum()) == 273 and compared["n_requests"].sum() == 56_060
