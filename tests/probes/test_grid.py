"""The order of a grid's points, its blocks and its positions."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from landscape_gui.probes import grid
from landscape_gui.probes.blocks import block_size


@pytest.mark.parametrize("n", [2, 3, 7, 11, 12, 21, 50, 51, 101, 201, 513])
def test_levels_are_nested_and_end_with_every_index(n: int) -> None:
    levels = [grid.stations(n, k) for k in range(grid.levels(n))]
    assert np.array_equal(levels[-1], np.arange(n))
    for coarse, fine in itertools.pairwise(levels):
        assert set(coarse) < set(fine)
    for level in levels:
        assert level[0] == 0 and level[-1] == n - 1
        assert np.diff(level).max() - np.diff(level).min() <= 1
        if n % 2:
            assert (n - 1) // 2 in level


@pytest.mark.parametrize("n", [2, 5, 11, 31, 51, 101, 201, 513])
def test_halving_wastes_no_level(n: int) -> None:
    """The coarsest level has ten to about twenty intervals, and the last but one leaves every cell at least 1.5 wide on average."""
    coarse = grid.halving(n)
    assert coarse % 2 == 0 and (10 <= coarse <= 22 or n <= 11)
    count = grid.levels(n, coarse)
    if count > 1:
        assert (n - 1) / (coarse << (count - 2)) >= 1.5


@pytest.mark.parametrize(("ny", "nx"), [(11, 11), (51, 51), (2, 90), (67, 71), (5, 4)])
def test_every_point_comes_once_and_the_coarse_ones_first(ny: int, nx: int) -> None:
    order, ends = grid.order(ny, nx)
    assert np.array_equal(np.sort(order), np.arange(nx * ny))
    assert ends[-1] == nx * ny and ends[0] == min(nx, 5) * min(ny, 5)
    first = np.zeros((ny, nx), bool)
    first.flat[order[: ends[0]]] = True
    assert np.array_equal(
        first, np.isin(np.arange(ny), grid.stations(ny, 0))[:, None] & np.isin(np.arange(nx), grid.stations(nx, 0))
    )


@pytest.mark.parametrize(("draws", "size"), [(1, 128), (3, 16), (2, 1000)])
def test_blocks_cover_each_draw_in_order_and_do_not_cross_levels(draws: int, size: int) -> None:
    _, ends = grid.order(51, 43)
    found = list(grid.blocks(ends, draws, size))
    for draw in range(draws):
        mine = [(start, stop) for d, start, stop in found if d == draw]
        assert mine[0][0] == 0 and mine[-1][1] == ends[-1]
        assert all(a[1] == b[0] for a, b in itertools.pairwise(mine))
        assert set(ends) <= {stop for _, stop in mine}
        assert all(stop - start < 2 * size for start, stop in mine)
        assert all(stop - start >= size or stop in ends for start, stop in mine)


@pytest.mark.parametrize("n", [2, 3, 51, 101, 999])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (-0.1, 0.1), (-0.5, 1.5), (0.3, 0.7), (-1e-9, 1e9)])
def test_positions_have_exact_ends_an_exact_zero_and_even_steps(n: int, low: float, high: float) -> None:
    x = grid.positions(low, high, n)
    assert x[0] == low and x[-1] == high and len(x) == n
    if low == -high:
        assert np.array_equal(x, -x[::-1])
        if n % 2:
            assert x[n // 2] == 0.0
    assert np.allclose(np.diff(x), (high - low) / (n - 1), rtol=1e-9, atol=1e-12 * (high - low))


@pytest.mark.parametrize(
    ("layers", "chunks", "examples", "size"),
    [(4, 2, 1000, 128), (4, 3, 5000, 32), (87, 2, 512, 8), (87, 2, 1797, 4), (87, 16, 9000, 2)],
)
def test_blocks_are_smaller_for_heavier_networks(layers: int, chunks: int, examples: int, size: int) -> None:
    """As an evaluator describes itself: chunks of data by split, examples of all, and layers."""
    layout = SimpleNamespace(layers=lambda: [None] * layers)
    evaluator = SimpleNamespace(environment={"partition": {"train": chunks - 1, "test": 1}}, layout=layout, examples=examples)
    assert block_size(evaluator) == size  # type: ignore[arg-type]
