"""The lexical annotator: hand-made responses per property, layouts, and the contract of its table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefdissect.annotators.lexical import SCALES, annotate, rate_response
from prefdissect.annotators.markers import Markers, load_markers
from prefdissect.annotators.readability import count_syllables, flesch_kincaid_grade
from prefdissect.annotators.response import Response
from prefdissect.annotators.structure import read_layout, structure_score
from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.tables import validate

CATALOGUE = load_catalogue()
PLAIN = "The library opens at nine and closes at six. On Sundays it stays closed."
RECIPE = """\
1. Peel the apples and cut them into thin slices.
2. Mix the flour with the butter until it crumbles.
3. Spread the crumble over the apples.
4. Bake everything for forty minutes at 180 degrees."""

# Property -> responses with the rating that each must have, by the anchors of the catalogue.
EXAMPLES = {
    "polite": [
        ("What did you expect? Stop whining and look it up.", 0),
        (PLAIN, 1),
        ("Thank you for the clarification. The library opens at nine.", 2),
        ("Thank you so much for asking, and please accept my apologies for the delay. I'd be happy to help.", 3),
    ],
    "interactive": [
        (PLAIN, 0),
        (PLAIN + " Let me know if you have any other questions.", 1),
        (PLAIN + " " + PLAIN + " " + PLAIN + " Which branch do you want to visit?", 2),
        ("Happy to help! Which city do you live in? And would you rather go by train or by car?", 3),
    ],
    "rhetorical_devices": [
        (PLAIN, 0),
        ("Her answer was a breath of fresh air.", 1),
        ("The wind whispered, and her heart sank like a stone. Time waits for nobody.", 2),
        (
            "The wind whispers and the night sings. Her smile was like a candle, as bright as the sun, a beacon of "
            "hope in a sea of doubt.",
            3,
        ),
    ],
    "complex_language": [
        ("The cat sat on the mat. It was a big cat. It had a red hat. We all like the cat and the hat a lot.", 0),
        (
            "The library opens at nine in the morning, and you can borrow books for about three weeks. If you need "
            "more time, just visit the counter and renew them.",
            1,
        ),
        (
            "Libraries traditionally provide access to printed collections, although many of them now also offer "
            "digital material. Their opening hours generally depend on local funding decisions.",
            2,
        ),
        (
            "Notwithstanding the considerable heterogeneity of institutional arrangements, the administrative "
            "rationalisation of municipal libraries has systematically subordinated pedagogical considerations to "
            "budgetary imperatives.",
            3,
        ),
    ],
    "well_formatted": [
        (" ".join(["The library opens at nine and it closes at six"] * 16), 0),
        (PLAIN, 1),
        (PLAIN + "\n\n" + PLAIN + " Bring:\n\n- a card\n- a bag", 2),
        ("## Hours\n\n- **Weekdays:** nine to six\n- **Sundays:** closed\n\n## Cards\n\n- free for children", 3),
    ],
    "admits_limits": [
        (PLAIN, 0),
        (PLAIN + " As far as I know, it is open on holidays.", 1),
        (PLAIN + " " + PLAIN + " As an AI, I have no access to its calendar.", 2),
        ("I'm not sure. As an AI language model, I don't have access to its calendar, so I may be wrong.", 3),
    ],
    "step_by_step": [
        (PLAIN, 0),
        ("First, find the shelf. Then look for the author.", 1),
        ("1. Find the shelf.\n2. Look for the author.", 2),
        (RECIPE, 3),
    ],
    "informal": [
        (PLAIN, 0),
        ("The library opens at nine. It's closed on Sundays, so you'll have to wait.", 1),
        (PLAIN + " Yeah, kinda.", 2),
        ("Hey dude!! No worries, it's gonna open at nine 😊 lol", 3),
    ],
    "non_repetitive": [
        (PLAIN, 0),
        (
            "Heat pumps move warmth from outside into the house. The air outdoors holds warmth even in winter. A pump "
            "needs electricity, though much less than a heater. Installing one costs more than a boiler. Grants cover "
            "part of that cost in many countries. Noise depends on the model you choose. Neighbours may complain about "
            "a loud one. Heat pumps move warmth from outside into the house.",
            1,
        ),
        (
            "Regular exercise is good for your heart. Exercise makes the heart stronger, and a stronger heart pumps "
            "more blood. Doctors suggest half an hour a day. Half an hour of exercise a day keeps the heart healthy, "
            "and a healthy heart lets you live longer. So exercise, and your heart will stay healthy.",
            2,
        ),
        ("I will help you with the tests. " * 6, 3),
    ],
}


@pytest.mark.parametrize(
    ("name", "text", "rating"), [(name, *example) for name, examples in EXAMPLES.items() for example in examples]
)
def test_rating(name: str, text: str, rating: int):
    assert rate_response(text, name) == rating


def test_every_scale_has_examples_and_every_lexical_property_a_scale():
    assert set(EXAMPLES) == set(SCALES)
    assert {name for name, prop in CATALOGUE.items() if "lexical" in prop.annotators} == {*SCALES, "lengthy"}


@pytest.mark.parametrize("name", [name for name in SCALES if name not in ("non_repetitive", "well_formatted")])
def test_prose_without_the_property_stays_without_it(name: str):
    assert rate_response(f"{PLAIN} " * 80, name) <= rate_response(PLAIN, name)


def test_one_mark_weighs_less_in_a_longer_text():
    for name, mark in (("informal", " Yeah, kinda."), ("rhetorical_devices", " It is a beacon of hope.")):
        short, long = rate_response(PLAIN + mark, name), rate_response(f"{PLAIN} " * 60 + mark, name)
        assert short > long


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("polite", 'Thanks to the new rules, eager to please, she said: "Please sit."'),
        (
            "interactive",
            "Dear Ms Ito,\n\nLet me know if you have any questions. Could you tell me the price?\n\nRegards",
        ),
        ("interactive", "1. What is your biggest strength?\n2. Why do you want this job?"),
        ("admits_limits", "I can't wait to see it. The hero sighed: \"I don't have access to the vault.\""),
        ("step_by_step", "1. Paris\n2. Rome\n3. Vienna"),
        ("informal", "```\nhey = 'yo dude!!'\n```"),
        ("non_repetitive", "```\nx = x + 1 + 2 + 3\nx = x + 1 + 2 + 3\nx = x + 1 + 2 + 3\n```"),
        ("complex_language", "```\nheterogeneous_configuration_initialisation(authentication)\n```"),
    ],
)
def test_what_does_not_count(name: str, text: str):
    assert rate_response(text, name) == (1 if name == "polite" else 0)


@pytest.mark.parametrize("text", ["", " ", "\n\r\n", "\u200b", "\ufeff\u200d"])
def test_blank_responses_have_nothing(text: str):
    assert {name: rate_response(text, name) for name in SCALES} == dict.fromkeys(SCALES, 0)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_on_the_scale(text: str):
    assert all(rate_response(text, name) in (0, 1, 2, 3) for name in SCALES)


PIECES = [
    *(
        "# ",
        "- ",
        "1. ",
        "> ",
        "```",
        "**",
        "|a|b|\n|-|-|\n",
        "\n",
        "\r",
        "\n\n",
        "\t",
        "    ",
        '"',
        "“",
        "[",
        "](",
        "•",
        "x = f(1);\n",
    ),
    *("please ", "I don't know. ", "Dear Bo,\n", "Step 1: ", "why? ", "😊", "中文", "\u200b", "don't ", "word "),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_markdown_is_on_the_scale(text: str):
    assert all(rate_response(text, name) in (0, 1, 2, 3) for name in SCALES)
    assert structure_score(text) >= 0


@pytest.mark.parametrize("piece", ["\ud800", "\x00", "*", "[", "- a\n", "don't ", "中", "?! ", "\r", "e\u0301"])
def test_long_and_odd_texts(piece: str):
    response = Response((piece * 15000)[:15000])
    assert all(scale.rate(response) in (0, 1, 2, 3) for scales in SCALES.values() for scale in scales)
    assert response.word_count >= 0


def test_ratings_of_real_responses_do_not_follow_length(shared_data: Path):
    """Spearman correlation with the number of words stays far from 1, and every rating occurs."""
    pairs = pd.read_parquet(shared_data / "auto-j" / "pairs.parquet").iloc[::8]
    table = annotate(pairs, CATALOGUE)
    scores = table.pivot(index="pair_id", columns="property", values="score_a")
    rho = scores.corr("spearman")["lengthy"].drop("lengthy")
    assert (rho.abs() < 0.5).all(), rho
    assert (rho[["polite", "interactive", "admits_limits", "informal"]].abs() < 0.2).all(), rho
    used = table[table["property"] != "lengthy"].groupby("property")["score_a"].nunique()
    assert (used >= 3).all(), used


# --- layout -------------------------------------------------------------------------------------------------------


def test_layout_counts():
    layout = read_layout(
        "# Title\n\n**Part one**\n\nText with **bold** words.\n\n- a\n- b\n\n1) c\n2) d\n\n"
        "| x | y |\n|---|---|\n| 1 | 2 |\n\n```py\nprint(1)\n```\n\n> said"
    )
    assert (layout.headings, layout.bullets, layout.numbered) == (2, 2, 2)
    assert (layout.table_rows, layout.code_blocks, layout.strong, layout.block_quotes) == (2, 1, 1, 1)
    assert "print" not in " ".join(block.text for block in layout.blocks)


@pytest.mark.parametrize("bullets", ["• a\n• b", "-Apples\n-Pears", "    - a\n    - b", "* a\r\n* b", "- a\r- b"])
def test_bullets_that_markdown_does_not_know(bullets: str):
    assert read_layout(bullets).bullets == 2


@pytest.mark.parametrize(
    "steps", ["(1) a\n(2) b", "Step 1: a\n\nStep 2: b", "**1. a**\n\n**2. b**", "1. a\n\nb\n\n2. c"]
)
def test_numbering_by_hand(steps: str):
    assert read_layout(steps).numbered == 2


def test_a_lone_dash_is_no_list():
    assert read_layout("- Where are you going?").bullets == 0


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("", 0),
        (PLAIN, 0),
        ("**bold**ly said", 0.5),
        ("- a\n- b", 2),
        (RECIPE, 4),
        ("# Title\n\n- a\n- b", 4),
        ("```\ncode\n```", 2),
        ("| x |\n|---|\n| 1 |\n| 2 |", 3),
    ],
)
def test_structure_score(text: str, score: float):
    assert structure_score(text) == score


# --- parts --------------------------------------------------------------------------------------------------------


def test_flesch_kincaid_by_hand():
    assert flesch_kincaid_grade(10, 2, 15) == pytest.approx(0.39 * 5 + 11.8 * 1.5 - 15.59)


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("the", 1), ("open", 2), ("used", 1), ("wanted", 2), ("safety", 2), ("table", 2), ("science", 2), ("queue", 1),
     ("photosynthesis", 5), ("information", 4), ("x", 1)],
)  # fmt: skip
def test_syllables(word: str, syllables: int):
    assert count_syllables(word) == syllables


def test_longest_marker_wins_and_exceptions_count_nothing():
    found = [(hit.marker.points, hit.end - hit.start) for hit in load_markers().find(["thanks", "to", "you"])]
    assert found == [(0.0, 2)]


def test_unknown_place_of_a_marker(tmp_path: Path):
    path = tmp_path / "markers.yaml"
    path.write_text("courtesy:\n  - {points: 1, where: nowhere, phrases: please}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"markers.yaml: courtesy: place `nowhere` is unknown"):
        Markers(path)


def test_quotations_and_edges():
    middle = "It rains. " * 8
    at_the_edge = Response("I don't know. " + middle)
    inside = Response(middle + "I don't know. " + middle)
    assert at_the_edge.points("limits_clear") == 1
    assert inside.points("limits_clear") == 0
    assert Response('He said "I am so sorry" and left.').points("courtesy") == 0
    assert Response('"I am so sorry."').points("courtesy") == 1


# --- the table ----------------------------------------------------------------------------------------------------


def pairs_of(*texts: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"pair_id": [f"p{n}" for n in range(len(texts))], "response_a": [a for a, _ in texts],
                         "response_b": [b for _, b in texts]})  # fmt: skip


def test_table_follows_the_contract():
    table = annotate(pairs_of((PLAIN, RECIPE), ("", "Hi")), CATALOGUE, annotator="words")
    validate(table, "annotations", "test")
    assert list(table["pair_id"]) == ["p0"] * 10 + ["p1"] * 10
    assert list(table["property"][:10]) == [name for name in CATALOGUE if "lexical" in CATALOGUE[name].annotators]
    assert set(table["annotator"]) == {"words"}
    assert set(table["status"]) == {"ok"}
    lengthy = table[table["property"] == "lengthy"].set_index("pair_id")
    assert lengthy.loc["p1", ["score_a", "score_b"]].tolist() == [0, 1]


def test_chosen_properties_come_in_the_order_of_the_catalogue():
    table = annotate(pairs_of((PLAIN, RECIPE)), CATALOGUE, ["lengthy", "polite"])
    assert list(table["property"]) == ["polite", "lengthy"]


def test_no_pairs():
    assert annotate(pairs_of(), CATALOGUE).empty


def test_repeated_texts_are_measured_once(monkeypatch: pytest.MonkeyPatch):
    measured = []
    monkeypatch.setattr(
        Response, "__init__", lambda self, text: (measured.append(text), setattr(self, "text", text))[0]
    )
    annotate(pairs_of((PLAIN, RECIPE), (RECIPE, PLAIN), (PLAIN, PLAIN)), CATALOGUE)
    assert sorted(measured) == sorted([PLAIN, RECIPE])


TEXTS = st.one_of(st.text(max_size=80), st.sampled_from([text for some in EXAMPLES.values() for text, _ in some]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_exchanging_the_responses_exchanges_the_scores(texts: list[tuple[str, str]]):
    table = annotate(pairs_of(*texts), CATALOGUE)
    other = annotate(pairs_of(*[(b, a) for a, b in texts]), CATALOGUE)
    assert table["score_a"].tolist() == other["score_b"].tolist()
    assert table["score_b"].tolist() == other["score_a"].tolist()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("novel", "property `novel` cannot be measured lexically"),
        ("poliet", "property `poliet` is not in the catalogue"),
    ],
)
def test_wrong_property(wanted: str, message: str):
    with pytest.raises(InputError, match=message):
        annotate(pairs_of((PLAIN, RECIPE)), CATALOGUE, [wanted])


def test_missing_column_and_null_response():
    with pytest.raises(InputError, match="lacks column `response_b`"):
        annotate(pairs_of((PLAIN, RECIPE)).drop(columns="response_b"), CATALOGUE)
    with pytest.raises(InputError, match="pair `p1`, column `response_a` is null"):
        annotate(pairs_of((PLAIN, RECIPE), (None, PLAIN)), CATALOGUE)
