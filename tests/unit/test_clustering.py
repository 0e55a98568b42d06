"""Clusters of judges against scipy called directly, and the support of branches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score, silhouette_score

from prefdissect.comparison.clustering import branch_support, cluster_judges
from prefdissect.tables import validate

pytestmark = pytest.mark.filterwarnings("error")


def similar(n=9, blocks=3, seed=0, noise=0.25) -> np.ndarray:
    """Correlations of n judges that fall into blocks."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (blocks, 40))
    return np.corrcoef(centres[np.arange(n) % blocks] + noise * rng.normal(0, 1, (n, 40)))


def names(n):
    return [f"j{number}" for number in range(n)]


def tree_of(similarity):
    distance = 1 - similarity
    np.fill_diagonal(distance, 0)
    return linkage(squareform(distance, checks=False), "average"), distance


def branches(left, right, n):
    below = [frozenset([leaf]) for leaf in range(n)]
    for one, two in zip(left, right):
        below.append(below[int(one)] | below[int(two)])
    return below[n:]


def no_draws(n):
    return np.empty((0, n, n))


@pytest.mark.parametrize(("n", "blocks", "seed"), [(3, 1, 0), (9, 3, 0), (12, 4, 1), (20, 2, 2), (14, 14, 3)])
def test_the_tree_is_that_of_scipy(n, blocks, seed):
    similarity = similar(n, blocks, seed)
    tree, distance = tree_of(similarity)
    found = cluster_judges(names(n), similarity, no_draws(n))
    validate(found.linkage, "linkage", "test")
    validate(found.clusters, "clusters", "test")
    table = found.linkage
    np.testing.assert_allclose(table["height"], tree[:, 2], atol=1e-12)
    assert table["node"].tolist() == list(range(n, 2 * n - 1))
    assert table["size"].tolist() == tree[:, 3].astype(int).tolist()
    assert set(branches(table["left"], table["right"], n)) == set(branches(tree[:, 0], tree[:, 1], n))
    ours = table[["left", "right", "height", "size"]].to_numpy(float)
    np.testing.assert_allclose(cophenet(ours), cophenet(tree), atol=1e-12)
    assert table["support"].isna().all()
    assert found.judges == names(n) and found.undefined == []


def length(order, distance) -> float:
    return float(distance[order[:-1], order[1:]].sum())


@pytest.mark.parametrize(("n", "seed"), [(2, 0), (3, 1), (7, 2), (8, 36), (9, 4)])
def test_the_leaves_are_in_the_best_of_all_orders_of_the_tree(n, seed):
    similarity = similar(n, 2, seed)
    tree, distance = tree_of(similarity)
    lengths = []
    for turned in itertools.product([False, True], repeat=n - 1):
        below = [[leaf] for leaf in range(n)]
        for turn, (left, right, *_) in zip(turned, tree):
            pair = [below[int(left)], below[int(right)]]
            below.append(sum(reversed(pair) if turn else pair, []))
        lengths.append(length(below[-1], distance))
    found = cluster_judges(names(n), similarity, no_draws(n)).linkage
    order = leaves_list(found[["left", "right", "height", "size"]].to_numpy(float))
    assert sorted(order) == list(range(n))
    assert length(order, distance) == pytest.approx(min(lengths), abs=1e-12)


@pytest.mark.parametrize("n_clusters", [2, 3, 5])
def test_a_given_number_of_clusters(n_clusters):
    similarity = similar(12, 4, 1)
    tree, _ = tree_of(similarity)
    found = cluster_judges(names(12), similarity, no_draws(12), n_clusters)
    assert found.clusters["judge"].tolist() == names(12)
    assert adjusted_rand_score(found.clusters["cluster"], fcluster(tree, n_clusters, "maxclust")) == 1
    assert sorted(set(found.clusters["cluster"])) == list(range(1, n_clusters + 1))


@pytest.mark.parametrize(("n", "blocks"), [(9, 3), (12, 4), (20, 2)])
def test_the_number_of_clusters_with_the_largest_silhouette(n, blocks):
    similarity = similar(n, blocks)
    tree, distance = tree_of(similarity)
    cuts = {k: fcluster(tree, k, "maxclust") for k in range(2, min(10, n - 1) + 1)}
    best = max(cuts, key=lambda k: silhouette_score(distance, cuts[k], metric="precomputed"))
    found = cluster_judges(names(n), similarity, no_draws(n))
    assert best == blocks == found.clusters["cluster"].nunique()
    assert adjusted_rand_score(found.clusters["cluster"], np.arange(n) % blocks) == 1


def test_more_clusters_than_judges_are_as_many_as_judges():
    found = cluster_judges(names(4), similar(4, 2), no_draws(4), 9)
    assert sorted(found.clusters["cluster"]) == [1, 2, 3, 4]


def test_identical_resamples_support_every_branch():
    similarity = similar()
    found = cluster_judges(names(9), similarity, np.stack([similarity] * 6))
    assert found.linkage["support"].tolist() == [1.0] * 8


def test_support_is_the_share_of_resamples_with_the_same_branch():
    similarity = similar(6, 2, seed=4)
    rng = np.random.default_rng(0)
    spread = np.stack([np.corrcoef(rng.normal(0, 1, (6, 12))) for _ in range(30)] + [similarity] * 10)
    spread[3, 0, 1] = spread[3, 1, 0] = np.nan  # supports nothing, not even the root
    found = cluster_judges(names(6), similarity, spread)
    wanted = branches(found.linkage["left"], found.linkage["right"], 6)
    trees = [tree_of(sample)[0] for number, sample in enumerate(spread) if number != 3]
    seen = [set(branches(tree[:, 0], tree[:, 1], 6)) for tree in trees]
    expected = [sum(branch in branch_set for branch_set in seen) / 40 for branch in wanted]
    assert found.linkage["support"].tolist() == pytest.approx(expected)
    assert expected[-1] == 39 / 40 and 0.25 <= min(expected) < 0.9


def test_support_does_not_depend_on_the_order_of_leaves():
    similarity = similar(8, 3, seed=5)
    tree, _ = tree_of(similarity)
    spread = np.stack([similar(8, 3, seed=5, noise=0.3 + n / 10) for n in range(10)])
    turned = tree.copy()
    turned[:, [0, 1]] = turned[:, [1, 0]]
    np.testing.assert_array_equal(branch_support(tree, spread), branch_support(turned, spread))
    assert np.isnan(branch_support(tree, no_draws(8))).all()


def test_judges_without_a_similarity_are_named_and_left_out():
    similarity = similar(8, 2)
    for judge in (2, 5):
        similarity[judge], similarity[:, judge] = np.nan, np.nan
    np.fill_diagonal(similarity, 1)
    kept = [0, 1, 3, 4, 6, 7]
    inner = similarity[np.ix_(kept, kept)]
    full = np.tile(similarity, (4, 1, 1))
    found = cluster_judges(names(8), similarity, full)
    assert found.undefined == ["j2", "j5"] and found.judges == [f"j{k}" for k in kept]
    assert found.clusters["judge"].tolist() == found.judges
    np.testing.assert_allclose(found.linkage["height"], tree_of(inner)[0][:, 2], atol=1e-12)
    # Undefined resamples of judges that are left out do not count against the others.
    assert found.linkage["support"].tolist() == [1.0] * 5


def test_only_one_of_a_pair_without_a_common_group_is_left_out():
    similarity = similar(5, 2)
    similarity[1, 3] = similarity[3, 1] = np.nan
    found = cluster_judges(names(5), similarity, no_draws(5))
    assert len(found.undefined) == 1 and set(found.undefined) < {"j1", "j3"} and len(found.linkage) == 3


def test_one_judge():
    found = cluster_judges(["j0"], np.ones((1, 1)), np.ones((5, 1, 1)))
    assert found.clusters[["judge", "cluster"]].to_dict("list") == {"judge": ["j0"], "cluster": [1]}
    assert found.numbers.empty
    assert found.linkage.empty and found.judges == ["j0"] and found.undefined == []


def test_two_judges():
    similarity = np.array([[1, 0.3], [0.3, 1]])
    found = cluster_judges(["j0", "j1"], similarity, np.stack([similarity] * 3))
    assert found.clusters["cluster"].tolist() == [1, 1]  # two judges alone say nothing about clusters
    assert found.linkage[["left", "right", "size"]].to_numpy().tolist() == [[0, 1, 2]]
    assert found.linkage["height"].tolist() == [pytest.approx(0.7)] and found.linkage["support"].tolist() == [1.0]
    assert cluster_judges(["j0", "j1"], similarity, no_draws(2), 2).clusters["cluster"].tolist() == [1, 2]


def test_two_judges_of_which_one_shows_nothing():
    similarity = np.array([[1, np.nan], [np.nan, 1]])
    found = cluster_judges(["j0", "j1"], similarity, np.stack([similarity] * 3))
    assert len(found.judges) == len(found.undefined) == 1 and found.linkage.empty


def test_identical_judges_merge_at_height_zero():
    similarity = np.ones((4, 4))
    similarity[3, :3] = similarity[:3, 3] = -1
    found = cluster_judges(names(4), similarity, no_draws(4))
    assert found.linkage["height"].tolist() == [0, 0, 2] and found.clusters["cluster"].nunique() == 2
    assert (np.asarray(found.clusters["cluster"])[:3] == found.clusters["cluster"][0]).all()
