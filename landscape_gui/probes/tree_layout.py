"""A merge tree laid flat: leaves side by side, without crossings, and brackets where two components meet. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landscape_gui.results import Array

TWIG, TWIGS = 0.45, 2.0
"""Room for a leaf below the noise floor at most, and for all of them where those above it, with room 1 each, take less."""


@dataclass(frozen=True)
class Layout:
    """places: (k,) where each leaf stands, from left to right; branches: for each minimum its own line (n, 2) of (place, height),
    from the minimum to where it joins a deeper one's, and of the deepest one to the top; joints: (k,) the place of its saddle
    (NaN: none); width: where the last leaf's room ends."""

    places: Array
    branches: tuple[Array, ...]
    joints: Array
    width: float


def laid_out(births: Array, deaths: Array, parents: Array, real: Array, top: float) -> Layout:
    """births, deaths, parents, real: (k,) as of a TopologyResult. top: where the deepest one's line ends.

    What joins first stands nearest, the deeper one to the left. Two branches above the noise floor go on in the middle between
    them; what is below it is a twig at the side and moves nothing.
    """
    sign = -1.0 if (deaths < births).any() else 1.0
    children: dict[int, list[int]] = {}
    merging = [int(k) for k in np.argsort(sign * deaths, kind="stable")]
    for k in merging:
        children.setdefault(int(parents[k]), []).append(k)
    places, width = spaced(in_order(children), real)
    stem = places.copy()
    lines: list[list[tuple[float, float]]] = [[(float(x), float(y))] for x, y in zip(places, births, strict=True)]
    joints = np.full(len(births), np.nan)
    for k in merging:
        parent, end = int(parents[k]), float(deaths[k])
        if parent < 0:
            lines[k].append((float(stem[k]), top))
            continue
        joints[k] = (stem[parent] + stem[k]) / 2 if real[k] else stem[parent]
        lines[k] += [(float(stem[k]), end), (float(joints[k]), end)]
        if real[k]:
            lines[parent] += [(float(stem[parent]), end), (float(joints[k]), end)]
            stem[parent] = joints[k]
    return Layout(places, tuple(np.array(line) for line in lines), joints, width)


def spaced(order: list[int], real: Array) -> tuple[Array, float]:
    """The middle of each leaf's room, in this order, and the room of all."""
    weak = int((~real).sum())
    room = np.where(real[order], 1.0, min(TWIG, max(TWIGS, float(real.sum())) / max(weak, 1)))
    ends = np.cumsum(room)
    places = np.zeros(len(order))
    places[order] = ends - room / 2
    return places, float(ends[-1])


def in_order(children: dict[int, list[int]]) -> list[int]:
    """Every leaf from left to right: each, then what joins it, the first to join next to it."""
    order: list[int] = []
    waiting = list(reversed(children.get(-1, [])))
    while waiting:
        leaf = waiting.pop()
        order.append(leaf)
        waiting += reversed(children.get(leaf, []))
    return order
