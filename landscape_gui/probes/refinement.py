"""Where to compute next: a surface refined where new points surprise the bicubic surface through the old ones. NumPy only.

Levels are nested lattices (`grid.lattices`). Cells whose new points were predicted within the tolerance are left alone; those
around a surprise and their neighbours are cut finer. Measured values are never altered.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Mapping
from functools import lru_cache

import numpy as np

from landscape_gui.probes import grid
from landscape_gui.results import Array

FLOOR = 1e-30
"""Losses below are refined as if they were this large: the logarithm of zero has no neighbours."""


def refine(
    x: Array, y: Array, fields: Mapping[str, Array], decide: tuple[str, ...], tolerance: float
) -> Generator[Array, None, dict[str, Array]]:
    """Yields flat indices of points to compute; before it goes on they must have been filled into `fields`. Returns the surfaces.

    fields: name -> (ny, nx), written by the caller; those in `decide` are losses, looked at and interpolated in their logarithm.
    tolerance: of the logarithm. The result holds measured values where there are any and bicubic ones elsewhere, by name.
    """
    lattices = grid.lattices(len(y), len(x), adaptive=True)
    known = np.zeros((len(y), len(x)), dtype=bool)
    known[np.ix_(*lattices[0])] = True
    yield np.flatnonzero(known)
    surfaces = {name: laid(x, y, *lattices[0], curved(name, v, decide)) for name, v in fields.items()}
    active = np.ones([len(s) - 1 for s in lattices[0]], dtype=bool)
    for (old_rows, old_columns), (rows, columns) in itertools.pairwise(lattices):
        wanted = covered(active, (old_rows, old_columns), (rows, columns), known.shape) & ~known
        if wanted.any():
            yield np.flatnonzero(wanted)
        known |= wanted
        surprise = np.zeros(known.shape)
        for name in decide:
            surprise = np.maximum(surprise, surprised(curved(name, fields[name], decide), surfaces[name], wanted))
        for name, values in fields.items():
            value = np.where(known, curved(name, values, decide), surfaces[name])
            surfaces[name] = laid(x, y, rows, columns, value)
        active = finer(surprise > tolerance, rows, columns)
        if not active.any():
            break
    return {name: finished(name, values, surfaces[name], known, decide) for name, values in fields.items()}


def curved(name: str, values: Array, decide: tuple[str, ...]) -> Array:
    """Losses as logarithms; what is not finite becomes NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.log(np.maximum(values, FLOOR)) if name in decide else values
    return np.where(np.isfinite(z), z, np.nan)


def finished(name: str, values: Array, surface: Array, known: Array, decide: tuple[str, ...]) -> Array:
    """Measured values, and the surface elsewhere; no overshoot beyond what was measured in other fields than losses."""
    if name in decide:
        with np.errstate(over="ignore"):
            return np.asarray(np.where(known, values, np.exp(surface)))
    measured = values[known & np.isfinite(values)]
    low, high = (measured.min(), measured.max()) if measured.size else (0.0, 0.0)
    return np.asarray(np.where(known, values, np.clip(surface, low, high)))


def surprised(values: Array, surface: Array, wanted: Array) -> Array:
    """How far new points lie from what was expected of them; infinite where only one of both is a number."""
    difference = np.zeros(values.shape)
    difference[wanted] = np.abs(values[wanted] - surface[wanted])
    one = np.isnan(values) != np.isnan(surface)
    return np.where(np.isnan(difference), np.where(one, np.inf, 0.0), difference)


def covered(active: Array, old: tuple[Array, Array], new: tuple[Array, Array], shape: tuple[int, ...]) -> Array:
    """The points of the new lattice inside active cells of the old one or on their edges."""
    mask = np.zeros(shape, dtype=bool)
    touched = np.zeros((len(new[0]), len(new[1])), dtype=bool)
    for side_y in ("left", "right"):
        for side_x in ("left", "right"):
            j, i = cells(old[0], new[0], side_y), cells(old[1], new[1], side_x)
            touched |= active[np.ix_(j, i)]
    mask[np.ix_(*new)] = touched
    return mask


def cells(stations: Array, points: Array, side: str) -> Array:
    """The cell of `stations` that each point lies in; a point on an edge lies in the one to its `side`."""
    at = np.searchsorted(stations, points, side="right" if side == "right" else "left") - 1
    return np.clip(at, 0, len(stations) - 2)


def finer(surprising: Array, rows: Array, columns: Array) -> Array:
    """The new lattice's cells to cut further: those with a surprising corner, and the neighbours of their sides."""
    at = surprising[np.ix_(rows, columns)]
    hit = at[:-1, :-1] | at[1:, :-1] | at[:-1, 1:] | at[1:, 1:]
    grown = hit.copy()
    grown[1:] |= hit[:-1]
    grown[:-1] |= hit[1:]
    grown[:, 1:] |= hit[:, :-1]
    grown[:, :-1] |= hit[:, 1:]
    return np.asarray(grown)


def laid(x: Array, y: Array, rows: Array, columns: Array, values: Array) -> Array:
    """The bicubic spline through a lattice's values, on the whole grid (ny, nx); NaN around the lattice's NaN."""
    z = values[np.ix_(rows, columns)]
    bad = np.isnan(z)
    by_row, by_column = spline(tuple(y), tuple(rows)), spline(tuple(x), tuple(columns))
    if not bad.any():
        return np.asarray(by_row @ z @ by_column.T)
    if bad.all():
        return np.full((len(y), len(x)), np.nan)
    surface = by_row @ np.where(bad, np.nanmean(z), z) @ by_column.T
    near = cells(rows, np.arange(len(y)), "right"), cells(columns, np.arange(len(x)), "right")
    lost = bad[:-1, :-1] & bad[1:, :-1] & bad[:-1, 1:] & bad[1:, 1:]
    return np.where(lost[np.ix_(*near)], np.nan, surface)


@lru_cache(maxsize=16)
def spline(positions: tuple[float, ...], stations: tuple[int, ...]) -> Array:
    """(n, m) matrix of the cubic spline with not-a-knot ends through m stations of n positions; linear for fewer than four."""
    at = np.asarray(positions)
    if at[-1] < at[0]:
        at = -at
    knots = at[list(stations)]
    if len(knots) == len(at):
        return np.eye(len(at))
    unit = np.eye(len(knots))
    if len(knots) < 4:
        return np.stack([np.interp(at, knots, row) for row in unit], axis=1)
    bend = second_derivatives(knots)
    cell = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    h = np.diff(knots)[cell]
    b = (at - knots[cell]) / h
    a = 1.0 - b
    straight = a[:, None] * unit[cell] + b[:, None] * unit[cell + 1]
    bent = ((a**3 - a) * h**2 / 6)[:, None] * bend[cell] + ((b**3 - b) * h**2 / 6)[:, None] * bend[cell + 1]
    return np.asarray(straight + bent)


def second_derivatives(knots: Array) -> Array:
    """(m, m): the spline's second derivative at each knot from the values at all of them; third derivative continuous next to the
    ends."""
    m, h = len(knots), np.diff(knots)
    left, right = np.zeros((m, m)), np.zeros((m, m))
    for k in range(1, m - 1):
        left[k, k - 1 : k + 2] = h[k - 1] / 6, (h[k - 1] + h[k]) / 3, h[k] / 6
        right[k, k - 1 : k + 2] = 1 / h[k - 1], -1 / h[k - 1] - 1 / h[k], 1 / h[k]
    left[0, :3] = -1 / h[0], 1 / h[0] + 1 / h[1], -1 / h[1]
    left[-1, -3:] = -1 / h[-2], 1 / h[-2] + 1 / h[-1], -1 / h[-1]
    return np.asarray(np.linalg.solve(left, right))
