"""Where an epoch of SGD ends on average, against the gradient flows on the loss and on its modified forms."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.curvature import CurvatureProbe, cost_of, describe_subset, examples_of, objective_of
from landscape_gui.probes.training_numbers import number
from landscape_gui.results import Number, Provenance, freeze
from landscape_gui.training_results import MeanStepResult

if TYPE_CHECKING:
    from landscape_gui.core.mean_step import EpochSteps
    from landscape_gui.core.objective import Objective
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

REACH = 0.25
"""An epoch at the largest automatic learning rate takes so many time scales of the largest eigenvalue: the expansion wants few."""
LONGEST = 100.0
"""Time scales that an epoch may take at most: flows of many more are integrated for hours, and the expansion ended long before."""
FEW = 1.5
"""A slope on the modified loss below it is not that of second order."""
RESOLUTION = 0.05
"""Of that eigenvalue: it only has to say how small."""


@dataclass(frozen=True, kw_only=True)
class MeanStep(CurvatureProbe):
    """The mean end of an epoch of plain SGD over orders of its batches, beside gradient flows of the same time. A MeanStepResult.

    The flow on L + (lr/4) mean ||grad L_i||^2 over the m batches meets it to a distance of third order in lr, so that relative to
    the way, of first order, the residual's slope is 2 on logarithmic axes; the flow on L alone, and with lr/2, has slope 1 (Smith
    et al. 2021, section 2; with one batch, Barrett and Dherin 2021). Batches are those of one permutation, fixed; each random order
    is taken with its reverse. No momentum, BatchNorm's statistics frozen, in float64 unless asked otherwise. Cost: for each
    learning rate 2 * pairs epochs, and 16 or more epochs of double gradients for each of three flows.
    """

    name: ClassVar[str] = "mean-step"
    title: ClassVar[str] = "Mean step of SGD"
    purpose: ClassVar[str] = "Training"
    summary: ClassVar[str] = "Whether SGD's mean step is that of the modified loss: its residual over the learning rate"

    operator: str = field("hessian", label="Operator", help="Of the loss", choices={"hessian": "Hessian"}, hidden=True)
    layer: str = field("", label="Layers", help="All", hidden=True)
    batch: int = field(64, label="Batch", help="Examples of a step; all or more: full batches", unit="examples", minimum=1)
    lr: float = field(
        0.0,
        label="Learning rate",
        help="The largest one; 0: so that an epoch takes a quarter of the time scale of the largest curvature",
        minimum=0.0,
        metavar="LR",
    )
    rates: int = field(5, label="Rates", help="Learning rates, each half of the one before", minimum=2, maximum=20)
    pairs: int = field(4, label="Pairs", help="Random orders of the batches, each with its reverse", minimum=1, maximum=10_000)
    precision: str = field(
        "float64",
        label="Precision",
        help="Arithmetic of the network; in float32 the differences at small rates are rounding",
        choices={"float32": "as networks are trained", "float64": "double; about twice the time"},
        advanced=True,
    )

    def cost(self, problem: Problem) -> Cost:
        count = examples_of(self, problem)
        batches = max(1, count // self.batch) if count else 1
        passes = self.rates * (2 * self.pairs + 16 + 2 * 16 * 3)
        calls = passes * batches * 4e-4 * len(problem.layout.layers())
        return Cost(points=passes, examples=count, seconds=cost_of(self, problem, 1).seconds / 2 * passes + calls, unit="gradient")

    def run(self, problem: Problem, ask: Ask) -> Run:
        from landscape_gui.core.batch_gradients import BatchGradients
        from landscape_gui.core.mean_step import EpochSteps

        yield Progress(done=0, total=1, note="preparing")
        objective = objective_of(self, problem)
        batch = min(self.batch, objective.examples or self.batch)
        epochs = EpochSteps(BatchGradients(objective, batch=batch, seed=self.seed), seed=self.seed)
        curvature = yield from largest(objective, self.seed)
        unit = max(abs(curvature), 1e-12) * len(epochs.chunks)  # time scales of an epoch, over lr
        if self.lr * unit > LONGEST:
            raise QuestionError(
                f"At learning rate {self.lr:g} an epoch of {len(epochs.chunks):,} steps takes {self.lr * unit:,.0f} time scales of "
                f"the largest curvature, {curvature:.3g}; at most {LONGEST:g} are integrated, and theory is about less than one.",
                remedy=f"Choose at most {float(f'{LONGEST / unit:.2g}'):g}, or 0 for one that fits.",
            )
        top = self.lr or REACH / unit
        growing = Growing(self, problem, objective, epochs, curvature, top)
        return (yield from growing.every_rate())

    def figure(self, result: MeanStepResult, look: Look) -> Figure:
        from landscape_gui.probes.mean_step_pictures import mean_step_figure

        return mean_step_figure(result, look)


def largest(objective: Objective, seed: int) -> Generator[Progress, None, float]:
    """The Hessian's largest eigenvalue, about."""
    from landscape_gui.core.lanczos import eigenpairs
    from landscape_gui.core.operators import Hessian

    search = eigenpairs(Hessian(objective), largest=1, tolerance=RESOLUTION, seed=seed, keep_vectors=False, most_products=40)
    while True:
        try:
            next(search)
        except StopIteration as stop:
            return float(stop.value.values[0])
        yield Progress(done=0, total=1, note="the largest curvature")


class Growing:
    """What has come in, from the largest learning rate down."""

    def __init__(
        self, probe: MeanStep, problem: Problem, objective: Objective, epochs: EpochSteps, curvature: float, top: float
    ) -> None:
        from landscape_gui.core.mean_step import FLOWS

        self.probe, self.problem, self.objective, self.epochs, self.curvature = probe, problem, objective, epochs, curvature
        self.flows = FLOWS
        self.rates = np.array([top / 2**k for k in range(probe.rates)][::-1])
        self.moved, self.spread = np.full(probe.rates, np.nan), np.full(probe.rates, np.nan)
        self.residuals = {name: np.full(probe.rates, np.nan) for name in FLOWS}

    def every_rate(self) -> Run:
        total = float(self.probe.rates)
        for done, k in enumerate(reversed(range(self.probe.rates))):
            yield from self._measure(k, float(done), total)
            if done + 1 < total:
                yield Progress(done=done + 1, total=total, partial=self.result())
        return self.result()

    def _measure(self, k: int, done: float, total: float) -> Generator[Progress, None, None]:
        lr, parts = float(self.rates[k]), len(self.flows) + 1
        note = f"learning rate {lr:.3g}"

        def told(steps: Any, part: int) -> Generator[Progress, None, Any]:
            while True:
                try:
                    fraction = next(steps)
                except StopIteration as stop:
                    return stop.value
                yield Progress(done=done + (part + fraction) / parts, total=total, note=note)

        ends = yield from told(self.epochs.mean(lr, self.probe.pairs), 0)
        length = float(ends.mean.norm())
        for part, (name, penalty) in enumerate(self.flows.items()):
            end = yield from told(self.epochs.flow(lr, penalty, self.curvature), part + 1)
            self.residuals[name][k] = float((ends.mean - end).norm()) / length if length else math.nan
        self.moved[k], self.spread[k] = length, ends.spread / length if length else math.nan

    def result(self) -> MeanStepResult:
        """The answer so far: a snapshot that later work does not touch."""
        complete = bool(np.isfinite(self.moved).all())
        return MeanStepResult(
            operator="hessian",
            size=self.objective.size,
            split=self.objective.split.name,
            examples=self.objective.examples,
            subset=describe_subset(self.probe, self.problem),
            batchnorm="frozen" if self.problem.has_batchnorm else "",
            precision=self.probe.precision,
            numbers=self.slopes(),
            notes=self.notes() if complete else (),
            provenance=Provenance(environment=dict(self.objective.environment)),
            rates=freeze(self.rates),
            moved=freeze(self.moved),
            spread=freeze(self.spread),
            residuals={name: freeze(values) for name, values in self.residuals.items()},
            steps=len(self.epochs.chunks),
            batch=self.epochs.batches.batch,
            orders=2 * self.probe.pairs,
            curvature=self.curvature,
            complete=complete,
        )

    def slopes(self) -> dict[str, Number]:
        from landscape_gui.core.mean_step import fitted_slope

        found = {}
        for name in ("modified", "plain", "half"):
            slope, error = fitted_slope(self.rates, self.residuals[name])
            if math.isfinite(slope):
                found[f"slope_{name}"] = number(f"slope_{name}", slope, error)
        return found

    def notes(self) -> tuple[str, ...]:
        """What keeps the residuals from saying what they are there for."""
        residual, found = self.residuals["modified"], self.slopes().get("slope_modified")
        eps = float(np.finfo(self.probe.precision).eps)
        if not residual[0] * self.moved[0] > 30 * eps * float(self.objective.origin.norm()):  # steps add up some roundings
            return ("At the smallest learning rate the residual is of the size of rounding: choose a larger one, or fewer rates.",)
        if found is None or found.value >= FEW:
            return ()
        return (
            "The residual on the modified loss is not of second order here: steps are too large for the expansion, or the loss has "
            "kinks on the way, as those of ReLU and max-pooling.",
        )
