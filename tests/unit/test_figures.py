"""Figures: what they show, that text is literal and has room, and that the same input gives the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from prefdissect.catalogue import load_catalogue
from prefdissect.errors import InputError
from prefdissect.figures import style
from prefdissect.figures.degree import degree_figure
from prefdissect.figures.heatmap import similarity_figure
from prefdissect.figures.saving import save_figure

JUDGES = ["human", "gpt-4", "llama-2-70b-chat", "qwen-7b"]
LABELS = {"human": "Human", "gpt-4": "GPT-4-Turbo", "llama-2-70b-chat": "LLaMA-2-70B-chat", "qwen-7b": "Qwen-7B"}
PROPERTIES = {name: prop.label for name, prop in load_catalogue().items()}
ODD = "_a $x_1^2$ 100 % \\frac{1}{2} судья"


def coefficients(judges=JUDGES, properties=PROPERTIES, seed: int = 1) -> pd.DataFrame:
    """Rows of table `coefficients` with effects of a realistic size and spread."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product([judges, list(properties)], names=["judge", "property"])
    alpha, sd = rng.laplace(0, 0.25, len(keys)), rng.uniform(0.05, 0.15, len(keys))
    low, high = alpha - 1.96 * sd, alpha + 1.96 * sd
    word = np.select([low > 0, high < 0], ["rewards", "penalises"], "not distinguishable")
    degrees = {"degree": alpha, "degree_q025": low, "degree_q975": high}
    table = pd.DataFrame({name: 100 / (1 + np.exp(-values)) for name, values in degrees.items()}, index=keys)
    return table.assign(word=word, n_pairs=400).reset_index()


def similarities(judges: list[str], seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Upper triangle of a correlation matrix, its table `linkage`, and three clusters."""
    rng = np.random.default_rng(seed)
    n = len(judges)
    values = np.corrcoef(rng.normal(size=(3, 29))[rng.integers(3, size=n)] + rng.normal(size=(n, 29)))
    pairs = [(a, b, values[i, j]) for (i, a), (j, b) in combinations(enumerate(judges), 2)]
    distances = squareform(1 - values, checks=False)
    merges = hierarchy.optimal_leaf_ordering(hierarchy.linkage(distances, "average"), distances)
    table = pd.DataFrame(merges, columns=["left", "right", "height", "size"])
    table = table.assign(node=range(n, 2 * n - 1), support=np.linspace(0.5, 1, n - 1))
    clusters = dict(zip(judges, hierarchy.fcluster(merges, 3, "maxclust").tolist(), strict=True))
    return pd.DataFrame(pairs, columns=["judge_1", "judge_2", "value"]), table, clusters


def sixty_five() -> list[str]:
    models = [f"ChatGPT-{number:04d}" for number in range(13)]
    prompts = ["Vanilla", "Metrics_Reference", "CoT", "Swap", "Rules_Metrics"]
    return [f"{model}/{prompt}" for model in models for prompt in prompts]


def texts(figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def joined(figure) -> str:
    """All text of a figure, with the line breaks of wrapping removed, so that a label is found wherever it broke."""
    return "".join(text.get_text().replace("\n", "").replace(" ", "") for text in texts(figure))


def legend_labels(figure) -> set[str]:
    return {text.get_text().replace("\n", " ") for legend in figure.legends for text in legend.get_texts()}


def assert_text_has_room(figure) -> None:
    """No text reaches beyond the page, and none lies on another."""
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text
    for (text, box), (other, other_box) in combinations(boxes, 2):
        across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        down = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        assert across < 1.5 or down < 1.5, f"`{text}` lies on `{other}`"


# ---- degree of preference


def rows_of(figure) -> list[str]:
    return [tick.get_text().replace("\n", " ") for tick in figure.axes[0].get_yticklabels()]


def dots_of(figure, judge_number: int) -> dict[str, list]:
    """Dots of a judge by how they are filled."""
    marker = style.MARKERS[judge_number]
    lines = [line for line in figure.axes[0].lines if line.get_marker() == marker]
    found = {"hollow": [], "filled": []}
    for line in lines:
        kind = "hollow" if to_hex(line.get_markerfacecolor()) == "#ffffff" else "filled"
        found[kind] += list(line.get_xdata())
    return found


def test_degree_shows_every_judge_and_property():
    figure = degree_figure(coefficients(), LABELS, PROPERTIES, group="Communication", judges=JUDGES)
    assert legend_labels(figure) == set(LABELS.values())
    assert sorted(rows_of(figure)) == sorted(PROPERTIES.values())
    for number in range(4):
        assert sum(len(dots) for dots in dots_of(figure, number).values()) == 29
    for word in ("Communication", "400pairs", "95\u00a0%intervals", "←penalised", "rewarded→", "neutral"):
        assert word in joined(figure)


def test_degree_rows_are_sorted_by_the_largest_distance_from_neutral():
    table = coefficients(["human", "gpt-4"])
    figure = degree_figure(table, LABELS, PROPERTIES, group="Advice", judges=["human", "gpt-4"])
    largest = (table["degree"] - 50).abs().groupby(table["property"]).max().sort_values(ascending=False)
    assert rows_of(figure) == [PROPERTIES[name] for name in largest.index]
    tops = figure.axes[0].get_yticks()
    assert list(tops) == sorted(tops) and figure.axes[0].yaxis_inverted()


def test_degree_is_hollow_exactly_where_not_distinguishable():
    table = coefficients(["human"])
    dots = dots_of(degree_figure(table, LABELS, PROPERTIES, group="Advice", judges=["human"]), 0)
    unsure = table["word"] == "not distinguishable"
    assert 0 < unsure.sum() < len(table)
    assert sorted(dots["hollow"]) == sorted(table.loc[unsure, "degree"])
    assert sorted(dots["filled"]) == sorted(table.loc[~unsure, "degree"])


def test_degree_axis_is_symmetric_and_holds_every_interval():
    table = coefficients()
    low, high = degree_figure(table, LABELS, PROPERTIES, group="Code", judges=JUDGES).axes[0].get_xlim()
    assert low + high == pytest.approx(100)
    assert low < table["degree_q025"].min() and high > table["degree_q975"].max()
    assert high - 50 < 1.1 * (table[["degree_q025", "degree_q975"]] - 50).abs().to_numpy().max()


def test_degree_names_pairs_per_judge_where_they_differ_and_judges_without_a_fit():
    table = coefficients(["human", "gpt-4"])
    table.loc[table["judge"] == "gpt-4", "n_pairs"] = 1372
    figure = degree_figure(table, LABELS, PROPERTIES, group="Code", judges=["human", "gpt-4", "qwen-7b"])
    assert legend_labels(figure) == {"Human (400 pairs)", "GPT-4-Turbo (1,372 pairs)", "Qwen-7B (not fitted)"}


@pytest.mark.parametrize(("neutral", "shown"), [(15, 29), (16, 13), (29, 29)])
def test_degree_collapses_many_neutral_rows_into_a_footnote(neutral, shown):
    table = coefficients(["human"])
    table.loc[table.index[:neutral], ["degree", "degree_q025", "degree_q975"]] = 50.0
    table.loc[table.index[:neutral], "word"] = "not distinguishable"
    figure = degree_figure(table, LABELS, PROPERTIES, group="Code", judges=["human"])
    assert len(rows_of(figure)) == shown
    note = f"{neutral} further properties at 50 for every judge shown.".replace(" ", "")
    assert (note in joined(figure)) == (shown < 29)


def test_degree_without_intervals_says_so_and_draws_no_line():
    table = coefficients(["human"]).assign(degree_q025=np.nan, degree_q975=np.nan, word="no interval")
    figure = degree_figure(table, LABELS, PROPERTIES, group="Code", judges=["human"])
    assert "Nointervals" in joined(figure) and "Hollow" not in joined(figure)
    assert len(dots_of(figure, 0)["filled"]) == 29


def test_degree_with_no_fit_at_all_is_a_figure_that_says_so():
    figure = degree_figure(coefficients(["human"]), LABELS, PROPERTIES, group="Code", judges=["gpt-4"])
    assert "Nojudgeshownhasafitforthisgroup" in joined(figure)


def test_degree_refuses_bad_input():
    table = coefficients(["human"])
    with pytest.raises(InputError, match="several rows for judge `human`, property `harmless`"):
        degree_figure(pd.concat([table, table]), LABELS, PROPERTIES, group="Code", judges=["human"])
    with pytest.raises(InputError, match="lacks column `word`"):
        degree_figure(table.drop(columns="word"), LABELS, PROPERTIES, group="Code", judges=["human"])
    for judges in ([], list("abcdefg"), ["human", "human"]):
        with pytest.raises(InputError, match="1 to 6 different judges"):
            degree_figure(table, LABELS, PROPERTIES, group="Code", judges=judges)


# ---- similarity


def test_similarity_shows_values_and_labels_in_the_order_of_the_linkage():
    judges = ["a", "b", "c", "d"]
    table, linkage, clusters = similarities(judges)
    figure = similarity_figure(table, linkage, {j: j.upper() for j in judges}, title="Alike", clusters=clusters)
    heat = figure.axes[1]
    leaves = hierarchy.leaves_list(linkage[["left", "right", "height", "size"]].to_numpy())
    order = [judges[leaf].upper() for leaf in leaves]
    assert [tick.get_text() for tick in heat.get_yticklabels()] == order
    assert [tick.get_text() for tick in heat.get_xticklabels()] == order
    cells = {text.get_position(): text.get_text() for text in heat.texts if text.get_weight() != "bold"}
    assert len(cells) == 12
    for first, second, value in table.itertuples(index=False):
        place = order.index(first.upper()), order.index(second.upper())
        assert cells[place] == cells[place[::-1]] == f"{value:.2f}".replace("-", "−")


def test_similarity_accepts_a_scipy_array_and_no_linkage():
    table, linkage, _ = similarities(["a", "b", "c", "d"])
    labels = {name: name for name in "abcd"}
    array = linkage[["left", "right", "height", "size"]].to_numpy()
    by_table = similarity_figure(table, linkage.drop(columns="support"), labels, title="t")
    by_array = similarity_figure(table, array, labels, title="t")
    order = [[tick.get_text() for tick in figure.axes[1].get_yticklabels()] for figure in (by_table, by_array)]
    assert order[0] == order[1]
    flat = similarity_figure(table, None, labels, title="t")
    assert [tick.get_text() for tick in flat.axes[1].get_yticklabels()] == list("abcd")


def test_similarity_marks_and_counts_missing_values():
    table, linkage, _ = similarities(["a", "b", "c", "d"])
    labels = {name: name for name in "abcd"}
    full = similarity_figure(table, linkage, labels, title="t")
    table.loc[2, "value"] = np.nan
    gap = similarity_figure(table.drop(index=4), linkage, labels, title="t")
    hatched = [[p for p in figure.axes[1].patches if p.get_hatch()] for figure in (full, gap)]
    assert [len(patches) for patches in hatched] == [0, 4]
    assert "no value (2 pairs of judges)" in legend_labels(gap)
    assert not any("no value" in label for label in legend_labels(full))


def test_similarity_borders_clusters_and_dots_sure_branches():
    judges = list("abcdefgh")
    table, linkage, clusters = similarities(judges)
    labels = {name: name for name in judges}
    clusters["a"] = None
    figure = similarity_figure(table, linkage, labels, title="t", clusters=clusters)
    heat, tree = figure.axes[1], figure.axes[-1]
    numbers = {text.get_text() for text in heat.texts if text.get_weight() == "bold"}
    assert numbers == {str(cluster) for cluster in clusters.values() if cluster is not None}
    assert "branch found in at least 95\u00a0% of the resamples" in legend_labels(figure)
    assert len(tree.lines[0].get_xdata()) == (linkage["support"] >= 0.95).sum()
    top = linkage.loc[linkage["support"] >= 0.95, "height"]
    assert sorted(tree.lines[0].get_xdata()) == pytest.approx(sorted(top))


def test_similarity_side_bars_are_numbered_and_explained():
    judges = list("abcd")
    table, linkage, _ = similarities(judges)
    bars = pd.DataFrame({"judge": judges[:3], "family": ["x", "y", "x"], "size": [7.0, 13.0, np.nan]})
    figure = similarity_figure(table, linkage, {j: j for j in judges}, title="t", attributes=bars)
    assert {"1: x", "2: y", "unknown"} <= legend_labels(figure)
    assert {"7", "13"} <= {text.get_text() for text in texts(figure)} and "size:thenumber" in joined(figure)
    with pytest.raises(InputError, match="at most 3"):
        bars = bars.assign(p=1, q=2)
        similarity_figure(table, linkage, {j: j for j in judges}, title="t", attributes=bars)


def test_similarity_refuses_bad_input():
    table, linkage, _ = similarities(["a", "b", "c"])
    labels = {name: name for name in "abc"}
    with pytest.raises(InputError, match="lacks column `value`"):
        similarity_figure(table.drop(columns="value"), linkage, labels, title="t")
    with pytest.raises(InputError, match="several values for judges `a` and `b`"):
        similarity_figure(pd.concat([table, table]), linkage, labels, title="t")
    swapped = table.rename(columns={"judge_1": "judge_2", "judge_2": "judge_1"}).assign(value=0.0)
    with pytest.raises(InputError, match="two different values for judges"):
        similarity_figure(pd.concat([table, swapped]), linkage, labels, title="t")
    with pytest.raises(InputError, match="does not fit 2 judges"):
        similarity_figure(table, linkage, labels, title="t", judges=["a", "b"])
    with pytest.raises(InputError, match="linkage is not valid"):
        similarity_figure(table, linkage.assign(left=[0, 0]), labels, title="t")
    with pytest.raises(InputError, match="one or more different judges"):
        similarity_figure(table, None, {}, title="t")


@pytest.mark.study
def test_sixty_five_judges_are_drawn_in_seconds_with_room_for_every_label(tmp_path):
    judges = sixty_five()
    table, linkage, clusters = similarities(judges)
    started = time.process_time()
    figure = similarity_figure(table, linkage, {j: j for j in judges}, title="LLMBar", clusters=clusters)
    ticks = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    save_figure(figure, tmp_path / "a.pdf", tmp_path / "a.png")
    assert time.process_time() - started < 10
    assert sorted(ticks) == sorted(judges)


# ---- text


def odd_figures():
    long_label = "a label that is far too long for one line " * 3 + "and/goes_on-without_a_blank" * 4
    labels = LABELS | {"human": ODD, "gpt-4": long_label}
    properties = PROPERTIES | {"lengthy": long_label, "clear": ODD}
    yield degree_figure(coefficients(), labels, properties, group=ODD, judges=JUDGES)
    yield degree_figure(coefficients(), labels, properties, group=ODD, judges=JUDGES[:2], width=3.5)
    table, linkage, clusters = similarities(JUDGES)
    bars = pd.DataFrame({ODD: [ODD, "y", "z", "z"]}, index=JUDGES)
    kwargs = {"title": ODD, "subtitle": ODD, "clusters": clusters, "attributes": bars}
    yield similarity_figure(table, linkage, labels, **kwargs)


def test_text_is_literal_complete_and_has_room():
    for figure in odd_figures():
        assert not any(text.get_parse_math() for text in texts(figure))
        found = joined(figure)
        assert ODD.replace(" ", "") in found
        assert ("a label that is far too long for one line" * 3).replace(" ", "") in found
        assert "and/goes_on-without_a_blank" * 4 in found
        assert_text_has_room(figure)


def test_usual_figures_have_room_for_their_text():
    figure = degree_figure(coefficients(), LABELS, PROPERTIES, group="Communication", judges=JUDGES)
    assert figure.get_size_inches()[0] == 7
    assert_text_has_room(figure)
    one = {"lengthy": "lengthy"}
    small = degree_figure(coefficients(["human"], one), LABELS, one, group="Code", judges=["human"])
    assert small.get_size_inches()[1] < 2 < figure.get_size_inches()[1]
    assert_text_has_room(small)
    for n in (1, 3, 20):
        judges = sixty_five()[:n]
        table, linkage, _ = similarities(judges) if n > 1 else (similarities(["a", "b"])[0], None, None)
        assert_text_has_room(similarity_figure(table, linkage, {j: j for j in judges}, title="Alike"))


def test_wrap_keeps_every_character_and_the_width():
    for text in ("one two three four five", "no_blank/at-all" * 9, "x" * 200, "", "95\u00a0% of it"):
        lines = style.wrap(text, 8, 0.9)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(style.text_width(line, 8) <= 0.9 for line in lines)
    assert style.wrap("at least 95\u00a0% of it", 8, 0.6) == ["at least", "95\u00a0% of it"]


def test_characters_without_a_glyph_are_named():
    assert style.printable("a\t\n b") == "a b"
    assert style.printable("lone \ud800 and \U000f0000") == "lone \\ud800 and \\U000f0000"


def test_palette_and_markers_tell_six_judges_apart():
    assert len(set(style.PALETTE)) == len(set(style.MARKERS)) == len(style.PALETTE) == 6


# ---- saving


def save_both(folder: Path) -> list[bytes]:
    table, linkage, clusters = similarities(JUDGES)
    few = {name: PROPERTIES[name] for name in ("clear", "lengthy", "polite")}
    figures = (
        degree_figure(coefficients(properties=few), LABELS, PROPERTIES, group="Code", judges=JUDGES),
        similarity_figure(table.drop(index=1), linkage, LABELS, title="Alike", clusters=clusters),
    )
    files = []
    for number, figure in enumerate(figures):
        paths = folder / f"{number}.pdf", folder / "new" / f"{number}.png"
        save_figure(figure, *paths, dpi=50)
        files += [path.read_bytes() for path in paths]
    return files


@pytest.mark.study
def test_same_input_same_bytes_on_every_day_in_every_process_under_all_settings(tmp_path, root):
    first = save_both(tmp_path / "a")
    code = (
        "import sys, pathlib, matplotlib; from test_figures import save_both;"
        "matplotlib.rcParams.update({'font.size': 30, 'text.parse_math': True, 'savefig.bbox': 'tight'});"
        "matplotlib.rcParams.update({'pdf.fonttype': 3, 'axes.grid': True});"
        "save_both(pathlib.Path(sys.argv[1]))"
    )
    path = os.pathsep.join([str(root / "scripts"), str(root / "tests" / "unit")])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1500000000"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], env=environment, check=True)
    names = ("0.pdf", "new/0.png", "1.pdf", "new/1.png")
    assert first == [(tmp_path / "b" / name).read_bytes() for name in names]


def test_a_figure_leaves_the_settings_alone_and_needs_no_pyplot(tmp_path):
    before = dict(matplotlib.rcParams)
    few = {"clear": "clear"}
    degree_figure(coefficients(["human"], few), LABELS, few, group="Code", judges=["human"])
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_files_embed_truetype_fonts_hold_no_stamp_and_the_figure_is_released(tmp_path):
    figure = degree_figure(coefficients(), LABELS, PROPERTIES, group="Code", judges=JUDGES)
    save_figure(figure, tmp_path / "a.pdf", tmp_path / "a.png", dpi=100)
    pdf, png = (tmp_path / "a.pdf").read_bytes(), (tmp_path / "a.png").read_bytes()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"CreationDate" not in pdf
    assert int.from_bytes(png[16:20], "big") == 700
    assert b"Software" not in png
    assert not figure.axes
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pdf", "a.png"]


def test_a_figure_that_fails_to_draw_leaves_the_old_file(tmp_path, monkeypatch):
    figure = degree_figure(coefficients(), LABELS, PROPERTIES, group="Code", judges=JUDGES)
    (tmp_path / "a.pdf").write_bytes(b"old")

    def fail(handle, **kwargs):
        handle.write(b"half")
        raise RuntimeError("disk")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(RuntimeError, match="disk"):
        save_figure(figure, tmp_path / "a.pdf", tmp_path / "a.png")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.pdf", b"old")]
