"""The catalogue of properties: the bundled one, and faults of one's own."""

from __future__ import annotations

import copy
import json

import pytest
import yaml

from prefdissect.catalogue import CASES, DEFAULT_PATH, FAMILIES, SIGN_RULES, load_catalogue
from prefdissect.errors import InputError

ENTRY = {
    "name": "polite",
    "label": "polite",
    "family": "query_free",
    "definition": "Uses forms of courtesy.",
    "scale": {"min": 0, "max": 3},
    "sign_rule": "more",
    "graded_by": 3,
    "annotators": ["recorded"],
}


@pytest.fixture
def write(tmp_path):
    """Writes a catalogue of the entries given and returns its path."""

    def _write(*entries, **content):
        path = tmp_path / "properties.yaml"
        path.write_text(yaml.safe_dump({"properties": list(entries), **content}, sort_keys=False), encoding="utf-8")
        return path

    return _write


def fault(path) -> str:
    with pytest.raises(InputError) as caught:
        load_catalogue(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


# The bundled catalogue ------------------------------------------------------------------------------------------------


def test_the_bundled_catalogue_holds_the_29_published_properties():
    catalogue = load_catalogue()
    assert len(catalogue) == len(set(catalogue.names)) == 29
    families = [prop.family for prop in catalogue.values()]
    assert {family: families.count(family) for family in FAMILIES} == {
        "query_free": 18, "query_aware": 2, "query_specific": 5, "errors": 3, "length": 1
    }  # fmt: skip


def test_every_bundled_property_is_complete():
    for name, prop in load_catalogue().items():
        assert name == prop.name and prop.label and prop.definition.endswith("."), name
        assert prop.sign_rule in SIGN_RULES and "recorded" in prop.annotators, name
        assert len(prop.published) == 2, name


def test_anchors_of_the_bundled_catalogue_lie_on_the_scale():
    catalogue = load_catalogue()
    for entry in yaml.safe_load(DEFAULT_PATH.read_text(encoding="utf-8"))["properties"]:
        prop = catalogue[entry["name"]]
        low, high = min(entry["anchors"]), max(entry["anchors"])
        assert low == prop.minimum, prop.name
        assert high <= prop.maximum if prop.maximum is not None else prop.scale_text == "a count >= 0", prop.name


def test_sign_rules_go_with_their_families():
    for prop in load_catalogue().values():
        assert (prop.family == "query_specific") == (prop.sign_rule == "mean_of_items") == (prop.name in CASES)
        assert (prop.family == "length") == (prop.sign_rule == "length") == (prop.graded_by == "length")
        if prop.family == "errors":
            assert prop.sign_rule == "less" and prop.maximum is None


def test_scales_in_words():
    catalogue = load_catalogue()
    assert catalogue["polite"].scale_text == "0 to 3"
    assert catalogue["supports_stances"].scale_text == "-2 to 2"
    assert catalogue["no_severe_errors"].scale_text == catalogue["lengthy"].scale_text == "a count >= 0"


def test_published_spellings_lead_to_one_property_each():
    catalogue = load_catalogue()
    spellings = catalogue.published_names()
    assert spellings["grammarly correct"] == "grammatical" and spellings["length"] == "lengthy"
    assert set(spellings.values()) == set(catalogue)
    assert sum(len(set(prop.published)) for prop in catalogue.values()) == len(spellings)


def test_order_and_spellings_are_those_of_the_published_files(shared_data):
    published = json.loads((shared_data / "preference-dissection" / "property_order.json").read_text(encoding="utf-8"))
    found = [(entry["name"], entry["short_name"]) for entry in published]
    assert [prop.published for prop in load_catalogue().values()] == found


# One's own ------------------------------------------------------------------------------------------------------------


def test_a_catalogue_of_ones_own(write):
    path = write(ENTRY, {**ENTRY, "name": "errors_x", "scale": {"count": True}, "published": ["x"]})
    catalogue = load_catalogue(path)
    assert catalogue.names == ["polite", "errors_x"] and catalogue.label("polite") == "polite"
    assert (catalogue["polite"].minimum, catalogue["polite"].maximum) == (0.0, 3.0)
    assert catalogue["errors_x"].maximum is None and catalogue.published_names() == {"x": "errors_x"}


@pytest.mark.parametrize("field", ENTRY)
def test_a_missing_field(write, field):
    entry = {key: value for key, value in ENTRY.items() if key != field}
    assert fault(write(ENTRY | {"name": "first"}, entry)).startswith(f"properties[1]: field `{field}` is missing (")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", "not polite", "letters, digits and `_`"),
        ("name", 3, "letters, digits and `_`"),
        ("name", "x\n", "letters, digits and `_`"),
        ("label", None, "a text"),
        ("definition", ["x"], "a text"),
        ("family", "style", "one of query_free, query_aware"),
        ("family", ["errors"], "one of query_free, query_aware"),
        ("sign_rule", "most", "one of more, less, any, mean_of_items, length"),
        ("scale", 3, "{min: 0, max: 3} or {count: true}"),
        ("scale", {"min": 0}, "{min: 0, max: 3} or {count: true}"),
        ("scale", {"min": 3, "max": 0}, "{min: 0, max: 3} or {count: true}"),
        ("scale", {"min": 0, "max": "3"}, "{min: 0, max: 3} or {count: true}"),
        ("scale", {"min": 0, "max": float("inf")}, "{min: 0, max: 3} or {count: true}"),
        ("scale", {"count": True, "max": 3}, "{min: 0, max: 3} or {count: true}"),
        ("scale", {"count": False}, "{min: 0, max: 3} or {count: true}"),
        ("graded_by", 0, "a number above 0, or `length`"),
        ("graded_by", "width", "a number above 0, or `length`"),
        ("graded_by", "length", "`length` goes with `sign_rule: length`"),
        ("annotators", "recorded", "a list of kinds of annotator"),
        ("annotators", [], "a list of kinds of annotator"),
        ("published", "polite", "a list of spellings"),
        ("published", [1], "a list of spellings"),
        ("anchors", {"low": "x"}, "score: what it means"),
        ("anchors", {0: 1}, "score: what it means"),
        ("asked_as", {"label": "x"}, "{name: ..., definition: ...}"),
        ("case", "w_constraints", "only properties of the family query_specific have one"),
    ],
)
def test_a_field_with_a_wrong_value(write, field, value, expected):
    message = fault(write({**ENTRY, field: value}))
    assert message.startswith(f"properties[0]: field `{field}` is {value!r} ({expected}")


def test_a_name_or_spelling_that_occurs_twice(write):
    assert fault(write(ENTRY, ENTRY)) == "properties[1]: property `polite` occurs twice (names must be unique)"
    first, second = ({**copy.deepcopy(ENTRY), "name": name, "published": ["kind"]} for name in ("a", "b"))
    assert fault(write(first, second)) == "properties[1]: `published: kind` belongs to `a` already"


def test_how_a_model_is_asked(write):
    catalogue = load_catalogue(write(ENTRY | {"asked_as": {"name": "courteous"}, "anchors": {0: "rude", 3: "kind"}}))
    polite = catalogue["polite"]
    assert (polite.asked_name, polite.asked_definition) == ("courteous", polite.definition)
    assert polite.anchors == {0: "rude", 3: "kind"} and polite.case is None
    assert "has the name 'not so'" in fault(write(ENTRY | {"asked_as": {"name": "not so"}}))


def test_a_query_specific_property_of_ones_own_says_what_calls_for_it(write):
    entry = ENTRY | {"name": "explains", "family": "query_specific", "sign_rule": "mean_of_items"}
    assert load_catalogue(write(entry | {"case": "w_stances"}))["explains"].case == "w_stances"
    assert fault(write(entry)).startswith("properties[0]: field `case` is missing (the case of the query")
    assert "field `case` is 'stances'" in fault(write(entry | {"case": "stances"}))
    assert load_catalogue()["satisfies_constraints"].case == "w_constraints"


def test_entries_that_are_none(write, tmp_path):
    assert fault(write("polite")) == "properties[0]: is 'polite' (a mapping with name, label, family ...)"
    assert fault(write()) == "no property is listed (list them under `properties:`)"
    assert fault(write(properties={"a": 1})).startswith("`properties` is no list")


def test_a_file_that_is_no_catalogue(tmp_path):
    path = tmp_path / "p.yaml"
    with pytest.raises(InputError, match=r"p\.yaml: the catalogue file does not exist"):
        load_catalogue(path)
    path.write_bytes(b"properties: [")
    with pytest.raises(InputError, match=r"p\.yaml: line \d: not valid YAML"):
        load_catalogue(path)
    path.write_bytes(b"\xe9")
    with pytest.raises(InputError, match="byte 0xe9 at offset 0 is not UTF-8"):
        load_catalogue(path)
    path.write_bytes(b"- a\n")
    with pytest.raises(InputError, match="the catalogue must be a mapping of keys"):
        load_catalogue(path)
