"""What the engine `vllm` gains by asking for two tokens only and by sharing beginnings, and how near the limit it is.

Run with the Python of the judges' environment; nothing is downloaded:

    .venv-judge/bin/python benchmarks/judge_engines.py            # on the CPU: small models, vocabularies 32k and 128k
    python benchmarks/judge_engines.py --gpu                      # the default where there is a GPU: a 7B architecture

One process, one engine per vocabulary. Ways of asking the same prompts, in both orders of pairs of the bundled sample,
take turns, and the medians of their times are compared:

ours
    One prefill, one token, the log-probabilities of the answers' tokens; shared beginnings are read from the cache.
unshared
    The same without reading from the prefix cache.
vocabulary
    The published code's form: the log-probabilities of the whole vocabulary, of which two are used.
ids only
    The same without writing out each token as text, which vLLM otherwise does.

The cache is emptied before each turn. Then the prompt tokens per second are put in relation to the machine's limit:
what a large matrix product reaches here, at 2 operations a parameter and token. Tokens from the cache count as if they
had been computed. The share is given with the parameters of the layers alone, which every token meets, and with all of
them. The weights of the 7B architecture are random (vLLM's `load_format: dummy`), which changes nothing of the speed.

On a GPU the goals are 60 % of the limit without and more than 80 % with sharing. This part was written without a GPU at
hand: its steps run on the CPU with a small model, its figures are still to be measured (see judge_engines.md).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from prefdissect.judges.prompts import load_template  # noqa: E402
from prefdissect.judges.random_model import make_random_model  # noqa: E402
from prefdissect.judges.vllm_engine import VllmEngine, in_order, open_engine, version  # noqa: E402

TEMPLATE = ROOT / "workflow" / "prompts" / "pairwise.yaml"
ARCHITECTURES = {
    "mistral-7b": {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 32000,
        "sliding_window": None,
    },
    "llama-2-7b": {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "vocab_size": 32000,
    },
}
CONTEXT = 4096
PRODUCT = {"cpu": 2048, "cuda": 16384}  # rows of the square matrices whose product is the limit
FORMS = ("ours", "unshared", "vocabulary", "ids only")


def sample_requests(count: int) -> list[dict]:
    """Both orders of pairs of the bundled sample, whole conversations first."""
    requests = []
    for path in sorted((ROOT / "data" / "sample" / "queries").glob("*.yaml")):
        query = yaml.safe_load(path.read_text(encoding="utf-8"))
        texts = [response["text"] for response in query["responses"]]
        for number, pair in enumerate(combinations(texts, 2)):
            for order, (first, second) in (("ab", pair), ("ba", pair[::-1])):
                identity = {"id": f"{query['id']}-{number}|{order}|0", "turns": None, "prompt": query["prompt"]}
                requests.append(identity | {"first": first, "second": second, "sample": 0})
    return requests[:count]


def texts_of(requests: list[dict]) -> list[str]:
    return [request[key] for request in requests for key in ("prompt", "first", "second")]


def small_model(folder: Path, vocabulary: int, hidden_size: int, layers: int) -> Path:
    """A random Llama; texts of the sample do not fill a large vocabulary, the model's own is as large as asked."""
    shape = {"hidden_size": hidden_size, "layers": layers, "max_positions": CONTEXT}
    texts = texts_of(sample_requests(10**6))
    return make_random_model(folder, texts, seed=0, vocab_size=vocabulary, rows=vocabulary, **shape)


def real_architecture(folder: Path, name: str) -> Path:
    """A configuration of a real model with a tokenizer trained on the sample, and no weights."""
    small_model(folder, ARCHITECTURES[name]["vocab_size"], 64, 1)
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text())
    kept = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id", "hidden_act", "rms_norm_eps")}
    rotation = {"rope_theta": 10000.0, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}
    shape = {"head_dim": 128, "max_position_embeddings": CONTEXT, "tie_word_embeddings": False, "dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(ARCHITECTURES[name] | kept | rotation | shape, indent=1))
    return folder


def count_parameters(folder: Path) -> tuple[int, int]:
    """Weights of the model that a configuration describes: those of its layers, and all."""
    import torch
    import transformers

    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(folder))
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    return sum(size for name, size in sizes.items() if ".layers." in name), sum(sizes.values())


def product_limit(device: str, repeats: int = 20) -> float:
    """Operations per second of a large matrix product: bfloat16 on a GPU, float32 on the CPU; median of some."""
    import torch

    size, dtype = PRODUCT[device], torch.bfloat16 if device == "cuda" else torch.float32
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        one @ other
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    del one, other
    if device == "cuda":
        torch.cuda.empty_cache()
    return 2 * size**3 / statistics.median(times)


def sampling_of(form: str, engine: VllmEngine):
    """How the engine asks in one of `FORMS`."""
    from vllm import SamplingParams

    usual = type(engine).sampling
    if form in ("vocabulary", "ids only"):
        size = engine.engine.model_config.get_vocab_size()
        everything = SamplingParams(max_tokens=1, temperature=0.0, logprobs=size, detokenize=form == "vocabulary")
        return lambda prompt: everything
    if form == "ours":
        return lambda prompt: usual(engine, prompt)

    def unshared(prompt):
        sampling = usual(engine, prompt)
        sampling.skip_reading_prefix_cache = True
        return sampling

    return unshared


def one_turn(engine: VllmEngine, form: str, prompts: list) -> tuple[float, float, dict[str, dict]]:
    """Seconds, share of prompt tokens from the cache, and answers of one form."""
    engine.engine.reset_prefix_cache()
    engine.sampling = sampling_of(form, engine)
    engine.read = engine.cached = 0
    start = time.perf_counter()
    answers = {answer["id"]: answer for finished in engine.ask(prompts) for answer in finished}
    return time.perf_counter() - start, engine.cached / engine.read, answers


def compare(engine: VllmEngine, prompts: list, forms: tuple[str, ...], repeats: int) -> dict[str, dict]:
    """Median seconds and cached share per form, the forms taking turns; all must come to the same answers."""
    turns = {form: [] for form in forms}
    for _ in range(repeats):
        for form in forms:
            turns[form].append(one_turn(engine, form, prompts))
    reference = turns["ours"][0][2]
    found = {}
    for form, runs in turns.items():
        gaps = [abs(run[2][key]["logp_first"] - reference[key]["logp_first"]) for run in runs for key in reference]
        seconds = [run[0] for run in runs]
        found[form] = {"seconds": statistics.median(seconds), "cached": runs[0][1], "gap": max(gaps)}
        listed = " ".join(f"{each:.2f}" for each in seconds)
        print(f"  {form:<11}{len(prompts):>5} prompts  median {found[form]['seconds']:8.3f} s  ({listed})", end="")
        print(f"  cached {found[form]['cached']:6.1%}  largest difference {max(gaps):.1e}", flush=True)
    return found


def measure(folder: Path, options: argparse.Namespace, device: str, limit: float, **record) -> None:
    """All comparisons with one model."""
    judge = {"name": folder.name, "model": str(folder), "device": device, "max_length": CONTEXT - 1, **record}
    judge["engine_args"] = {"max_logprobs": -1, **judge.get("engine_args", {})}
    engine = open_engine(judge, load_template(TEMPLATE))
    prompts = in_order(engine.prompts(sample_requests(options.prompts)))
    tokens, (inner, whole) = sum(len(prompt.tokens) for prompt in prompts), count_parameters(folder)
    size = f"{whole / 1e6:.1f}M parameters, {inner / 1e6:.1f}M of them in layers"
    print(f"{folder.name}: {size}; {len(prompts)} prompts, {tokens} tokens")
    one_turn(engine, "ours", prompts[:32])  # what is compiled or allocated at first use
    few = compare(engine, prompts[: options.vocabulary_prompts], ("ours", "vocabulary", "ids only"), options.repeats)
    for form in ("vocabulary", "ids only"):
        print(f"  {form} against ours: ratio {few[form]['seconds'] / few['ours']['seconds']:.1f}")
    all_of_them = compare(engine, prompts, ("ours", "unshared"), options.repeats)
    print(f"  unshared against ours: ratio {all_of_them['unshared']['seconds'] / all_of_them['ours']['seconds']:.2f}")
    for form, found in all_of_them.items():
        speed = tokens / found["seconds"]
        layers, everything = (f"{2 * count * speed / limit:.1%}" for count in (inner, whole))
        print(f"  {form}: {speed:.0f} prompt tokens/s, {layers} of the limit ({everything} with embeddings counted)")


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmark of the engine `vllm`; see the head of the file.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--gpu", action="store_true", help="the default where there is a GPU")
    where.add_argument("--cpu", action="store_true", help="small models on the CPU")
    parser.add_argument("--vocab", type=int, nargs="+", default=[32_000, 128_000], help="of the small models")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="mistral-7b", help="on a GPU")
    parser.add_argument("--prompts", type=int, help="768 on a GPU, else 192")
    parser.add_argument("--vocabulary-prompts", type=int, default=16, help="for the comparison with the vocabulary")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hidden-size", type=int, default=128, help="of the small models")
    parser.add_argument("--layers", type=int, default=2, help="of the small models")
    parser.add_argument("--enforce-eager", action="store_true", help="no compilation on the GPU")
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # one GPU, of however many
    import torch

    device = "cuda" if options.gpu or (torch.cuda.is_available() and not options.cpu) else "cpu"
    options.prompts = options.prompts or (768 if device == "cuda" else 192)
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    limit = product_limit(device)
    print(
        f"{version()}, torch {torch.__version__}, {name}; matrix product limit {limit / 1e12:.3f} Tflop/s", flush=True
    )
    root = Path(tempfile.mkdtemp(prefix="judge-engines-"))
    try:
        if device == "cuda":
            folder = real_architecture(root / options.architecture, options.architecture)
            record = {"dtype": "bfloat16", "engine_args": {"load_format": "dummy"}}
            measure(folder, options, device, limit, enforce_eager=options.enforce_eager, **record)
            return
        for vocabulary in options.vocab:
            folder = small_model(root / f"vocabulary-{vocabulary}", vocabulary, options.hidden_size, options.layers)
            measure(folder, options, device, limit, dtype="float32", kv_cache_gb=1)
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
