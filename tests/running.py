"""Run whole studies in a temporary folder, as a user would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1"}


@dataclass
class Run:
    """What a run of Snakemake said and did."""

    code: int
    output: str

    @property
    def jobs(self) -> dict[str, int]:
        """Jobs by rule, from the job statistics of a dry or real run; empty when nothing was to be done."""
        found = re.search(r"^job\s+count\n-+\s+-+\n(.*?)^total", self.output, re.MULTILINE | re.DOTALL)
        rows = [line.split() for line in found.group(1).splitlines()] if found else []
        return {name: int(count) for name, count in rows if name != "all"}

    @property
    def errors(self) -> list[str]:
        """Lines that tell the user what is wrong."""
        return [line for line in self.output.splitlines() if line.startswith(("Error: ", "config key ", "source "))]


def snakemake(folder: Path, config: dict | None, *arguments: str, cores: int = 1) -> Run:
    """Run the project's Snakefile in `folder` on a config."""
    command = snakemake_command(folder, config, *arguments, cores=cores)
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=folder)
    return Run(done.returncode, done.stdout + done.stderr)


def snakemake_command(folder: Path, config: dict | None, *arguments: str, cores: int = 1) -> list[str]:
    """The command that `snakemake` runs; the config is written."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    # `--configfile` takes all that follows it, so targets stand before it.
    command += ["--cores", str(cores), "--nocolor", *arguments]
    if config is not None:
        path = folder / f"{config.get('study', 'study')}.yaml"
        path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
        command += ["--configfile", str(path)]
    return command


PROMPTS = [
    "How do I keep basil alive on a window sill?",
    "Explain what a hash table is.",
    "My landlord will not fix the heating. What can I do?",
    "Write two lines for a birthday card.",
]
ENDINGS = ["", " Water it when the soil feels dry.", " First, look. Then act. Then look again, and write it down."]


def tiny_pairs(n: int = 60) -> list[dict]:
    """Small, valid pairs, two per prompt, over two scenarios; either response may be the longer one."""
    pairs = []
    for number in range(n):
        prompt = f"{PROMPTS[number % 4]} (case {number // 2})"
        one, other = ENDINGS[number % 3], ENDINGS[(number + 1 + number // 6) % 3]
        pairs.append(
            {
                "pair_id": f"p{number:03d}",
                "prompt": prompt,
                "response_a": f"Take it step by step.{one} That is answer {number}.",
                "response_b": f"There is more than one way.{other * (1 + number % 2)} So much for {number}.",
                "scenario": "Advice" if number % 2 else "Code",
                "winner": "b" if number % 3 == 0 else "a",
            }
        )
    return pairs


def write_jsonl(path: Path, rows: list[dict]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def tiny_study(folder: Path, name: str = "tiny", n: int = 60) -> dict:
    """Config of a study on `tiny_pairs`: two rule judges, a coin and a human, lexical annotations."""
    pairs = write_jsonl(folder / "pairs.jsonl", tiny_pairs(n))
    return {
        "study": name,
        "sources": [
            {"name": "votes", "kind": "table", "path": pairs, "votes": [{"judge": "human", "column": "winner"}]},
        ],
        "judges": [
            {"name": "human", "kind": "recorded", "source": "votes"},
            {"name": "longer", "kind": "rule", "rule": "longer"},
            {"name": "coin", "kind": "rule", "rule": "coin"},
        ],
        "annotators": [{"name": "lexical", "kind": "lexical", "properties": ["lengthy", "step_by_step"]}],
        "regression": {"resamples": 10},
        "comparison": {"group": "pooled"},
    }
