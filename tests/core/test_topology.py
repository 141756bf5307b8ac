"""Merge trees on grids: closed forms, brute force over thresholds, symmetries, stability, and GUDHI where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import label

from landscape_gui.core.topology import Connectivity, MergeTree, merge_tree, saddle_minimum_average_distance
from landscape_gui.errors import QuestionError

KINDS: tuple[Connectivity, ...] = ("bilinear", "edges", "corners")
LANDSCAPER, MINIMA = 0.8921069, 18
NEIGHBOURS = {"edges": None, "corners": np.ones((3, 3))}


def finite_pairs(tree: MergeTree, digits: int = 12) -> list[tuple[float, float]]:
    pairs = zip(tree.births.tolist(), tree.deaths.tolist(), strict=True)
    return sorted((round(b, digits), round(d, digits)) for b, d in pairs if np.isfinite(d))


def egg_box(points: int = 61) -> Any:
    x = np.linspace(0, 6 * np.pi, points)
    return np.add.outer(np.cos(x), np.cos(x))


def random_grids(count: int, seed: int = 0) -> list[Any]:
    generator = np.random.default_rng(seed)
    grids = [generator.normal(size=tuple(generator.integers(1, 12, 2))) for _ in range(count)]
    return [np.round(2 * z) / 2 if k % 3 == 0 else z for k, z in enumerate(grids)]  # every third with many equal values


@pytest.mark.parametrize("connectivity", KINDS)
def test_an_egg_box_has_eight_pairs_of_exactly_two(connectivity: Connectivity) -> None:
    tree = merge_tree(egg_box(), connectivity=connectivity)
    assert np.isinf(tree.deaths[0]) and tree.parents[0] == -1
    assert tree.persistence[1:] == pytest.approx(np.full(8, 2.0), abs=1e-14)
    assert sorted(zip(tree.rows.tolist(), tree.columns.tolist(), strict=True)) == [
        (r, c) for r in (10, 30, 50) for c in (10, 30, 50)
    ]
    assert saddle_minimum_average_distance(tree) == pytest.approx(2.0, abs=1e-14)


@pytest.mark.parametrize("connectivity", KINDS)
def test_a_bowl_has_no_pair(connectivity: Connectivity) -> None:
    x = np.linspace(-1, 1, 41)
    tree = merge_tree(np.add.outer(3 * x**2, x**2) + np.multiply.outer(x, x), connectivity=connectivity)
    assert (tree.births.tolist(), tree.deaths.tolist()) == ([0.0], [np.inf])
    assert saddle_minimum_average_distance(tree) == 0.0


def test_along_a_line() -> None:
    tree = merge_tree(np.array([3.0, 0.0, 5.0, 1.0, 4.0, 2.0, 6.0]))
    assert finite_pairs(tree) == [(1.0, 5.0), (2.0, 4.0)]
    assert tree.columns.tolist() == [1, 3, 5] and tree.parents.tolist() == [-1, 0, 1]
    assert tree.first_merges.tolist() == [5.0, 4.0, 4.0]
    assert saddle_minimum_average_distance(tree) == pytest.approx((5 + 3 + 2) / 3)


@pytest.mark.parametrize("connectivity", ["edges", "corners"])
def test_components_at_every_level_are_those_of_an_image(connectivity: Connectivity) -> None:
    """So many branches are alive at a level as labelling the cells below it finds pieces."""
    for z in random_grids(40):
        tree = merge_tree(z, connectivity=connectivity)
        for level in np.unique(z):
            pieces = label(z <= level, structure=NEIGHBOURS[connectivity])[1]
            assert int(((tree.births <= level) & (tree.deaths > level)).sum()) == pieces


def test_bilinear_saddles_are_those_of_the_function_drawn_finely() -> None:
    """On a raster 64 times as fine, with neighbours along its lines, the same pairs up to the raster's step."""
    fine = np.arange(0, 1, 1 / 64)
    for z in (z for z in random_grids(24, seed=1) if min(z.shape) > 1):
        rows, columns = (np.append(np.add.outer(np.arange(n - 1), fine).ravel(), n - 1.0) for n in z.shape)
        i, j = np.minimum(rows.astype(int), z.shape[0] - 2), np.minimum(columns.astype(int), z.shape[1] - 2)
        v, u = (rows - i)[:, None], (columns - j)[None, :]
        a, b, c, d = z[np.ix_(i, j)], z[np.ix_(i, j + 1)], z[np.ix_(i + 1, j)], z[np.ix_(i + 1, j + 1)]
        drawn = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)
        exact = np.sort(merge_tree(z).persistence)[:-1]
        rastered = np.sort(merge_tree(drawn, connectivity="edges").persistence)[:-1]
        slack = 8 / 64  # a step of the raster, times the steepest slope that a difference of normal values has
        assert len(rastered) >= len(exact)
        assert rastered[len(rastered) - len(exact) :] == pytest.approx(exact, abs=slack)
        assert (rastered[: len(rastered) - len(exact)] < slack).all()


def test_a_bilinear_saddle_lies_inside_its_cell() -> None:
    tree = merge_tree(np.array([[0.0, 3.0], [1.0, 0.5]]) + np.array([[0.0, 0.0], [1.0, 0.0]]))
    p, q, r = 3.0, 2.0, 0.5
    assert tree.deaths[1] == pytest.approx(p * q / (p + q - r))
    assert (tree.saddle_rows[1], tree.saddle_columns[1]) == pytest.approx((p / (p + q - r), q / (p + q - r)))


@pytest.mark.parametrize("connectivity", KINDS)
def test_scaling_shifting_and_turning(connectivity: Connectivity) -> None:
    for z in random_grids(12, seed=2):
        tree = merge_tree(z, connectivity=connectivity)
        scaled = merge_tree(3.5 * z - 2, connectivity=connectivity)
        assert np.sort(scaled.persistence) == pytest.approx(np.sort(3.5 * tree.persistence), rel=1e-12, abs=1e-12)
        for turned in (z.T, z[::-1], np.rot90(z)):
            assert finite_pairs(merge_tree(turned, connectivity=connectivity)) == finite_pairs(tree)


@pytest.mark.parametrize("connectivity", KINDS)
def test_maxima_are_the_minima_of_the_negative(connectivity: Connectivity) -> None:
    for z in random_grids(8, seed=3):
        high, low = merge_tree(z, connectivity=connectivity, extrema="maxima"), merge_tree(-z, connectivity=connectivity)
        assert high.births.tolist() == (-low.births).tolist() and high.deaths.tolist() == (-low.deaths).tolist()
        assert high.first_merges.tolist() == (-low.first_merges).tolist()


@pytest.mark.parametrize("connectivity", KINDS)
def test_noise_of_e_moves_no_persistence_by_more_than_2e(connectivity: Connectivity) -> None:
    """The k-th largest persistences differ by at most twice the noise: weaker than, and implied by, the bottleneck bound."""
    generator = np.random.default_rng(4)
    for size in (0.01, 0.3):
        z = egg_box(31)
        noisy = z + size * generator.uniform(-1, 1, z.shape)
        before, after = (np.sort(merge_tree(f, connectivity=connectivity).persistence)[::-1][1:] for f in (z, noisy))
        longest = max(len(before), len(after))
        both = [np.pad(p, (0, longest - len(p))) for p in (before, after)]
        assert np.abs(both[0] - both[1]).max() <= 2 * size + 1e-12
        assert (both[1] > 2 * size).sum() == 8


def test_parents_are_deeper_and_end_later() -> None:
    for z in random_grids(20, seed=5):
        tree = merge_tree(z)
        inner = np.flatnonzero(tree.parents >= 0)
        assert (tree.parents[inner] < inner).all() and (np.diff(tree.persistence) <= 0).all()
        assert (tree.births[tree.parents[inner]] <= tree.births[inner]).all()
        assert (tree.deaths[tree.parents[inner]] >= tree.deaths[inner]).all()


def test_what_is_not_finite_is_no_part_of_the_domain() -> None:
    z = egg_box(31)
    z[:, 10] = np.nan  # a wall on the crest between the first column of wells and the others
    z[15, 15] = np.inf
    z[20, 20] = -np.inf
    tree = merge_tree(z)
    assert np.isinf(tree.deaths).sum() == 2 and (tree.parents == -1).sum() == 2
    assert np.isfinite(tree.births).all()


def test_nothing_finite_is_said() -> None:
    with pytest.raises(QuestionError, match="None of these values is finite"):
        merge_tree(np.full((3, 3), np.nan))


def test_a_plain_is_one_minimum() -> None:
    tree = merge_tree(np.zeros((5, 7)))
    assert tree.births.tolist() == [0.0] and (tree.rows[0], tree.columns[0]) == (0, 0)


@pytest.mark.parametrize("connectivity", ["edges", "corners"])
def test_gudhi_has_the_same_pairs(connectivity: Connectivity) -> None:
    gudhi = pytest.importorskip("gudhi", reason="GUDHI is not installed")
    for z in random_grids(60, seed=6):
        made = gudhi.CubicalComplex(**{"vertices" if connectivity == "edges" else "top_dimensional_cells": z})
        made.persistence(min_persistence=0)
        pairs = made.persistence_intervals_in_dimension(0)
        expected = sorted((b, d) for b, d in pairs.tolist() if np.isfinite(d) and d > b)
        tree = merge_tree(z, connectivity=connectivity)
        found = sorted(zip(tree.births.tolist(), tree.deaths.tolist(), strict=True))
        assert [pair for pair in found if np.isfinite(pair[1])] == expected


def test_landscapers_average_distance() -> None:
    """The mean over the minima of what its definition gives for them in its own tree (topopy 1.0.4, neighbours by nglpy 1.1.7)."""
    z = np.random.default_rng(1)
    n = int(z.integers(4, 16))
    tree = merge_tree(z.normal(size=(n, n)), connectivity="edges")
    assert saddle_minimum_average_distance(tree) == pytest.approx(LANDSCAPER, rel=1e-6)  # theirs is in float32
    assert len(tree.births) == MINIMA
