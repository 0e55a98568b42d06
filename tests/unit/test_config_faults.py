"""Faults of a config: every one gives one sentence that names the key (or the line) and what would be right."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs import BASE, base, changed, error
from prefdissect.catalogue import CASES
from prefdissect.config import Study, load_study, read_config
from prefdissect.errors import InputError

# Faults of the file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"study: x\n  title: y\n", "bad.yaml: line 2: not valid YAML: mapping values are not allowed in this context"),
        (b"study: x\njudges: [a\nseed: 2\n", "bad.yaml: line 3: not valid YAML"),
        (b"study: x\nseed: 1\nstudy: y\n", "bad.yaml: line 3: not valid YAML: key `study` occurs twice"),
        (
            b"study: x\ntitle: caf\xe9\n",
            "bad.yaml: line 2: byte 0xe9 at offset 19 is not UTF-8 (save the file as UTF-8)",
        ),
        (b"\xff\xfes\x00", "bad.yaml: line 1: byte 0xff at offset 0 is not UTF-8"),
        (b"study: x\x00\n", "bad.yaml: not valid YAML"),
        (b"released: 2024-13-45\n", "bad.yaml: not valid YAML: month must be in 1..12"),
        (b"- study: x\n", "bad.yaml: the config must be a mapping of keys"),
        (b"study\n", "bad.yaml: the config must be a mapping of keys"),
        (b"", "bad.yaml: the config must be a mapping of keys"),
        (b"a: 1\n---\nb: 2\n", "bad.yaml: line 2: not valid YAML"),
        (b"study: !!python/name:os.system x\n", "bad.yaml: line 1: not valid YAML"),
    ],
)
def test_a_file_that_is_no_config(tmp_path, content, message):
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_config(tmp_path / "bad.yaml")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: the config file does not exist"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="the config file cannot be read"):
        read_config(tmp_path)


def test_anchors_and_merged_keys_are_no_fault(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n", encoding="utf-8")
    assert read_config(path)["b"] == {"x": 1, "y": 3}


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("\ufeffstudy: é\n", encoding="utf-8")
    assert read_config(path) == {"study": "é"}


@settings(max_examples=150)
@given(st.binary(max_size=60))
def test_any_bytes_give_a_mapping_or_one_message(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(content)
    try:
        assert isinstance(read_config(path), dict)
    except InputError as caught:
        assert str(path) in str(caught)


# Faults of keys and values --------------------------------------------------------------------------------------------

FAULTS = [
    # Unknown keys
    (changed("judge", []), "config key `judge` is unknown (did you mean `judges`? known here: study, title,"),
    (changed("xyz", 1), "config key `xyz` is unknown (known here: study"),
    (changed("regression.fold", 3), "config key `regression.fold` is unknown (did you mean `folds`?"),
    (changed("figures.groops", []), "config key `figures.groops` is unknown (did you mean `groups`?"),
    (
        changed("groups.define", [{"name": "g", "group": ["a"]}]),
        "config key `groups.define[0].group` is unknown (did you",
    ),
    (changed("sources.0.colums", {}), "config key `sources[0].colums` is unknown (did you mean `columns`?"),
    (
        changed("sources.0.judgements", {"pth": "x"}),
        "config key `sources[0].judgements.pth` is unknown (did you mean `path`?",
    ),
    (changed("judges.1.rules", 1), "config key `judges[1].rules` is unknown (did you mean `rule`?"),
    (
        changed("judges.0.seed", 1),
        "config key `judges[0].seed` is unknown (known here: name, label, attributes, kind, source",
    ),
    (
        changed("annotators.0.propertys", []),
        "config key `annotators[0].propertys` is unknown (did you mean `properties`?",
    ),
    (changed("1", 2), "config key `1` is unknown"),
    # Missing keys
    ({k: v for k, v in BASE.items() if k != "study"}, "config key `study` is missing (name of the study"),
    (base(sources=None), "config key `sources` is missing (where the pairs come from)"),
    (base(annotators=[]), "config key `annotators` is [] (expected: a list with 1 or more entries: who rates"),
    (
        {**{k: v for k, v in BASE.items() if k != "study"}, "studdy": "x"},
        "config key `studdy` is unknown (did you mean `study`?",
    ),
    (
        base(judges=[{"kind": "rule", "rule": "coin"}]),
        "config key `judges[0].name` is missing (name, safe as a file name",
    ),
    (base(judges=[{"name": "x", "kind": "rule"}]), "config key `judges[0].rule` is missing (the rule)"),
    (base(judges=[{"name": "x", "rule": "coin"}]), "config key `judges[0].kind` is missing (one of recorded, rule,"),
    (base(sources=[{"name": "x", "kind": "llmbar"}]), "config key `sources[0].path` is missing (file or folder"),
    (base(annotators=[{"name": "x", "kind": "recorded"}]), "config key `annotators[0].source` is missing (source that"),
    (base(judges=[]), "config key `judges` lists no judge"),
    # Wrong types
    (base(study=123), 'config key `study` is 123 (expected: a text in quotes, "123": name of the study'),
    (base(judges={"a": 1}), "config key `judges` is {'a': 1} (expected: a list: the judges to dissect)"),
    (
        base(judges=["longer"]),
        "config key `judges[0]` is 'longer' (expected: a mapping of keys to values: a judge with",
    ),
    (base(judges=[None]), "config key `judges[0]` is empty (expected: a mapping"),
    (base() | {"": 1}, "config key `` is unknown"),
    (base(groups=["a"]), "config key `groups` is ['a'] (expected: a mapping"),
    (
        changed("regression.folds", "ten"),
        "config key `regression.folds` is 'ten' (expected: a whole number without quotes",
    ),
    (changed("regression.folds", 10.0), "config key `regression.folds` is 10.0 (expected: a whole number: folds"),
    (changed("regression.folds", True), "config key `regression.folds` is true (expected: a whole number"),
    (
        changed("regression.prior_scale", "1e-1"),
        "config key `regression.prior_scale` is '1e-1' (expected: a number without",
    ),
    (changed("regression.graded", "yes"), "config key `regression.graded` is 'yes' (expected: true or false"),
    (
        changed("judges.0.name", 123),
        'config key `judges[0].name` is 123 (expected: a text in quotes, "123": name, safe',
    ),
    (
        changed("judges.0.name", 1.0),
        'config key `judges[0].name` is 1.0 (expected: a text in quotes, "1.0": name, safe',
    ),
    (
        changed("judges.0.name", True),
        "config key `judges[0].name` is true (expected: a text in quotes, for YAML reads yes",
    ),
    (changed("judges.0.label", 4), 'config key `judges[0].label` is 4 (expected: a text in quotes, "4"'),
    (changed("judges.0.label", ""), "config key `judges[0].label` is '' (expected: a text that is not empty"),
    (
        changed("judges.0.attributes", {"released": yaml.safe_load("2024-03-01")}),
        "config key `judges[0].attributes.released`",
    ),
    (changed("sources.0.columns", {"prompt": 3}), "config key `sources[0].columns.prompt` is 3"),
    (changed("judges.0.kind", ["rule"]), "config key `judges[0].kind` is ['rule'] (did you mean `rule`? one of"),
    (changed("sources.0.path", ""), "config key `sources[0].path` is '' (expected: a text that is not empty"),
    # Values outside what is allowed
    (
        base(measurements="frosen"),
        "config key `measurements` is 'frosen' (expected: did you mean `frozen`? one of live, frozen",
    ),
    (changed("preferences.ties", "to_a"), "config key `preferences.ties` is 'to_a' (expected: did you mean `to_b`?"),
    (
        changed("judges.1.rule", "longest"),
        "config key `judges[1].rule` is 'longest' (expected: did you mean `longer`? one of",
    ),
    (
        changed("judges.1.kind", "rules"),
        "config key `judges[1].kind` is 'rules' (did you mean `rule`? one of recorded,",
    ),
    (changed("sources.0.kind", "arena"), "config key `sources[0].kind` is 'arena' (one of table, responses,"),
    (changed("annotators.0.kind", "lexicon"), "config key `annotators[0].kind` is 'lexicon' (did you mean `lexical`?"),
    (
        changed("sources.0.empty_responses", "skip"),
        "config key `sources[0].empty_responses` is 'skip' (expected: one of error",
    ),
    (
        changed("sources.0.votes", [{"judge": "j", "column": "c", "values": {"x": "A"}}]),
        "config key `sources[0].votes[0].values.x` is 'A' (expected: one of a, b, tie, null",
    ),
    (changed("regression.estimators", ["ridge"]), "config key `regression.estimators[0]` is 'ridge'"),
    (changed("regression.estimators", ["map", "map"]), "is ['map', 'map'] (expected: every entry only once"),
    (
        changed("regression.folds", 1),
        "config key `regression.folds` is 1 (expected: 2 or more: folds of the held-out scores)",
    ),
    (changed("regression.prior_scale", 0), "config key `regression.prior_scale` is 0 (expected: more than 0"),
    (changed("regression.prior_scale", float("nan")), "config key `regression.prior_scale` is nan (expected: a number"),
    (changed("regression.prior_scale", float("inf")), "config key `regression.prior_scale` is inf (expected: a number"),
    (base(seed=-1), "config key `seed` is -1 (expected: 0 or more"),
    (base(seed=2**40), f"config key `seed` is {2**40} (expected: 4294967295 or less"),
    (
        changed("sources.0.sample", {"sizes": 0}),
        "config key `sources[0].sample.sizes` is 0 (expected: scenario -> number",
    ),
    (base(results_dir="out/{judge}"), "config key `results_dir` is 'out/{judge}' (expected: folder that holds"),
    (
        changed("figures.judges", ["longer"] * 2),
        "config key `figures.judges` is ['longer', 'longer'] (expected: every entry",
    ),
    (changed("figures.judges", [str(n) for n in range(7)]), "(expected: a list of at most 6 entries"),
    # Names
    (changed("judges.1.name", "a/b"), "config key `judges[1].name` is 'a/b' (expected: name, safe as a file name"),
    (changed("judges.1.name", "../x"), "config key `judges[1].name` is '../x'"),
    (changed("judges.1.name", "x\n"), r"config key `judges[1].name` is 'x\n'"),
    (changed("judges.1.name", "x" * 101), "config key `judges[1].name` is 'xxx"),
    (changed("sources.0.name", ".x"), "config key `sources[0].name` is '.x'"),
    (base(study="my study"), "config key `study` is 'my study' (expected: name of the study"),
    (
        changed("judges.2", BASE["judges"][1]),
        "config key `judges[2].name`: the name `longer` is taken already, by config key `judges[1]` (names must differ",
    ),
    (
        changed("judges.1.name", "Human"),
        "config key `judges[1].name`: the name `Human` is taken already, by config key",
    ),
    (changed("sources.1", BASE["sources"][0]), "config key `sources[1].name`: the name `votes` is taken already"),
    (changed("annotators.1", BASE["annotators"][0]), "config key `annotators[1].name`: the name `lexical` is taken"),
    # References
    (changed("judges.0.source", "vote"), "config key `judges[0].source`: `vote` is not known (did you mean `votes`?)"),
    (changed("judges.0.source", "xyz"), "config key `judges[0].source`: `xyz` is not known (one of votes)"),
    (
        base(annotators=[{"name": "a", "kind": "recorded", "source": "x"}]),
        "config key `annotators[0].source`: `x` is not known",
    ),
    (
        base(judges=[{"name": "s", "kind": "simulated", "coefficients": {"lenghty": 1}}]),
        "config key `judges[0].coefficients`: `lenghty` is not known (did you mean `lengthy`?)",
    ),
    (
        base(judges=[{"name": "s", "kind": "simulated", "coefficients": {"lengthy": "big"}}]),
        "config key `judges[0].coefficients.lengthy` is 'big' (expected: a number",
    ),
    (
        changed("annotators.0.properties", ["relevant"]),
        "config key `annotators[0].properties`: `relevant` is not known (one of",
    ),
    (
        changed("annotators.0.properties", ["lengthyy"]),
        "config key `annotators[0].properties`: `lengthyy` is not known (did you",
    ),
    (
        changed("figures.judges", ["human", "gold"]),
        "config key `figures.judges`: `gold` is not known (one of human, longer)",
    ),
    (
        base(judges=[{"name": "m", "kind": "transformers"}]),
        "config key `judges[0]` needs exactly one of `model` and `random_model`",
    ),
    (
        base(judges=[{"name": "m", "kind": "transformers", "model": "x", "random_model": {}}]),
        "config key `judges[0]` needs exactly one of `model` and `random_model`",
    ),
    (
        base(judges=[{"name": "m", "kind": "transformers", "model": "x", "template": "none.yaml"}]),
        "config key `judges[0].template`: `none.yaml` does not exist",
    ),
    (base(catalogue="none.yaml"), "config key `catalogue`: `none.yaml` does not exist"),
    (changed("groups.scenario_groups", "none.csv"), "config key `groups.scenario_groups`: `none.csv` does not exist"),
    # Groups
    *(
        (
            changed("groups.define", [{"name": name, "groups": ["x"]}]),
            f"config key `groups.define[0].name`: the name `{name}` is taken",
        )
        for name in ("pooled", "overall", *CASES.values())
    ),
    (
        changed("groups.define", [{"name": "g", "groups": ["x"]}] * 2),
        "config key `groups.define[1].name`: the name `g` is taken",
    ),
    (
        changed("groups.define", [{"name": "g", "groups": []}]),
        "config key `groups.define[0].groups` is [] (expected: a list with",
    ),
    (
        changed("groups.define", [{"name": "g/h", "groups": ["x"]}]),
        "config key `groups.define[0].name` is 'g/h' (expected: name",
    ),
    (base(groups={"pooled": False}), "config key `figures.groups`: `pooled` needs `groups.pooled: true`"),
    (base(groups={"scenarios": False}), "config key `comparison.group`: `overall` needs `groups.scenarios: true`"),
    (
        changed("figures.groups", ["a/b", "a-b"]),
        "config key `figures.groups`: `a/b` and `a-b` would have the same file name",
    ),
    # Frozen measurements
    (base(measurements="frozen"), "config key `archive` is missing"),
    (base(measurements="frozen", archive="none.zip"), "config key `archive`: `none.zip` does not exist"),
]


@pytest.mark.parametrize(("config", "message"), FAULTS, ids=[message[:70] for _, message in FAULTS])
def test_a_fault_gives_one_message_with_its_key(config, message):
    assert message in error(config)


def test_the_first_fault_is_named_by_position_not_by_spelling():
    judges = [{"name": f"j{n}", "kind": "rule", "rule": "coin"} for n in range(12)]
    judges[2]["rule"] = judges[10]["rule"] = "x"
    assert error(base(judges=judges)).startswith("config key `judges[2].rule`")


def test_a_long_value_is_cut():
    assert len(error(base(groups="x" * 5000))) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from([*BASE, "groups", "regression", "figures", "judge_lists", "seed", "data_dir", "comparison"]), JSON
)
def test_no_value_of_any_key_gives_a_traceback(key, value):
    try:
        assert isinstance(load_study(base(**{key: value})), Study)
    except InputError as caught:
        assert "\n" not in str(caught)
