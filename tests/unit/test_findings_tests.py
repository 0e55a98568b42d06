"""What the findings say about kinds of judges: as much as the permutation test carries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from prefdissect.comparison.attributes import arrange, compare_attribute, read_attribute
from prefdissect.comparison.similarity import Similarity
from prefdissect.findings_tests import describe_tests
from prefdissect.tables import conform


def table_of(sizes: dict[str, int], alike: np.ndarray, **entry) -> pd.DataFrame:
    """Table `attribute_similarity` of judges with these sizes and similarities."""
    entry = {"name": "size", "within": "", "cuts": [], "chosen_after_seeing": False} | entry
    records = {judge: {"attributes": {"size": size}} for judge, size in sizes.items()}
    attribute = read_attribute(entry, records, list(sizes))
    found = Similarity(alike, np.empty((0, *alike.shape)), None)
    rows = pd.DataFrame(compare_attribute(attribute, found, arrange(attribute, 999, 1)))
    rows = rows.assign(**attribute.described(), group="overall", metric="pearson", estimator="map")
    return conform(rows, "attribute_similarity")


def blocks(counts: list[int], gap: float, seed: int = 1) -> tuple[dict[str, int], np.ndarray]:
    """Judges of sizes 1, 2 ...; those of one size are more alike by `gap`."""
    size = np.repeat(np.arange(1, len(counts) + 1), counts)
    noise = np.random.default_rng(seed).normal(0, 0.02, (len(size), len(size)))
    alike = 0.5 + gap * (size[:, None] == size[None]) + noise + noise.T
    return {f"j{number}": int(value) for number, value in enumerate(size)}, alike


def test_a_difference_that_chance_hardly_gives():
    (sentence,) = describe_tests(table_of(*blocks([4, 4], 0.3)))
    assert sentence.startswith("By size: mean similarity of judges of one kind 1: 0.")
    # 70 arrangements of 4 + 4, of which the actual one and its mirror image are the most extreme.
    assert "Chance alone would hardly give that (p = 0.029, one-sided, over all 70 arrangements of size" in sentence
    assert sentence.endswith("it does not say that size is the cause.")


def test_a_difference_like_chance_is_hedged():
    (sentence,) = describe_tests(table_of(*blocks([4, 4], 0.0)))
    assert "cannot be told from chance (p = " in sentence and "no evidence that the kinds do not differ" in sentence


def test_few_judges_cannot_be_tested():
    (sentence,) = describe_tests(table_of(*blocks([2, 1], 0.3)))
    assert "Too few judges to test it: p cannot be below 0.33 (p = 0.33" in sentence


def test_a_division_found_in_the_judges_is_no_evidence():
    (sentence,) = describe_tests(table_of(*blocks([4, 4], 0.3), cuts=[1.5], chosen_after_seeing=True))
    assert "By size, a division chosen after seeing the data" in sentence and "≤ 1.5: 0." in sentence
    assert "The test is no evidence" in sentence and "hardly" not in sentence


def test_drawn_arrangements_and_several_attributes_are_said():
    sentences = describe_tests(pd.concat([table_of(*blocks([9, 9], 0.3)), table_of(*blocks([9, 9], 0.0), cuts=[1])]))
    assert "p = 0.0010, one-sided, over 999 random arrangements" in sentences[0]
    assert sentences[2] == "2 attributes were tested; the p-values are not corrected for that."


def test_a_small_p_value_among_several_tests_is_hedged():
    once, other = table_of(*blocks([4, 4], 0.3)), table_of(*blocks([4, 4], 0.0), cuts=[1])
    assert "Chance alone would hardly give that (p = 0.029" in describe_tests(once)[0]
    assert "By itself that would be beyond chance (p = 0.029" in describe_tests(pd.concat([once, other]))[0]


def test_judges_of_one_kind_alone_are_compared_with_none():
    assert describe_tests(table_of(*blocks([4], 0.3))) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_the_means_are_those_of_the_pairs(seed):
    sizes, alike = blocks([2, 3], 0.2, seed)
    (sentence,) = describe_tests(table_of(sizes, alike))
    assert (
        f"1: {alike[0, 1]:.3f} (1 pair); 2: {np.mean([alike[2, 3], alike[2, 4], alike[3, 4]]):.3f} (3 pairs)"
        in sentence
    )
    assert f"of different kinds {alike[:2, 2:].mean():.3f} (6 pairs)" in sentence
