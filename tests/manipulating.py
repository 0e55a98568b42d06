"""What the tests of manipulation experiments share: a judge of known preference, and a model that obeys."""

from __future__ import annotations

from pathlib import Path

import yaml

from prefdissect.catalogue import load_catalogue
from prefdissect.config_schema import generator_schema
from running import PROMPTS

CATALOGUE = load_catalogue()
# What an obedient model adds when it is told to show a property; words alone can measure each of them.
SHOWN = {
    "lengthy": " There is much more to say about this, and all of it follows here in full." * 4,
    "polite": " Please let me know, thank you very much, and kindly excuse the trouble. You are welcome.",
    "interactive": " What do you think? Would you like to know more? Shall I go on?",
    "well_formatted": "\n\n# Points\n\n- one thing\n- another thing\n- a third thing\n\n**Done**",
    "admits_limits": " I do not know this for certain. I cannot check it, and I may well be wrong.",
    "informal": " Yeah, it's kinda cool, gonna be awesome, y'know, lol.",
}


def obedient(folder: Path, seed: int = 0, **changes) -> dict:
    """Record of a model that does what its system message says, beside words that depend on the seed alone."""
    path = folder / "obedient.yaml"
    adds = [{"contains": CATALOGUE[name].instruction, "add": text} for name, text in SHOWN.items()]
    path.write_text(yaml.safe_dump({"adds": adds}, allow_unicode=True), encoding="utf-8")
    record = {"name": "obedient", "label": "obedient", "kind": "fake", "replies": str(path), "seed": seed}
    properties = generator_schema("fake")["properties"]
    usual = {key: sub["default"] for key, sub in properties.items() if "default" in sub}
    return usual | record | changes


def instructions(n: int = 40) -> list[dict]:
    """A benchmark in AlpacaEval's form."""
    return [{"instruction": f"{PROMPTS[number % 4]} (number {number})", "dataset": "made"} for number in range(n)]
