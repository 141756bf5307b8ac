"""One place of a plane, picked in a picture: its values on all data, and the weights there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from landscape_gui.figure import Figure, Look, Note, Panel
from landscape_gui.probes import facts, sampling
from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.blocks import evaluate_anew
from landscape_gui.probes.plane import PlaneProbe, lay, resolve
from landscape_gui.results import CellResult, Provenance

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Cell(sampling.SampledProbe, PlaneProbe):
    """Loss and metrics at theta0 + x d1 + y d2 with standard errors, on all data unless `limit` says otherwise."""

    name: ClassVar[str] = "cell"
    version: ClassVar[int] = 2
    title: ClassVar[str] = "Cell"
    summary: ClassVar[str] = "Loss and accuracy of one place of a plane, on all data, with their standard errors"

    x: float = field(0.0, label="x", help="Coordinate along the first axis")
    y: float = field(0.0, label="y", help="Coordinate along the second axis")
    curvature_of: tuple[str, ...] = field(
        (), label="Axes from", help="Split and size of the subset whose Hessian the axes come from", hidden=True
    )

    def cost(self, problem: Problem) -> Cost:
        return Cost(points=1, examples=sampling.examples_of(self, problem), seconds=sampling.seconds_per_point(self, problem))

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        plane = yield from lay(self, problem, ask)
        evaluator = sampling.make_evaluator(self, problem)
        values = yield from evaluate_anew(evaluator, plane, np.array([[self.x, self.y]]), 0, 1)
        quantities = {}
        for name, mean in values.mean.items():
            error = values.standard_error[name]
            quantities[name] = sampling.quantity(
                name, mean[0], None if error is None else error[0], values.examples[name], axes=(), loss_unit=problem.loss_unit
            )
        return CellResult(
            x=self.x,
            y=self.y,
            quantities=quantities,
            axes=plane.report,
            centre=dict(problem.at_checkpoint()),
            batchnorm=evaluator.batchnorm if problem.has_batchnorm else "",
            subset=sampling.describe_subset(self, problem),
            precision=self.precision,
            provenance=Provenance(environment=evaluator.environment),
        )

    def figure(self, result: CellResult, look: Look) -> Figure:
        found = cell_facts(result)
        text = "\n".join(f"{label}: {value}" for label, value in found)
        return Figure(
            panels=(Panel(marks=(Note(text=text),), title="Cell"),), facts=found, caption=text, provenance=result.provenance
        )


def cell_of(probe: Probe, x: float, y: float) -> Cell:
    """The question about one place of the plane that `probe` is about: its way of evaluating, but all data and splits."""
    names = {f.name for f in dataclasses.fields(Cell)}
    fields = {f.name: getattr(probe, f.name) for f in dataclasses.fields(probe) if f.name in names}
    if fields.get("directions") == "eigenvectors" and not fields.get("curvature_of"):
        fields["curvature_of"] = (str(fields.get("split", "all")), str(fields.get("limit", 0)))
    return Cell(**{**fields, "x": float(x), "y": float(y), "limit": 0, "split": "all"})


def state_at(probe: Probe, problem: Problem, x: float, y: float, ask: Callable[[Probe], Run] | None = None) -> Tensor:
    """The weights (size,) at a place of the plane that `probe` is about, for saving as a checkpoint.

    BatchNorm statistics stay at the checkpoint's where the question has them frozen, and move linearly along the axes otherwise.
    ask: how the question about the plane's axes is answered where they are eigenvectors (None: computed on the spot).
    """
    cell = cell_of(probe.completed(problem), x, y)
    plane = resolve(cell, problem, ask=ask)
    state = plane.origin.clone()
    moving = state if sampling.chosen_batchnorm(cell, problem) != "frozen" else state[: problem.layout.parameters]
    for axis, distance in zip(plane.axes, (x, y), strict=True):
        moving.add_(axis[: moving.numel()], alpha=distance)
    return state


def cell_facts(result: CellResult) -> tuple[facts.Fact, ...]:
    """Place, values with standard errors, and the difference to the checkpoint."""
    found = [("Place", f"({result.x:.6g}, {result.y:.6g})")]
    for q in result.quantities.values():
        error = "" if q.standard_error is None else f" ± {facts.with_unit(float(q.standard_error), q.unit)}"
        found.append((q.label[:1].upper() + q.label[1:], facts.with_unit(float(q.values), q.unit) + error))
    return (*found, ("Data", result.subset))
