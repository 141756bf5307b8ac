"""One path between two models, measured; a question that others ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.connection_results import CurveResult, EndpointResult, PathResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes import path_finding, sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import relayed
from landscape_gui.probes.endpoint import Endpoint
from landscape_gui.probes.pair import Pair, canonical, check_pair, own_reference
from landscape_gui.probes.path_measuring import Found, Measuring, everything
from landscape_gui.probes.path_numbers import turned
from landscape_gui.probes.plane import called

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

FINDING = 0.7
"""The share of the work that finding a path is told to be, where it must be found."""


@dataclass(frozen=True, kw_only=True)
class PathQuestion(sampling.SampledProbe):
    """Loss and metrics of all splits along one path from the problem's own checkpoint (t = 0) to `towards` (t = 1). A PathResult.

    The ends are measured once for all paths that lead to them. A pair is computed in one order: asked the other way round, the
    answer is the same, turned. batchnorm: "auto" recalculates statistics at each place; "frozen" are those of the problem's own
    checkpoint everywhere. Cost: a forward pass a point, and finding the path. Raises QuestionError.
    """

    name: ClassVar[str] = "path"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Path"
    summary: ClassVar[str] = "Loss and accuracy along one path between two models, and the barrier on it"
    purpose: ClassVar[str] = "Connectivity"

    towards: CheckpointRef | None = field(None, label="Towards", help="The other model", metavar="CHECKPOINT")
    path: str = field("line", label="Path", help="What kind of path", choices=path_finding.PATHS)
    points: int = field(25, label="Points", help="Points for t from 0 to 1, both ends included", minimum=2, maximum=100_001)
    beyond: float = field(0.0, label="Beyond", help="How far the path goes on beyond both ends, in t", minimum=0.0, maximum=100.0)
    split: str = field("", label="Data", help="Whose barrier; the first split where none is named", metavar="NAME")
    seed: int = field(0, label="Seed", help="Seed of the subset of the data", minimum=0, maximum=2**62)
    of: Probe | None = field(None, label="Of", help="The question that finds the path", hidden=True)

    def completed(self, problem: Problem) -> PathQuestion:
        """The question with what it left open filled in, so that it counts in the key; what changes nothing is left out."""
        towards = check_pair(problem, self.towards)
        of = self.of
        if of is None:
            of = path_finding.question_of(self.path, problem, towards, {"seed": self.seed})
        return dataclasses.replace(
            self,
            split=barrier_split(self.split, problem),
            batchnorm=mode_of(self.batchnorm, problem, self.path),
            seed=self.seed if self.limit else 0,
            of=of,
        )

    def cost(self, problem: Problem) -> Cost:
        whole = everything(self)
        pace = sampling.seconds_per_point(dataclasses.replace(whole, batchnorm=mode_of(self.batchnorm, problem)), problem)
        return Cost(points=self.points, examples=sampling.examples_of(whole, problem), seconds=pace * self.points)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        towards = check_pair(problem, self.towards)
        pair = Pair(problem, towards, False) if self.one_sided(problem) else canonical(problem, towards)
        if pair.mirrored:
            found = yield from relayed(ask(dataclasses.replace(self, towards=pair.second), pair.first), turned_round)
            assert isinstance(found, PathResult)
            return turned(found)
        check_finite(problem, towards)
        ends = yield from self.ends(problem, towards, ask)
        share = 0.0 if self.of is None else FINDING
        way = yield from self.find(problem, towards, ask, ends)
        measuring = self.measuring(problem, way, ends)
        measuring.take_up(ask.partial)
        return (yield from relayed(measuring.every_place(), scaled(share, 1.0)))

    def one_sided(self, problem: Problem) -> bool:
        """Whether the first model's statistics are used everywhere: then the path is another one seen from the second."""
        return problem.has_batchnorm and self.batchnorm == "frozen"

    def ends(self, problem: Problem, towards: CheckpointRef, ask: Ask) -> Generator[Progress, None, tuple[Any, Any]]:
        """Both ends' own losses, each a question of its own: with their own statistics where those move along the path."""
        same = {name: getattr(self, name) for name in ("limit", "precision", "tier", "seed")}
        mode = "frozen" if self.batchnorm == "interpolated" else self.batchnorm
        own = Endpoint(**same, batchnorm=mode)
        foreign = own_reference(problem) if self.one_sided(problem) else None
        first = yield from relayed(ask(own), quiet)
        second = yield from relayed(ask(dataclasses.replace(own, statistics=foreign), problem.at(towards)), quiet)
        assert isinstance(first, EndpointResult) and isinstance(second, EndpointResult)
        return first, second

    def find(
        self, problem: Problem, towards: CheckpointRef, ask: Ask, ends: tuple[EndpointResult, EndpointResult]
    ) -> Generator[Progress, None, Found]:
        """The path: the straight line, or what another question finds, shown while it is found."""
        if self.of is None:
            return path_finding.straight(problem, towards)
        here = getattr(self.of, "towards", towards).digest == towards.digest
        steps = ask(self.of) if here else ask(self.of, problem.at(towards))
        preview = Preview(self, problem, towards, ends)
        try:
            while True:
                try:
                    progress = next(steps)
                except StopIteration as stop:
                    return path_finding.found_by(self.path, self.of, stop.value, problem, towards)
                partial = yield from preview.of(progress.partial)
                done = FINDING * progress.done / (progress.total or 1.0)
                yield Progress(done=done, total=1.0, partial=partial, note=progress.note or self.of.title.lower())
        finally:
            steps.close()

    def measuring(self, problem: Problem, found: Found, ends: tuple[EndpointResult, EndpointResult]) -> Measuring:
        if self.path == "repaired":
            from landscape_gui.probes.path_repairing import Repairing

            return Repairing(self, problem, found, ends)
        return Measuring(self, problem, sampling.make_evaluator(everything(self), problem), found, ends)

    def figure(self, result: PathResult, look: Look) -> Figure:
        from landscape_gui.probes.path_pictures import path_figure

        return path_figure(result, look)


class Preview:
    """What a path looks like that is still being trained: a few places, on a part of the data where all would take long."""

    SECONDS = 0.08
    POINTS = 9
    LEAST = 64

    def __init__(self, probe: PathQuestion, problem: Problem, towards: CheckpointRef, ends: tuple[Any, Any]) -> None:
        self.probe, self.problem, self.towards, self.ends = probe, problem, towards, ends
        self.asked = self._affordable() if probe.path in path_finding.TRAINED else None
        # made before the training begins: that takes pictures the more seldom, the longer one takes
        self.evaluator: Any = None if self.asked is None else sampling.make_evaluator(everything(self.asked), problem)

    def of(self, partial: Any) -> Generator[Progress, None, PathResult | None]:
        """The path so far, measured coarsely; None where there is nothing to measure yet."""
        if not isinstance(partial, CurveResult) or self.probe.of is None or self.asked is None:
            return None
        found = path_finding.found_by(self.probe.path, self.probe.of, partial, self.problem, self.towards)
        measuring = Measuring(self.asked, self.problem, self.evaluator, found, self.ends)
        result = yield from relayed(measuring.every_place(), quiet)
        assert isinstance(result, PathResult)
        environment = {**result.provenance.environment, "points": 0}
        provenance = dataclasses.replace(result.provenance, environment=environment)
        notes = (*result.notes, "The path is still being found; it is measured coarsely meanwhile.")
        return dataclasses.replace(result, complete=False, provenance=provenance, notes=notes)

    def _affordable(self) -> PathQuestion:
        """Fewer places, and fewer examples where all would take longer than a moment."""
        probe = dataclasses.replace(self.probe, points=min(self.probe.points, self.POINTS), beyond=0.0)
        pace = sampling.seconds_per_point(everything(probe), self.problem)
        share = self.SECONDS / max(probe.points * pace, 1e-9) if pace == pace else 1.0
        examples = max(self.problem.splits.values(), default=0)
        limit = max(self.LEAST, int(share * examples))
        return probe if share >= 1 or not examples else dataclasses.replace(probe, limit=min(probe.limit or limit, limit))


def barrier_split(split: str, problem: Problem) -> str:
    """The split whose barrier is asked about. QuestionError names those that there are."""
    name = split or next(iter(problem.splits))
    if name not in problem.splits:
        raise QuestionError(f"There is no split {name!r}.", remedy=f"Choose one of {', '.join(problem.splits)}.")
    return name


def mode_of(batchnorm: str, problem: Problem, path: str = "line") -> str:
    """What happens to BatchNorm's statistics: recalculated where nothing else is asked, and where layers are repaired."""
    if not problem.has_batchnorm:
        return "frozen"
    return "recalculated" if batchnorm == "auto" or path == "repaired" else batchnorm


def check_finite(problem: Problem, towards: CheckpointRef) -> None:
    """QuestionError where an end's weights are no numbers: then there is no path."""
    for name, state in ((problem.title, problem.state), (called(towards), problem.state_of(towards))):
        if not bool(state[: problem.layout.parameters].isfinite().all()):
            raise QuestionError(
                f"{name} holds weights that are not finite, so that no path leads to it.",
                remedy="Choose a checkpoint from before the training diverged.",
            )


def turned_round(progress: Progress) -> Progress:
    """Another question's work, its partial answers turned."""
    partial = turned(progress.partial) if isinstance(progress.partial, PathResult) else None
    return dataclasses.replace(progress, partial=partial)


def quiet(progress: Progress) -> Progress:
    """Work that takes a moment: places to cancel, nothing to tell."""
    return Progress(done=0, total=1)


def scaled(start: float, stop: float) -> Callable[[Progress], Progress]:
    """Work told as the part from `start` to `stop` of the whole."""

    def tell(progress: Progress) -> Progress:
        share = progress.done / (progress.total or 1.0)
        return dataclasses.replace(progress, done=start + (stop - start) * share, total=1.0)

    return tell
