"""Measures of sharpness: how far the loss rises within a distance of the weights, at worst and on average, each by its own name.

Every measure is a generator that yields the fraction of its work after each evaluation of the loss, so that a caller may stop in
between; weights live in vectors of their own and the network is never touched. Directions depend on (seed, index) alone.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_gui.core.ascent import Ball, Box, Loss, worst_case
from landscape_gui.core.vector import norm

SPHERE, GAUSSIAN, BATCHES, BOUND = 1, 2, 3, 4
"""Streams of random numbers: each purpose draws from its own."""

GROUP_TOLERANCE = 1e-2
"""A group's ascent has converged where a step adds less than this share: groups differ from each other by far more."""

T = TypeVar("T")
Sample = Generator[float, None, "Mean"]


class Divisible(Loss, Protocol):
    """A loss that can be restricted to some of its examples."""

    def subset(self, start: Tensor, /) -> Loss: ...


@dataclass(frozen=True)
class Mean:
    """A mean over independent draws. samples: (k,) float64; standard_error: of the mean, NaN for fewer than two draws."""

    samples: NDArray[np.float64]

    @property
    def value(self) -> float:
        return float(self.samples.mean()) if self.samples.size else math.nan

    @property
    def standard_error(self) -> float:
        count = self.samples.size
        return float(self.samples.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan

    @property
    def maximum(self) -> float:
        return float(self.samples.max()) if self.samples.size else math.nan


@dataclass(frozen=True)
class GroupMean(Mean):
    """A mean over groups, each sample from an ascent. converged: (k,) bool, whether the group's ascent had."""

    converged: NDArray[np.bool_]


def random_vector(like: Tensor, seed: int, stream: int, index: int) -> Tensor:
    """Standard normal numbers of the shape, type and device of `like`; the same for every type and device, whatever came before."""
    state = int(np.random.SeedSequence([seed, stream, index]).generate_state(1, np.uint64)[0])
    generator = torch.Generator().manual_seed(state & (2**63 - 1))
    return torch.randn(like.numel(), generator=generator, dtype=torch.float32).to(like)


# ----------------------------------------------------------------------------------------------------------------- average case


def random_rises(objective: Loss, radius: float, *, directions: int = 10, seed: int = 0, at_centre: float | None = None) -> Sample:
    """L(w + radius u) - L(w) for random unit vectors u, one loss each.

    Their mean is the directional sharpness (the mean rise over small random steps), with its standard error; their `maximum` is the
    usual shortcut for the worst case, which it misses by a factor of hundreds to thousands in a high dimension.
    """
    origin = objective.origin
    base = objective.loss() if at_centre is None else at_centre
    rises = np.empty(directions)
    for i in range(directions):
        direction = random_vector(origin, seed, SPHERE, i)
        rises[i] = objective.loss(torch.add(origin, direction, alpha=radius / norm(direction))) - base
        yield (i + 1) / directions
    return Mean(rises)


def gaussian_average(objective: Loss, sigma: float, *, pairs: int = 10, seed: int = 0, at_centre: float | None = None) -> Sample:
    """The mean of L(w + sigma z) - L(w) over standard normal z, from antithetic pairs z and -z: two losses a pair.

    The pairs cancel the slope, so that on a quadratic each is sigma^2 <z, H z>/2 with mean sigma^2 tr H/2; it is the expected
    sharpness of Neyshabur et al. 2017. samples: (pairs,), the mean of each pair.
    """
    origin = objective.origin
    base = objective.loss() if at_centre is None else at_centre
    rises = np.empty(pairs)
    for i in range(pairs):
        noise = random_vector(origin, seed, GAUSSIAN, i)
        up = objective.loss(torch.add(origin, noise, alpha=sigma))
        yield (i + 0.5) / pairs
        down = objective.loss(torch.add(origin, noise, alpha=-sigma))
        rises[i] = (up - base) / 2 + (down - base) / 2
        yield (i + 1) / pairs
    return Mean(rises)


class Curvature(Protocol):
    """A symmetric operator on weights (`core.operators.Hessian` is one)."""

    def apply(self, block: Tensor) -> Tensor: ...


def curvature_samples(
    operator: Curvature,
    like: Tensor,
    *,
    pairs: int = 10,
    seed: int = 0,
    values: NDArray[np.float64] | None = None,
    vectors: Tensor | None = None,
) -> Generator[float, None, tuple[Mean, Mean]]:
    """<z, H z> for the very directions of `gaussian_average`, one product each: Hutchinson's estimate of the trace (1989).

    values (k,), vectors (k, n): eigenpairs; the second answer is <z, H z> without their part, so that their sum and its mean make
    the trace with a smaller error. Without them it is the first again.
    """
    whole, rest = np.empty(pairs), np.empty(pairs)
    for i in range(pairs):
        noise = random_vector(like, seed, GAUSSIAN, i)
        whole[i] = float(torch.dot(noise.double(), operator.apply(noise[None])[0].double()))
        known = 0.0
        if values is not None and vectors is not None and len(values):
            known = float(values @ (vectors @ noise).double().square().cpu().numpy())
        rest[i] = whole[i] - known
        yield (i + 1) / pairs
    return Mean(whole), Mean(rest)


@dataclass(frozen=True)
class Ratio:
    """A ratio of two means over the same draws, with its standard error by the delta method."""

    value: float
    standard_error: float


def finite_curvature(rises: Mean, sigma: float, products: Mean) -> Ratio:
    """The curvature at the finite radius sigma over the one that differentiation sees, from paired draws.

    2 rise/sigma^2 is the mean curvature of the loss at that distance. It is 1 where the loss is quadratic, and 1.5 to 2 on networks
    of ReLUs even at small radii: their kinks bend the loss and have no second derivative.
    """
    far, near = 2 * rises.samples / sigma**2, products.samples
    bottom = float(near.mean())
    if not bottom or far.size != near.size:
        return Ratio(math.nan, math.nan)
    ratio = float(far.mean()) / bottom
    return Ratio(ratio, Mean(far - ratio * near).standard_error / abs(bottom))


# ------------------------------------------------------------------------------------------------------------------- worst case


def keskar_box(weights: Tensor, epsilon: float) -> Box:
    """|d_i| <= epsilon (|w_i| + 1): the box of Keskar et al. 2017 in the full space (their A is the identity)."""
    return Box(epsilon * (weights.abs() + 1))


def keskar_sharpness(rise: float, at_centre: float) -> float:
    """100 (max L - L)/(1 + L), the normalisation of Keskar et al. 2017, metric 2.1."""
    return 100 * rise / (1 + at_centre)


def adaptive_ball(weights: Tensor, radius: float) -> Ball:
    """||d/|w|||_2 <= radius: the neighbourhood of adaptive sharpness (Kwon et al. 2021) with the exact |w|.

    Nothing is added to |w|, so that rescaling one layer by a and the next by 1/a changes nothing; a weight of zero does not move.
    """
    return Ball(radius, weights.abs())


def m_sharpness(
    objective: Divisible,
    radius: float,
    size: int,
    *,
    batches: int = 16,
    seed: int = 0,
    steps: int = 5,
    start: Tensor | None = None,
) -> Generator[float, None, GroupMean]:
    """The mean over batches of `size` examples of each batch's own worst case in the ball, by ascent from the centre and `start`.

    Foret et al. 2021; it grows as batches shrink, so print the size. Batches are cut from one random order of the
    examples without overlap, at most `batches` of them. start: a displacement (n,), the worst one of all data say: over all batches
    the mean is then never less than its rise. Each batch's value is a lower bound. Cost: about eight gradients of a batch each.
    Raises ValueError for a size out of range.
    """
    if not 1 <= size <= objective.examples:
        raise ValueError(f"a batch of {size} cannot be cut from {objective.examples} examples")
    order = batch_order(objective.examples, seed)
    count = min(batches, objective.examples // size)
    rises, converged = np.empty(count), np.empty(count, dtype=bool)
    starts = {} if start is None else {"start": start}
    for i in range(count):
        part = objective.subset(order[i * size : (i + 1) * size])
        climb = worst_case(part, Ball(radius), starts, steps=steps, tolerance=GROUP_TOLERANCE)
        found = yield from scaled(climb, i / count, 1 / count)
        rises[i], converged[i] = found.rise, found.converged
    return GroupMean(rises, converged)


def batch_order(examples: int, seed: int) -> Tensor:
    """The order of examples that batches are cut from: a permutation (examples,) of int64."""
    state = int(np.random.SeedSequence([seed, BATCHES]).generate_state(1, np.uint64)[0])
    return torch.randperm(examples, generator=torch.Generator().manual_seed(state & (2**63 - 1)))


def scaled(steps: Generator[float, None, T], first: float, width: float) -> Generator[float, None, T]:
    """The same work as a stretch of a longer one: its fractions run from `first` to `first + width`."""
    while True:
        try:
            fraction = next(steps)
        except StopIteration as stop:
            return cast(T, stop.value)
        yield first + width * fraction


def heuristic(rise: float, examples: int) -> float:
    """sqrt(rise/N), the simple stand-in for a bound on the generalisation gap. It is a heuristic: no theorem has this form."""
    return math.sqrt(max(rise, 0.0) / examples) if examples else math.nan
