"""Axes of a plane or line through weight space: how a question describes them, and how the description becomes vectors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef, FileRef, Probe, Progress, Run, field
from landscape_gui.results import AxesReport, Result, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.problem import Problem

RANDOM = ("filter", "layer", "raw")
DIRECTIONS = {
    "filter": "random, each filter scaled to the weights' filter (Li et al. 2018)",
    "layer": "random, each layer scaled to the weights' layer",
    "raw": "random, Gaussian as drawn",
    "principal": "the two leading principal components of the run",
    "towards": "x leads to another checkpoint (at 1), y is random and filter-normalised",
    "plane": "through three checkpoints: this one, towards (x = 1) and third (y = 1)",
    "eigenvectors": "eigenvectors of the Hessian, of unit norm, never rescaled",
    "path": "through this checkpoint, towards (x = 1) and the bend of a path between them, at right angles, in equal units",
    "file": "read from a file in the layout of tomgoldstein/loss-landscape",
}
NAMED = {
    "towards": ("towards",),
    "plane": ("towards", "third"),
    "path": ("towards",),
    "eigenvectors": ("which",),
    "file": ("directions_file",),
}
"""The fields that only these kinds of directions take up; the kinds left out take up none."""
ASKING = ("eigenvectors", "path")
"""Directions that another question must be answered for."""
FIRST_TWO = (1, 2)
MOST_EIGENVECTORS = 200
Span = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class PlaneProbe(Probe):
    """The fields that describe a plane; `resolve` makes vectors of them."""

    directions: str = field("filter", label="Directions", help="What the axes are", choices=DIRECTIONS)
    seed: int = field(0, label="Seed", help="Seed of random directions and of the subset of the data", minimum=0, maximum=2**63 - 1)
    include_biases: bool = field(
        False,
        label="Move biases and norms",
        help="Random directions also move tensors of one dimension, scaled to their own norm; left out by default",
        advanced=True,
    )
    towards: CheckpointRef | None = field(None, label="Towards", help="The checkpoint at x = 1", metavar="CHECKPOINT")
    third: CheckpointRef | None = field(
        None, label="Third", help="The checkpoint at y = 1 of a plane through three", metavar="CHECKPOINT"
    )
    directions_file: FileRef | None = field(
        None, label="Directions file", help="Read the axes from this HDF5 file", flag="directions-from", metavar="FILE"
    )
    which: tuple[int, int] = field(
        FIRST_TWO,
        label="Eigenvectors",
        help="Which eigenvectors the axes are: 1 is that of the largest eigenvalue, 2 of the next; -1 of the most negative",
        minimum=-MOST_EIGENVECTORS,
        maximum=MOST_EIGENVECTORS,
        metavar="K L",
    )
    run_checkpoints: tuple[CheckpointRef, ...] = field((), label="Run", help="The checkpoints of the run", hidden=True)
    through: Probe | None = field(
        None, label="Through", help="The question whose answer is the path that the plane holds", hidden=True, silent=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.directions_file is not None and self.directions != "file":
            object.__setattr__(self, "directions", "file")
        if self.third is not None and self.towards is not None and self.directions in RANDOM:
            object.__setattr__(self, "directions", "plane")
        if self.towards is not None and self.directions in RANDOM:
            object.__setattr__(self, "directions", "towards")
        if self.which != FIRST_TWO and self.directions in RANDOM:
            object.__setattr__(self, "directions", "eigenvectors")
        if 0 in self.which:
            raise QuestionError(
                "There is no eigenvector 0.", remedy="1 is that of the largest eigenvalue, -1 that of the most negative one."
            )

    def completed(self, problem: Problem) -> Probe:
        needs_run = self.directions == "principal" or self.name == "trajectory"
        if needs_run and not self.run_checkpoints:
            return dataclasses.replace(self, run_checkpoints=run_of(problem))
        if self.directions == "path" and self.through is None and self.towards is not None:
            from landscape_gui.probes.path_axes import usual_path

            return dataclasses.replace(self, through=usual_path(self.towards, problem))
        return self


@dataclass(frozen=True)
class Plane:
    """Vectors of a plane: origin and axes (size,), what they are, and the span (x from, to, y from, to) that suits them."""

    origin: Tensor
    axes: tuple[Tensor, ...]
    report: AxesReport
    span: Span
    anchors: tuple[tuple[float, float, str], ...] = ()


def check_agreement(directions: str, given: Iterable[str]) -> None:
    """QuestionError where one of the fields that were given says what these directions cannot take up."""
    flags = {
        "towards": ("--towards", "towards"),
        "third": ("--third", "plane"),
        "which": ("--which", "eigenvectors"),
        "directions_file": ("--directions-from", "file"),
    }
    for name, (flag, fitting) in flags.items():
        if name in given and name not in NAMED.get(directions, ()):
            raise QuestionError(
                f"{flag} contradicts --directions {directions}.",
                remedy=f"Leave one of them out; {flag} goes with --directions {fitting}.",
            )


def variance_notes(plane: Plane, problem: Problem, corners: Iterable[tuple[float, float]]) -> tuple[str, ...]:
    """A sentence where running variances that move along the axes fall below zero at one of these places (x, y)."""
    segments = [s for s in problem.layout.segments if s.buffer and s.name.endswith("running_var")]
    for x, y in corners:
        for s in segments:
            part = slice(s.start, s.stop)
            moved = plane.origin[part] + x * plane.axes[0][part] + y * plane.axes[1][part]
            if bool((moved < 0).any()):
                return (f"The extrapolated running variance {s.name} is negative at some points; the loss is not defined there.",)
    return ()


def run_of(problem: Problem) -> tuple[CheckpointRef, ...]:
    """The checkpoints of the run that a problem's checkpoint belongs to. QuestionError where there are fewer than two."""
    run = problem.run
    if run is None or len(run.checkpoints) < 2:
        raise QuestionError(
            f"{problem.title} belongs to no run of two or more checkpoints.",
            remedy="Open the folder that holds the checkpoints of the run, or choose other directions.",
        )
    return tuple(problem.reference(entry.path) for entry in run.checkpoints)


def lay(probe: PlaneProbe, problem: Problem, ask: Callable[[Probe], Run]) -> Generator[Progress, None, Plane]:
    """As `resolve`, with progress; what must be computed for the axes first, eigenvectors or a curve, is asked for."""
    if probe.directions not in ASKING:
        return resolve(probe, problem)
    if probe.directions == "path":
        from landscape_gui.probes.path_axes import path_plane

        return (yield from path_plane(probe, problem, ask))
    from landscape_gui.probes.eigen_axes import eigenvector_plane

    return (yield from eigenvector_plane(probe, problem, ask))


def resolve(probe: PlaneProbe, problem: Problem, *, seed: int | None = None, ask: Callable[[Probe], Run] | None = None) -> Plane:
    """The two vectors that the fields describe. seed: that of one of several draws. QuestionError where a field is missing.

    ask: how another question is answered; without it eigenvectors are computed, and curves trained, on the spot.
    """
    if probe.directions in ASKING:
        return finished(lay(probe, problem, ask or Unkept(problem)))
    seed = probe.seed if seed is None else seed
    if probe.directions in RANDOM:
        return random_axes(probe, problem, seed)
    if probe.directions in ("towards", "plane"):
        return between(probe, problem, seed)
    if probe.directions == "principal":
        return principal(probe, problem)
    return from_file(probe, problem)


@dataclass
class Unkept:
    """Answers a running probe's questions on the spot and keeps nothing."""

    problem: Problem
    partial: Result | None = None

    def __call__(self, probe: Probe, /, problem: Problem | None = None) -> Run:
        about = problem or self.problem
        return probe.completed(about).run(about, Unkept(about))


def finished(steps: Generator[Progress, None, Plane]) -> Plane:
    """The plane, without a look at the progress."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            plane: Plane = stop.value
            return plane


def random_axes(probe: PlaneProbe, problem: Problem, seed: int) -> Plane:
    from landscape_gui.core.directions import random_plane

    axes = random_plane(
        problem.layout,
        problem.state,
        seed=seed,
        normalisation=probe.directions,  # type: ignore[arg-type]
        include_biases=probe.include_biases,
    )
    words = {
        "filter": "filter-normalised random direction",
        "layer": "layer-normalised random direction",
        "raw": "random direction",
    }
    labels = tuple(f"{words[probe.directions]} {k}" for k in (1, 2))
    return Plane(problem.state, axes, report(probe.directions, labels, problem, axes), (-1.0, 1.0, -1.0, 1.0))


def between(probe: PlaneProbe, problem: Problem, seed: int) -> Plane:
    from landscape_gui.core.directions import difference, random_direction

    if probe.towards is None or (probe.directions == "plane" and probe.third is None):
        missing = "towards which checkpoint" if probe.towards is None else "the third checkpoint"
        raise QuestionError(f"The question does not say {missing}.", remedy="Choose a checkpoint of the same architecture.")
    x = difference(problem.layout, problem.state, problem.state_of(probe.towards))
    check_apart(x, called(probe.towards), problem.title)
    first = f"towards {called(probe.towards)}"
    anchors = [(0.0, 0.0, "this checkpoint"), (1.0, 0.0, called(probe.towards))]
    span: Span = (-0.5, 1.5, -1.0, 1.0)
    if probe.directions == "towards":
        y = random_direction(problem.layout, problem.state, seed=seed, normalisation="filter", include_biases=probe.include_biases)
        second = "filter-normalised random direction"
    else:
        assert probe.third is not None
        y = difference(problem.layout, problem.state, problem.state_of(probe.third))
        check_apart(y, called(probe.third), problem.title)
        check_apart(y - x, called(probe.third), called(probe.towards))
        second, span = f"towards {called(probe.third)}", (-0.25, 1.25, -0.25, 1.25)
        anchors.append((0.0, 1.0, called(probe.third)))
    return Plane(problem.state, (x, y), report(probe.directions, (first, second), problem, (x, y)), span, tuple(anchors))


def check_apart(difference: Tensor, name: str, other: str) -> None:
    if not bool(difference.any()):
        raise QuestionError(
            f"{name} has the same weights as {other}: there is no direction between them.", remedy="Choose another checkpoint."
        )


def principal(probe: PlaneProbe, problem: Problem) -> Plane:
    from landscape_gui.core.directions import principal_components

    references = probe.run_checkpoints or run_of(problem)
    states = [problem.state_of(r) for r in references]
    for reference, state in zip(references, states, strict=True):
        if not bool(state.isfinite().all()):
            raise QuestionError(
                f"{called(reference)} holds weights that are not finite, so the run has no principal components.",
                remedy="Move that checkpoint out of the run's folder, or choose other directions.",
            )
    found = principal_components(states, problem.state, problem.layout)
    labels = tuple(f"principal component {k + 1} ({100 * share:.1f} %)" for k, share in enumerate(padded(found.explained, 2)))
    axes = (found.d1, found.d2)
    told = report("principal", labels, problem, axes, explained=found.explained, random_walk=found.random_walk)
    return Plane(problem.state, axes, told, bounding_box(found.coordinates, 0.15))


def padded(values: Iterable[float], count: int) -> list[float]:
    return [float(v) for v in [*values, *[0.0] * count][:count]]


def from_file(probe: PlaneProbe, problem: Problem) -> Plane:
    from landscape_gui.probes.directions_file import read_axes

    if probe.directions_file is None:
        raise QuestionError("The question names no file of directions.", remedy="Choose an HDF5 file that holds directions.")
    axes = read_axes(probe.directions_file, problem)
    name = called(probe.directions_file)
    labels = tuple(f"{axis} direction of {name}" for axis in "xy")
    return Plane(problem.state, axes, report("file", labels, problem, axes), (-1.0, 1.0, -1.0, 1.0))


def called(reference: CheckpointRef | FileRef) -> str:
    """What a picture calls a file that a question names."""
    label = getattr(reference, "label", "") or reference.path.replace("\\", "/").rsplit("/", 1)[-1]
    return label or f"checkpoint {reference.digest[:8]}"


def report(kind: str, labels: Sequence[str], problem: Problem, axes: Sequence[Tensor], **more: Any) -> AxesReport:
    """What the axes are in numbers."""
    from landscape_gui.core.directions import describe_axes

    told = describe_axes(problem.layout, axes)
    return AxesReport(
        kind=kind,
        labels=tuple(labels),
        norms=freeze(told.norms),
        cosines=freeze(told.cosines),
        layers=told.layers,
        shares=freeze(told.shares),
        **{name: freeze(values) for name, values in more.items()},
    )


def only(told: AxesReport, axis: int) -> AxesReport:
    """The report of one of the axes alone."""
    part = slice(axis, axis + 1)
    return dataclasses.replace(
        told,
        labels=told.labels[part],
        norms=told.norms[part],
        cosines=told.cosines[part, part],
        shares=told.shares[part],
        eigenvalues=told.eigenvalues[part],
        residuals=told.residuals[part],
    )


def bounding_box(coordinates: Any, margin: float) -> Span:
    """The box around points (k, 2) and the origin, wider by `margin` of its extent on each side; never flat."""
    edges: list[float] = []
    extents = [max(float(coordinates[:, j].max()), 0.0) - min(float(coordinates[:, j].min()), 0.0) for j in (0, 1)]
    for j in (0, 1):
        low, high = min(float(coordinates[:, j].min()), 0.0), max(float(coordinates[:, j].max()), 0.0)
        pad = max(extents[j] * margin, max(extents) * 0.05, 1e-12)
        edges += [low - pad, high + pad]
    return edges[0], edges[1], edges[2], edges[3]


def wanted_span(span: tuple[float, ...], automatic: Span) -> Span:
    """The span that a question asks for: () automatic; r: -r to r on both axes; rx, ry; or x from, to, y from, to."""
    if len(span) == 0:
        return automatic
    if len(span) == 1:
        return -span[0], span[0], -span[0], span[0]
    if len(span) == 2:
        return -span[0], span[0], -span[1], span[1]
    return span[0], span[1], span[2], span[3]


def check_span(span: tuple[float, ...]) -> None:
    if len(span) not in (0, 1, 2, 4):
        raise QuestionError(
            f"The span has {len(span)} numbers.", remedy="Give one (r: from -r to r), two (rx ry) or four (x from, to, y from, to)."
        )
    finite = all(abs(v) < 1e30 for v in span)
    rising = all(v > 0 for v in span) if len(span) in (1, 2) else len(span) == 0 or (span[0] < span[1] and span[2] < span[3])
    if not (finite and rising):
        raise QuestionError(f"The span {span} is empty.", remedy="The lower end must lie below the upper one.")
