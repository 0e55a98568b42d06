"""A small language model made and briefly pre-trained on the spot, on sentences of the bundled sample."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import yaml

from prefdissect.judges.random_model import make_random_model
from running import ROOT

FORM = "{conversation}\n"
MOST_WORDS, POOL, BATCH = 9, 100, 16  # few short sentences: the model shall learn in a minute when a response may end


def instructions() -> list[str]:
    """Those of the bundled benchmark."""
    lines = (ROOT / "data/sample/instructions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["instruction"] for line in lines]


def sentences() -> list[str]:
    """Short sentences of the sample's responses."""
    found: dict[str, None] = {}
    for path in sorted((ROOT / "data/sample/queries").glob("*.yaml")):
        query = yaml.safe_load(path.read_text(encoding="utf-8"))
        for response in query["responses"]:
            split = [" ".join(each.split()) for each in re.split(r"(?<=[.!?])\s+", response["text"])]
            found |= {s: None for s in split if 3 <= len(s.split()) <= MOST_WORDS and re.fullmatch(r"[\w ,.'!?]+", s)}
    return list(found)[:POOL]


def draw_response(pool: list[str], draw: random.Random) -> str:
    """One to four sentences."""
    return " ".join(draw.sample(pool, draw.randint(1, 4)))


def draw_pair(pool: list[str], draw: random.Random) -> tuple[str, str]:
    """A response of one sentence and one that goes on after the same sentence, in either order.

    With nothing in common DPO may lower the chance of ending long responses, and outputs get longer whatever the label.
    """
    first, *more = draw.sample(pool, draw.randint(3, 4))
    pair = [first, " ".join([first, *more])]
    draw.shuffle(pair)
    return pair[0], pair[1]


def pretrained(folder: Path, steps: int, seed: int = 0) -> Path:
    """Write a random model that was trained for a few steps to answer instructions in sentences of the sample."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(seed)
    draw, pool, asked = random.Random(seed), sentences(), instructions()
    make_random_model(folder, [*pool, *asked], seed=seed, hidden_size=128, layers=2, vocab_size=700, max_positions=256)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():  # the control's wide spread is no start for training
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(0.02 / parameter.std())
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in range(steps):
        rows = [FORM.format(conversation=draw.choice(asked)) + draw_response(pool, draw) + "</s>" for _ in range(BATCH)]
        batch = tokenizer(rows, return_tensors="pt", padding=True)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    model.save_pretrained(folder)
    return folder
