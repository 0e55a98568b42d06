"""Number of clusters and assignments in resamples, against direct computation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster
from sklearn.metrics import adjusted_rand_score, silhouette_score

from prefdissect.comparison.clustering import cluster_judges
from prefdissect.comparison.stability import average_tree, distance_of, stability
from prefdissect.tables import validate

pytestmark = pytest.mark.filterwarnings("error")
N, BLOCKS = 9, np.arange(9) % 3


def similar(noise: float, rng) -> np.ndarray:
    centres = np.random.default_rng(7).normal(0, 1, (3, 40))
    return np.corrcoef(centres[BLOCKS] + noise * rng.normal(0, 1, (N, 40)))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return similar(0.3, rng), np.array([similar(1.3, rng) for _ in range(30)])


def cut_of(similarity, k):
    return fcluster(average_tree(distance_of(similarity)), k, "maxclust")


def best(similarity):
    scores = {
        k: silhouette_score(distance_of(similarity), cut_of(similarity, k), metric="precomputed") for k in range(2, N)
    }
    return max(scores, key=scores.get), scores


def test_how_often_resamples_choose_each_number(data):
    similarity, spread = data
    found = cluster_judges([f"j{n}" for n in range(N)], similarity, spread)
    table = validate(found.numbers, "cluster_numbers", "test").set_index("n_clusters")
    number, scores = best(similarity)
    assert table.index[table["chosen"]].tolist() == [number] == [3]
    np.testing.assert_allclose(table["silhouette"], [scores[k] for k in table.index])
    chosen = [best(sample)[0] for sample in spread]
    assert table["share_chosen"].tolist() == pytest.approx([chosen.count(k) / 30 for k in table.index])
    assert len(set(chosen)) > 1
    for k in (2, 3, 5):
        rand = [adjusted_rand_score(cut_of(similarity, k), cut_of(sample, k)) for sample in spread]
        row = table.loc[k]
        expected = [np.mean(rand), *np.quantile(rand, [0.025, 0.975])]
        np.testing.assert_allclose(row[["rand", "rand_q025", "rand_q975"]].astype(float), expected)


def test_how_often_judges_fall_together(data):
    similarity, spread = data
    found = cluster_judges([f"j{n}" for n in range(N)], similarity, spread).clusters
    cuts = np.array([cut_of(sample, 3) for sample in spread])
    for judge in range(N):
        together = np.mean([cuts[:, judge] == cuts[:, other] for other in range(N)], axis=1)
        own = [other for other in range(N) if BLOCKS[other] == BLOCKS[judge] and other != judge]
        others = [other for other in range(N) if BLOCKS[other] != BLOCKS[judge]]
        assert found["together"][judge] == pytest.approx(together[own].mean())
        assert found["apart"][judge] == pytest.approx(together[others].mean())


def test_the_same_resamples_are_perfectly_stable(data):
    similarity, _ = data
    numbers, judges = stability(BLOCKS, similarity, np.stack([similarity] * 4))
    row = numbers.set_index("n_clusters").loc[3]
    assert row["share_chosen"] == row["rand"] == row["rand_q025"] == 1 and row["chosen"]
    assert judges["together"].tolist() == [1] * N and judges["apart"].tolist() == [0] * N


def test_without_usable_resamples_stability_is_unknown(data):
    similarity, spread = data
    for unusable in (spread[:0], np.full_like(spread, np.nan)):
        numbers, judges = stability(BLOCKS, similarity, unusable)
        assert numbers[["share_chosen", "rand", "rand_q025"]].isna().all(axis=None)
        assert numbers["silhouette"].notna().all() and judges.isna().all(axis=None) and len(judges) == N


def test_a_number_given_by_the_study_is_the_one_shown(data):
    found = cluster_judges([f"j{n}" for n in range(N)], *data, n_clusters=2)
    assert found.numbers.set_index("n_clusters")["chosen"].tolist()[:3] == [True, False, False]


def test_two_judges_have_no_number_to_choose():
    found = cluster_judges(["j0", "j1"], np.array([[1, 0.2], [0.2, 1]]), np.full((5, 2, 2), 0.2))
    assert found.numbers.empty and found.clusters["cluster"].tolist() == [1, 1]
