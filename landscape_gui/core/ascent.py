"""The largest loss in a neighbourhood of the weights, sought by Frank-Wolfe ascent from several starts: a lower bound.

A neighbourhood is a ball (Euclidean, or an ellipsoid where every weight has its own scale) or a box. A step goes to the point of
the neighbourhood that the gradient points to, `d <- argmax <grad L(w + d), d'>`; where the loss does not rise there, the way is
halved. On a quadratic with a ball this is the power method, and the starts below contain the maximiser.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.vector import norm

HALVINGS = 6
"""How often a step that does not raise the loss is halved before the ascent ends."""

ROUGH = 1e-2
"""The finalists are climbed until a step adds less than this share; only the best one further."""

FINALISTS = 2
"""How many of the starts go on after one step: the order may still change then, and seldom does later."""

SAME = 0.9
"""Starts whose cosine is above this are one."""


class Loss(Protocol):
    """What is maximised: the mean loss as a function of the weights (`core.objective.Objective` is one)."""

    @property
    def size(self) -> int: ...

    @property
    def examples(self) -> int: ...

    @property
    def origin(self) -> Tensor: ...

    def loss(self, at: Tensor | None = None) -> float: ...

    def loss_and_gradient(self, at: Tensor | None = None) -> tuple[float, Tensor]: ...


class Region(Protocol):
    """A neighbourhood of displacements around zero."""

    def vertex(self, gradient: Tensor) -> Tensor:
        """The displacement in it with the largest inner product with `gradient`; zero where that is zero."""
        ...

    def retract(self, displacement: Tensor) -> Tensor:
        """The displacement brought back to where a step is to end."""
        ...


@dataclass(frozen=True)
class Ball:
    """Displacements scale * e with ||e||_2 <= radius. scale: (n,) not negative, None for ones (the Euclidean ball)."""

    radius: float
    scale: Tensor | None = None

    def vertex(self, gradient: Tensor) -> Tensor:
        inner = gradient if self.scale is None else gradient * self.scale
        return self.outward(inner)

    def retract(self, displacement: Tensor) -> Tensor:
        """On the boundary, in the same direction."""
        if self.scale is None:
            return self.outward(displacement)
        return self.outward(torch.where(self.scale > 0, displacement / self.scale, 0.0))

    def outward(self, inner: Tensor) -> Tensor:
        """The boundary's displacement along `inner`, which is in units of the scale."""
        length = norm(inner)
        if not length:
            return torch.zeros_like(inner)
        on_sphere = inner * (self.radius / length)
        return on_sphere if self.scale is None else on_sphere * self.scale


@dataclass(frozen=True)
class Box:
    """Displacements d with |d_i| <= half_i. half: (n,) not negative."""

    half: Tensor

    def vertex(self, gradient: Tensor) -> Tensor:
        return self.half * gradient.sign()

    def retract(self, displacement: Tensor) -> Tensor:
        return displacement.clamp(-self.half, self.half)

    def outward(self, inner: Tensor) -> Tensor:
        return self.vertex(inner)


@dataclass(frozen=True)
class WorstCase:
    """The largest rise of the loss that was found in a neighbourhood: never more than the true one.

    rise: L(w + displacement) - L(w), inf where the loss overflowed; displacement: (n,); start: where the ascent that found it
    began; starts: rise by start, as far as each was climbed; steps: of the best ascent; converged: whether its last step added less
    than the tolerance, or none raised the loss, rather than that its steps ran out; evaluations: losses with their gradients, one
    forward and backward pass each.
    """

    rise: float
    displacement: Tensor
    start: str
    starts: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    converged: bool = True
    evaluations: int = 0


Ascent = Generator[float, None, WorstCase]
"""Yields the fraction of the work done after each evaluation; returns the WorstCase."""


def worst_case(
    objective: Loss,
    region: Region,
    starts: Mapping[str, Tensor] | None = None,
    *,
    at_centre: float | None = None,
    slope: Tensor | None = None,
    steps: int = 20,
    tolerance: float = 1e-4,
    from_centre: bool = True,
) -> Ascent:
    """The best of ascents from the centre and from `starts`, displacements of the region (n,) by name (from_centre False: from them
    alone).

    The ball is that of Foret et al. 2021, the box that of Keskar et al. 2017. Each start takes one step, the two highest then go on
    until a step adds less than a hundredth, the better one of them to the end; starts that point the same way count once.
    steps: of an ascent at most; tolerance: it has converged where a step adds less than this share of the rise. at_centre, slope:
    the loss and its gradient (n,) at the weights where they are known. Cost: usually 8 to 16 forward and backward passes. On a
    quadratic the value is exact when a start is (`trust_region_point`, or the leading eigenvector at a minimum).
    """
    if at_centre is None or slope is None:
        at_centre, slope = objective.loss_and_gradient()
        yield 0.0
    places = distinct(starts or {})
    climbs = {name: Climb(objective, region, at_centre, slope) for name in (*["centre"] * (from_centre or not places), *places)}
    expected, done = 2 * len(climbs) + 6, 0

    def told(work: Generator[None, None, None]) -> Generator[float, None, None]:
        nonlocal done
        for _ in work:
            done += 1
            yield min(1.0, done / expected)

    for name, climb in climbs.items():
        if name in places:
            yield from told(climb.move(places[name]))
        yield from told(climb.step())
    for name in highest(climbs)[:FINALISTS]:
        yield from told(climbs[name].climb(steps, max(tolerance, ROUGH)))
    name = highest(climbs)[0]
    best = climbs[name]
    yield from told(best.climb(steps, tolerance))
    found = {key: climb.rise for key, climb in climbs.items()}
    passes = sum(climb.evaluations for climb in climbs.values())
    if not best.rise > 0:
        best.rise, best.displacement = 0.0, torch.zeros_like(objective.origin)
    return WorstCase(best.rise, best.displacement, name, found, best.steps, best.converged, passes)


def distinct(starts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The starts without those that point where an earlier one does."""
    found: dict[str, Tensor] = {}
    for name, start in starts.items():
        length = norm(start)
        if not any(float(start @ other) > SAME * length * norm(other) for other in found.values()):
            found[name] = start
    return found


def highest(climbs: Mapping[str, Climb]) -> list[str]:
    return sorted(climbs, key=lambda name: -climbs[name].rise)


class Climb:
    """One ascent, a step at a time; begins at the centre. rise: over the loss there; -inf where the loss is not a number."""

    def __init__(self, objective: Loss, region: Region, base: float, slope: Tensor) -> None:
        self.objective, self.region, self.base = objective, region, base
        self.displacement, self.gradient, self.rise = torch.zeros_like(slope), slope, 0.0
        self.evaluations, self.steps = 0, 0
        self.gained, self.stuck, self.converged = math.inf, False, False

    def climb(self, steps: int, tolerance: float) -> Generator[None, None, None]:
        """Up to so many steps in all, until one adds less than this share of the rise."""
        while self.steps < steps and self.gained > tolerance * abs(self.rise) and not self.stuck:
            yield from self.step()
        self.converged = self.stuck or not self.gained > tolerance * abs(self.rise)

    def move(self, displacement: Tensor) -> Generator[None, None, None]:
        """To a displacement of the region."""
        value, self.gradient = self._look(displacement)
        self.displacement, rise = displacement, value - self.base
        self.rise = rise if rise == rise else -math.inf
        yield

    def step(self) -> Generator[None, None, None]:
        """To where the gradient points; half way, and so on, where the loss does not rise there."""
        target = self.region.vertex(self.gradient)
        if not math.isfinite(self.rise) or not torch.isfinite(target).all():
            self.stuck = True
            return
        self.steps += 1
        for halving in range(HALVINGS):
            candidate = target if not halving else torch.lerp(self.displacement, target, 0.5**halving)
            if halving and bool(self.displacement.any()):  # from the centre a shorter step stays inside
                candidate = self.region.retract(candidate)
            value, slope = self._look(candidate)
            yield
            if value - self.base > self.rise:
                self.gained = value - self.base - self.rise
                self.displacement, self.rise, self.gradient = candidate, value - self.base, slope
                return
        self.stuck = True

    def _look(self, displacement: Tensor) -> tuple[float, Tensor]:
        self.evaluations += 1
        return self.objective.loss_and_gradient(self.objective.origin + displacement)


# ------------------------------------------------------------------------------------------------ the quadratic model's maximiser


@dataclass(frozen=True)
class Krylov:
    """An orthonormal basis (m, n) of the Krylov space of the curvature and the gradient, with the curvature in it, T (m, m).

    length: the gradient's norm; the gradient itself is `length` times the first row of the basis. All in units of the scale.
    """

    basis: Tensor
    projected: NDArray[np.float64]
    length: float


def krylov(apply: Callable[[Tensor], Tensor], gradient: Tensor, steps: int = 12) -> Generator[float, None, Krylov | None]:
    """Lanczos with full reorthogonalisation from the gradient; yields after each of at most `steps` products with the curvature.

    apply: (n,) -> (n,), symmetric. None where the gradient is zero, or not finite: then the model has no direction of its own.
    """
    length = norm(gradient)
    if not length or not math.isfinite(length):
        return None
    steps = min(steps, gradient.numel())
    basis = gradient.new_empty(steps, gradient.numel())
    projected = np.zeros((steps, steps))
    vector, size = gradient / length, 0.0
    for j in range(steps):
        basis[j] = vector
        image = apply(vector)
        yield (j + 1) / steps
        known = basis[: j + 1]
        coefficients = known @ image
        image = image - known.T @ coefficients
        image = image - known.T @ (known @ image)
        projected[j, j] = float(coefficients[j])
        rest = norm(image)
        size = max(size, abs(projected[j, j]) + rest)
        if j + 1 == steps or rest <= 10 * torch.finfo(image.dtype).eps * size:
            return Krylov(basis[: j + 1], projected[: j + 1, : j + 1], length)
        projected[j, j + 1] = projected[j + 1, j] = rest
        vector = image / rest
    raise AssertionError("unreachable")


def trust_region_point(space: Krylov, radius: float) -> Tensor:
    """The maximiser of <g, d> + <d, A d>/2 over ||d|| <= radius within the Krylov space, (n,), in units of the scale.

    The secular equation ||(mu - T)^-1 g|| = radius is solved by bisection for mu above T's largest eigenvalue (Nocedal and Wright
    2006, section 4.3); where A curves down everywhere and the model's maximum lies inside, that is the answer.
    """
    values, vectors = np.linalg.eigh(space.projected)
    slope = vectors[0] * space.length

    def length(mu: float) -> float:
        return float(np.linalg.norm(slope / (mu - values)))

    top = float(values[-1])
    low, high = max(top, 0.0), max(top, 0.0) + space.length / radius
    if top < 0 and length(0.0) <= radius:
        low = high = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if length(middle) > radius else (low, middle)
    inner = vectors @ (slope / np.maximum(high - values, np.finfo(float).tiny))
    return torch.from_numpy(inner).to(space.basis) @ space.basis


def widened(space: Krylov, vector: Tensor, value: float) -> Krylov:
    """The Krylov space and an eigenvector (n,) of the curvature, with its eigenvalue: no product is needed for it.

    With Q the basis, T = Q'AQ and c = Q'v, the rest u = v - Qc has Q'Au = value c - T c and u'Au = value u'v - c'Q'Au.
    """
    within = (space.basis @ vector).double().cpu().numpy()
    rest = vector - space.basis.T @ (space.basis @ vector)
    rest = rest - space.basis.T @ (space.basis @ rest)
    length = norm(rest)
    if length < np.sqrt(torch.finfo(vector.dtype).eps):
        return space
    across = (value * within - space.projected @ within) / length
    own = (value * float(rest @ vector) / length - float(within @ across)) / length
    projected = np.block([[space.projected, across[:, None]], [across[None], np.array([[own]])]])
    return Krylov(torch.cat([space.basis, rest[None] / length]), projected, space.length)


def leading_direction(space: Krylov) -> Tensor:
    """The leading Ritz vector of the space, (n,), in units of the scale: the leading eigenvector unless the gradient misses it."""
    vectors = np.linalg.eigh(space.projected)[1]
    return torch.from_numpy(vectors[:, -1]).to(space.basis) @ space.basis


def starts_within(
    region: Ball | Box, space: Krylov | None, leading: Tensor | None, eigenvalue: float | None = None
) -> dict[str, Tensor]:
    """Where to climb from: the quadratic model's maximiser and plus and minus the leading eigenvector.

    leading: (n,) in units of the ball's scale; eigenvalue: its own where it is known, then the model's maximiser is sought in the
    Krylov space and along it. A box has no trust-region point: its start is the corner that the leading eigenvector points to.
    """
    found: dict[str, Tensor] = {}
    if space is not None and isinstance(region, Ball):
        if leading is not None and eigenvalue is not None:
            space = widened(space, leading, eigenvalue)
        inner = trust_region_point(space, region.radius)
        found["Krylov point"] = inner if region.scale is None else inner * region.scale
    if leading is not None:
        found["+ leading eigenvector"] = region.outward(leading)
        found["- leading eigenvector"] = -region.outward(leading)
    return found


class Metric:
    """S A S for the diagonal scale S: the curvature in the coordinates in which a scaled ball is a plain one. None: A itself."""

    def __init__(self, operator: Any, scale: Tensor | None) -> None:
        self.operator, self.scale = operator, scale
        self.size, self.dtype, self.device = operator.size, operator.dtype, operator.device
        self.products = 0

    def apply(self, block: Tensor) -> Tensor:
        self.products += len(block)
        if self.scale is None:
            return cast(Tensor, self.operator.apply(block))
        return cast(Tensor, self.operator.apply(block * self.scale)) * self.scale
