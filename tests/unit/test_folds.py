"""The published folds against the paper's description run with numpy's global generator, and folds by prompt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefdissect.regression.folds import prompt_folds, published_folds


def folds_by_the_paper(n: int) -> list[list[int]]:
    """`numpy.random.seed(0)`, `numpy.random.shuffle`, and fold i without int(n/10) rows from int(i/10*n) on."""
    state = np.random.get_state()
    try:
        np.random.seed(0)
        order = list(range(n))
        np.random.shuffle(order)
    finally:
        np.random.set_state(state)
    kept = []
    for i in range(10):
        first = int(i / 10 * n)
        left_out = range(first, first + int(n / 10))
        kept.append([row for position, row in enumerate(order) if position not in left_out])
    return kept


@pytest.mark.parametrize("n", [*range(9, 131), 399, 400, 818, 820, 5240])
def test_published_folds(n):
    assert [rows.tolist() for rows in published_folds(n)] == folds_by_the_paper(n)


def test_a_remainder_is_never_left_out():
    left_out = [set(range(19)) - set(rows.tolist()) for rows in published_folds(19)]
    assert [len(rows) for rows in left_out] == [1] * 10
    never = set(range(19)) - set().union(*left_out)
    assert len(never) == 9
    # With 130 rows there is no remainder: every row is left out once.
    parts = [set(range(130)) - set(rows.tolist()) for rows in published_folds(130)]
    assert sorted(row for part in parts for row in part) == list(range(130))


def test_fewer_than_ten_rows_leave_nothing_out():
    assert [sorted(rows.tolist()) for rows in published_folds(9)] == [list(range(9))] * 10


def test_the_global_generator_is_left_alone():
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    list(published_folds(50))
    list(prompt_folds(np.arange(50), 10, 0))
    assert (np.random.get_state()[1] == before).all()


@given(st.lists(st.integers(0, 30), min_size=12, max_size=80), st.integers(2, 10), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_prompt_folds_never_split_a_prompt(numbers, folds, seed):
    prompts = np.array(numbers)
    if len(set(numbers)) < folds:
        return
    parts = list(prompt_folds(prompts, folds, seed))
    assert len(parts) == folds
    assert sorted(row for _, test in parts for row in test) == list(range(len(prompts)))
    for train, test in parts:
        assert len(test) and sorted([*train, *test]) == list(range(len(prompts)))
        assert not set(prompts[train]) & set(prompts[test])


def test_prompt_folds_follow_their_seed():
    prompts = np.repeat(np.arange(40), 3)
    first, again, other = ([test.tolist() for _, test in prompt_folds(prompts, 5, seed)] for seed in (1, 1, 2))
    assert first == again != other
