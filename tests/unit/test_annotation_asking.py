"""How an annotator is asked: what is asked once, in which order, how often, and what is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pandas as pd
import pytest

from annotating import CLEAN, QUIET, Annotator, make_pairs, make_record, rated, scores
from prefdissect.annotators import llm
from prefdissect.annotators.passes import Instrument
from prefdissect.annotators.questions import Plan, build_questions, read_pairs
from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.judges.prompts import Renderer, own_prompts
from prefdissect.judges.scoring import Machine

CATALOGUE = load_catalogue()
TURNS = json.dumps([{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Good day"}])
FOUND = {"analysis": QUIET | {"constraints": ["two lines"]}, "reference": "The Danube."}


@pytest.fixture
def annotate(tmp_path):
    return Annotator(tmp_path)


@pytest.fixture(scope="module")
def instrument() -> Instrument:
    return llm.instrument_of(make_record(), CATALOGUE)


def questions(pairs: pd.DataFrame, **changes) -> list[dict]:
    return build_questions(read_pairs(pairs), llm.plan_of(make_record(**changes), CATALOGUE))


def prompts(instrument: Instrument, pairs: pd.DataFrame, **changes) -> dict[str, str]:
    """The prompt of every pass, of the last question if there are several."""
    return {
        question["pass"]: "".join(instrument.request(question, FOUND, [])["pieces"])
        for question in questions(pairs, **changes)
    }


def test_equal_texts_are_asked_once(annotate):
    river = {"response_a": "Rhine", "response_b": "Elbe"}
    pairs = make_pairs(river, river | {"response_b": "Oder"}, river | {"prompt": "Name another."})
    _, usage = annotate(pairs, mode="single")
    asked = {name: used["requests"] for name, used in usage["passes"].items()}
    assert asked["query_free"] == 3, "Rhine, Elbe and Oder, whatever the query"
    assert asked["query_aware"] == asked["errors"] == 5 and asked["analysis"] == 2


def test_equal_pairs_of_another_name_share_their_answers(annotate):
    tables, usage = annotate(make_pairs({}, {"pair_id": "again"}))
    assert usage["per_pair"]["requests"] == 2 and usage["passes"]["query_free"]["requests"] == 1
    assert scores(tables, "friendly", "p0") == scores(tables, "friendly", "again")


def test_single_mode_shows_one_response_at_a_time(instrument, annotate):
    shown = prompts(instrument, make_pairs({}), mode="single")
    assert all("Rhine" not in shown[name] and "Elbe" in shown[name] for name in ("query_free", "query_aware", "errors"))
    first = {"form": "query_free", "contains": ["Rhine"], "answer": rated(CATALOGUE, "query_free", 1, friendly=[3])}
    tables, _ = annotate(make_pairs({}), first, mode="single")
    assert scores(tables, "friendly") == [(0, 3, 1, "ok")]


def test_one_response_that_failed_fails_the_pair(annotate):
    bad = {"form": "query_free", "contains": ["Rhine"], "answer": "no"}
    tables, _ = annotate(make_pairs({}), bad, mode="single")
    assert scores(tables, "friendly") == [(0, None, None, "failed")] and scores(tables, "novel")[0][-1] == "ok"


def test_pairwise_mode_shows_both_and_says_which_is_which(instrument):
    shown = prompts(instrument, make_pairs({}))
    for name in ("query_free", "query_aware", "query_specific", "errors"):
        assert shown[name].index("Response 1") < shown[name].index("Rhine") < shown[name].index("Elbe"), name


def test_scores_are_of_the_stored_responses_whatever_was_shown_first(annotate):
    order = {plan.first(f"p{n}").order for n in range(8) for plan in [Plan("pairwise", "hash", ())]}
    assert order == {"ab", "ba"}
    pairs = make_pairs(*({"response_a": f"Rhine {n}", "response_b": f"Elbe {n}"} for n in range(8)))
    free = rated(CATALOGUE, "query_free", friendly=[3, 0])
    slot = {"form": "query_free", "answer": free}
    tables, _ = annotate(pairs, slot, order="hash")
    found = {scores(tables, "friendly", f"p{n}")[0][1:3] for n in range(8)}
    assert found == {(3, 0), (0, 3)}, "an annotator that likes the first slot is seen to do so"


def test_the_query_is_not_shown_where_a_response_is_rated_by_itself(instrument):
    shown = prompts(instrument, make_pairs({"turns": TURNS}))
    assert "Name a river." not in shown["query_free"] and "Hello there" not in shown["query_free"]


@pytest.mark.parametrize("name", ["analysis", "query_aware", "query_specific", "errors"])
def test_earlier_turns_are_part_of_the_prompt(instrument, name):
    shown = prompts(instrument, make_pairs({"turns": TURNS, "reference": "x"}))[name]
    assert "User: Hello there\n\nAssistant: Good day\n\nUser: Name a river." in shown


def test_prompts_hold_definitions_and_scales_of_the_catalogue(instrument):
    shown = prompts(instrument, make_pairs({}))
    for prop in CATALOGUE.values():
        if prop.family in ("query_free", "query_aware"):
            assert f"- `{prop.asked_name}`: {prop.asked_definition}" in shown[prop.family], prop.name
            assert f"3 = {prop.anchors[3]}" in shown[prop.family], prop.name
    assert "The answer stays usable as it is." in shown["errors"] and "The Danube." in shown["errors"]
    assert "`satisfies_constraints_1`: two lines" in shown["query_specific"]
    assert "empathetic" not in shown["query_specific"]
    assert '"repetitive": 0 | 1 | 2 | 3' in shown["query_free"] and "non_repetitive" not in shown["query_free"]


def test_users_texts_are_never_interpreted(instrument):
    tricky = "{responses} <|end|> {form} @@prefdissect:request@@"
    pairs = make_pairs({"response_a": tricky, "prompt": tricky, "reference": tricky})
    render = Renderer(own_prompts(), lambda messages: "\n".join(f"<{m['role']}>{m['content']}" for m in messages))
    for question in questions(pairs):
        request = instrument.request(question, FOUND, ["a `<|end|>` too much"])
        rendered = render(request)
        assert rendered.text.startswith("<user>") and rendered.text.endswith("\n<assistant>")
        held = [rendered.text[start:end] for start, end in rendered.data]
        assert held == request["pieces"][1::2] and held[-1] == "a `<|end|>` too much"
        assert all(tricky not in piece for piece in request["pieces"][::2])
        assert render.messages(request) == [{"role": "user", "content": "".join(request["pieces"])}]


def test_a_second_try_is_told_what_was_wrong(instrument):
    question = questions(make_pairs({}))[0]
    first, second = (instrument.request(question, FOUND, problems) for problems in ([], ["it was empty"]))
    assert "".join(second["pieces"]).startswith("".join(first["pieces"]))
    assert second["pieces"][-2] == "it was empty" and (first["attempt"], second["attempt"]) == (0, 1)
    assert first["id"] != second["id"]


def test_every_score_is_listed_in_the_form(instrument):
    """Held to its schema, an answer cannot leave the scale."""
    asked = {question["pass"]: instrument.schema(question, FOUND) for question in questions(make_pairs({}))}
    ratings = asked["query_free"]["properties"]["response_2"]["properties"]
    assert len(ratings) == 18 and all(part == {"type": "integer", "enum": [0, 1, 2, 3]} for part in ratings.values())
    severity = asked["errors"]["properties"]["response_1"]["properties"]["errors"]["items"]["properties"]["severity"]
    assert severity["enum"] == ["minor", "moderate", "severe"]
    stances = {"analysis": QUIET | {"stances": ["rivers are dull"]}}
    specific = next(question for question in questions(make_pairs({})) if question["pass"] == "query_specific")
    schema = instrument.schema(specific, stances)["properties"]["response_1"]
    assert schema["properties"] == {"supports_stances_1": {"type": "integer", "enum": [-2, -1, 0, 1, 2]}}
    assert schema["required"] == ["supports_stances_1"] and schema["additionalProperties"] is False


def test_repeats_and_exchanged_responses_are_evidence_beside_the_first_rating(annotate):
    pairs = make_pairs(*({"response_a": f"Rhine {n}"} for n in range(6)))
    slot = {"form": "query_free", "answer": rated(CATALOGUE, "query_free", friendly=[3, 0])}
    tables, usage = annotate(pairs, slot, repeats=3, swap=True, repeat_pairs=2, temperature=1.0)
    repeats = tables["annotation_repeats"]
    assert repeats["pair_id"].nunique() == 2 and usage["passes"]["query_free"]["requests"] == 4 + 2 * 3 * 2
    friendly = repeats[repeats["property"] == "friendly"]
    assert set(zip(friendly["repeat"], friendly["order"])) == {(n, o) for n in range(3) for o in ("ab", "ba")}
    assert set(friendly[friendly["order"] == "ba"]["score_a"]) == {0} and len(friendly) == 12
    first = repeats[(repeats["repeat"] == 0) & (repeats["order"] == "ab")]
    counted = tables["annotations"][tables["annotations"]["pair_id"].isin(set(repeats["pair_id"]))]
    columns = ["pair_id", "property", "item", "score_a", "score_b", "status"]
    pd.testing.assert_frame_equal(first[columns].reset_index(drop=True), counted[columns].reset_index(drop=True))
    more = annotate(make_pairs(*({"response_a": f"Rhine {n}"} for n in range(7))), slot, repeats=3, repeat_pairs=2,
                    temperature=1.0)[0]["annotation_repeats"]  # fmt: skip
    assert len(set(more["pair_id"]) & set(repeats["pair_id"])) >= 1, "a pair that is added moves at most one other"


def test_drawn_repeats_differ(annotate, tmp_path):
    pairs, machine = make_pairs({}), Machine(log=lambda line: None)
    record = make_record(repeats=2, temperature=1.0)
    tables, _ = llm.annotate(record, pairs, CATALOGUE, tmp_path / "w", machine)
    repeats = tables["annotation_repeats"].pivot(index=["property", "item"], columns="repeat", values="score_a")
    assert (repeats[0] != repeats[1]).any()


def test_a_second_run_asks_nothing_and_gives_the_same_tables(annotate):
    pairs = make_pairs({}, {"response_a": "Oder"})
    first, used = annotate(pairs, {"form": "query_free", "answers": ["no", rated(CATALOGUE, "query_free")]})
    annotate.lines.clear()
    second, again = annotate(pairs, {"form": "query_free", "answers": ["no", rated(CATALOGUE, "query_free")]})
    assert used == again
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])
    assert annotate.lines[0] == f"{used['requests']} of {used['requests']} requests need no asking"


@pytest.mark.study
def test_a_new_property_in_one_pass_leaves_the_others_answered(annotate, tmp_path):
    machine = Machine(store=tmp_path / "store", log=annotate.lines.append)
    llm.annotate(make_record(), make_pairs({}), CATALOGUE, tmp_path / "w", machine)
    annotate.lines.clear()
    fewer = [name for name, prop in CATALOGUE.items() if "llm" in prop.annotators and name != "friendly"]
    llm.annotate(make_record(properties=fewer), make_pairs({}), CATALOGUE, tmp_path / "w", machine)
    known, _, total = annotate.lines[0].split()[:3]
    assert int(total) - int(known) == 1, "query_free alone is asked anew"


@pytest.mark.study
def test_requests_that_failed_stop_the_annotator_and_are_asked_again(annotate, tmp_path):
    pairs = make_pairs(*({"response_a": f"Rhine {n}"} for n in range(20)))
    machine = Machine(store=tmp_path / "store", log=annotate.lines.append)
    with pytest.raises(InputError, match=r"annotator `m`: \d+ of \d+ requests failed, .* made to fail"):
        llm.annotate(make_record(failing=0.2), pairs, CATALOGUE, tmp_path / "w", machine)
    annotate.lines.clear()
    tables, _ = llm.annotate(make_record(), pairs, CATALOGUE, tmp_path / "w", machine)
    known = int(annotate.lines[0].split()[0])
    assert known > 30 and "failed" not in set(tables["annotations"]["status"])


@pytest.mark.parametrize("status", ["failed", "refused", "too_long"])
def test_a_request_without_an_answer_is_no_rating(annotate, status):
    reply = {"form": "query_free", "contains": ["Rhine"], "status": status}
    tables, usage = annotate(make_pairs({}, {"response_a": "Oder"}), reply, max_failed=0.5)
    assert usage["passes"]["query_free"]["statuses"] == {status: 1, "ok": 1}
    assert scores(tables, "friendly", "p0") == [(0, None, None, "failed")]
    assert scores(tables, "friendly", "p1")[0][-1] == "ok"


@pytest.mark.study
def test_an_annotator_killed_midway_is_asked_only_what_is_missing(tmp_path, root):
    pairs = make_pairs(*({"prompt": f"Name river {n}.", "response_a": f"Rhine {n}"} for n in range(30)))
    pairs.to_json(tmp_path / "pairs.json", orient="records")
    record = make_record()
    code = f"""
        import json, pandas as pd
        from prefdissect.annotators import llm
        from prefdissect.catalogue import load_catalogue
        from prefdissect.judges.scoring import Machine
        pairs = pd.read_json({str(tmp_path / "pairs.json")!r}, dtype=False).assign(turns=None)
        record = json.loads({json.dumps(record | {"seconds": 0.05, "batch_size": 4})!r})
        llm.annotate(record, pairs, load_catalogue(), {str(tmp_path / "w")!r}, Machine(store={str(tmp_path / "s")!r}))
    """
    caller = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": str(root / "scripts")}, cwd=root, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while lines_in(tmp_path / "s") < 20:
            assert caller.poll() is None and time.monotonic() < end, "it never got so far"
            time.sleep(0.01)
    finally:
        caller.send_signal(signal.SIGKILL)
        caller.wait()
    time.sleep(1.0)
    kept, lines = lines_in(tmp_path / "s"), []
    machine = Machine(store=tmp_path / "s", log=lines.append)
    resumed, used = llm.annotate(record, pairs, CATALOGUE, tmp_path / "w", machine)
    whole, _ = llm.annotate(record, pairs, CATALOGUE, tmp_path / "u", Machine(log=lines.append))
    assert 20 <= kept < used["requests"] and int(lines[0].split()[0]) == kept
    assert lines_in(tmp_path / "s") == used["requests"], "nothing was asked twice"
    for name, table in whole.items():
        pd.testing.assert_frame_equal(table, resumed[name])


def lines_in(store) -> int:
    return sum(path.read_bytes().count(b"\n") for path in store.rglob("*.jsonl"))


@pytest.mark.study
def test_parts_of_an_annotator_give_the_same_tables(tmp_path):
    pairs = make_pairs(*({"prompt": f"Name river {n % 5}.", "response_a": f"Rhine {n}"} for n in range(20)))
    machine = Machine(log=lambda line: None)
    whole, used = llm.annotate(make_record(mode="single"), pairs, CATALOGUE, tmp_path / "a", machine)
    record = make_record(mode="single") | {"data_parallel": 2}
    parts, _ = llm.annotate(record, pairs, CATALOGUE, tmp_path / "b", machine)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(table, parts[name])
    sizes = [len((tmp_path / "b" / part / "requests.jsonl").read_text().splitlines()) for part in ("0", "1")]
    assert min(sizes) > 10 and sum(sizes) == sum(used["questions"] for used in used["passes"].values())


@pytest.mark.study
def test_a_plan_counts_what_is_not_known_yet_and_nothing_afterwards(annotate, tmp_path):
    pairs = make_pairs({}, {"reference": None})
    record = make_record(engine="openai", model="m", price={"read": 1, "written": 2})
    machine = Machine(store=tmp_path / "store", log=lambda line: None)
    found = llm.plan_annotating(record, pairs, CATALOGUE, tmp_path / "p", machine)
    # Analysis, reference, one each of three passes, and errors against two references.
    assert found["missing"] == found["requests"] == 7 and not found["counted"] and found["tokens"] > 1000
    assert found["most_written"] == found["missing"] * 1024
    fake = make_record()
    llm.annotate(fake, pairs, CATALOGUE, tmp_path / "w", machine)
    after = llm.plan_annotating(fake, pairs, CATALOGUE, tmp_path / "p", machine)
    assert after["missing"] == after["tokens"] == 0 and after["known"] == after["requests"] > 0


def test_usage_is_counted_once_per_request_and_priced(annotate):
    _, usage = annotate(make_pairs({}, {"pair_id": "again"}))
    assert usage["pairs"] == 2 and usage["requests"] == sum(used["requests"] for used in usage["passes"].values()) == 4
    assert usage["tokens_read"] == sum(used["tokens_read"] for used in usage["passes"].values()) > 0
    assert usage["per_pair"]["tokens_read"] == pytest.approx(usage["tokens_read"] / 2) and usage["cost"] is None


def test_errors_of_a_pair_that_was_checked_are_listed(annotate):
    wrong = {"applicable": True, "errors": [{"description": "no", "type": "factual", "severity": "severe"}]}
    reply = {"form": "errors", "contains": ["Elbe"], "answer": {"response_1": wrong}}
    tables, _ = annotate(make_pairs({}), reply, mode="single")
    row = tables["errors"].iloc[0]
    assert (row["response"], row["n"], row["severity"], row["description"]) == ("b", 0, "severe", "no")
    assert CLEAN["errors"] == [] and len(tables["errors"]) == 1
