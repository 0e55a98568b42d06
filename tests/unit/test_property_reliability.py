"""The limits of reliability that a study sets, and the marks of what is below them."""

from __future__ import annotations

import pandas as pd
import pytest

from configs import base
from prefdissect.annotators.verdicts import below_limits, marked, property_reliability
from prefdissect.config import load_study
from prefdissect.errors import InputError
from prefdissect.figure_list import figures_of
from prefdissect.figures.reliability import reliability_figure
from prefdissect.printed_tables import Printing, printed
from prefdissect.publication import effects_table
from prefdissect.tables import conform, empty_table

FEATURES = pd.DataFrame({"property": ["polite", "funny", "novel"], "annotator": ["m", "m", "author"]})
TWO = [{"name": "lexical", "kind": "lexical"}, {"name": "again", "kind": "lexical"}]
MODEL = {"name": "m", "kind": "llm", "engine": "fake"}


def table(*rows) -> pd.DataFrame:
    """Rows (comparison, annotator, annotator, property, kappa)."""
    frame = pd.DataFrame(rows, columns=["comparison", "annotator_1", "annotator_2", "property", "kappa"])
    counts = {"n_ratings": 8, "n_pairs": 4, "n_prompts": 2, "equal": 0.5, "within_one": 0.75}
    return conform(frame.assign(**counts), "reliability")


AGREEMENT = table(
    ("repeats", "m", "m", "polite", 0.9),
    ("orders", "m", "m", "polite", 0.7),
    ("repeats", "m", "m", "funny", 0.8),
    ("annotators", "author", "m", "funny", 0.2),
)


def verdicts(**wanted) -> dict[str, str | None]:
    wanted = {"kappa": None, "within_one": None, "against": []} | wanted
    found = property_reliability(AGREEMENT, FEATURES, wanted)
    return {name: None if pd.isna(word) else word for name, word in zip(found["property"], found["reliability"])}


def test_the_worst_comparison_decides():
    assert verdicts(kappa=0.75) == {"polite": "below", "funny": "reached", "novel": "not measured"}
    assert verdicts(kappa=0.7)["polite"] == "reached"


def test_another_annotator_counts_only_where_the_study_names_it():
    assert verdicts(kappa=0.5)["funny"] == "reached"
    assert verdicts(kappa=0.5, against=["author"])["funny"] == "below"


def test_every_limit_must_be_reached():
    assert verdicts(kappa=0.5, within_one=0.8)["polite"] == "below"
    assert set(verdicts().values()) == {None}


def test_what_is_below_is_marked_wherever_labels_are_shown():
    found = property_reliability(AGREEMENT, FEATURES, {"kappa": 0.75, "within_one": None, "against": []})
    labels = {"polite": "polite", "funny": "funny", "novel": "novel"}
    assert marked(labels, below_limits(found)) == {"polite": "polite †", "funny": "funny", "novel": "novel"}
    rows = {"judge": "j", "group": "g", "property": list(labels), "estimator": "map", "mean": 0.0, "degree": 50.0}
    coefficients = conform(pd.DataFrame(rows | {"word": "no interval", "n_pairs": 3}), "coefficients")
    effects = effects_table(coefficients, {"j": "J"}, labels, found)
    assert effects["reliability"].tolist() == ["below", "reached", "not measured"]
    assert "reliability" not in effects_table(coefficients, {"j": "J"}, labels)


def test_the_figure_puts_the_least_reliable_property_last():
    figure = reliability_figure(AGREEMENT, {"polite": "polite †"}, limit=0.75, width=20)
    rows = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert rows == ["polite †", "funny"]
    said = " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))
    assert "0.75, the least that the study asks for" in said and "m, responses exchanged" in said
    assert "No rating was given twice" in " ".join(
        text.get_text() for text in reliability_figure(empty_table("reliability"), {}).texts
    )


def test_the_printed_table_says_what_was_compared():
    text, caption = printed("reliability", AGREEMENT, Printing({}, {"polite": "polite †"}, [], "pooled", "pooled"))
    assert text["ratings of"].tolist()[1:4:2] == ["m, responses exchanged", "author and m"]
    assert text["kappa"].tolist()[0] == "0.90" and text["property"][0] == "polite †"


def test_a_figure_exists_where_something_is_rated_twice():
    assert "ratings" not in figures_of(load_study(base()))
    assert "ratings" in figures_of(load_study(base(annotators=TWO)))
    assert "ratings" in figures_of(load_study(base(annotators=[MODEL | {"swap": True}])))


@pytest.mark.parametrize(
    "wanted, annotators, problem",
    [
        ({"kappa": 0.5}, TWO, "nothing in this study is rated twice"),
        ({"kappa": 0.5, "against": ["m"]}, [MODEL], "nothing in this study is rated twice"),
        ({"against": ["agian"]}, TWO, "against[0]`: `agian` is not known"),
        ({"kappa": 1.5}, TWO, "annotations.reliability.kappa"),
    ],
)
def test_a_limit_that_nothing_can_be_held_against_is_refused(wanted, annotators, problem):
    with pytest.raises(InputError) as error:
        load_study(base(annotators=annotators, annotations={"reliability": wanted}))
    assert problem in str(error.value)


def test_a_limit_goes_with_repeats_or_another_annotator():
    for annotators, against in ((TWO, ["again"]), ([MODEL | {"repeats": 2}], [])):
        wanted = {"kappa": 0.5, "against": against}
        study = load_study(base(annotators=annotators, annotations={"reliability": wanted}))
        assert study["annotations"]["reliability"] == wanted | {"within_one": None}
