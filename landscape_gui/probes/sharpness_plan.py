"""What an answer about sharpness is computed from, piece by piece: in which order, and what each piece takes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from landscape_gui.probes.curvature import PASSES

if TYPE_CHECKING:
    from landscape_gui.probes.sharpness import Sharpness

GRADIENT = 3.0
"""A gradient takes about so many forward passes."""
CLIMB = 11
"""Gradients of a worst case, about: a few starts, and the best one to its end."""
GROUP_CLIMB, GROUP_STEPS = 8, 5
"""Gradients of a group's own worst case, about, and steps of its ascents at most."""
KRYLOV = 6
"""Products for the quadratic model around the checkpoint."""
LEADING = 16
"""Products for the leading eigenpair, about."""
SEARCH = 60
"""Evaluations of the error until the bound's noise is found, about: a level that is too noisy shows after few draws."""
SMALLEST_GROUP = 16
HALF = 0.5
"""Decades to either side that curves over distances relative to the weights go: further out nothing is left of a network."""
FLOOR = 0.2
"""The share of a pass over all examples that a pass over very few takes: a network's layers cost time by themselves."""


@dataclass(frozen=True)
class Unit:
    """A piece of work whose outcome is kept as a whole. index: of its distance or size of groups; weight: forward passes that it
    takes, about; note: what it is."""

    kind: str
    index: int
    weight: float
    note: str


def plan_of(probe: Sharpness, examples: int) -> list[Unit]:
    """Every measure at its reference distance first; then the curves, first their ends; the bound last."""
    balls, scaled = coarse_first(probe.points), coarse_first(probe.scaled_points)
    sizes = group_sizes(examples) if probe.groups else []
    groups = [group_unit(probe, examples, k, size) for k, size in enumerate(sizes)]
    products = Unit("products", 0, probe.pairs * PASSES, "curvature along the same draws")
    units = [*ball_units(probe, balls[0], KRYLOV * PASSES), products, *scaled_units(probe, scaled[0], KRYLOV * PASSES), *groups[:1]]
    for i in balls[1:]:
        units += ball_units(probe, i)
    units += groups[1:]
    for i in scaled[1:]:
        units += scaled_units(probe, i)
    return [*units, *([Unit("bound", 0, SEARCH + probe.draws, "PAC-Bayes bound")] if probe.bound else [])]


def ball_units(probe: Sharpness, i: int, first: float = 0.0) -> list[Unit]:
    at = f"radius {probe.curve(probe.radius, probe.points)[i]:.3g}"
    averages = Unit("averages", i, probe.directions + 2 * probe.pairs, f"averages, {at}")
    return [Unit("worst_case", i, first + CLIMB * GRADIENT, f"worst case, {at}"), averages]


def scaled_units(probe: Sharpness, i: int, first: float = 0.0) -> list[Unit]:
    radius, epsilon = (probe.curve(x, probe.scaled_points, HALF)[i] for x in (probe.adaptive_radius, probe.epsilon))
    return [
        Unit("adaptive", i, first + CLIMB * GRADIENT, f"adaptive sharpness, radius {radius:.3g}"),
        Unit("box", i, CLIMB * GRADIENT, f"Keskar's box, epsilon {epsilon:.3g}"),
    ]


def group_unit(probe: Sharpness, examples: int, k: int, size: int) -> Unit:
    each = GROUP_CLIMB * GRADIENT * (FLOOR + (1 - FLOOR) * size / max(examples, 1))
    return Unit("groups", k, min(probe.groups, examples // size) * each, f"m-sharpness, m = {size}")


def coarse_first(points: int) -> list[int]:
    """The middle, the ends, then the middles of what lies between, and so on."""
    order = list(dict.fromkeys([points // 2, 0, points - 1]))
    while len(order) < points:
        known = sorted(order)
        order += [(a + b) // 2 for a, b in itertools.pairwise(known) if b - a > 1]
    return order


def group_sizes(examples: int) -> list[int]:
    """16, 64, 256, ... below half of the examples, and half of them."""
    sizes = [SMALLEST_GROUP * 4**k for k in range(12) if SMALLEST_GROUP * 4**k < examples / 2]
    return [*sizes, examples // 2] if examples >= 2 * SMALLEST_GROUP else sizes
