"""Stage that draws figures: one job draws all figures of a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from matplotlib.figure import Figure

from prefdissect import differences
from prefdissect.annotators.verdicts import MARK, below_limits, marked
from prefdissect.attributes import attribute_table
from prefdissect.catalogue import CASE_LABELS, Catalogue, load_catalogue
from prefdissect.datasheet import read_datasheet
from prefdissect.errors import InputError
from prefdissect.features import feature_matrix
from prefdissect.figures.aligned import aligned_similarity_figure
from prefdissect.figures.attributes import attribute_similarity_figure
from prefdissect.figures.datasheet import datasheet_figure
from prefdissect.figures.degree import INTERVALS, degree_figure
from prefdissect.figures.difference import aligned_shifts_figure, difference_figure
from prefdissect.figures.fit_quality import fit_quality_figure
from prefdissect.figures.heatmap import group_linkage, similarity_figure
from prefdissect.figures.manipulation import manipulation_figure
from prefdissect.figures.properties import properties_figure
from prefdissect.figures.reliability import reliability_figure
from prefdissect.figures.saving import save_figure
from prefdissect.figures.style import Look, nothing_figure, use_look
from prefdissect.figures.top_properties import top_properties_figure
from prefdissect.figures.waterfall import waterfall_figure
from prefdissect.group_resampling import degree_intervals
from prefdissect.groups import scenario_groups
from prefdissect.names import OVERALL, POOLED, intervals_of_posterior
from prefdissect.regression.contributions import contributions
from prefdissect.tables import SCHEMAS, read_table

MM = 1 / 25.4
UNRELIABLE = f"{MARK}:\u00a0ratings agree less than the study asks for."
AFTERWARDS = "Division chosen after seeing the data."
PROMPTS = "Lines: 95\u00a0% intervals from resampling prompts."
POSTERIOR = "Lines: 95\u00a0% intervals of the posterior."
GROUPS = "Lines: 95\u00a0% intervals from resampling the {n} scenario groups: what other scenarios would change."


def draw_figures(
    part: str, figures: list[dict], inputs: dict, settings: dict, pdfs: list[str], pngs: list[str]
) -> None:
    """Draw all figures of one part.

    Parameters
    ----------
    part
        degree, effects, similarity, quality, pairs, ratings or manipulation.
    figures
        What to draw, from `prefdissect.figure_list`.
    inputs
        Name -> file of the tables of this part.
    settings
        records, look, attributes, human, published, resamples, graded, seed.
    pdfs, pngs
        Files to write, in the order of `figures`.
    """
    look = settings["look"]
    drawing = Drawing(inputs, settings, look["width"] * MM)
    with use_look(Look(drawing.width, look["font"], look["palette"])):
        for figure, pdf, png in zip(figures, pdfs, pngs, strict=True):
            save_figure(DRAW[figure["kind"]](drawing, figure), pdf, png)


@dataclass
class Drawing:
    """The tables of a part, each read once when it is first needed, and what all figures share."""

    inputs: dict
    settings: dict
    width: float

    @cached_property
    def coefficients(self) -> pd.DataFrame:
        # Checked when it was written; checking thousands of rows in every job would take as long as a figure.
        return read_table(self.inputs["coefficients"], "coefficients", columns=list(SCHEMAS["coefficients"].columns))

    @cached_property
    def membership(self) -> pd.DataFrame:
        return read_table(self.inputs["groups"], "groups")

    def table(self, name: str) -> pd.DataFrame:
        return read_table(self.inputs[name], name)

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self.inputs["catalogue"])

    @property
    def labels(self) -> dict[str, str]:
        return {name: record["label"] for name, record in self.settings["records"].items()}

    @property
    def property_labels(self) -> dict[str, str]:
        return marked({name: prop.label for name, prop in self.catalogue.items()}, self.below)

    @cached_property
    def below(self) -> set[str]:
        """Properties whose ratings agree less than the study asks for; none where it sets no limit."""
        if "verdicts" not in self.inputs:
            return set()
        return below_limits(read_table(self.inputs["verdicts"], "property_reliability"))

    @property
    def note(self) -> str:
        """What the marks at properties mean; empty where none is marked."""
        return UNRELIABLE if self.below else ""

    @cached_property
    def scenarios(self) -> list[str]:
        """Scenario groups that were fitted for every judge: those that `overall` averages."""
        fitted = self.coefficients.groupby("group")["judge"].nunique()
        judges = self.coefficients["judge"].nunique()
        return [group for group in scenario_groups(self.membership) if fitted.get(group, 0) == judges]

    @property
    def by_groups(self) -> bool:
        """Whether intervals of `overall` come from resampling scenario groups, for want of draws."""
        return self.settings["published"]

    def intervals(self, group: str) -> str:
        """What the lines in figures of a group are; empty where there are none."""
        if self.by_groups:
            return GROUPS.format(n=len(self.scenarios)) if group == OVERALL else ""
        return PROMPTS if self.settings["resamples"] else ""

    def effect_intervals(self, group: str) -> str:
        """What the lines of effects are: those of the estimator that is shown."""
        if self.by_groups or not intervals_of_posterior(self.coefficients["estimator"].iloc[0]):
            return self.intervals(group)
        return POSTERIOR

    def group_text(self, group: str) -> str:
        if group == OVERALL:
            return f"Mean over {len(self.scenarios)} scenario groups"
        return "All pairs" if group == POOLED else CASE_LABELS.get(group, group)

    def n_text(self, group: str) -> str:
        """How many pairs stand behind a group."""
        counts = self.coefficients.loc[self.coefficients["group"] == group, "n_pairs"]
        if not counts.max():
            return ""
        span = f"{counts.min():,} to {counts.max():,}" if counts.min() < counts.max() else f"{counts.min():,}"
        return f"{span} pairs per judge."

    def similar(self, group: str) -> pd.DataFrame:
        """Correlations of judges in a group."""
        table = self.table("similarity")
        return table[(table["group"] == group) & (table["metric"] == "pearson")]


def _degree(drawing: Drawing, figure: dict) -> Figure:
    group, table = figure["group"], drawing.coefficients
    if drawing.by_groups and group == OVERALL:
        rows = degree_intervals(table, drawing.scenarios, drawing.settings["seed"])
    else:
        rows = table[table["group"] == group]
    chosen = rows[rows["judge"].isin(figure["judges"])]
    if chosen.empty:
        there = ", ".join(dict.fromkeys(table["group"]))
        raise InputError(f"config key `figures.groups`: no judge shown was fitted in `{group}`", fix=f"fitted: {there}")
    judges = [judge for judge in figure["judges"] if judge in set(chosen["judge"])]
    return degree_figure(
        chosen, drawing.labels, drawing.property_labels, group=drawing.group_text(group), judges=judges,
        intervals=f"{drawing.effect_intervals(group) or INTERVALS} {drawing.note}".rstrip(),
        width=drawing.width,
    )  # fmt: skip


def _top_properties(drawing: Drawing, figure: dict) -> Figure:
    judge = figure["judges"][0]
    rows = drawing.coefficients[drawing.coefficients["judge"] == judge]
    others = [group for group in dict.fromkeys(rows["group"]) if group != OVERALL]
    return top_properties_figure(
        rows, drawing.property_labels, judge=drawing.labels[judge], groups=[OVERALL, *others],
        group_labels=CASE_LABELS | {POOLED: "all pairs"}, note=drawing.note, width=drawing.width,
    )  # fmt: skip


def _difference(drawing: Drawing, figure: dict) -> Figure:
    judges, group, points = tuple(figure["judges"]), figure["group"], None
    table = differences.between_judges(drawing.table("judge_differences"), judges, group)
    if drawing.by_groups and group == OVERALL:
        points = differences.by_group(drawing.coefficients, judges, drawing.scenarios)
    if table.empty:
        both = " and ".join(f"`{judge}`" for judge in judges)
        raise InputError(f"config key `comparison.differences`: {both} were not both fitted in `{group}`")
    return difference_figure(
        table, drawing.property_labels, judges=tuple(drawing.labels[judge] for judge in judges),
        group=drawing.group_text(group), n=drawing.n_text(group), points=points,
        intervals=f"{drawing.intervals(group) or 'No intervals.'} {drawing.note}".rstrip(),
        mark_unsure=not drawing.by_groups, width=drawing.width,
    )  # fmt: skip


def _aligned_shifts(drawing: Drawing, figure: dict) -> Figure:
    group = figure["group"]
    shifts = differences.of_versions(drawing.table("base_differences"), group)
    return aligned_shifts_figure(
        shifts, drawing.labels, drawing.property_labels, group=drawing.group_text(group),
        n=f"{drawing.n_text(group)} {drawing.note}".strip(), width=drawing.width,
    )  # fmt: skip


def _similarity(drawing: Drawing, figure: dict) -> Figure:
    members = read_table(drawing.inputs["clusters"], "clusters")
    table = drawing.similar(figure["group"])
    left_out = len(set(table["judge_1"]) | set(table["judge_2"])) - len(members)
    sentences = [f"Pearson correlation of effect strengths over properties; {len(members)} judges."]
    sentences += [drawing.n_text(figure["group"]), "Clusters: average linkage; tree: 1 − similarity."]
    if drawing.by_groups:
        sentences.append(f"Support of branches: resamples of the {len(drawing.scenarios)} scenario groups.")
    if left_out:
        sentences.append(f"{left_out} judges without any effect left out.")
    return similarity_figure(
        table,
        read_table(drawing.inputs["linkage"], "linkage"),
        {judge: drawing.labels[judge] for judge in members["judge"]},
        title=f"How alike judges are: {_lower(drawing.group_text(figure['group']))}",
        subtitle=" ".join(filter(None, sentences)),
        clusters=members.set_index("judge")["cluster"].to_dict(),
        attributes=_attributes(drawing, list(members["judge"])),
        width=drawing.width,
    )


def _lower(text: str) -> str:
    """A group's text within a title; names of groups stay as they are."""
    return text[0].lower() + text[1:] if text.startswith(("Mean over", "All pairs")) else text


def _attributes(drawing: Drawing, judges: list[str]) -> pd.DataFrame | None:
    names, records = drawing.settings["attributes"], drawing.settings["records"]
    if not names:
        return None
    rows = [[records[judge]["attributes"].get(name) for name in names] for judge in judges]
    return pd.DataFrame(rows, columns=names, index=pd.Index(judges, name="judge"), dtype=object)


def _group_similarity(drawing: Drawing, figure: dict) -> Figure:
    table = pd.read_csv(drawing.inputs["group_similarity"])
    groups = [group for group in dict.fromkeys(drawing.coefficients["group"]) if group != OVERALL]
    title = "In which groups judges reward the same"
    if table["value"].notna().sum() == 0:
        return nothing_figure(title, "Fewer than two groups have effects.", drawing.width)
    matrix = table.rename(columns={"group_1": "judge_1", "group_2": "judge_2"})
    low, high = table["n_judges"].min(), table["n_judges"].max()
    over = f"the {low} to {high} judges for whom it is defined" if low < high else f"{high} judges"
    return similarity_figure(
        matrix,
        group_linkage(matrix, groups),
        {group: "all pairs" if group == POOLED else CASE_LABELS.get(group, group) for group in groups},
        title=title,
        subtitle=f"Pearson correlation of one judge's effect strengths in two groups, mean over"
        f" {over}. No intervals. Tree: average linkage.",
        value_label="similarity of groups",
        items="groups",
        width=drawing.width,
    )


def _attribute_similarity(drawing: Drawing, figure: dict) -> Figure:
    table = drawing.similar(figure["group"])
    there = {*table["judge_1"], *table["judge_2"]}
    records = {judge: record for judge, record in drawing.settings["records"].items() if judge in there}
    compared = drawing.settings["compared"]
    notes = {entry["name"]: AFTERWARDS for entry in compared if entry.get("chosen_after_seeing")}
    return attribute_similarity_figure(
        table, attribute_table(records, compared), group=drawing.group_text(figure["group"]),
        n=drawing.n_text(figure["group"]), notes=notes, width=drawing.width,
    )  # fmt: skip


def _aligned_similarity(drawing: Drawing, figure: dict) -> Figure:
    group = figure["group"]
    table = differences.similarity_of_versions(drawing.table("base_similarity"), group)
    return aligned_similarity_figure(
        table, drawing.labels, group=drawing.group_text(group), n=drawing.n_text(group),
        intervals=drawing.intervals(group) or "No intervals.", width=drawing.width,
    )  # fmt: skip


def _datasheet(drawing: Drawing, figure: dict) -> Figure:
    sheet = read_datasheet(drawing.inputs["datasheet"])
    human = drawing.settings["human"] or None
    return datasheet_figure(sheet, drawing.labels, human=human, group=figure["group"], width=drawing.width)


def _fit_quality(drawing: Drawing, figure: dict) -> Figure:
    table = read_table(drawing.inputs["fit_quality"], "fit_quality")
    folds = "Folds are split by prompt."
    return fit_quality_figure(table, drawing.labels, group=figure["group"], folds=folds, width=drawing.width)


def _properties(drawing: Drawing, figure: dict) -> Figure:
    return properties_figure(
        pd.read_csv(drawing.inputs["statistics"], keep_default_na=False, na_values=[""]),
        pd.read_csv(drawing.inputs["correlations"], keep_default_na=False, na_values=[""]),
        drawing.property_labels,
        group=figure["group"],
        note=drawing.note,
        width=drawing.width,
    )


def _contributions(drawing: Drawing, figure: dict) -> Figure:
    pair, judges = figure["pair"], figure["judges"]
    matrix = feature_matrix(read_table(drawing.inputs["features"], "features"), _scale(drawing))
    pairs = read_table(drawing.inputs["pairs"], "pairs").set_index("pair_id")
    if pair not in matrix.index:
        known = ", ".join(map(str, matrix.index[:5]))
        raise InputError(f"config key `figures.pairs`: no pair `{pair}` has features", fix=f"for instance {known}")
    group = _group_of(drawing, pair)
    rows = drawing.coefficients[drawing.coefficients["group"] == group]
    parts = [
        contributions(matrix.loc[[pair]], part.set_index("property")["mean"]).assign(judge=judge)
        for judge, part in rows.groupby("judge", sort=False)
        if judge in judges
    ]
    shown = [judge for judge in judges if judge in set(rows["judge"])]
    preferences = read_table(drawing.inputs["preferences"], "preferences")
    verdicts = preferences[preferences["pair_id"] == pair].set_index("judge")["preference"].dropna()
    record = pairs.loc[pair]
    return waterfall_figure(
        pd.concat(parts, ignore_index=True),
        drawing.labels,
        drawing.property_labels,
        judges=shown,
        texts={"Prompt": record["prompt"], "A": record["response_a"], "B": record["response_b"]},
        title=f"Why the fits prefer one response: pair {pair}",
        group=_lower(drawing.group_text(group)),
        verdicts={judge: {"tie": "neither"}.get(verdict, verdict.upper()) for judge, verdict in verdicts.items()},
        note=drawing.note,
        width=drawing.width,
    )


def _scale(drawing: Drawing) -> str:
    return "graded" if drawing.settings["graded"] else "sign"


def _group_of(drawing: Drawing, pair: str) -> str:
    """All pairs where they were fitted together, else the scenario of the pair."""
    fitted = set(drawing.coefficients["group"])
    if POOLED in fitted:
        return POOLED
    mine = drawing.membership[drawing.membership["pair_id"] == pair]
    groups = [group for group in scenario_groups(mine) if group in fitted]
    if not groups:
        raise InputError(f"config key `figures.pairs`: pair `{pair}` is in no group that was fitted")
    return groups[0]


def _reliability(drawing: Drawing, figure: dict) -> Figure:
    return reliability_figure(
        read_table(drawing.inputs["reliability"], "reliability"), drawing.property_labels,
        limit=drawing.settings["wanted"]["kappa"], note=drawing.note,
        intervals=PROMPTS if drawing.settings["resamples"] else "No intervals.", width=drawing.width,
    )  # fmt: skip


def _manipulation(drawing: Drawing, figure: dict) -> Figure:
    return manipulation_figure(
        drawing.table("manipulation"), drawing.labels, target=figure["judges"][0], score=figure["score"],
        width=drawing.width,
    )  # fmt: skip


DRAW: dict[str, Callable[[Drawing, dict], Figure]] = {
    "degree": _degree,
    "top_properties": _top_properties,
    "difference": _difference,
    "aligned_shifts": _aligned_shifts,
    "similarity": _similarity,
    "group_similarity": _group_similarity,
    "attribute_similarity": _attribute_similarity,
    "aligned_similarity": _aligned_similarity,
    "datasheet": _datasheet,
    "fit_quality": _fit_quality,
    "properties": _properties,
    "contributions": _contributions,
    "reliability": _reliability,
    "manipulation": _manipulation,
}
