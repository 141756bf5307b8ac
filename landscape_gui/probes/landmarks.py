"""The checkpoints that span a plane, marked where they lie in it."""

from __future__ import annotations

from landscape_gui.figure import Points
from landscape_gui.results import AxesReport, SurfaceResult, freeze

COLOURS = ((4, "orange"), (3, "pink"), (5, "light blue"))
"""Indices into `style.SERIES` that stand out from the colour maps, and their names."""


def spanning(axes: AxesReport) -> tuple[tuple[float, float, str], ...]:
    """x, y and name of each checkpoint that the axes lead from and to; none for random directions and principal components."""
    ends = {"towards": ((1.0, 0.0),), "path": ((1.0, 0.0),), "plane": ((1.0, 0.0), (0.0, 1.0))}.get(axes.kind, ())
    if not ends:
        return ()
    names = [label.removeprefix("towards ") for label in axes.labels]
    return ((0.0, 0.0, "this checkpoint"), *((x, y, name) for (x, y), name in zip(ends, names, strict=False)))


def landmarks(result: SurfaceResult) -> tuple[Points, ...]:
    """A named disc for each of them that lies inside the plane's frame."""
    (left, right), (low, high) = sorted((result.x[0], result.x[-1])), sorted((result.y[0], result.y[-1]))
    return tuple(
        Points(x=freeze([x]), y=freeze([y]), names=(name,), label=name, size=11.0, colour=colour)
        for (x, y, name), (colour, _) in zip(spanning(result.axes), COLOURS, strict=False)
        if left <= x <= right and low <= y <= high
    )


def words(result: SurfaceResult) -> str:
    """Which disc is which checkpoint, and where."""
    places = zip(spanning(result.axes), COLOURS, strict=False)
    return "; ".join(f"{colour} disc at ({x:g}, {y:g}): {name}" for (x, y, name), (_, colour) in places)
