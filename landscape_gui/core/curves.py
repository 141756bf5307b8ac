"""Paths through weight space by control points: straight lines, Bezier curves and polygonal chains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.vector import gram
from landscape_gui.errors import ProblemError

Array = NDArray[Any]
Kind = Literal["line", "bezier", "chain"]

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(64)
"""Gauss and Legendre's rule for the length of a Bezier curve: of degree two it is right to rounding but near a cusp."""


@dataclass(frozen=True)
class Stretch:
    """Part of a path as an Evaluator takes it: weights at origin + coordinates @ axes. chosen: which of the t asked for."""

    origin: Tensor
    axes: tuple[Tensor, ...]
    coordinates: Array
    chosen: Array


@dataclass(frozen=True, eq=False)
class Curve:
    """A path theta(t) = sum_j c_j(t) P_j from its first control point at t = 0 to its last at t = 1, both met exactly.

    kind: "line" (two points), "bezier" (of degree m - 1; c_j are Bernstein's polynomials) or "chain" (straight from each point to
    the next; c_j are hats). points: (m, size), ends included; places: (m,) the t of each point of a chain, () for even ones.
    Beyond the ends a Bezier curve goes on as a polynomial, a chain straight on. Everything here is read-only.
    """

    kind: Kind
    points: Tensor
    places: Sequence[float] = ()

    def __post_init__(self) -> None:
        if self.points.dim() != 2 or len(self.points) < 2 or (self.kind == "line" and len(self.points) != 2):
            raise ProblemError(f"A {self.kind} cannot have control points of shape {tuple(self.points.shape)}.")
        wrong = len(self.places) not in (0, len(self.points)) or (np.diff(self.places) <= 0).any()
        if wrong or (len(self.places) and (self.places[0], self.places[-1]) != (0.0, 1.0)):
            raise ProblemError("The places of a chain's points must ascend from 0 to 1, one for each point.")

    @property
    def knots(self) -> Array:
        """(m,) where the control points stand."""
        return np.asarray(self.places, float) if len(self.places) else np.linspace(0, 1, len(self.points))

    def weights(self, t: Any) -> Array:
        """(k, m) what each control point counts at t (k,); each row sums to 1."""
        at = np.atleast_1d(np.asarray(t, float))
        if self.kind != "chain":
            return bernstein(len(self.points) - 1, at)
        return self._hats(at)[0]

    def slopes(self, t: Any) -> Array:
        """(k, m) derivatives of `weights` with respect to t; at a chain's corner those of the segment that follows."""
        at = np.atleast_1d(np.asarray(t, float))
        if self.kind == "chain":
            return self._hats(at)[1]
        degree = len(self.points) - 1
        lower = bernstein(degree - 1, at)
        zero = np.zeros((len(at), 1))
        found: Array = degree * (np.hstack([zero, lower]) - np.hstack([lower, zero]))
        return found

    def _hats(self, at: Array) -> tuple[Array, Array]:
        knots, row = self.knots, np.arange(len(at))
        left = self.segments(at)
        width = knots[left + 1] - knots[left]
        share = (at - knots[left]) / width
        weights, slopes = np.zeros((2, len(at), len(knots)))
        weights[row, left], weights[row, left + 1] = 1 - share, share
        slopes[row, left], slopes[row, left + 1] = -1 / width, 1 / width
        return weights, slopes

    def segments(self, t: Any) -> Array:
        """(k,) the number of the chain's segment that each t is on; beyond an end, the outermost one."""
        found = np.searchsorted(self.knots, np.atleast_1d(np.asarray(t, float)), side="right") - 1
        return np.clip(found, 0, len(self.points) - 2)

    def at(self, t: float) -> Tensor:
        """(size,) the weights at t, in the points' dtype."""
        return combine(self.points, self.weights(t)[0])

    def stretches(self, t: Any) -> list[Stretch]:
        """The places t (k,) as Evaluators take them, for the cost of a surface's points: a line and a Bezier curve in one, a chain
        segment by segment."""
        at = np.atleast_1d(np.asarray(t, float))
        if self.kind != "chain":
            axes = tuple(point - self.points[0] for point in self.points[1:])
            return [Stretch(self.points[0], axes, self.weights(at)[:, 1:], np.arange(len(at)))]
        on, found = self.segments(at), []
        for left in np.unique(on):
            (chosen,) = np.nonzero(on == left)
            share = self.weights(at[chosen])[:, [left + 1]]
            found.append(Stretch(self.points[left], (self.points[left + 1] - self.points[left],), share, chosen))
        return found

    @cached_property
    def gram(self) -> Array:
        """(m - 1, m - 1) inner products of the steps from each control point to the next, in float64."""
        return gram([b - a for a, b in zip(self.points[:-1], self.points[1:], strict=True)]).numpy()

    def speed(self, t: Any) -> Array:
        """(k,) the 2-norm of d theta / dt over the whole vector."""
        steps = -np.cumsum(self.slopes(t), axis=1)[:, :-1]  # of sum_j s_j P_j over the steps, as the s_j sum to 0
        squared: Array = np.einsum("ki,ij,kj->k", steps, self.gram, steps)
        found: Array = np.sqrt(squared.clip(min=0))
        return found

    def lengths(self, t: Any) -> Array:
        """(k,) length of the path from t = 0 up to t, negative before it: exact for lines and chains."""
        at = np.atleast_1d(np.asarray(t, float))
        if self.kind == "chain":
            sides = np.sqrt(np.maximum(np.diagonal(self.gram), 0))
            before = np.concatenate([[0.0], np.cumsum(sides)])
            on = self.segments(at)
            found: Array = before[on] + sides[on] * self.weights(at)[np.arange(len(at)), on + 1]
            return found
        places = at[:, None] * (NODES[None, :] + 1) / 2
        speed = self.speed(places.ravel()).reshape(places.shape)
        integral: Array = (speed * NODE_WEIGHTS).sum(1) * at / 2
        return integral

    @property
    def length(self) -> float:
        """From t = 0 to t = 1."""
        return float(self.lengths(1.0)[0])


def bernstein(degree: int, t: Array) -> Array:
    """(k, degree + 1) Bernstein's polynomials at t (k,)."""
    return np.stack([comb(degree, j) * t**j * (1 - t) ** (degree - j) for j in range(degree + 1)], axis=1)


def combine(points: Tensor, weights: Any, out: Tensor | None = None) -> Tensor:
    """sum_j weights[j] points[j], (size,); a point of weight 0 takes no part, so that a weight of 1 gives that very point."""
    found = torch.empty_like(points[0]) if out is None else out
    chosen = [(j, float(w)) for j, w in enumerate(weights) if w]
    if not chosen:
        return found.zero_()
    (first, weight), *rest = chosen
    torch.mul(points[first], weight, out=found)
    for j, w in rest:
        found.add_(points[j], alpha=w)
    return found


def on_the_chord(a: Tensor, b: Tensor, bends: int) -> Tensor:
    """(bends + 2, size): the ends and so many points evenly between them, on the straight line."""
    shares = np.linspace(0, 1, bends + 2)
    return torch.stack([combine(torch.stack([a, b]), (1 - s, s)) for s in shares])
