"""What a study may ask of the comparison of judges, and which tables follow."""

from __future__ import annotations

import pytest

from configs import base, error
from prefdissect.comparison_config import class_of, comparison_tables
from prefdissect.config import load_study

RECORDED = {"kind": "recorded", "source": "votes"}
JUDGES = [
    {"name": "human", "kind": "recorded", "source": "votes"},
    {
        "name": "llama",
        "label": "LLaMA 7B",
        "kind": "recorded",
        "source": "votes",
        "attributes": {"size": 7, "stage": "base"},
    },
    {"name": "chat", "kind": "recorded", "source": "votes", "attributes": {"size": "7.5", "base": "LLaMA 7B"}},
    {"name": "longer", "kind": "rule", "rule": "longer"},
]


def study(**comparison):
    return base(judges=JUDGES, comparison=comparison)


def tables(**comparison):
    found = load_study(study(**comparison))
    return set(comparison_tables(found["comparison"], found.judges))


ALWAYS = {"judge_reliability", "cluster_numbers", "nearest_judges"}
BASES = {"base_similarity", "base_differences"}


def test_tables_follow_from_what_is_asked():
    assert tables(base="base") == ALWAYS | BASES | {"control_similarity"}
    assert tables(human="human") == ALWAYS | {"control_similarity", "judge_differences"}
    assert tables(attributes=[{"name": "size"}]) >= {"attribute_similarity"}
    assert tables(drift=[["llama", "chat"]]) >= {"drift", "flip_counts", "flipped_pairs"}
    assert tables(group_differences=[["Code", "pooled"]]) >= {"group_differences"}
    only_rules = load_study(base(judges=[{"name": "longer", "kind": "rule", "rule": "longer"}]))
    assert set(comparison_tables(only_rules["comparison"], only_rules.judges)) == ALWAYS


def test_cuts_of_text_that_holds_numbers_are_fine():
    assert load_study(study(attributes=[{"name": "size", "cuts": [7.2]}]))["comparison"]["attributes"][0] == {
        "name": "size", "within": "", "cuts": [7.2], "chosen_after_seeing": False
    }  # fmt: skip
    assert [class_of(number, [14, 7]) for number in (7, 7.1, 14, 15)] == ["<= 7", "> 7 to 14", "> 7 to 14", "> 14"]


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        ({"human": "humna"}, "config key `comparison.human`: `humna` is not known (did you mean `human`?)"),
        ({"differences": [["human", "lama"]]}, "config key `comparison.differences[0][1]`: `lama` is not known"),
        (
            {"differences": [["human"]]},
            "config key `comparison.differences[0]` is ['human'] (expected: a list with 2 or more",
        ),
        ({"drift": [["chat", "chat"]]}, "config key `comparison.drift[0]` compares `chat` with itself"),
        ({"drift": [["llama", "chat"]] * 2}, "config key `comparison.drift[1]`: this comparison is listed already"),
        ({"attributes": [{"name": "sise"}]}, "config key `comparison.attributes[0].name`: `sise` is not known"),
        ({"attributes": [{"name": "size", "within": "x"}]}, "config key `comparison.attributes[0].within`: `x` is not"),
        (
            {"attributes": [{"name": "size", "within": "size"}]},
            "attributes[0].within` is the attribute itself",
        ),
        ({"attributes": [{"name": "stage", "cuts": [3]}]}, "`stage` of judge `llama` is 'base' and cannot be cut"),
        ({"attributes": [{"name": "size"}] * 2}, "config key `comparison.attributes`: `size` is listed twice"),
        ({"base": "stage"}, "attribute `stage` of judge `llama`: `base` is no judge of the study"),
        ({"group_differences": [["Code", "Code"]]}, "`comparison.group_differences[0]` compares `Code` with itself"),
        ({"resample": "judges"}, "config key `comparison.resample` is 'judges'"),
    ],
)
def test_faults_are_found_before_any_work(comparison, message):
    assert message in error(study(**comparison))


def test_a_group_that_is_switched_off_cannot_be_compared():
    given = study(group_differences=[["Code", "pooled"]]) | {"groups": {"pooled": False}}
    assert "config key `comparison.group_differences`: `pooled` needs `groups.pooled: true`" in error(given)
