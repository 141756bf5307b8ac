"""Training the inner control points of a path so that the loss stays low all along it (Garipov et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from landscape_gui.core.curves import Curve, combine
from landscape_gui.core.minibatches import MiniBatchLoss, generator
from landscape_gui.errors import ProblemError

ROUND = 16
"""Steps of which each takes its t from another sixteenth of [0, 1]: their mean loss is that of the curve with little noise."""
FORGETTING = 8.0
"""Order of the polynomial-decay average of iterates: about the last ninth of all steps counts, however many there are."""


@dataclass(frozen=True)
class Descent:
    """How points move along a gradient: "sgd" with heavy-ball momentum, or "adam" (beta_1 is `momentum`, beta_2 0.999)."""

    optimiser: Literal["sgd", "adam"] = "adam"
    lr: float = 0.01
    momentum: float = 0.9

    def begin(self, points: Tensor) -> dict[str, Tensor]:
        """What is remembered between steps."""
        names = ["velocity"] if self.optimiser == "sgd" else ["velocity", "square"]
        return {name: torch.zeros_like(points) for name in names}

    def move(self, points: Tensor, gradient: Tensor, memory: Mapping[str, Tensor], step: int) -> None:
        """One step, in place; step counts from 1. All of the points' shape."""
        velocity = memory["velocity"]
        if self.optimiser == "sgd":
            velocity.mul_(self.momentum).add_(gradient)
            points.sub_(velocity, alpha=self.lr)
            return
        square = memory["square"]
        velocity.lerp_(gradient, 1 - self.momentum)
        square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        scale = math.sqrt(1 - 0.999**step)
        root = square.sqrt().add_(1e-8 * scale)
        points.addcdiv_(velocity, root, value=-self.lr * scale / (1 - self.momentum**step))


class CurveTraining:
    """A path under training: each step draws t, and moves each bend j along -c_j(t) times the gradient at theta(t) on a mini-batch.

    t is uniform on [0, 1], stratified over rounds of 16 steps. The path given out is a running average of the iterates, which does
    without a decaying learning rate: nothing depends on how long it will go on, so that more steps later are the same as at once.
    Batches and t are drawn from the seed and the step's number alone. The ends never move.

    points: (m, size) ends included, of the loss's dtype, copied; weight_decay: of theta(t), as in the paper's code. A step costs
    forward and backward on a mini-batch, and about three passes over the weights for each control point. Memory: five vectors for
    each bend with Adam, four with SGD, beside those of MiniBatchLoss.
    """

    def __init__(
        self,
        loss: MiniBatchLoss,
        points: Tensor,
        *,
        kind: Literal["bezier", "chain"] = "bezier",
        descent: Descent | None = None,
        weight_decay: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.loss, self.seed, self.weight_decay = loss, seed, weight_decay
        self.descent = descent or Descent()
        self.iterate = points.detach().to(device=loss.device, dtype=loss.dtype, copy=True)
        self.average = self.iterate.clone()
        self._curve = Curve(kind, self.iterate)
        self._memory = self.descent.begin(self.iterate[1:-1])
        self._gradient = torch.zeros(loss.layout.size, dtype=loss.dtype, device=loss.device)
        self._bends = torch.zeros_like(self.iterate[1:-1])
        self.step = 0
        self._places: tuple[int, Tensor] = (-1, torch.empty(0))

    @property
    def curve(self) -> Curve:
        """The path as it is now: the averaged iterates, copied."""
        return Curve(self._curve.kind, self.average.clone())

    def place(self, step: int) -> float:
        """The t of step 0, 1, ...: a sixteenth of [0, 1] each within a round, in random order."""
        number, index = divmod(step, ROUND)
        if number != self._places[0]:
            random = generator(self.seed + 1, number)
            order = torch.randperm(ROUND, generator=random)
            offsets = torch.rand(ROUND, generator=random, dtype=torch.float64)
            self._places = number, (order + offsets) / ROUND
        return float(self._places[1][index])

    def gradient(self, t: float, number: int) -> tuple[float, Tensor]:
        """The loss at theta(t) on batch `number`, and its gradients by the bends (m - 2, size), in place of the last."""
        weights = self._curve.weights(t)[0]
        combine(self.iterate, weights, out=self.loss.weights)
        value = self.loss.gradient(self.loss.chunk(number), self._gradient)
        if self.weight_decay:
            for start, stop in self.loss.trained:
                self._gradient[start:stop].add_(self.loss.weights[start:stop], alpha=self.weight_decay)
        for j, weight in enumerate(weights[1:-1]):
            torch.mul(self._gradient, float(weight), out=self._bends[j])
        return value, self._bends

    def advance(self) -> float:
        """One step; the loss at its t before it. ProblemError where that or its gradient is not finite: the points then stay."""
        value, gradient = self.gradient(self.place(self.step), self.step)
        refuse_divergence("curve", self.step + 1, value, self._gradient)
        self.step += 1
        self.descent.move(self.iterate[1:-1], gradient, self._memory, self.step)
        self.average[1:-1].lerp_(self.iterate[1:-1], min(1.0, (FORGETTING + 1) / (self.step + FORGETTING)))
        return value

    def state(self) -> dict[str, Tensor]:
        """All that `restore` needs beside the average: bends of the iterate, and what the optimiser remembers; copies."""
        return {"iterate": self.iterate[1:-1].clone(), **{name: value.clone() for name, value in self._memory.items()}}

    def restore(self, step: int, points: Tensor, state: Mapping[str, Tensor]) -> None:
        """Go on from where another training of the same kind was after so many steps; points: its average (m, size)."""
        self.step = step
        self.average.copy_(points)
        self.iterate[1:-1].copy_(state["iterate"])
        for name, value in self._memory.items():
            value.copy_(state[name])


def refuse_divergence(what: str, step: int, loss: float, gradient: Tensor) -> None:
    """Raise ProblemError where a step's loss or gradient is not finite, so that no point is ever moved to nowhere."""
    if not math.isfinite(loss):
        said = f"the loss became {loss}"
    elif not math.isfinite(float(gradient.sum())):
        said = f"the gradient of the loss ({loss:.4g}) was not finite"
    else:
        return
    raise ProblemError(
        f"Training the {what}, {said} at step {step:,}.",
        remedy="Take a lower learning rate (lr), or larger batches; look at the ends' own loss.",
    )
