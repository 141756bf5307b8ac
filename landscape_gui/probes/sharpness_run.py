"""Sharpness being computed: one unit of work after another, in an order that shows the whole curve early and that never depends on
what happened before, so that an answer gone on with equals one made in a go."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.curvature_results import SharpnessResult
from landscape_gui.errors import LandscapeError
from landscape_gui.probes.base import Ask, Progress, Run
from landscape_gui.probes.curvature import VECTOR_BYTES, Bench, about, relayed, same_surroundings
from landscape_gui.results import Array, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.ascent import Ball, Krylov
    from landscape_gui.probes.sharpness import Sharpness
    from landscape_gui.problem import Problem

Work = Generator[float, None, None]
EIGENPAIRS = 10
"""Leading eigenvectors that are taken out of the trace's samples, with the two at the other end, as the spectrum asks for them;
the first one starts the ascents."""
SMALLEST_GROUP = 16
ARRAYS = (
    "radii", "worst_case", "random_rises", "sigmas", "gaussian_rises", "curvature_samples", "deflated_samples", "adaptive_radii",
    "adaptive", "epsilons", "box", "group_sizes", "group_rises",
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A piece of work whose outcome is kept as a whole. weight: gradients that it takes, about; note: what it is."""

    weight: float
    note: str
    work: Callable[[], Work]


class Running:
    """Everything that an answer about sharpness is made of, while it is being made."""

    def __init__(self, probe: Sharpness, problem: Problem, bench: Bench, partial: SharpnessResult | None) -> None:
        self.probe, self.problem, self.bench = probe, problem, bench
        self.objective = bench.objective
        self.loss = self.objective.loss()
        self.values: dict[str, Array] = self._empty()
        self.bound: dict[str, float] = {}
        self.notes: list[str] = []
        self.finished, self.products = 0, 0
        self.eigenvalues, self.residuals = np.zeros(0), np.zeros(0)
        self.vectors: Tensor | None = None
        self._space: Krylov | None = None
        self._adaptive: tuple[Krylov | None, Tensor] | None = None
        self._worst: Tensor | None = None
        self.plan = self._plan()
        if partial is not None and same_surroundings(partial, bench):
            self.values = {name: np.array(getattr(partial, name)) for name in ARRAYS}
            self.bound, self.notes, self.finished = dict(partial.bound), list(partial.notes), partial.finished

    def _empty(self) -> dict[str, Array]:
        probe, count = self.probe, self.probe.points
        sizes = group_sizes(self.objective.examples) if probe.groups else []
        radii = np.array(probe.curve(probe.radius))
        return {
            "radii": radii,
            "sigmas": radii / np.sqrt(self.objective.size),
            "adaptive_radii": np.array(probe.curve(probe.adaptive_radius)),
            "epsilons": np.array(probe.curve(probe.epsilon)),
            "group_sizes": np.array(sizes, dtype=float),
            "worst_case": np.full(count, np.nan),
            "adaptive": np.full(count, np.nan),
            "box": np.full(count, np.nan),
            "random_rises": np.full((count, probe.directions), np.nan),
            "gaussian_rises": np.full((count, probe.pairs), np.nan),
            "curvature_samples": np.full(probe.pairs, np.nan),
            "deflated_samples": np.full(probe.pairs, np.nan),
            "group_rises": np.full((len(sizes), probe.groups), np.nan),
        }

    def _plan(self) -> list[Unit]:
        """The reference distance first, then the others from it outwards; what is dear last."""
        probe, middle = self.probe, self.probe.points // 2
        order = sorted(range(probe.points), key=lambda i: (abs(i - middle), i))
        units: list[Unit] = []
        for i in order:
            at = f"radius {self.values['radii'][i]:.3g}"
            units.append(Unit(30, f"worst case, {at}", lambda i=i: self._worst_case(i)))  # type: ignore[misc]
            units.append(Unit(probe.directions / 3 + probe.pairs, f"averages, {at}", lambda i=i: self._averages(i)))  # type: ignore[misc]
            if i == middle:
                units.append(Unit(2 * probe.pairs, "curvature along the same draws", self._products))
        for i in order:
            units.append(Unit(30, "adaptive sharpness", lambda i=i: self._adaptive_case(i)))  # type: ignore[misc]
            units.append(Unit(25, "Keskar's box", lambda i=i: self._box(i)))  # type: ignore[misc]
        for k, size in enumerate(self.values["group_sizes"]):
            weight = 12 * min(1.0, probe.groups * size / max(self.objective.examples, 1))
            units.append(Unit(weight, f"m-sharpness, m = {size:.0f}", lambda k=k: self._groups(k)))  # type: ignore[misc]
        if probe.bound:
            units.append(Unit((300 + probe.draws) / 3, "PAC-Bayes bound", self._bound))
        return units

    # ------------------------------------------------------------------------------------------------------------- the way

    def look_up(self, ask: Ask) -> Generator[Progress, None, None]:
        """The leading eigenpairs of the Hessian, asked for as a question of their own."""
        import torch

        from landscape_gui.probes.eigenvalues import Eigenvalues

        probe = self.probe
        fit = VECTOR_BYTES // (4 * self.objective.size)
        ends = (EIGENPAIRS, 2) if fit >= EIGENPAIRS + 2 else (1, 0)
        question = Eigenvalues(
            largest=ends[0], smallest=ends[1], split=probe.split, limit=probe.limit, seed=probe.seed, layer=probe.layer,
            precision=probe.precision,
        )  # fmt: skip
        total = sum(unit.weight for unit in self.plan)
        found: Any = yield from relayed(
            ask(question), lambda told: Progress(done=0, total=total, note=told.note or "leading eigenvectors")
        )
        self.eigenvalues, self.residuals = np.array(found.eigenvalues), np.array(found.residuals)
        self.products = found.products
        if found.vectors.shape[0] == len(self.eigenvalues):
            self.vectors = torch.from_numpy(np.array(found.vectors)).to(self.objective.origin)
        else:
            note = (
                f"The leading eigenvectors of {self.objective.size:,} parameters are too long to be kept: no ascent starts there."
            )
            self.notes += [note] if note not in self.notes else []

    def every_unit(self) -> Run:
        total = sum(unit.weight for unit in self.plan)
        done = sum(unit.weight for unit in self.plan[: self.finished])
        yield Progress(done=done, total=total, partial=self.result())
        for unit in self.plan[self.finished :]:
            for fraction in unit.work():
                yield Progress(done=done + unit.weight * fraction, total=total, note=unit.note)
            self.finished, done = self.finished + 1, done + unit.weight
            yield Progress(done=done, total=total, partial=self.result(), note=unit.note)
        return self.result()

    def result(self) -> SharpnessResult:
        """What is known by now."""
        import dataclasses

        from landscape_gui.probes.sharpness_numbers import numbers_of

        known = len(self.eigenvalues) > 0
        kept: dict[str, Any] = {name: freeze(values) for name, values in self.values.items()}
        made = SharpnessResult(
            **about(self.probe, self.problem, self.bench),
            **kept,
            products=self.products,
            loss=self.loss,
            gradient_norm=float(self.bench.gradient.double().norm()),
            lambda_max=float(self.eigenvalues[0]) if known else float("nan"),
            lambda_max_residual=float(self.residuals[0]) if known else float("nan"),
            radius=self.probe.radius,
            adaptive_radius=self.probe.adaptive_radius,
            epsilon=self.probe.epsilon,
            deflated_trace=float(self.eigenvalues.sum()) if self.vectors is not None else 0.0,
            bound=dict(self.bound),
            prior=prior_words(self.probe) if self.bound else "",
            classes=self.problem.classes or 0,
            finished=self.finished,
            complete=self.finished == len(self.plan),
            notes=tuple(dict.fromkeys(self.notes)),
        )
        return dataclasses.replace(made, numbers=numbers_of(made, self.problem.loss_unit))

    # ------------------------------------------------------------------------------------------------------- units of work

    def _model(self) -> Generator[float, None, Krylov | None]:
        """The quadratic model in the gradient's Krylov space: built once, the same whenever."""
        from landscape_gui.core.ascent import krylov

        if self._space is None:
            for _ in (steps := Kept(krylov(lambda v: self.bench.operator.apply(v[None])[0], self.bench.gradient))):
                yield 0.0
            self._space = steps.value
        return self._space

    def _climb(self, region: Any, starts: dict[str, Tensor]) -> Generator[float, None, Any]:
        from landscape_gui.core.ascent import worst_case

        return (yield from worst_case(self.objective, region, starts, at_centre=self.loss, steps=self.probe.steps))

    def _worst_case(self, index: int) -> Work:
        from landscape_gui.core.ascent import Ball

        found = yield from self._in_ball(Ball(float(self.values["radii"][index])))
        self.values["worst_case"][index] = found.rise
        if index == self.probe.points // 2:
            self._worst = found.displacement

    def _in_ball(self, ball: Ball) -> Generator[float, None, Any]:
        from landscape_gui.core.ascent import starts_within

        space = yield from self._model()
        leading = None if self.vectors is None else self.vectors[0]
        return (yield from self._climb(ball, starts_within(ball, space, leading)))

    def _averages(self, index: int) -> Work:
        from landscape_gui.core import sharpness

        probe, radius, sigma = self.probe, float(self.values["radii"][index]), float(self.values["sigmas"][index])
        known: dict[str, Any] = {"seed": probe.seed, "at_centre": self.loss}
        points = Kept(sharpness.random_rises(self.objective, radius, directions=probe.directions, **known))
        yield from (fraction / 3 for fraction in points)
        self.values["random_rises"][index] = points.value.samples
        pairs = Kept(sharpness.gaussian_average(self.objective, sigma, pairs=probe.pairs, **known))
        yield from (1 / 3 + 2 / 3 * fraction for fraction in pairs)
        self.values["gaussian_rises"][index] = pairs.value.samples

    def _products(self) -> Work:
        from landscape_gui.core import sharpness

        found = Kept(
            sharpness.curvature_samples(
                self.bench.operator, self.objective.origin, pairs=self.probe.pairs, seed=self.probe.seed,
                values=self.eigenvalues, vectors=self.vectors,
            )
        )  # fmt: skip
        yield from found
        whole, rest = found.value
        self.values["curvature_samples"][:], self.values["deflated_samples"][:] = whole.samples, rest.samples

    def _scaled_model(self) -> Generator[float, None, tuple[Krylov | None, Tensor]]:
        """The same as `_model` in units of |w|, with the leading eigenvector there."""
        from landscape_gui.core.ascent import Metric, krylov
        from landscape_gui.core.lanczos import eigenpairs

        if self._adaptive is None:
            scale = self.objective.origin.abs()
            operator = Metric(self.bench.operator, scale)
            pairs = Kept(eigenpairs(operator, largest=1, tolerance=1e-3, most_products=60, seed=self.probe.seed))
            for _ in pairs:
                yield 0.0
            for _ in (steps := Kept(krylov(lambda v: operator.apply(v[None])[0], self.bench.gradient * scale))):
                yield 0.0
            self._adaptive = steps.value, pairs.value.vectors[0]
        return self._adaptive

    def _adaptive_case(self, index: int) -> Work:
        from landscape_gui.core.ascent import starts_within
        from landscape_gui.core.sharpness import adaptive_ball

        space, leading = yield from self._scaled_model()
        ball = adaptive_ball(self.objective.origin, float(self.values["adaptive_radii"][index]))
        found = yield from self._climb(ball, starts_within(ball, space, leading))
        self.values["adaptive"][index] = found.rise

    def _box(self, index: int) -> Work:
        from landscape_gui.core.ascent import starts_within
        from landscape_gui.core.sharpness import keskar_box

        box = keskar_box(self.objective.origin, float(self.values["epsilons"][index]))
        found = yield from self._climb(box, starts_within(box, None, None if self.vectors is None else self.vectors[0]))
        self.values["box"][index] = found.rise

    def _groups(self, index: int) -> Work:
        from landscape_gui.core.ascent import Ball
        from landscape_gui.core.sharpness import m_sharpness

        if self._worst is None:  # gone on with from a partial answer
            steps = Kept(self._in_ball(Ball(self.probe.radius)))
            yield from (0.0 for _ in steps)
            self._worst = steps.value.displacement
        size = int(self.values["group_sizes"][index])
        found = Kept(
            m_sharpness(
                self.objective, self.probe.radius, size, batches=self.probe.groups, seed=self.probe.seed, start=self._worst
            )
        )  # fmt: skip
        try:
            yield from found
        except LandscapeError as error:  # data that stream, or a loss that needs the whole batch
            self.notes.append(f"No m-sharpness: {error.message}")
            return
        samples = found.value.samples
        self.values["group_rises"][index, : len(samples)] = samples

    def _bound(self) -> Work:
        from landscape_gui.probes.sharpness_bound import compute_bound

        steps = Kept(compute_bound(self.probe, self.problem, self.objective))
        yield from steps
        if isinstance(steps.value, str):
            self.notes.append(steps.value)
        else:
            self.bound = steps.value


class Kept:
    """Iterates over a generator's progress and keeps what it returns."""

    def __init__(self, steps: Generator[Any, None, Any]) -> None:
        self.steps = steps
        self.value: Any = None

    def __iter__(self) -> Generator[Any, None, None]:
        self.value = yield from self.steps


def group_sizes(examples: int) -> list[int]:
    """16, 64, 256, ... below half of the examples, and half of them."""
    sizes = [SMALLEST_GROUP * 4**k for k in range(12) if SMALLEST_GROUP * 4**k < examples / 2]
    return [*sizes, examples // 2] if examples >= 2 * SMALLEST_GROUP else sizes


def prior_words(probe: Sharpness) -> str:
    return f"the weights of {probe.prior.label or probe.prior.path}" if probe.prior is not None else "zero"
