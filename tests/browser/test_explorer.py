"""The explorer in a browser, on a study whose every text is hostile: what is seen must be what the tables say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from explorer import TIME_A_CHANGE, until

from exploring import ATTACKS, chunks_of, hostile_study
from prefdissect.explorer.container import pack
from prefdissect.explorer.page import render_page
from prefdissect.regression.contributions import probability_contributions
from prefdissect.tables import read_table
from running import ROOT, snakemake

pytestmark = pytest.mark.browser
VIEWS = {
    "map": "view=map",
    "judge": "view=judge&judge=longer",
    "property": "view=property&property=lengthy",
    "pairs": "view=pairs&differs=lengthy",
    "pair": "view=pair&pair=p003",
    "compare": "view=compare&judge=human&other=longer",
}


def visit(page, file: Path, state: str = "") -> None:
    page.goto(f"file://{file}#{state}")
    page.wait_for_selector("#main[data-drawn]")


def change(page, state: str) -> None:
    page.evaluate(TIME_A_CHANGE, state)


def heading(page) -> str:
    return page.locator("#main h2").first.inner_text()


def follow(page, locator) -> None:
    """Click, and wait until the next view stands."""
    before = page.get_attribute("#main", "data-drawn")
    locator.click()
    until(page, "before => document.getElementById('main').dataset.drawn !== before", before)


def test_opens_from_disk_without_fetching_anything(page, explorer):
    visit(page, explorer)
    for state in VIEWS.values():
        change(page, state)
    assert page.requests == [f"file://{explorer}#"] or page.requests == [f"file://{explorer}"]
    assert page.complaints == []


def test_the_policy_forbids_the_network(page, explorer):
    visit(page, explorer)
    refused = page.evaluate("fetch('https://example.org').then(() => 'fetched', (error) => String(error))")
    assert "Failed to fetch" in refused
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'ran = 1'; document.body.append(s); }"
    )
    assert page.evaluate("window.ran") is None


def test_drills_down_and_back(page, explorer):
    visit(page, explorer)
    follow(page, page.locator("#main table a", has_text="longer").first)
    assert heading(page).startswith("longer")
    follow(page, page.locator("#main figure a[data-tip^=lengthy]").first)
    assert heading(page) == "lengthy"
    follow(page, page.locator("#all-moved"))
    assert heading(page) == "Pairs" and page.locator("#clear-differs").inner_text().startswith("differ in: lengthy")
    first = page.locator("ol.pairs a.open").first
    name = first.inner_text()
    follow(page, first)
    assert heading(page) == f"Pair {name}"
    follow(page, page.locator("#main table a", has_text="longer").first)
    assert heading(page).startswith("longer")
    for expected in (f"Pair {name}", "Pairs", "lengthy", "longer", "Judges"):
        before = page.get_attribute("#main", "data-drawn")
        page.go_back()
        until(page, "before => document.getElementById('main').dataset.drawn !== before", before)
        assert heading(page).startswith(expected)
    page.go_forward()
    until(page, "document.querySelector('#main h2').textContent.startsWith('longer')")


def test_effects_are_those_of_the_table(page, explorer, folder):
    visit(page, explorer, VIEWS["judge"] + "&group=pooled")
    page.locator("#main details.data summary").first.click()
    row = page.locator("#main details.data table tr", has_text="lengthy").inner_text().split("\t")
    table = read_table(next(folder.glob("results/tiny/regression/*/coefficients.parquet")), "coefficients")
    (known,) = table[
        (table["judge"] == "longer") & (table["group"] == "pooled") & (table["property"] == "lengthy")
    ].itertuples()
    assert [float(row[1])] == pytest.approx([known.degree], abs=0.051)
    assert [float(part) for part in row[2].split(" to ")] == pytest.approx(
        [known.degree_q025, known.degree_q975], abs=0.051
    )
    assert row[3] == {"rewards": "rewarded", "not distinguishable": "cannot be told from neutral"}[known.word]


@pytest.fixture(scope="module")
def preferences(folder) -> pd.DataFrame:
    """Preference of every judge, by pair."""
    table = read_table(folder / "results/tiny/preferences.parquet", "preferences")
    return table.pivot(index="pair_id", columns="judge", values="preference")


def test_compares_two_judges(page, explorer, preferences):
    visit(page, explorer, VIEWS["compare"])
    both = preferences[preferences[["human", "longer"]].isin(["a", "b"]).all(axis=1)]
    parted = int((both["human"] != both["longer"]).sum())
    told = page.locator("#main .told").inner_text()
    assert f"Of {len(both)} pairs that both decided" in told and f"part on {parted}." in told
    follow(page, page.locator("#all-parted"))
    assert page.locator("#count").inner_text() == f"{parted} of 60 pairs"
    follow(page, page.locator("#level-compare"))
    assert page.locator("#main figure svg").count() == 2
    change(page, "view=compare&judge=longer")  # with the judge that is compared where nobody was chosen
    follow(page, page.locator("ol.pairs a.open").first)
    explained = page.locator("#main h3", has_text="Why").locator("xpath=..").inner_text()
    assert "longer" in explained and "human" in explained


def test_differences_are_mirrored_when_judges_change_places(page, explorer):
    visit(page, explorer, VIEWS["compare"])
    one = page.evaluate("study.differences(chosen.judge(), chosen.other(), chosen.group())")
    other = page.evaluate("study.differences(chosen.other(), chosen.judge(), chosen.group())")
    assert one and [row["value"] for row in one] == [-row["value"] for row in other]
    assert [row["low"] for row in one] == [-row["high"] for row in other]


def test_filters_count_what_the_tables_hold(page, explorer, folder, preferences):
    pairs = read_table(folder / "results/tiny/pairs.parquet", "pairs").set_index("pair_id")
    features = read_table(folder / "results/tiny/features.parquet", "features").pivot(
        index="pair_id", columns="property", values="sign"
    )
    scenario = pairs["scenario"].iloc[0]
    judged = preferences["longer"].map({"a": 1, "b": -1}).fillna(0).reindex(pairs.index)
    lengthy = features["lengthy"].reindex(pairs.index)
    texts = (pairs["prompt"] + "\n" + pairs["response_a"] + "\n" + pairs["response_b"]).str.lower()
    known = {
        "scenario": (pairs["scenario"] == scenario, f"scenario={scenario}"),
        "property": (lengthy != 0, "differs=lengthy"),
        "side": ((lengthy != 0) & (judged == lengthy) & (judged != 0), "judge=longer&differs=lengthy&side=with"),
        "text": (texts.str.contains("basil", regex=False), "q=Basil"),
        "author": (pairs["model_a"].notna(), f"author={pairs['model_a'].iloc[0]}"),
        "parted": (preferences["human"].ne(preferences["longer"]).reindex(pairs.index)
                   & preferences[["human", "longer"]].isin(["a", "b"]).all(axis=1).reindex(pairs.index),
                   "judge=human&other=longer&agree=parted"),
    }  # fmt: skip
    visit(page, explorer, "view=pairs")
    for name, (expected, state) in known.items():
        page.evaluate(
            "parts => { location.hash = new URLSearchParams(parts) }",
            [["view", "pairs"], *[part.split("=", 1) for part in state.split("&")]],
        )
        until(page, "n => document.getElementById('count')?.textContent.startsWith(n + ' of')", int(expected.sum()))
        assert expected.sum() > 0, name


def test_choices_show_how_many_pairs_they_would_leave(page, explorer):
    visit(page, explorer, "view=pairs&differs=lengthy")
    option = page.locator("#filter-side option[value=with]")
    count = int(option.inner_text().rsplit("(", 1)[1].rstrip(")"))
    before = int(page.locator("#count").inner_text().split()[0].replace(",", ""))
    assert 0 < count < before
    page.select_option("#filter-side", "with")
    until(page, "n => document.getElementById('count').textContent.startsWith(n + ' of')", count)


def test_an_empty_list_says_why_and_how_to_get_out(page, explorer):
    visit(page, explorer, "view=pairs&differs=lengthy&q=nowhere+to+be+found")
    empty = page.locator("#main .empty")
    assert "text holds nowhere to be found: no pair at all" in empty.inner_text()
    follow(page, empty.locator("a").first)
    assert page.locator("#main .empty").count() == 0 and page.locator("ol.pairs li").count() > 0


def test_typing_filters_and_keeps_the_place(page, explorer):
    visit(page, explorer, "view=pairs")
    steps = page.evaluate("history.length")
    page.locator("#filter-q").click()
    page.keyboard.type("hash table", delay=15)
    until(page, "document.getElementById('count').textContent.startsWith('15 of')")
    assert page.evaluate("document.activeElement.id") == "filter-q"
    assert page.input_value("#filter-q") == "hash table"
    assert page.evaluate("history.length") == steps


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_shows_what_its_sender_saw(browser, page, explorer, view):
    visit(page, explorer)
    change(page, VIEWS[view] + "&group=pooled&theme=dark&scale=probability&colour=family")
    sent = page.evaluate("location.href.split('#')[0] + link({ page: state.page })")
    other = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light").new_page()
    other.goto(sent)
    other.wait_for_selector("#main[data-drawn]")
    assert other.locator("body").inner_text() == page.locator("body").inner_text()
    assert other.locator("#main").inner_html() == page.locator("#main").inner_html()
    assert other.evaluate("document.documentElement.dataset.theme") == "dark"
    other.context.close()


def test_copies_the_link(page, explorer):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(page, explorer, VIEWS["pair"])
    page.locator("#copy-link").click()
    until(page, "document.getElementById('copy-link').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()").endswith("#view=pair&pair=p003")


def test_hostile_texts_stay_texts(page, explorer):
    visit(page, explorer)
    for state in [*VIEWS.values(), "view=map&colour=family", *(f"view=pair&pair=p{number:03d}" for number in range(8))]:
        change(page, state)
        page.wait_for_timeout(20)
    assert page.evaluate("window.hacked") is None and page.complaints == []
    assert page.locator("#main img, #main script, #main iframe, #main a[href^='javascript']").count() == 0
    for number, attack in enumerate(ATTACKS[:5]):
        change(page, f"view=pair&pair=p{number:03d}&diff=off")
        assert attack in page.locator("#main").inner_text()
    change(page, "view=pair&pair=p005")
    assert page.locator("#main .hidden-character", has_text="U+202E").count() >= 3
    change(page, "view=pair&pair=p006")
    assert "broken \ufffd and" in page.locator("#main").inner_text()
    assert page.locator("#main .hidden-character", has_text="U+200B").count() >= 3
    change(page, "view=pairs")
    assert "author B[U+202E]" in page.locator("#filter-author").inner_text()
    assert page.title().startswith("Pairs – Title </script>")


def test_halves_of_surrogates_are_shown_by_their_number(page, explorer):
    visit(page, explorer)
    shown = (
        "(text) => { const box = document.createElement('p'); box.append(...textNodes(text)); return box.textContent; }"
    )
    assert page.evaluate(shown, "a") == "a"
    assert page.evaluate(f"({shown})('x\\ud800y \\udc00 \\ud83d\\ude00')") == "xU+D800y U+DC00 😀"
    assert page.evaluate("visible('\\u202a\\u0007')") == "[U+202A][U+0007]"


def test_contributions_are_those_of_the_library(page, explorer):
    visit(page, explorer)
    rng = np.random.default_rng(3)
    terms = rng.normal(0, 1, (12, 9)) * rng.integers(0, 2, (12, 9))
    terms[0] = 0
    found = page.evaluate("rows => rows.map((row) => [...probabilityParts(Float64Array.from(row))])", terms.tolist())
    np.testing.assert_allclose(found, probability_contributions(terms), atol=1e-10)


def test_pairs_are_ranked_by_what_the_property_moves(page, explorer):
    """The ranking, made for all pairs at once, is that of taking each pair apart by itself."""
    visit(page, explorer, VIEWS["pairs"])
    both = page.evaluate(
        """() => { const j = chosen.judge(), g = chosen.group(), p = study.propertiesAt.get("lengthy");
        return pairs.ids.map((_, i) => { const found = logOdds(j, explainingGroup(j, g, i), i);
        const even = found.sum - found.terms[p];
        return [moved(j, g, p, i), 1 / (1 + Math.exp(-found.sum)) - 1 / (1 + Math.exp(-even))]; }); }"""
    )
    ranked, alone = np.array(both).T
    np.testing.assert_allclose(ranked, alone, atol=1e-12)
    assert np.abs(alone).max() > 0.01
    shown = page.locator("ol.pairs a.open").all_inner_texts()
    order = page.evaluate("pairs.ids")
    moves = [abs(alone[order.index(pair)]) for pair in shown]
    assert moves == sorted(moves, reverse=True)


def test_the_pair_is_explained_by_the_table_of_contributions(page, explorer, folder):
    run = snakemake(folder, hostile_study(folder), "contributions")
    assert run.code == 0, run.output
    table = read_table(next(folder.glob("results/tiny/regression/*/contributions.parquet")), "contributions")
    pairs = read_table(folder / "results/tiny/pairs.parquet", "pairs").set_index("pair_id")
    visit(page, explorer)
    for pair in ("p003", "p010"):
        rows = table[
            (table["pair_id"] == pair) & (table["judge"] == "longer") & (table["group"] == pairs.at[pair, "scenario"])
        ]
        page.evaluate("loadPairs()")
        found = page.evaluate(
            """([pair, group]) => { const j = study.judgesAt.get("longer"), g = study.groupsAt.get(group);
            const terms = logOdds(j, g, pairs.at.get(pair)).terms, parts = probabilityParts(terms);
            return study.properties.map((property, p) => [property.name, terms[p], parts[p]]); }""",
            [pair, pairs.at[pair, "scenario"]],
        )
        expected = {row.property: (row.log_odds, row.probability) for row in rows.itertuples()}
        for name, log_odds, probability in found:
            assert (log_odds, probability) == pytest.approx(expected.get(name, (0, 0)), abs=1e-6)


def test_downloads_the_view(page, explorer, tmp_path):
    visit(page, explorer, VIEWS["pairs"] + "&judge=coin")
    with page.expect_download() as caught:
        page.locator("#download-csv").click()
    caught.value.save_as(tmp_path / "pairs.csv")
    table = pd.read_csv(tmp_path / "pairs.csv")
    assert len(table) == int(page.locator("#count").inner_text().split()[0]) and "pair" in table
    assert caught.value.suggested_filename == "tiny-pairs.csv"
    with page.expect_download() as caught:
        page.locator("#download-svg").click()
    caught.value.save_as(tmp_path / "view.svg")
    drawn = (tmp_path / "view.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg") and "var(" not in drawn and "lengthy" in drawn and "<script" not in drawn


def test_a_formula_in_a_name_stays_a_text_in_the_csv(page, explorer):
    visit(page, explorer)
    cells = page.evaluate("['=1+1', '-2', 'a,\"b\"', -2.5, NaN].map(csvCell)")
    assert cells == ["'=1+1", "'-2", '"a,""b"""', "-2.5", ""]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_fits_the_window(page, explorer, width, theme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme)
    visit(page, explorer)
    for name, state in VIEWS.items():
        change(page, state)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert page.evaluate("document.documentElement.dataset.theme") == theme


def test_works_by_keyboard(page, explorer):
    visit(page, explorer, VIEWS["judge"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('figure') !== null"):
            break
    assert "lengthy" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "lengthy" in page.locator("#tip").inner_text()
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#main h2').textContent === 'lengthy'")


def test_every_term_is_explained_where_it_stands(page, explorer):
    visit(page, explorer)
    for state in VIEWS.values():
        change(page, state)
        terms = page.locator(".term")
        assert terms.count() > 0
        for text in terms.evaluate_all("all => all.map((term) => term.getAttribute('data-tip'))"):
            assert len(text) > 20, text
    page.locator("#main .term").first.focus()
    assert page.locator("#tip").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_what_cannot_be_told_is_hollow_and_grey(page, explorer):
    visit(page, explorer, "view=judge&judge=coin")
    dots = page.locator("#main figure circle").evaluate_all(
        "all => all.map((dot) => [dot.getAttribute('fill'), dot.getAttribute('stroke')])"
    )
    words = page.evaluate("effectRows(chosen.judge(), chosen.group()).map((row) => row.unsure)")
    assert len(dots) == len(words) and any(words)
    for (fill, stroke), unsure in zip(dots, words, strict=True):
        assert (fill == "var(--paper)" and stroke == "var(--grey)") == unsure


def test_without_texts_there_is_no_text_in_the_file(browser, folder, tmp_path_factory):
    config = hostile_study(folder) | {"explorer": {"texts": False}}
    run = snakemake(folder, config, "results/tiny/explorer.html", "--dry-run")
    assert set(run.jobs) == {"write_explorer"}
    kept = (folder / "results/tiny/explorer.html").read_bytes()
    assert snakemake(folder, config, "results/tiny/explorer.html").code == 0
    silent = tmp_path_factory.mktemp("silent") / "explorer.html"
    silent.write_bytes((folder / "results/tiny/explorer.html").read_bytes())
    (folder / "results/tiny/explorer.html").write_bytes(kept)
    chunks = chunks_of(silent)
    everything = silent.read_text(encoding="utf-8") + json.dumps([document for document, _ in chunks.values()])
    for words in ("basil", "hash table", "landlord", "birthday", "step by step. ", "more than one way"):
        assert words not in everything
    assert not any(name.startswith("texts") for name in chunks)
    page = browser.new_page()
    visit(page, silent, "view=pair&pair=p003")
    assert "Prompts and responses were left out of this page" in page.locator("#main").inner_text()
    change(page, "view=pairs&q=p00")
    assert page.locator("#count").inner_text().startswith("10 of")
    page.close()


def test_a_level_without_data_is_absent(browser, explorer, tmp_path):
    """The page of a study of published coefficients has no pairs, no datasheet and no fits of its own."""
    chunks = chunks_of(explorer)
    core, arrays = chunks["core"]
    core |= {"pairs": None, "measures": [], "skipped": []}
    kept = {name: array for name, array in arrays.items() if name not in ("datasheet", "quality")}
    parts = [("core", pack(core, kept)), ("differences", pack(*chunks["differences"]))]
    file = tmp_path / "published.html"
    file.write_text(render_page(ROOT / "workflow" / "explorer", "t", parts), encoding="utf-8")
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for state in ("", VIEWS["judge"], VIEWS["property"], VIEWS["compare"]):
        visit(page, file, state)
        assert page.locator("#main .empty[role=alert]").count() == 0
    assert page.locator("nav a").all_inner_texts() == ["Judges", "Judge", "Property", "Compare"]
    change(page, "view=pairs")
    assert heading(page) == "Judges" and errors == []
    page.close()
