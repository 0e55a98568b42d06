"""Scenario-balanced samples."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdissect.errors import InputError
from prefdissect.pairs.sampling import PAPER_SIZES, sample_pairs


def pairs_of(counts: dict[str | None, int]) -> pd.DataFrame:
    rows = [(f"{scenario}-{number}", scenario) for scenario, count in counts.items() for number in range(count)]
    return pd.DataFrame(rows, columns=["pair_id", "scenario"])


def test_each_scenario_gives_as_many_as_asked_and_others_are_left_out():
    sample = sample_pairs(pairs_of({"Code": 9, "Advice": 5, "Others": 7}), {"Code": 4, "Advice": 5}, seed=1)
    assert sample["scenario"].value_counts().to_dict() == {"Code": 4, "Advice": 5}
    assert list(sample.index) == list(range(9))


def test_one_number_asks_for_as_many_from_every_scenario():
    sample = sample_pairs(pairs_of({"Code": 9, None: 3, "Advice": 5}), 2, seed=1)
    assert sample["scenario"].value_counts().to_dict() == {"Code": 2, "Advice": 2}


def test_rows_keep_their_order_and_the_draw_does_not_depend_on_it():
    pairs = pairs_of({"Code": 20, "Advice": 20})
    sample = sample_pairs(pairs, 5, seed=3)
    positions = [list(pairs["pair_id"]).index(pair_id) for pair_id in sample["pair_id"]]
    assert positions == sorted(positions)
    turned = sample_pairs(pairs.iloc[::-1], 5, seed=3)
    assert set(turned["pair_id"]) == set(sample["pair_id"])
    assert list(turned["pair_id"]) == list(sample["pair_id"])[::-1]


def test_another_seed_draws_another_sample():
    pairs = pairs_of({"Code": 60})
    drawn = {tuple(sample_pairs(pairs, 10, seed=seed)["pair_id"]) for seed in range(5)}
    assert len(drawn) == 5


def test_the_draw_is_the_same_on_every_machine():
    # Lowest sha256 of "<seed>:<pair_id>" among Code-0 .. Code-5, worked out with sha256sum.
    assert list(sample_pairs(pairs_of({"Code": 6}), 3, seed=0)["pair_id"]) == ["Code-0", "Code-2", "Code-3"]


@given(st.integers(5, 30), st.integers(1, 10), st.integers(0, 99))
def test_added_pairs_push_out_at_most_as_many(before, added, seed):
    few = set(sample_pairs(pairs_of({"Code": before}), 5, seed)["pair_id"])
    more = set(sample_pairs(pairs_of({"Code": before + added}), 5, seed)["pair_id"])
    new = {f"Code-{number}" for number in range(before, before + added)}
    assert more - few <= new
    assert len(few - more) == len(more & new)


def test_a_scenario_with_too_few_names_what_is_there_and_what_is_asked():
    with pytest.raises(InputError, match="scenario `Advice`: 3 pairs are there, 4 are asked for"):
        sample_pairs(pairs_of({"Code": 9, "Advice": 3}), {"Code": 4, "Advice": 4}, seed=1)
    with pytest.raises(InputError, match="scenario `Unknown`: 0 pairs are there"):
        sample_pairs(pairs_of({"Code": 9}), {"Unknown": 1}, seed=1)


@pytest.mark.parametrize("size", [-1, 1.5, True, "3"])
def test_a_size_must_be_a_whole_number(size):
    with pytest.raises(InputError, match="scenario `Code`: the size is"):
        sample_pairs(pairs_of({"Code": 9}), {"Code": size}, seed=1)


def test_the_column_must_exist():
    with pytest.raises(InputError, match="column `group` is missing"):
        sample_pairs(pairs_of({"Code": 9}), 2, seed=1, column="group")


def test_the_papers_sizes_are_its_5240_pairs():
    assert sum(PAPER_SIZES.values()) == 5240
    sample = sample_pairs(
        pairs_of({scenario: size + 30 for scenario, size in PAPER_SIZES.items()}), PAPER_SIZES, seed=0
    )
    assert sample["scenario"].value_counts().to_dict() == PAPER_SIZES
