"""The loss that finite steps descend in effect, on a plane beside the loss itself."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.probes import curvature, grid, sampling
from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature_numbers import Training, training_of
from landscape_gui.probes.plane import Plane, PlaneProbe, check_span, lay, wanted_span
from landscape_gui.probes.training_numbers import trained_batch
from landscape_gui.results import Provenance, Quantity, SurfaceResult, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

SQUARE, SCATTER, PENALTY = "gradient_squared", "minibatch_scatter", "penalty"
BACKWARD = 3.0
"""A gradient costs about so many forward passes."""
CALL = 2e-4
"""Seconds that each layer adds to the gradient of a batch, however small it is."""


@dataclass(frozen=True, kw_only=True)
class ImplicitBias(PlaneProbe):
    """L, ||grad L||^2, the scatter of mini-batch gradients, and L + (lr/4)(||grad L||^2 + scatter) on a grid, coarse first.

    Gradient descent with steps of size lr follows the gradient flow on that modified loss to second order in lr (Barrett and Dherin
    2021, equation 3); with mini-batches its mean over their orders does, with the mean over batches of ||grad L_i - grad L||^2
    added (Smith et al. 2021, equation 1). Both are about plain gradient descent: no momentum, no weight decay. Batches are those of
    one permutation of the examples drawn from `seed`. BatchNorm statistics stay the checkpoint's. Gives a SurfaceResult; the
    scatter's standard error is over batches. Cost: a gradient a point, in pieces of a batch.
    """

    name: ClassVar[str] = "implicit"
    title: ClassVar[str] = "Implicit bias"
    purpose: ClassVar[str] = "Training"
    summary: ClassVar[str] = "The loss that finite steps descend in effect, beside the loss: where training avoids large gradients"

    lr: float = field(
        0.0,
        label="Learning rate",
        help="Of the steps; 0 takes the one that the checkpoint was trained with",
        minimum=0.0,
        metavar="LR",
    )
    batch: int = field(
        0,
        label="Batch",
        help="Examples of a step: 0 as the checkpoint was trained, where that is known, else all; any number from all of them on "
        "means steps on the full batch, without scatter",
        unit="examples",
        minimum=0,
    )
    steps: tuple[int, int] = field((21, 21), label="Steps", help="Points along x and y", minimum=2, maximum=1025, metavar="NX NY")
    span: tuple[float, ...] = field(
        (),
        label="Span",
        help="How far to go, in units of the directions: nothing (automatic), r, rx ry, or x0 x1 y0 y1",
        metavar="R",
    )
    split: str = field("", label="Data", help="The split whose mean loss is meant; empty: the first one", metavar="NAME")
    limit: int = field(0, label="Subset", help="A random subset of so many examples; 0 takes all", minimum=0)
    precision: str = field(
        "float32",
        label="Precision",
        help="Arithmetic of the network",
        choices={"float32": "as networks are trained", "float64": "double; about twice the time"},
        advanced=True,
    )
    training: str | None = field(None, label="Training", help="How steps were made, as the card says", hidden=True, silent=True)
    batchnorm: str = field("frozen", label="BatchNorm", help="Its statistics stay the checkpoint's", hidden=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span(self.span)

    @property
    def data(self) -> curvature.CurvatureProbe:
        """On which data, as every question about curvature says it."""
        return curvature.CurvatureProbe(split=self.split, limit=self.limit, seed=self.seed, precision=self.precision)

    def completed(self, problem: Problem) -> Probe:
        """With the learning rate and batch of training where the question leaves them open."""
        split = curvature.split_of(self.data, problem)
        training = training_of(problem)
        lr = self.lr or training.lr
        if not math.isfinite(lr):
            raise QuestionError(
                "The learning rate is not known: neither the checkpoint, nor its run's log, nor its card says one.",
                remedy="Give it: lr=0.1, or --lr 0.1.",
            )
        count = curvature.examples_of(self.data, problem)
        batch = min(self.batch or trained_batch(problem) or count, count)
        told = f"{training.optimizer}, lr {training.lr:g}, momentum {training.momentum:g}, weight decay {training.weight_decay:g}"
        asked = dataclasses.replace(
            self, split=split, lr=lr, batch=batch, training=told if training != Training(lr=training.lr) else None
        )
        return PlaneProbe.completed(asked, problem)

    def cost(self, problem: Problem) -> Cost:
        points, count = self.steps[0] * self.steps[1], curvature.examples_of(self.data, problem)
        batch = self.batch or trained_batch(problem) or count
        forward = curvature.cost_of(self.data, problem, 1).seconds / curvature.PASSES
        calls = CALL * len(problem.layout.layers()) * (count / batch if batch else 1)
        return Cost(points=points, examples=count, seconds=(BACKWARD * forward + calls) * points)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        asked = self if self.lr and self.batch and self.split else self.completed(problem)
        assert isinstance(asked, ImplicitBias)
        plane = yield from lay(asked, problem, ask)
        partial = ask.partial if isinstance(ask.partial, SurfaceResult) else None
        return (yield from Running(asked, problem, plane, partial).every_point())

    def figure(self, result: SurfaceResult, look: Look) -> Figure:
        from landscape_gui.probes.implicit_pictures import implicit_figure

        return implicit_figure(result, look)


class Running:
    """A surface of squares being computed: a point's bits depend on its place and data alone."""

    def __init__(self, probe: ImplicitBias, problem: Problem, plane: Plane, partial: SurfaceResult | None) -> None:
        from landscape_gui.core.implicit_bias import ModifiedLoss

        self.probe, self.problem, self.plane = probe, problem, plane
        self.objective = curvature.objective_of(probe.data, problem)
        examples = self.objective.examples
        self.batch = 0 if examples and probe.batch >= examples else probe.batch
        self.measure = ModifiedLoss(self.objective, batch=self.batch, seed=probe.seed)
        self.axes = [self.objective.extract(axis).double() for axis in plane.axes]
        self.nx, self.ny = probe.steps
        span = wanted_span(probe.span, plane.span)
        self.x, self.y = grid.positions(span[0], span[1], self.nx), grid.positions(span[2], span[3], self.ny)
        self.order, _ = grid.order(self.ny, self.nx)
        self.loss_name = f"{self.objective.split.name}_loss"
        self.modified_name = f"{self.objective.split.name}_modified_loss"
        names = (self.loss_name, SQUARE, SCATTER)
        self.values = {name: np.full(self.nx * self.ny, np.nan) for name in names}
        self.error = np.full(self.nx * self.ny, np.nan)
        self.finished = 0
        self.centre = dict(problem.at_checkpoint())
        self._take_up(partial)

    def _take_up(self, partial: SurfaceResult | None) -> None:
        """Go on from a partial answer of the same surroundings."""
        if partial is None or not set(self.values) <= set(partial.quantities):
            return
        before = partial.provenance.environment
        same = json.loads(json.dumps(self.objective.environment, default=str))
        if any(before.get(name) != value for name, value in same.items()):
            return
        for name, values in self.values.items():
            values[:] = partial.quantities[name].values.ravel()
        error = partial.quantities[SCATTER].standard_error
        if error is not None:
            self.error[:] = error.ravel()
        self.finished = int(before["points"])

    def every_point(self) -> Run:
        total = len(self.order)
        pace = curvature.Pace()
        for point in self.order[self.finished :]:
            found = self.measure.at(self._place(int(point)))
            for name, value in zip(self.values, (found.loss, found.square, found.scatter), strict=True):
                self.values[name][point] = value
            self.error[point] = found.scatter_error
            self.finished += 1
            if self.finished < total:
                yield Progress(done=self.finished, total=total, partial=self.result() if pace.due() else None)
        return self.result()

    def _place(self, point: int) -> Tensor:
        """The parameters at a point, (n,), computed in float64."""
        x, y = float(self.x[point % self.nx]), float(self.y[point // self.nx])
        return (self.objective.origin.double() + x * self.axes[0] + y * self.axes[1]).to(self.objective.dtype)

    def result(self) -> SurfaceResult:
        """The answer so far: a snapshot that later work does not touch."""
        computed = np.zeros(self.nx * self.ny, dtype=bool)
        computed[self.order[: self.finished]] = True
        environment = {**self.objective.environment, "points": self.finished}
        return SurfaceResult(
            x=freeze(self.x),
            y=freeze(self.y),
            quantities=self._quantities(),
            computed=freeze(computed.reshape(self.ny, self.nx), bool),
            axes=self.plane.report,
            centre=self.centre,
            batchnorm="frozen" if self.problem.has_batchnorm else "",
            subset=curvature.describe_subset(self.probe.data, self.problem),
            precision=self.probe.precision,
            notes=self._notes(),
            provenance=Provenance(environment=environment),
        )

    def _quantities(self) -> dict[str, Quantity]:
        """The loss, the modified loss, what was added to it, and its parts."""
        unit, part = self.problem.loss_unit, self.probe.lr / 4
        loss, square, scatter = self.values.values()
        penalty = part * (square + scatter)
        error = part * self.error if self.batch else None
        label = sampling.label_of(self.loss_name)
        lr = f"lr {self.probe.lr:g}"
        entries = [
            (self.loss_name, label, loss, None, unit),
            (self.modified_name, f"modified {label}, {lr}", loss + penalty, error, unit),
            (PENALTY, f"implicit penalty, {lr}", penalty, error, unit),
            (SQUARE, "squared gradient norm", square, None, ""),
            (SCATTER, f"scatter of gradients of {self.probe.batch:,} examples", scatter, self.error, ""),
        ]
        return {entry[0]: self._quantity(*entry) for entry in entries if entry[0] != SCATTER or self.batch}

    def _quantity(self, name: str, label: str, values: np.ndarray, error: np.ndarray | None, unit: str) -> Quantity:
        shape = (self.ny, self.nx)
        known = error is not None and bool(np.isfinite(error).any())
        return Quantity(
            name=name,
            label=label,
            values=freeze(values.reshape(shape)),
            standard_error=freeze(error.reshape(shape)) if known and error is not None else None,
            unit=unit,
            axes=("y", "x"),
            examples=self.objective.examples,
        )

    def _notes(self) -> tuple[str, ...]:
        over = "mini-batches of one permutation" if self.batch else "the full batch"
        notes = [f"The modified loss is that of plain gradient descent at lr {self.probe.lr:g} with steps on {over}."]
        training = training_of(self.problem)
        if training.momentum and training.lr == self.probe.lr:
            notes.append(f"Training had momentum {training.momentum:g}, with which steps are longer than lr says.")
        if training.weight_decay:
            notes.append(f"Training had weight decay {training.weight_decay:g}, whose slope is no part of the gradients here.")
        if training.optimizer not in ("", "sgd", "gd", "gradient descent", "momentum", "nesterov"):
            notes.append(f"Training used {training.optimizer}, of whose steps this says nothing.")
        return tuple(notes)
