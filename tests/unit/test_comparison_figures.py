"""Figures of differences, kinds of judges, top properties, fits, data and single pairs: content, room, same bytes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from test_figures import PROPERTIES, assert_text_has_room, coefficients, joined, legend_labels, similarities, texts

from prefdissect.errors import InputError
from prefdissect.figures import style
from prefdissect.figures.aligned import aligned_similarity_figure
from prefdissect.figures.attributes import attribute_similarity_figure
from prefdissect.figures.difference import aligned_shifts_figure, difference_figure
from prefdissect.figures.fit_quality import fit_quality_figure
from prefdissect.figures.heatmap import similarity_figure
from prefdissect.figures.properties import properties_figure
from prefdissect.figures.saving import save_figure
from prefdissect.figures.top_properties import top_properties_figure
from prefdissect.figures.waterfall import waterfall_figure

COLUMN, PAGE = 85 / 25.4, 7.0
GROUPS = ["overall", *(f"Scenario number {k}" for k in range(11)), *(f"w_case_{k}" for k in range(5))]
LONG = "a judge with a long_label/that-is not at all short (version 12, 2024-05-16)"


def difference_table(seed: int = 1) -> pd.DataFrame:
    value = np.random.default_rng(seed).laplace(0, 4, len(PROPERTIES))
    return pd.DataFrame({"property": list(PROPERTIES), "value": value, "q025": value - 3, "q975": value + 3})


def difference(width=PAGE, judges=("Human", "GPT-4"), table=None, **settings):
    table = difference_table() if table is None else table
    return difference_figure(table, PROPERTIES, judges=judges, group="Code", n="400 pairs.", intervals="Lines: x.",
                             width=width, **settings)  # fmt: skip


def shifts(bases=4, versions=3, seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(f"base-{b}", f"base-{b}-v{v}", name, rng.normal(0, 1 + 5 * (b == 2)))
            for b in range(bases) for v in range(versions) for name in PROPERTIES]  # fmt: skip
    return pd.DataFrame(rows, columns=["base", "aligned", "property", "value"])


def top(width=PAGE, groups=GROUPS, label="Human"):
    table = pd.concat([coefficients(["j"], seed=k).assign(group=group) for k, group in enumerate(groups)])
    return top_properties_figure(table, PROPERTIES, judge=label, groups=groups, width=width)


def versions(n=20) -> pd.DataFrame:
    value = np.linspace(0.4, 0.99, n)
    names = {"base": [f"model-{k // 3}" for k in range(n)], "aligned": [f"model-{k // 3}-chat-{k}" for k in range(n)]}
    return pd.DataFrame(names | {"value": value, "q025": value - 0.05, "q975": np.minimum(value + 0.05, 1)})


def kinds(n=33, levels=6):
    judges = [f"j{k}" for k in range(n)]
    table, _, _ = similarities(judges)
    sizes = pd.Series([str([7, 13, 70][k % 3]) for k in range(n)], dtype=object).where(np.arange(n) > 1, None)
    columns = {"size": sizes.to_list(), "family": [f"family {k % levels}" for k in range(n)]}
    return table, pd.DataFrame(columns, index=judges, dtype=object)


def quality(n=5, seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"judge": [f"judge-{k}" for k in range(n)], "group": "pooled", "n_pairs": 300, "skipped": None}
    )
    names = ("accuracy", "majority_accuracy", "length_accuracy")
    return table.assign(**{name: rng.uniform(low, 1, n) for name, low in zip(names, (0.6, 0.4, 0.1), strict=True)})


def data_tables(group="pooled"):
    names = list(PROPERTIES)
    rng = np.random.default_rng(1)
    statistics = pd.DataFrame({"group": group, "property": names, "n_pairs": 384, "frequency": rng.uniform(0, 1, 29)})
    pairs = list(combinations(names, 2))
    correlations = pd.DataFrame(pairs, columns=["property_1", "property_2"])
    return statistics, correlations.assign(group=group, correlation=rng.uniform(-1, 1, len(pairs)))


def waterfall(width=PAGE, judges=("one", "two"), n=8, label="Judge"):
    rng = np.random.default_rng(1)
    rows = [(judge, name, rng.normal()) for judge in judges for name in list(PROPERTIES)[:n]]
    table = pd.DataFrame(rows, columns=["judge", "property", "log_odds"])
    text = {"Prompt": "Why $x_1$?", "A": "Because. " * 200, "B": ""}
    return waterfall_figure(
        table, {judge: f"{label} {judge}" for judge in judges}, PROPERTIES, judges=[*judges, "silent"], texts=text,
        title="One pair", group="all pairs", verdicts={"one": "A"}, width=width,
    )  # fmt: skip


FIGURES = {
    "difference": difference,
    "difference with long labels": lambda width: difference(width, (LONG, LONG + " again")),
    "shifts": lambda width: aligned_shifts_figure(shifts(), {}, PROPERTIES, group="Code", width=width),
    "shifts of one": lambda width: aligned_shifts_figure(shifts(1, 1), {}, PROPERTIES, group="Code", width=width),
    "aligned": lambda width: aligned_similarity_figure(versions(), {}, group="Code", width=width),
    "aligned of one": lambda width: aligned_similarity_figure(
        versions(1), {"model-0": LONG}, group="Code", width=width
    ),
    "top": top,
    "top in one group": lambda width: top(width, ["pooled"], LONG),
    "top in five groups": lambda width: top(width, GROUPS[:5]),
    "kinds": lambda width: attribute_similarity_figure(*kinds(), group="Code", width=width),
    "kinds of two judges": lambda width: attribute_similarity_figure(*kinds(2, 2), group="Code", width=width),
    "kinds of seventy": lambda width: attribute_similarity_figure(*kinds(70, 12), group="Code", width=width),
    "fits": lambda width: fit_quality_figure(quality(), {"judge-1": LONG}, width=width),
    "fits of seventy": lambda width: fit_quality_figure(quality(70), {}, width=width),
    "data": lambda width: properties_figure(*data_tables(), PROPERTIES, width=width),
    "pair": waterfall,
    "pair of one judge": lambda width: waterfall(width, ("one",), 1, LONG),
}


def assert_heads_have_room(figure) -> None:
    """Slanted texts stay on the page, a line apart; then they are hidden, for their boxes overlap without a fault."""
    figure.draw_without_rendering()
    slanted = [text for text in texts(figure) if 0 < text.get_rotation() < 90]
    places = sorted(text.get_position()[0] for text in slanted)
    for text in slanted:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text.get_text()
    for place, other in zip(places, places[1:], strict=False):
        assert (other - place) * np.sin(np.deg2rad(slanted[0].get_rotation())) * 72 >= slanted[0].get_size()
    for text in slanted:
        text.set_visible(False)


@pytest.mark.parametrize("width", [COLUMN, PAGE], ids=["column", "page"])
@pytest.mark.parametrize("name", FIGURES)
def test_texts_have_room(name, width):
    figure = FIGURES[name](width=width)
    with style.figure_style():  # as it is saved
        assert_heads_have_room(figure)
        assert_text_has_room(figure)
    assert figure.get_figwidth() <= max(width, 7.1 if name == "data" else 0) + 1e-6


@pytest.mark.study
@pytest.mark.parametrize("name", ["difference", "shifts", "aligned", "top", "kinds", "fits", "data", "pair"])
def test_the_same_input_gives_the_same_bytes(name, tmp_path):
    for number in range(2):
        save_figure(FIGURES[name](width=PAGE), tmp_path / f"{number}.pdf", tmp_path / f"{number}.png", dpi=60)
    for form in ("pdf", "png"):
        assert (tmp_path / f"0.{form}").read_bytes() == (tmp_path / f"1.{form}").read_bytes()


# ---- differences


def values_of(figure) -> list[float]:
    return [x for line in figure.axes[0].lines if line.get_marker() == "o" for x in line.get_xdata()]


def rows_of(figure) -> list[str]:
    return [tick.get_text().replace("\n", " ") for tick in figure.axes[0].get_yticklabels()]


def test_a_difference_is_sorted_and_drawn_at_its_value():
    figure, table = difference(), difference_table()
    order = table.sort_values("value", ascending=False)["property"]
    assert rows_of(figure) == [PROPERTIES[name] for name in order]
    assert sorted(values_of(figure)) == pytest.approx(sorted(table["value"]))
    assert "GPT-4valuesitmore" in joined(figure) and "Humanvaluesitmore" in joined(figure)
    low, high = figure.axes[0].get_xlim()
    assert low < table["q025"].min() and high > table["q975"].max()


def test_a_difference_is_hollow_exactly_where_its_interval_holds_zero():
    table = difference_table()
    lines = [line for line in difference().axes[0].lines if line.get_marker() == "o"]
    hollow = [x for line in lines if to_hex(line.get_markerfacecolor()) == "#ffffff" for x in line.get_xdata()]
    unsure = table[(table["q025"] <= 0) & (table["q975"] >= 0)]["value"]
    assert 0 < len(unsure) < len(table) and sorted(hollow) == pytest.approx(sorted(unsure))
    plain = difference(mark_unsure=False).axes[0].lines
    assert all(to_hex(line.get_markerfacecolor()) != "#ffffff" for line in plain if line.get_marker() == "o")


def test_many_equal_properties_become_a_footnote():
    table = difference_table()
    table.loc[:9, ["value", "q025", "q975"]] = 0.0
    figure = difference(table=table)
    assert len(rows_of(figure)) == len(table) - 10 and "10furtherpropertieswithoutanydifference" in joined(figure)


def test_a_table_of_differences_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="lacks column `q025`"):
        difference(table=difference_table().drop(columns="q025"))
    with pytest.raises(InputError, match="several rows for property `harmless"):
        difference(table=pd.concat([difference_table()] * 2))


def test_shifts_are_means_of_means_and_name_what_moved_most():
    table = shifts()
    figure = aligned_shifts_figure(table, {"base-2": "Base two"}, PROPERTIES, group="Code")
    expected = table.groupby(["property", "base"])["value"].mean().groupby("property").mean()
    assert rows_of(figure) == [PROPERTIES[name] for name in expected.sort_values(ascending=False).index]
    assert {"versions of Base two, which moved most", "mean without Base two"} <= legend_labels(figure)
    large = [line for line in figure.axes[0].lines if line.get_marker() == "o" and line.get_markersize() > 4]
    assert sorted(large[0].get_xdata()) == pytest.approx(sorted(expected))


def test_without_a_version_in_the_group_the_figures_say_so():
    one = aligned_shifts_figure(shifts().iloc[:0], {}, PROPERTIES, group="Code")
    other = aligned_similarity_figure(versions().iloc[:0], {}, group="Code")
    assert all("noalignedjudgewasfitted" in joined(figure) for figure in (one, other))


def test_aligned_similarity_prints_means_per_base_model():
    table = versions(6)
    figure = aligned_similarity_figure(table, {}, group="Code")
    found = {text.get_text() for text in texts(figure)}
    assert {f"{value:.3f}" for value in table.groupby("base")["value"].mean()} <= found
    assert rows_of(figure)[0] == "model-0" and rows_of(figure)[1] == "↳ model-0-chat-0"


# ---- top properties, kinds, fits, data, pairs


def test_top_properties_are_ranked_per_group():
    degrees = {"harmless": 70.0, "friendly": 60.0, "polite": 55.0, "funny": 52.0, "clear": 50.0, "lengthy": 40.0}
    table = pd.DataFrame({"property": list(degrees), "degree": list(degrees.values()), "group": "g", "n_pairs": 10})
    table["word"] = ["rewards", "rewards", "not distinguishable", "rewards", "no interval", "penalises"]
    figure = top_properties_figure(table, PROPERTIES, judge="J", groups=["g"])
    axes = figure.axes[0]
    ranks = {round(text.get_position()[1], 3): text.get_text() for text in axes.texts}
    shown = dict(zip(rows_of(figure), axes.get_yticks(), strict=True))
    assert list(shown) == ["harmless", "friendly", "funny", "lengthy"]
    assert [ranks[round(place, 3)] for place in shown.values()] == ["1", "2", "3", "1"]


def test_a_judge_without_any_effect_has_a_figure_that_says_so():
    table = coefficients(["j"]).assign(group="g", degree=50.0)
    figure = top_properties_figure(table, PROPERTIES, judge="Coin")
    assert "Nopropertyisdistinguishable" in joined(figure)


def test_kinds_show_means_and_counts():
    judges = list("abcd")
    pairs = [
        (*pair, value) for pair, value in zip(combinations(judges, 2), [0.9, 0.5, 0.4, 0.3, 0.2, 0.8], strict=True)
    ]
    table = pd.DataFrame(pairs, columns=["judge_1", "judge_2", "value"])
    figure = attribute_similarity_figure(
        table, pd.DataFrame({"size": ["7", "7", "70", "70"]}, index=judges), group="Code", notes={"size": "Said so."}
    )
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert found == [".90", "1", ".35", "4", ".80", "1"]
    assert "within0.85,between0.35" in joined(figure) and "Saidso." in joined(figure)


def test_fits_say_what_was_not_fitted_and_sort_many():
    table = quality(3)
    table.loc[1, ["accuracy", "skipped"]] = np.nan, "too few pairs"
    figure = fit_quality_figure(table, {"judge-1": "Second"})
    assert "Notfitted:Second." in joined(figure) and rows_of(figure) == ["judge-0", "judge-2"]
    many = fit_quality_figure(quality(20), {})
    accuracy = quality(20).sort_values("accuracy", ascending=False)["judge"]
    assert rows_of(many) == list(accuracy)
    with pytest.raises(InputError, match="no group `Code`"):
        fit_quality_figure(table, {}, group="Code")


def test_data_are_sorted_by_how_often_they_differ():
    statistics, correlations = data_tables()
    figure = properties_figure(statistics, correlations, PROPERTIES)
    order = statistics.sort_values("frequency", ascending=False)["property"]
    labels = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert labels == [f"{k}  {PROPERTIES[name]}" for k, name in enumerate(order, start=1)]
    strong = int((correlations["correlation"].abs() >= 0.5).sum())
    assert f"{strong}of406pairs" in joined(figure)


def test_the_weakest_contributions_share_a_bar_and_the_sum_holds_them():
    texts = joined(waterfall(judges=("one",), n=29))
    total = np.random.default_rng(1).normal(size=29).sum()
    assert "21weakerones" in texts and f"{total:+.2f}".replace("-", "−") in texts
    assert "weaker" not in joined(waterfall(judges=("one",), n=9))


def test_a_waterfall_ends_at_the_sum_and_quotes_only_the_beginning():
    figure = waterfall(judges=("one",), n=3)
    values = np.random.default_rng(1).normal(size=3)
    assert figure.axes[0].lines[-1].get_xdata()[0] == pytest.approx(values.sum())
    said = joined(figure)
    assert "itchoseA" in said and "Judgeone:thefitgives" in said and "silent:nodifferencecounts" in said
    assert "…" in said and "Why$x_1$?" in said and "(empty)" in said
    with pytest.raises(InputError, match="several rows"):
        table = pd.DataFrame([("one", "clear", 1.0)] * 2, columns=["judge", "property", "log_odds"])
        waterfall_figure(table, {}, PROPERTIES, judges=["one"], texts={}, title="t", group="g")


# ---- the look of a study


def test_the_look_of_the_study_holds_for_a_block_and_is_put_back():
    with style.use_look(style.Look(palette="grey", font="DejaVu Serif")):
        assert style.palette() == style.PALETTES["grey"] and style.similarity_colours() == "Greys"
        assert style.font_families()[0] == "DejaVu Serif"
        figure = difference()
        with style.figure_style():
            assert_text_has_room(figure)
        colours = {to_hex(line.get_markeredgecolor()) for line in figure.axes[0].lines if line.get_marker() == "o"}
        assert all(c[1:3] == c[3:5] == c[5:7] for c in colours)
    assert style.palette() == style.PALETTE and style.font_families()[0] == style.FONT


def test_a_font_that_is_not_there_is_refused_with_a_hint():
    with (
        pytest.raises(InputError, match="font `DejaVu Sanz` is not installed .*DejaVu Sans"),
        style.use_look(style.Look(font="DejaVu Sanz")),
    ):
        pass


@pytest.mark.parametrize("colours", style.PALETTES)
def test_palettes_have_six_different_colours(colours):
    assert len(set(style.PALETTES[colours])) == len(style.MARKERS) == 6


def test_group_similarity_names_groups_that_have_no_value():
    table, linkage, _ = similarities(["Code", "Advice", "Others"])
    figure = similarity_figure(
        table.iloc[1:], linkage, {g: g for g in ("Code", "Advice", "Others")}, title="t", items="groups"
    )
    assert "no value (1 pair of groups)" in legend_labels(figure)
