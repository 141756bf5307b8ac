"""The plane that holds two models and the bend of a path between them: its surface, with every path seen in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.connection_results import PathPlaneResult, PathResult, PlacedPath
from landscape_gui.errors import QuestionError
from landscape_gui.probes import path_axes, path_finding, sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import relayed, share_of
from landscape_gui.probes.pair import check_pair, names_of
from landscape_gui.probes.path import PathQuestion, mode_of
from landscape_gui.probes.plane import Plane, Span, check_span
from landscape_gui.probes.surface import Surface
from landscape_gui.results import Provenance, SurfaceResult, freeze

if TYPE_CHECKING:
    from landscape_gui.core.curves import Curve
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

PATHS = {name: words for name, words in path_finding.PATHS.items() if name != "repaired"}
"""The straight line is always drawn, named or not. Repairing changes weights at each place and spans no plane."""
FINDING = 0.3
"""The share of the work that finding and measuring the paths is told to be."""


@dataclass(frozen=True, kw_only=True)
class PathPlane(sampling.SampledProbe):
    """The loss on the plane through this checkpoint (0, 0), `towards` (1, 0) and the bend of the first path, with all paths in it.

    Axes stand at right angles and have one unit, the distance of the two models. The paths, trained or aligned, are questions of
    their own, the same as those of connect; so is the surface. Each path is projected by least squares, and its distance off the
    plane and its true loss are told. Gives a PathPlaneResult. Cost: that of the paths and of nx times ny forward passes. Raises
    QuestionError where the path does not bend.
    """

    name: ClassVar[str] = "path-plane"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Plane of paths"
    summary: ClassVar[str] = "The loss on the plane of two models and a path's bend, with the paths between them"
    purpose: ClassVar[str] = "Connectivity"

    towards: CheckpointRef | None = field(None, label="Towards", help="The other model", metavar="OTHER", positional=True)
    path: tuple[str, ...] = field(
        ("bezier",), label="Paths", help="Beside the straight line; the plane holds the first one's bend", choices=PATHS
    )
    steps: tuple[int, int] = field((41, 41), label="Steps", help="Points along x and y", minimum=2, maximum=4097, metavar="NX NY")
    span: tuple[float, ...] = field(
        (), label="Span", help="How far to go: nothing (around the paths), r, rx ry, or x0 x1 y0 y1", metavar="R"
    )
    points: int = field(25, label="Points", help="Places on each path, both ends included", minimum=3, maximum=100_001)
    seed: int = field(0, label="Seed", help="Seed of training and of the subset of the data", minimum=0, maximum=2**62)
    bends: int = field(1, label="Bends", help="Control points of a curve or chain between its ends", minimum=1, maximum=100)
    pivots: int = field(7, label="Pivots", help="Points of an elastic band between its ends, at most", minimum=1, maximum=100)
    training_steps: int = field(
        0, label="Training steps", help="Of each trained path; 0 chooses by the network", minimum=0, maximum=10_000_000
    )
    method: str = field(
        "weights",
        label="Matching",
        help="How units are matched for an aligned line",
        choices={"weights": "by their weights (Git Re-Basin)", "activations": "by what they answer to the data"},
        advanced=True,
    )
    adaptive: bool = field(
        False, label="Adaptive", help="Compute only where the surface bends, interpolate the rest, tell its error"
    )
    of: tuple[Probe, ...] = field((), label="Of", help="The questions whose answers are the paths", hidden=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span(self.span)
        if not self.path:
            raise QuestionError("No path is named.", remedy=f"Choose some of {', '.join(PATHS)}.")

    def completed(self, problem: Problem) -> PathPlane:
        """With the paths' own questions, which count in the key; `of` may also be given: those of a connection, say."""
        towards = check_pair(problem, self.towards)
        whole = dataclasses.replace(self, path=tuple(dict.fromkeys(p for p in self.path if p != "line")) or ("line",))
        return whole if self.of else dataclasses.replace(whole, of=tuple(whole.questions(problem, towards)))

    def questions(self, problem: Problem, towards: CheckpointRef) -> list[PathQuestion]:
        """One a path, the straight line first."""
        same = {name: getattr(self, name) for name in ("limit", "precision", "tier", "points", "seed")}
        given = {name: getattr(self, name) for name in ("seed", "bends", "pivots", "method")} | {"steps": self.training_steps}
        mode = mode_of(self.batchnorm, problem)
        asked = []
        for path in dict.fromkeys(("line", *self.path)):
            of = path_finding.question_of(path, problem, towards, given)
            asked.append(PathQuestion(**same, towards=towards, path=path, of=of, batchnorm=mode).completed(problem))
        return asked

    def cost(self, problem: Problem) -> Cost:
        points = self.steps[0] * self.steps[1]
        pace = sampling.seconds_per_point(dataclasses.replace(self, batchnorm=mode_of(self.batchnorm, problem)), problem)
        return Cost(points=points, examples=sampling.examples_of(self, problem), seconds=pace * points)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        towards = check_pair(problem, self.towards)
        asked: Any = self.of or self.questions(problem, towards)
        through = next((question.of for question in asked if question.of is not None), None)
        if through is None:
            bending = ", ".join(name for name in PATHS if name != "line")
            raise QuestionError("A straight line spans no plane.", remedy=f"Name a path that bends: {bending}.")
        found = []
        for k, question in enumerate(asked):
            path, curve = yield from self._ask(ask, question, problem, towards, (k / len(asked), (k + 1) / len(asked)))
            found.append((path, curve))
        bent = next(curve for question, (_, curve) in zip(asked, found, strict=True) if question.of is not None)
        plane = path_axes.plane_of(problem, towards, bent, path_axes.bend_words(through), self.steps)
        scene = Scene(problem, towards, plane, bent, through, found)
        surface = yield from self._surface(ask, through, towards, scene)
        return scene.result(surface)

    def _ask(
        self, ask: Ask, question: Any, problem: Problem, towards: CheckpointRef, part: tuple[float, float]
    ) -> Generator[Progress, None, tuple[PathResult, Curve]]:
        """One path as it was measured, and its control points."""

        def tell(progress: Progress) -> Progress:
            done = FINDING * (part[0] + (part[1] - part[0]) * share_of(progress))
            return Progress(done=done, total=1.0, note=progress.note or f"measuring the {question.path} path")

        path: Any = yield from relayed(ask(question), tell)
        if question.of is None:
            return path, path_finding.straight(problem, towards).curve
        curve = yield from path_axes.found_path(question.of, towards, problem, ask)
        return path, curve

    def _surface(self, ask: Ask, through: Probe, towards: CheckpointRef, scene: Scene) -> Generator[Progress, None, SurfaceResult]:
        """The surface, a question of its own; its partial answers already carry the paths."""

        def tell(progress: Progress) -> Progress:
            partial = scene.result(progress.partial) if isinstance(progress.partial, SurfaceResult) else None
            return Progress(done=FINDING + (1 - FINDING) * share_of(progress), total=1.0, partial=partial, note=progress.note)

        surface: Any = yield from relayed(ask(self.surface(through, towards, scene.span(self.steps))), tell)
        return surface  # type: ignore[no-any-return]

    def surface(self, through: Probe, towards: CheckpointRef, span: Span) -> Surface:
        """The question about the surface: around all paths where no span is given."""
        names = ("split", "limit", "batchnorm", "precision", "tier", "seed", "steps", "adaptive")
        same = {name: getattr(self, name) for name in names}
        return Surface(**same, directions="path", towards=towards, through=through, span=self.span or span)

    def figure(self, result: PathPlaneResult, look: Look) -> Figure:
        from landscape_gui.probes.path_plane_pictures import path_plane_figure

        return path_plane_figure(result, look)


class Scene:
    """The plane and what lies in it, known before its surface."""

    def __init__(
        self,
        problem: Problem,
        towards: CheckpointRef,
        plane: Plane,
        bent: Curve,
        through: Probe,
        found: list[tuple[PathResult, Curve]],
    ) -> None:
        n = problem.layout.parameters
        self.paths = {path.name: placed_path(plane, path, curve, n) for path, curve in found}
        own, other = names_of(problem, towards)
        coordinates = path_axes.placed(plane, bent, n).coordinates
        third = coordinates[int(np.argmax(np.abs(coordinates[:, 1])))]
        turned = not bool((bent.points[0] == problem.state).all())
        self.names = (own, other, bend_name(through, own if turned else other, bent.kind))
        self.x, self.y = (freeze([0.0, 1.0, third[0]]), freeze([0.0, 0.0, third[1]]))
        self.environment = found[0][0].provenance.environment

    def span(self, steps: tuple[int, int]) -> Span:
        """A box around the models and all paths."""
        return path_axes.around([*((path.x, path.y) for path in self.paths.values()), path_axes.ends()], steps)

    def result(self, surface: SurfaceResult) -> PathPlaneResult:
        return PathPlaneResult(
            names=self.names,
            x=self.x,
            y=self.y,
            surface=surface,
            paths=self.paths,
            split=next(iter(self.paths.values())).split,
            subset=surface.subset,
            batchnorm=surface.batchnorm,
            precision=surface.precision,
            notes=tuple(dict.fromkeys((*(note for path in self.paths.values() for note in path.notes), *surface.notes))),
            provenance=Provenance(environment=surface.provenance.environment),
        )


def placed_path(plane: Plane, path: PathResult, curve: Curve, parameters: int) -> PlacedPath:
    """A measured path as the plane sees it."""
    x, y, off = path_axes.placed(plane, curve, parameters).along(curve.weights(path.t))
    return PlacedPath(
        name=path.name,
        label=path.label,
        t=path.t,
        x=freeze(x),
        y=freeze(y),
        off_plane=freeze(off),
        quantities=path.quantities,
        split=path.split,
        subset=path.subset,
        batchnorm=path.batchnorm,
        precision=path.precision,
        numbers=path.numbers,
        notes=path.notes,
        provenance=path.provenance,
    )


def bend_name(through: Probe, permuted: str, kind: str) -> str:
    """What a picture calls the third point, which need not lie on the path; permuted: the model that was aligned, if one was."""
    if through.name == "alignment":
        return f"{permuted}, permuted"
    return "control point" if kind == "bezier" else "bend"
