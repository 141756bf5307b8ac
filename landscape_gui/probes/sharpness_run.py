"""Sharpness being computed: one unit of work after another, in an order that shows the whole curve early and that never depends on
what happened before, so that an answer gone on with equals one made in a go."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.curvature_results import SharpnessResult
from landscape_gui.errors import LandscapeError
from landscape_gui.probes.base import Ask, Progress, Run
from landscape_gui.probes.curvature import PASSES, Bench, about, relayed, same_surroundings
from landscape_gui.probes.passes import Counted, Passes
from landscape_gui.probes.sharpness_bound import stretch
from landscape_gui.probes.sharpness_numbers import numbers_of, unconverged
from landscape_gui.probes.sharpness_plan import GROUP_STEPS, HALF, KRYLOV, LEADING, group_sizes, plan_of
from landscape_gui.results import Array, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.ascent import Krylov
    from landscape_gui.probes.sharpness import Sharpness
    from landscape_gui.problem import Problem

Work = Generator[float, None, None]
CONVERGED = ("worst_case_converged", "adaptive_converged", "box_converged", "group_converged")
ARRAYS = (
    "radii", "worst_case", "random_rises", "sigmas", "gaussian_rises", "curvature_samples", "deflated_samples", "adaptive_radii",
    "adaptive", "epsilons", "box", "group_sizes", "group_rises", *CONVERGED,
)  # fmt: skip


class Running:
    """Everything that an answer about sharpness is made of, while it is being made."""

    def __init__(self, probe: Sharpness, problem: Problem, bench: Bench, partial: SharpnessResult | None) -> None:
        self.probe, self.problem, self.bench = probe, problem, bench
        self.passes = Passes()
        self.objective = Counted(bench.objective, self.passes)
        self.loss = self.objective.loss()
        self.plan = plan_of(probe, self.objective.examples)
        self.values: dict[str, Array] = self._empty()
        self.bound: dict[str, float] = {}
        self.notes: list[str] = []
        self.finished = 0
        self.products = 0
        """Other than those of the leading eigenpair."""
        self._repeated = 0
        self._gone_on_from: SharpnessResult | None = None
        self.eigen: Any = None
        self.vectors: Tensor | None = None
        self._space: Krylov | None = None
        self._scaled: tuple[Krylov | None, Tensor] | None = None
        self._worst: Tensor | None = None
        if partial is not None and same_surroundings(partial, bench):
            self._go_on_from(partial)

    def _go_on_from(self, partial: SharpnessResult) -> None:
        """Units that are finished, what they took and what they said."""
        self._gone_on_from = partial
        self.values = {name: np.array(getattr(partial, name)) for name in ARRAYS}
        self.bound, self.finished = dict(partial.bound), partial.finished
        said = unconverged(partial, self.probe.steps)  # said anew of the whole
        self.notes = [note for note in partial.notes if note not in said]
        self.passes.losses, self.passes.gradients = partial.losses, partial.gradients

    def _empty(self) -> dict[str, Array]:
        probe, count, scaled = self.probe, self.probe.points, self.probe.scaled_points
        sizes = group_sizes(self.objective.examples) if probe.groups else []
        radii = np.array(probe.curve(probe.radius, count))
        lengths = {"worst_case": count, "adaptive": scaled, "box": scaled}
        return {
            "radii": radii,
            "sigmas": radii / np.sqrt(self.objective.size),
            "adaptive_radii": np.array(probe.curve(probe.adaptive_radius, scaled, HALF)),
            "epsilons": np.array(probe.curve(probe.epsilon, scaled, HALF)),
            "group_sizes": np.array(sizes, dtype=float),
            **{f"{name}{end}": np.full(length, np.nan) for name, length in lengths.items() for end in ("", "_converged")},
            "random_rises": np.full((count, probe.directions), np.nan),
            "gaussian_rises": np.full((count, probe.pairs), np.nan),
            "curvature_samples": np.full(probe.pairs, np.nan),
            "deflated_samples": np.full(probe.pairs, np.nan),
            "group_rises": np.full((len(sizes), probe.groups), np.nan),
            "group_converged": np.full((len(sizes), probe.groups), np.nan),
        }

    # ------------------------------------------------------------------------------------------------------------- the way

    def look_up(self, ask: Ask) -> Generator[Progress, None, None]:
        """The leading eigenpairs of the Hessian, asked for as a question of their own."""
        import torch

        from landscape_gui.probes.eigenvalues import Eigenvalues

        probe = self.probe
        question = Eigenvalues(
            largest=1,
            smallest=0,
            split=probe.split,
            limit=probe.limit,
            seed=probe.seed,
            layer=probe.layer,
            precision=probe.precision,
        )
        total = self.total
        self.eigen = yield from relayed(
            ask(question),
            lambda told: Progress(
                done=LEADING * PASSES * min(1.0, told.done / max(told.total, 1e-300)),
                total=total,
                note=told.note or "leading eigenvector",
            ),
        )
        if self._gone_on_from is not None:
            self.products = round(self._gone_on_from.products) - self.eigen.products
        if len(self.eigen.vectors):
            self.vectors = torch.from_numpy(np.array(self.eigen.vectors)).to(self.objective.origin)
        else:
            note = f"The leading eigenvector of {self.objective.size:,} parameters is too long to be kept: no ascent starts there."
            self.notes += [note] if note not in self.notes else []

    @property
    def total(self) -> float:
        """Of the progress: forward passes, about."""
        return LEADING * PASSES + sum(unit.weight for unit in self.plan)

    def every_unit(self) -> Run:
        done = LEADING * PASSES + sum(unit.weight for unit in self.plan[: self.finished])
        yield Progress(done=done, total=self.total, partial=self.result())
        for unit in self.plan[self.finished :]:
            before = self.bench.operator.products
            for fraction in getattr(self, f"_{unit.kind}")(unit.index):
                yield Progress(done=done + unit.weight * fraction, total=self.total, note=unit.note)
            self.products += self.bench.operator.products - before - self._repeated
            self._repeated = 0
            self.finished, done = self.finished + 1, done + unit.weight
            yield Progress(done=done, total=self.total, partial=self.result(), note=unit.note)
        return self.result()

    def result(self) -> SharpnessResult:
        """What is known by now."""
        kept: dict[str, Any] = {name: freeze(values) for name, values in self.values.items()}
        values, residuals = self.eigen.eigenvalues, self.eigen.residuals
        made = SharpnessResult(
            **about(self.probe, self.problem, self.bench),
            **kept,
            losses=self.passes.losses,
            gradients=self.passes.gradients,
            products=self.eigen.products + self.products,
            loss=self.loss,
            gradient_norm=float(self.bench.gradient.double().norm()),
            lambda_max=float(values[0]),
            lambda_max_residual=float(residuals[0]),
            radius=self.probe.radius,
            adaptive_radius=self.probe.adaptive_radius,
            epsilon=self.probe.epsilon,
            deflated_trace=float(values.sum()) if self.vectors is not None else 0.0,
            bound=dict(self.bound),
            prior=prior_words(self.probe) if self.bound else "",
            classes=self.problem.classes or 0,
            finished=self.finished,
            complete=self.finished == len(self.plan),
        )
        notes = (*self.notes, *unconverged(made, self.probe.steps))
        return dataclasses.replace(made, numbers=numbers_of(made, self.problem.loss_unit), notes=tuple(dict.fromkeys(notes)))

    # ------------------------------------------------------------------------------------------------------- units of work

    @contextlib.contextmanager
    def _again(self) -> Iterator[None]:
        """Work of a finished unit that is done once more after an interruption: the answer is not told to take it twice."""
        passes, products = (self.passes.losses, self.passes.gradients), self.bench.operator.products
        yield
        self.passes.losses, self.passes.gradients = passes
        self._repeated += self.bench.operator.products - products

    def _model(self) -> Generator[float, None, Krylov | None]:
        """The quadratic model in the gradient's Krylov space: built once, the same whenever."""
        from landscape_gui.core.ascent import krylov

        if self._space is None:
            self._space = yield from krylov(lambda v: self.bench.operator.apply(v[None])[0], self.bench.gradient, KRYLOV)
        return self._space

    def _climb(self, name: str, index: int, region: Any, starts: dict[str, Tensor]) -> Generator[float, None, Any]:
        from landscape_gui.core.ascent import worst_case

        found = yield from worst_case(
            self.objective, region, starts, at_centre=self.loss, slope=self.bench.gradient, steps=self.probe.steps,
            tolerance=self.probe.tolerance, from_centre=name == "box" or index == len(self.values[name]) // 2,
        )  # fmt: skip
        self.values[name][index], self.values[f"{name}_converged"][index] = found.rise, found.converged
        return found

    def _worst_case(self, index: int) -> Work:
        from landscape_gui.core.ascent import Ball, starts_within

        middle = index == self.probe.points // 2
        if not middle:
            yield from self._reference()
        built = 0.5 if self._space is None else 0.0
        space = yield from stretch(self._model(), 0.0, built)
        ball = Ball(float(self.values["radii"][index]))
        leading = None if self.vectors is None else self.vectors[0]
        starts = starts_within(ball, space, leading, float(self.eigen.eigenvalues[0]))
        if not middle and self._worst is not None:
            starts["that of the reference"] = ball.retract(self._worst)
        found = yield from stretch(self._climb("worst_case", index, ball, starts), built, 1 - built)
        self._worst = found.displacement if middle else self._worst

    def _reference(self) -> Work:
        """The worst displacement at the reference radius, for other ascents to start from; computed again after an interruption."""
        if self._worst is None:
            with self._again():
                yield from (0.0 for _ in self._worst_case(self.probe.points // 2))

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

    def _products(self, index: int) -> Work:
        from landscape_gui.core import sharpness

        found = Kept(
            sharpness.curvature_samples(
                self.bench.operator, self.objective.origin, pairs=self.probe.pairs, seed=self.probe.seed,
                values=self.eigen.eigenvalues, vectors=self.vectors,
            )
        )  # fmt: skip
        yield from found
        whole, rest = found.value
        self.values["curvature_samples"][:], self.values["deflated_samples"][:] = whole.samples, rest.samples

    def _scaled_model(self) -> Generator[float, None, tuple[Krylov | None, Tensor]]:
        """The same as `_model` in units of |w|, with its leading direction there."""
        from landscape_gui.core.ascent import Metric, krylov, leading_direction
        from landscape_gui.core.lanczos import eigenpairs

        if self._scaled is None:
            scale = self.objective.origin.abs()
            operator = Metric(self.bench.operator, scale)
            space = yield from krylov(lambda v: operator.apply(v[None])[0], self.bench.gradient * scale, KRYLOV)
            if space is not None:
                self._scaled = space, leading_direction(space)
            else:  # no gradient, no Krylov space of it
                pairs = Kept(eigenpairs(operator, largest=1, tolerance=1e-3, most_products=60, seed=self.probe.seed))
                yield from (0.0 for _ in pairs)
                self._scaled = None, pairs.value.vectors[0]
        return self._scaled

    def _adaptive(self, index: int) -> Work:
        from landscape_gui.core.ascent import starts_within
        from landscape_gui.core.sharpness import adaptive_ball

        yield from self._reference()
        built = 0.5 if self._scaled is None else 0.0
        first = index == self.probe.scaled_points // 2
        with contextlib.nullcontext() if first else self._again():
            space, leading = yield from stretch(self._scaled_model(), 0.0, built)
        ball = adaptive_ball(self.objective.origin, float(self.values["adaptive_radii"][index]))
        starts = starts_within(ball, space, leading)
        if self._worst is not None:
            starts["that of the ball"] = ball.retract(self._worst)
        yield from stretch(self._climb("adaptive", index, ball, starts), built, 1 - built)

    def _box(self, index: int) -> Work:
        from landscape_gui.core.ascent import starts_within
        from landscape_gui.core.sharpness import keskar_box

        yield from self._reference()
        box = keskar_box(self.objective.origin, float(self.values["epsilons"][index]))
        starts = starts_within(box, None, None if self.vectors is None else self.vectors[0])
        if self._worst is not None:
            starts["that of the ball"] = box.outward(self._worst)
        yield from self._climb("box", index, box, starts)

    def _groups(self, index: int) -> Work:
        from landscape_gui.core.sharpness import m_sharpness

        yield from self._reference()
        found = Kept(
            m_sharpness(
                self.objective, self.probe.radius, int(self.values["group_sizes"][index]), batches=self.probe.groups,
                seed=self.probe.seed, steps=GROUP_STEPS, start=self._worst,
            )
        )  # fmt: skip
        try:
            yield from found
        except LandscapeError as error:  # data that stream, or a loss that needs the whole batch
            self.notes.append(f"No m-sharpness: {error.message}")
            return
        count = len(found.value.samples)
        self.values["group_rises"][index, :count] = found.value.samples
        self.values["group_converged"][index, :count] = found.value.converged

    def _bound(self, index: int) -> Work:
        from landscape_gui.probes.sharpness_bound import compute_bound

        steps = Kept(compute_bound(self.probe, self.problem, self.bench.objective, self.passes))
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


def prior_words(probe: Sharpness) -> str:
    return f"the weights of {probe.prior.label or probe.prior.path}" if probe.prior is not None else "zero"
