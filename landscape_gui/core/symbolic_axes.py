"""Axes as symbols: which places along which dimensions stand for the same units, found by unification.

A dimension is a tree: an `Atom` (units whose order may be free), a `Product` (a flattened feature map: channels x places) or a
`Concat` (features side by side). Operations say which dimensions must agree; atoms are then joined, split or held.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class Atom:
    """So many units that move together. meaning: what it was joined with or split into; reason: why it is held (empty: free)."""

    size: int
    reason: str = ""
    meaning: Node | None = None


@dataclass(frozen=True, eq=False)
class Product:
    """Row-major product of factors, the last one fastest."""

    parts: tuple[Node, ...]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", math.prod(part.size for part in self.parts))


@dataclass(frozen=True, eq=False)
class Concat:
    """Parts side by side."""

    parts: tuple[Node, ...]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(part.size for part in self.parts))


Node = Atom | Product | Concat
ONE = Product(())
SPLIT = "it is cut or reshaped in a way that mixes its units"


def resolve(node: Node) -> Node:
    """What a node stands for by now: products and concatenations flat, no factors of one, atoms that mean themselves."""
    if isinstance(node, Atom):
        if node.meaning is None:
            return ONE if node.size == 1 else node
        node.meaning = resolve(node.meaning)
        return node.meaning
    parts: list[Node] = []
    for part in map(resolve, node.parts):
        if isinstance(node, Product):
            parts += part.parts if isinstance(part, Product) else [part]
        elif part.size:
            parts += part.parts if isinstance(part, Concat) else [part]
    if len(parts) == 1:
        return parts[0]
    if isinstance(node, Product):
        return Product(tuple(parts)) if parts else ONE
    return Concat(tuple(parts)) if parts else Atom(0)


def atoms(node: Node) -> Iterator[Atom]:
    """The atoms of a tree, from left to right, one that occurs twice twice."""
    node = resolve(node)
    if isinstance(node, Atom):
        yield node
    else:
        for part in node.parts:
            yield from atoms(part)


def hold(node: Node, reason: str) -> None:
    """Let nothing in a tree be permuted; the first reason stays."""
    for atom in atoms(node):
        atom.reason = atom.reason or reason


def held(size: int, reason: str) -> Node:
    """A new dimension that cannot be permuted."""
    return ONE if size == 1 else Atom(size, reason)


def unify(a: Node, b: Node) -> None:
    """Let two dimensions of one size be permuted together; what cannot be matched is held."""
    a, b = resolve(a), resolve(b)
    if a is b:
        return
    if isinstance(a, Atom) or isinstance(b, Atom):
        _bind(*((a, b) if isinstance(a, Atom) else (b, a)))
    elif a.size != b.size:
        _hold_both(a, b)
    elif isinstance(a, Product) and isinstance(b, Product):
        _match_products(a, b)
    else:
        lengths = _common_lengths([_lengths(x) for x in (a, b) if isinstance(x, Concat)])
        for x, y in zip(cut(a, lengths), cut(b, lengths), strict=True):
            unify(x, y)


def _bind(atom: Node, other: Node) -> None:
    assert isinstance(atom, Atom)
    if atom.size != other.size or any(atom is inner for inner in atoms(other)):
        _hold_both(atom, other)
    elif isinstance(other, Atom):
        other.reason = other.reason or atom.reason
        atom.meaning = other
    elif atom.reason:
        hold(other, atom.reason)
    else:
        atom.meaning = other


def _hold_both(a: Node, b: Node) -> None:
    hold(a, SPLIT)
    hold(b, SPLIT)


def _match_products(a: Product, b: Product) -> None:
    last = min(a.parts[-1].size, b.parts[-1].size)
    for x, y in zip(factor(a, (a.size // last, last)), factor(b, (b.size // last, last)), strict=True):
        unify(x, y)


def _lengths(node: Concat) -> list[int]:
    return [part.size for part in node.parts]


def _common_lengths(lists: Sequence[Sequence[int]]) -> list[int]:
    edges = sorted({edge for lengths in lists for edge in itertools.accumulate(lengths)})
    return [stop - start for start, stop in itertools.pairwise([0, *edges])]


def cut(node: Node, lengths: Sequence[int]) -> list[Node]:
    """A dimension cut into stretches of these lengths; they sum to its size."""
    node = resolve(node)
    if len(lengths) == 1:
        return [node]
    if isinstance(node, Concat):
        return _cut_parts(node, lengths)
    if isinstance(node, Atom):
        pieces: list[Node] = [held(n, node.reason) if node.reason else Atom(n) for n in lengths]
        if not node.reason:
            node.meaning = Concat(tuple(pieces))
        return pieces
    inner = Product(node.parts[1:])
    if not node.parts or any(n % inner.size for n in lengths):
        hold(node, SPLIT)
        return [held(n, SPLIT) for n in lengths]
    return [resolve(Product((piece, inner))) for piece in cut(node.parts[0], [n // inner.size for n in lengths])]


def _cut_parts(node: Concat, lengths: Sequence[int]) -> list[Node]:
    pieces: list[Node] = []
    rest = list(node.parts)
    for length in lengths:
        taken: list[Node] = []
        while (missing := length - sum(part.size for part in taken)) > 0:
            part = rest.pop(0)
            if part.size > missing:
                part, after = cut(part, [missing, part.size - missing])
                rest.insert(0, after)
            taken.append(part)
        pieces.append(resolve(Concat(tuple(taken))))
    return pieces


def factor(node: Node, sizes: Sequence[int]) -> list[Node]:
    """A dimension as a product of dimensions of these sizes, as a reshape makes them."""
    node = resolve(node)
    parts: list[Node] = list(node.parts) if isinstance(node, Product) else [node]
    found: list[Node] = []
    for size in reversed(sizes):
        taken: list[Node] = []
        missing = size
        while missing > 1 and parts:
            part = parts.pop()
            if part.size > missing and part.size % missing == 0:
                before, part = _halves(part, missing)
                parts.append(before)
            if missing % part.size:
                hold(node, SPLIT)
                return [held(n, SPLIT) for n in sizes]
            missing //= part.size
            taken.append(part)
        found.append(resolve(Product(tuple(reversed(taken)))))
    return found[::-1]


def _halves(node: Node, inner: int) -> tuple[Node, Node]:
    """(outer, inner) of an atom or a concatenation."""
    node = resolve(node)
    outer = node.size // inner
    if isinstance(node, Atom):
        before, after = held(outer, node.reason), held(inner, node.reason)
        if not node.reason:
            node.meaning = Product((before, after))
        return before, after
    if any(part.size % inner for part in node.parts):
        hold(node, SPLIT)
        return held(outer, SPLIT), held(inner, SPLIT)
    pairs = [factor(part, (part.size // inner, inner)) for part in node.parts]
    for pair in pairs[1:]:
        unify(pairs[0][1], pair[1])
    return resolve(Concat(tuple(pair[0] for pair in pairs))), resolve(pairs[0][1])
