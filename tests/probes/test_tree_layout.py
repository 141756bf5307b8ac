"""A merge tree laid flat: leaves have room of their own, nothing crosses, and twigs move nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from landscape_gui.core.topology import merge_tree
from landscape_gui.probes.tree_layout import TWIG, laid_out


def test_three_wells() -> None:
    births, deaths = np.array([0.0, 1.0, 2.0]), np.array([np.inf, 5.0, 4.0])
    laid = laid_out(births, deaths, np.array([-1, 0, 1]), np.ones(3, bool), 9.0)
    assert laid.places.tolist() == [0.5, 1.5, 2.5] and laid.width == 3.0
    assert laid.joints[1:].tolist() == [1.25, 2.0]  # the third meets the second between them, and both the first
    assert laid.branches[2].tolist() == [[2.5, 2.0], [2.5, 4.0], [2.0, 4.0]]
    assert laid.branches[0].tolist() == [[0.5, 0.0], [0.5, 5.0], [1.25, 5.0], [1.25, 9.0]]


def test_a_twig_moves_nothing() -> None:
    births, deaths = np.array([0.0, 1.0, 2.0]), np.array([np.inf, 5.0, 2.5])
    laid = laid_out(births, deaths, np.array([-1, 0, 0]), np.array([True, True, False]), 9.0)
    assert laid.places == pytest.approx([0.5, 1.5 + TWIG, 1 + TWIG / 2])
    assert laid.branches[0].tolist()[:2] == [[0.5, 0.0], [0.5, 5.0]]
    assert laid.branches[2].tolist()[-1] == [0.5, 2.5]


@pytest.mark.parametrize("seed", range(6))
def test_no_two_brackets_cross(seed: int) -> None:
    """No level line of one branch passes through an upright of another."""
    tree = merge_tree(np.random.default_rng(seed).normal(size=(12, 12)))
    real = tree.persistence > 0.3
    laid = laid_out(tree.births, tree.deaths, tree.parents, real, 9.0)
    pieces = [(k, a, b) for k, line in enumerate(laid.branches) for a, b in itertools.pairwise(line)]
    level = [(k, min(a[0], b[0]), max(a[0], b[0]), a[1]) for k, a, b in pieces if a[1] == b[1]]
    upright = [(k, a[0], a[1], b[1]) for k, a, b in pieces if a[0] == b[0]]
    assert len(level) + len(upright) == len(pieces)
    for _, left, right, height in level:
        assert not [u for u in upright if left < u[1] < right and u[2] < height < u[3]]


def test_maxima_hang_from_above() -> None:
    z = np.random.default_rng(7).normal(size=(9, 9))
    high, low = merge_tree(z, extrema="maxima"), merge_tree(-z)
    real = np.ones(len(low.births), bool)
    hanging = laid_out(high.births, high.deaths, high.parents, real, -9.0)
    standing = laid_out(low.births, low.deaths, low.parents, real, 9.0)
    assert hanging.places.tolist() == standing.places.tolist()
    for one, other in zip(hanging.branches, standing.branches, strict=True):
        assert one.tolist() == (other * [1, -1]).tolist()
