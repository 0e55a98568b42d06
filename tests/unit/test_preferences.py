"""Orders, samples, ties, ratings and missing answers, combined by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefdissect.preferences import combine, labels
from prefdissect.tables import conform, validate

NAN = float("nan")


def request(order="ab", verdict="a", *, pair="p1", judge="j", sample=0, status=None, **scores):
    return {
        "judge": judge,
        "pair_id": pair,
        "order": order,
        "sample": sample,
        "verdict": verdict,
        "status": status or ("ok" if verdict else "unparsed"),
        "truncated": False,
        **scores,
    }


def scored(order, logp_a, logp_b, **kwargs):
    verdict = "a" if logp_a > logp_b else "b" if logp_b > logp_a else "tie"
    return request(order, verdict, logp_a=logp_a, logp_b=logp_b, **kwargs)


def rated(rating_a, rating_b, order=None, **kwargs):
    verdict = "a" if rating_a > rating_b else "b" if rating_b > rating_a else "tie"
    return request(order, verdict, rating_a=rating_a, rating_b=rating_b, **kwargs)


def table(rows) -> pd.DataFrame:
    return combine(conform(pd.DataFrame(rows), "judgements"))


def one(*rows):
    """p_a, margin, preference and consistent of the only pair; null as None."""
    result = table(rows)
    assert len(result) == 1
    row = result.iloc[0][["p_a", "margin", "preference", "consistent"]]
    plain = row.to_numpy(object).tolist()
    return tuple(None if pd.isna(value) else value for value in plain)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a", "a", (1.0, 1.0, "a", True)),
        ("b", "b", (0.0, -1.0, "b", True)),
        ("a", "b", (0.5, 0.0, "tie", False)),  # always the first slot
        ("b", "a", (0.5, 0.0, "tie", False)),  # always the second
        ("a", "tie", (0.75, 0.5, "a", False)),
        ("tie", "b", (0.25, -0.5, "b", False)),
        ("tie", "tie", (0.5, 0.0, "tie", True)),
    ],
)
def test_verdicts_in_both_orders(first, second, expected):
    assert one(request("ab", first), request("ba", second)) == expected


@pytest.mark.parametrize("order", ["ab", "ba", None])
@pytest.mark.parametrize(("verdict", "expected"), [("a", (1.0, 1.0)), ("b", (0.0, -1.0)), ("tie", (0.5, 0.0))])
def test_one_order_alone_says_nothing_about_consistency(order, verdict, expected):
    assert one(request(order, verdict)) == (*expected, verdict, None)


@pytest.mark.parametrize("status", ["unparsed", "too_long", "refused", "failed"])
def test_no_answer_in_one_of_two_orders_is_no_preference(status):
    assert one(request("ab", "a"), request("ba", None, status=status)) == (None, None, None, None)
    assert one(request("ab", None, status=status)) == (None, None, None, None)


def test_samples_are_averaged_within_their_order():
    ab = [request("ab", verdict, sample=n) for n, verdict in enumerate("aab")]
    ba = [request("ba", verdict, sample=n) for n, verdict in enumerate("bbb")]
    assert one(*ab, *ba) == (pytest.approx(1 / 3), pytest.approx(-1 / 3), "b", False)
    # Five samples here and one there: the orders weigh the same, the samples do not.
    many = [request("ab", "a", sample=n) for n in range(5)]
    assert one(*many, request("ba", "b")) == (0.5, 0.0, "tie", False)
    # A sample without a verdict is left out as long as its order has another.
    assert one(*ab, request("ab", None, sample=3), request("ba", "a")) == (
        pytest.approx(5 / 6),
        pytest.approx(2 / 3),
        "a",
        True,
    )


def test_shares_that_cancel_are_a_tie_without_rounding():
    rows = []
    for k in range(2, 30):
        for wins in {1, k // 2, k - 1}:
            sides = [("ab", "a", "b"), ("ba", "b", "a")]
            rows += [
                request(order, win if n < wins else loss, sample=n, pair=f"{wins} of {k}")
                for order, win, loss in sides
                for n in range(k)
            ]
    result = table(rows)
    assert (result["preference"] == "tie").all() and (result["margin"] == 0).all() and (result["p_a"] == 0.5).all()


def test_log_probabilities_by_the_published_rule():
    # logP(A|AB) + logP(B|BA) = -0.1 - 3 against logP(B|AB) + logP(A|BA) = -2.5 - 0.2: A by -3.1 against -2.7 loses.
    p_a, margin, preference, consistent = one(scored("ab", -0.1, -2.5), scored("ba", -3.0, -0.2))
    assert margin == pytest.approx(-0.4) and preference == "b" and not consistent
    assert p_a == pytest.approx(1 / (1 + math.exp(0.2)))
    p_a, margin, preference, consistent = one(scored("ab", -0.1, -2.5), scored("ba", -2.0, -0.2))
    assert margin == pytest.approx(0.6) and preference == "a" and not consistent
    assert one(scored("ab", -0.1, -2.5), scored("ba", -0.3, -1.5))[1:] == (pytest.approx(3.6), "a", True)


def test_one_order_of_log_probabilities():
    p_a, margin, preference, consistent = one(scored("ab", math.log(0.6), math.log(0.2)))
    assert (p_a, margin) == (pytest.approx(0.75), pytest.approx(math.log(3)))
    assert (preference, consistent) == ("a", None)


def test_a_judge_that_only_sees_the_slot_is_a_tie_exactly():
    assert one(scored("ab", -0.1, -2.3), scored("ba", -2.3, -0.1)) == (0.5, 0.0, "tie", False)


def test_log_probabilities_of_samples_are_averaged_per_order():
    rows = [scored("ab", -1, -2), scored("ab", -1, -4, sample=1), scored("ba", -3, -2.5)]
    p_a, margin, preference, _ = one(*rows)
    assert (margin, preference) == (pytest.approx(2 - 0.5), "a")  # log odds 1 and 3, then -0.5
    assert p_a == pytest.approx(1 / (1 + math.exp(-0.75)))


def test_log_probabilities_in_one_order_only_leave_the_verdicts():
    assert one(scored("ab", -0.1, -2.5), request("ba", "b")) == (0.5, 0.0, "tie", False)


@pytest.mark.filterwarnings("error")
def test_certain_judges_overflow_nothing():
    assert one(scored("ab", -2000, 0), scored("ba", -1500, 0))[:3] == (0.0, -3500.0, "b")
    assert one(scored("ab", 0, -2000), scored("ba", 0, -1500))[:3] == (1.0, 3500.0, "a")


def test_ratings():
    assert one(rated(8, 5)) == (1.0, 3.0, "a", None)
    assert one(rated(2, 7)) == (0.0, -5.0, "b", None)
    assert one(rated(6, 6)) == (0.5, 0.0, "tie", None)
    assert one(rated(8, 5, "ab"), rated(5, 6, "ba")) == (0.5, 1.0, "a", False)
    assert one(request(None, None, rating_a=7.0)) == (None, None, None, None)


def test_ratings_in_one_order_only_do_not_carry_its_bias():
    assert one(rated(9, 1, "ab"), request("ba", "b")) == (0.5, 0.0, "tie", False)


def test_judges_and_pairs_do_not_mix():
    rows = [request("ab", "a"), request("ba", "a"), request("ab", "b", pair="p2"), request("ba", "a", pair="p2")]
    rows += [request(None, "b", judge="k"), request(None, None, judge="k", pair="p2")]
    result = table(rows).set_index(["judge", "pair_id"])["preference"]
    values = {key: None if pd.isna(value) else value for key, value in result.items()}
    validate(table(rows), "preferences", "test")
    assert values == {("j", "p1"): "a", ("j", "p2"): "tie", ("k", "p1"): "b", ("k", "p2"): None}


def side_swapped(row: dict) -> dict:
    """The same request about the pair with its responses exchanged."""
    result = row | {"order": {"ab": "ba", "ba": "ab", None: None}[row["order"]]}
    result["verdict"] = {"a": "b", "b": "a"}.get(row["verdict"], row["verdict"])
    for name in ("logp", "rating"):
        result[f"{name}_a"], result[f"{name}_b"] = row.get(f"{name}_b"), row.get(f"{name}_a")
    return result


log_probability = st.floats(-60, 0).map(lambda value: round(value, 3))


@st.composite
def requests(draw):
    kind = draw(st.sampled_from(["verdict", "logp", "rating"]))
    rows = []
    orders = draw(st.sampled_from([["ab", "ba"], ["ba", "ab"], ["ab"], ["ba"], [None]]))
    for order in orders:
        for sample in range(draw(st.integers(1, 3))):
            if draw(st.integers(0, 9)) == 0:
                rows.append(request(order, None, sample=sample))
            elif kind == "logp":
                rows.append(scored(order, draw(log_probability), draw(log_probability), sample=sample))
            elif kind == "rating":
                rows.append(rated(draw(st.integers(0, 10)), draw(st.integers(0, 10)), order, sample=sample))
            else:
                rows.append(request(order, draw(st.sampled_from(["a", "b", "tie"])), sample=sample))
    return rows


@given(st.lists(requests(), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_exchanging_the_responses_exchanges_the_preference(pairs):
    rows = [row | {"pair_id": f"p{number}"} for number, listed in enumerate(pairs) for row in listed]
    there, back = table(rows), table([side_swapped(row) for row in rows])
    mirrored = there["preference"].map({"a": "b", "b": "a", "tie": "tie"})
    assert back["preference"].fillna("none").tolist() == mirrored.fillna("none").tolist()
    np.testing.assert_array_equal(back["margin"], -there["margin"])
    np.testing.assert_allclose(back["p_a"], 1 - there["p_a"], atol=1e-12)
    assert back["consistent"].equals(there["consistent"])
    sign = there["preference"].map({"a": 1.0, "b": -1.0, "tie": 0.0})
    np.testing.assert_array_equal(np.sign(there["margin"]), sign)
    asked = [len({row["order"] for row in listed}) for listed in pairs]
    assert (there["consistent"].notna() <= (np.array(asked) == 2)).all()


PREFERENCES = pd.DataFrame(
    {"pair_id": ["p1", "p2", "p3", "p4", "p5"], "preference": ["b", "tie", "a", None, "tie"]}, dtype=object
)


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        ("drop", [("p1", 0, 1.0), ("p3", 1, 1.0)]),
        (
            "model",
            [("p1", 0, 1.0), ("p2", 1, 0.5), ("p2", 0, 0.5), ("p3", 1, 1.0), ("p5", 1, 0.5), ("p5", 0, 0.5)],
        ),
        ("to_b", [("p1", 0, 1.0), ("p2", 0, 1.0), ("p3", 1, 1.0), ("p5", 0, 1.0)]),
    ],
)
def test_what_becomes_of_ties(ties, expected):
    result = labels(PREFERENCES, ties)
    assert list(result.itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize("ties", ["drop", "model", "to_b"])
@pytest.mark.parametrize("values", [[None, None], ["tie", "tie"], ["a", "b"], []])
def test_labels_where_a_kind_is_absent(ties, values):
    preferences = pd.DataFrame({"pair_id": [f"p{n}" for n in range(len(values))], "preference": values}, dtype=object)
    result = labels(preferences, ties)
    n_ties = values.count("tie")
    rows = {"drop": 0, "model": 2 * n_ties, "to_b": n_ties}[ties] + len([v for v in values if v in ("a", "b")])
    assert len(result) == rows and result["label"].isin([0, 1]).all() and (result["weight"] > 0).all()
