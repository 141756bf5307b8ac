"""Eigenpairs at the ends of a spectrum from products alone: Lanczos with full reorthogonalisation, and power iteration."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.krylov import (
    DEFAULT_MEMORY,
    Array,
    KrylovChain,
    KrylovSpace,
    Step,
    device_of,
    fitting_vectors,
    gaussian,
    multiply,
    vector_bytes,
)
from landscape_gui.errors import QuestionError

if TYPE_CHECKING:
    from landscape_gui.core.operators import Operator

CHECK = 6
"""Products spent, once all pairs have converged, in the orthogonal complement, to find copies of repeated eigenvalues."""

SPARE = 4
"""Basis vectors beyond the wanted pairs below which no restart is possible."""


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenpairs at both ends of a spectrum.

    values (k,): the wanted Ritz values, algebraically largest first; vectors (k, n): unit rows, or None; residuals (k,): 2-norm of
    A v - theta v with rounding, so that an eigenvalue lies within it (Parlett 1998, theorem 4.5.1); converged (k,): whether the
    residual met the tolerance; largest, smallest: how many of the values are of either end; complete: the whole spectrum was found,
    so that values are all that were wanted and exact up to rounding; products: spent, those of a chain that was gone on from
    included; negative: how many eigenvalues are known to be below zero: so many Ritz values are negative by more than their
    residual, and at least as many eigenvalues are (Cauchy's interlacing; Parlett 1998, section 10.1); chain: what a search for more
    goes on from, or None; note: what a reader should know, or "".
    """

    values: Array
    vectors: Tensor | None
    residuals: Array
    converged: NDArray[np.bool_]
    largest: int
    smallest: int
    complete: bool
    products: int
    note: str
    negative: int = 0
    chain: KrylovChain | None = field(default=None, repr=False, compare=False)


def eigenpairs(
    op: Operator,
    *,
    largest: int,
    smallest: int = 0,
    tolerance: float = 1e-5,
    most_products: int = 400,
    block: int = 1,
    check: int = CHECK,
    seed: int = 0,
    start: Tensor | None = None,
    chain: KrylovChain | None = None,
    keep_vectors: bool = True,
    memory: int = DEFAULT_MEMORY,
) -> Generator[Step, None, Eigenpairs]:
    """The algebraically largest and smallest eigenpairs of a symmetric operator, each with a bound on its error.

    Lanczos from one random vector (block: from so many), two passes of full reorthogonalisation. It stops when every wanted pair's
    residual is at most tolerance times the largest |theta|; never by a number of steps, but that `most_products` caps the cost.
    Then `check` products in the orthogonal complement of all that was found look for copies of repeated eigenvalues, and the search
    goes on if one turns up. Where the space closes (identity, zero, few parameters) another random vector opens it again. start (k,
    n): where the search begins in place of the first random vectors: eigenvectors of a nearby operator, say. `check` then guards it
    from missing a pair that they are orthogonal to. chain: what an earlier search of the same operator and seed had come to
    (`Step.chain`, `Eigenpairs.chain`), whatever pairs it looked for. It is followed as far as this search would have come by
    itself, so that the answer is equal, to the bit, to one without it; its products are not spent again, but for one where it is
    left before its end.

    Cost: one product a step, 2 m n multiplications twice for the m vectors kept. Memory: m n numbers; where they exceed `memory`
    bytes the basis is shortened by thick restarts, and `note` says so. Yields a Step after each product.
    Raises ProblemError where a product is not finite; QuestionError where nothing is asked for.
    """
    search = _Search(op, largest, smallest, tolerance, most_products, max(1, block), check, seed, memory)
    search.begin_from(start)
    search.go_on_from(chain)
    yield from search.run()
    return search.answer(keep_vectors)


def memory_needed(op: Operator, vectors: int) -> int:
    """Bytes of so many basis vectors: what `eigenpairs` will hold, at most, beside the operator itself."""
    return (vectors + 2) * vector_bytes(op)


class _Search:
    """One run of `eigenpairs`."""

    def __init__(
        self, op: Operator, largest: int, smallest: int, tolerance: float, most: int, block: int, check: int, seed: int, memory: int
    ) -> None:
        if largest < 0 or smallest < 0 or largest + smallest < 1:
            raise QuestionError("No eigenvalue is asked for.", remedy="Ask for at least one of the largest or the smallest.")
        self.op, self.seed, self.tolerance, self.check = op, seed, tolerance, check
        self.largest = min(largest, op.size)
        self.smallest = min(smallest, op.size - self.largest)
        self.wanted = self.largest + self.smallest
        self.most = max(most, self.wanted)
        self.block = min(block, op.size)
        self.capacity, self.note = self._capacity(min(op.size, self.most), memory)
        self.space = KrylovSpace(op)
        self.draws = 0
        self.starts: list[Tensor] = []
        self._pure = self._random_start = block == 1
        self._chain: KrylovChain | None = None
        self._ahead: KrylovChain | None = None

    def begin_from(self, start: Tensor | None) -> None:
        """Take the rows (k, n) before any random vector."""
        if start is not None:
            self.starts = list(start.to(device=device_of(self.op), dtype=self.op.dtype))
            self.block = max(self.block, min(len(self.starts), self.op.size))
            self._pure = self._random_start = False

    def go_on_from(self, chain: KrylovChain | None) -> None:
        """Follow an earlier search's chain, where it is one of this operator and seed."""
        if chain is None or not self._pure or chain.seed != self.seed or not len(chain):
            return
        if chain.rows[0].shape[1] == self.op.size and chain.rows[0].dtype == self.op.dtype:
            self._ahead = chain

    def chain(self) -> KrylovChain | None:
        """The Lanczos run as far as it is known; None where the space never was one, or a restart has overwritten it."""
        if self._pure and self._ahead is not None:
            return self._ahead
        if self._pure and len(self.space) and len(self.space.remainders) < 2:
            return self.space.as_chain(self.seed)
        return self._chain

    def _capacity(self, useful: int, memory: int) -> tuple[int, str]:
        fitting = fitting_vectors(self.op, memory) - 2
        capacity = min(useful, max(fitting, self.wanted + SPARE))
        if capacity >= useful:
            return useful, ""
        size = memory_needed(self.op, capacity) / 2**20
        return (
            capacity,
            f"At most {capacity} basis vectors ({size:.0f} MB) are kept at a time; the search restarts from the best ones.",
        )

    def run(self) -> Generator[Step, None, None]:
        for _ in range(self.block):
            yield from self._expand(None)
        while not self._finished():
            if not self._open() or self._converged():
                if (yield from self._look_for_copies()):
                    return
            else:
                yield from self._expand(self._best())

    def _finished(self) -> bool:
        return len(self.space) >= self.op.size or self.space.products >= self.most

    def _open(self) -> bool:
        return bool(self.space.remainders)

    def _look_for_copies(self) -> Generator[Step, None, bool]:
        """Some products from a new random vector; whether all wanted pairs are still the ones that had converged."""
        before = self._wanted()[0]
        converged = self._converged()
        yield from self._expand(None)
        for _ in range(self.check - 1):
            if self._finished() or not self._open() or not self._converged():
                break
            yield from self._expand(len(self.space.remainders) - 1)
        return converged and self._converged() and float(np.abs(self._wanted()[0] - before).max()) <= self._limit()

    def _expand(self, along: int | None) -> Generator[Step, None, None]:
        m = len(self.space)
        if self._ahead is not None and (along is not None or not m) and m < min(len(self._ahead), self.capacity):
            self.draws = 1
            self.space.follow(self._ahead)
        else:
            self._grow(along)
        yield self._step()

    def _grow(self, along: int | None) -> None:
        """By a product, of a remainder or of a new random vector."""
        if self._pure and len(self.space) and (along is None or len(self.space.remainders) > 1):
            self._chain, self._pure = self.chain(), False
        if self._ahead is not None:
            if len(self.space) < len(self._ahead):
                self.space.recover()
            self._ahead = None
        if len(self.space) >= self.capacity:
            self._restart()
        self.space.expand(self.space.orthogonal(self._fresh()) if along is None else self.space.direction(along))

    def _step(self) -> Step:
        values, _, residuals, _ = self._wanted()
        nodes, weights = self.space.measure() if self._random_start else (np.zeros(0), np.zeros(0))
        return Step(self.space.products, self.most, values, residuals, self.note, self._negative(), nodes, weights, self)

    def _negative(self) -> int:
        values, _, shares = self.space.ritz()
        return int((values < -self.space.residuals(shares)).sum())

    def _fresh(self) -> Tensor:
        """The next of the rows to begin from, and then random vectors."""
        if self.starts:
            return self.starts.pop(0)
        self.draws += 1
        return gaussian(self.op, seed=self.seed, index=self.draws - 1)

    def _wanted(self) -> tuple[Array, Array, Array, Array]:
        """Of the wanted Ritz pairs, largest first: values, coefficients (m, k), residuals, shares (c, k)."""
        values, vectors, shares = self.space.ritz()
        places = self._places(len(values))
        return values[places], vectors[:, places], self.space.residuals(shares[:, places]), shares[:, places]

    def _places(self, m: int) -> NDArray[np.intp]:
        top = min(self.largest, m)
        bottom = min(self.smallest, m - top)
        return np.concatenate([np.arange(m - 1, m - 1 - top, -1), np.arange(bottom - 1, -1, -1)]).astype(np.intp)

    def _limit(self) -> float:
        return max(self.tolerance * float(np.abs(self.space.ritz()[0]).max()), 2 * self.space.rounding)

    def _converged(self) -> bool:
        if len(self.space) < min(self.wanted + 1, self.op.size):
            return False
        return bool((self._wanted()[2] <= self._limit()).all())

    def _best(self) -> int:
        """The remainder that carries most of the residual of the wanted pairs that have not converged."""
        _, _, residuals, shares = self._wanted()
        norms = np.array(self.space.norms)
        late = residuals > self._limit()
        shares = shares[:, late] if late.any() else shares
        return int(np.argmax(norms * np.abs(shares).max(axis=1)))

    def _restart(self) -> None:
        self._chain, self._pure, self._random_start = None, False, False
        m = len(self.space)
        spare = (m - self.wanted) // 2
        top = self.largest + (spare if not self.smallest else spare * self.largest // self.wanted)
        bottom = self.wanted + spare - top
        self.space.compress(np.concatenate([np.arange(bottom), np.arange(m - top, m)]).astype(np.intp))

    def answer(self, keep_vectors: bool) -> Eigenpairs:
        values, vectors, residuals, _ = self._wanted()
        converged = residuals <= self._limit()
        notes = [self.note] if self.note else []
        if not converged.all():
            notes.append(
                f"{int((~converged).sum())} of {len(values)} pairs had not converged after {self.space.products} products."
            )
        return Eigenpairs(
            values=values,
            vectors=self.space.basis.combine(vectors) if keep_vectors else None,
            residuals=residuals,
            converged=converged,
            largest=min(self.largest, len(values)),
            smallest=max(0, len(values) - self.largest),
            complete=len(self.space) >= self.op.size,
            products=self.space.products,
            note=" ".join(notes),
            negative=self._negative(),
            chain=self.chain(),
        )


@dataclass(frozen=True)
class PowerIteration:
    """The eigenvalue of largest magnitude by repeated products.

    value, vector (n,), residual: of the last iterate, the residual bounding the distance to some eigenvalue; values, residuals
    (products,): the history; ratio: |lambda_2 / lambda_1| as the last residuals' decay tells it, NaN where they do not;
    vector_rate, value_rate: ratio and its square, by which the errors of vector and value shrink with each product.
    """

    value: float
    vector: Tensor
    residual: float
    converged: bool
    values: Array
    residuals: Array
    ratio: float
    products: int

    @property
    def vector_rate(self) -> float:
        return self.ratio

    @property
    def value_rate(self) -> float:
        return self.ratio**2


def power_iteration(
    op: Operator, *, seed: int = 0, tolerance: float = 1e-5, most: int = 1_000
) -> Generator[Step, None, PowerIteration]:
    """Power iteration from a random vector until the residual is at most tolerance times |theta|, or `most` products are spent.

    Converges as |lambda_2/lambda_1|^k, the Rayleigh quotient as its square (Golub and Van Loan 2013, section 8.2): Lanczos needs
    fewer products for the same; this is here to be compared with. Raises ProblemError where a product is not finite.
    """
    q = gaussian(op, seed=seed, index=0)
    q = q / torch.linalg.vector_norm(q, dtype=torch.float64)
    values: list[float] = []
    residuals: list[float] = []
    floor = 8 * float(torch.finfo(op.dtype).eps)
    while True:
        product = multiply(op, q[None])[0]
        value = float(torch.dot(q.double(), product.double()))
        residual = float(torch.linalg.vector_norm(product.double() - value * q.double()))
        values.append(value)
        residuals.append(residual)
        yield Step(len(values), most, np.array([value]), np.array([residual]))
        norm = torch.linalg.vector_norm(product, dtype=torch.float64)
        if residual <= max(tolerance, floor) * abs(value) or len(values) >= most or float(norm) == 0.0:
            break
        q = product / norm
    history = np.array(residuals)
    return PowerIteration(
        value=value,
        vector=q,
        residual=residual + floor * abs(value),
        converged=residual <= max(tolerance, floor) * abs(value),
        values=np.array(values),
        residuals=history,
        ratio=_decay(history, floor * abs(value)),
        products=len(values),
    )


def _decay(residuals: Array, floor: float) -> float:
    """The factor by which residuals shrink from product to product, over the last third of those above rounding."""
    usable = residuals[residuals > 10 * floor]
    last = usable[-max(2, len(usable) // 3) :]
    if len(last) < 2 or last[0] <= 0:
        return float("nan")
    return float(min(1.0, (last[-1] / last[0]) ** (1 / (len(last) - 1))))
