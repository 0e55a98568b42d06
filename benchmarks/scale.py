"""Time and memory of large studies: `python benchmarks/scale.py pairs 10000 100000 1000000` and `... judges 1000 16`.

pairs
    So many pairs, ten recorded judges, ratings of ten properties recorded for every pair; from files to tables, by
    Snakemake on two cores. Time is that of the whole command; processor time is the sum, and memory
    the highest, over all jobs, by Snakemake's own benchmarks.
judges
    So many rule judges in so many groups: how long the job graph takes to build, by a dry run of a new study. Given a
    third number, the study is run to its end with so few judges, and how long it takes to find that nothing is to do.

Everything is drawn by seed, in a temporary folder (`TMPDIR`; a million pairs take 2 GB).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
JUDGES, CORES = 10, 2
MEASURED = [(max, "max_rss"), (sum, "cpu_time")]
PROPERTIES = [
    "clear", "well_formatted", "step_by_step", "friendly", "polite", "relevant", "rich_information", "authoritative",
    "novel", "interactive",
]  # fmt: skip
WORDS = np.array(
    [
        "the",
        "a",
        "garden",
        "of",
        "water",
        "stone",
        "and",
        "light",
        "for",
        "people",
        "who",
        "walk",
        "home",
        "early",
        "with",
        "some",
        "bread",
        "or",
        "tea",
    ]
)


def write_pairs(folder: Path, n: int) -> dict:
    """Files of a study, and its config."""
    rng = np.random.default_rng(n)
    texts = [" ".join(rng.choice(WORDS, rng.integers(15, 60))) for _ in range(2000)]
    drawn = rng.integers(0, len(texts), (n, 2))
    ratings = rng.integers(0, 4, (n, len(PROPERTIES), 2))
    strength = rng.normal(0, 0.8, (JUDGES, len(PROPERTIES)))
    leaning = np.sign(ratings[..., 0] - ratings[..., 1]) @ strength.T
    votes = np.where(rng.random((n, JUDGES)) < 1 / (1 + np.exp(-leaning)), "a", "b")
    names = [f"judge{number}" for number in range(JUDGES)]
    pairs = pd.DataFrame(votes, columns=names).assign(
        pair_id=[f"p{number}" for number in range(n)],
        prompt=[f"Question {number // 2} about the garden" for number in range(n)],
        response_a=[f"{texts[a]} {number}" for number, a in enumerate(drawn[:, 0])],
        response_b=[f"{texts[b]} {number}." for number, b in enumerate(drawn[:, 1])],
        scenario=np.array(["Advice", "Code", "Writing", "Others"])[np.arange(n) // 2 % 4],
    )
    pairs.to_parquet(folder / "pairs.parquet", index=False)
    rated = pd.DataFrame(
        {
            "pair_id": np.repeat(pairs["pair_id"].to_numpy(), len(PROPERTIES)),
            "property": np.tile(PROPERTIES, n),
            "score_a": ratings[..., 0].ravel(),
            "score_b": ratings[..., 1].ravel(),
        }
    )
    rated.to_parquet(folder / "ratings.parquet", index=False)
    source = {"name": "votes", "kind": "table", "path": str(folder / "pairs.parquet")}
    source |= {"annotations": {"path": str(folder / "ratings.parquet")}}
    source["votes"] = [{"judge": name, "column": name} for name in names]
    return {
        "study": "large",
        "sources": [source],
        "judges": [{"name": name, "kind": "recorded", "source": "votes"} for name in names],
        "annotators": [{"name": "people", "kind": "recorded", "source": "votes"}],
        "comparison": {"group": "pooled"},
    }


def write_judges(folder: Path, judges: int, groups: int) -> dict:
    """A study of many rule judges, and as many scenarios as groups."""
    rows = pd.DataFrame({"prompt": [f"q{n}" for n in range(20 * groups)], "response_a": "a", "response_b": "b b"})
    rows.assign(scenario=[f"g{n % groups}" for n in range(len(rows))]).to_csv(folder / "pairs.csv", index=False)
    return {
        "study": "wide",
        "sources": [{"name": "votes", "kind": "table", "path": str(folder / "pairs.csv")}],
        "judges": [{"name": f"coin{n}", "kind": "rule", "rule": "coin", "seed": n} for n in range(judges)],
        "annotators": [{"name": "lexical", "kind": "lexical", "properties": ["lengthy"]}],
        "figures": {"groups": [f"g{n}" for n in range(groups)], "judges": ["coin0"]},
        "comparison": {"group": "pooled"},
    }


def snakemake(folder: Path, config: dict, *arguments: str) -> float:
    """Run it and return its seconds."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", str(CORES), *arguments, "--configfile", str(path)]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    return time.monotonic() - start


def report_pairs(n: int) -> float:
    """Measure one size, print what it took by rule, and return the processor time of its jobs."""
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        config = write_pairs(folder, n)
        seconds = snakemake(folder, config, "tables")
        files = sorted((folder / "results/large/benchmarks").rglob("*.tsv"))
        parts = {path.stem: pd.read_csv(path, sep="\t").iloc[0] for path in files}
    memory, cpu = (function(float(part[key]) for part in parts.values()) for function, key in MEASURED)
    print(f"{n} pairs: {seconds:.0f} s, {cpu:.0f} s of processor time, {memory / 1024:.2f} GB")
    for rule, part in sorted(parts.items(), key=lambda item: -item[1]["s"])[:8]:
        took = f"{part['s']:8.1f} s {part['cpu_time']:8.1f} s {float(part['max_rss']) / 1024:6.2f} GB"
        print(f"    {rule:24s} {took}", flush=True)
    return cpu


def main() -> None:
    kind, *numbers = sys.argv[1:]
    sizes = [int(number) for number in numbers]
    if kind == "pairs":
        seconds = [report_pairs(n) for n in sizes]
        for (n, before), (more, after) in zip(zip(sizes, seconds), zip(sizes[1:], seconds[1:])):
            print(f"slope from {n} to {more}: {np.log(after / before) / np.log(more / n):.2f}")
        return
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        seconds = snakemake(folder, write_judges(folder, *sizes[:2]), "--dry-run", "--quiet")
        print(f"{sizes[0]} judges, {sizes[1]} groups: job graph {seconds:.1f} s", flush=True)
        if sizes[2:]:
            config = write_judges(folder, sizes[2], sizes[1])
            snakemake(folder, config)
            print(f"{sizes[2]} judges, {sizes[1]} groups: nothing to do {snakemake(folder, config):.1f} s")


if __name__ == "__main__":
    main()
