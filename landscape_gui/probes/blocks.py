"""Points of a plane evaluated block by block, so that an interrupted answer goes on to the same bits."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.probes import grid, sampling
from landscape_gui.probes.base import Progress
from landscape_gui.results import Array, LineResult, SurfaceResult

if TYPE_CHECKING:
    from landscape_gui.core.evaluate import Evaluator, Values
    from landscape_gui.probes.plane import Plane


BLOCK_SECONDS = 0.7
"""What a block may take by that count, on a slow core."""


class Blocks:
    """An evaluator, what it has found so far, and how many points are finished.

    A block's values depend on nothing but the block: not on what was evaluated before it, and so not on where work was taken up.
    """

    def __init__(self, evaluator: Evaluator, points: int, draws: int = 1) -> None:
        self.evaluator = evaluator
        self.tally = grid.Tally(points, draws)
        self.size = block_size(evaluator)
        self.finished = 0
        self.difference: float | None = None

    def take_up(self, partial: SurfaceResult | LineResult | None, order: Array) -> None:
        """Go on from a partial answer, if it was computed in the same way to the bit and in this order; else begin anew."""
        if partial is None:
            return
        before = partial.provenance.environment
        if sampling.stable(before) != sampling.stable(self.environment) or not partial.quantities:
            return
        known = np.zeros(partial.computed.size, dtype=bool)
        known[order[: int(before["points"])]] = True
        if not np.array_equal(known, partial.computed.ravel()):
            return
        self.tally.restore(partial)
        self.finished = int(before["points"])
        self.difference = before.get("difference")

    @property
    def environment(self) -> dict[str, Any]:
        """The evaluator's, with the size of the blocks, how many points are finished, and the largest difference met so far."""
        told = self.evaluator.environment
        known = [d for d in (self.difference, told.get("difference")) if d is not None]
        return {**told, "block": self.size, "points": self.finished, "difference": max(known, default=None)}

    def evaluate(
        self, plane: Plane, coordinates: Array, where: Array, *, draw: int, done: float, total: float
    ) -> Generator[Progress, None, None]:
        """Values at the coordinates (k, 2) of a block into the tally at the flat indices `where` (k,)."""
        values: Values = yield from evaluate_anew(self.evaluator, plane, coordinates, done, total)
        self.tally.add(draw, where, values)
        self.difference = self.environment["difference"]


def block_size(evaluator: Evaluator) -> int:
    """Points in a block: 128, or fewer where a point is heavy, so that a block takes about half a second, and a kill loses less
    than a second.

    An answer's last bits depend on it, so no clock decides: a layer counts as a microsecond for each example, or half a millisecond
    for each chunk of data where that is more.
    """
    told = evaluator.environment
    chunks = sum(max(count, 1) for cut in (told["partition"], told.get("statistics", {})) for count in cut.values())
    seconds = max(len(evaluator.layout.layers()), 1) * max(1e-6 * evaluator.examples, 5e-4 * chunks)
    size = grid.LARGEST
    while size > grid.SMALLEST and size * seconds > BLOCK_SECONDS:
        size //= 2
    return size


def evaluate_anew(
    evaluator: Evaluator, plane: Plane, coordinates: Array, done: float, total: float
) -> Generator[Progress, None, Values]:
    """Values at coordinates (k, 2), whatever the evaluator did before: a copy of the origin makes it choose its path afresh."""
    steps = evaluator.evaluate(plane.origin.clone(), plane.axes, np.asarray(coordinates))
    return (yield from sampling.relay(steps, done, len(coordinates), total))
