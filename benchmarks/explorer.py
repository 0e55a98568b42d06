"""Size and speed of the explorer: a made-up study of any size, written by the real rule and opened in Chromium.

python benchmarks/explorer.py [--pairs 5240 50000] [--chromium /usr/bin/chromium]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import numpy as np
import pandas as pd
from scipy.special import expit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from prefdissect.catalogue import DEFAULT_PATH, load_catalogue  # noqa: E402
from prefdissect.datasheet import judge_datasheet  # noqa: E402
from prefdissect.names import POOLED  # noqa: E402
from prefdissect.preferences import combine  # noqa: E402
from prefdissect.stages.comparing import compare_judges  # noqa: E402
from prefdissect.stages.exploring import write_explorer  # noqa: E402
from prefdissect.tables import conform, empty_table, write_csv, write_table  # noqa: E402

SCENARIOS = [f"Scenario {number}" for number in range(1, 12)]
CASES = ["intent_unclear", "express_feeling", "w_constraints", "w_stances", "w_mistakes"]
CONTROLS = {"longer": "longer", "shorter": "shorter", "structured": "more_structured", "coin": "coin"}
RESAMPLES, DRAWS = 5, 40
PROMPT_WORDS, RESPONSE_WORDS = 40, 180  # about 250 and 1,100 characters
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Reads, inside the page, how long a change of the address takes until the new view stands and is painted.
TIME_A_CHANGE = """async (hash) => {
  const main = document.getElementById("main"), before = main.dataset.drawn, start = performance.now();
  location.hash = hash;
  while (main.dataset.drawn === before) await new Promise((done) => setTimeout(done, 1));
  document.body.getBoundingClientRect();
  return performance.now() - start;
}"""


def made_up_explorer(
    folder: Path, n_pairs: int, n_judges: int = 33, *, texts: bool = True, max_pairs: int = 10000
) -> Path:
    """Write the page of a study with effects, verdicts, ratings and texts drawn at random.

    Returns
    -------
    Path
        The page.
    """
    rng = np.random.default_rng(1)
    records = _records(n_judges)
    tables = _tables(rng, n_pairs, records)
    inputs = {name: str(folder / f"{name}.parquet") for name in tables if name not in ("judgements", "draws")}
    for name, path in inputs.items():
        write_table(tables[name], path, name)
    for name in ("annotations", "query_info", "errors"):
        inputs[name] = [inputs[name]]
    inputs["draws"] = str(folder / "draws.parquet")
    tables["draws"].to_parquet(inputs["draws"], index=False)
    inputs["judgements"] = [str(folder / f"judgements.{judge}.parquet") for judge in records]
    for judge, path in zip(records, inputs["judgements"], strict=True):
        write_table(tables["judgements"][judge], path, "judgements")
    inputs |= {"catalogue": str(DEFAULT_PATH), "datasheet": str(folder / "datasheet.csv")}
    write_csv(_sheet(tables, records), inputs["datasheet"])
    config, settings = _config(texts, max_pairs)
    names = ["similarity", "judge_reliability", "clusters", "linkage", "cluster_numbers", "nearest_judges"]
    names += ["control_similarity", "base_similarity", "attribute_similarity"]
    outputs = {name: str(folder / f"{name}.parquet") for name in names}
    outputs |= {"group_similarity": str(folder / "group_similarity.csv"), "undefined": str(folder / "undefined.json")}
    compare_judges(inputs, records, settings, outputs)
    inputs |= {name: outputs[name] for name in ("similarity", "clusters")}
    write_explorer(inputs, config, records, settings, str(folder / "explorer.html"))
    return folder / "explorer.html"


def _config(texts: bool, max_pairs: int) -> tuple[dict, dict]:
    comparison = {"group": POOLED, "human": "judge-0", "differences": [["judge-0", "judge-1"]], "resample": "prompts"}
    comparison |= {"clusters": 0, "attributes": [], "base": "", "permutations": 0}
    config = {
        "study": "made-up", "title": "A made-up study", "seed": 1, "measurements": "live", "comparison": comparison,
        "explorer": {"texts": texts, "max_pairs": max_pairs}, "figures": {"judges": ["judge-0"]},
        "regression": {"resamples": RESAMPLES, "graded": False},
    }  # fmt: skip
    return config, {**comparison, "resamples": RESAMPLES, "seed": 1, "page": str(ROOT / "workflow" / "explorer")}


def _records(n_judges: int) -> dict[str, dict]:
    own = {
        f"judge-{number}": {
            "label": f"Judge {number}",
            "kind": "vllm",
            "attributes": {"family": f"family {number % 5}"},
        }
        for number in range(n_judges - len(CONTROLS))
    }
    controls = {
        name: {"label": f"{name} wins", "kind": "rule", "rule": rule, "attributes": {}}
        for name, rule in CONTROLS.items()
    }
    return own | controls


def _tables(rng: np.random.Generator, n: int, records: dict[str, dict]) -> dict:
    properties = list(load_catalogue())
    pairs = _pairs(rng, n)
    groups = _groups(rng, pairs)
    scores = rng.integers(0, 4, (n, len(properties), 2)).astype(float)
    truth = rng.normal(0, 0.35, (len(records), len(properties)))
    sign = np.sign(scores[:, :, 0] - scores[:, :, 1])
    judgements = {judge: _judgements(rng, judge, pairs, sign @ truth[k]) for k, judge in enumerate(records)}
    coefficients, draws = _coefficients(rng, truth, list(records), groups, properties)
    ids, names = np.repeat(pairs["pair_id"].to_numpy(), len(properties)), np.tile(properties, n)
    annotations = {"annotator": "rater", "pair_id": ids, "property": names, "item": 0, "status": "ok"}
    annotations |= {"score_a": scores[:, :, 0].ravel(), "score_b": scores[:, :, 1].ravel()}
    features = {"pair_id": ids, "property": names, "sign": sign.ravel().astype(int), "graded": sign.ravel() / 3}
    return {
        "pairs": pairs,
        "groups": groups,
        "coefficients": coefficients,
        "draws": draws,
        "judgements": judgements,
        "preferences": combine(pd.concat(judgements.values(), ignore_index=True)),
        "annotations": conform(pd.DataFrame(annotations), "annotations"),
        "features": conform(pd.DataFrame(features).assign(annotator="rater"), "features"),
        "query_info": empty_table("query_info"),
        "errors": _errors(rng, pairs),
        "fit_quality": _quality(coefficients),
    }


def _texts(rng: np.random.Generator, n: int, words: int) -> list[str]:
    """Texts of words drawn from 20,000, common ones more often."""
    letters = np.array(list("abcdefghijklmnoprstuvwy"))
    vocabulary = np.array(["".join(rng.choice(letters, size)) for size in rng.integers(2, 10, 20000)])
    places = np.minimum(rng.zipf(1.25, (n, words)) - 1, len(vocabulary) - 1)
    return [" ".join(row) for row in vocabulary[places]]


def _pairs(rng: np.random.Generator, n: int) -> pd.DataFrame:
    models = np.array([f"author {number}" for number in range(20)])
    table = {
        "pair_id": [f"pair-{number:05d}" for number in range(n)],
        "prompt_id": [f"{number:016x}" for number in range(n)],
        "prompt": _texts(rng, n, PROMPT_WORDS),
        "response_a": _texts(rng, n, RESPONSE_WORDS),
        "response_b": _texts(rng, n, RESPONSE_WORDS),
        "reference": _texts(rng, n, RESPONSE_WORDS // 2),
        "model_a": models[rng.integers(0, 20, n)],
        "model_b": models[rng.integers(0, 20, n)],
        "scenario": np.array(SCENARIOS)[np.arange(n) % len(SCENARIOS)],
        "source": "made-up",
    }
    return conform(pd.DataFrame(table), "pairs")


def _groups(rng: np.random.Generator, pairs: pd.DataFrame) -> pd.DataFrame:
    parts = [pairs[["pair_id"]].assign(group=pairs["scenario"], kind="scenario")]
    parts += [pairs.loc[rng.random(len(pairs)) < 0.2, ["pair_id"]].assign(group=case, kind="case") for case in CASES]
    return conform(pd.concat([*parts, pairs[["pair_id"]].assign(group=POOLED, kind="pooled")]), "groups")


def _judgements(rng: np.random.Generator, judge: str, pairs: pd.DataFrame, leaning: np.ndarray) -> pd.DataFrame:
    parts = []
    for order in ("ab", "ba"):
        share = expit(leaning + rng.logistic(size=len(pairs)))
        table = pairs[["pair_id"]].assign(judge=judge, order=order, sample=0, status="ok", truncated=False, mass=0.98)
        if not judge.startswith("judge-"):
            parts.append(table.assign(verdict=np.where(share > 0.5, "a", "b"), mass=np.nan))
            continue
        parts.append(
            table.assign(logp_a=np.log(share), logp_b=np.log1p(-share), verdict=np.where(share > 0.5, "a", "b"))
        )
    return conform(pd.concat(parts, ignore_index=True), "judgements")


def _coefficients(rng, truth: np.ndarray, judges: list[str], groups: pd.DataFrame, properties: list[str]):
    sizes = groups["group"].value_counts()
    rows, drawn = [], []
    for group, size in sizes.items():
        sd = 1.5 / np.sqrt(size)
        for judge, own in zip(judges, truth, strict=True):
            mean = own + rng.normal(0, sd, len(properties))
            low, high = mean - 1.96 * sd, mean + 1.96 * sd
            told = np.select([low > 0, high < 0], ["rewards", "penalises"], "not distinguishable")
            table = pd.DataFrame({"property": properties, "mean": mean, "sd": sd, "q025": low, "q975": high})
            table["word"] = told
            for name, values in (("degree", mean), ("degree_q025", low), ("degree_q975", high)):
                table[name] = 100 * expit(values)
            rows.append(table.assign(judge=judge, group=group, estimator="map", n_pairs=size, false_sign=0.5))
            spread = list(rng.normal(mean[:, None], sd, (len(properties), DRAWS)))
            drawn.append(pd.DataFrame({"judge": judge, "group": group, "property": properties, "draws": spread}))
    return conform(pd.concat(rows, ignore_index=True), "coefficients"), pd.concat(drawn, ignore_index=True)


def _errors(rng: np.random.Generator, pairs: pd.DataFrame) -> pd.DataFrame:
    chosen = pairs[["pair_id"]].sample(frac=0.5, random_state=1)
    severity = rng.choice(["minor", "moderate", "severe"], len(chosen))
    described = chosen.assign(annotator="rater", response="a", n=0, type="factual error", severity=severity)
    return conform(described.assign(description=_texts(rng, len(chosen), 12)), "errors")


def _quality(coefficients: pd.DataFrame) -> pd.DataFrame:
    cells = coefficients.drop_duplicates(["judge", "group"])[["judge", "group", "estimator", "n_pairs"]]
    cells = cells.assign(n_prompts=cells["n_pairs"], n_undecided=0, n_missing=0, accuracy=0.7)
    return conform(cells.assign(majority_accuracy=0.5, length_accuracy=0.6), "fit_quality")


def _sheet(tables: dict, records: dict[str, dict]) -> pd.DataFrame:
    words = pd.DataFrame(columns=["a", "b"], index=pd.Index([], name="pair_id"), dtype=float)
    judgements, preferences = tables["judgements"], tables["preferences"]
    pairs = tables["pairs"][["pair_id", "prompt_id"]]
    sheet = judge_datasheet(
        pairs, tables["groups"], judgements, preferences, words, human="judge-0", resamples=RESAMPLES, seed=1
    )
    sheet.insert(1, "label", sheet["judge"].map(lambda judge: records[judge]["label"]))
    return sheet


FILTERS = {
    "scenario": "scenario=Scenario+3",
    "query-specific case": "in=w_stances",
    "agreement": "agree=split",
    "author model": "author=author+3",
    "property": "differs=well_formatted",
    "property, with the judge's side": "differs=well_formatted&side=with",
    "free text": "q=ab+",
    "all together": "scenario=Scenario+3&in=w_stances&agree=split&differs=well_formatted&q=ab",
}


def until(page, expression: str, arg=None, seconds: float = 60) -> None:
    """Wait until an expression holds. Playwright's own way evaluates text inside the page, which its policy forbids."""
    end = perf_counter() + seconds
    while not page.evaluate(expression, arg):
        if perf_counter() > end:
            raise TimeoutError(f"not within {seconds:g} s: {expression} {'' if arg is None else arg}")
        sleep(0.02)


def open_page(browser, page_file: Path):
    """Open a page; returns it with the milliseconds to the first view, as the browser tells them."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    start = perf_counter()
    page.goto(f"file://{page_file}", wait_until="commit")
    page.wait_for_selector("#main[data-drawn]", timeout=60000)
    first = 1000 * (perf_counter() - start)
    return page, first


def time_filters(page, repeats: int = 5, summary=median) -> dict[str, float]:
    """Milliseconds until the list of pairs stands after a filter was set, by default medians; texts are read before."""
    until(page, "document.documentElement.dataset.ready === 'yes'", seconds=120)
    page.evaluate(TIME_A_CHANGE, "view=pairs&q=warm")
    found = {}
    for name, hash_ in FILTERS.items():
        times = []
        for _ in range(repeats):
            page.evaluate(TIME_A_CHANGE, "view=pairs")
            times.append(page.evaluate(TIME_A_CHANGE, f"view=pairs&{hash_}"))
        found[name] = summary(times)
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[5240, 50000])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=CHROMIUM)
        for n_pairs in arguments.pairs:
            with tempfile.TemporaryDirectory() as folder:
                start = perf_counter()
                file = made_up_explorer(Path(folder), n_pairs)
                made = perf_counter() - start
                views = [open_page(browser, file) for _ in range(3)]
                print(f"{n_pairs} pairs: {file.stat().st_size / 1e6:.1f} MB, made in {made:.0f} s")
                print(f"  first view {median(first for _, first in views):.0f} ms")
                for name, milliseconds in time_filters(views[-1][0]).items():
                    print(f"  {name}: {milliseconds:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
