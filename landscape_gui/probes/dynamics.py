"""How training went, checkpoint by checkpoint: losses, gradient, curvature against its limit, sharpness, way through weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.dynamics_results import DynamicsResult
from landscape_gui.errors import ProblemError, QuestionError
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.probes.coarse import spread
from landscape_gui.probes.curvature import CurvatureProbe, cost_of, relayed, share_of, split_of
from landscape_gui.probes.dynamics_moment import Moment, moment_of
from landscape_gui.probes.plane import called, run_of

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.probes.dynamics_run import Growing, Line
    from landscape_gui.problem import Problem

OVER = {
    "epoch": "epochs; steps where checkpoints say no epoch",
    "step": "steps of the optimiser; from epochs and the card's batch size where checkpoints say no step",
    "share": "each run from its first checkpoint, 0, to its last, 1",
}
RUNS = 8
"""Runs of a figure at most: as many as there are colours that tell them apart."""


@dataclass(frozen=True, kw_only=True)
class Dynamics(CurvatureProbe):
    """Losses, accuracies, gradient norm, largest Hessian eigenvalue beside its limit of stability, sharpness and the way through
    weight space at each checkpoint of the run, and of the runs `against` it: ends and middle first. A DynamicsResult.

    Each checkpoint's numbers are an answer of their own (`moment`), found again when the run has grown or is compared with others.
    What the run logged itself stands beside them. All runs are measured on this problem's data and loss. Geometry is of one split:
    of all its examples unless `limit` says otherwise, for on a subset the largest eigenvalue is too large, twofold and more. Cost:
    some 60 gradients' time a checkpoint. QuestionError where a checkpoint belongs to no run.
    """

    name: ClassVar[str] = "dynamics"
    version: ClassVar[int] = 2
    title: ClassVar[str] = "Training dynamics"
    summary: ClassVar[str] = "Loss, accuracy, gradient, curvature against its limit and sharpness over a run, or several"
    purpose: ClassVar[str] = "Training"

    operator: str = field("hessian", label="Operator", help="Whose eigenvalue", choices={"hessian": "Hessian"}, hidden=True)
    layer: str = field("", label="Layers", help="All", hidden=True)
    against: tuple[CheckpointRef, ...] = field(
        (), label="Against", help="Other runs of the same network: a folder each, or a checkpoint of it", metavar="RUN"
    )
    over: str = field("epoch", label="Over", help="What the runs are drawn over", choices=OVER)
    checkpoints: int = field(
        0, label="Checkpoints", help="At most so many of each run, evenly spread; 0 takes all", minimum=0, maximum=100_000
    )
    radius: float = field(
        0.05, label="Radius", help="Of directional and epsilon-sharpness, in the 2-norm", minimum=1e-8, metavar="R"
    )
    pairs: int = field(
        16, label="Random pairs", help="Opposite steps for directional sharpness", minimum=2, maximum=100_000, advanced=True
    )
    tolerance: float = field(
        1e-3, label="Tolerance", help="Residual of the eigenvalue, relative to it", minimum=1e-10, maximum=0.1, advanced=True
    )
    most: int = field(100, label="Most products", help="For each eigenvalue", minimum=4, maximum=100_000, advanced=True)
    run_checkpoints: tuple[CheckpointRef, ...] = field((), label="Run", help="The checkpoints of the run", hidden=True)
    other_checkpoints: tuple[CheckpointRef, ...] = field((), label="Others", help="Those of the other runs, in turn", hidden=True)
    counts: tuple[int, ...] = field((), label="Counts", help="How many belong to each other run", hidden=True)
    records: str = field("", label="Records", help="Digest of what logs and cards say", hidden=True)

    @property
    def moment(self) -> Moment:
        """The question about one checkpoint."""
        return moment_of(self)

    def completed(self, problem: Problem) -> Probe:
        """With the checkpoints of every run, which count in the key, as what their logs and cards say does."""
        from landscape_gui.probes.dynamics_tracks import record_digest

        if self.run_checkpoints:
            return self
        own = spread(run_of(problem), self.checkpoints)
        against = tuple(r if r.digest else problem.reference(r.path) for r in self.against)
        others = [spread(self._of(problem, reference), self.checkpoints) for reference in against]
        whole = dataclasses.replace(
            self,
            split=split_of(self, problem),
            against=against,
            run_checkpoints=own,
            other_checkpoints=tuple(reference for references in others for reference in references),
            counts=tuple(map(len, others)),
        )
        return dataclasses.replace(whole, records=record_digest(whole, problem))

    def _of(self, problem: Problem, reference: CheckpointRef) -> tuple[CheckpointRef, ...]:
        """The checkpoints of another run. QuestionError where there are not two, or it is the same run."""
        run = problem.run_at(reference.path)
        if run is None or len(run.checkpoints) < 2:
            raise QuestionError(
                f"{called(reference)} belongs to no run of two or more checkpoints.",
                remedy="Choose the folder that holds the run's checkpoints.",
            )
        if problem.run is not None and run.path.resolve() == problem.run.path.resolve():
            raise QuestionError(f"The run {run.name} is to be compared with itself.", remedy="Choose the folder of another run.")
        if len(self.against) >= RUNS:
            raise QuestionError(f"{len(self.against) + 1} runs are too many for one figure.", remedy=f"Choose at most {RUNS}.")
        return tuple(problem.reference(entry.path) for entry in run.checkpoints)

    def cost(self, problem: Problem) -> Cost:
        count = len(self.run_checkpoints) or len(spread(run_of(problem), self.checkpoints))
        return cost_of(self, problem, (count + sum(self.counts)) * self.moment.products)

    def run(self, problem: Problem, ask: Ask) -> Run:
        from landscape_gui.probes.dynamics_run import Growing

        yield Progress(done=0, total=1, note="preparing")
        question = self.completed(problem)
        assert isinstance(question, Dynamics)
        growing = Growing(question, problem)
        yield from growing.walk()
        turns = growing.turns()
        for done, (line, place) in enumerate(turns):
            yield from self._ask(ask, growing, line, place, done)
            if done + 1 < len(turns):
                yield Progress(done=done + 1, total=growing.total, partial=growing.result())
        return dataclasses.replace(growing.result(), complete=True)

    def _ask(self, ask: Ask, growing: Growing, line: Line, place: int, done: int) -> Generator[Progress, None, None]:
        """One checkpoint's numbers as a question of its own; what cannot be read there is left blank and said."""
        name = growing.called(line, place)

        def tell(progress: Progress) -> Progress:
            words = f"{name}: {progress.note}" if progress.note else name
            return Progress(done=done + share_of(progress), total=growing.total, note=words)

        try:
            there = growing.problem.at(line.track.references[place])
            answer: Any = yield from relayed(ask(self.moment, there), tell)
        except ProblemError as error:
            growing.skip(line, place, error.message)
            return
        growing.take(line, place, answer, getattr(there.checkpoint, "metadata", None) or {})

    def figure(self, result: DynamicsResult, look: Look) -> Figure:
        from landscape_gui.probes.dynamics_pictures import dynamics_figure

        return dynamics_figure(result, look)
