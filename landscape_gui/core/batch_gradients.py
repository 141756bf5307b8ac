"""Gradients of the mini-batches of one order of the examples, at any weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_gui.core.differentiation import differentiating, gradient_of, rows_of, write
from landscape_gui.core.minibatches import generator
from landscape_gui.core.objective import Objective
from landscape_gui.core.splits import Chunk, cut, map_tensors
from landscape_gui.errors import ProblemError


@dataclass(frozen=True)
class BatchGradient:
    """One batch: the sum of its losses, the rows that count, the mean gradient (n,); whole: it is no remainder."""

    loss: float
    weight: float
    gradient: Tensor
    whole: bool


class BatchGradients:
    """The loss's gradient on each batch of an epoch, in the order of the examples that `seed` and `epoch` draw.

    batch: examples in a batch; what is left at the end, less than a batch, comes last and is marked. Data that stream come in their
    own batches and order. objective: whose loss it is, weights and network as it has them (BatchNorm's statistics frozen, dropout
    off). Batches of single examples give the gradients of the examples. Cost of `at`: one forward and backward pass over the data,
    in pieces of a batch. Memory: a copy of the network, and of the data. Not thread-safe.
    """

    def __init__(self, objective: Objective, *, batch: int, seed: int = 0, epoch: int = 0) -> None:
        self.objective, self.batch = objective, batch
        self._module, self._leaves = objective.network()
        self._shuffled: tuple[object, object] | None = None
        split = objective.split
        if split.streams:
            return
        if batch > split.examples:
            raise ProblemError(
                f"A batch of {batch:,} examples is larger than the {split.examples:,} of the split {split.name}.",
                remedy=f"Choose at most {split.examples:,} examples for a batch.",
            )
        order = torch.randperm(split.examples, generator=generator(seed, epoch)).to(objective.device)

        def take(tensor: Tensor) -> Tensor:
            return tensor.index_select(0, order) if tensor.dim() and tensor.shape[0] == split.examples else tensor

        with torch.inference_mode(False):
            self._shuffled = map_tensors(split.inputs, take), map_tensors(split.targets, take)

    @property
    def count(self) -> int:
        """Whole batches in an epoch; 0 where the data stream and do not tell."""
        return 0 if self._shuffled is None else self.objective.split.examples // self.batch

    def chunks(self) -> Iterator[tuple[Chunk, bool]]:
        """Each batch's examples, and whether it is a whole batch."""
        if self._shuffled is None:
            yield from ((chunk, True) for chunk in self.objective.chunks())
            return
        examples = self.objective.split.examples
        for index, start in enumerate(range(0, examples, self.batch)):
            stop = min(start + self.batch, examples)
            inputs, targets = (cut(tree, start, stop, examples) for tree in self._shuffled)
            yield Chunk(inputs, targets, stop - start, index, start), stop - start == self.batch

    def chosen(self) -> list[Chunk]:
        """The whole batches, to be gone through in any order. ProblemError where the data stream."""
        if self._shuffled is None:
            raise ProblemError(
                f"The split {self.objective.split.name} streams, so that its batches have no other order.",
                remedy="Give the data as tensors or a Dataset.",
            )
        return [chunk for chunk, whole in self.chunks() if whole]

    def at(self, vector: Tensor | None = None) -> Iterator[BatchGradient]:
        """Every batch's loss and gradient at a vector (n,) (None: the checkpoint)."""
        self.move(vector)
        for chunk, whole in self.chunks():
            loss, weight, gradient = self.of(chunk)
            yield BatchGradient(loss, weight, gradient, whole)

    def move(self, vector: Tensor | None) -> None:
        """Let the network have the weights (n,)."""
        write(self._leaves, self.objective.origin if vector is None else self.objective.taken(vector))

    def of(self, chunk: Chunk) -> tuple[float, float, Tensor]:
        """The sum of losses, the rows that count, and the mean gradient (n,) of a chunk where the network stands."""
        with differentiating():
            rows, weight = rows_of(self.objective.head, self._module, chunk)
            gradient = gradient_of([rows.sum() / max(weight, 1.0)], self._leaves)
            return float(rows.detach().sum(dtype=torch.float64)), weight, gradient

    def slope_of_square(self, chunk: Chunk) -> tuple[Tensor, Tensor]:
        """A chunk's mean gradient g (n,), and the gradient of ||g||^2, which is 2 H g of the chunk's own Hessian, (n,)."""
        with differentiating():
            rows, weight = rows_of(self.objective.head, self._module, chunk)
            parts = torch.autograd.grad(rows.sum() / max(weight, 1.0), self._leaves, create_graph=True, allow_unused=True)
            square = torch.stack([part.square().sum() for part in parts if part is not None]).sum()
            found = gradient_of([square], self._leaves)
            zeros = [torch.zeros_like(p) if g is None else g for g, p in zip(parts, self._leaves, strict=True)]
            return torch.cat([part.detach().reshape(-1) for part in zeros]), found
