"""The sheet for people: drawn by seed, blind, read back as an annotator, and strict about what was filled in."""

from __future__ import annotations

import pandas as pd
import pytest

from configs import base
from prefdissect.annotators.reliability import reliability_table
from prefdissect.annotators.sheet import COLUMNS, audit_sheet, read_sheet
from prefdissect.catalogue import load_catalogue
from prefdissect.config import load_study
from prefdissect.errors import InputError
from prefdissect.pairs.registry import read_source
from prefdissect.stages.annotating import draw_audit_sheet
from prefdissect.tables import empty_table, write_table

CATALOGUE = load_catalogue()


@pytest.fixture(scope="module")
def sample(root):
    record = {"name": "sample", "kind": "responses", "path": str(root / "data/sample/queries")}
    return read_source(record | {"empty_responses": "error"}, CATALOGUE)


def draw(sample, seed=1, per_property=4, **changes) -> pd.DataFrame:
    tables = {"pairs": sample.pairs, "annotations": sample.annotations, "query_info": sample.query_info} | changes
    return audit_sheet(*tables.values(), CATALOGUE, per_property=per_property, seed=seed)


def test_the_seed_decides_and_not_the_order_of_the_tables(sample):
    sheet = draw(sample)
    pd.testing.assert_frame_equal(sheet, draw(sample))
    mixed = draw(sample, annotations=sample.annotations.sample(frac=1, random_state=2))
    key = ["pair_id", "property", "item"]
    assert set(mixed[key].itertuples(index=False)) == set(sheet[key].itertuples(index=False))
    assert set(draw(sample, seed=2)["pair_id"]) != set(sheet["pair_id"])
    assert set(sheet.groupby("property")["pair_id"].nunique()) == {4}


def test_the_sheet_is_blind(sample):
    sheet = draw(sample)
    assert list(sheet) == COLUMNS and sheet[["score_a", "score_b"]].isna().all(axis=None)
    changed = sample.annotations.assign(score_a=sample.annotations["score_b"], score_b=sample.annotations["score_a"])
    pd.testing.assert_frame_equal(sheet, draw(sample, annotations=changed))


def test_people_are_told_which_constraint_is_meant(sample):
    rows = draw(sample).query("property == 'satisfies_constraints'")
    assert rows["of"].notna().all() and len(rows) > 4
    assert draw(sample).query("property == 'polite'")["of"].isna().all()


def filled(sample, tmp_path, **changes):
    """The sheet as the author would fill it in, then with single cells changed."""
    key = ["pair_id", "property", "item"]
    sheet = draw(sample).drop(columns=["score_a", "score_b"])
    sheet = sheet.merge(sample.annotations[[*key, "score_a", "score_b"]], on=key)
    for column, value in changes.items():
        sheet[column] = sheet[column].astype(object)
        sheet.loc[0, column] = value
    sheet.to_csv(tmp_path / "sheet.csv", index=False)
    return read_sheet(tmp_path / "sheet.csv", CATALOGUE, sample.pairs, "people")


def test_what_is_filled_in_comes_back_as_an_annotator(sample, tmp_path):
    table = filled(sample, tmp_path)
    both = pd.concat([sample.annotations, table])
    found = reliability_table(
        sample.pairs, both, empty_table("annotation_repeats"), CATALOGUE, resamples=0, seed=1
    )  # fmt: skip
    assert set(found["annotator_2"]) == {"people"} and set(found["equal"]) == {1.0}
    assert set(found["n_pairs"]) == {4} and found["property"].nunique() == 28


def test_rows_without_scores_were_not_rated(sample, tmp_path):
    assert len(filled(sample, tmp_path, score_a="", score_b=" ")) == len(draw(sample)) - 1


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"score_a": 7}, "outside its scale"),
        ({"score_a": ""}, "missing"),
        ({"score_b": "good"}, "is no score"),
        ({"pair_id": "q99-r1-r2"}, "pair `q99-r1-r2` is not in this study"),
        ({"property": "kind"}, "property `kind` is unknown"),
    ],
)
def test_a_bad_cell_is_named(sample, tmp_path, changes, problem):
    with pytest.raises(InputError, match="sheet.csv: line 2") as error:
        filled(sample, tmp_path, **changes)
    assert problem in str(error.value)


def test_an_empty_sheet_is_no_annotator(sample, tmp_path):
    draw(sample).to_csv(tmp_path / "sheet.csv", index=False)
    with pytest.raises(InputError, match="nothing is filled in"):
        read_sheet(tmp_path / "sheet.csv", CATALOGUE, sample.pairs, "people")


def test_a_sheet_that_exists_is_not_written_over(sample, tmp_path):
    write_table(sample.pairs, tmp_path / "pairs.parquet", "pairs")
    for name in ("annotations", "query_info"):
        write_table(getattr(sample, name), tmp_path / "annotations" / f"author.{name}.parquet", name)
    arguments = (str(tmp_path), "author", None, 2, 1, str(tmp_path / "audit.csv"))
    assert draw_audit_sheet(*arguments) == len(pd.read_csv(tmp_path / "audit.csv"))
    with pytest.raises(InputError, match="exists already"):
        draw_audit_sheet(*arguments)


def test_a_sheet_supplies_nothing(tmp_path):
    (tmp_path / "audit.csv").write_text("x")
    sheet = {"name": "people", "kind": "sheet", "path": str(tmp_path / "audit.csv")}
    both = [sheet, {"name": "lexical", "kind": "lexical"}]
    assert load_study(base(annotators=both)).suppliers == ["lexical"]
    with pytest.raises(InputError, match="lists sheets alone"):
        load_study(base(annotators=[sheet]))
    with pytest.raises(InputError, match="does not exist"):
        load_study(base(annotators=[*both[1:], sheet | {"path": "nowhere.csv"}]))
