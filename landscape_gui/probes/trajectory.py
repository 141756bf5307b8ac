"""A training run in a plane: where its checkpoints lie, how far off the plane they are, and the surface beneath."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.probes import sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Progress, Run, field
from landscape_gui.probes.blocks import evaluate_anew
from landscape_gui.probes.grid import Tally
from landscape_gui.probes.plane import DIRECTIONS, Plane, PlaneProbe, bounding_box, check_span, lay, run_of
from landscape_gui.results import Array, Provenance, Quantity, SurfaceResult, TrajectoryResult, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.evaluate import Evaluator
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Trajectory(sampling.SampledProbe, PlaneProbe):
    """The run's checkpoints in a plane, by joint least squares, with their true loss beside the plane's and the plane's surface.

    The plane is that of the two leading principal components of theta_t - theta_end, or any other that `directions` names. Gives a
    TrajectoryResult. Cost: that of the surface, which is kept as an answer of its own, and two evaluations a checkpoint.
    """

    name: ClassVar[str] = "trajectory"
    version: ClassVar[int] = 2
    title: ClassVar[str] = "Trajectory"
    purpose: ClassVar[str] = "Training"
    summary: ClassVar[str] = "The path of training in the plane of its principal components, and what that plane leaves out"

    directions: str = field("principal", label="Directions", help="What the axes are", choices=DIRECTIONS)
    steps: tuple[int, int] = field((51, 51), label="Steps", help="Points along x and y", minimum=2, maximum=4097, metavar="NX NY")
    span: tuple[float, ...] = field(
        (), label="Span", help="How far to go: nothing (around the run), r, rx ry, or x0 x1 y0 y1", metavar="R"
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

    def cost(self, problem: Problem) -> Cost:
        points = self.steps[0] * self.steps[1] + 2 * len(self.run_checkpoints)
        pace = sampling.seconds_per_point(self, problem)
        return Cost(points=points, examples=sampling.examples_of(self, problem), seconds=pace * points)

    def run(self, problem: Problem, ask: Ask) -> Run:
        references = self.run_checkpoints or run_of(problem)
        total = self.steps[0] * self.steps[1] + 2 * len(references)
        yield Progress(done=0, total=total, note="reading the run")
        states = [problem.state_of(reference) for reference in references]
        yield Progress(done=0, total=total, note="laying the plane")
        plane = yield from lay(self, problem, ask)
        evaluator = sampling.make_evaluator(self, problem)
        path = yield from self.walk(problem, plane, references, states, evaluator, total)
        surface = yield from self._ask(ask, plane, path, total)
        return self.result(problem, path, surface, evaluator)

    def walk(
        self,
        problem: Problem,
        plane: Plane,
        references: Sequence[CheckpointRef],
        states: Sequence[Tensor],
        evaluator: Evaluator,
        total: float,
    ) -> Generator[Progress, None, Walk]:
        """Everything about the checkpoints themselves: places, distances, true values and the plane's."""
        from landscape_gui.core.directions import project

        coordinates, off_plane = project(states, plane.origin, plane.axes, problem.layout.parameters)
        distance = [float((s - plane.origin)[: problem.layout.parameters].double().norm()) for s in states]
        own = sampling.make_evaluator(self, problem, batchnorm="frozen")
        true, flat = Tally(len(states)), Tally(len(states))
        for k, state in enumerate(states):
            values = yield from sampling.relay(own.evaluate(state, (), ()), k, 1, total)
            true.add(0, np.array([k]), values)
        below = yield from evaluate_anew(evaluator, plane, coordinates, len(states), total)
        flat.add(0, np.arange(len(states)), below)
        names = tuple(r.label or r.path for r in references)
        return Walk(names, order_of(problem, references), coordinates, off_plane, np.array(distance), true, flat)

    def _ask(self, ask: Ask, plane: Plane, path: Walk, total: float) -> Generator[Progress, None, SurfaceResult]:
        """The surface beneath, asked as a question of its own; its partial answers already carry the path."""
        steps = ask(self.surface(plane, path))
        before = 2 * len(path.names)
        try:
            while True:
                try:
                    progress = next(steps)
                except StopIteration as stop:
                    surface: SurfaceResult = stop.value
                    return surface
                done = before + (total - before) * progress.done / max(progress.total, 1e-300)
                yield Progress(done=done, total=total, partial=self.partial(path, progress.partial), note=progress.note)
        finally:
            steps.close()

    def surface(self, plane: Plane, path: Walk) -> Any:
        """The question about the surface: the same fields; its span is the run's box where the axes themselves suggest none."""
        from landscape_gui.probes.surface import Surface

        names = {f.name for f in dataclasses.fields(Surface)}
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name in names}
        if self.directions != "principal":
            fields["run_checkpoints"] = ()
            fields["span"] = self.span or bounding_box(path.coordinates, 0.15)
        return Surface(**fields)

    def partial(self, path: Walk, surface: Any) -> TrajectoryResult | None:
        return self.assemble(path, surface, {}, "nat") if isinstance(surface, SurfaceResult) else None

    def result(self, problem: Problem, path: Walk, surface: SurfaceResult, evaluator: Evaluator) -> TrajectoryResult:
        return self.assemble(path, surface, evaluator.environment, problem.loss_unit)

    def assemble(self, path: Walk, surface: SurfaceResult, environment: dict[str, Any], loss_unit: str) -> TrajectoryResult:
        units = {name: q.unit for name, q in surface.quantities.items() if name.endswith("_loss")}
        unit = next(iter(units.values()), loss_unit)
        return TrajectoryResult(
            names=path.names,
            order=freeze(path.order),
            x=freeze(path.coordinates[:, 0]),
            y=freeze(path.coordinates[:, 1]),
            off_plane=freeze(path.off_plane),
            distance=freeze(path.distance),
            quantities=along_run(path.true, unit),
            plane_quantities=along_run(path.flat, unit),
            surface=surface,
            provenance=Provenance(environment=environment),
        )

    def figure(self, result: TrajectoryResult, look: Look) -> Figure:
        from landscape_gui.probes.run_pictures import trajectory_figure

        return trajectory_figure(result, look)


@dataclass(frozen=True)
class Walk:
    """The checkpoints: names, order (k,), coordinates (k, 2), distances (k,), true values and those of the plane beneath."""

    names: tuple[str, ...]
    order: Array
    coordinates: Array
    off_plane: Array
    distance: Array
    true: Tally
    flat: Tally


def along_run(tally: Tally, loss_unit: str) -> dict[str, Quantity]:
    return {
        name: sampling.quantity(name, means[0], tally.errors[name], tally.examples[name], axes=("checkpoint",), loss_unit=loss_unit)
        for name, means in tally.means.items()
    }


def order_of(problem: Problem, references: Sequence[CheckpointRef]) -> Array:
    """Epochs where every checkpoint has one, else steps, else 0, 1, 2, ..."""
    entries = {str(e.path): e for e in (problem.run.checkpoints if problem.run is not None else ())}
    found = [entries.get(str(r.path)) for r in references]
    for kind in ("epoch", "step"):
        values = [getattr(e, kind, None) for e in found]
        if all(v is not None for v in values):
            return np.array(values, dtype=np.float64)
    return np.arange(len(references), dtype=np.float64)
