"""Which figures a study has: known from its config alone, so that Snakemake can plan them.

Runs when the Snakefile is parsed: it imports nothing heavier than the standard library and yaml.
"""

from __future__ import annotations

from prefdissect.catalogue import CASES
from prefdissect.comparison_config import base_judges
from prefdissect.config import Study
from prefdissect.names import OVERALL, POOLED, USUAL_ATTRIBUTES, figure_file
from prefdissect.reliability_config import is_measured

MOST_JUDGES = 4  # shown by default

CATEGORIES = {
    "degree": "What judges reward",
    "effects": "What judges reward",
    "similarity": "How alike judges are",
    "quality": "Judges, data and fits",
    "pairs": "Single pairs",
    "ratings": "Judges, data and fits",
    "manipulation": "How far judges can be moved",
}


def figures_of(study: Study) -> dict[str, dict[str, dict]]:
    """Part -> file below `figures/` without suffix -> what is drawn: `kind`, and the group, judges or pair shown.

    The figures of one part are drawn by one job, for loading the libraries takes longer than drawing.
    """
    parts = {"degree": _degree(study), "effects": _effects(study), "similarity": _similarity(study)}
    if study["measurements"] != "published":  # the others need pairs
        parts |= {"quality": _quality(study), "pairs": _pairs(study), "ratings": _ratings(study)}
    parts["manipulation"] = _manipulation(study)
    return {part: figures for part, figures in parts.items() if figures}


def labels_of(figure: dict) -> dict[str, str]:
    """What the report's menu says about a figure."""
    titles = {"degree": "degree of preference", "similarity": "similarity of judges", "datasheet": "datasheet"}
    labels = {"figure": titles.get(figure["kind"], figure["kind"].replace("_", " "))}
    labels["shown"] = figure.get("group") or figure.get("pair") or ", ".join(figure.get("judges", ())) or "all"
    return labels


def shown_judges(study: Study) -> list[str]:
    """Judges in the figures of single judges."""
    return study["figures"]["judges"] or list(study.judges)[:MOST_JUDGES]


def shown_attributes(study: Study) -> list[str]:
    """Attributes beside the heat map."""
    there = {name for record in study.judges.values() for name in record["attributes"]}
    return study["figures"]["attributes"] or [name for name in USUAL_ATTRIBUTES if name in there]


def compared_attributes(study: Study) -> list[dict]:
    """Attributes whose values are compared: those of the config, else those beside the heat map."""
    return study["comparison"]["attributes"] or [{"name": name} for name in shown_attributes(study)]


def data_groups(study: Study) -> list[str]:
    """Groups of pairs that have figures of their own: cases depend on the annotators, and `overall` is a mean."""
    groups = dict.fromkeys([POOLED, *study["figures"]["groups"]])
    return [group for group in groups if group not in (OVERALL, *CASES.values())]


def aligned_versions(records: dict[str, dict], attribute: str) -> list[tuple[str, str]]:
    """Base judge and aligned judge, for every judge whose attribute names another judge of the study."""
    return [(base, judge) for judge, base in base_judges(records, attribute).items()]


def _degree(study: Study) -> dict[str, dict]:
    judges = shown_judges(study)
    return {
        f"degree/{figure_file(group)}": {"kind": "degree", "group": group, "judges": judges}
        for group in study["figures"]["groups"]
    }


def _effects(study: Study) -> dict[str, dict]:
    judges, differences = shown_judges(study), study["comparison"]["differences"]
    figures = {f"top_properties/{judge}": {"kind": "top_properties", "judges": [judge]} for judge in judges}
    group = study["comparison"]["group"]
    figures |= {
        f"differences/{one}--{other}": {"kind": "difference", "judges": [one, other], "group": group}
        for one, other in differences
    }
    if aligned_versions(study.judges, study["comparison"]["base"]):
        figures["aligned_shifts"] = {"kind": "aligned_shifts", "group": group}
    return figures


def _similarity(study: Study) -> dict[str, dict]:
    group = study["comparison"]["group"]
    figures = {"group_similarity": {"kind": "group_similarity"}}
    if len(study.judges) > 1:
        figures = {"similarity": {"kind": "similarity", "group": group}} | figures
        if compared_attributes(study):
            figures["attribute_similarity"] = {"kind": "attribute_similarity", "group": group}
    if aligned_versions(study.judges, study["comparison"]["base"]):
        figures["aligned_similarity"] = {"kind": "aligned_similarity", "group": group}
    return figures


def _quality(study: Study) -> dict[str, dict]:
    return {
        f"{kind}/{figure_file(group)}": {"kind": kind, "group": group}
        for kind in ("datasheet", "fit_quality", "properties")
        for group in data_groups(study)
    }


def _pairs(study: Study) -> dict[str, dict]:
    judges = shown_judges(study)
    return {
        f"contributions/{figure_file(pair)}": {"kind": "contributions", "pair": pair, "judges": judges}
        for pair in study["figures"]["pairs"]
    }


def _manipulation(study: Study) -> dict[str, dict]:
    section = study["manipulation"] or {"targets": [], "grading": None}
    scores = ["win_rate", *(["grade"] if section["grading"] else [])]
    return {
        f"manipulation/{target}{'' if score == 'win_rate' else '_grades'}": {"kind": "manipulation", "judges": [target]}
        | {"score": score}
        for target in section["targets"]
        for score in scores
    }


def _ratings(study: Study) -> dict[str, dict]:
    return {"reliability": {"kind": "reliability"}} if is_measured(study.annotators) else {}
