"""An optimiser let loose from chosen weights, update by update, on flat copies: the network of the caller is only read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from landscape_gui.core.minibatches import MiniBatchLoss
from landscape_gui.core.splits import Chunk, bounds, cut
from landscape_gui.core.vector import norm

Name = Literal["sgd", "momentum", "adam", "sam"]
PIECE, NORMED = 512, 2048
"""Examples of a batch that go through the network at once; larger batches are summed in pieces, their examples weighing alike.
NORMED: where BatchNorm goes by the examples that go through together."""


@dataclass(frozen=True)
class Rule:
    """How updates are made. sgd: plain; momentum: torch's heavy ball; adam: torch's, betas 0.9 and 0.999; sam: a plain step with
    the gradient at w + rho g/||g||, g the same batch's at w (Foret et al. 2021, algorithm 1). No weight decay."""

    name: Name
    lr: float
    momentum: float = 0.9
    rho: float = 0.05

    def optimizer(self, weights: nn.Parameter) -> torch.optim.Optimizer:
        if self.name == "adam":
            return torch.optim.Adam([weights], lr=self.lr)
        return torch.optim.SGD([weights], lr=self.lr, momentum=self.momentum if self.name == "momentum" else 0.0)


class Descent:
    """Updates from `start` (layout.size,) on the mini-batches of `loss`, in its order.

    frozen: BatchNorm goes by the statistics in `start` for ever, as a surface with frozen statistics does; else by each batch's
    own, as in training, or each piece's of NORMED examples where a batch is larger. Dropout is off. Nothing but parameters that
    require a gradient moves. weights: (layout.size,) where it stands; copy it before the next update. Memory: four vectors beside
    those of `loss`, the optimiser's included. Not thread-safe.
    """

    def __init__(self, loss: MiniBatchLoss, start: Tensor, rule: Rule, *, frozen: bool = True) -> None:
        self.loss, self.rule = loss, rule
        with torch.inference_mode(False), torch.no_grad():
            loss.weights.copy_(start)
            self._leaf = nn.Parameter(loss.weights)
            self._gradient = torch.zeros_like(loss.weights)
            self._optimizer = rule.optimizer(self._leaf)
        if frozen:
            loss.freeze_statistics()
        self.piece = NORMED if loss.normed_by_batch else PIECE
        self.updates = 0

    @property
    def weights(self) -> Tensor:
        return self.loss.weights

    def update(self) -> float:
        """One update on the next batch; the batch's mean loss before it."""
        pieces = self.updating()
        while True:
            try:
                next(pieces)
            except StopIteration as stop:
                return float(stop.value)

    def updating(self) -> Generator[None, None, float]:
        """`update`, stopping after each piece of the batch. One that is closed half-way leaves the weights as they were."""
        chunk = self.loss.chunk(self.updates)
        before = yield from self._slope(chunk)
        if self.rule.name == "sam":
            yield from self._at_the_worst_nearby(chunk)
        with torch.inference_mode(False), torch.no_grad():
            self._leaf.grad = self._gradient
            self._optimizer.step()
        self.updates += 1
        return before

    def _at_the_worst_nearby(self, chunk: Chunk) -> Generator[None, None, None]:
        """The gradient becomes that at rho up along it."""
        length = norm(self._gradient)
        if not length > 0 or not math.isfinite(length):
            return
        here = self.weights.clone()
        try:
            self._move(lambda weights: weights.add_(self._gradient, alpha=self.rule.rho / length))
            yield from self._slope(chunk)
        finally:
            self._move(lambda weights: weights.copy_(here))

    def _move(self, how: Callable[[Tensor], Tensor]) -> None:
        with torch.inference_mode(False), torch.no_grad():
            how(self.weights)

    def _slope(self, chunk: Chunk) -> Generator[None, None, float]:
        """The mean loss on a batch; its gradient goes into `_gradient`."""
        pieces = list(cut_up(chunk, self.piece))
        if len(pieces) == 1:
            mean = self.loss.gradient(chunk, self._gradient)
            yield
            return mean
        total, part = torch.zeros_like(self._gradient), torch.zeros_like(self._gradient)
        mean = 0.0
        for piece in pieces:
            share = piece.examples / chunk.examples
            mean += share * self.loss.gradient(piece, part)
            total.add_(part, alpha=share)
            yield
        self._gradient.copy_(total)
        return mean


def cut_up(chunk: Chunk, most: int) -> Iterator[Chunk]:
    """A batch in pieces of at most so many examples."""
    if chunk.examples <= most:
        yield chunk
        return
    for start, stop in bounds(chunk.examples, most):
        inputs, targets = (cut(tree, start, stop, chunk.examples) for tree in (chunk.inputs, chunk.targets))
        yield dataclasses.replace(chunk, inputs=inputs, targets=targets, examples=stop - start)


def records(updates: int, count: int) -> tuple[int, ...]:
    """After which updates a descent is looked at: 0, the powers of two, and about `count` evenly spread, the last included."""
    even = {round(k * updates / max(count, 1)) for k in range(max(count, 1) + 1)}
    dense = {2**k for k in range(updates.bit_length()) if 2**k < updates / max(count, 1)}
    return tuple(sorted({0, updates} | even | dense))
