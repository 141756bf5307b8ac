"""How far the axes of a chart reach, and where the cells of a heat map end: the same on screen and on paper. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from landscape_gui.figure import Axis, Band, Bars, Line, Mark, Needles, Panel, Points, Rule, Scale, Surface
from landscape_gui.results import Array

Side = Literal["x", "y", "right"]
AIR = 0.05
"""Room left beyond the data, as a part of their range."""
DECADES = 8.0
"""A density is followed so many decades below its top at most: its tails have no end on a logarithmic axis."""
GROUP = 0.76
"""What the bars of one name take of the room between two names."""


def limits(panel: Panel, side: Side) -> tuple[float, float]:
    """Lower and upper end of an axis in the panel's units: its own limits, or those of what stands there with a little air."""
    axis = panel.right if side == "right" else getattr(panel, side)
    if axis is None:
        return 0.0, 1.0
    if panel.categories and side == "y":
        return 0.5 - len(panel.categories), 0.5
    if axis.limits is not None:
        return axis.limits
    surface = panel.surface
    if surface is not None and side != "right":
        ends = edges(getattr(surface, side), axis.scale)
        return float(ends.min()), float(ends.max())
    return aired(panel, axis, side)


def aired(panel: Panel, axis: Axis, side: Side) -> tuple[float, float]:
    """The data's range and a little more; zero without more where bars, needles or a density stand on it."""
    found = [np.asarray(v, float).ravel() for v in values(panel, side)]
    all_ = np.concatenate(found) if found else np.zeros(0)
    ok = all_[np.isfinite(all_) & ((all_ > 0) | (axis.scale != "log"))]
    if not len(ok):
        return (0.1, 1.0) if axis.scale == "log" else (0.0, 1.0)
    low, high = float(ok.min()), float(ok.max())
    foot = any(isinstance(m, Needles) for m in panel.marks) and side != "x"
    if axis.scale == "log":
        low = max(low, high * 10.0**-DECADES) if foot else low
        low, high = (low / 1.5, high * 1.5) if low == high else (low, high)
        air = (high / low) ** AIR
        return (low if side == "x" else low / air), high * air
    if low == high:
        low, high = low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
    stands = low == 0 and (foot or bool(panel.categories))
    part = 0.02 if side == "x" and not panel.categories else AIR
    air = part * (high - low)
    if side == "x" and not any(isinstance(m, Needles | Points | Bars) for m in panel.marks):
        air = 0.0
    return low - (0.0 if stands else air), high + air


def values(panel: Panel, side: Side) -> Iterator[Array]:
    """What an axis must hold."""
    for mark in panel.marks:
        if isinstance(mark, Rule):
            if (mark.orientation == "vertical") == (side == "x") and side != "right":
                yield np.array([mark.at])
        elif side == "x":
            yield from across(mark)
        elif (side == "right") == bool(getattr(mark, "right", False)):
            yield from upward(mark)


def across(mark: Mark) -> Iterator[Array]:
    if isinstance(mark, Line | Band | Points | Needles):
        yield mark.x
    elif isinstance(mark, Bars):
        low, high = whiskers(mark)
        yield from (np.zeros(1), np.asarray(mark.values, float), low, high)


def upward(mark: Mark) -> Iterator[Array]:
    if isinstance(mark, Line | Points):
        yield mark.y
    elif isinstance(mark, Band):
        yield from (mark.low, mark.high)
    elif isinstance(mark, Needles):
        yield from (mark.height, np.zeros(1))


def whiskers(mark: Bars) -> tuple[Array, Array]:
    """Lower and upper ends of the bars' errors; NaN where there is none."""
    middle = np.asarray(mark.values, float)
    half = np.full(middle.shape, np.nan) if mark.errors is None else np.asarray(mark.errors, float)
    return middle - half, middle + half


def bar_places(panel: Panel) -> list[tuple[Bars, Array, float]]:
    """Each `Bars` with the heights (k,) of its bars' middles, the first name at 0 and the next at -1, and their thickness."""
    marks = [m for m in panel.marks if isinstance(m, Bars)]
    thick = GROUP / max(len(marks), 1)
    return [(m, -np.arange(len(m.names)) + GROUP / 2 - (g + 0.5) * thick, thick) for g, m in enumerate(marks)]


def edges(positions: Array, scale: Scale = "linear") -> Array:
    """(n + 1,) where the cells around n positions end: half way between neighbours, on a logarithmic axis in the logarithm."""
    at = np.asarray(positions, float)
    at = np.log10(at) if scale == "log" else at
    if len(at) < 2:
        ends = np.array([at[0] - 0.5, at[0] + 0.5]) if len(at) else np.array([0.0, 1.0])
    else:
        middle = (at[1:] + at[:-1]) / 2
        ends = np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
    return np.asarray(10.0**ends if scale == "log" else ends)


def raster(surface: Surface, x: Scale = "linear", y: Scale = "linear", *, most: int = 1024) -> tuple[Array, Array]:
    """The cells of a heat map on an even raster: values (rows, columns) and where it ends (left, right, low, high), in the
    axes' own units or their decimal logarithms. Each pixel has its own cell's value, so that no epoch is invented between two."""
    indices, ends = [], []
    for positions, scale in ((surface.x, x), (surface.y, y)):
        borders = edges(positions, scale)
        borders = np.log10(borders) if scale == "log" else borders
        steps = np.diff(borders)
        even = bool(np.allclose(steps, steps[0], rtol=1e-6))
        count = len(steps) if even else most
        at = borders[0] + (np.arange(count) + 0.5) * (borders[-1] - borders[0]) / count
        rising = borders if borders[-1] > borders[0] else borders[::-1]
        index = np.clip(np.searchsorted(rising, at) - 1, 0, len(steps) - 1)
        indices.append(index if borders[-1] > borders[0] else len(steps) - 1 - index)
        ends += [float(borders[0]), float(borders[-1])]
    return np.asarray(surface.z, float)[np.ix_(indices[1], indices[0])], np.array(ends)
