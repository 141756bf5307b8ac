"""Orthonormal bases in which a symmetric operator is small: what Lanczos, Rayleigh-Ritz and thick restarts have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.errors import ProblemError

if TYPE_CHECKING:
    from landscape_gui.core.operators import Operator

Array = NDArray[np.float64]

SLAB = 32
"""Basis vectors that are allocated at a time; one by one where they are so long that these would take more than SLAB_BYTES."""

SLAB_BYTES = 256 << 20

MOST_PASSES = 3
SMALL_SHARE = 0.1
"""Reorthogonalisation ends after so many passes, or when one takes away less than this share of what it leaves."""

MOST_NEIGHBOURS = 4
"""Neighbours in the recurrence up to which they are subtracted one by one; after a restart there are more."""

NEGLIGIBLE = 50.0
"""A remainder below so many units of rounding of the operator's scale is zero: the space is invariant there."""

DEFAULT_MEMORY = 2 << 30
"""Bytes that basis vectors may take where nothing else is said: 53 vectors of ten million parameters in float32."""


@dataclass(frozen=True)
class Step:
    """What a long computation says after each product (or block of them). products: so far; most: at most so many in all;
    values, residuals: the Ritz values wanted so far, algebraically largest first. A search for eigenpairs adds `negative`, how many
    eigenvalues it knows to be below zero, and, where it began from a random vector, that vector's spectral measure as `nodes` and
    `weights` (m,)."""

    products: int
    most: int
    values: Array
    residuals: Array
    note: str = ""
    negative: int = 0
    nodes: Array = field(default_factory=lambda: np.zeros(0))
    weights: Array = field(default_factory=lambda: np.zeros(0))
    _search: _Keeper | None = field(default=None, repr=False, compare=False)

    def chain(self) -> KrylovChain | None:
        """The Lanczos run from the first random vector, as far as it has come, for `eigenpairs(chain=...)` to go on from: views of
        the search's own vectors, to be read before its next step. None where the search is no such run."""
        return self._search.chain() if self._search is not None else None


class _Keeper(Protocol):
    def chain(self) -> KrylovChain | None: ...


@dataclass(frozen=True)
class KrylovChain:
    """A Lanczos run from one random vector: rows: its orthonormal vectors in pieces (m, n in all); matrix (m, m): the operator's
    projection on them; remainder (n,): what the last product left over, or None where the space is invariant; trail (m, 4): of each
    step what its vector shared with the remainder before, the norm of the one that it left, and the space's scale and noise. It
    depends on the operator, seed and length alone, not on which eigenpairs were looked for."""

    rows: tuple[Tensor, ...]
    matrix: Array
    remainder: Tensor | None
    trail: Array
    seed: int

    def __len__(self) -> int:
        return len(self.matrix)

    def row(self, index: int) -> Tensor:
        """One of the vectors, without a copy."""
        for piece in self.rows:
            if index < len(piece):
                return piece[index]
            index -= len(piece)
        raise IndexError(index)

    @property
    def bytes(self) -> int:
        """What the vectors take."""
        return sum(t.numel() * t.element_size() for t in (*self.rows, *([] if self.remainder is None else [self.remainder])))


def gaussian(op: Operator, *, seed: int, index: int) -> Tensor:
    """Standard normal numbers (n,) that depend on nothing but seed and index: drawn on the CPU, in the operator's dtype."""
    state = np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(state >> np.uint64(1)))
    return torch.randn(op.size, generator=generator, dtype=op.dtype).to(device_of(op))


def device_of(op: Operator) -> torch.device:
    """Where an operator's vectors live."""
    return torch.device(getattr(op, "device", "cpu"))


def multiply(op: Operator, block: Tensor) -> Tensor:
    """The products with the rows of a block (k, n). ProblemError where one is not finite."""
    product = op.apply(block).detach()
    if not math.isfinite(float(product.sum())) and not bool(torch.isfinite(product).all()):  # a sum alone may overflow
        raise ProblemError(
            f"The product of the {type(op).__name__} operator with a vector is not finite.",
            remedy="The loss or its second derivative overflows at this checkpoint: look at the loss there, or compute in float64.",
        )
    return product


def vector_bytes(op: Operator) -> int:
    """Bytes of one basis vector."""
    return op.size * torch.empty((), dtype=op.dtype).element_size()


def fitting_vectors(op: Operator, memory: int) -> int:
    """How many basis vectors fit into so many bytes."""
    return max(1, memory // max(1, vector_bytes(op)))


class Basis:
    """Orthonormal rows of length n, appended one by one and allocated in slabs, so that memory follows use."""

    def __init__(self, size: int, dtype: torch.dtype, device: torch.device) -> None:
        self._size, self._dtype, self._device = size, dtype, device
        self._slabs: list[Tensor] = []
        self._count = 0
        bytes_each = max(1, size * torch.empty((), dtype=dtype).element_size())
        self._slab = SLAB if SLAB * bytes_each <= SLAB_BYTES else 1

    @classmethod
    def of(cls, rows: Tensor) -> Basis:
        """A basis that holds these orthonormal rows (k, n) without a copy; it is not appended to."""
        basis = cls(rows.shape[1], rows.dtype, rows.device)
        basis._slabs, basis._count, basis._slab = ([rows] if len(rows) else []), len(rows), max(1, len(rows))
        return basis

    def __len__(self) -> int:
        return self._count

    def append(self, q: Tensor) -> None:
        """One more row: of unit norm and orthogonal to the others, which is the caller's business."""
        if self._count == self._slab * len(self._slabs):
            self._slabs.append(torch.empty(self._slab, self._size, dtype=self._dtype, device=self._device))
        self._slabs[-1][self._count % self._slab] = q
        self._count += 1

    def rows(self) -> list[Tensor]:
        """The rows in pieces (up to a slab, n), without a copy."""
        return [slab[: self._count - self._slab * i] for i, slab in enumerate(self._slabs)]

    def row(self, index: int) -> Tensor:
        """One of the rows, without a copy."""
        return self._slabs[index // self._slab][index % self._slab]

    def project_out(self, w: Tensor) -> tuple[Tensor, Array]:
        """w without its part in the span, and that part's coefficients (m,). Repeated until what a pass takes away is small beside
        what it leaves, so that the rounding of the passes before is corrected (Parlett 1998, section 6.9: twice is enough)."""
        total = np.zeros(self._count)
        for _ in range(MOST_PASSES if self._count else 0):
            pieces = [rows @ w for rows in self.rows()]
            for rows, c in zip(self.rows(), pieces, strict=True):
                w = torch.addmv(w, rows.T, c, alpha=-1.0)
            taken = torch.cat(pieces).double().cpu().numpy()
            total += taken
            if np.linalg.norm(taken) <= SMALL_SHARE * float(torch.linalg.vector_norm(w, dtype=torch.float64)):
                break
        return w, total

    def combine(self, coefficients: Array) -> Tensor:
        """The rows' combinations (k, n) with the columns of coefficients (m, k)."""
        c = torch.as_tensor(coefficients.T.copy(), dtype=self._dtype, device=self._device)
        total = torch.zeros(len(c), self._size, dtype=self._dtype, device=self._device)
        for i, rows in enumerate(self.rows()):
            total.addmm_(c[:, self._slab * i : self._slab * i + len(rows)], rows)
        return total

    def rotate(self, coefficients: Array) -> None:
        """Replace the rows by their combinations with the columns of coefficients (m, k), k at most m, some columns of them at a
        time."""
        kept = coefficients.shape[1]
        c = torch.as_tensor(coefficients.T.copy(), dtype=self._dtype, device=self._device)
        for start in range(0, self._size, 1 << 16):
            part = slice(start, start + (1 << 16))
            old = torch.cat([rows[:, part] for rows in self.rows()])
            new = c @ old
            for i, slab in enumerate(self._slabs):
                piece = new[self._slab * i : self._slab * (i + 1)]
                slab[: len(piece), part] = piece
        self._count = kept
        self._slabs = self._slabs[: -(-kept // self._slab)]


def _grown(matrix: Array) -> Array:
    """With one more row and column of zeros."""
    grown = np.zeros((matrix.shape[0] + 1, matrix.shape[1] + 1))
    grown[:-1, :-1] = matrix
    return grown


class KrylovSpace:
    """A basis Q of m rows with A q_j = sum_i T[i, j] q_i + sum_c C[c, j] w_c, where the few remainders w_c are orthogonal to Q.

    Expanding along a remainder is a step of (band) Lanczos; expanding along a random vector opens another chain, which finds copies
    of repeated eigenvalues; `compress` is a thick restart (Wu and Simon 2000). The projections of A are computed from both sides:
    their difference measures the rounding of the products, `noise`.
    """

    def __init__(self, op: Operator) -> None:
        self.op = op
        self.basis = Basis(op.size, op.dtype, device_of(op))
        self.matrix: Array = np.zeros((0, 0))
        self.remainders: list[Tensor] = []
        self.norms: list[float] = []
        self.shares: Array = np.zeros((0, 0))
        self.scale = 0.0
        self.noise = 0.0
        self.products = 0
        self.trail: list[tuple[float, ...]] = []
        """Of each expansion, as a KrylovChain has it."""
        self._pairs: tuple[Array, Array] | None = None
        self._gram: Array | None = None
        self._epsilon = float(torch.finfo(op.dtype).eps)

    def __len__(self) -> int:
        return len(self.basis)

    @property
    def rounding(self) -> float:
        """What float arithmetic alone may do to a residual: measured asymmetry and some units of the operator's scale."""
        return self.noise + 10 * self._epsilon * self.scale

    def direction(self, along: int) -> Tensor:
        """The unit vector of a remainder."""
        return self.remainders[along].div(self.norms[along])

    def orthogonal(self, vector: Tensor) -> Tensor:
        """A vector's direction outside the space."""
        w, _ = self.basis.project_out(vector / torch.linalg.vector_norm(vector, dtype=torch.float64))
        return w.div(torch.linalg.vector_norm(w, dtype=torch.float64))

    def expand(self, q: Tensor) -> Tensor:
        """Take a unit vector orthogonal to the space into it, for one product, which is returned."""
        known = self._close(q)
        product = multiply(self.op, q[None])[0]
        self.products += 1
        m = len(self.basis)
        self.basis.append(q)
        w, near = self._subtract_neighbours(product, known, self.scale)
        w, column = self.basis.project_out(w)
        column += near
        if m:
            self.noise = max(self.noise, float(np.linalg.norm(column[:m] - known)))
        norm = float(torch.linalg.vector_norm(w, dtype=torch.float64))
        self.scale = max(self.scale, float(np.linalg.norm(column)), norm)
        self.matrix = _grown(self.matrix)
        self.matrix[m, :m] = self.matrix[:m, m] = (column[:m] + known) / 2
        self.matrix[m, m] = column[m]
        self.shares = _grown(self.shares)
        self.shares[-1, m] = 1.0
        self.remainders.append(w)
        self.norms.append(norm)
        self._drop()
        self.trail.append((float(known[-1]) if m else 0.0, norm, self.scale, self.noise))
        self._pairs = self._gram = None
        return product

    def _close(self, q: Tensor) -> Array:
        """Take q out of the remainders: what the new row of T is by symmetry."""
        known = np.zeros(len(self.basis))
        for c, w in enumerate(self.remainders):
            share = float((q * w).sum())  # summed in pairs, which is right to rounding
            known += share * self.shares[c]
            self.remainders[c] = torch.sub(w, q, alpha=share)
            self.norms[c] = float(torch.linalg.vector_norm(self.remainders[c], dtype=torch.float64))
        return known

    def _subtract_neighbours(self, w: Tensor, known: Array, scale: float) -> tuple[Tensor, Array]:
        """The three-term recurrence: what symmetry tells of the projections, so that one pass over the basis is left. (w,
        coefficients)."""
        m = len(known)
        near = np.zeros(m + 1)
        places = [int(j) for j in np.flatnonzero(np.abs(known) > 1e-6 * scale)]
        if len(places) <= MOST_NEIGHBOURS:
            near[places] = known[places]
            near[m] = float(torch.dot(self.basis.row(m), w))  # `project_out` finds what rounding leaves
            for j in [*places, m]:
                w = torch.add(w, self.basis.row(j), alpha=-float(near[j]))
        return w, near

    def _drop(self) -> None:
        """Forget remainders that are zero but for rounding."""
        least = NEGLIGIBLE * self._epsilon * self.scale
        kept = [c for c, norm in enumerate(self.norms) if norm > least]
        self.remainders, self.norms = [self.remainders[c] for c in kept], [self.norms[c] for c in kept]
        self.shares = self.shares[kept]

    def ritz(self) -> tuple[Array, Array, Array]:
        """Ritz values (m,), ascending; their coefficients (m, m); per remainder and Ritz vector, its share of the residual (c,
        m)."""
        if self._pairs is None:
            self._pairs = np.linalg.eigh(self.matrix)
        values, vectors = self._pairs
        return values, vectors, self.shares @ vectors

    def residuals(self, shares: Array) -> Array:
        """2-norm of A y - theta y for the columns of shares (c, k) that `ritz` gave, rounding included."""
        if not self.remainders:
            return np.full(shares.shape[1], self.rounding)
        if self._gram is None:
            if len(self.remainders) == 1:
                self._gram = np.array([[self.norms[0] ** 2]])
            else:
                w = torch.stack(self.remainders)
                self._gram = (w @ w.T).double().cpu().numpy()
        squared = np.einsum("ck,cd,dk->k", shares, self._gram, shares)
        return np.asarray(np.sqrt(np.maximum(squared, 0.0)) + self.rounding)

    def compress(self, kept: NDArray[np.intp]) -> None:
        """Keep these Ritz vectors only: a thick restart."""
        values, vectors, shares = self.ritz()
        self.basis.rotate(vectors[:, kept])
        self.matrix = np.diag(values[kept])
        self.shares = shares[:, kept]
        self._pairs = None

    def measure(self) -> tuple[Array, Array]:
        """Nodes and weights (m,) of the spectral measure of the vector that the space began from (Golub and Welsch 1969), while
        no restart has thrown a part of it away."""
        values, vectors, _ = self.ritz()
        return values, vectors[0] ** 2

    def follow(self, chain: KrylovChain) -> None:
        """Be, without a product, what the space was one step further on a chain that it has followed so far. Of the remainder only
        the norm is known before the chain's end: `recover` it before the space goes another way."""
        m = len(self) + 1
        self.basis.append(chain.row(m - 1))
        self.matrix = chain.matrix[:m, :m].copy()
        self.products += 1
        self.trail.append(tuple(map(float, chain.trail[m - 1])))
        _, norm, self.scale, self.noise = self.trail[-1]
        left = chain.remainder if m == len(chain) else chain.rows[0].new_empty(0)
        self.remainders = [] if left is None else [left.to(device_of(self.op), self.op.dtype)]
        self.norms = [norm] * len(self.remainders)
        self.shares = np.eye(m)[m - 1 :][: len(self.remainders)]
        self._pairs = self._gram = None

    def recover(self) -> None:
        """The remainder of a space that follows a chain, by its last step's product, to the bit. It does not count as spent: a
        space that came here by itself has it."""
        m = len(self) - 1
        known = np.zeros(m)
        known[m - 1 :] = self.trail[m][0]
        product = multiply(self.op, self.basis.row(m)[None])[0]
        w, _ = self._subtract_neighbours(product, known, self.trail[m - 1][2] if m else 0.0)
        self.remainders = [self.basis.project_out(w)[0]]

    def as_chain(self, seed: int) -> KrylovChain:
        """The space as it stands, which has grown from one vector along one remainder only."""
        remainder = self.remainders[0] if self.remainders else None
        return KrylovChain(tuple(self.basis.rows()), self.matrix, remainder, np.array(self.trail), seed)
