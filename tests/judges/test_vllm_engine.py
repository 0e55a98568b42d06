"""vLLM for real, on CPU in float32, against the reference engine; both run in the judges' environment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from comparing import assert_equal_judgements, by_id

from prefdissect.errors import InputError
from prefdissect.judges.prompts import template_from
from prefdissect.judges.random_model import make_random_model
from prefdissect.judges.tokens import Prompt
from prefdissect.judges.vllm_engine import in_order
from prefdissect.judges.vllm_loading import check_devices, engine_arguments
from prefdissect.judges.weights import check_weights, half_joined
from prefdissect.judges.words import read_verdict, spellings

pytestmark = pytest.mark.judges

ENGINES = {"vllm": "vllm_engine", "transformers": "transformers_engine"}
RAW = {
    "style": "raw",
    "text": "{conversation}\n1: {response_1}\n2: {response_2}\nBest: Response",
    "answers": [" A", " B"],
}
SPELLINGS = RAW | {"text": RAW["text"].removesuffix(" Response"), "answers": [[" A", "A"], [" B", "B"]]}
CHAT = RAW | {"style": "chat", "turns": "messages", "answer_prefix": "Response"}
CHAT["text"] = CHAT["text"].replace("{conversation}", "{prompt}")
WORDS = {
    "style": "raw",
    "text": RAW["text"].removesuffix(" Response"),
    "verdicts": {"first": ["Response A", "A"], "second": ["Response B", "B"], "tie": "neither of them"},
}
TURNS = [{"role": "user", "content": "Name a river."}, {"role": "assistant", "content": "The Danube </s> is one."}]
SECOND_FILE = "model-00002-of-00002.safetensors"


def judge(folder: Path | str, **changes) -> dict:
    return {"name": "j", "model": str(folder), "dtype": "float32", "device": "cpu", "kv_cache_gb": 1} | changes


def job(name: str, folder: Path | str, requests: list[dict], template: dict, engine: str = "vllm", **changes) -> dict:
    record = judge(folder, **changes)
    return {"name": name, "engine": ENGINES[engine], "judge": record, "template": template, "requests": requests}


def on_both(name: str, *arguments, **changes) -> list[dict]:
    return [job(f"{name}, {engine}", *arguments, engine=engine, **changes) for engine in ENGINES]


@pytest.fixture(scope="module")
def few(sample_requests) -> list[dict]:
    """Two conversations, all their pairs in both orders."""
    return sample_requests[:24]


@pytest.fixture(scope="module")
def lengths(model_folder, few) -> list[int]:
    import transformers

    from prefdissect.judges.tokens import PromptTokenizer

    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    return sorted(
        len(prompt.tokens) for prompt in PromptTokenizer(tokenizer, template_from(RAW, "t"), {"name": "j"})(few)
    )


@pytest.fixture(scope="module")
def small_context(model_folder, lengths, tmp_path_factory) -> Path:
    """The same weights in a model whose whole context is as long as one of the prompts."""
    folder = shutil.copytree(model_folder, tmp_path_factory.mktemp("small") / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": middle(lengths)}))
    return folder


def middle(lengths: list[int]) -> int:
    return lengths[len(lengths) // 2]


def with_turns(requests: list[dict]) -> list[dict]:
    return [request | {"id": f"later-{request['id']}", "turns": TURNS} for request in requests]


@pytest.fixture(scope="module")
def results(run_jobs, model_folder, small_context, sample_requests, few, lengths, raw_template):
    """All answers, from one process: starting vLLM takes longer than judging."""
    later = with_turns(few[:8])
    twice = [request | {"id": f"{request['id']}|{sample}"} for request in few[:6] for sample in range(2)]
    cut = {"max_length": middle(lengths), "too_long": "truncate_responses"}
    drawn = {"max_tokens": 8, "temperature": 1.0, "seed": 3}
    return run_jobs(
        [
            *on_both("raw", model_folder, [*sample_requests, *later], raw_template),
            *on_both("chat", model_folder, [*few, *later], CHAT),
            *on_both("truncated", model_folder, few, SPELLINGS, **cut),
            *on_both("small context", small_context, few, RAW),
            *on_both("greedy words", model_folder, few[:6], WORDS, max_tokens=8),
            job("choice", model_folder, few, WORDS, max_tokens=16, constrained=True),
            job("json", model_folder, few, WORDS | {"read": "json"}, max_tokens=32, constrained=True),
            job("drawn", model_folder, twice, WORDS, **drawn),
            job("drawn again", model_folder, twice[6:0:-1], WORDS, **drawn),
        ]
    )


def test_vllm_equals_transformers_on_both_orders_of_the_sample(results, sample_requests):
    assert len(sample_requests) >= 500
    largest = assert_equal_judgements(results["raw, vllm"], results["raw, transformers"])
    answers = list(by_id(results["raw, vllm"]).values())
    spread = np.std([answer["logp_first"] for answer in answers])
    assert spread > 100 * max(largest, 1e-5), "a test that no prompt could fail"
    assert {answer["status"] for answer in answers} == {"ok"}


@pytest.mark.parametrize("name", ["chat", "truncated", "small context"])
def test_vllm_equals_transformers_in_every_form_of_prompt(results, name):
    assert_equal_judgements(results[f"{name}, vllm"], results[f"{name}, transformers"])


@pytest.mark.parametrize("name", ["raw", "chat"])
def test_earlier_turns_reach_the_judge(results, few, name):
    answers = by_id(results[f"{name}, vllm"])
    for request in few[:8]:
        alone, later = answers[request["id"]], answers[f"later-{request['id']}"]
        assert later["n_tokens"] > alone["n_tokens"] and later["logp_first"] != alone["logp_first"]


def test_both_responses_are_cut_until_the_prompt_fits(results, lengths):
    answers = list(by_id(results["truncated, vllm"]).values())
    over = sum(length > middle(lengths) for length in lengths)
    assert {answer["status"] for answer in answers} == {"ok"}
    assert sum(answer["truncated"] for answer in answers) >= over / 2 > 0
    assert max(answer["n_tokens"] for answer in answers) <= middle(lengths)


def test_a_prompt_may_fill_the_whole_context_and_a_longer_one_is_given_up(results, lengths):
    answers = list(by_id(results["small context, vllm"]).values())
    read = [answer["n_tokens"] for answer in answers if answer["status"] == "ok"]
    assert sorted(read) == [length for length in lengths if length <= middle(lengths)]
    assert sum(answer["status"] == "too_long" for answer in answers) == len(lengths) - len(read) > 0


def test_shared_beginnings_are_computed_once(results):
    raw = results["raw, vllm"]
    assert raw["read"] == sum(answer["n_tokens"] for answer in raw["answers"])
    assert 0.2 * raw["read"] < raw["cached"] < raw["read"]


def test_answers_come_while_others_are_still_asked(results):
    assert results["raw, vllm"]["batches"] > 1


def test_greedy_words_equal_those_of_transformers(results):
    ours, theirs = (by_id(results[f"greedy words, {engine}"]) for engine in ENGINES)
    assert ours == theirs and len({answer["text"] for answer in ours.values()}) > 1


@pytest.mark.parametrize("name, read", [("choice", "whole"), ("json", "json")])
def test_constrained_words_are_offered_verdicts(results, few, name, read):
    answers = by_id(results[name])
    template = template_from(WORDS | {"read": read}, "t")
    said = {read_verdict(answer["text"], template) for answer in answers.values()}
    assert len(answers) == len(few) and None not in said and len(said) > 1
    if read == "whole":
        assert {answer["text"] for answer in answers.values()} <= set(spellings(template))


def test_a_draw_depends_on_its_seed_and_not_on_its_company(results):
    drawn, again = by_id(results["drawn"]), by_id(results["drawn again"])
    assert again == {identity: drawn[identity] for identity in again}
    assert len({answer["text"] for answer in drawn.values()}) == len(drawn) > len(again) > 1


def cut(name: str, size: int):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def rewrite(folder: Path, change) -> None:
    from safetensors.torch import load_file, save_file

    weights = change(load_file(folder / "model.safetensors"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def drop(*names: str):
    return lambda folder: rewrite(folder, lambda weights: {k: v for k, v in weights.items() if k not in names})


def lose_a_file(folder: Path) -> None:
    """As after an unfinished download: the index names a file that is not there."""
    from safetensors.torch import load_file

    names = list(load_file(folder / "model.safetensors"))
    index = {name: SECOND_FILE if "layers.1.mlp.up_proj" in name else "model.safetensors" for name in names}
    drop("model.layers.1.mlp.up_proj.weight")(folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def other_tokenizer(folder: Path) -> None:
    """Every token beyond the first 2000 is one that the model does not know."""
    rewrite(folder, lambda w: {k: v[:2000].clone() if v.shape[0] == 32_000 else v for k, v in w.items()})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 2000}))


DAMAGES = {
    "short file": (cut("model.safetensors", 500_000), "cannot be loaded: SafetensorError"),
    "no file": (lambda folder: (folder / "model.safetensors").unlink(), "Cannot find any model weights"),
    "bad config": (cut("config.json", 40), "cannot be loaded"),
    "bad tokenizer": (cut("tokenizer.json", 500), "the tokenizer of the model"),
    "no norm": (drop("model.norm.weight"), "model.norm.weight"),
    "half a matrix": (drop("model.layers.1.mlp.up_proj.weight"), "lacks 1 weights, such as model.layers.1.mlp.up_proj"),
    "no value": (drop("model.layers.0.self_attn.v_proj.weight"), "lacks 1 weights, such as model.layers.0.self_attn.v"),
    "lost file": (lose_a_file, SECOND_FILE),
    "other tokenizer": (other_tokenizer, "and the model knows only 2000"),
}
FAULTS = {
    "wrong revision": (
        {"model": "nobody/no-model", "revision": "v9"},
        "`nobody/no-model`, revision v9 cannot be loaded",
    ),
    "unknown quantization": ({"quantization": "nonsense"}, "Unknown quantization method: nonsense"),
    "wrong quantization": ({"quantization": "awq"}, "Cannot find the config file for awq"),
    "two GPUs": ({"tensor_parallel": 2, "device": "auto"}, "tensor_parallel is 2, and there is no GPU"),
    "a GPU": ({"device": "cuda"}, "device `cuda` was asked for, and this vLLM is built for the CPU"),
    "own argument": ({"engine_args": {"max_model_len": 5}}, "key `engine_args` must not hold max_model_len"),
    "unknown argument": ({"engine_args": {"colour": 5}}, "unexpected keyword argument 'colour'"),
    "much memory": ({"kv_cache_gb": 90_000}, "a lower `max_length`"),
    "little memory": ({"kv_cache_gb": 0.001}, "a lower `max_length`"),
    "long context": ({"max_length": 9000}, "key `max_length` is 9000, and the model takes 8192 tokens"),
}


@pytest.fixture(scope="module")
def faults(run_jobs, model_folder, few, tmp_path_factory) -> dict[str, dict]:
    root, jobs = tmp_path_factory.mktemp("damaged"), []
    for name, (damage, _) in DAMAGES.items():
        folder = shutil.copytree(model_folder, root / name.replace(" ", "_"))
        damage(folder)
        jobs.append(job(name, folder, few[:2], RAW))
    jobs += [job(name, model_folder, few[:2], RAW, **changes) for name, (changes, _) in FAULTS.items()]
    last_line = WORDS | {"read": "last_line"}
    return run_jobs([*jobs, job("last line", model_folder, few[:2], last_line, max_tokens=8, constrained=True)])


@pytest.mark.parametrize("name", [*DAMAGES, *FAULTS])
def test_a_users_fault_is_one_clear_message(faults, name):
    message = (DAMAGES | FAULTS)[name][1]
    assert faults[name]["answers"] == []
    assert message in faults[name]["error"] and faults[name]["error"].startswith("judge `j`: ")
    assert "\n" not in faults[name]["error"]


def test_words_from_the_last_line_cannot_be_constrained(faults):
    assert "an answer read from its last line cannot be constrained" in faults["last line"]["error"]


@pytest.mark.parametrize(
    "changes, platform, gpus, message",
    [
        ({"tensor_parallel": 2}, "cuda", 1, "tensor_parallel is 2, and 1 GPUs are visible"),
        ({}, "cuda", 4, "tensor_parallel is 1, and 4 GPUs are visible"),
        ({}, "", 0, "tensor_parallel is 1, and 0 GPUs are visible"),
        ({"device": "cpu"}, "cuda", 1, "this vLLM is built for GPUs"),
    ],
)
def test_another_number_of_gpus_than_asked_for_is_refused(changes, platform, gpus, message):
    with pytest.raises(InputError, match=f"judge `j`: .*{message}"):
        check_devices({"name": "j"} | changes, platform, gpus)
    check_devices({"name": "j", "tensor_parallel": 2}, "cuda", 2)


def test_arguments_of_the_engine_on_a_gpu(model_folder):
    import transformers

    config = transformers.AutoConfig.from_pretrained(model_folder)
    record = judge(model_folder, tensor_parallel=2, quantization="fp8", engine_args={"max_num_seqs": 8})
    arguments = engine_arguments(record, config, 100, cpu=False)
    assert {"block_size", "kv_cache_memory_bytes"}.isdisjoint(arguments), "vLLM's own choice"
    stated = {"tensor_parallel_size": 2, "quantization": "fp8", "max_model_len": 100, "max_num_seqs": 8}
    assert stated.items() <= arguments.items() and arguments["enforce_eager"] is False


def test_the_cache_on_the_cpu_holds_the_longest_prompt(model_folder, monkeypatch):
    import transformers

    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)
    config = transformers.AutoConfig.from_pretrained(model_folder)
    record = judge(model_folder, kv_cache_gb=None)
    few, many = (engine_arguments(record, config, length, cpu=True) for length in (100, 10**8))
    assert few["kv_cache_memory_bytes"] == 4 * 2**30 and few["block_size"] == 32 and few["enforce_eager"] is True
    assert (
        many["kv_cache_memory_bytes"] > 10**8 * 2 * 2 * 2 * 64 * 4
    )  # layers, keys and values, heads, head size, bytes


def test_long_prompts_come_first_and_prompts_that_begin_alike_stay_together():
    def prompt(identity: str, shared: str, *tokens: int) -> Prompt:
        return Prompt(identity, np.array(tokens), (1,), (2,), shared=shared)

    short, long = prompt("a", "x", 1, 2), prompt("b", "x", 1, 2, 3, 4)
    middle, lone = prompt("c", "y", 5, 6, 7), prompt("d", "z", 5)
    assert [each.id for each in in_order([lone, short, middle, long])] == ["a", "b", "c", "d"]
    branches = [prompt("1", "x", 1, 9, 1), prompt("2", "x", 1, 8, 1), prompt("3", "x", 1, 9, 2)]
    assert [each.id for each in in_order(branches)] == ["2", "1", "3"]


def test_weights_that_only_the_index_has_are_missed(model_folder, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    check_weights(judge(folder), config=None)
    lose_a_file(folder)
    with pytest.raises(InputError, match="judge `j`: .* lacks 1 weights, such as model.layers.1.mlp.up_proj.weight"):
        check_weights(judge(folder), config=None)


def test_the_model_knows_more_tokens_than_its_tokenizer(model_folder, tmp_path):
    import transformers

    size = len(transformers.AutoTokenizer.from_pretrained(model_folder))
    assert size < transformers.AutoConfig.from_pretrained(model_folder).vocab_size == 32_000
    with pytest.raises(InputError, match="rows 10 is below the tokenizer's [0-9]+ tokens"):
        make_random_model(tmp_path / "m", ["some text"], seed=1, rows=10)


def test_projections_stored_by_halves_are_found():
    expected = ["m.0.q_proj.weight", "m.0.k_proj.weight", "m.0.k_proj.bias", "m.1.q_proj.weight", "m.1.k_proj.weight"]
    assert half_joined(expected, expected) == []
    assert half_joined(expected, ["m.0.q_proj.weight", *expected[3:]]) == ["m.0.k_proj.weight"]
    assert half_joined(expected, ["m.0.q_proj.weight", "m.0.q_proj.bias", *expected[1:2]]) == ["m.0.k_proj.bias"]
    assert half_joined(expected, ["n.0.q_proj.weight", "m.0.qkv.weight"]) == [], "stored under other names"
    assert half_joined(expected[:2], ["m.0.q_proj.qweight", "m.0.q_proj.scales", "m.0.k_proj.qweight"]) == []
