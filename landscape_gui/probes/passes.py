"""Passes over the data, counted while a question is being answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.objective import Objective


@dataclass
class Passes:
    """losses: forward passes; gradients: forward and backward ones. In units of all examples: a group of m of N counts m/N."""

    losses: float = 0.0
    gradients: float = 0.0


class Counted:
    """An objective that counts what is asked of it; a part of the data counts by its share."""

    def __init__(self, objective: Objective, passes: Passes, whole: int = 0) -> None:
        self.objective, self.passes = objective, passes
        self.whole = whole or objective.examples
        self.share = objective.examples / self.whole if self.whole else 1.0

    @property
    def size(self) -> int:
        return self.objective.size

    @property
    def examples(self) -> int:
        return self.objective.examples

    @property
    def origin(self) -> Tensor:
        return self.objective.origin

    def loss(self, at: Tensor | None = None) -> float:
        self.passes.losses += self.share
        return self.objective.loss(at)

    def loss_and_gradient(self, at: Tensor | None = None) -> tuple[float, Tensor]:
        self.passes.gradients += self.share
        return self.objective.loss_and_gradient(at)

    def subset(self, chosen: Tensor) -> Counted:
        part = Counted(self.objective.subset(chosen), self.passes, self.whole)
        self.passes.losses += part.share  # a first pass counts the rows that the mean is over
        return part
