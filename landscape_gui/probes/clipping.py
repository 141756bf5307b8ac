"""A line in a plane cut at the plane's frame. NumPy only."""

from __future__ import annotations

import itertools
import math

import numpy as np

from landscape_gui.results import Array

Frame = tuple[float, float, float, float]
"""x from, to, y from, to."""


def clipped(x: Array, y: Array, frame: Frame) -> tuple[Array, Array]:
    """The parts of a line through (x, y), (k,), inside the frame, ends on it included; NaN between parts that do not touch.

    Points that are not finite break the line. By Liang and Barsky's parameters of each piece.
    """
    found: list[tuple[float, float]] = []
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    for start, stop in itertools.pairwise(points):
        part = piece(start, stop, frame)
        if part is None:
            continue
        if not found:
            found.append(part[0])
        elif found[-1] != part[0]:
            found += [(math.nan, math.nan), part[0]]
        found.append(part[1])
    if len(points) == 1 and contains(points[0], frame):
        found = points
    kept = np.array(found, dtype=np.float64).reshape(-1, 2)
    return kept[:, 0], kept[:, 1]


def contains(place: tuple[float, float], frame: Frame) -> bool:
    return frame[0] <= place[0] <= frame[1] and frame[2] <= place[1] <= frame[3]


def piece(
    start: tuple[float, float], stop: tuple[float, float], frame: Frame
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The part of a straight piece inside the frame; None where there is none."""
    if not all(map(math.isfinite, (*start, *stop))):
        return None
    first, last = 0.0, 1.0
    for k in (0, 1):
        way, low, high = stop[k] - start[k], frame[2 * k] - start[k], frame[2 * k + 1] - start[k]
        if way == 0.0:
            if low > 0 or high < 0:
                return None
            continue
        near, far = sorted((low / way, high / way))
        first, last = max(first, near), min(last, far)
    if first > last:
        return None
    ends = [tuple(start[k] + t * (stop[k] - start[k]) for k in (0, 1)) for t in (first, last)]
    return (start if first == 0.0 else ends[0]), (stop if last == 1.0 else ends[1])  # type: ignore[return-value]


def leaves(x: Array, y: Array, frame: Frame) -> int:
    """The first point outside the frame, or not finite; -1 where all are inside."""
    outside = [k for k, place in enumerate(zip(x, y, strict=True)) if not contains((float(place[0]), float(place[1])), frame)]
    return outside[0] if outside else -1
