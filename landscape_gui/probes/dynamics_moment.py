"""One checkpoint of a run, measured: losses, gradient, leading curvature, sharpness on average and at worst. `dynamics` asks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.dynamics_names import label_of
from landscape_gui.dynamics_results import MomentResult
from landscape_gui.errors import ProblemError
from landscape_gui.probes import sampling
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.curvature import Bench, CurvatureProbe, bench_of, cost_of, describe_subset, examples_of
from landscape_gui.probes.passes import Counted, Passes
from landscape_gui.results import Provenance, Quantity, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.problem import Problem

PRODUCTS = 16
"""That the leading eigenpair takes, about, at the usual tolerance."""
KRYLOV = 6
"""Products of the gradient's Krylov space, in which the quadratic model's maximum is sought: where an ascent starts."""
CHECK = 1
"""Products after convergence that look for a copy of the largest eigenvalue: its value is the same with one."""
ASCENT = 12
"""Forward and backward passes of the ascent, about."""
ASCENT_STEPS = 8
ASCENT_TOLERANCE = 1e-2
"""An ascent has converged where a step adds less than this share: far less than a curve over a run moves."""


@dataclass(frozen=True, kw_only=True)
class Moment(CurvatureProbe):
    """Loss and metrics of every split, and on one of them gradient norm, largest Hessian eigenvalue with its residual, directional
    sharpness and epsilon-sharpness at one checkpoint. A MomentResult.

    Cost: about 22 products with the Hessian, 12 gradients and 2 `pairs` losses: some 60 gradients' time. Where the loss is not
    finite, what follows from it is NaN, with a note.
    """

    name: ClassVar[str] = "moment"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Checkpoint of a run"
    summary: ClassVar[str] = "Losses, gradient, curvature and sharpness at one checkpoint"

    operator: str = field("hessian", label="Operator", help="Whose eigenvalue", choices={"hessian": "Hessian"}, hidden=True)
    layer: str = field("", label="Layers", help="All", hidden=True)
    radius: float = field(0.05, label="Radius", help="Of both sharpnesses, in the 2-norm", minimum=1e-8, metavar="R")
    pairs: int = field(16, label="Random pairs", help="Opposite steps for directional sharpness", minimum=2, maximum=100_000)
    tolerance: float = field(
        1e-3, label="Tolerance", help="Residual of the eigenvalue, relative to it", minimum=1e-10, maximum=0.1, advanced=True
    )
    most: int = field(100, label="Most products", help="For the eigenvalue", minimum=4, maximum=100_000, advanced=True)

    @property
    def products(self) -> int:
        """Products with the Hessian whose time it takes, all together."""
        return PRODUCTS + KRYLOV + math.ceil((ASCENT * 3 + 2 * self.pairs) / 6)

    def cost(self, problem: Problem) -> Cost:
        return cost_of(self, problem, self.products)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        measured = Measured(self, problem)
        yield from measured.losses()
        try:
            with bench_of(self, problem) as bench:
                yield from measured.geometry(bench)
        except ProblemError as error:  # a loss that is not finite has no geometry
            measured.notes.append(error.message)
        return measured.result()


class Measured:
    """What is known of the checkpoint."""

    def __init__(self, probe: Moment, problem: Problem) -> None:
        self.probe, self.problem = probe, problem
        self.found: dict[str, Quantity] = {}
        self.notes: list[str] = []
        self.passes = Passes()
        self.products = 0
        self.environment: dict[str, Any] = {}

    def put(self, name: str, value: float, error: float = math.nan, unit: str = "") -> None:
        known = None if math.isnan(error) else freeze(error)
        examples = examples_of(self.probe, self.problem)
        self.found[name] = Quantity(
            name=name, label=label_of(name), values=freeze(value), standard_error=known, unit=unit, examples=examples
        )

    def losses(self) -> Generator[Progress, None, None]:
        """Loss and metrics of every split, with their standard errors over the examples."""
        probe, problem = self.probe, self.problem
        evaluator = problem.evaluator(limit=probe.limit, seed=probe.seed, precision=probe.precision, tier="exact")
        values = yield from sampling.relay(evaluator.evaluate(problem.state, (), ()), 0, 0.05, 1)
        for name, mean in values.mean.items():
            error = values.standard_error.get(name)
            self.found[name] = sampling.quantity(
                name, np.asarray(mean).reshape(-1)[0], None if error is None else np.asarray(error).reshape(-1)[0],
                int(values.examples[name]), axes=(), loss_unit=problem.loss_unit,
            )  # fmt: skip

    def geometry(self, bench: Bench) -> Generator[Progress, None, None]:
        """Everything that is differentiated, on the examples of one split."""
        from landscape_gui.core.dynamics import directional_rises
        from landscape_gui.core.vector import norm

        probe, unit = self.probe, self.problem.loss_unit
        self.environment = dict(bench.objective.environment)
        objective = Counted(bench.objective, self.passes)
        at_centre = objective.loss()
        self.put("gradient_norm", norm(bench.gradient))
        self.passes.gradients += 1
        vector = yield from self._leading(bench)
        steps = directional_rises(objective, at=None, radius=probe.radius, pairs=probe.pairs, seed=probe.seed, at_centre=at_centre)
        rises = yield from stretched(steps, 0.6, 0.15)
        self.put("directional_sharpness", rises.value, rises.standard_error, unit)
        yield from self._worst(objective, bench, vector, at_centre)

    def _leading(self, bench: Bench) -> Generator[Progress, None, Tensor | None]:
        """The largest eigenvalue, and the direction along which the ascent starts."""
        from landscape_gui.core.lanczos import eigenpairs

        probe = self.probe
        search = eigenpairs(
            bench.operator, largest=1, tolerance=probe.tolerance, most_products=probe.most, check=CHECK, seed=probe.seed
        )
        while True:
            try:
                step = next(search)
            except StopIteration as stop:
                pairs = stop.value
                break
            yield Progress(done=0.05 + 0.55 * min(1.0, step.products / PRODUCTS), total=1, note="largest eigenvalue")
        self.products = pairs.products
        self.put("lambda_max", float(pairs.values[0]), float(pairs.residuals[0]))
        if not pairs.converged.all():
            self.notes.append(f"The largest eigenvalue had not converged after {pairs.products} products.")
        return None if pairs.vectors is None else pairs.vectors[0]

    def _worst(self, objective: Counted, bench: Bench, vector: Tensor | None, at_centre: float) -> Generator[Progress, None, None]:
        """The largest rise in the ball, by ascent from the centre, the quadratic model's maximum and both leading directions."""
        from landscape_gui.core.ascent import Ball, krylov, starts_within, worst_case

        ball = Ball(self.probe.radius)
        space = yield from stretched(krylov(lambda v: bench.operator.apply(v[None])[0], bench.gradient, KRYLOV), 0.75, 0.1)
        self.products += KRYLOV if space is not None else 0
        leading = float(self.found["lambda_max"].values)
        starts = starts_within(ball, space, vector, leading)
        climb = worst_case(
            objective, ball, starts, at_centre=at_centre, slope=bench.gradient, steps=ASCENT_STEPS,
            tolerance=ASCENT_TOLERANCE,
        )  # fmt: skip
        found = yield from stretched(climb, 0.85, 0.15)
        self.put("epsilon_sharpness", found.rise, unit=self.problem.loss_unit)

    def result(self) -> MomentResult:
        for name in ("gradient_norm", "lambda_max", "directional_sharpness", "epsilon_sharpness"):
            if name not in self.found:
                self.put(name, math.nan)
        return MomentResult(
            quantities=dict(self.found),
            products=self.products,
            gradients=self.passes.gradients,
            losses=self.passes.losses,
            split=self.probe.split,
            examples=examples_of(self.probe, self.problem),
            subset=describe_subset(self.probe, self.problem),
            batchnorm="frozen" if self.problem.has_batchnorm else "",
            precision=self.probe.precision,
            notes=tuple(self.notes),
            provenance=Provenance(environment=self.environment),
        )


def stretched(steps: Generator[float, None, Any], first: float, width: float) -> Generator[Progress, None, Any]:
    """Fractions of some work as a stretch of the whole; returns what it returns."""
    while True:
        try:
            fraction = next(steps)
        except StopIteration as stop:
            return stop.value
        yield Progress(done=first + width * fraction, total=1)


def moment_of(probe: CurvatureProbe) -> Moment:
    """The question about one checkpoint that a question about a run asks, with the fields that both have."""
    shared = {f.name for f in dataclasses.fields(Moment)} & {f.name for f in dataclasses.fields(probe)}
    return Moment(**{name: getattr(probe, name) for name in shared})
