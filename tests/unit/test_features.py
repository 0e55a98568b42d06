"""Every rule that turns ratings into features, on cases worked out by hand and against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.features import (
    Features,
    build_features,
    clearly_longer,
    feature_matrix,
    graded_feature,
    graded_length,
    sign_feature,
)
from prefdissect.tables import conform, empty_table, validate

CATALOGUE = load_catalogue()
SEVERITIES = ("minor", "moderate", "severe")
ITEMISED = ("satisfies_constraints", "supports_stances", "corrects_mistakes")


def rating(prop, a, b, *, pair="p1", item=0, status="ok", annotator="x"):
    return {
        "annotator": annotator,
        "pair_id": pair,
        "property": prop,
        "item": item,
        "score_a": a,
        "score_b": b,
        "status": status,
    }


def build(rows, *, resolved=(), pairs=None, precedence=("x", "y"), **settings) -> Features:
    annotations = conform(pd.DataFrame(rows), "annotations") if rows else empty_table("annotations")
    ready = conform(pd.DataFrame(resolved), "features") if resolved else empty_table("features")
    pairs = pairs or sorted({row["pair_id"] for row in [*rows, *resolved]})
    return build_features(pairs, annotations, ready, CATALOGUE, list(precedence), **settings)


def compared(prop, *pairs) -> list[tuple[int, float]]:
    """Sign and graded feature of pairs of one property; a pair is two scores, or a list of two scores per item."""
    rows = []
    for number, scores in enumerate(pairs):
        items = scores if isinstance(scores, list) else [scores]
        rows += [rating(prop, *ab, pair=f"p{number:03d}", item=item) for item, ab in enumerate(items)]
    table = build(rows).features.sort_values("pair_id")
    assert len(table) == len(pairs) and set(table["property"]) == {prop}
    return list(zip(table["sign"].tolist(), table["graded"].tolist()))


def test_the_catalogue_holds_the_29_properties_of_the_paper():
    rules = {rule: [p.name for p in CATALOGUE.values() if p.sign_rule == rule] for rule in ("any", "less", "length")}
    assert len(CATALOGUE) == 29
    assert rules["any"] == ["relevant"] and rules["length"] == ["lengthy"]
    assert rules["less"] == ["non_repetitive", *(f"no_{severity}_errors" for severity in SEVERITIES)]
    assert [p.name for p in CATALOGUE.values() if p.sign_rule == "mean_of_items"] == [
        "clarifies_intent",
        "empathetic",
        *ITEMISED,
    ]
    assert (CATALOGUE["supports_stances"].minimum, CATALOGUE["supports_stances"].maximum) == (-2, 2)


RATED = [p.name for p in CATALOGUE.values() if p.sign_rule == "more"]


def test_a_rating_counts_by_the_sign_of_its_difference():
    rows = [rating(prop, a, b, pair=f"{a}{b}") for prop in RATED for a in range(4) for b in range(4)]
    table = build(rows).features
    assert len(RATED) == 18 and len(table) == 18 * 16
    for row in table.itertuples():
        a, b = map(int, row.pair_id)
        assert row.sign == (a > b) - (a < b)
        assert row.graded == pytest.approx((a - b) / 3)


def test_what_is_rated_as_repetition_counts_against():
    assert compared("non_repetitive", (3, 0), (0, 1), (2, 2)) == [(-1, -1.0), (1, pytest.approx(1 / 3)), (0, 0.0)]


def test_relevance_counts_only_zero_against_the_rest():
    cases = {(0, 0): 0, (0, 1): -1, (0, 3): -1, (1, 0): 1, (3, 0): 1, (1, 3): 0, (3, 1): 0, (2, 2): 0}
    assert compared("relevant", *cases) == [(sign, pytest.approx((a - b) / 3)) for (a, b), sign in cases.items()]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_fewer_errors_are_more_of_the_property(severity):
    # 9 / 5 is clipped
    assert compared(f"no_{severity}_errors", (0, 2), (4, 1), (3, 3), (0, 9), (9, 0)) == [
        (1, pytest.approx(0.4)),
        (-1, pytest.approx(-0.6)),
        (0, 0.0),
        (1, 1.0),
        (-1, -1.0),
    ]


def test_each_severity_counts_for_itself():
    rows = [rating("no_minor_errors", 0, 3), rating("no_moderate_errors", 1, 1), rating("no_severe_errors", 1, 0)]
    table = build(rows).features.set_index("property")
    assert table["sign"].to_dict() == {"no_minor_errors": 1, "no_moderate_errors": 0, "no_severe_errors": -1}


@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_error_check_that_does_not_apply_costs_the_pair(severity):
    rows = [rating("clear", a, 1, pair=pair) for pair, a in (("p1", 3), ("p2", 2))]
    rows += [rating(f"no_{severity}_errors", None, None, pair="p1", status="not_applicable")]
    rows += [rating(f"no_{severity}_errors", 1, 0, pair="p2")]
    built = build(rows)
    assert set(built.features["pair_id"]) == {"p2"}
    assert built.dropped.to_dict("records") == [
        {
            "pair_id": "p1",
            "property": f"no_{severity}_errors",
            "annotator": "x",
            "reason": "errors cannot be checked",
        }
    ]


def test_a_study_may_keep_pairs_whose_errors_cannot_be_checked():
    rows = [rating("clear", a, 1, pair=pair) for pair, a in (("p1", 3), ("p2", 2))]
    rows += [rating("no_severe_errors", None, None, pair="p1", status="not_applicable")]
    rows += [rating("no_severe_errors", 1, 0, pair="p2")]
    built = build(rows, unchecked_errors="zero")
    assert built.dropped.empty
    table = built.features.set_index(["property", "pair_id"])["sign"]
    assert table["no_severe_errors"].to_dict() == {"p1": 0, "p2": -1}
    failed = [rating("no_severe_errors", None, None, pair="p1", status="failed"), *rows[:2], rows[3]]
    assert build(failed, unchecked_errors="zero").dropped["reason"].tolist() == ["annotation failed"]


def test_several_items_count_by_their_mean():
    assert compared("satisfies_constraints", [(3, 0), (1, 2), (0, 3)], [(1, 0), (2, 0), (0, 3)], [(3, 0), (3, 3)]) == [
        (-1, pytest.approx(-1 / 9)),  # means 4/3 and 5/3
        (0, 0.0),  # means 1 and 1, though A wins two of three items
        (1, 0.5),
    ]


def test_stances_run_from_minus_two_to_two():
    # -4 / 3 is clipped; the last has the means 0 and 1/2
    assert compared("supports_stances", (-2, 2), (2, -2), (0, -1), (-1, -2), (2, 2), [(2, -1), (-2, 2)]) == [
        (-1, -1.0),
        (1, 1.0),
        (1, pytest.approx(1 / 3)),
        (1, pytest.approx(1 / 3)),
        (0, 0.0),
        (-1, pytest.approx(-1 / 6)),
    ]


def test_rounding_in_a_mean_never_decides():
    rng = np.random.default_rng(0)
    items = {f"p{n}": rng.integers(0, 4, (rng.integers(1, 13), 2)).tolist() for n in range(300)}
    rows = [
        rating("satisfies_constraints", a, b, item=item, pair=pair)
        for pair, listed in items.items()
        for item, (a, b) in enumerate(listed)
    ]
    for row in build(rows).features.itertuples():
        listed = items[row.pair_id]
        difference = sum(a for a, _ in listed) - sum(b for _, b in listed)
        assert row.sign == (difference > 0) - (difference < 0)
        assert row.graded == pytest.approx(difference / len(listed) / 3)


def test_a_case_that_the_query_lacks_is_zero():
    cases = ["clarifies_intent", "empathetic", *ITEMISED]
    built = build([rating(prop, None, None, status="not_applicable") for prop in cases] + [rating("clear", 2, 1)])
    assert built.dropped.empty
    table = built.features.set_index("property")
    assert table["sign"].to_dict() == {"clear": 1} | dict.fromkeys(cases, 0)
    assert (table.loc[cases, "graded"] == 0).all()


@pytest.mark.parametrize("prop", ["friendly", "relevant", "lengthy"])
def test_a_property_that_always_applies_cannot_be_not_applicable(prop):
    rows = [rating(prop, None, None, status="not_applicable"), rating(prop, 1, 1, pair="p2")]
    built = build(rows)
    assert set(built.features["pair_id"]) == {"p2"}
    assert built.dropped["reason"].tolist() == ["property cannot be rated"]


@pytest.mark.parametrize("prop", ["friendly", "relevant", "empathetic", "no_severe_errors", "lengthy"])
def test_a_failed_annotation_costs_the_pair(prop):
    rows = [rating(prop, None, None, status="failed"), rating(prop, 1, 0, pair="p2")]
    rows += [rating("clear", 2, 1, pair=pair) for pair in ("p1", "p2")]
    built = build(rows)
    assert set(built.features["pair_id"]) == {"p2"} and len(built.features) == 2
    assert built.dropped[["pair_id", "property", "reason"]].to_numpy().tolist() == [["p1", prop, "annotation failed"]]


def test_one_failed_item_costs_the_pair():
    rows = [rating("satisfies_constraints", 3, 0), rating("satisfies_constraints", None, None, item=1, status="failed")]
    rows += [rating("satisfies_constraints", 0, 1, pair="p2")]
    built = build(rows)
    assert built.features["pair_id"].tolist() == ["p2"]
    assert built.dropped["reason"].tolist() == ["annotation failed"]


def test_a_missing_annotation_costs_the_pair_and_says_so():
    rows = [rating("clear", 1, 0, pair=pair) for pair in ("p1", "p2", "p3")] + [rating("friendly", 1, 0, pair="p2")]
    built = build(rows)
    assert set(built.features["pair_id"]) == {"p2"}
    assert built.dropped[["pair_id", "property", "annotator", "reason"]].to_numpy().tolist() == [
        ["p1", "friendly", "x", "no annotation"],
        ["p3", "friendly", "x", "no annotation"],
    ]


def test_pairs_outside_the_study_play_no_part():
    rows = [rating("clear", 1, 0, pair=pair) for pair in ("p1", "p2")]
    built = build(rows, pairs=["p2"])
    assert built.features["pair_id"].tolist() == ["p2"] and built.dropped.empty


def test_every_pair_left_has_every_property_in_catalogue_order():
    rows = [rating(prop, 1, 0, pair=pair) for prop in reversed(list(CATALOGUE)) for pair in ("p2", "p1", "p3")]
    built = build(rows)
    assert built.properties == list(CATALOGUE)
    matrix = feature_matrix(built.features)
    assert matrix.shape == (3, 29) and list(matrix) == list(CATALOGUE)
    assert not matrix.isna().any(axis=None)
    validate(built.features, "features", "test")
    validate(built.dropped, "dropped_pairs", "test")


def test_a_property_that_nobody_produced_is_no_zero():
    built = build([rating("clear", 1, 1)])
    assert built.properties == ["clear"] and list(feature_matrix(built.features)) == ["clear"]


def test_a_property_comes_from_the_first_annotator_that_has_it():
    rows = [rating("clear", 1, 0, pair=pair, annotator="y") for pair in ("p1", "p2")]
    rows += [rating("friendly", 0, 1, pair=pair, annotator="y") for pair in ("p1", "p2")]
    rows += [rating("clear", 0, 1, pair="p1", annotator="x")]
    first = build(rows, precedence=("x", "y"))
    # x rated only p1; p2 is not filled up from y
    assert first.features.set_index("property")["annotator"].to_dict() == {"clear": "x", "friendly": "y"}
    assert first.features.set_index("property")["sign"].to_dict() == {"clear": -1, "friendly": -1}
    assert first.dropped["pair_id"].tolist() == ["p2"]
    second = build(rows, precedence=("y", "x"))
    assert set(second.features["annotator"]) == {"y"} and second.dropped.empty
    assert second.features.loc[second.features["property"] == "clear", "sign"].tolist() == [1, 1]


def test_an_annotator_that_is_not_named_counts_for_nothing():
    rows = [rating("clear", 1, 0, annotator="z"), rating("friendly", 1, 0)]
    assert build(rows).properties == ["friendly"]


def resolved(prop, sign, graded, pair="p1", annotator="x"):
    return {"pair_id": pair, "property": prop, "sign": sign, "graded": graded, "annotator": annotator}


def test_comparisons_published_resolved_are_taken_as_they_are():
    ready = [resolved("clear", -1, -2 / 3), resolved("clear", 0, 0.0, pair="p2"), resolved("friendly", 1, 0.1)]
    rows = [rating("friendly", 1, 0, pair="p2")]
    built = build(rows, resolved=ready)
    table = built.features.set_index(["pair_id", "property"])
    assert table["sign"].to_dict() == {
        ("p1", "clear"): -1,
        ("p2", "clear"): 0,
        ("p1", "friendly"): 1,
        ("p2", "friendly"): 1,
    }
    assert table.loc[("p1", "friendly"), "graded"] == pytest.approx(0.1)


def test_resolved_comparisons_with_unchecked_errors_lose_the_pair():
    ready = [resolved("clear", 1, 1 / 3, pair="p2"), resolved("no_severe_errors", 1, 0.2, pair="p2")]
    rows = [rating("no_severe_errors", None, None, pair="p1", status="not_applicable")]
    built = build(rows, resolved=ready)
    assert set(built.features["pair_id"]) == {"p2"}
    assert ("p1", "errors cannot be checked") in set(zip(built.dropped["pair_id"], built.dropped["reason"]))


def test_no_property_and_no_pair_are_refused():
    with pytest.raises(InputError, match="no annotator of the study produced any property"):
        build([], pairs=["p1"])
    with pytest.raises(InputError, match="no pair is left.*annotation failed.*1"):
        build([rating("clear", None, None, status="failed")])


def test_an_ok_rating_without_a_score_is_refused_and_never_a_zero():
    with pytest.raises(InputError, match="annotator `x`, pair `p1`.*score of `friendly` is null"):
        build([rating("friendly", 2, None)])


# Written out from the paper's description, in plain Python, independent of the library.
PUBLISHED_SHORT = {0: 1, 1: 3, 2: 5, 3: 7, 4: 8, 5: 10, 6: 11, 7: 13, 8: 14, 9: 16, 10: 17, 11: 19}


def longer_by_the_paper(a: int, b: int) -> int:
    s, l = min(a, b), max(a, b)  # noqa: E741
    if s <= 11:
        differ = l >= PUBLISHED_SHORT[s]
    else:
        differ = (s <= 0.7 * l and l - s >= 10) or (s <= 0.8 * l and l - s >= 20) or (s <= 0.9 * l and l - s >= 40)
    return 0 if not differ else 1 if a > b else -1


def test_clearly_longer_against_plain_python_up_to_700_words():
    n = 701
    a, b = (counts.ravel() for counts in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    expected = [longer_by_the_paper(s, l) for s in range(n) for l in range(n)]  # noqa: E741
    assert clearly_longer(a, b).tolist() == expected


@pytest.mark.parametrize(("shorter", "least"), PUBLISHED_SHORT.items())
def test_the_table_for_up_to_eleven_words(shorter, least):
    assert clearly_longer([least - 1, least], [shorter, shorter]).tolist() == [0, 1]
    assert clearly_longer([shorter, shorter], [least - 1, least]).tolist() == [0, -1]


@pytest.mark.parametrize(
    ("shorter", "longer", "differ"),
    [
        (12, 21, 0), (12, 22, 1),  # from 12 on: 10 words more, and 0.7
        (23, 33, 1), (24, 34, 0),  # 0.7 * 33 = 23.1; 0.7 * 34 = 23.8
        (28, 40, 1), (29, 40, 0),
        (42, 60, 1), (63, 90, 1),  # 0.7 * 90 is 62.99... in floating point, but 27 words and 0.8 decide
        (80, 100, 1), (81, 100, 0), (79, 98, 0),
        (360, 400, 1), (361, 400, 0), (361, 401, 0), (359, 399, 1), (200, 239, 0), (200, 240, 1), (200, 250, 1),
    ],
)  # fmt: skip
def test_each_threshold_at_its_edge(shorter, longer, differ):
    assert clearly_longer([longer], [shorter]).tolist() == [differ]
    assert clearly_longer([shorter], [longer]).tolist() == [-differ]


def test_graded_length_is_a_signed_logarithm():
    pairs = [(0, 0), (1, 0), (0, 1), (144, 64), (431, 8), (8, 431), (500, 0), (501, 0), (0, 5000), (2000, 1499)]
    expected = []
    for a, b in pairs:
        size = min(1.0, math.log(1 + abs(a - b)) / math.log(501))
        expected.append((longer_by_the_paper(a, b), pytest.approx(size if a > b else -size, abs=1e-12)))
    assert compared("lengthy", *pairs) == expected


def test_graded_length_reaches_one_at_500_words():
    assert graded_length([500, 499, 501], [0, 0, 0]).tolist() == [1.0, pytest.approx(np.log(500) / np.log(501)), 1.0]


def scores(prop) -> tuple[int, int]:
    """Least and largest score to try."""
    if prop.maximum is None:
        return 0, 400 if prop.sign_rule == "length" else 12
    return int(prop.minimum), int(prop.maximum)


@given(st.sampled_from(list(CATALOGUE.values())), st.data())
@settings(max_examples=120, deadline=None)
def test_exchanging_the_responses_negates_a_feature(prop, data):
    low, high = scores(prop)
    n_items = data.draw(st.integers(1, 7)) if prop.name in ITEMISED else 1
    score = st.lists(st.integers(low, high), min_size=n_items, max_size=n_items).map(np.mean)
    a, b = (np.array(data.draw(st.lists(score, min_size=5, max_size=5))) for _ in range(2))
    sign, graded = sign_feature(prop, a, b), graded_feature(prop, a, b)
    assert sign.tolist() == (-sign_feature(prop, b, a)).tolist() and set(sign) <= {-1, 0, 1}
    assert graded.tolist() == (-graded_feature(prop, b, a)).tolist() and np.abs(graded).max() <= 1


def random_ratings(seed: int, n_pairs: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    rows = []
    for pair in range(n_pairs):
        for prop in CATALOGUE.values():
            if prop.family == "query_specific" and rng.random() < 0.4:
                rows.append(rating(prop.name, None, None, pair=f"p{pair}", status="not_applicable"))
                continue
            low, high = scores(prop)
            for item in range(rng.integers(1, 5) if prop.name in ITEMISED else 1):
                rows.append(rating(prop.name, *rng.integers(low, high + 1, 2), pair=f"p{pair}", item=item))
    return rows


def test_exchanging_the_responses_negates_all_29_features():
    rows = random_ratings(0, 100)
    swapped = [row | {"score_a": row["score_b"], "score_b": row["score_a"]} for row in rows]
    tables = [build(side).features for side in (rows, swapped)]
    for column in ("sign", "graded"):
        there, back = (feature_matrix(table, column) for table in tables)
        assert there.shape == (100, 29) and list(there) == list(CATALOGUE)
        assert (there == -back).all(axis=None)
        assert (there.abs() <= 1).all(axis=None) and (there != 0).any(axis=0).all()


def test_the_matrix_of_graded_features():
    built = build([rating("clear", 3, 1), rating("lengthy", 144, 64), rating("clear", 0, 1, pair="p2")], pairs=["p1"])
    matrix = feature_matrix(built.features, "graded")
    assert matrix.loc["p1"].tolist() == [pytest.approx(2 / 3), pytest.approx(math.log(81) / math.log(501))]
