"""The order of models by clustering, the spanning tree of barriers and places on a plane, against small truths."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from landscape_gui.connection_order import classical_scaling, clustering_order, dissimilarities, spanning_tree


def symmetric(count: int, seed: int) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).uniform(0.1, 2.0, (count, count)), 1)
    return upper + upper.T


def lightest_tree(weights: np.ndarray) -> float:
    """The smallest total over every set of count - 1 edges that joins all: brute force."""
    count = len(weights)
    best = np.inf
    for edges in combinations(combinations(range(count), 2), count - 1):
        reached = {0}
        for _ in range(count):
            reached |= {b for a, b in edges if a in reached} | {a for a, b in edges if b in reached}
        if len(reached) == count:
            best = min(best, sum(weights[e] for e in edges))
    return float(best)


@pytest.mark.parametrize("seed", range(5))
def test_the_spanning_tree_is_the_lightest_of_all(seed: int) -> None:
    weights = symmetric(5, seed)
    tree = spanning_tree(weights)
    assert tree.shape == (4, 2)
    assert sum(weights[a, b] for a, b in tree) == pytest.approx(lightest_tree(weights), rel=1e-12)  # sums of four floats
    assert (np.diff([weights[a, b] for a, b in tree]) >= 0).all()


def test_a_barrier_of_zero_is_an_edge() -> None:
    weights = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [1.0, 2.0, 0.0]])
    assert spanning_tree(weights).tolist() == [[0, 1], [0, 2]]


def test_of_equal_barriers_the_nearer_models_are_joined() -> None:
    apart = np.array([[0.0, 3.0, 3.0], [3.0, 0.0, 1.0], [3.0, 1.0, 0.0]])
    assert spanning_tree(np.zeros((3, 3)), apart).tolist() == [[1, 2], [0, 1]]


def test_barriers_that_are_not_known_join_nothing() -> None:
    weights = symmetric(4, 0)
    weights[3, :] = weights[:, 3] = np.nan
    tree = spanning_tree(weights)
    assert len(tree) == 2
    assert 3 not in tree


def test_an_infinite_barrier_joins_last() -> None:
    weights = np.array([[0.0, np.inf, np.inf], [np.inf, 0.0, 1.0], [np.inf, 1.0, 0.0]])
    assert spanning_tree(weights).tolist() == [[1, 2], [0, 1]]


def test_models_of_one_group_stand_together() -> None:
    groups = np.array([0, 1, 0, 2, 1, 0, 2, 1])
    weights = np.where(groups[:, None] == groups, 0.01, 1.0) + 1e-3 * symmetric(8, 1)
    np.fill_diagonal(weights, 0.0)
    order = clustering_order(weights)
    assert sorted(order) == list(range(8))
    assert int((np.diff(groups[order]) != 0).sum()) == 2


def test_neighbours_in_the_order_are_alike() -> None:
    """Points on a line, shuffled: average linkage alone leaves the leaves of a branch in any order."""
    at = np.array([4.0, 0.0, 9.0, 1.0, 5.5, 10.3, 2.2])
    order = clustering_order(np.abs(at[:, None] - at))
    assert np.array_equal(order, np.argsort(at)) or np.array_equal(order, np.argsort(-at))
    assert order[0] < order[-1]


def test_gaps_and_infinities_are_ordered_too() -> None:
    weights = symmetric(5, 3)
    weights[0, 1] = weights[1, 0] = np.nan
    weights[2, 4] = weights[4, 2] = np.inf
    found = dissimilarities(weights)
    assert np.isfinite(found).all()
    assert found[2, 4] > np.nanmax(np.where(np.isfinite(weights), weights, np.nan))
    assert sorted(clustering_order(weights)) == list(range(5))
    assert clustering_order(np.full((1, 1), np.nan)).tolist() == [0]
    assert clustering_order(np.full((3, 3), np.nan)).tolist() != []


def test_places_on_a_plane_keep_the_distances_of_a_plane() -> None:
    points = np.random.default_rng(0).normal(size=(6, 2))
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    places, share = classical_scaling(apart)
    np.testing.assert_allclose(
        np.linalg.norm(places[:, None] - places, axis=2), apart, atol=1e-7
    )  # root of the rounding of squares
    assert share == pytest.approx(1.0, abs=1e-9)
    assert np.ptp(places[:, 0]) >= np.ptp(places[:, 1])
    assert places[0, 0] < 0


def test_the_share_says_what_a_plane_leaves_out() -> None:
    """Four points equally far apart span three equal dimensions, of which a plane holds two."""
    assert classical_scaling(1 - np.eye(4)).share == pytest.approx(2 / 3, rel=1e-9)
