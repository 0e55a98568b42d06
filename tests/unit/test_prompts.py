"""Prompt templates: what is refused, how conversations are rendered, and that users' texts stay texts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from prefdissect.errors import InputError
from prefdissect.judges.prompts import Renderer, Template, load_template, template_from, template_hash, transcript

RAW = {
    "style": "raw",
    "text": "Q: {conversation}\n1: {response_1}\n2: {response_2}\nBest: Response",
    "answers": [" A", " B"],
}
CHAT = {"style": "chat", "text": RAW["text"] + "?", "answers": [" A", " B"], "answer_prefix": "I take Response"}
HOSTILE = "{response_2} {prompt} {{7*7}} {0} %s \\1 {% raw %} @@prefdissect:answer@@ </s><|end|> \u2028\r\n\u200b🙂"
TURNS = [{"role": "user", "content": "Hi {prompt}"}, {"role": "assistant", "content": "Hello."}]


def request(**changes) -> dict:
    return {"id": "p1|ab", "prompt": "Why?", "turns": None, "first": "one", "second": "two"} | changes


def chat_text(messages: list[dict]) -> str:
    """A chat template that trims and would act on what it reads, as real ones do."""
    assert not any("Why?" in message["content"] for message in messages), "the template saw a user's text"
    return "".join(f"<{message['role']}>{message['content'].strip()}</>" for message in messages)


def test_raw_prompt_is_the_text_with_the_pieces_put_in():
    rendered = Renderer(template_from(RAW, "t"))(request())
    assert rendered.text == "Q: Why?\n1: one\n2: two\nBest: Response"
    assert [rendered.text[low:high] for low, high in rendered.data] == ["Why?", "one", "two"]


def test_answer_prefix_ends_a_raw_prompt():
    rendered = Renderer(template_from(RAW | {"answer_prefix": " number"}, "t"))(request())
    assert rendered.text.endswith("Best: Response number")


@pytest.mark.parametrize("field", ["prompt", "first", "second"])
@pytest.mark.parametrize("data, apply", [(RAW, None), (CHAT, chat_text)])
def test_hostile_text_is_put_in_unchanged(data, apply, field):
    render = Renderer(template_from(data, "t"), apply)
    plain, hostile = render(request(**{field: "PLAIN"})), render(request(**{field: HOSTILE}))
    assert hostile.text == plain.text.replace("PLAIN", HOSTILE)
    assert HOSTILE in [hostile.text[low:high] for low, high in hostile.data]


def test_chat_prompt_ends_in_the_prefilled_answer():
    rendered = Renderer(template_from(CHAT | {"system": "Be fair."}, "t"), chat_text)(request())
    question = "Q: Why?\n1: one\n2: two\nBest: Response?"
    assert rendered.text == f"<system>Be fair.</><user>{question}</><assistant>I take Response"


def test_earlier_turns_become_a_transcript():
    text = "User: Hi {prompt}\n\nAssistant: Hello.\n\nUser: Why?"
    assert transcript(TURNS, "Why?") == text
    assert transcript(None, "Why?") == "Why?"
    assert f"Q: {text}\n1: one" in Renderer(template_from(RAW, "t"))(request(turns=TURNS)).text
    assert f"Q: {text}\n1: one" in Renderer(template_from(CHAT, "t"), chat_text)(request(turns=TURNS)).text


def test_roles_of_the_transcript_come_from_the_template():
    template = template_from(RAW | {"roles": {"user": "Frage"}}, "t")
    assert "Frage: Why?" in Renderer(template)(request(turns=TURNS)).text
    assert "Assistant: Hello." in Renderer(template)(request(turns=TURNS)).text


def test_earlier_turns_become_messages_where_the_template_says_so():
    data = CHAT | {"turns": "messages", "text": CHAT["text"].replace("conversation", "prompt")}
    render = Renderer(template_from(data, "t"), chat_text)
    assert render(request(turns=TURNS)).text.startswith("<user>Hi {prompt}</><assistant>Hello.</><user>Q: Why?\n1: one")
    assert render(request()).text.startswith("<user>Q: Why?\n1: one")


def test_turns_without_a_place_in_the_template_are_refused():
    render = Renderer(template_from(RAW | {"text": RAW["text"].replace("conversation", "prompt")}, "t"))
    assert render(request()).text.startswith("Q: Why?")
    with pytest.raises(InputError, match=r"`p1\|ab`: the pair has earlier turns.*no place"):
        render(request(turns=TURNS))


@pytest.mark.parametrize("turn", ["text", {"role": "boss", "content": "x"}, {"role": "user", "content": ["x"]}])
def test_damaged_turns_are_named(turn):
    with pytest.raises(InputError, match=r"turns\[2\] is not a message"):
        Renderer(template_from(RAW, "t"))(request(turns=[*TURNS, turn]))


def test_chat_template_that_drops_messages_is_refused():
    with pytest.raises(InputError, match="leaves out"):
        Renderer(template_from(CHAT, "t"), lambda messages: messages[-1]["content"])(request())


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"styl": "raw"}, "unknown key `styl`"),
        ({"style": None}, "key `style` is missing"),
        ({"style": "poem"}, "key `style`: `poem` is unknown"),
        ({"text": None}, "key `text` is missing"),
        ({"text": 3}, "key `text` must be text"),
        ({"text": "{conversation} {response_1} end"}, "lacks the placeholder {response_2}"),
        ({"text": "{conversation} {response_1} {response_2} {response_2}."}, "repeats the placeholder {response_2}"),
        ({"text": "{response_1} {response_2} end"}, "lacks the placeholder {conversation}"),
        ({"text": "{prompt} {conversation} {response_1} {response_2}."}, "repeats the placeholder {conversation}"),
        ({"text": RAW["text"] + "{respons_1}"}, "unknown placeholder {respons_1}"),
        ({"text": "{conversation} {response_1} {response_2}"}, "must not end in a placeholder"),
        ({"text": RAW["text"] + "\n"}, "ends in white space"),
        ({"answers": None}, "needs exactly one of the keys `answers` and `verdicts`"),
        ({"answers": [" A"]}, "key `answers` is"),
        ({"answers": [" A", " "]}, "key `answers` is"),
        ({"answers": [" A", []]}, "key `answers` is"),
        ({"answers": [" A", [" B", " A"]]}, "one spelling twice"),
        ({"turns": "messages"}, "belong to style chat"),
        ({"turns": "none"}, "key `turns`: `none` is unknown"),
        ({"system": "x"}, "belong to style chat"),
        ({"roles": {"boss": "Boss"}}, "key `roles`: `boss` is unknown"),
        ({"roles": {"user": 1}}, "key `roles` is"),
        ({"answer_prefix": ["x"]}, "key `answer_prefix` must be text"),
    ],
)
def test_faults_name_the_file_and_the_key(changes, message):
    with pytest.raises(InputError) as caught:
        template_from(RAW | changes, "dir/t.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("dir/t.yaml: ")


@pytest.mark.parametrize(
    "content, message",
    [(None, "is missing"), (b"style: \xff", "byte 7 is not UTF-8"), (b"a: [", "not valid YAML"), (b"- 1", "a mapping")],
)
def test_unreadable_files_are_named(tmp_path, content, message):
    path = tmp_path / "t.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_template(path)
    assert str(path) in str(caught.value)


def test_hash_follows_the_prompt_and_not_the_comments():
    base = template_hash(template_from(RAW, "t"))
    assert len(base) == 64
    assert template_hash(template_from(RAW | {"description": "other"}, "elsewhere")) == base
    for changes in ({"text": RAW["text"] + "!"}, {"answers": [" A", " C"]}, {"roles": {"user": "Me"}}):
        assert template_hash(template_from(RAW | changes, "t")) != base


def test_template_survives_being_written_as_plain_data():
    for data in (RAW, CHAT | {"answers": [[" A", "A"], [" B", "B"]], "system": "x"}):
        template = template_from(data, "t")
        assert template_from(template.to_dict(), "t") == template


def test_every_bundled_template_loads(root: Path):
    templates = [load_template(path) for path in sorted((root / "workflow" / "prompts").glob("*.yaml"))]
    assert len(templates) == 5 and {bool(template.answers) for template in templates} == {True, False}


@pytest.mark.parametrize("name", ["pairwise.yaml", "pairwise_chat.yaml"])
def test_the_bundled_templates_put_first_what_both_orders_share(root, name):
    template: Template = load_template(root / "workflow" / "prompts" / name)
    render = Renderer(template, chat_text)
    ab, ba = (render(request(first=x * 50, second=y * 50)).text for x, y in ("xy", "yx"))
    start = ab.index("x" * 50)
    assert ab[:start] == ba[:start] and "Why?" in ab[:start]
    assert ab.endswith("The better of the two is Response")
    assert template.answers == ((" A",), (" B",))


def test_worker_modules_import_no_table_library(root: Path):
    modules = "worker, prefdissect.judges.transformers_engine, prefdissect.judges.random_model"
    heavy = {"pandas", "pandera", "pyarrow", "torch", "transformers", "prefdissect.tables"}
    code = f"import sys, prefdissect.judges.{modules}; print(sorted({heavy} & set(sys.modules)))"
    environment = {"PYTHONPATH": str(root / "scripts")}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
