"""The datasheet of each judge on hand-made verdicts, and on real ones whose numbers are known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from prefdissect.datasheet import COUNTS, MEASURES, judge_datasheet, kappa, read_datasheet
from prefdissect.errors import InputError
from prefdissect.preferences import combine
from prefdissect.printed_tables import Printing, printed
from prefdissect.regression.resampling import resample_counts
from prefdissect.tables import STATUSES, conform, validate, write_csv

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
GROUPS = pd.DataFrame(
    [
        ("p0", "Advice", "scenario"),
        ("p1", "Advice", "scenario"),
        ("p4", "Code", "scenario"),
        ("p4", "both", "defined"),
        ("p1", "both", "defined"),
        ("p0", "w_stances", "case"),
        *((pair, "pooled", "pooled") for pair in BOTH),
    ],
    columns=["pair_id", "group", "kind"],
)
RESAMPLES, SEED = 40, 5
pytestmark = pytest.mark.filterwarnings("error")


def judgements(rows) -> pd.DataFrame:
    table = pd.DataFrame(rows).assign(truncated=False)
    if "sample" not in table:
        table["sample"] = 0
    if "status" not in table:
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


def one_order(judge: str, verdicts: dict) -> pd.DataFrame:
    return judgements([{"judge": judge, "pair_id": p, "order": None, "verdict": v} for p, v in verdicts.items()])


def whole_sheet(*tables, words=WORDS, resamples=RESAMPLES, human=None, groups=GROUPS) -> pd.DataFrame:
    by_judge = {table["judge"].iloc[0]: table for table in tables}
    preferences = combine(pd.concat(tables, ignore_index=True))
    result = judge_datasheet(PAIRS, groups, by_judge, preferences, words, human=human, resamples=resamples, seed=SEED)
    expected = ["judge", "group", *COUNTS, *(f"{m}{end}" for m in MEASURES for end in ("", "_q025", "_q975"))]
    assert list(result) == expected
    return result.set_index(["group", "judge"])


def sheet(*tables, **settings) -> pd.DataFrame:
    """The rows for all pairs."""
    return whole_sheet(*tables, **settings).loc["pooled"]


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
    table = sheet(two_orders(), one_order("k", {pair: both[0] for pair, both in BOTH.items()}), words=WORDS.iloc[:0])
    absent = ["flipped", "first_slot", "picks_longer", "mass", "repeats_equal", "agreement", "kappa"]
    assert table.loc["k", absent].isna().all()
    assert table.loc["k", "undecided"] == 0 and table.loc["k", "unparsed"] == 0 == table.loc["k", "failed"]
    assert pd.isna(table.loc["j", "picks_longer"]) and table.loc["j", "flipped"] == pytest.approx(0.4)


def test_a_group_holds_its_own_pairs_only():
    table = whole_sheet(two_orders())
    assert list(table.index) == [("pooled", "j"), ("Advice", "j"), ("Code", "j"), ("both", "j")]
    advice, code, both = (table.loc[(group, "j")] for group in ("Advice", "Code", "both"))
    assert (advice["n_pairs"], advice["n_requests"], advice["undecided"], advice["first_slot"]) == (2, 4, 0.5, 0.75)
    assert (code["n_pairs"], code["undecided"], code["picks_longer"], advice["picks_longer"]) == (1, 0, 0, 1)
    assert (both["n_pairs"], both["flipped"], both["first_slot"]) == (2, 0.5, 0.75)
    assert code[["first_slot_q025", "first_slot_q975"]].tolist() == [0.5, 0.5]  # one prompt: nothing to vary


def test_intervals_of_a_group_come_from_the_same_resamples():
    row = whole_sheet(two_orders()).loc[("both", "j")]
    counts = resample_counts(4, RESAMPLES, SEED)[:, [0, 3]]  # the prompts of p1 (flipped) and p4 (not)
    drawn = counts[counts.sum(axis=1) > 0]
    shares = drawn[:, 0] / drawn.sum(axis=1)
    np.testing.assert_allclose(row[["flipped_q025", "flipped_q975"]].tolist(), np.quantile(shares, [0.025, 0.975]))


def test_a_group_in_which_a_judge_was_not_asked_has_no_row():
    table = whole_sheet(two_orders(), one_order("k", {"p0": "a"}))
    assert [group for group, judge in table.index if judge == "k"] == ["pooled", "Advice"]


def test_a_judge_that_answered_nothing_has_a_row():
    table = sheet(two_orders(verdicts={"p0": (None, None)}))
    assert table.loc["j", "unparsed"] == 1 and table.loc["j", ["undecided", "flipped", "first_slot"]].isna().all()


def test_reasons_for_no_verdict_are_told_apart():
    reasons = ["ok", "ok", *(status for status in STATUSES if status != "ok")]
    rows = [
        {"pair_id": f"p{n % 6}", "sample": n // 6, "status": status, "verdict": "a" if status == "ok" else None}
        for n, status in enumerate(reasons)
    ]
    row = sheet(judgements([{"judge": "j", "order": "ab"} | row for row in rows])).loc["j"]
    assert all(row[f"n_{status}"] == 1 for status in STATUSES if status != "ok")
    assert row["unparsed"] == pytest.approx(1 / len(rows))
    assert row["failed"] == pytest.approx((len(STATUSES) - 2) / len(rows))
    assert row["first_slot"] == 1  # of the two answered


def samples(verdicts: dict[tuple[str, str | None], str]) -> pd.DataFrame:
    """One letter per sample; `-` is a sample without a verdict."""
    words = {"a": "a", "b": "b", "t": "tie", "-": None}
    return judgements(
        [
            {"judge": "j", "pair_id": pair, "order": order, "sample": n, "verdict": words[letter]}
            for (pair, order), letters in verdicts.items()
            for n, letter in enumerate(letters)
        ]
    )


def test_repeats_are_compared_within_a_request():
    asked = {("p0", "ab"): "aab", ("p0", "ba"): "bb", ("p2", None): "at", ("p3", "ab"): "a", ("p4", "ab"): "b-b"}
    row = sheet(samples(asked)).loc["j"]
    assert row["repeats_equal"] == pytest.approx((1 / 3 + 1 + 0 + 1) / 4)
    assert 0 <= row["repeats_equal_q025"] <= row["repeats_equal"] <= row["repeats_equal_q975"] <= 1


@given(st.lists(st.text("abt-", min_size=1, max_size=6), min_size=1, max_size=6))
def test_repeatability_is_the_mean_share_of_equal_pairs_of_samples(requests):
    row = sheet(samples({(f"p{n}", "ab"): letters for n, letters in enumerate(requests)}), resamples=0).loc["j"]
    given_verdicts = [[letter for letter in letters if letter != "-"] for letters in requests]
    shares = [np.mean([x == y for x, y in combinations(v, 2)]) for v in given_verdicts if len(v) > 1]
    assert pd.isna(row["repeats_equal"]) if not shares else row["repeats_equal"] == pytest.approx(np.mean(shares))


def test_agreement_with_the_human_judge_over_pairs_that_both_decided():
    human = one_order("h", {"p0": "a", "p1": "a", "p2": "b", "p3": "a", "p4": "b", "p5": "tie"})
    other = one_order("k", {"p0": "b", "p2": "b", "p3": "tie", "p4": "b", "p5": "a"})
    table = sheet(human, other, human="h")
    assert table.loc["k", "agreement"] == pytest.approx(2 / 3)
    assert table.loc["k", "kappa"] == pytest.approx(cohen_kappa_score(list("bbb"), list("abb")))
    assert table.loc["h", ["agreement", "kappa"]].isna().all()
    counts = resample_counts(4, RESAMPLES, SEED)  # p0: prompt 0, p2: 1, p4: 3
    decided = counts[:, 0] + counts[:, 1] + counts[:, 3]
    shares = ((counts[:, 1] + counts[:, 3]) / np.maximum(decided, 1))[decided > 0]
    interval = table.loc["k", ["agreement_q025", "agreement_q975"]].astype(float)
    np.testing.assert_allclose(interval, np.quantile(shares, [0.025, 0.975]))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=1, max_size=30))
def test_kappa_is_that_of_scikit_learn(verdicts):
    cells = [(x, y) for x in "ab" for y in "ab"]
    mine = kappa(np.array([[verdicts.count(cell) for cell in cells]], dtype=float))[0]
    if len(set(verdicts)) == 1 and verdicts[0][0] == verdicts[0][1]:  # undefined; scikit-learn warns
        assert np.isnan(mine)
    else:
        first, second = zip(*verdicts)
        assert mine == pytest.approx(cohen_kappa_score(first, second, labels=["a", "b"]))


def test_a_human_judge_that_is_no_judge_is_refused():
    with pytest.raises(InputError, match="comparison.human.*no judge is called `people`.*one of j"):
        sheet(two_orders(), human="people")


def test_names_survive_the_file(tmp_path):
    path = tmp_path / "judge_datasheet.csv"
    table = whole_sheet(two_orders(judge="007")).reset_index().assign(label="NA")
    write_csv(table, path)
    again = read_datasheet(path)
    assert set(again["judge"]) == {"007"} and set(again["label"]) == {"NA"}
    assert again["mass"].isna().all() and again["n_pairs"].tolist() == table["n_pairs"].tolist()


def test_the_printed_sheet_is_short():
    table = whole_sheet(two_orders(), one_order("h", {"p0": "a", "p2": "b", "p4": "b"}), human="h").reset_index()
    table["label"] = table["judge"]
    how = Printing({}, {}, ["j", "h"], "pooled", "pooled", intervals="In brackets: intervals.")
    text, caption = printed("judge_datasheet", table, how)
    text = text.set_index("judge")
    assert list(text.index) == ["j", "h"] and "mass (%)" not in text and "kappa" in text
    assert text.loc["j", "undecided (%)"].startswith("40.0 [") and text.loc["h", "flipped (%)"] == "–"
    assert "all pairs" in caption and caption.endswith("In brackets: intervals.")


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


@pytest.fixture(scope="module")
def real(shared_data):
    """Pairs, judgements and preferences of 65 judges and the gold verdicts, and the datasheet of all of them."""
    pairs = pd.read_parquet(shared_data / "llmbar" / "pairs.parquet")
    pairs["prompt_id"] = pairs["prompt"]
    stored = pd.read_parquet(shared_data / "llmbar" / "judgements.parquet")
    gold = pairs[["pair_id"]].assign(judge="gold", order=None, verdict=pairs["gold"])
    stored = pd.concat([stored, gold], ignore_index=True).assign(sample=0, truncated=False)
    stored["status"] = stored["verdict"].notna().map({True: "ok", False: "unparsed"})
    table = conform(stored, "judgements")
    words = pairs.set_index("pair_id")[["response_a", "response_b"]].map(lambda text: len(text.split()))
    rows = judge_datasheet(
        pairs,
        pd.DataFrame({"pair_id": pairs["pair_id"], "group": pairs["scenario"], "kind": "scenario"}),
        dict(tuple(table.groupby("judge", sort=False))),
        combine(table),
        words.set_axis(["a", "b"], axis=1),
        human="gold",
        resamples=20,
        seed=0,
    )
    return rows[rows["judge"] != "gold"]


def test_real_judges(real):
    """Shares counted by those who collected the data: see the README beside them."""
    rows = real[real["group"] == "pooled"]
    assert len(rows) == 65 and rows["n_pairs"].sum() * 2 - rows["n_requests"].sum() == 7 * 419  # seven judges rate
    assert round(100 * rows["undecided"].median()) == 32
    compared = rows[rows["first_slot"].notna()]
    verdicts = compared["n_requests"] - compared["n_unparsed"]
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
    assert compared["n_unparsed"].sum() == 273 and compared["n_requests"].sum() == 56_060


def test_agreement_of_real_judges_is_the_published_one(real, shared_data):
    """Where no verdict is missing, the pairs decided are those in which the published orders agree."""
    published = pd.read_csv(shared_data / "llmbar" / "published_statistics.csv").set_index(["scenario", "judge"])
    ours = real[(real["group"] != "pooled") & (real["n_unparsed"] == 0)].set_index(["group", "judge"])
    published = published.loc[ours.index]
    assert len(ours) > 200
    np.testing.assert_allclose(ours["agreement"], published["correct_both"] / published["agree"])
    np.testing.assert_allclose(1 - ours["undecided"], published["agree"] / published["n"])
    assert (ours["agreement_q025"] <= ours["agreement"]).all() and (ours["agreement"] <= ours["agreement_q975"]).all()
