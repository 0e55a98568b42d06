"""Stages that draw figures."""

from __future__ import annotations

from prefdissect.catalogue import load_catalogue
from prefdissect.datasheet import read_datasheet
from prefdissect.errors import InputError
from prefdissect.figures.datasheet import datasheet_figure
from prefdissect.figures.degree import degree_figure
from prefdissect.figures.heatmap import similarity_figure
from prefdissect.figures.saving import save_figure
from prefdissect.names import OVERALL
from prefdissect.tables import read_table


def plot_degree(
    coefficients: str, labels: dict[str, str], catalogue: str, group: str, judges: list[str], estimator: str,
    pdf: str, png: str,
) -> None:  # fmt: skip
    """Draw the degree of preference per property for chosen judges in one group."""
    table = read_table(coefficients, "coefficients")
    chosen = table[(table["group"] == group) & (table["estimator"] == estimator) & table["judge"].isin(judges)]
    if chosen.empty:
        there = ", ".join(dict.fromkeys(table["group"]))
        raise InputError(f"config key `figures.groups`: no judge shown was fitted in `{group}`", fix=f"fitted: {there}")
    properties = {name: prop.label for name, prop in load_catalogue(catalogue).items()}
    judges = [judge for judge in judges if judge in set(chosen["judge"])]
    save_figure(degree_figure(chosen, labels, properties, group=group, judges=judges), pdf, png)


def plot_similarity(
    similarity: str, clusters: str, linkage: str, labels: dict[str, str], group: str, pdf: str, png: str
) -> None:
    """Draw the clustered heat map of judge similarity."""
    members = read_table(clusters, "clusters")
    table = read_table(similarity, "similarity")
    chosen = table[(table["group"] == group) & (table["metric"] == "pearson")]
    chosen = chosen[chosen["judge_1"].isin(members["judge"]) & chosen["judge_2"].isin(members["judge"])]
    left_out = len(set(table["judge_1"]) | set(table["judge_2"])) - len(members)
    subtitle = "Pearson correlation of effect strengths over properties"
    subtitle += f"; {left_out} judges without any effect left out" if left_out else ""
    figure = similarity_figure(
        chosen,
        read_table(linkage, "linkage"),
        {judge: labels[judge] for judge in members["judge"]},
        title=f"How alike judges are ({'mean over scenario groups' if group == OVERALL else group})",
        subtitle=subtitle,
        clusters=members.set_index("judge")["cluster"].to_dict(),
    )
    save_figure(figure, pdf, png)


def plot_datasheet(datasheet: str, labels: dict[str, str], human: str | None, group: str, pdf: str, png: str) -> None:
    """Draw how each judge behaves in one group."""
    figure = datasheet_figure(read_datasheet(datasheet), labels, human=human or None, group=group)
    save_figure(figure, pdf, png)
