"""The figure of how judges behave: which columns it has, what it prints, and that nothing lies on anything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from prefdissect.errors import InputError
from prefdissect.figures.datasheet import MEASURES, MOST_IN_STUDY_ORDER, datasheet_figure
from prefdissect.figures.saving import save_figure
from prefdissect.figures.style import figure_style

USUAL = ["flipped", "first_slot", "undecided", "picks_longer", "mass", "agreement"]
pytestmark = pytest.mark.filterwarnings("error")


def datasheet(n: int, measures=USUAL, seed: int = 1, group: str = "pooled") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"judge": [f"judge-{k}" for k in range(n)], "group": group, "n_pairs": 400})
    for measure in MEASURES:
        value = rng.uniform(0.1, 0.9, n) if measure.name in measures else np.full(n, np.nan)
        table = table.assign(
            **{measure.name: value, f"{measure.name}_q025": value - 0.04, f"{measure.name}_q975": value + 0.04}
        )
    return table


def shown_texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def joined(figure) -> str:
    return " ".join(" ".join(shown_texts(figure)).split())


def rows_of(figure) -> list[str]:
    """Labels of the rows, from the top down."""
    labels = [text for text in figure.axes[0].texts if text.get_position()[0] < 0.1]
    return [text.get_text() for text in sorted(labels, key=lambda text: text.get_position()[1])]


def dots_of(figure) -> dict[str, int]:
    found = {"hollow": 0, "filled": 0}
    for line in figure.axes[0].lines:
        found["hollow" if to_hex(line.get_markerfacecolor()) == "#ffffff" else "filled"] += len(line.get_xdata())
    return found


def assert_text_has_room(figure) -> None:
    """No text reaches beyond the page, and none lies on another."""
    with figure_style():  # as it is saved
        figure.draw_without_rendering()
    boxes = [(t.get_text(), t.get_window_extent()) for t in figure.findobj(Text) if t.get_text().strip()]
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text
    for (text, box), (other, other_box) in combinations(boxes, 2):
        across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        down = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        assert across < 1.5 or down < 1.5, f"`{text}` lies on `{other}`"


@pytest.mark.parametrize("n", [1, 5, 13, 65])
def test_texts_have_room_however_many_judges(n):
    text = "Model_{}-70B-chat asked with the rules of the appendix, two_examples"
    long = {f"judge-{k}": text.format(k) for k in range(n)}
    table = datasheet(n, [measure.name for measure in MEASURES])
    figure = datasheet_figure(table, long, human="judge-0")
    assert_text_has_room(figure)
    assert len(rows_of(figure)) == n and sum(dots_of(figure).values()) == n * len(MEASURES)


@pytest.mark.parametrize("measures", [USUAL[:1], USUAL[:3], USUAL])
def test_texts_have_room_with_short_labels_and_few_columns(measures):
    assert_text_has_room(datasheet_figure(datasheet(5, measures), {"judge-0": "a"}))


def test_only_measures_that_exist_have_a_column():
    text = joined(datasheet_figure(datasheet(3, ["flipped", "undecided"]), {}))
    assert "flipped" in text and "undecided" in text
    assert not any(
        word in text for word in ("first slot", "longer wins", "token mass", "agrees", "repeatable", "Thick")
    )


def test_lost_requests_have_a_column_only_where_they_matter():
    table = datasheet(3)
    assert "unparsed" not in joined(datasheet_figure(table.assign(unparsed=[0, 0.04, 0], failed=0), {}))
    text = joined(datasheet_figure(table.assign(unparsed=[0, 0.05, 0], failed=0), {}))
    assert "unparsed" in text and "failed" not in text


def test_values_are_printed_and_what_does_not_apply_is_a_dash():
    table = datasheet(4, ["undecided", "mass"]).assign(mass=[np.nan, 0.0004, 0.9996, 1.0], undecided=0.314)
    texts = shown_texts(datasheet_figure(table, {}))
    assert texts.count("31") == 4
    assert texts.count("–") == 1 and texts.count("<1") == 1 and texts.count(">99") == 1
    assert texts.count("100") == 3  # two columns' scales, and a value


def test_dots_stand_at_their_values_and_bars_reach_from_the_neutral_one():
    table = datasheet(2, ["first_slot", "undecided"]).assign(first_slot=[0.25, 0.75], undecided=[0.25, 0.75])
    table[["first_slot_q025", "first_slot_q975"]] = np.nan
    axes = datasheet_figure(table, {}).axes[0]
    dots = [np.sort(line.get_xdata()) for line in axes.lines if len(line.get_xdata())]
    scales = [np.unique([x for x, _ in path.vertices]) for c in axes.collections[:2] for path in c.get_paths()]
    zero, one = float(scales[0][0]), float(scales[2][0])
    np.testing.assert_allclose(dots[0], [zero + (one - zero) * 0.25, zero + (one - zero) * 0.75])
    widths = [bar.get_width() / (one - zero) for bar in axes.patches if bar.get_height() < 0.2]
    np.testing.assert_allclose(widths, [-0.25, 0.25, 0.25, 0.75])


def test_a_dot_is_hollow_where_its_interval_holds_the_neutral_value():
    table = datasheet(3, ["first_slot", "undecided"]).assign(first_slot=[0.52, 0.58, 0.45], undecided=0.5)
    for end, step in (("_q025", -0.04), ("_q975", 0.04)):
        table[f"first_slot{end}"] = table["first_slot"] + step
    figure = datasheet_figure(table, {})
    assert dots_of(figure) == {"hollow": 1, "filled": 5}  # nothing is neutral about 50 % undecided
    assert "Hollow" in joined(figure)


def test_without_resamples_it_says_that_there_are_no_intervals():
    table = datasheet(3)
    table[[column for column in table if column.endswith(("q025", "q975"))]] = np.nan
    figure = datasheet_figure(table, {})
    assert "No intervals" in joined(figure) and dots_of(figure) == {"hollow": 0, "filled": 18}


def test_the_study_s_order_is_kept_and_many_judges_are_sorted_by_flips():
    few = datasheet(MOST_IN_STUDY_ORDER)
    assert rows_of(datasheet_figure(few, {})) == few["judge"].tolist()
    many = datasheet(MOST_IN_STUDY_ORDER + 1)
    many.loc[0, "flipped"] = np.nan
    figure = datasheet_figure(many, {})
    expected = many.sort_values("flipped")["judge"].tolist()
    assert rows_of(figure) == expected and expected[-1] == "judge-0" and "Sorted" in joined(figure)


def test_it_names_the_group_the_human_judge_and_the_judges():
    both = pd.concat([datasheet(2), datasheet(1, group="Code").assign(n_pairs=12)], ignore_index=True)
    text = joined(datasheet_figure(both, {"judge-0": "GPT_$4$", "judge-1": "Crowd"}, group="Code", human="judge-1"))
    for part in ("judge behaves: Code", "12 pairs", "GPT_$4$", "agrees with Crowd"):
        assert part in text
    assert "all pairs" in joined(datasheet_figure(both, {}))


def test_judges_without_any_measure_give_a_figure_that_says_so():
    assert "No judge gave a verdict" in joined(datasheet_figure(datasheet(2, []), {}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="mass_q025"), "lacks column `mass_q025`"),
        (lambda table: table.assign(group="Code"), "has no group `pooled`.*Code"),
        (lambda table: pd.concat([table, table]), "several rows for judge `judge-0`"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        datasheet_figure(change(datasheet(2)), {})


@pytest.mark.study
def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        figure = datasheet_figure(datasheet(3), {})
        save_figure(figure, tmp_path / f"{name}.pdf", tmp_path / f"{name}.png", dpi=60)
    for form in ("pdf", "png"):
        assert (tmp_path / f"one.{form}").read_bytes() == (tmp_path / f"two.{form}").read_bytes()
