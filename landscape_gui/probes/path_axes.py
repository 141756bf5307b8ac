"""The plane that holds two models and the bend of a path between them: x from one to the other, y at right angles, equal units."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.connection_results import AlignmentResult, CurveResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef, Probe, Progress, Run
from landscape_gui.probes.plane import Plane, PlaneProbe, Span, called, check_apart, report
from landscape_gui.results import Array

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.curves import Curve
    from landscape_gui.problem import Problem

MARGIN = 0.2
"""Of the paths' extent, on each side of the automatic span."""
STRAIGHT = 1e-5
"""A path whose bend is no farther off the straight line, as a share of its length, spans no plane."""


@dataclass(frozen=True)
class Placed:
    """A path's control points in a plane: coordinates (m, 2) and the inner products (m, m) of what the plane does not hold."""

    coordinates: Array
    off: Array

    def along(self, weights: Array) -> tuple[Array, Array, Array]:
        """x, y and the distance off the plane (k,) of the points that the control points' weights (k, m) make."""
        x, y = (weights @ self.coordinates).T
        return x, y, np.sqrt(np.maximum(np.einsum("ki,ij,kj->k", weights, self.off, weights), 0.0))


def path_plane(probe: PlaneProbe, problem: Problem, ask: Callable[..., Run]) -> Generator[Progress, None, Plane]:
    """The plane through the checkpoint (0, 0), `towards` (1, 0) and the control point of the path that lies farthest off the line
    between them; the path is asked for as a question of its own. QuestionError where it does not bend."""
    if probe.towards is None:
        raise QuestionError("The question does not say towards which checkpoint.", remedy="Choose one of the same architecture.")
    if probe.through is None:
        raise QuestionError("The question names no path.", remedy="Ask for the plane of a path (path-plane).")
    curve = yield from found_path(probe.through, probe.towards, problem, ask)
    return plane_of(problem, probe.towards, curve, bend_words(probe.through), getattr(probe, "steps", (0, 0)))


def found_path(
    question: Probe, towards: CheckpointRef, problem: Problem, ask: Callable[..., Run]
) -> Generator[Progress, None, Curve]:
    """The path that a question is about, from the problem's checkpoint to `towards`; turned round where it was asked from there."""
    here = getattr(question, "towards", towards).digest == towards.digest
    yield Progress(done=0, total=1, note=f"finding the path: {question.title.lower()}")
    steps = ask(question) if here else ask(question, problem.at(towards))
    answer = yield from relayed(steps)
    return curve_of(answer, problem, towards, here=here)


def relayed(steps: Run) -> Generator[Progress, None, Any]:
    """Another question's work; its partial answers are none of this one's."""
    try:
        while True:
            try:
                progress = next(steps)
            except StopIteration as stop:
                return stop.value
            yield Progress(done=0, total=1, note=progress.note)
    finally:
        steps.close()


def curve_of(answer: Any, problem: Problem, towards: CheckpointRef, *, here: bool) -> Curve:
    """A path with its control points on the problem's device: a curve's own, or the straight line to the permuted weights."""
    import torch

    from landscape_gui.core.curves import Curve

    own, other = problem.state, problem.state_of(towards)
    if isinstance(answer, AlignmentResult):
        permuted = torch.from_numpy(np.array(answer.aligned)).to(own)
        return Curve("line", torch.stack([own, permuted] if here else [permuted, other]))
    if not isinstance(answer, CurveResult):
        raise QuestionError(f"A {type(answer).__name__} is no path.", remedy="Ask for a curve, a band or an alignment.")
    points = torch.from_numpy(np.array(answer.points)).to(own)
    places = np.asarray(answer.places, dtype=float) if answer.kind == "chain" else np.zeros(0)
    if not here:
        points, places = points.flip(0), 1.0 - places[::-1]
    return Curve(answer.kind, points, tuple(float(v) for v in places))  # type: ignore[arg-type]


def bend_words(question: Probe) -> str:
    """What the third point of the plane is."""
    kind = getattr(question, "path", question.name)
    known = {
        "alignment": "the permuted model",
        "band": "the band's bend",
        "chain": "the chain's bend",
        "bezier": "the curve's bend",
    }
    return known.get(str(kind), "the curve's bend")


def plane_of(problem: Problem, towards: CheckpointRef, curve: Curve, bend: str, steps: Any) -> Plane:
    """The plane of a path: orthogonal axes, both as long as the straight line between its ends. `steps`: of the grid, if any."""
    from landscape_gui.core.directions import difference
    from landscape_gui.core.vector import dot, norm

    n = problem.layout.parameters
    x = difference(problem.layout, problem.state, problem.state_of(towards))
    check_apart(x, called(towards), problem.title)
    length = norm(x[:n])
    best, height = None, 0.0
    for point in curve.points:
        rest = point.double() - problem.state.double()
        rest.sub_(x.double(), alpha=dot(x[:n], rest[:n]) / length**2)
        if norm(rest[:n]) > height:
            best, height = rest, norm(rest[:n])
    if best is None or not math.isfinite(height) or height < STRAIGHT * length:
        if curve.kind == "line":
            raise QuestionError(
                "No unit changed its place: the aligned model is the model itself and spans no plane.",
                remedy="Ask for the plane of a curve, or for a surface towards the other checkpoint.",
            )
        raise QuestionError(
            "The path does not bend: it spans no plane with its ends.",
            remedy="Train the curve for more steps, or ask for a surface towards the other checkpoint.",
        )
    y = best.mul_(length / height).to(x)
    told = report("path", (f"towards {called(towards)}", f"across, towards {bend}"), problem, (x, y))
    plane = Plane(problem.state, (x, y), told, (0.0, 1.0, 0.0, 1.0))
    where = placed(plane, curve, n).along(curve.weights(np.linspace(0, 1, 101)))
    return Plane(problem.state, (x, y), told, around([where[:2], ends()], steps))


def placed(plane: Plane, curve: Curve, parameters: int) -> Placed:
    """Where a path's control points lie in a plane, by joint least squares over the parameters, in float64."""
    from landscape_gui.core.directions import project
    from landscape_gui.core.vector import gram

    coordinates, _ = project(curve.points, plane.origin, plane.axes, parameters)
    return Placed(coordinates, gram(rests(plane, curve, coordinates, parameters)).numpy())


def rests(plane: Plane, curve: Curve, coordinates: Array, parameters: int) -> list[Tensor]:
    """What the plane does not hold of each control point, in float64."""
    found = []
    for point, place in zip(curve.points, coordinates, strict=True):
        rest = point[:parameters].double() - plane.origin[:parameters].double()
        for axis, c in zip(plane.axes, place, strict=True):
            rest.sub_(axis[:parameters].double(), alpha=float(c))
        found.append(rest)
    return found


def ends() -> tuple[Array, Array]:
    """x and y of the two models."""
    return np.array([0.0, 1.0]), np.array([0.0, 0.0])


def around(paths: list[tuple[Array, Array]], steps: Any) -> Span:
    """A box around points with a margin, whose grid of `steps` has points at x = 0, x = 1 and y = 0 wherever it is fine enough."""
    x, y = (np.concatenate([path[k] for path in paths]) for k in (0, 1))
    pad = MARGIN * max(float(np.ptp(x)), float(np.ptp(y)))
    boxes = [(float(v.min()) - pad, float(v.max()) + pad) for v in (x, y)]
    nx, ny = (int(n) for n in steps) if steps else (0, 0)
    across, up = fitted(*boxes[0], nx, whole=True), fitted(*boxes[1], ny, whole=False)
    return across[0], across[1], up[0], up[1]


def fitted(low: float, high: float, count: int, *, whole: bool) -> tuple[float, float]:
    """An interval around low to high that `count` even points divide with one at 0, and `whole`: one at 1."""
    if count < 4 or not low < 0 < high:
        return low, high
    step = (high - low) / (count - 2)
    if whole:
        if step > 1:
            return low, high
        step = 1 / math.floor(1 / step)
    step = step if whole else float(f"{step:.3g}") if float(f"{step:.3g}") >= step else float(f"{1.005 * step:.3g}")
    before = math.ceil(-low / step - 1e-9)
    spare = count - 1 - before - math.ceil(high / step - 1e-9)
    before += max(spare, 0) // 2
    return -before * step, (count - 1 - before) * step


def usual_path(towards: CheckpointRef, problem: Problem) -> Probe:
    """The path that a plane is laid through where the question names none: a Bezier curve with one bend."""
    from landscape_gui.probes.curve import CurveQuestion
    from landscape_gui.probes.pair import canonical

    pair = canonical(problem, towards)
    return CurveQuestion(towards=pair.second).completed(pair.first)
