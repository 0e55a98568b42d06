"""What a study found, in plain sentences made from its numbers; hedged where the numbers do not carry them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from prefdissect import (
    differences,
    findings_comparison,
    findings_manipulation,
    findings_ratings,
    findings_tests,
    findings_validity,
)
from prefdissect.annotators.verdicts import below_limits, marked
from prefdissect.attributes import known_attributes
from prefdissect.catalogue import CASE_LABELS, Catalogue
from prefdissect.groups import scenario_groups
from prefdissect.names import OVERALL, POOLED, intervals_of_posterior

TEMPLATE = Path(__file__).resolve().parents[2] / "workflow" / "report" / "findings.html.j2"
NEUTRAL = 50.0
NULL_SHARE = 0.05
N_LISTED = 3
MOSTLY_ZERO = 0.95
# A judge may truly reward one property only, so zeros alone are no sign of too few pairs.
HARDLY_ANY = 0.01
NOT_KNOWN = "this is no evidence of no effect"


@dataclass
class Evidence:
    """Tables that the findings are made from; names as in `prefdissect.tables`."""

    config: dict
    records: dict[str, dict]
    catalogue: Catalogue
    groups: pd.DataFrame
    coefficients: pd.DataFrame
    quality: pd.DataFrame
    similarity: pd.DataFrame
    clusters: pd.DataFrame
    linkage: pd.DataFrame
    judge_differences: pd.DataFrame
    base_similarity: pd.DataFrame
    # What a study of published coefficients has not.
    pairs: pd.DataFrame | None = None
    features: pd.DataFrame | None = None
    dropped: pd.DataFrame | None = None
    datasheet: pd.DataFrame | None = None
    notes: dict[str, dict[str, int]] = field(default_factory=dict)
    # Where a classifier gave queries their scenario.
    scenario_quality: pd.DataFrame | None = None
    # Where the study sets a reliability that ratings must reach: table `property_reliability`.
    verdicts: pd.DataFrame | None = None
    # Where the study names attributes of judges: table `attribute_similarity`.
    kinds: pd.DataFrame | None = None
    # Where an annotator rated again: table `attenuation`.
    attenuation: pd.DataFrame | None = None
    # Where models were aimed at judges: table `manipulation`.
    manipulation: pd.DataFrame | None = None

    @property
    def published(self) -> bool:
        """Whether the study starts from published coefficients."""
        return self.config["measurements"] == "published"

    @property
    def scenarios(self) -> list[str]:
        """Scenario groups that were fitted for every judge: those that `overall` averages."""
        fitted = self.coefficients.groupby("group")["judge"].nunique()
        judges = self.coefficients["judge"].nunique()
        return [group for group in scenario_groups(self.groups) if fitted.get(group, 0) == judges]

    @property
    def compared(self) -> pd.DataFrame:
        """Correlations of judges in the group of the comparison."""
        table = self.similarity
        chosen = (table["group"] == self.config["comparison"]["group"]) & (table["metric"] == "pearson")
        return table[chosen].dropna(subset="value")

    def label(self, judge: str) -> str:
        return self.records[judge]["label"]

    @property
    def property_labels(self) -> dict[str, str]:
        """Labels of properties, those below the study's reliability with their mark."""
        below = set() if self.verdicts is None else below_limits(self.verdicts)
        return marked({name: prop.label for name, prop in self.catalogue.items()}, below)

    @property
    def shown_group(self) -> str:
        """The group whose effects are told judge by judge: the first figure's."""
        return self.config["figures"]["groups"][0]


def render_findings(evidence: Evidence) -> str:
    """The findings as one HTML page without scripts."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=evidence.config["title"] or evidence.config["study"],
        study=evidence.config["study"],
        group=_group_text(evidence.shown_group),
        published=evidence.published,
        summary=describe_summary(evidence),
        data=describe_data(evidence),
        kinds=describe_kinds_of_judges(evidence),
        properties=None if evidence.published else describe_properties(evidence),
        reliability=describe_ratings(evidence),
        judges=[describe_judge(evidence, judge) for judge in evidence.records],
        groups=describe_groups(evidence),
        controls=describe_controls(evidence),
        similarity=describe_similarity(evidence) + describe_comparison(evidence),
        manipulation=_describe_manipulation(evidence),
        seed=evidence.config["seed"],
        ties=evidence.config["preferences"]["ties"],
        trust=[] if evidence.published else describe_trust(evidence),
        regression=evidence.config["regression"],
    )


def _describe_manipulation(evidence: Evidence) -> list[str]:
    labels = {judge: record["label"] for judge, record in evidence.records.items()}
    group = (evidence.config.get("manipulation") or {}).get("group", "")
    return findings_manipulation.describe_manipulation(evidence.manipulation, labels, group)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def describe_data(evidence: Evidence) -> list[str]:
    """How many pairs came from where, and what was left out."""
    if evidence.published:
        return _describe_published(evidence)
    pairs = evidence.pairs
    sentences = [
        f"{len(pairs)} pairs over {pairs['prompt_id'].nunique()} prompts, judged by {len(evidence.records)} judges."
    ]
    for source, part in pairs.groupby("source", sort=False):
        left_out = "; ".join(f"{count} {reason}" for reason, count in evidence.notes.get(source, {}).items())
        sentences.append(
            f"Source {source}: {len(part)} pairs." + (f" Left out or noted on reading: {left_out}." if left_out else "")
        )
    if evidence.scenario_quality is not None:
        sentences.append(describe_scenarios(evidence))
    if len(evidence.dropped):
        reasons = evidence.dropped.drop_duplicates(["pair_id", "reason"])["reason"].value_counts()
        listed = "; ".join(f"{reason}: {count}" for reason, count in reasons.items())
        sentences.append(f"{evidence.dropped['pair_id'].nunique()} pairs leave every fit ({listed}).")
    return sentences


def describe_scenarios(evidence: Evidence) -> str:
    """How well the classifier that gave queries their scenario does on queries that it did not see."""
    table = evidence.scenario_quality
    by_group = evidence.config["scenarios"]["level"] == "group" and (table["level"] == "group").any()
    level = "group" if by_group else "scenario"
    rows = table[table["level"] == level]
    whole, parts = rows.iloc[0], rows.iloc[1:]
    worst = parts.loc[parts["accuracy"].idxmin()]
    told = f", least of {worst['scenario']} ({percent(worst['accuracy'])} of {worst['n_queries']})"
    return (
        f"A classifier trained on {whole['n_queries']:,} labelled queries gave a scenario to queries whose source "
        f"gives none. Of labelled queries it did not see it recognises {percent(whole['accuracy'])} "
        f"({percent(whole['q025'])} to {percent(whole['q975'])}) over {len(parts)} {level}s"
        f"{told if worst['accuracy'] < whole['accuracy'] else ''}. Pairs in a wrong group blur the differences between "
        "groups."
    )


def _describe_published(evidence: Evidence) -> list[str]:
    table = evidence.coefficients
    sizes = table[table["group"] != OVERALL].groupby("group")["n_pairs"].max()
    scenarios = [group for group in sizes.index if group in evidence.scenarios]
    sentences = [
        f"{table['judge'].nunique()} judges, {table['property'].nunique()} properties, {len(sizes)} groups of pairs: "
        "published effect strengths, without the pairs, the verdicts or the ratings behind them."
    ]
    if sizes.max():
        sentences.append(
            f"{sizes[scenarios].sum():,} pairs in {len(scenarios)} scenario groups ({sizes[scenarios].min()} to "
            f"{sizes[scenarios].max()} each), counted before pairs whose errors could not be checked left the fits; "
            "how many did is not published."
        )
    return sentences


def describe_trust(evidence: Evidence) -> list[str]:
    """What the coefficients and their intervals can be trusted to say."""
    table, regression = evidence.coefficients, evidence.config["regression"]
    estimator = table["estimator"].iloc[0]
    pairs = table.loc[~table["group"].isin([OVERALL, POOLED]), "n_pairs"]
    typical = (pairs if len(pairs) else table["n_pairs"]).median()
    return [
        *findings_validity.describe_estimator(estimator, regression),
        *findings_validity.describe_coverage(estimator, typical),
        *findings_validity.describe_false_signs(table, estimator),
    ]


def describe_summary(evidence: Evidence) -> list[str]:
    """The study in a few sentences: what its judges have in common, and who stands apart."""
    rows = evidence.coefficients[evidence.coefficients["group"] == evidence.shown_group]
    judges = rows["judge"].nunique()
    if not judges:
        return []
    sentences = []
    if evidence.published:
        mean = rows.groupby("property", sort=False)["degree"].mean().sort_values(ascending=False, kind="stable")
        top = ", ".join(f"{evidence.catalogue.label(name)} ({mean[name]:.1f})" for name in mean.index[:N_LISTED])
        last = ", ".join(
            f"{evidence.catalogue.label(name)} ({mean[name]:.1f})" for name in mean.index[: -N_LISTED - 1 : -1]
        )
        sentences.append(
            f"Averaged over the {judges} judges, the properties rewarded most are {top}; least are {last} "
            "(degree of preference; 50 is neutral)."
        )
    else:
        told = rows[rows["word"].isin(["rewards", "penalises"])]
        counts = told.groupby(["property", "word"]).size().sort_values(ascending=False, kind="stable")
        for (name, word), count in list(counts.items())[:N_LISTED]:
            sentences.append(
                f"{count} of {judges} judges can be told to {word[:-1]} “{evidence.catalogue.label(name)}”."
            )
        if told.empty:
            sentences.append(f"No effect of any judge can be told from neutral; {NOT_KNOWN}.")
    if human := evidence.config["comparison"]["human"]:
        nearest = _nearest(evidence.compared, human, leave_out=())
        if nearest is not None:
            other = evidence.label(nearest["other"])
            sentences.append(f"Nearest to {evidence.label(human)}: {other}, {_interval(nearest, evidence)}.")
    return sentences + findings_comparison.describe_aligned(
        differences.similarity_of_versions(evidence.base_similarity, evidence.config["comparison"]["group"]),
        evidence.records,
    )


def describe_kinds_of_judges(evidence: Evidence) -> list[str]:
    """Which judges were asked, by kind and by attribute."""
    kinds: dict[str, list[str]] = {}
    for record in evidence.records.values():
        kinds.setdefault(record["kind"], []).append(record["label"])
    names = {"rule": "rules, which are controls", "recorded": "recorded verdicts", "simulated": "simulated judges",
             "published": "published coefficients"}  # fmt: skip
    sentences = []
    for kind, labels in kinds.items():
        listed = ", ".join(labels[:40]) + (f" and {len(labels) - 40} more" if len(labels) > 40 else "")
        sentences.append(f"{len(labels)} by {names.get(kind, kind)}: {listed}.")
    return sentences


def describe_comparison(evidence: Evidence) -> list[str]:
    """Kinds of judges, clusters, aligned versions, and the differences that the config names."""
    comparison, records = evidence.config["comparison"], evidence.records
    unit = "the scenario groups" if evidence.published else "the prompts"
    sentences = _kinds_of_judges(evidence)
    sentences += findings_comparison.describe_clusters(evidence.clusters, evidence.linkage, records, unit)
    labels = evidence.property_labels
    for pair in comparison["differences"]:
        table = differences.between_judges(evidence.judge_differences, tuple(pair), comparison["group"])
        if len(table):
            named = tuple(evidence.label(judge) for judge in pair)
            sentences.append(findings_comparison.describe_difference(table, named, labels, not evidence.published))
    return sentences


def _kinds_of_judges(evidence: Evidence) -> list[str]:
    """With the test where the study names attributes; else means alone."""
    if evidence.kinds is not None and evidence.config["comparison"]["attributes"]:
        table = evidence.kinds
        group = evidence.config["comparison"]["group"]
        return findings_tests.describe_tests(table[(table["group"] == group) & (table["metric"] == "pearson")])
    wanted = [{"name": name} for name in known_attributes(evidence.records)]
    similarity = evidence.compared
    return findings_comparison.describe_kinds(similarity, evidence.records, wanted) if len(similarity) else []


def _group_text(group: str) -> str:
    texts = {OVERALL: "the mean over scenario groups", POOLED: "all pairs"}
    return texts.get(group) or CASE_LABELS.get(group, group)


def describe_properties(evidence: Evidence) -> dict[str, list[str]]:
    """Properties in the fit by annotator, those nobody produced, and those that never differ."""
    produced = dict.fromkeys(evidence.features["property"])
    by_annotator: dict[str, list[str]] = {}
    for annotator, part in evidence.features.groupby("annotator", sort=False):
        by_annotator[annotator] = [evidence.catalogue.label(name) for name in dict.fromkeys(part["property"])]
    differs = evidence.features.groupby("property")["sign"].apply(lambda sign: (sign != 0).any())
    return {
        "by_annotator": [f"{annotator}: {', '.join(names)}" for annotator, names in by_annotator.items()],
        "missing": [prop.label for prop in evidence.catalogue.values() if prop.name not in produced],
        "constant": [evidence.catalogue.label(name) for name in produced if not differs[name]],
    }


def describe_ratings(evidence: Evidence) -> list[str]:
    """How reliable the ratings are where the study sets a limit, and what their error does to the effects."""
    sentences = []
    if evidence.verdicts is not None:
        wanted = evidence.config["annotations"]["reliability"]
        plain = {name: prop.label for name, prop in evidence.catalogue.items()}
        sentences += findings_ratings.describe_reliability(evidence.verdicts, wanted, plain)
    if evidence.attenuation is not None:
        table, group = evidence.coefficients, evidence.shown_group
        sentences += findings_ratings.describe_attenuation(
            evidence.attenuation,
            table[table["group"] == group],
            {judge: record["label"] for judge, record in evidence.records.items()},
            evidence.property_labels,
            _group_text(group),
        )
    return sentences


def _effect(row: pd.Series, labels: dict[str, str]) -> str:
    text = f"{labels[row['property']]} (degree {row['degree']:.1f}"
    if pd.notna(row["degree_q025"]):
        text += f", 95 % interval {row['degree_q025']:.1f} to {row['degree_q975']:.1f}"
    return text + ")"


def describe_judge(evidence: Evidence, judge: str) -> dict:
    """What one judge rewards and penalises in the group shown, and how it behaves."""
    table = evidence.coefficients
    mine = table[(table["judge"] == judge) & (table["group"] == evidence.shown_group)]
    effects, labels = {}, evidence.property_labels
    for word, ascending in (("rewards", False), ("penalises", True)):
        side = mine[mine["word"] == word] if not evidence.published else _beyond_neutral(mine, word)
        chosen = side.sort_values("degree", ascending=ascending, kind="stable").head(N_LISTED)
        effects[word] = [_effect(row, labels) for _, row in chosen.iterrows()]
    facts = [] if evidence.datasheet is None else _behaviour(evidence.datasheet, judge)
    return {"label": evidence.label(judge), "facts": facts, "fitted": len(mine) > 0, **effects}


def _beyond_neutral(rows: pd.DataFrame, word: str) -> pd.DataFrame:
    """Effects on one side of neutral, where no interval says which of them can be told from it."""
    return rows[rows["degree"] > NEUTRAL] if word == "rewards" else rows[rows["degree"] < NEUTRAL]


def _behaviour(datasheet: pd.DataFrame, judge: str) -> list[str]:
    sheet = datasheet.query("group == @POOLED").set_index("judge").loc[judge]
    facts = []
    if pd.notna(sheet["undecided"]) and sheet["undecided"] > 0:
        facts.append(f"undecided in {percent(sheet['undecided'])} of pairs")
    if pd.notna(sheet["first_slot"]):
        facts.append(f"the first slot wins {percent(sheet['first_slot'])} of its verdicts")
    if (lost := sheet["unparsed"] + sheet["failed"]) > 0:
        facts.append(f"{percent(lost)} of requests without a verdict")
    return facts


def describe_groups(evidence: Evidence) -> list[dict]:
    """Per group: size, how many effects are distinguishable, and a warning where the prior leaves nothing."""
    rows = []
    sparse = not intervals_of_posterior(evidence.coefficients["estimator"].iloc[0])
    for group, part in evidence.coefficients.groupby("group", sort=False):
        told = part["word"].isin(["rewards", "penalises"])
        quality = evidence.quality[evidence.quality["group"] == group]
        rows.append(
            {
                "group": CASE_LABELS.get(group, group),
                "pairs": _span(part["n_pairs"]),
                "judges": part["judge"].nunique(),
                "skipped": int(quality["skipped"].notna().sum()),
                "effects": int(told.sum()),
                "possible": len(part),
                "zero": percent((part["mean"] == 0).mean()) if sparse else None,
                "accuracy": _median_percent(quality["accuracy"]),
                "majority": _median_percent(quality["majority_accuracy"]),
                "remark": _remark(group, told, part),
            }
        )
    return rows


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,} to {high:,}" if low < high else f"{low:,}" if high else "not published"


def _median_percent(values: pd.Series) -> str:
    values = values.dropna()
    return percent(values.median()) if len(values) else "-"


def _remark(group: str, told: pd.Series, part: pd.DataFrame) -> str:
    if group == OVERALL:
        return "unweighted mean over the scenario groups that all judges share"
    if (part["mean"] == 0).mean() >= MOSTLY_ZERO and told.mean() < HARDLY_ANY:
        nothing = "almost nothing" if (part["mean"] != 0).any() else "nothing"
        return f"shrinks to {nothing}: too few pairs for the prior to let effects through; {NOT_KNOWN}"
    if (part["word"] == "no interval").all():
        return "no intervals, so nothing is called distinguishable or not"
    if told.mean() < HARDLY_ANY:
        few = "hardly any" if told.any() else "no"
        return f"{few} effect can be told from neutral; {NOT_KNOWN}"
    return "all pairs in one fit" if group == POOLED else ""


def describe_controls(evidence: Evidence) -> list[str]:
    """What the null controls show: a coin should have no more effects than the error rate allows."""
    sentences = []
    for judge, record in evidence.records.items():
        if record.get("rule") != "coin":
            continue
        mine = evidence.coefficients[evidence.coefficients["judge"] == judge]
        found = int(mine["word"].isin(["rewards", "penalises"]).sum())
        sentences.append(
            f"Null control {record['label']}: {found} of {len(mine)} effects are called distinguishable; "
            f"intervals at 95 % allow {NULL_SHARE * len(mine):.0f} on average for a judge that rewards nothing."
        )
    return sentences


def describe_similarity(evidence: Evidence) -> list[str]:
    """Nearest judges, and how near each judge is to the rule judges."""
    table = evidence.compared
    if table.empty:
        return []
    sentences = [
        f"{word}: {evidence.label(row['judge_1'])} and {evidence.label(row['judge_2'])}, {_interval(row, evidence)}."
        for word, row in (
            ("Most alike", table.loc[table["value"].idxmax()]),
            ("Least alike", table.loc[table["value"].idxmin()]),
        )
    ]
    rules = {judge: record["rule"] for judge, record in evidence.records.items() if record["kind"] == "rule"}
    for rule in [judge for judge, kind in rules.items() if kind != "coin"]:
        nearest = _nearest(table, rule, leave_out=rules)
        if nearest is not None:
            label, other = evidence.label(rule), evidence.label(nearest["other"])
            sentences.append(f"Nearest to the control {label}: {other}, {_interval(nearest, evidence)}.")
    return sentences


def _nearest(table: pd.DataFrame, judge: str, leave_out) -> pd.Series | None:
    """The row of the most similar other judge, its name in `other`; None where there is none."""
    near = table[(table["judge_1"] == judge) | (table["judge_2"] == judge)]
    near = near.assign(other=np.where(near["judge_1"] == judge, near["judge_2"], near["judge_1"]))
    near = near[~near["other"].isin(leave_out)]
    return near.loc[near["value"].idxmax()] if len(near) else None


def _interval(row: pd.Series, evidence: Evidence) -> str:
    text = f"correlation {row['value']:.2f}"
    if pd.notna(row["q025"]):
        how = " over scenario groups" if evidence.published else ""
        text += f" (95 % interval{how} {row['q025']:.2f} to {row['q975']:.2f})"
    return text
