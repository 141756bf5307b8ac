"""Stochastic Lanczos quadrature: the spectrum's density from a few random vectors, each seen through Gauss quadrature."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from landscape_gui.core.krylov import (
    DEFAULT_MEMORY,
    NEGLIGIBLE,
    Array,
    Basis,
    device_of,
    fitting_vectors,
    gaussian,
    multiply,
    vector_bytes,
)
from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.core.operators import Operator

FEWEST_STEPS = 4
"""A basis is not shortened below so many vectors."""


@dataclass(frozen=True)
class Quadrature:
    """Gauss quadratures of the spectral measures of p random vectors, with m nodes each.

    nodes, weights, residuals (p, m): per probe the Ritz values, ascending; the squared first components, which sum to 1; the 2-norm
    of A y - theta y. A probe whose space closed early repeats its last node at weight zero. alpha, beta (p, m): Lanczos
    coefficients, NaN past a closed space's end, from which fewer steps can be read; deflated: how many eigenvectors were taken out,
    so that a probe's weights stand for size - deflated eigenvalues; seed, first: probe i is made of seed and first + i; products:
    spent on this call; chains: the bases, from which more steps continue, or (); note: what a reader should know, or "".
    """

    nodes: Array
    weights: Array
    residuals: Array
    alpha: Array
    beta: Array
    size: int
    deflated: int
    seed: int
    first: int
    products: int
    note: str = ""
    chains: tuple[Chain, ...] = field(default=(), repr=False, compare=False)

    @property
    def probes(self) -> int:
        return len(self.alpha)

    @property
    def steps(self) -> int:
        return int(self.alpha.shape[1])


@dataclass
class Chain:
    """One probe's Lanczos recurrence, fully reorthogonalised: can be taken up where it was left."""

    basis: Basis
    following: Tensor | None
    """The next basis vector, or None where the space has closed."""
    alpha: list[float] = field(default_factory=list)
    beta: list[float] = field(default_factory=list)
    scale: float = 0.0

    def direction(self) -> Tensor:
        assert self.following is not None
        return self.following

    def take(self, product: Tensor, outside: Basis) -> None:
        """One step, given the product with `direction`."""
        q = self.direction()
        self.basis.append(q)
        alpha = float(torch.dot(q.double(), product.double()))
        w = torch.add(product, q, alpha=-alpha)
        if self.beta:
            w = torch.add(w, self.basis.row(len(self.alpha) - 1), alpha=-self.beta[-1])
        w, _ = outside.project_out(w)
        w, column = self.basis.project_out(w)
        beta = float(torch.linalg.vector_norm(w, dtype=torch.float64))
        self.alpha.append(alpha + float(column[-1]))
        self.beta.append(beta)
        self.scale = max(self.scale, abs(self.alpha[-1]) + beta)
        closed = beta <= NEGLIGIBLE * torch.finfo(q.dtype).eps * self.scale
        self.following = None if closed else w / beta


@dataclass(frozen=True)
class QuadratureStep:
    """Progress: products so far and at most; `so_far()` is the quadrature with the steps done, for a first picture."""

    products: int
    most: int
    _run: _Run = field(repr=False)

    def so_far(self) -> Quadrature:
        """The quadrature of the probes that have taken a step yet."""
        return self._run.answer()


def lanczos_quadrature(
    op: Operator,
    *,
    probes: int,
    steps: int,
    seed: int = 0,
    deflate: Tensor | None = None,
    first: int = 0,
    start: Quadrature | None = None,
    memory: int = DEFAULT_MEMORY,
) -> Generator[QuadratureStep, None, Quadrature]:
    """Nodes and weights of `probes` random vectors after `steps` Lanczos steps with full reorthogonalisation.

    Golub and Welsch 1969; Ubaru, Chen and Saad 2017, algorithm 1; Ghorbani, Krishnan and Xiao 2019. deflate (m, n): orthonormal
    eigenvectors whose eigenvalues are known: the probes are taken orthogonal to them and kept so, and the caller puts their exact
    lines beside, each of weight 1/n. Probe i depends on (seed, first + i) alone, and rows of a block are worked on one by one, so
    that with `start` (an earlier answer to the same question with fewer probes or steps) the answer is equal, to the bit, to having
    asked for all at once, wherever the operator's products do not depend on the block they come in. More steps need the earlier
    answer's chains: probes without are computed again.

    Cost: probes x steps products. Memory: as many vectors for the probes in lockstep; fewer probes run in lockstep, or fewer
    steps are taken, where that exceeds `memory` bytes, and `note` says so. Yields after each block of products.
    Raises ProblemError where a product is not finite; QuestionError where probes or steps are below one.
    """
    run = _Run(op, probes, steps, seed, deflate, first, memory)
    if start is not None:
        run.resume(start)
    yield from run.run()
    return run.answer()


class _Run:
    """One run of `lanczos_quadrature`."""

    def __init__(self, op: Operator, probes: int, steps: int, seed: int, deflate: Tensor | None, first: int, memory: int) -> None:
        if probes < 1 or steps < 1:
            raise QuestionError(
                "The density needs at least one probe and one Lanczos step.", remedy="Ask for 4 probes of 40 steps."
            )
        self.op, self.probes, self.seed, self.first = op, probes, seed, first
        nothing = torch.empty(0, op.size, dtype=op.dtype, device=device_of(op))
        self.outside = Basis.of(nothing if deflate is None else deflate.to(device_of(op), op.dtype))
        self.dimension = op.size - len(self.outside)
        fitting = fitting_vectors(op, memory)
        self.steps = min(steps, self.dimension, max(FEWEST_STEPS, fitting - 2))
        self.lockstep = max(1, min(probes, fitting // max(1, self.steps + 2)))
        self.note = self._shortened(min(steps, self.dimension))
        self.chains: dict[int, Chain] = {}
        self.products = 0

    def _shortened(self, asked: int) -> str:
        if self.steps >= asked:
            return ""
        size = self.steps * vector_bytes(self.op) / 2**20
        return (
            f"{self.steps} of {asked} Lanczos steps: more basis vectors ({size:.0f} MB these) do not fit into the memory allowed."
        )

    def resume(self, start: Quadrature) -> None:
        """Take over the earlier answer's probes that this question asks for again."""
        same = start.seed == self.seed and start.size == self.op.size and start.deflated == len(self.outside)
        if not same:
            raise QuestionError(
                "The earlier quadrature answers another question (seed, size or deflation differ).", remedy="Leave `start` out."
            )
        for i in range(start.probes):
            index = start.first + i - self.first
            if not 0 <= index < self.probes:
                continue
            if start.chains:
                self.chains[index] = start.chains[i]
            elif start.steps >= self.steps or np.isnan(start.alpha[i, -1]):
                self.chains[index] = _finished(start.alpha[i], start.beta[i], self.outside)

    def run(self) -> Generator[QuadratureStep, None, None]:
        for begin in range(0, self.probes, self.lockstep):
            group = range(begin, min(begin + self.lockstep, self.probes))
            for index in group:
                if index not in self.chains:
                    self.chains[index] = self._chain(index)
            while active := [i for i in group if self._continues(self.chains[i])]:
                block = torch.stack([self.chains[i].direction() for i in active])
                for i, product in zip(active, multiply(self.op, block), strict=True):
                    self.chains[i].take(product, self.outside)
                self.products += len(active)
                yield QuadratureStep(self.products, self._most(), self)

    def _most(self) -> int:
        left = sum(self.steps - len(c.alpha) for c in self.chains.values() if self._continues(c))
        return self.products + left + self.steps * (self.probes - len(self.chains))

    def _continues(self, chain: Chain) -> bool:
        return chain.following is not None and len(chain.alpha) < self.steps

    def _chain(self, index: int) -> Chain:
        vector = gaussian(self.op, seed=self.seed, index=self.first + index)
        vector, _ = self.outside.project_out(vector)
        norm = torch.linalg.vector_norm(vector, dtype=torch.float64)
        basis = Basis(self.op.size, self.op.dtype, device_of(self.op))
        return Chain(basis, vector / norm if self.dimension else None)

    def answer(self) -> Quadrature:
        started = [chain for _, chain in sorted(self.chains.items()) if chain.alpha]
        alpha, beta = (_table([getattr(c, name)[: self.steps] for c in started], self.steps) for name in ("alpha", "beta"))
        nodes, weights, residuals = gauss(alpha, beta)
        return Quadrature(
            nodes, weights, residuals, alpha, beta, self.op.size, len(self.outside), self.seed, self.first, self.products,
            self.note, tuple(started) if all(len(c.basis) for c in started) else (),
        )  # fmt: skip


def _finished(alpha: Array, beta: Array, outside: Basis) -> Chain:
    count = int(np.isfinite(alpha).sum())
    return Chain(Basis(0, torch.float32, torch.device("cpu")), None, alpha[:count].tolist(), beta[:count].tolist())


def _table(rows: Sequence[Sequence[float]], columns: int) -> Array:
    table = np.full((len(rows), max((len(row) for row in rows), default=columns)), np.nan)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    return table


def gauss(alpha: Array, beta: Array) -> tuple[Array, Array, Array]:
    """Nodes, weights and residuals (p, m) of Lanczos coefficients (p, m); NaN in alpha ends a probe's recurrence."""
    nodes, weights, residuals = np.zeros_like(alpha), np.zeros_like(alpha), np.zeros_like(alpha)
    for i, (a, b) in enumerate(zip(alpha, beta, strict=True)):
        m = int(np.isfinite(a).sum())
        values, vectors = np.linalg.eigh(np.diag(a[:m]) + np.diag(b[: m - 1], 1) + np.diag(b[: m - 1], -1))
        nodes[i, :m], nodes[i, m:] = values, values[-1]
        weights[i, :m] = vectors[0] ** 2 / np.sum(vectors[0] ** 2)
        residuals[i, :m] = np.abs(b[m - 1] * vectors[-1])
    return nodes, weights, residuals
