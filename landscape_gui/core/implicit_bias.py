"""The loss that gradient descent with finite steps descends in effect: the mean loss and a penalty on its gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_gui.core.batch_gradients import BatchGradients
from landscape_gui.core.objective import Objective
from landscape_gui.core.vector import dot

KEPT = 256 << 20
"""Bytes up to which the gradients of all batches are kept, for the standard error of their scatter."""


@dataclass(frozen=True)
class GradientSquares:
    """What a place needs for any learning rate: loss L, ||grad L||^2, and the scatter, the mean over batches of
    ||grad L_i - grad L||^2 with its standard error (NaN: not known, 0 where there are no batches)."""

    loss: float
    square: float
    scatter: float = 0.0
    scatter_error: float = 0.0

    def modified(self, lr: float) -> float:
        """L + (lr/4) (||grad L||^2 + scatter): the loss whose gradient flow the steps of size lr follow to second order.

        Barrett and Dherin 2021, equation 3, for steps on the full batch; Smith et al. 2021, equation 1, for the mean over orders of
        the mini-batches. (lr/2 belongs to the vector field's H grad L, not to the loss.)
        """
        return self.loss + lr / 4 * (self.square + self.scatter)


class ModifiedLoss:
    """Loss and squared gradient norms at one place after another.

    batch: examples in a mini-batch, of the partition that `seed` draws; 0: steps on the full batch, whose scatter is 0. A remainder
    of less than a batch counts in L and its gradient, not in the mean over batches. The scatter is that of this partition; its mean
    over all partitions is (N - B)/(B (N - 1)) of the trace of the examples' covariance. Cost of `at`: one gradient over the data.
    """

    def __init__(self, objective: Objective, *, batch: int = 0, seed: int = 0) -> None:
        self.objective = objective
        self.batches = BatchGradients(objective, batch=batch, seed=seed) if batch else None

    def at(self, vector: Tensor | None = None) -> GradientSquares:
        """At a vector (n,) (None: the checkpoint)."""
        if self.batches is None:
            loss, gradient = self.objective.loss_and_gradient(vector)
            return GradientSquares(loss, dot(gradient, gradient))
        return self._from_batches(self.batches, vector)

    def _from_batches(self, batches: BatchGradients, vector: Tensor | None) -> GradientSquares:
        """||g_i - g||^2 = ||g_i||^2 - 2 <g_i, g> + ||g||^2, in float64, so that one pass over the data is enough."""
        n = self.objective.size
        kept: list[Tensor] | None = [] if self._fits() else None
        total, whole = (torch.zeros(n, dtype=torch.float64, device=self.objective.device) for _ in range(2))
        loss = weight = 0.0
        squares: list[float] = []
        for found in batches.at(vector):
            total.add_(found.gradient, alpha=found.weight)
            loss, weight = loss + found.loss, weight + found.weight
            if not found.whole:
                continue
            whole.add_(found.gradient)
            squares.append(dot(found.gradient, found.gradient))
            if kept is not None:
                kept.append(found.gradient)
        total /= max(weight, 1.0)
        count, square = len(squares), dot(total, total)
        if not count:
            return GradientSquares(loss / max(weight, 1.0), square)
        if kept is None:
            scatter = math.fsum(squares) / count - 2 * dot(whole, total) / count + square
            return GradientSquares(loss / weight, square, scatter, math.nan)
        apart = torch.stack([(gradient.double() - total).square().sum() for gradient in kept])
        error = float(apart.std()) / math.sqrt(count) if count > 1 else math.nan
        return GradientSquares(loss / weight, square, float(apart.mean()), error)

    def _fits(self) -> bool:
        assert self.batches is not None
        return 0 < self.batches.count * self.objective.size * self.objective.origin.element_size() <= KEPT
