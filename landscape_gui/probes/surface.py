"""The loss on a grid of a plane through weight space."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.probes import grid, sampling
from landscape_gui.probes.base import Ask, Cost, Progress, Run, field
from landscape_gui.probes.blocks import Blocks
from landscape_gui.probes.plane import RANDOM, Plane, PlaneProbe, check_span, lay, resolve, variance_notes, wanted_span
from landscape_gui.results import Array, Provenance, Quantity, SurfaceResult, freeze

if TYPE_CHECKING:
    from landscape_gui.core.evaluate import Evaluator
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

SIZES = (51, 41, 31, 25, 21)
"""Points along each side that a surface may have where nobody says, the usual first; at 21 a valley is still told from a ridge."""
PATIENCE = 180.0
"""Seconds that such a surface may take by the estimate; the first coarse picture comes after a hundredth of them."""
STATISTICS = ("median", "minimum", "maximum", "spread")


@dataclass(frozen=True, kw_only=True)
class Surface(sampling.SampledProbe, PlaneProbe):
    """Loss and metrics at theta0 + x d1 + y d2 on a grid, coarse first. Every point is computed, unless `adaptive`.

    Cost: nx times ny forward passes over the data, times `draws`. The answer is a SurfaceResult; arrays are (ny, nx).
    """

    name: ClassVar[str] = "surface"
    version: ClassVar[int] = 3
    title: ClassVar[str] = "Loss surface"
    summary: ClassVar[str] = "The loss around the checkpoint in two directions: how wide, how rough, how round the valley is"

    steps: tuple[int, int] = field(
        (SIZES[0], SIZES[0]),
        label="Steps",
        help="Points along x and y; where nobody says, fewer if these would take more than three minutes",
        minimum=2,
        maximum=4097,
        metavar="NX NY",
    )
    span: tuple[float, ...] = field(
        (),
        label="Span",
        help="How far to go, in units of the directions: nothing (automatic), r, rx ry, or x0 x1 y0 y1",
        metavar="R",
    )
    draws: int = field(
        1, label="Draws", help="Several direction seeds, to see whether a shape is real or one draw", minimum=1, maximum=100
    )
    adaptive: bool = field(
        False, label="Adaptive", help="Compute only where the surface bends, interpolate the rest, tell its error"
    )
    tolerance: float = field(
        0.016,
        label="Tolerance",
        help="Of the adaptive surface: how far a point may lie from its prediction, in ln loss",
        minimum=1e-4,
        maximum=1.0,
        advanced=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span(self.span)
        if self.draws > 1 and self.directions not in RANDOM:
            raise QuestionError(
                "Several draws need random directions.", remedy="Choose filter, layer or raw directions, or one draw."
            )
        if self.draws > 1 and self.adaptive:
            raise QuestionError("Several draws are computed on the whole grid.", remedy="Choose either adaptive or several draws.")

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(self.seed + k for k in range(self.draws)) if self.directions in (*RANDOM, "towards") else ()

    def cost(self, problem: Problem) -> Cost:
        points = self.steps[0] * self.steps[1] * self.draws
        pace = sampling.seconds_per_point(self, problem)
        usual = SIZES[0] ** 2 * self.draws
        finer = (f"{SIZES[0]} × {SIZES[0]}", pace * usual) if points < usual and pace * usual > PATIENCE else ("", float("nan"))
        return Cost(points=points, examples=sampling.examples_of(self, problem), seconds=pace * points, finer=finer)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        plane = yield from lay(self, problem, ask)
        evaluator = sampling.make_evaluator(self, problem)
        partial = ask.partial if isinstance(ask.partial, SurfaceResult) else None
        running = Running(self, problem, evaluator, plane, partial)
        if self.adaptive:
            from landscape_gui.probes.adaptive import refine

            return (yield from refine(running))
        return (yield from running.whole_grid())

    def figure(self, result: SurfaceResult, look: Look) -> Figure:
        from landscape_gui.probes.landmarks import landmarks
        from landscape_gui.probes.pictures import surface_figure

        return surface_figure(result, look, landmarks(result))


class Running:
    """A surface being computed: its plane, its points and what has come in."""

    def __init__(
        self, probe: Surface, problem: Problem, evaluator: Evaluator, plane: Plane, partial: SurfaceResult | None = None
    ) -> None:
        self.probe, self.problem, self.plane = probe, problem, plane
        self.nx, self.ny = probe.steps
        span = wanted_span(probe.span, plane.span)
        self.x, self.y = grid.positions(span[0], span[1], self.nx), grid.positions(span[2], span[3], self.ny)
        self.order, self.ends = grid.order(self.ny, self.nx)
        self.blocks = Blocks(evaluator, self.nx * self.ny, probe.draws)
        self.centre = dict(problem.at_checkpoint())
        corners = [(span[i], span[j]) for i in (0, 1) for j in (2, 3)]
        self.notes = variance_notes(plane, problem, corners) if evaluator.batchnorm == "interpolated" else ()
        self.blocks.take_up(partial, self.order)

    def whole_grid(self) -> Run:
        """Every point, in blocks that are the same whether the work was interrupted or not."""
        points = self.nx * self.ny
        total = points * self.probe.draws
        plane, drawn = self.plane, 0
        for draw, start, stop in grid.blocks(self.ends, self.probe.draws, self.blocks.size):
            if draw * points + stop <= self.blocks.finished:
                continue
            if draw != drawn:
                plane, drawn = resolve(self.probe, self.problem, seed=self.probe.seeds[draw]), draw
            where = self.order[start:stop]
            yield from self.evaluate(plane, draw, where, draw * points + start, total)
            self.blocks.finished = draw * points + stop
            if self.blocks.finished < total:
                yield Progress(done=self.blocks.finished, total=total, partial=self.result())
        return self.result()

    def evaluate(self, plane: Plane, draw: int, where: Array, done: float, total: float) -> Generator[Progress, None, None]:
        """Values at the points with these flat indices, into the tally."""
        coordinates = np.stack([self.x[where % self.nx], self.y[where // self.nx]], axis=1)
        yield from self.blocks.evaluate(plane, coordinates, where, draw=draw, done=done, total=total)

    def result(self, **more: Any) -> SurfaceResult:
        """The answer so far: a snapshot that later work does not touch."""
        shape = (self.ny, self.nx)
        computed = np.zeros(self.nx * self.ny, dtype=bool)
        computed[self.order[: self.blocks.finished]] = True
        unit = self.problem.loss_unit
        quantities = {
            name: sampling.quantity(
                name,
                means[0].reshape(shape),
                None if (error := self.blocks.tally.errors[name]) is None else error.reshape(shape),
                self.blocks.tally.examples[name],
                axes=("y", "x"),
                loss_unit=unit,
            )
            for name, means in self.blocks.tally.means.items()
        }
        draws: dict[str, Array] = {}
        if self.probe.draws > 1:
            draws = {name: freeze(means.reshape(-1, *shape)) for name, means in self.blocks.tally.means.items()}
            complete = self.blocks.finished // (self.nx * self.ny)
            quantities.update(statistics(quantities, draws, complete))
        answer = SurfaceResult(
            x=freeze(self.x),
            y=freeze(self.y),
            quantities=quantities,
            computed=freeze(computed.reshape(shape), bool),
            axes=self.plane.report,
            centre=self.centre,
            draws=draws,
            seeds=self.probe.seeds,
            batchnorm=self.blocks.evaluator.batchnorm if self.problem.has_batchnorm else "",
            subset=sampling.describe_subset(self.probe, self.problem),
            precision=self.probe.precision,
            notes=self.notes,
            provenance=Provenance(environment=self.blocks.environment),
        )
        return dataclasses.replace(answer, **more) if more else answer


def statistics(quantities: dict[str, Quantity], draws: dict[str, Array], complete: int) -> dict[str, Quantity]:
    """Median, minimum, maximum and spread (maximum less minimum) over the draws that are complete, if two or more are.

    A cell that is not finite in one draw is not finite in the statistics that it would decide: nothing is left out of them.
    """
    found = {}
    for name, values in draws.items() if complete > 1 else ():
        rows, base = values[:complete], quantities[name]
        with np.errstate(invalid="ignore"):
            arrays = {"median": np.median(rows, axis=0), "minimum": rows.min(axis=0), "maximum": rows.max(axis=0)}
            arrays["spread"] = arrays["maximum"] - arrays["minimum"]
        for statistic in STATISTICS:
            label = f"{base.label}, {statistic} of {complete} draws"
            found[f"{name}_{statistic}"] = dataclasses.replace(
                base, name=f"{name}_{statistic}", label=label, values=freeze(arrays[statistic]), standard_error=None
            )
    return found
