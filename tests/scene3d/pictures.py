"""Panels to draw: a bowl with bumps, on a grid whose sides differ."""

from __future__ import annotations

import numpy as np

from landscape_gui.figure import Axis, Camera, Panel, Path, Surface, contour_levels, finite_limits
from landscape_gui.results import Array


def bowl(nx: int = 25, ny: int = 31) -> tuple[Array, Array, Array]:
    """x, y and values that are neither symmetric in x and y nor monotonic."""
    x, y = np.linspace(-1, 1, nx), np.linspace(-2, 1.5, ny)
    z = 0.05 + 1.4 * x**2 + (0.7 * y[:, None] + 0.2) ** 2 + 0.3 * np.sin(4 * x + 3 * y[:, None])
    return x, y, z - z.min() + 0.01


def panel(nx: int = 25, ny: int = 31, *, scale: str = "linear", path: bool = True, camera: Camera = Camera()) -> Panel:
    x, y, z = bowl(nx, ny)
    limits = finite_limits(z, scale=scale)  # type: ignore[arg-type]
    surface = Surface(
        x=x, y=y, z=z, limits=limits, missing=np.zeros(z.shape, bool), scale=scale,  # type: ignore[arg-type]
        levels=contour_levels(limits, 10, scale=scale), label="train loss", unit="nat",  # type: ignore[arg-type]
    )  # fmt: skip
    t = np.linspace(0, 1, 9)
    marks = (surface, Path(x=-0.8 * (1 - t), y=1.2 - 1.4 * t)) if path else (surface,)
    return Panel(
        marks=marks, view="3d", x=Axis(label="filter-normalised direction 1"), y=Axis(label="filter-normalised direction 2"),
        z=Axis(label="train loss", unit="nat"), camera=camera,
    )  # fmt: skip
