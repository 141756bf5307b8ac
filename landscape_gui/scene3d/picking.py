"""Where a ray meets the drawn surface. NumPy only."""

from __future__ import annotations

import numpy as np

from landscape_gui.results import Array
from landscape_gui.scene3d.camera import Projection
from landscape_gui.scene3d.frame import Frame, height_at


def pick(
    projection: Projection, frame: Frame, x: Array, y: Array, heights: Array, at: tuple[float, float]
) -> tuple[float, float] | None:
    """Data x and y of the surface point seen at a pixel; None where the ray misses. About a millisecond at 513 x 513.

    heights: (ny, nx) as drawn; what lies above the upper or below the lower limit is cut away and does not stop the ray.
    """
    start, direction = projection.ray(*at)
    span = _inside(start, direction, frame.top)
    if span is None:
        return None
    steps = np.linspace(*span, 2 * (len(x) + len(y)) + 64)
    points = start + steps[:, None] * direction
    px = frame.x[0] + (points[:, 0] + 0.5) * (frame.x[1] - frame.x[0])
    py = frame.y[0] + (points[:, 1] + 0.5) * (frame.y[1] - frame.y[0])
    surface = height_at(x, y, heights, px, py)
    surface = np.where((surface >= -1e-6) & (surface <= 1 + 1e-6), surface, np.nan)
    return _first_crossing(px, py, points[:, 2] / frame.top - surface)


def _inside(start: Array, direction: Array, top: float) -> tuple[float, float] | None:
    """Where the ray enters and leaves the box."""
    low, high = np.array([-0.5, -0.5, -1e-6]), np.array([0.5, 0.5, top + 1e-6])
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (low - start) / direction, (high - start) / direction
    enter, leave = np.nanmax(np.minimum(first, second)), np.nanmin(np.maximum(first, second))
    return (float(enter), float(leave)) if leave > enter else None


def _first_crossing(x: Array, y: Array, gap: Array) -> tuple[float, float] | None:
    """The first sign change of ray height minus surface height, refined along the straight piece."""
    with np.errstate(invalid="ignore"):
        crossing = np.nonzero(gap[:-1] * gap[1:] <= 0)[0]
    if not len(crossing):
        return None
    k = int(crossing[0])
    fall = gap[k] - gap[k + 1]
    w = gap[k] / fall if fall else 0.0
    return float(x[k] + w * (x[k + 1] - x[k])), float(y[k] + w * (y[k + 1] - y[k]))
