"""Grids that are computed coarse first: the order of their points, the blocks they are computed in, and what has come in so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from landscape_gui.results import Array, LineResult, SurfaceResult

if TYPE_CHECKING:
    from landscape_gui.core.evaluate import Values

COARSE, ADAPTIVE = 4, 10
"""Intervals of the first picture along each axis: 5 x 5 points, so that a heavy network shows a surface within seconds; and where
an adaptive surface starts, at least."""
LARGEST, SMALLEST = 128, 2
"""Points that are evaluated at once, at most and at least. Setting up a block costs about three points of the first layer."""


def stations(n: int, level: int, coarse: int = COARSE) -> Array:
    """Indices 0 to n - 1 that a level of an axis adds up to: both ends, the middle of an odd axis, nested, evenly spread.

    coarse: intervals of level 0; even, or the middle is first met at level 1.
    """
    intervals = coarse << level
    if intervals >= n - 1:
        return np.arange(n)
    i = np.arange(intervals + 1)
    return (2 * i * (n - 1) + intervals) // (2 * intervals)


def halving(n: int) -> int:
    """Intervals of a coarsest level, ten or a few more, whose halving ends near a distance of one: no level is wasted."""
    times = 0
    while (n - 1) >> (times + 1) >= ADAPTIVE:
        times += 1
    return 2 * -(-(n - 1) // (2 << times))


def levels(n: int, coarse: int = COARSE) -> int:
    """How many levels there are until every index is there."""
    level = 0
    while (coarse << level) < n - 1:
        level += 1
    return level + 1


def lattices(ny: int, nx: int, *, adaptive: bool = False) -> list[tuple[Array, Array]]:
    """Rows and columns of each level, coarse to fine; the last one is the whole grid. adaptive: those that refinement takes."""
    by, bx = (halving(ny), halving(nx)) if adaptive else (COARSE, COARSE)
    count = max(levels(ny, by), levels(nx, bx))
    return [(stations(ny, k, by), stations(nx, k, bx)) for k in range(count)]


@lru_cache(maxsize=8)
def order(ny: int, nx: int) -> tuple[Array, tuple[int, ...]]:
    """Flat indices iy * nx + ix of every point, each once, level by level and row by row in a level; and where each level ends."""
    seen = np.zeros((ny, nx), dtype=bool)
    parts: list[Array] = []
    for rows, columns in lattices(ny, nx):
        level = np.zeros((ny, nx), dtype=bool)
        level[np.ix_(rows, columns)] = True
        parts.append(np.flatnonzero(level & ~seen))
        seen |= level
    ends = tuple(int(e) for e in np.cumsum([len(p) for p in parts]))
    whole = np.concatenate(parts)
    whole.setflags(write=False)
    return whole, ends


def blocks(ends: tuple[int, ...], draws: int = 1, size: int = LARGEST) -> Iterator[tuple[int, int, int]]:
    """(draw, start, stop) into `order`, draw by draw; no block crosses a level, none but a level's last is shorter than `size`."""
    for draw in range(draws):
        start = 0
        for end in ends:
            while start < end:
                stop = end if end - start < 2 * size else start + size
                yield draw, start, stop
                start = stop


@dataclass
class Tally:
    """What has come in of a grid: by name, means (draws, points) and standard errors (points,) of the first draw; NaN elsewhere."""

    points: int
    draws: int = 1
    means: dict[str, Array] = field(default_factory=dict)
    errors: dict[str, Array | None] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)

    def add(self, draw: int, where: Array, values: Values) -> None:
        for name, mean in values.mean.items():
            self._mean(name)[draw, where] = mean
            error = values.standard_error.get(name)
            self.examples[name] = int(values.examples[name])
            if draw == 0:
                known = self.errors.setdefault(name, None if error is None else np.full(self.points, np.nan))
                if known is not None and error is not None:
                    known[where] = error

    def _mean(self, name: str) -> Array:
        if name not in self.means:
            self.means[name] = np.full((self.draws, self.points), np.nan)
        return self.means[name]

    def restore(self, partial: SurfaceResult | LineResult) -> None:
        """Take up what a partial answer holds."""
        draws: Mapping[str, Array] = getattr(partial, "draws", {})
        for name in draws or partial.quantities:
            known = partial.quantities[name]
            self.means[name] = np.array(draws[name] if draws else known.values, dtype=np.float64).reshape(self.draws, self.points)
            error = known.standard_error
            self.errors[name] = None if error is None else np.array(error, dtype=np.float64).reshape(self.points)
            self.examples[name] = known.examples


def positions(low: float, high: float, n: int) -> Array:
    """n evenly spaced values: both ends exact, exactly 0 where a value is 0 but for rounding."""
    step = np.arange(n, dtype=np.float64)
    values = (low * (n - 1 - step) + high * step) / max(n - 1, 1)
    values[np.abs(values) < 1e-12 * (abs(low) + abs(high))] = 0.0
    values[0], values[-1] = low, high
    return values
