"""Where to compute next: a surface refined where new points surprise the bicubic surface through the old ones. NumPy only.

Levels are nested lattices (`grid.lattices`). In each cell that is cut, its middle comes first: where it was predicted within the
tolerance, as in the cells beside it, its edges are not computed. The cells around a surprise are cut finer, and those beside a
large one. Surprises correct the surface half a cell further than they were measured; measured values are never altered.
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
MIDDLE, WIDER = 0.7, 2.0
"""A cell's middle alone must be predicted this much better than the tolerance; surprises this many times the tolerance draw in the
cells beside theirs. Both found on surfaces of small ReLU networks, where kinks decide; 0.6 to 0.8 and 1.5 to 2 do as well."""


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
    for old, new in itertools.pairwise(lattices):
        asked = covered(active, old, new, known.shape) & middles(old, known.shape) & ~known
        if asked.any():
            yield np.flatnonzero(asked)
        hot = active & alarmed(surprise(fields, surfaces, decide, asked), MIDDLE * tolerance, old)
        wanted = covered(hot, old, new, known.shape) & ~known & ~asked
        if wanted.any():
            yield np.flatnonzero(wanted)
        known |= asked | wanted
        active = finer(surprise(fields, surfaces, decide, asked | wanted), tolerance, *new)
        for name, values in fields.items():
            surfaces[name] = laid(x, y, *new, corrected(curved(name, values, decide), surfaces[name], known, *new))
        if not active.any():
            break
    return {name: finished(name, values, surfaces[name], known, decide) for name, values in fields.items()}


def surprise(fields: Mapping[str, Array], surfaces: Mapping[str, Array], decide: tuple[str, ...], asked: Array) -> Array:
    """How far points lie from what was expected of them, the largest over the fields that decide; zero where none was asked."""
    found = np.zeros(asked.shape)
    for name in decide:
        found = np.maximum(found, surprised(curved(name, fields[name], decide), surfaces[name], asked))
    return found


def middles(old: tuple[Array, Array], shape: tuple[int, ...]) -> Array:
    """The points inside a lattice's cells, not on their edges."""
    mask = np.ones(shape, dtype=bool)
    mask[old[0]] = False
    mask[:, old[1]] = False
    return mask


def alarmed(surprises: Array, tolerance: float, old: tuple[Array, Array]) -> Array:
    """A lattice's cells with a surprise inside and those beside them. Cells without an inside follow their neighbours."""
    rows, columns = np.nonzero(surprises)
    worst = np.zeros((len(old[0]) - 1, len(old[1]) - 1))
    np.maximum.at(worst, (cells(old[0], rows, "right"), cells(old[1], columns, "right")), surprises[rows, columns])
    flat = (np.diff(old[0]) == 1)[:, None] | (np.diff(old[1]) == 1)
    hit = beside(worst > tolerance)
    return np.asarray(hit | flat if flat.all() else hit | (flat & beside(hit)))


def corrected(values: Array, surface: Array, known: Array, rows: Array, columns: Array) -> Array:
    """Values for a lattice: measured ones, and elsewhere the surface with half the sum of its neighbours' surprises added."""
    at = np.ix_(rows, columns)
    found = np.where(known, values - surface, 0.0)[at]
    around = np.pad(np.where(np.isfinite(found), found, 0.0), 1)
    spread = (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]) / 2
    result = np.where(known, values, surface)
    result[at] += np.where(known[at], 0.0, spread)
    return result


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


def finer(surprises: Array, tolerance: float, rows: Array, columns: Array) -> Array:
    """The new lattice's cells to cut further: those with a surprise at a corner, and those beside a large one."""
    at = surprises[np.ix_(rows, columns)]
    worst = np.maximum.reduce([at[:-1, :-1], at[1:, :-1], at[:-1, 1:], at[1:, 1:]])
    return np.asarray((worst > tolerance) | beside(worst > WIDER * tolerance))


def beside(hit: Array) -> Array:
    """Cells and the neighbours of their sides."""
    wider = hit.copy()
    wider[1:] |= hit[:-1]
    wider[:-1] |= hit[1:]
    wider[:, 1:] |= hit[:, :-1]
    wider[:, :-1] |= hit[:, 1:]
    return np.asarray(wider)


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


def doubts(surfaces: Mapping[str, Array], known: Array, decide: tuple[str, ...]) -> Array:
    """Where an interpolated surface may be wrong, (ny, nx), larger for more doubt; zero where values were measured.

    It is the largest third difference beside the cell, which kinks make large, times the squared distance to a measured one.
    """
    found = np.zeros(known.shape)
    for name in decide:
        z = curved(name, surfaces[name], decide)
        kinks = np.zeros(z.shape)
        kinks[:, 2:-1] += np.abs(np.diff(z, 3, axis=1))
        kinks[2:-1] += np.abs(np.diff(z, 3, axis=0))
        around = np.pad(np.nan_to_num(kinks), 1)
        found = np.maximum.reduce([found, *(around[j : j + len(z), i : i + z.shape[1]] for j in range(3) for i in range(3))])
    return np.asarray(found * distances(known) ** 2)


def distances(known: Array) -> Array:
    """Steps along the axes from each cell to the nearest known one."""
    away = np.where(known, 0.0, float(known.size))
    for _ in range(2):
        steps = np.arange(len(away))[:, None]
        up = np.minimum.accumulate((away + steps)[::-1])[::-1] - steps
        away = np.minimum(np.minimum.accumulate(away - steps) + steps, up).T
    return np.asarray(away)
