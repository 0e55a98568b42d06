"""A small language model made and briefly pre-trained on the spot, on sentences of the bundled sample."""

from __future__ import annotations

import random
import re
from pathlib import Path

import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from prefdissect.judges.random_model import make_random_model
from running import ROOT

FORM = "### Instruction:\n{conversation}\n\n### Response:\n"
MOST_WORDS = 14  # of a sentence: short ones leave room for several in a short output


def sample_sentences() -> dict[str, list[str]]:
    """Short sentences of the sample's responses, by query."""
    found = {}
    for path in sorted((ROOT / "data/sample/queries").glob("*.yaml")):
        query = yaml.safe_load(path.read_text(encoding="utf-8"))
        texts = " ".join(response["text"] for response in query["responses"])
        sentences = [" ".join(each.split()) for each in re.split(r"(?<=[.!?])\s+", texts)]
        short = [each for each in sentences if 3 <= len(each.split()) <= MOST_WORDS and each[0].isalpha()]
        found[query["prompt"]] = list(dict.fromkeys(short))
    return {prompt: sentences for prompt, sentences in found.items() if len(sentences) >= 4}


def draw_response(sentences: list[str], draw: random.Random) -> str:
    """One to four sentences."""
    return " ".join(draw.sample(sentences, draw.randint(1, 4)))


def pretrained(folder: Path, steps: int, seed: int = 0) -> Path:
    """Write a random model that was trained for a few steps to answer the sample's queries."""
    torch.manual_seed(seed)
    draw, sentences = random.Random(seed), sample_sentences()
    texts = [draw_response(part, draw) for part in sentences.values() for _ in range(6)]
    prompts = [FORM.replace("{conversation}", prompt) for prompt in sentences]
    make_random_model(folder, [*texts, *prompts], seed=seed, hidden_size=128, layers=2, vocab_size=700, max_positions=256)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():  # from the usual spread: the control's wide one is no start for training
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(0.02 / parameter.std())
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(steps):
        chosen = [draw.choice(list(sentences)) for _ in range(24)]
        rows = [FORM.replace("{conversation}", p) + draw_response(sentences[p], draw) + "</s>" for p in chosen]
        batch = tokenizer(rows, return_tensors="pt", padding=True, truncation=True, max_length=192)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    model.save_pretrained(folder)
    return folder
