"""Trace and Frobenius norm from products alone, for the whole and per layer: Lanczos for the large part, random vectors for the
rest."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from landscape_gui.core.krylov import DEFAULT_MEMORY, Array, KrylovSpace, Step, fitting_vectors, gaussian, multiply
from landscape_gui.core.student import student_quantile
from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.core.operators import Operator

FEWEST = 4
"""Products below which there is no estimate with an error."""

BLOCK = 8
"""Random vectors multiplied at a time."""


@dataclass(frozen=True)
class Trace:
    """value: the estimate; standard_error: its own; low, high: 95 % Student interval; samples (K,): estimates of the whole, one per
    random vector, whose mean is value (none where the answer is exact); products: spent; frobenius, frobenius_standard_error:
    ||A||_F from the same products; layers: names in order of first appearance; layer_values, layer_standard_errors: the trace of
    each layer's own block, whose sum is value up to rounding; note: what a reader should know, or ""."""

    value: float
    standard_error: float
    low: float
    high: float
    samples: Array
    products: int
    frobenius: float
    frobenius_standard_error: float
    layers: tuple[str, ...] = ()
    layer_values: Array = field(default_factory=lambda: np.zeros(0))
    layer_standard_errors: Array = field(default_factory=lambda: np.zeros(0))
    note: str = ""


def trace(
    op: Operator,
    *,
    budget: int = 120,
    seed: int = 0,
    layers: Sequence[tuple[str, int, int]] = (),
    memory: int = DEFAULT_MEMORY,
) -> Generator[Step, None, Trace]:
    """The trace of a symmetric operator at a cost of `budget` products.

    Half of them build a Lanczos basis Q, on which the trace is exact; the others go to random vectors g in its complement, uniform
    on the sphere of radius sqrt(n - m), whose g.Ag average to the rest (deflation as in Hutch++, Meyer et al. 2021, with normalised
    vectors as in Epperly, Tropp and Webber 2024). Exact at n products or more. layers: (name, start, stop) stretches of the vector;
    one product gives g_l.(Ag)_l for each, so the layers' traces cost nothing beside, and add up to the trace. Memory: budget/2
    vectors, fewer where that exceeds `memory` bytes. Yields a Step after each block of products. Raises ProblemError where a
    product is not finite; QuestionError below four products.
    """
    if budget < FEWEST and budget < op.size:
        raise QuestionError(f"A trace needs at least {FEWEST} products, not {budget}.", remedy="120 give about half a per cent.")
    run = _Run(op, budget, seed, layers, memory)
    yield from run.build()
    yield from run.sample()
    return run.answer()


def frobenius(op: Operator, *, budget: int = 120, seed: int = 0) -> Generator[Step, None, tuple[float, float]]:
    """||A||_F and its standard error, at a cost of `budget` products: `trace` gives it beside the trace for the same cost."""
    found = yield from trace(op, budget=budget, seed=seed)
    return found.frobenius, found.frobenius_standard_error


def layer_traces(
    op: Operator, layers: Sequence[tuple[str, int, int]], *, budget: int = 120, seed: int = 0
) -> Generator[Step, None, Trace]:
    """The trace of each layer's own block, with standard errors; their sum is the trace. See `trace`."""
    return (yield from trace(op, budget=budget, seed=seed, layers=layers))


class _Run:
    """One run of `trace`: rows of sums hold the trace, the squared Frobenius norm and each layer's trace."""

    def __init__(self, op: Operator, budget: int, seed: int, layers: Sequence[tuple[str, int, int]], memory: int) -> None:
        self.op, self.seed = op, seed
        self.names = tuple(dict.fromkeys(name for name, _, _ in layers))
        self.stretches = [(self.names.index(name), slice(start, stop)) for name, start, stop in layers]
        self.budget = min(budget, op.size)
        half = op.size if budget >= op.size else budget // 2
        self.dimension = min(half, fitting_vectors(op, memory))
        short = self.dimension < half
        self.note = f"Only {self.dimension} of {half} basis vectors fit into the memory allowed." if short else ""
        self.space = KrylovSpace(op)
        self.exact = np.zeros(2 + len(self.names))
        self.sums: list[Array] = []
        self.draws = 0
        self.products = 0

    def _random(self) -> Tensor:
        vector = gaussian(self.op, seed=self.seed, index=self.draws)
        self.draws += 1
        return self.space.orthogonal(vector)

    def build(self) -> Generator[Step, None, None]:
        """The part that the basis spans, exactly."""
        while len(self.space) < self.dimension:
            q = self.space.direction(0) if self.space.remainders else self._random()
            self.exact += self._terms(q, self.space.expand(q))
            self.products += 1
            yield self._step()

    def sample(self) -> Generator[Step, None, None]:
        """The rest, by random vectors in the complement."""
        rest = self.op.size - len(self.space)
        while rest and self.products < self.budget:
            block = torch.stack([self._random() for _ in range(min(BLOCK, self.budget - self.products))])
            for g, product in zip(block, multiply(self.op, block), strict=True):
                self.sums.append(rest * self._terms(g, product))
            self.products += len(block)
            yield self._step()

    def _terms(self, g: Tensor, product: Tensor) -> Array:
        """g.Ag, |Ag|^2 and each layer's share of the first, in float64."""
        wide = product.double()
        both = g.double() * wide
        shares = torch.zeros(len(self.names), dtype=torch.float64, device=both.device)
        for index, part in self.stretches:
            shares[index] += both[part].sum()
        return np.concatenate([[float(both.sum()), float(torch.dot(wide, wide))], shares.cpu().numpy()])

    def _step(self) -> Step:
        mean, error = self._estimate()
        return Step(self.products, self.budget, mean[:1], error[:1], self.note)

    def _estimate(self) -> tuple[Array, Array]:
        if not self.sums:
            whole = len(self.space) >= self.op.size
            return self.exact, np.zeros_like(self.exact) if whole else np.full_like(self.exact, np.nan)
        sums = np.array(self.sums)
        spread = sums.std(axis=0, ddof=1) if len(sums) > 1 else np.full(sums.shape[1], np.nan)
        return self.exact + sums.mean(axis=0), spread / np.sqrt(len(sums))

    def answer(self) -> Trace:
        mean, error = self._estimate()
        reach = student_quantile(len(self.sums) - 1) * error[0] if self.sums else 0.0
        norm = float(np.sqrt(max(mean[1], 0.0)))
        return Trace(
            value=float(mean[0]),
            standard_error=float(error[0]),
            low=float(mean[0] - reach),
            high=float(mean[0] + reach),
            samples=np.array([self.exact[0] + s[0] for s in self.sums]),
            products=self.products,
            frobenius=norm,
            frobenius_standard_error=float(error[1] / (2 * norm)) if norm else 0.0,
            layers=self.names,
            layer_values=mean[2:],
            layer_standard_errors=error[2:],
            note=self.note,
        )
