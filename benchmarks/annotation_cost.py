"""What annotating the bundled sample takes: requests, and tokens read and written, pass by pass.

    python benchmarks/annotation_cost.py                          # 4 characters taken as one token
    python benchmarks/annotation_cost.py --tokenizer FOLDER       # counted by a model's tokenizer (transformers)

No model is asked. The prompts are those that a model would get; the answers are the author's own ratings, analyses,
errors and references in the form that is asked for, so that what is written is as long as a good annotator's answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from annotating import make_record  # noqa: E402
from prefdissect.annotators import llm  # noqa: E402
from prefdissect.annotators.job import AnnotationJob  # noqa: E402
from prefdissect.annotators.questions import build_questions, read_pairs  # noqa: E402
from prefdissect.catalogue import load_catalogue  # noqa: E402
from prefdissect.judges.fake_engine import FakeEngine  # noqa: E402
from prefdissect.pairs.registry import read_source  # noqa: E402
from replaying import Author  # noqa: E402

CHARACTERS_PER_TOKEN = 4


def measure(source, mode: str, count) -> dict[str, list[int]]:
    """Requests, tokens read and tokens written, by pass, for all pairs of a source in a mode."""
    pairs = source.pairs.assign(reference=None)  # references are written too
    catalogue, record = load_catalogue(), make_record(mode=mode)
    instrument = llm.instrument_of(record, catalogue)
    written = [
        {"form": "reference", "contains": [row.prompt], "answer": row.reference} for row in source.pairs.itertuples()
    ]
    replies = Author(source, instrument).replies(source.pairs, mode) + written
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "replies.json"
        path.write_text(json.dumps({"replies": replies}, ensure_ascii=False), encoding="utf-8")
        judge = llm.worker_record(record | {"replies": str(path)}, instrument)
        job = AnnotationJob(judge, build_questions(read_pairs(pairs), llm.plan_of(record, catalogue)), None)
        engine = FakeEngine(judge, job.template)
    while missing := job.missing:
        for answers in engine.score(missing):
            job.known |= {answer["id"]: answer for answer in answers}
        job.advance()
    assert {outcome["status"] for outcome in job.outcomes.values()} <= {"ok", "needless"}
    found: dict[str, list[int]] = {}
    for request in job.requests:
        sizes = found.setdefault(request["form"], [0, 0, 0])
        read, said = count("".join(request["pieces"])), count(job.known[request["id"]]["text"])
        found[request["form"]] = [sizes[0] + 1, sizes[1] + read, sizes[2] + said]
    return found


def report(found: dict[str, list[int]], n_pairs: int) -> str:
    """A table in Markdown."""
    lines = [
        "| pass | requests | tokens read | written | read per request | written per request |",
        "|---|" + "---:|" * 5,
    ]
    total = [sum(sizes[n] for sizes in found.values()) for n in range(3)]
    for name, (requests, read, written) in [*found.items(), ("all", total)]:
        each = (f"{read / requests:,.0f}", f"{written / requests:,.0f}")
        lines.append(f"| {name} | {requests:,} | {read:,} | {written:,} | {each[0]} | {each[1]} |")
    per_pair = ", ".join(f"{total[n] / n_pairs:,.2f} {what}" for n, what in enumerate(("requests", "read", "written")))
    return "\n".join([*lines, f"per pair: {per_pair}"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Count what annotating the sample takes.")
    parser.add_argument("--tokenizer", help="folder or hub name")
    options = parser.parse_args()
    count = lambda text: len(text) // CHARACTERS_PER_TOKEN  # noqa: E731
    if options.tokenizer:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
        count = lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])  # noqa: E731
    record = {
        "name": "sample",
        "kind": "responses",
        "path": str(ROOT / "data/sample/queries"),
        "empty_responses": "error",
    }
    source = read_source(record, load_catalogue())
    for mode in ("pairwise", "single"):
        print(f"\n{mode}\n{report(measure(source, mode, count), len(source.pairs))}")


if __name__ == "__main__":
    main()
