"""How data lie in the scene's box: x and y fill its floor, values its height, linearly or in the logarithm. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landscape_gui.figure import Scale, Surface
from landscape_gui.results import Array

RELIEF = 0.62
"""Height of the box over its width at `Surface.height` 1."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Limits of the box in data units; `top`: its height in scene units."""

    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]
    scale: Scale
    top: float

    def heights(self, z: Array) -> Array:
        """Values as heights, 0 at the lower limit and 1 at the upper; NaN where there is none (log of a value that is not > 0)."""
        low, high = self.z
        z = np.asarray(z, np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.scale == "log":
                h = (np.log(np.where(z > 0, z, np.nan)) - np.log(low)) / (np.log(high) - np.log(low))
            else:
                h = (z - low) / (high - low)
        return np.where(np.isfinite(h), h, np.nan)

    def values(self, heights: Array) -> Array:
        """The inverse of `heights`."""
        low, high = self.z
        if self.scale == "log":
            return np.asarray(low * (high / low) ** np.asarray(heights))
        return np.asarray(low + (high - low) * np.asarray(heights))

    def across(self, x: Array) -> Array:
        """Scene x of data x."""
        return (np.asarray(x, np.float64) - self.x[0]) / (self.x[1] - self.x[0]) - 0.5

    def along(self, y: Array) -> Array:
        """Scene y of data y."""
        return (np.asarray(y, np.float64) - self.y[0]) / (self.y[1] - self.y[0]) - 0.5

    def scene(self, x: Array, y: Array, heights: Array) -> Array:
        """(n, 3) scene positions of data x, y and heights in [0, 1]."""
        return np.stack(np.broadcast_arrays(self.across(x), self.along(y), np.asarray(heights) * self.top), axis=-1)


def frame_of(surface: Surface) -> Frame:
    """The frame of a surface; limits that are equal, reversed or not positive on a logarithmic scale are mended."""
    low, high = (float(v) for v in surface.limits)
    if surface.scale == "log":
        high = high if high > 0 else 1.0
        low = low if 0 < low < high else high * 1e-6
    elif not high > low:
        low, high = low - 0.5, low + 0.5
    return Frame(
        x=_ends(surface.x), y=_ends(surface.y), z=(low, high), scale=surface.scale, top=RELIEF * max(float(surface.height), 0.02)
    )


def _ends(values: Array) -> tuple[float, float]:
    first, last = float(values[0]), float(values[-1])
    return (first, last) if first != last else (first - 0.5, first + 0.5)


def height_at(x: Array, y: Array, heights: Array, at_x: Array, at_y: Array) -> Array:
    """Heights of the drawn mesh, (n,): every cell is split along its (0, 0)-(1, 1) diagonal; NaN outside and on holes.

    x: (nx,), y: (ny,) ascending or descending; heights: (ny, nx).
    """
    i, u = _cell(x, at_x)
    j, v = _cell(y, at_y)
    inside = (u >= -1e-9) & (u <= 1 + 1e-9) & (v >= -1e-9) & (v <= 1 + 1e-9)
    a, b, c, d = heights[j, i], heights[j, i + 1], heights[j + 1, i], heights[j + 1, i + 1]
    with np.errstate(invalid="ignore"):
        upper, lower = a + v * (c - a) + u * (d - c), a + u * (b - a) + v * (d - b)
    return np.where(inside, np.where(u >= v, lower, upper), np.nan)


def _cell(edges: Array, at: Array) -> tuple[Array, Array]:
    """Index of the cell and the place inside it, 0 to 1."""
    edges, at = np.asarray(edges, np.float64), np.asarray(at, np.float64)
    if edges[-1] < edges[0]:
        index, place = _cell(edges[::-1], at)
        return len(edges) - 2 - index, 1 - place
    index = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    return index, (at - edges[index]) / (edges[index + 1] - edges[index])
