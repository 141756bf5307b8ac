"""Where an epoch of gradient descent ends on average over the orders of its batches, and where flows on modified losses end."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.batch_gradients import BatchGradients
from landscape_gui.core.minibatches import generator
from landscape_gui.core.splits import Chunk

Array = NDArray[np.float64]
FLOWS = {"plain": 0.0, "modified": 0.25, "half": 0.5}
"""What of lr times the mean of ||grad L_i||^2 over the batches is added to the loss that a flow descends, by name."""
FINE = 8.0
"""A flow's Runge-Kutta steps are no longer than 1/FINE of the time scale of the largest curvature, and two at least."""
Field = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class EpochEnds:
    """Where epochs end on average, mean: (n,) displacement from the start over the orders; spread: standard error of its distance
    to anything, the root of the trace of the mean's covariance (over pairs of orders; NaN with one pair)."""

    mean: Tensor
    spread: float
    orders: int


class EpochSteps:
    """Steps of plain gradient descent over the whole batches of one partition, in orders drawn from `seed`.

    Every order is taken with its reverse: their mean has no second-order part that depends on the order, so that the mean over few
    pairs is as good as over very many. Works in the objective's precision: take float64, the differences are small.
    """

    def __init__(self, batches: BatchGradients, *, seed: int = 0) -> None:
        self.batches, self.seed = batches, seed
        self.chunks = batches.chosen()
        self.start = batches.objective.origin

    def mean(self, lr: float, pairs: int) -> Generator[float, None, EpochEnds]:
        """The mean displacement after an epoch at this learning rate; yields the fraction done after each order."""
        total = torch.zeros_like(self.start)
        squares: list[float] = []
        means: list[Tensor] = []
        for pair in range(pairs):
            order = torch.randperm(len(self.chunks), generator=generator(self.seed, pair + 1)).tolist()
            ends = []
            for turn, sequence in enumerate((order, order[::-1])):
                ends.append(self.epoch(lr, sequence))
                yield (pair + (turn + 1) / 2) / pairs
            means.append((ends[0] + ends[1]) / 2)
            total += means[-1]
        mean = total / pairs
        squares = [float((m - mean).square().sum()) for m in means]
        spread = math.sqrt(sum(squares) / (pairs * (pairs - 1))) if pairs > 1 else math.nan
        return EpochEnds(mean, spread, 2 * pairs)

    def epoch(self, lr: float, order: list[int]) -> Tensor:
        """The displacement (n,) after one step on each batch in this order."""
        at = self.start.clone()
        for k in order:
            self.batches.move(at)
            at.add_(self.batches.of(self.chunks[k])[2], alpha=-lr)
        return at - self.start

    def flow(self, lr: float, penalty: float, curvature: float) -> Generator[float, None, Tensor]:
        """The displacement (n,) at time m lr of the flow on L + penalty lr mean ||grad L_i||^2, L the mean over the m batches.

        Runge-Kutta of fourth order; curvature: the largest eigenvalue of the Hessian, which says how fine. Yields fractions.
        """
        time = lr * len(self.chunks)
        count = max(2, math.ceil(time * abs(curvature) * FINE))
        step, moved = time / count, torch.zeros_like(self.start)

        def downhill(displacement: Tensor) -> Tensor:
            return -self.slope(self.start + displacement, penalty * lr)

        for k in range(count):
            moved = runge_kutta(downhill, moved, step)
            yield (k + 1) / count
        return moved

    def slope(self, at: Tensor, penalty: float) -> Tensor:
        """(n,) the gradient of mean L_i + penalty mean ||grad L_i||^2 over the batches."""
        self.batches.move(at)
        total = torch.zeros_like(self.start)
        for chunk in self.chunks:
            total += self._slope_of(chunk, penalty)
        return total / len(self.chunks)

    def _slope_of(self, chunk: Chunk, penalty: float) -> Tensor:
        if not penalty:
            return self.batches.of(chunk)[2]
        gradient, square = self.batches.slope_of_square(chunk)
        return gradient + penalty * square


def runge_kutta(field: Field, at: Tensor, step: float) -> Tensor:
    """One step of the classical method of fourth order."""
    first = field(at)
    second = field(at + step / 2 * first)
    third = field(at + step / 2 * second)
    fourth = field(at + step * third)
    return at + step / 6 * (first + 2 * second + 2 * third + fourth)


def fitted_slope(x: Array, y: Array) -> tuple[float, float]:
    """The slope of log y over log x by least squares with its standard error (NaN with two points); NaN with fewer."""
    known = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    if known.sum() < 2:
        return math.nan, math.nan
    a, b = np.log(x[known]), np.log(y[known])
    centred = a - a.mean()
    slope = float(centred @ b / (centred @ centred))
    if len(a) < 3:
        return slope, math.nan
    rest = b - b.mean() - slope * centred
    return slope, math.sqrt(float(rest @ rest) / (len(a) - 2) / float(centred @ centred))
