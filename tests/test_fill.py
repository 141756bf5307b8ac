"""Filling in what has not been computed yet."""

import numpy as np
import pytest

from landscape_gui.fill import fill_in


def plane(nx: int, ny: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = np.linspace(-1, 2, nx), np.linspace(0, 1, ny)
    return x, y, 1 + 2 * x - 3 * y[:, None] + 0.5 * x * y[:, None]


@pytest.mark.parametrize(("nx", "ny", "stride"), [(17, 17, 4), (33, 17, 8), (21, 26, 5), (51, 51, 16)])
def test_a_coarse_lattice_is_joined_bilinearly(nx: int, ny: int, stride: int) -> None:
    x, y, z = plane(nx, ny)
    computed = np.zeros(z.shape, bool)
    rows, columns = (np.unique(np.append(np.arange(0, n, stride), n - 1)) for n in (ny, nx))
    computed[np.ix_(rows, columns)] = True
    values, filled = fill_in(x, y, np.where(computed, z, np.nan), computed)
    assert np.abs(values - z).max() < 1e-12  # a bilinear function is met exactly, up to rounding
    assert (filled == ~computed).all()


def test_finer_points_correct_the_coarse_picture_and_nothing_computed_moves() -> None:
    x, y, z = plane(33, 33)
    z = z + np.sin(5 * x) * np.cos(4 * y[:, None])
    computed = np.zeros(z.shape, bool)
    computed[::8, ::8] = True
    coarse = fill_in(x, y, np.where(computed, z, np.nan), computed)[0]
    computed[:17:4, ::4] = True
    finer = fill_in(x, y, np.where(computed, z, np.nan), computed)[0]
    assert (finer[computed] == z[computed]).all()
    assert np.abs(finer - z)[:16].mean() < 0.5 * np.abs(coarse - z)[:16].mean()


def test_a_computed_infinity_stays_and_spoils_nothing_else() -> None:
    x, y, z = plane(17, 17)
    computed = np.zeros(z.shape, bool)
    computed[::4, ::4] = True
    z[8, 8] = np.inf
    values, filled = fill_in(x, y, np.where(computed, z, np.nan), computed)
    assert values[8, 8] == np.inf
    assert not filled[8, 8]
    z[8, 8] = np.nan
    assert np.isfinite(values[~np.isnan(z)]).all()


def test_nothing_computed_is_nothing_drawn() -> None:
    x, y, z = plane(9, 9)
    values, filled = fill_in(x, y, z, np.zeros(z.shape, bool))
    assert np.isnan(values).all()
    assert not filled.any()


def test_descending_axes_are_joined_as_ascending_ones() -> None:
    x, y, z = plane(17, 9)
    computed = np.zeros(z.shape, bool)
    computed[::4, ::4] = True
    seen = np.where(computed, z, np.nan)
    ascending = fill_in(x, y, seen, computed)[0]
    descending = fill_in(x[::-1], y[::-1], seen[::-1, ::-1], computed[::-1, ::-1])[0]
    np.testing.assert_allclose(descending[::-1, ::-1], ascending, rtol=0, atol=1e-12)  # rounding
