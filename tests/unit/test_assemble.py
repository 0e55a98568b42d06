"""The pairs of a study from all its sources."""

from __future__ import annotations

import pandas as pd
import pytest

from prefdissect.errors import InputError
from prefdissect.pairs.assemble import assemble_pairs
from prefdissect.tables import conform, empty_table


def pairs(source: str, ids: list[str], scenario: str | None = "Code") -> pd.DataFrame:
    """Valid pairs of one source."""
    rows = [
        {"pair_id": i, "prompt_id": "h", "prompt": "p", "response_a": "a", "response_b": "b", "source": source}
        for i in ids
    ]
    return conform(pd.DataFrame(rows).assign(scenario=scenario), "pairs")


def test_sources_are_joined_in_the_order_of_the_study():
    table = assemble_pairs({"y": pairs("y", ["3", "1"]), "x": pairs("x", ["2"], None)}, {})
    assert table["pair_id"].tolist() == ["3", "1", "2"] and list(table.index) == [0, 1, 2]
    assert table["source"].tolist() == ["y", "y", "x"]
    assert table.dtypes.equals(pairs("x", ["1"]).dtypes)


def test_only_the_sources_named_are_sampled():
    by_source = {name: pairs(name, [f"{name}{n}" for n in range(20)]) for name in ("x", "y")}
    table = assemble_pairs(by_source, {"x": {"sizes": {"Code": 5}, "seed": 1}})
    assert table["source"].value_counts().to_dict() == {"x": 5, "y": 20}
    again = assemble_pairs(by_source, {"x": {"sizes": 5, "seed": 1}})
    other = assemble_pairs(by_source, {"x": {"sizes": 5, "seed": 2}})
    assert again["pair_id"].tolist() == table["pair_id"].tolist() != other["pair_id"].tolist()


def test_an_id_in_two_sources_names_both():
    with pytest.raises(InputError) as caught:
        assemble_pairs({"x": pairs("x", ["1", "2"]), "y": pairs("y", ["3", "2"])}, {})
    assert str(caught.value).startswith("pair_id `2` occurs in the sources x and y (")


def test_an_id_that_the_sample_leaves_out_does_not_clash():
    ids = [str(n) for n in range(30)]
    drawn = assemble_pairs({"x": pairs("x", ids)}, {"x": {"sizes": 5, "seed": 0}})["pair_id"]
    left = next(i for i in ids if i not in set(drawn))
    table = assemble_pairs({"x": pairs("x", ids), "y": pairs("y", [left])}, {"x": {"sizes": 5, "seed": 0}})
    assert len(table) == 6


def test_no_pair_left():
    for by_source in ({"x": empty_table("pairs")}, {"x": empty_table("pairs"), "y": empty_table("pairs")}):
        with pytest.raises(InputError, match=r"no pair is left after filtering and sampling \(see `sources`"):
            assemble_pairs(by_source, {})


def test_an_empty_source_beside_a_full_one():
    table = assemble_pairs({"x": empty_table("pairs"), "y": pairs("y", ["1"])}, {})
    assert table["pair_id"].tolist() == ["1"] and table.dtypes.equals(pairs("y", ["1"]).dtypes)


def test_a_sample_that_cannot_be_drawn_names_the_source():
    with pytest.raises(InputError) as caught:
        assemble_pairs({"x": pairs("x", ["1"])}, {"x": {"sizes": {"Code": 2}, "seed": 0}})
    assert str(caught.value).startswith("source `x`: sample: scenario `Code`: 1 pairs are there, 2 are asked for")
