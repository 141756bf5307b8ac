"""What to draw where a running surface has not been computed yet: bilinear between the points that have. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape_gui.results import Array


def fill_in(
    x: Array, y: Array, z: Array, computed: Array, lattices: Sequence[tuple[Array, Array]] | None = None
) -> tuple[Array, Array]:
    """Values for drawing, (ny, nx), and where they are filled in, (ny, nx) bool.

    x: (nx,), y: (ny,); computed: True where `z` was evaluated. Coarse points are joined bilinearly over nested lattices of
    strides 64, 32, ... 1, each finer one correcting the one before; a cell none of whose lattices has four computed corners stays
    NaN. lattices: the nested rows and columns where they are known, coarse to fine. Computed values are never altered: a computed
    value that is not finite stays as it is. About 20 ms at 513 x 513.
    """
    computed = np.asarray(computed, bool)
    good = computed & np.isfinite(z)
    if good.all() or not good.any():
        return np.where(computed, z, np.nan), np.zeros(z.shape, bool)
    estimate, known = np.zeros(z.shape), np.zeros(z.shape, bool)
    values = np.where(good, z, 0.0)
    for rows, columns in lattices or _lattices(computed):
        corner = good[np.ix_(rows, columns)]
        if corner.any():
            residual = np.where(corner, values[np.ix_(rows, columns)] - estimate[np.ix_(rows, columns)], 0.0)
            estimate += _bilinear(y, x, rows, columns, residual)
            known |= _between(z.shape, rows, columns, corner)
    filled = known & ~computed
    return np.where(computed, z, np.where(filled, estimate, np.nan)), filled


def _lattices(computed: Array) -> list[tuple[Array, Array]]:
    """Rows and columns of nested lattices, coarse to fine: dyadic strides, or multiples of the first gap that is found."""
    ny, nx = computed.shape
    strides = [max(_first_gap(np.asarray(computed.any(axis=k))) for k in (0, 1))]
    while strides[0] < 64 and 2 * strides[0] < max(nx, ny):
        strides.insert(0, 2 * strides[0])
    while strides[-1] > 1:
        strides.append(strides[-1] // 2 if strides[-1] % 2 == 0 else 1)
    return [(_stations(ny, s), _stations(nx, s)) for s in strides]


def _first_gap(used: Array) -> int:
    at = np.nonzero(used)[0]
    return int(np.gcd.reduce(np.diff(at[:3]))) if len(at) > 1 and at[0] == 0 else 1


def _stations(count: int, stride: int) -> Array:
    return np.unique(np.append(np.arange(0, count, stride), count - 1))


def _weights(positions: Array, stations: Array) -> Array:
    """(n, stations) linear interpolation from the stations to every position."""
    if len(stations) == 1:
        return np.ones((len(positions), 1))
    known = positions[stations]
    where, known = (positions, known) if known[-1] >= known[0] else (-positions, -known)
    left = np.clip(np.searchsorted(known, where, side="right") - 1, 0, len(known) - 2)
    share = np.clip((where - known[left]) / (known[left + 1] - known[left]), 0.0, 1.0)
    weights = np.zeros((len(positions), len(stations)))
    at = np.arange(len(positions))
    weights[at, left], weights[at, left + 1] = 1.0 - share, share
    return weights


def _bilinear(y: Array, x: Array, rows: Array, columns: Array, values: Array) -> Array:
    if len(rows) == len(y) and len(columns) == len(x):
        return values
    return np.asarray(_weights(np.asarray(y), rows) @ values @ _weights(np.asarray(x), columns).T)


def _between(shape: tuple[int, ...], rows: Array, columns: Array, corner: Array) -> Array:
    """Cells' points all four of whose lattice corners are there."""
    whole = corner[:-1, :-1] & corner[:-1, 1:] & corner[1:, :-1] & corner[1:, 1:]
    known = np.zeros(shape, bool)
    known[np.ix_(rows, columns)] = corner
    j = np.clip(np.searchsorted(rows, np.arange(shape[0]), side="right") - 1, 0, len(rows) - 2)
    i = np.clip(np.searchsorted(columns, np.arange(shape[1]), side="right") - 1, 0, len(columns) - 2)
    inside = whole[np.ix_(j, i)] if whole.size else np.zeros(shape, bool)
    return known | inside | _edges(inside)


def _edges(inside: Array) -> Array:
    """The far edges of whole cells belong to them too."""
    out = inside.copy()
    out[1:] |= inside[:-1]
    out[:, 1:] |= inside[:, :-1]
    out[1:, 1:] |= inside[:-1, :-1]
    return out
