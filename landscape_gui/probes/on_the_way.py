"""The model at one place of a path between two others: how good it is, for which classes, and which predictions flip."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.connection_results import WaypointResult
from landscape_gui.probes import path_finding, sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import relayed
from landscape_gui.probes.pair import check_pair, names_of
from landscape_gui.probes.path_measuring import everything
from landscape_gui.probes.waypoint import Waypoints, waypoints

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class OnTheWay(sampling.SampledProbe):
    """Loss, metrics, accuracy of each class and predictions of the model at t on a path from this checkpoint (t = 0) to `towards`
    (t = 1). A WaypointResult.

    The path is the one that connect finds with the same fields, and is found in the store where that was asked. `split` says whose
    classes are told, the last one where none is named: losses are of all. Cost: finding the path, and three forward passes.
    Raises QuestionError.
    """

    name: ClassVar[str] = "waypoint"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Model on the way"
    summary: ClassVar[str] = "The model at one place of a path between two: its loss, each class's accuracy, what flips"
    purpose: ClassVar[str] = "Connectivity"

    towards: CheckpointRef | None = field(None, label="Towards", help="The other model", metavar="OTHER", positional=True)
    t: float = field(0.5, label="Place", help="0 is this model, 1 the other one", unit="t", minimum=-100.0, maximum=101.0)
    path: str = field("line", label="Path", help="What kind of path", choices=path_finding.PATHS)
    split: str = field("", label="Data", help="Whose classes; the last split where none is named", metavar="NAME")
    seed: int = field(0, label="Seed", help="Seed of training and of the subset of the data", minimum=0, maximum=2**62)
    bends: int = field(1, label="Bends", help="Control points of a curve or chain between its ends", minimum=1, maximum=100)
    pivots: int = field(7, label="Pivots", help="Points of an elastic band between its ends, at most", minimum=1, maximum=100)
    steps: int = field(0, label="Training steps", help="Of a trained path; 0 chooses by the network", minimum=0, maximum=10_000_000)
    method: str = field(
        "weights",
        label="Matching",
        help="How units are matched for an aligned line",
        choices={"weights": "by their weights (Git Re-Basin)", "activations": "by what they answer to the data"},
        advanced=True,
    )
    of: Probe | None = field(None, label="Of", help="The question that finds the path", hidden=True)

    def completed(self, problem: Problem) -> OnTheWay:
        """With what it left open filled in, so that it counts in the key."""
        towards = check_pair(problem, self.towards)
        given = {name: getattr(self, name) for name in ("seed", "bends", "pivots", "steps", "method")}
        of = self.of or path_finding.question_of(self.path, problem, towards, given)
        recalculated = problem.has_batchnorm and (self.batchnorm == "auto" or self.path == "repaired")
        mode = "recalculated" if recalculated else self.batchnorm if problem.has_batchnorm else "frozen"
        return dataclasses.replace(self, split=self.split or list(problem.splits)[-1], batchnorm=mode, of=of)

    def cost(self, problem: Problem) -> Cost:
        whole = everything(self.completed(problem))
        pace = sampling.seconds_per_point(whole, problem)
        return Cost(points=3, examples=sampling.examples_of(whole, problem), seconds=3 * pace)

    def models(self, problem: Problem, ask: Callable[..., Run]) -> Generator[Progress, None, Waypoints]:
        """Every model on the path, to be asked for one after the other, or saved."""
        towards, here = check_pair(problem, self.towards), True
        found: Any = None
        if self.of is not None:
            here = getattr(self.of, "towards", towards).digest == towards.digest
            found = yield from relayed(ask(self.of) if here else ask(self.of, problem.at(towards)), without_partial)
        same = {name: getattr(self, name) for name in ("path", "split", "batchnorm", "limit", "seed", "precision")}
        return waypoints(problem, towards, found, mirrored=not here, **same)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        models = yield from self.models(problem, ask)
        steps: Any = models.steps(self.t)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                found: WaypointResult = stop.value
                return dataclasses.replace(found, names=names_of(problem, check_pair(problem, self.towards)))
            yield Progress(done=0, total=1, note=f"looking at t = {self.t:g}")

    def figure(self, result: WaypointResult, look: Look) -> Figure:
        from landscape_gui.probes.waypoint_pictures import waypoint_figure

        return waypoint_figure(result, look)


def without_partial(progress: Progress) -> Progress:
    """Another question's work: its partial answers are none of this one's."""
    return Progress(done=0, total=1, note=progress.note)
