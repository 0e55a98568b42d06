"""The tables as people print them, in LaTeX (booktabs) and Markdown: what fits a page, rounded, in words.

The CSV files hold everything; a printed table shows one group, or the shape that is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prefdissect.catalogue import CASE_LABELS
from prefdissect.datasheet import MEASURES
from prefdissect.names import OVERALL, POOLED, intervals_of_posterior
from prefdissect.printed_comparisons import MISSING as _MISSING
from prefdissect.printed_comparisons import TITLES, printed_comparison
from prefdissect.printed_comparisons import spanned as _spanned
from prefdissect.printed_manipulation import MANIPULATION_FORMS
from prefdissect.printed_ratings import RATING_FORMS

STRONG = 0.5  # correlations that are printed


@dataclass(frozen=True)
class Printing:
    """What is shown.

    Attributes
    ----------
    labels, property_labels
        Texts for judges and properties.
    judges
        Judges in the tables of single judges.
    group
        Group whose effects are printed.
    compared
        Group in which judges are compared.
    data_group
        Group whose pairs are described.
    intervals
        What intervals are, as a sentence.
    marks
        What marks at properties mean, as a sentence; empty where none is marked.
    """

    labels: dict[str, str]
    property_labels: dict[str, str]
    judges: list[str]
    group: str
    compared: str
    data_group: str = POOLED
    intervals: str = ""
    marks: str = ""


def printed(name: str, table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    """The printed form of a table that people read, and its caption.

    Parameters
    ----------
    name
        effects, fit_quality, similarity ...
    table
        The table as written to CSV.
    how
        What is shown.

    Returns
    -------
    A table of texts, and a caption that states group, n and intervals.
    """
    text, caption = _form(name, table, how)
    marked = how.marks and text.astype(str).apply(lambda cells: cells.str.contains(how.marks[0])).to_numpy().any()
    return text, f"{caption} {how.marks}" if marked else caption


def _form(name: str, table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    if name in TITLES:
        group = _group_text(how.compared)
        return printed_comparison(name, table, how.compared, group, how.labels, how.property_labels)
    forms = RATING_FORMS | MANIPULATION_FORMS
    if name in forms:
        return forms[name](table, how, _group_text(how.group))
    return _FORMS[name](table, how)


def to_latex(table: pd.DataFrame, caption: str) -> str:
    """A booktabs table that may run over pages; special characters are escaped."""
    sides = "".join("r" if numeric else "l" for numeric in _numeric(table)) or "l"
    form = {"index": False, "escape": True, "na_rep": "", "longtable": True, "column_format": sides}
    return table.to_latex(caption=_escape(caption), **form)


def to_markdown(table: pd.DataFrame, caption: str) -> str:
    """A pipe table below its caption."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in table.to_numpy()]
    head = [str(name).replace("|", "\\|") for name in table.columns]
    rule = ["---:" if numeric else "---" for numeric in _numeric(table)]
    lines = ["| " + " | ".join(row) + " |" for row in [head, rule, *cells]]
    return f"{caption}\n\n" + "\n".join(lines) + "\n"


def _numeric(table: pd.DataFrame) -> list[bool]:
    """Which columns hold numbers, with or without intervals, and so are set flush right."""
    number = re.compile(r"-?[\d,.]+( \[.*\])?|–|")
    return [all(number.fullmatch(str(cell)) for cell in table[name]) for name in table]


def _escape(text: str) -> str:
    return "".join("\\" + c if c in "%&_#$" else c for c in text)


def _number(value: float, form: str = ".2f") -> str:
    return _MISSING if pd.isna(value) else f"{value:{form}}"


def _group_text(group: str) -> str:
    if group == OVERALL:
        return "mean over scenario groups"
    return "all pairs" if group == POOLED else CASE_LABELS.get(group, group)


def _pairs_text(counts: pd.Series) -> str:
    if counts.empty or not counts.max():
        return ""
    low, high = int(counts.min()), int(counts.max())
    return f"; {low:,} to {high:,} pairs per judge" if low < high else f"; {low:,} pairs per judge"


def _effects(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    rows = table[(table["group"] == how.group) & table["judge"].isin(how.judges)]
    rows = rows[rows["estimator"] == rows["estimator"].iloc[0]] if len(rows) else rows
    texts = rows.assign(
        text=[_spanned(*row, ".1f") for row in rows[["degree", "degree_q025", "degree_q975"]].to_numpy()]
    )
    wide = texts.pivot(index="property", columns="judge", values="text")
    wide = wide.reindex(index=list(dict.fromkeys(rows["property"])), columns=[j for j in how.judges if j in wide])
    far = (rows["degree"] - 50).abs().groupby(rows["property"]).max().sort_values(ascending=False, kind="stable")
    wide = wide.loc[far.index].rename(columns=how.labels).fillna(_MISSING)
    wide.insert(0, "property", [how.property_labels.get(name, name) for name in wide.index])
    told = rows["degree_q025"].notna().any()
    intervals = how.intervals if told else "No intervals."
    if told and intervals_of_posterior(rows["estimator"].iloc[0]):
        intervals = "In brackets: 95 % intervals of the posterior."
    caption = (
        f"Degree of preference (50 = neutral), {_group_text(how.group)}{_pairs_text(rows['n_pairs'])}. "
        f"The largest distance from neutral first. {intervals}"
    )
    return wide.reset_index(drop=True), caption


def _top_properties(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    rows = []
    mine = table[table["judge"].isin(how.judges)]
    mine = mine[mine["estimator"] == mine["estimator"].iloc[0]] if len(mine) else mine
    groups = list(mine.groupby(["judge", "group"], sort=False))
    for (judge, group), part in sorted(groups, key=lambda entry: how.judges.index(entry[0][0])):
        cells = [", ".join(part.loc[part["side"] == f"{side} preferred", "property"]) for side in ("most", "least")]
        rows.append((how.labels.get(judge, judge), _group_text(group), *[cell or _MISSING for cell in cells]))
    told = (mine["word"] == "no interval").all()
    caption = (
        "The three most and the three least preferred properties of each judge in each group, the first one first."
    )
    caption += (
        " No intervals: close ranks may be chance." if told else " Ranked whether distinguishable from neutral or not."
    )
    return pd.DataFrame(rows, columns=["judge", "group", "most preferred", "least preferred"]), caption


def _similarity(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    chosen = table[(table["group"] == how.compared) & (table["metric"] == "pearson")].dropna(subset="value")
    both = pd.concat([chosen, chosen.rename(columns={"judge_1": "judge_2", "judge_2": "judge_1"})], ignore_index=True)
    rows = []
    for judge, part in both.groupby("judge_1", sort=False):
        near, far = part.loc[part["value"].idxmax()], part.loc[part["value"].idxmin()]
        cells = [
            cell
            for row in (near, far)
            for cell in (
                how.labels.get(row["judge_2"], row["judge_2"]),
                _spanned(row["value"], row["q025"], row["q975"], ".2f"),
            )
        ]
        rows.append((how.labels.get(judge, judge), _number(part["value"].mean()), *cells))
    columns = ["judge", "mean", "most alike", "similarity", "least alike", "similarity "]
    interval = how.intervals if chosen["q025"].notna().any() else "No intervals."
    caption = (
        f"Similarity of judges (Pearson correlation of effect strengths), {_group_text(how.compared)}: its mean "
        f"over the other {max(len(rows) - 1, 0)} judges, the most and the least alike. {interval} The CSV file "
        "holds all pairs."
    )
    return pd.DataFrame(rows, columns=columns), caption


def _group_similarity(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    groups = list(dict.fromkeys([*table["group_1"], *table["group_2"]]))
    values = {(row.group_1, row.group_2): row.value for row in table.itertuples()}
    rows = [
        [f"{number} {_group_text(group)}", *(_number(values.get((other, group), np.nan)) if k < number - 1 else ""
         for k, other in enumerate(groups[:-1]))]
        for number, group in enumerate(groups, start=1)
    ]  # fmt: skip
    columns = ["group", *(str(k) for k in range(1, len(groups)))]
    judges = int(table["n_judges"].max()) if len(table) else 0
    caption = (
        "How alike two groups are: Pearson correlation of one judge's effect strengths in both, mean over "
        f"{judges} judges. No intervals."
    )
    return pd.DataFrame(rows, columns=columns), caption


def _clusters(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    texts = table.drop(columns="judge").rename(columns={"label": "judge"})
    texts = texts.sort_values("cluster", kind="stable").astype(object).where(texts.notna(), _MISSING)
    caption = f"Clusters of {len(table)} judges: average linkage on 1 - similarity, {_group_text(how.compared)}."
    return texts.map(lambda cell: f"{cell:g}" if isinstance(cell, float) else str(cell)).rename(
        columns=lambda name: str(name).replace("_", " ")
    ), caption


def _fit_quality(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    rows = table[(table["group"] == how.data_group) & table["skipped"].isna()]
    measures = {"accuracy": "accuracy", "majority_accuracy": "majority", "length_accuracy": "longer", "auc": "AUC",
                "calibration_error": "calibration error"}  # fmt: skip
    printed_rows = pd.DataFrame({"judge": [how.labels.get(judge, judge) for judge in rows["judge"]]})
    if table["estimator"].nunique() > 1:
        printed_rows["estimator"] = rows["estimator"].to_numpy()
    printed_rows["pairs"] = [f"{count:,}" for count in rows["n_pairs"]]
    for column, title in measures.items():
        printed_rows[f"{title} (%)"] = [_number(100 * value, ".1f") for value in rows[column]]
    for column, title in (("log_loss", "log loss"), ("brier", "Brier")):
        printed_rows[title] = [_number(value, ".3f") for value in rows[column]]
    caption = f"Held-out scores, folds split by prompt, {_group_text(how.data_group)}. No intervals."
    return printed_rows, caption


def _datasheet(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    rows = table[table["group"] == POOLED]
    texts = rows[["label", "n_pairs"]].rename(columns={"label": "judge", "n_pairs": "pairs"}).astype(str)
    for measure in [name for name in (*MEASURES, "gameability") if name in rows and rows[name].notna().any()]:
        scale, form, unit = (1, ".2f", "") if measure == "kappa" else (100, ".1f", " (%)")
        values = rows[[measure, f"{measure}_q025", f"{measure}_q975"]].to_numpy(float) * scale
        texts[f"{measure.replace('_', ' ')}{unit}"] = [_spanned(*row, form) for row in values]
    return texts, f"How each judge behaves over all pairs. {how.intervals}".strip()


def _property_statistics(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    rows = table[table["group"] == how.data_group].sort_values("frequency", ascending=False, kind="stable")
    name = how.property_labels
    texts = pd.DataFrame(
        {
            "property": [name.get(prop, prop) for prop in rows["property"]],
            "differs (%)": [_number(100 * value, ".1f") for value in rows["frequency"]],
            "of these more in A (%)": [_number(100 * value, ".1f") for value in rows["positive_share"]],
            "VIF": [_number(value, ".1f") for value in rows["vif"]],
            "moves most with": [
                _MISSING if pd.isna(prop) else name.get(prop, prop) for prop in rows["correlated_with"]
            ],
            "correlation": [_number(value) for value in rows["largest_correlation"]],
        }
    )
    pairs = int(rows["n_pairs"].max()) if len(rows) else 0
    return (
        texts,
        f"How often properties differ, {_group_text(how.data_group)}; {pairs:,} pairs. VIF: variance inflation factor.",
    )


def _property_correlations(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    rows = table[(table["group"] == how.data_group) & (table["correlation"].abs() >= STRONG)]
    rows = rows.reindex(rows["correlation"].abs().sort_values(ascending=False, kind="stable").index)
    name = how.property_labels
    texts = pd.DataFrame(
        {
            "property": [name.get(prop, prop) for prop in rows["property_1"]],
            "moves with": [name.get(prop, prop) for prop in rows["property_2"]],
            "correlation": [_number(value) for value in rows["correlation"]],
        }
    )
    total = int((table["group"] == how.data_group).sum())
    caption = (
        f"Properties that move together, {_group_text(how.data_group)}: the {len(texts)} of {total} pairs of "
        f"properties with an uncentred correlation of {STRONG:g} or more either way."
    )
    return texts, caption


def _scenario_quality(table: pd.DataFrame, how: Printing) -> tuple[pd.DataFrame, str]:
    rates = table[["accuracy", "q025", "q975"]].to_numpy(float) * 100
    texts = pd.DataFrame(
        {
            "level": list(table["level"]),
            "scenario": list(table["scenario"]),
            "queries": table["n_queries"].astype(str).to_list(),
            "predicted rightly (%)": [_spanned(*row, ".1f") for row in rates],
            "precision (%)": [_number(100 * value, ".1f") for value in table["precision"]],
            "mean probability": [_number(value) for value in table["mean_probability"]],
        }
    )
    return texts, "Held-out accuracy of the classifier of scenarios. In brackets: 95 % intervals (Wilson)."


_FORMS = {
    "effects": _effects,
    "top_properties": _top_properties,
    "similarity": _similarity,
    "group_similarity": _group_similarity,
    "clusters": _clusters,
    "fit_quality": _fit_quality,
    "judge_datasheet": _datasheet,
    "property_statistics": _property_statistics,
    "property_correlations": _property_correlations,
    "scenario_quality": _scenario_quality,
}
