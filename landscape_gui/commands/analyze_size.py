"""How large an analysis is: what the network's passes take, measured, and the most that fits into the minutes allowed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from landscape_gui.errors import LandscapeError

if TYPE_CHECKING:
    from landscape_gui.probes.report import Report
    from landscape_gui.probes.sampling import SampledProbe
    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Level:
    """How finely each question is asked. steps: points a side of the surface; top: eigenvalues; vectors, lanczos: of the density;
    trace: products; radii: of sharpness's curve; effort: as of Report; moments: checkpoints of a run that are measured; products,
    pairs: of each, at most; updates: steps of a copy where there is no run."""

    steps: int
    top: int
    vectors: int
    lanczos: int
    trace: int
    radii: int
    bound: bool
    effort: str | None
    moments: int
    products: int
    pairs: int
    updates: int


LEVELS = (
    Level(steps=31, top=10, vectors=2, lanczos=30, trace=40, radii=5, bound=True, effort=None, moments=12, products=100, pairs=16,
          updates=100),
    Level(steps=25, top=8, vectors=1, lanczos=30, trace=30, radii=3, bound=True, effort="less", moments=8, products=40, pairs=8,
          updates=100),
    Level(steps=17, top=4, vectors=1, lanczos=20, trace=16, radii=3, bound=True, effort="less", moments=6, products=20, pairs=4,
          updates=50),
    Level(steps=11, top=2, vectors=1, lanczos=12, trace=8, radii=1, bound=False, effort="least", moments=4, products=10, pairs=2,
          updates=20),
)  # fmt: skip
"""As usual, and three that do with less: the largest that fits is taken."""
LIMITS = ((0, 10_000, 5_000, 2_000, 1_000), (2_000, 1_000, 512), (1_000, 512, 256), (512, 256, 128, 64, 32))
"""Sizes of the random subset that each level may take, all examples first: more examples come before finer pictures, for on few
examples curvature is too large, whereas a coarse picture is merely coarse."""
EXAMPLES = (0, 20_000, 10_000, 5_000, 2_000, 1_024, 512, 256, 128)
"""Sizes of the subset that is known at all, where a pass over everything would take too long."""
FACTS, TRAINING = 0.1, 0.2
"""Shares of the time that losses over everything, and training, may take."""
FEW, MANY = 16, 256
"""Examples that passes are timed on; the larger number where that is quick."""
QUICK = 0.03
"""Seconds of a pass over FEW examples up to which that over MANY is timed too."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Level and subset that an analysis is asked at; examples: of each split that is known at all, 0: all; steps, top: as the level
    has them or as was asked."""

    level: int = 0
    limit: int = 0
    examples: int = 0
    steps: int = LEVELS[0].steps
    top: int = LEVELS[0].top
    seed: int = 0

    @property
    def how(self) -> Level:
        return replace(LEVELS[self.level], steps=self.steps, top=self.top)

    @property
    def path(self) -> int:
        """Points a side of the surface beneath a run, odd."""
        return max(9, self.steps * 2 // 3 // 2 * 2 + 1)

    def kept(self) -> dict[str, Any]:
        """JSON-able; `Size(**kept)` is the same."""
        return asdict(self)


@dataclass(frozen=True)
class Affine:
    """Seconds of a pass over n examples."""

    fixed: float
    each: float

    def __call__(self, examples: float) -> float:
        return self.fixed + self.each * examples


@dataclass(frozen=True)
class Pace:
    """Wall-clock seconds of a forward pass, a gradient and a product with the Hessian over n examples, as measured."""

    loss: Affine
    gradient: Affine
    product: Affine


def pace_of(problem: Problem) -> Pace | None:
    """Measured on up to MANY examples of the first split, each twice; None where the loss cannot be differentiated."""
    import torch

    from landscape_gui.core.operators import Hessian

    def times(count: int) -> list[float]:
        objective = problem.objective(limit=count)
        hessian = Hessian(objective)
        vector = torch.ones(1, objective.size, dtype=objective.dtype, device=objective.device)
        return [seconds(objective.loss), seconds(objective.gradient), seconds(lambda: hessian.apply(vector))]

    examples = next(iter(problem.splits.values())) or MANY
    try:
        few = times(min(FEW, examples))
        many = times(MANY) if max(few) < QUICK and examples >= MANY else None
    except (LandscapeError, RuntimeError):
        return None
    if many is None:
        return Pace(*(Affine(0.0, t / min(FEW, examples)) for t in few))
    found = []
    for small, large in zip(few, many, strict=True):
        each = max(large - small, 0.1 * large) / (MANY - FEW)
        found.append(Affine(max(small - FEW * each, 0.0), each))
    return Pace(*found)


def seconds(work: Callable[[], Any]) -> float:
    """The shorter of two times: the first one also sets things up. One that takes long is timed once."""
    best = math.inf
    for _ in range(2):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
        if best > 5:
            break
    return best


def point_pace(question: SampledProbe, problem: Problem) -> Affine:
    """Seconds that a point of a surface takes with a subset of n examples of each split."""
    from landscape_gui.probes.sampling import seconds_per_point

    examples = max(problem.splits.values()) or MANY
    few, many = min(FEW, examples), min(4 * MANY, examples)
    small = seconds_per_point(replace(question, limit=few), problem)
    if not small < QUICK or many < 4 * few:
        return Affine(0.0, small / few)
    large = seconds_per_point(replace(question, limit=many), problem)
    each = max(large - small, 0.1 * large) / (many - few)
    return Affine(max(small - few * each, 0.0), each)


def about(seconds: float) -> str:
    """ "about 3 min" """
    from landscape_gui.commands.compute import minutes

    if not math.isfinite(seconds):
        return "time not known"
    if not seconds:
        return "known already"
    return f"about {minutes(seconds)}" if seconds >= 1 else "less than a second"


def report_seconds(report: Report, problem: Problem, pace: Pace, examples: int) -> float:
    """What the numbers of curvature and sharpness take over so many examples."""
    from landscape_gui.probes.curvature import PASSES
    from landscape_gui.probes.eigenvalues import Eigenvalues
    from landscape_gui.probes.sharpness import Sharpness
    from landscape_gui.probes.sharpness_plan import GRADIENT, KRYLOV, LEADING, plan_of
    from landscape_gui.probes.spectrum import Spectrum

    total = 0.0
    for _, part in report.parts(problem):
        if isinstance(part, Spectrum):
            total += part.products * pace.product(examples)
        elif isinstance(part, Eigenvalues):
            total += part.expected * pace.product(min(part.limit or examples, examples))
        elif isinstance(part, Sharpness):
            products = LEADING + 2 * KRYLOV + part.pairs
            passes = sum(unit.weight for unit in plan_of(part, examples)) - PASSES * (2 * KRYLOV + part.pairs)
            total += products * pace.product(examples) + passes * max(pace.loss(examples), pace.gradient(examples) / GRADIENT)
    return total


def moment_seconds(how: Level, pace: Pace, examples: int) -> float:
    """What the numbers of one checkpoint of a run take."""
    from landscape_gui.probes.dynamics_moment import ASCENT, CHECK, KRYLOV, PRODUCTS

    products = min(PRODUCTS + CHECK, how.products) + KRYLOV
    return products * pace.product(examples) + ASCENT * pace.gradient(examples) + (2 * how.pairs + 2) * pace.loss(examples)


def examples_for(pace: Pace, splits: int, allowed: float, most: int, epochs: int = 0) -> int:
    """How many examples of each split may be known so that two passes over all splits, and so many epochs of training on the first
    with a pass over all after each, take no longer; 0: all `most` of them."""

    def takes(count: int) -> float:
        passes = 2 + (epochs + 1 if epochs else 0)
        return passes * splits * pace.loss(count) + epochs * pace.gradient(count)

    fitting = (count for count in EXAMPLES if takes(min(count or most, most)) <= allowed)
    found = next(fitting, EXAMPLES[-1])
    return found if found < most else 0


def rungs(size: Size, examples: int, *, steps: int | None, top: int | None) -> Iterator[Size]:
    """Sizes from the largest to the least; steps, top: fixed where they were asked for."""
    for level, (how, limits) in enumerate(zip(LEVELS, LIMITS, strict=True)):
        fewer = [limit for limit in limits if limit and (limit < examples or not examples)]
        for limit in [0, *fewer] if level == 0 or 0 < examples <= limits[0] else fewer:
            yield replace(size, level=level, limit=limit, steps=steps or how.steps, top=top or how.top)


@dataclass(frozen=True)
class Costs:
    """What each question takes at any size, from what was measured. examples: of the first split; checkpoints: of the run."""

    problem: Problem
    pace: Pace | None
    surface: Affine | None
    path: Affine | None
    checkpoints: int = 0

    @property
    def examples(self) -> int:
        return int(next(iter(self.problem.splits.values())))

    def count(self, size: Size) -> int:
        return min(size.limit or self.examples, self.examples) or size.limit

    def seconds(self, name: str, size: Size) -> float:
        """By name of the part; NaN where that cannot be told."""
        count, pace, how = self.count(size), self.pace, size.how
        if name == "surface" and self.surface is not None:
            return how.steps**2 * self.surface(count)
        if name == "trajectory" and self.path is not None:
            return (size.path**2 + 2 * self.checkpoints) * self.path(count)
        if pace is None:
            return math.nan
        if name == "dynamics":
            return min(self.checkpoints, how.moments) * moment_seconds(how, pace, count)
        if name == "curvature":
            return report_seconds(report_of(size), self.problem, pace, count)
        return math.nan


def costs_of(problem: Problem, pace: Pace | None, wanted: Collection[str], checkpoints: int) -> Costs:
    """Measures what points of the wanted surfaces take."""
    from landscape_gui.probes.surface import Surface
    from landscape_gui.probes.trajectory import Trajectory

    surface = point_pace(Surface(), problem) if "visualize" in wanted else None
    path = point_pace(Trajectory(), problem) if "trajectory" in wanted and checkpoints else None
    return Costs(problem, pace, surface, path, checkpoints)


def with_course(costs: Costs, problem: Problem, checkpoints: int) -> Costs:
    """The same with the run that came later; problem: in it."""
    from landscape_gui.probes.trajectory import Trajectory

    return replace(costs, path=point_pace(Trajectory(), problem), checkpoints=checkpoints)


def report_of(size: Size) -> Report:
    """The question about curvature and sharpness."""
    from landscape_gui.probes.report import Report

    how = size.how
    return Report(
        limit=size.limit, seed=size.seed, top=how.top, probes=how.vectors, steps=how.lanczos, budget=how.trace, points=how.radii,
        bound=how.bound, effort=how.effort,
    )  # fmt: skip


def largest(costs: Costs, names: Collection[str], size: Size, allowed: float, *, steps: int | None, top: int | None) -> Size:
    """The largest size at which all of these parts take no longer than that, else the least."""
    found = size
    for found in rungs(size, costs.examples, steps=steps, top=top):
        known = [s for name in names if math.isfinite(s := costs.seconds(name, found))]
        if sum(known) <= allowed:
            break
    return found


class Remaining:
    """What is left to do, in seconds, corrected by what the parts before took."""

    def __init__(self, estimates: Sequence[float]) -> None:
        self.estimates = list(estimates)
        self.planned = self.taken = self.started = 0.0

    def begin(self) -> None:
        self.started = time.monotonic()

    def end(self, place: int) -> None:
        if math.isfinite(self.estimates[place]):
            self.planned += self.estimates[place]
            self.taken += time.monotonic() - self.started

    def words(self, place: int) -> str:
        """ "about 2 min, about 5 min for all that is left" """
        factor = self.taken / self.planned if self.planned > 1 else 1.0
        known = [factor * seconds for seconds in self.estimates[place:] if math.isfinite(seconds)]
        here = about(factor * self.estimates[place])
        rest = about(sum(known))
        return here if len(self.estimates) - place < 2 or rest == here else f"{here}, {rest} for all that is left"
