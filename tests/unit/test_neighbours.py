"""Nearest judges, control judges, and base models against their aligned versions."""

from __future__ import annotations

import numpy as np
import pytest

from prefdissect.comparison.neighbours import (
    base_similarity,
    control_similarity,
    nearest_judges,
    versions_of,
)
from prefdissect.comparison.similarity import Similarity
from prefdissect.names import MEAN_OF_VERSIONS
from prefdissect.tables import validate

pytestmark = pytest.mark.filterwarnings("error")
JUDGES = [f"j{n}" for n in range(8)]
NAMED = {"group": "overall", "metric": "pearson", "estimator": "map"}


def similarity(resamples=50, undefined=(), seed=0) -> Similarity:
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, 1, (8, 20))
    value = np.corrcoef(effects)
    spread = np.array([np.corrcoef(effects + rng.normal(0, 0.5, effects.shape)) for _ in range(resamples)])
    for number in undefined:
        value[number] = value[:, number] = np.nan
        if resamples:
            spread[:, number] = spread[:, :, number] = np.nan
    return Similarity(value, spread.reshape(-1, 8, 8), "prompts" if resamples else None)


def test_the_five_nearest_judges_and_how_often_each_is_the_nearest():
    found = similarity(undefined=[6])
    table = validate(nearest_judges(JUDGES, found, NAMED, first="j3"), "nearest_judges", "test")
    assert table["judge"].iloc[0] == "j3" and "j6" not in set(table["judge"]) | set(table["neighbour"])
    for number, judge in enumerate(JUDGES):
        rows = table[table["judge"] == judge]
        if number == 6:
            assert rows.empty
            continue
        others = [other for other in range(8) if other not in (number, 6)]
        order = sorted(others, key=lambda other: -found.value[number, other])[:5]
        assert rows["neighbour"].tolist() == [JUDGES[other] for other in order]
        assert rows["rank"].tolist() == [1, 2, 3, 4, 5]
        winners = [max(others, key=lambda other: sample[number, other]) for sample in found.spread]
        assert rows["share_nearest"].tolist() == pytest.approx([np.mean(np.array(winners) == one) for one in order])
        assert ((rows["q025"] < rows["value"]) & (rows["value"] < rows["q975"])).all()


def test_neighbours_without_resamples_and_of_few_judges():
    table = nearest_judges(JUDGES, similarity(resamples=0), NAMED)
    assert table[["q025", "share_nearest", "interval"]].isna().all(axis=None) and len(table) == 40
    one = Similarity(np.ones((1, 1)), np.ones((9, 1, 1)), "prompts")
    assert validate(nearest_judges(["j0"], one, NAMED), "nearest_judges", "test").empty
    two = Similarity(np.array([[1, 0.4], [0.4, 1]]), np.full((9, 2, 2), 0.4), "prompts")
    table = nearest_judges(["j0", "j1"], two, NAMED)
    assert table["neighbour"].tolist() == ["j1", "j0"] and table["share_nearest"].tolist() == [1, 1]


def test_every_judge_against_every_control():
    found = similarity()
    table = control_similarity(JUDGES, {"j1": "longer", "j2": "coin"}, found, NAMED)
    table = validate(table, "control_similarity", "test").set_index(["judge", "control"])
    assert len(table) == 12 and table.loc[("j5", "j1"), "value"] == pytest.approx(found.value[5, 1])
    assert table.loc[("j5", "j2"), "rule"] == "coin"
    assert control_similarity(JUDGES, {}, found, NAMED).empty


def test_bases_and_the_mean_of_their_versions():
    found = similarity()
    versions = versions_of({"j1": "j0", "j2": "j0", "j5": "j4", "j7": "absent"}, JUDGES)
    assert versions == {"j0": ["j1", "j2"], "j4": ["j5"]}
    table = validate(base_similarity(JUDGES, versions, found, NAMED), "base_similarity", "test")
    table = table.set_index(["base", "judge"])
    assert table.loc[("j0", "j2"), "value"] == pytest.approx(found.value[0, 2])
    mean = table.loc[("j0", MEAN_OF_VERSIONS)]
    samples = found.spread[:, 0, [1, 2]].mean(axis=1)
    low, middle, high = np.quantile(samples, [0.025, 0.5, 0.975])
    value = found.value[0, [1, 2]].mean()
    np.testing.assert_allclose(
        mean[["value", "q025", "q975"]].astype(float), [value, value + low - middle, value + high - middle]
    )
    assert mean["n_judges"] == 2 and table.loc[("j4", MEAN_OF_VERSIONS), "n_judges"] == 1
