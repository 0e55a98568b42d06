"""The explorer's page as tests read it: its chunks, and a study whose every text is hostile."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from prefdissect.explorer.container import unpack
from running import tiny_pairs, tiny_study, write_jsonl

ATTACKS = [
    "<script>window.hacked = 1</script>",
    '<img src=x onerror="window.hacked = 1">',
    "\"'><svg onload=window.hacked=1>",
    "</script><script>window.hacked = 1</script>",
    "<a href='javascript:window.hacked=1'>here</a> [here](javascript:window.hacked=1)",
    "evil \u202egnp.exe",  # shown backwards where nobody takes care
    "broken \ufffd and \u200binvisible",
    '=HYPERLINK("javascript:alert(1)")',
]


def chunks_of(page: Path) -> dict[str, tuple[object, dict]]:
    """Name of each chunk of a page -> its document and arrays."""
    found = re.findall(r'id="data-([a-z0-9-]+)">([^<]*)</script>', page.read_text(encoding="utf-8"))
    return {name: unpack(base64.b64decode(text)) for name, text in found}


def hostile_study(folder: Path) -> dict:
    """Config of a small study with attacks in prompts, responses, names of judges, authors and scenarios."""
    study = tiny_study(folder, n=60)
    pairs = tiny_pairs(60)
    for number, pair in enumerate(pairs):
        attack = ATTACKS[number % len(ATTACKS)]
        pair["prompt"] = f"{attack} {pair['prompt']}"
        pair["response_a"] += f" {attack}"
        pair["response_b"] = f"{attack} {pair['response_b']}"
        pair["scenario"] = f"{pair['scenario']} {ATTACKS[0]}"
        pair["model_a"], pair["model_b"] = f"author {ATTACKS[1]}", "author B\u202e"
    study["sources"][0]["path"] = write_jsonl(folder / "hostile.jsonl", pairs)
    study["title"] = f"Title {ATTACKS[3]}"
    for judge, attack in zip(study["judges"], ATTACKS, strict=False):
        judge["label"] = f"{judge['name']} {attack}"
        judge["attributes"] = {"family": attack}
    study["judges"][0]["judge"] = "human"  # what the source calls it
    return study
