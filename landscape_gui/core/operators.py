"""Symmetric linear operators on flat vectors, known by what they do to blocks of vectors; never as matrices, but for Dense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from landscape_gui.core.curvature import GaussNewton, Hessian, NeuralTangent
from landscape_gui.core.objective import Objective
from landscape_gui.errors import ProblemError

__all__ = [
    "Deflated", "Dense", "GaussNewton", "Hessian", "NeuralTangent", "Operator", "Residual", "Restricted", "Scaled", "Sum",
]  # fmt: skip


class Operator(Protocol):
    """A symmetric linear map of vectors (size,). products: how many vectors it has been applied to."""

    size: int
    dtype: torch.dtype
    device: torch.device
    products: int

    def apply(self, block: Tensor) -> Tensor:
        """The images (k, size) of k vectors, the rows of a block (k, size), in the operator's dtype."""


class Dense:
    """A symmetric matrix (n, n) as an operator; for tests, and for small matrices that are known."""

    def __init__(self, matrix: Tensor) -> None:
        if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ProblemError(f"A matrix of shape {tuple(matrix.shape)} is not square.")
        self.matrix = matrix
        self.size, self.dtype, self.device = matrix.shape[0], matrix.dtype, matrix.device
        self.products = 0

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        return block @ self.matrix.T


class Sum:
    """factors[0] * operators[0] + ...; a product counts once, and once in each of the operators."""

    def __init__(self, operators: Sequence[Operator], factors: Sequence[float] | None = None) -> None:
        first = operators[0]
        if any(operator.size != first.size for operator in operators):
            raise ProblemError(f"Operators on {', '.join(str(o.size) for o in operators)} scalars cannot be added.")
        self.operators, self.factors = tuple(operators), tuple(factors or [1.0] * len(operators))
        self.size, self.dtype, self.device = first.size, first.dtype, first.device
        self.products = 0

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        pairs = list(zip(self.factors, self.operators, strict=True))
        total = pairs[0][1].apply(block) * pairs[0][0]
        for factor, operator in pairs[1:]:
            total.add_(operator.apply(block), alpha=factor)
        return total


class Scaled(Sum):
    """factor * operator."""

    def __init__(self, operator: Operator, factor: float) -> None:
        super().__init__([operator], [factor])


class Residual(Sum):
    """Hessian minus Gauss-Newton: the curvature that comes from the network's own, weighted by the loss's gradient at the outputs.

    Costs both products. `at`, `memory`: as of Hessian; each of the two may keep half of the memory.
    """

    def __init__(self, objective: Objective, at: Tensor | None = None, memory: int | None = None) -> None:
        half = None if memory is None else memory // 2
        super().__init__([Hessian(objective, at, half), GaussNewton(objective, at, half)], [1.0, -1.0])


class Restricted:
    """The diagonal block of an operator that belongs to the scalars from start to stop, or to those of an index tensor.

    A product costs a whole one; an Objective with `parameters` gives a layer's own Hessian for less.
    """

    def __init__(self, operator: Operator, start: int | Tensor, stop: int | None = None) -> None:
        self.operator = operator
        index = start if isinstance(start, Tensor) else torch.arange(start, operator.size if stop is None else stop)
        self.index = index.to(operator.device)
        self.size, self.dtype, self.device = int(self.index.numel()), operator.dtype, operator.device
        self.products = 0

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        whole = torch.zeros(len(block), self.operator.size, dtype=self.dtype, device=self.device)
        whole[:, self.index] = block
        return self.operator.apply(whole)[:, self.index]


class Deflated:
    """(I - U^T U) A (I - U^T U) for orthonormal rows U (m, n): what is left of A outside their span. Projected in U's dtype."""

    def __init__(self, operator: Operator, basis: Tensor) -> None:
        self.operator, self.basis = operator, basis.to(operator.device)
        self.size, self.dtype, self.device = operator.size, operator.dtype, operator.device
        self.products = 0

    def project(self, block: Tensor) -> Tensor:
        """Rows of a block (k, n) without their parts in the span, taken off twice."""
        left = block.to(self.basis.dtype)
        for _ in range(2):
            left = left - (left @ self.basis.T) @ self.basis
        return left.to(self.dtype)

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        return self.project(self.operator.apply(self.project(block)))
