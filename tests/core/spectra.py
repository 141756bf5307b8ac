"""Spectra that are known: matrices as operators, and dense Hessians of small networks, early and late in training."""

from __future__ import annotations

import functools
from collections.abc import Generator
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_gui.samples import folder

Answer = TypeVar("Answer")
WIDTHS = (64, 22, 16, 10)
EXAMPLES = 320
KINDS = (("tanh", "early"), ("tanh", "late"), ("relu", "early"), ("relu", "late"))


def finish(steps: Generator[object, None, Answer]) -> Answer:
    """What a generator returns at last."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


class Diagonal:
    """A diagonal matrix: to Lanczos from rotationally invariant vectors, any symmetric matrix with these eigenvalues."""

    def __init__(self, values: Tensor) -> None:
        self.values, self.size, self.dtype, self.device = values, len(values), values.dtype, values.device
        self.products = 0

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        return block * self.values


class RowByRow(Diagonal):
    """A dense matrix whose products do not depend on the block they come in."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__(matrix.diagonal())
        self.matrix = matrix

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        return torch.stack([self.matrix @ row for row in block])


def network(kind: str) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for a, b in pairwise(WIDTHS):
        layers += [nn.Linear(a, b), nn.Tanh() if kind == "tanh" else nn.ReLU()]
    return nn.Sequential(*layers[:-1]).double()


@functools.cache
def digits() -> tuple[Tensor, Tensor]:
    with np.load(folder() / "data" / "digits.npz") as data:
        x, y = data["x_train"][:EXAMPLES], data["y_train"][:EXAMPLES]
    x = torch.tensor(x, dtype=torch.float64).reshape(len(x), -1)
    return (x - x.mean()) / x.std(), torch.tensor(y, dtype=torch.long)


@functools.cache
def trained(kind: str, stage: str) -> nn.Sequential:
    """A network of 1,968 parameters after 25 or 150 full-batch steps of Adam, its weights rounded to float32 as in a checkpoint."""
    net, (x, y) = network(kind), digits()
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(25 if stage == "early" else 150):
        optimiser.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimiser.step()
    return net.float().double()


@functools.cache
def dense_hessian(kind: str, stage: str) -> Tensor:
    """The Hessian of the mean cross-entropy (n, n) in float64, row by row by differentiating the gradient."""
    net, (x, y) = trained(kind, stage), digits()
    leaves = list(net.parameters())
    gradient = torch.cat([g.reshape(-1) for g in torch.autograd.grad(F.cross_entropy(net(x), y), leaves, create_graph=True)])
    unit, rows = torch.eye(len(gradient), dtype=torch.float64), []
    for part in unit.split(64):
        found = torch.autograd.grad(gradient, leaves, part, retain_graph=True, is_grads_batched=True)
        rows.append(torch.cat([g.reshape(len(part), -1) for g in found], 1))
    matrix = torch.cat(rows)
    return (matrix + matrix.T) / 2


@functools.cache
def eigenvalues(kind: str, stage: str) -> np.ndarray:
    """All of the dense Hessian's, algebraically largest first."""
    return np.linalg.eigvalsh(dense_hessian(kind, stage).numpy())[::-1].copy()
