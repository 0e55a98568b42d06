"""Make a small language model with random weights: a judge that knows nothing, scored through the real engine.

It shows what the machinery does where there is nothing to find. Nothing may be claimed of its preferences. Needs torch,
transformers and tokenizers, so it runs in the judge's environment.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from prefdissect.errors import InputError

NOTE = "Random weights, never trained: a control for prefdissect that knows nothing."
HEAD_SIZE = 64
SMALLEST_VOCABULARY = 300
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
TURN_TOKENS = ["<|turn|>", "<|end|>"]
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|turn|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)
# Wide enough that far-away words move the answer: with the usual 0.02 two layers forget nearly all but the last word.
SPREAD = 0.15


def make_random_model(
    folder: str | Path,
    texts: Iterable[str],
    *,
    seed: int,
    hidden_size: int = 128,
    layers: int = 2,
    vocab_size: int = 2000,
    max_positions: int = 8192,
    rows: int | None = None,
) -> Path:
    """Write a random Llama with a tokenizer trained on `texts` as an ordinary Hugging Face folder.

    Parameters
    ----------
    folder
        Where; an earlier random model is replaced, any other content is refused.
    texts
        Texts that the byte-level tokenizer is trained on (its vocabulary is smaller where they are few).
    seed
        Seed of the weights. Equal arguments give equal files under equal package versions.
    hidden_size
        Width, a multiple of 64 (the size of a head).
    layers, vocab_size, max_positions
        Depth, largest vocabulary, longest input in tokens.
    rows
        Tokens that the model itself knows, at least as many as the tokenizer has; just as many if left out. Real
        models often know more, so that texts too few for a large vocabulary still give one to the model.

    Returns
    -------
    The folder.

    Raises
    ------
    InputError
        When an argument is out of range or the folder holds something else.
    """
    folder, texts = Path(folder), list(texts)
    if hidden_size < HEAD_SIZE or hidden_size % HEAD_SIZE:
        raise InputError(f"hidden_size {hidden_size} must be a multiple of {HEAD_SIZE}", where=f"random model {folder}")
    if vocab_size < SMALLEST_VOCABULARY:
        raise InputError(f"vocab_size {vocab_size} is below {SMALLEST_VOCABULARY}", where=f"random model {folder}")
    if not any(text.strip() for text in texts):
        raise InputError("no text to train the tokenizer on", where=f"random model {folder}")
    _check_free(folder)
    tokenizer = _tokenizer(texts, vocab_size, max_positions)
    if rows is not None and rows < len(tokenizer):
        problem = f"rows {rows} is below the tokenizer's {len(tokenizer)} tokens"
        raise InputError(problem, where=f"random model {folder}")
    model = _model(rows or len(tokenizer), seed, hidden_size, layers, max_positions, tokenizer)
    _save(folder, model, tokenizer, seed)
    return folder


def _check_free(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        readme = folder / "README.md"
        if not (readme.is_file() and NOTE in readme.read_text(encoding="utf-8", errors="replace")):
            raise InputError("the folder holds something else", where=str(folder), fix="give an empty or a new folder")


def _tokenizer(texts: list[str], vocab_size: int, max_positions: int):
    """Byte-level BPE in which " A" and " B" are single tokens, as in the tokenizers of real models."""
    from transformers import PreTrainedTokenizerFast

    for weight in (100, 10_000, 1_000_000):
        trained = _train(texts, vocab_size, weight)
        if all(len(trained.encode(answer, add_special_tokens=False).ids) == 1 for answer in (" A", " B")):
            break
    else:
        raise InputError(f"vocab_size {vocab_size} leaves no room for the answers", fix="a larger vocabulary")
    return PreTrainedTokenizerFast(
        tokenizer_object=trained, model_max_length=max_positions, chat_template=CHAT_TEMPLATE, **SPECIAL
    )


def _train(texts: list[str], vocab_size: int, weight: int):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[*SPECIAL.values(), *TURN_TOKENS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, *["Response A Response B"] * weight], trainer)
    opening = SPECIAL["bos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{opening} $A", special_tokens=[(opening, tokenizer.token_to_id(opening))]
    )
    return tokenizer


def _model(vocab_size: int, seed: int, hidden_size: int, layers: int, max_positions: int, tokenizer):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        intermediate_size=2 * hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=hidden_size // HEAD_SIZE,
        num_key_value_heads=hidden_size // HEAD_SIZE,
        head_dim=HEAD_SIZE,
        max_position_embeddings=max_positions,
        initializer_range=SPREAD,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
        note=NOTE,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).float()


def _save(folder: Path, model, tokenizer, seed: int) -> None:
    """Write beside the folder first, so that a half-written model never bears its name."""
    from transformers.utils import logging

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    logging.disable_progress_bar()
    try:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        readme = f"# Random model\n\n{NOTE}\n\nSeed {seed}; {model.num_parameters()} weights.\n"
        (temporary / "README.md").write_text(readme, encoding="utf-8")
        temporary.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
