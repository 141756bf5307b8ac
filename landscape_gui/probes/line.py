"""The loss along a line through weight space, with standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from landscape_gui.probes import grid, sampling
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.blocks import Blocks
from landscape_gui.probes.plane import Plane, PlaneProbe, check_span, lay, only, variance_notes, wanted_span
from landscape_gui.results import LineResult, Provenance, freeze

if TYPE_CHECKING:
    from landscape_gui.core.evaluate import Evaluator
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Line(sampling.SampledProbe, PlaneProbe):
    """Loss and metrics at theta0 + x d, or along one axis of a surface's plane through (`at`). The answer is a LineResult.

    The same fields give the same axes as in Surface: along x at (0, 0) this is its row y = 0. Cost: `steps` forward passes.
    """

    name: ClassVar[str] = "line"
    version: ClassVar[int] = 3
    title: ClassVar[str] = "Line"
    summary: ClassVar[str] = "Loss and accuracy along one direction, or from one checkpoint to another, with their standard errors"

    steps: int = field(101, label="Steps", help="Points along the line", minimum=2, maximum=100_001, metavar="N")
    span: tuple[float, ...] = field(
        (), label="Span", help="How far to go, in units of the direction: nothing (automatic), r, or from and to", metavar="R"
    )
    along: str = field(
        "x",
        label="Along",
        help="Which axis of the plane the line follows",
        choices={"x": "the first", "y": "the second"},
        advanced=True,
    )
    at: tuple[float, float] = field(
        (0.0, 0.0), label="Through", help="A point (x, y) of the plane that the line goes through", advanced=True, metavar="X Y"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span((*self.span, 0.0, 1.0) if len(self.span) == 2 else self.span)

    def cost(self, problem: Problem) -> Cost:
        pace = sampling.seconds_per_point(self, problem)
        return Cost(points=self.steps, examples=sampling.examples_of(self, problem), seconds=pace * self.steps)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        partial = ask.partial if isinstance(ask.partial, LineResult) else None
        plane = yield from lay(self, problem, ask)
        running = Running(self, problem, sampling.make_evaluator(self, problem), plane, partial)
        return (yield from running.every_point())

    def figure(self, result: LineResult, look: Look) -> Figure:
        from landscape_gui.probes.pictures import line_figure

        return line_figure(result, look)


class Running:
    """A line being computed, coarse first, in blocks that are the same whatever happened before."""

    def __init__(self, probe: Line, problem: Problem, evaluator: Evaluator, plane: Plane, partial: LineResult | None) -> None:
        self.probe, self.problem, self.plane = probe, problem, plane
        low, high = self._ends()
        self.x = grid.positions(low, high, probe.steps)
        self.order, self.ends = grid.order(1, probe.steps)
        self.blocks = Blocks(evaluator, probe.steps)
        self.centre = dict(problem.at_checkpoint())
        self.notes = variance_notes(plane, problem, self._corners()) if evaluator.batchnorm == "interpolated" else ()
        self.blocks.take_up(partial, self.order)

    def _ends(self) -> tuple[float, float]:
        if len(self.probe.span) == 2:
            return self.probe.span[0], self.probe.span[1]
        span = wanted_span(self.probe.span, self.plane.span)
        return (span[0], span[1]) if self.probe.along == "x" else (span[2], span[3])

    def _corners(self) -> list[tuple[float, float]]:
        ends = (float(self.x[0]), float(self.x[-1]))
        return [(t, self.probe.at[1]) if self.probe.along == "x" else (self.probe.at[0], t) for t in ends]

    def every_point(self) -> Run:
        total = self.probe.steps
        axis = 0 if self.probe.along == "x" else 1
        for _, start, stop in grid.blocks(self.ends, size=self.blocks.size):
            if stop <= self.blocks.finished:
                continue
            where = self.order[start:stop]
            coordinates = np.tile(np.array(self.probe.at, dtype=np.float64), (len(where), 1))
            coordinates[:, axis] = self.x[where]
            yield from self.blocks.evaluate(self.plane, coordinates, where, draw=0, done=start, total=total)
            self.blocks.finished = stop
            if stop < total:
                yield Progress(done=stop, total=total, partial=self.result())
        return self.result()

    def result(self) -> LineResult:
        computed = np.zeros(self.probe.steps, dtype=bool)
        computed[self.order[: self.blocks.finished]] = True
        unit, tally = self.problem.loss_unit, self.blocks.tally
        quantities = {
            name: sampling.quantity(name, means[0], tally.errors[name], tally.examples[name], axes=("x",), loss_unit=unit)
            for name, means in tally.means.items()
        }
        axis = 0 if self.probe.along == "x" else 1
        away = self.probe.at[1 - axis]
        notes = (f"through {'y' if axis == 0 else 'x'} = {away:g} of the plane",) if away else ()
        return LineResult(
            x=freeze(self.x),
            quantities=quantities,
            computed=freeze(computed, bool),
            axes=only(self.plane.report, axis),
            centre=self.centre,
            batchnorm=self.blocks.evaluator.batchnorm if self.problem.has_batchnorm else "",
            subset=sampling.describe_subset(self.probe, self.problem),
            precision=self.probe.precision,
            notes=(*notes, *self.notes),
            provenance=Provenance(environment=self.blocks.environment),
        )
