"""A path between two models that is trained so that the loss stays low along it; a question that others ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from landscape_gui.probes.base import Ask, Probe, Progress, Run, field
from landscape_gui.probes.path_run import Running
from landscape_gui.probes.path_training import PathTraining, ends_of, unasked

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

PATHS = {
    "bezier": "Bezier curve: smooth, of degree one more than it has bends",
    "chain": "polygonal chain: straight from bend to bend",
}


@dataclass(frozen=True, kw_only=True)
class CurveQuestion(PathTraining):
    """A curve from the problem's own checkpoint (t = 0) to `towards` (t = 1) whose bends are trained. Gives a CurveResult.

    Garipov et al. 2018. More steps go on from what fewer came to, equal to the bit. Cost: a step is about one of plain training.
    """

    name: ClassVar[str] = "curve"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Curve"
    summary: ClassVar[str] = "A curve between two models, trained so that the loss stays low along it"

    usual_rates: ClassVar[Mapping[str, float]] = {"adam": 0.005, "sgd": 0.05}
    usual_steps: ClassVar[tuple[int, int]] = (2000, 250)

    path: str = field("bezier", label="Path", help="What kind of curve", choices=PATHS)
    bends: int = field(1, label="Bends", help="Control points between the ends", minimum=1, maximum=100)

    def most_bends(self) -> int:
        return self.bends

    def so_far(self) -> Probe:
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return CurveSoFar(**{**own, "steps": 0, "seconds": 0.0})

    def run(self, problem: Problem, ask: Ask) -> Run:
        from landscape_gui.core.curve_training import ROUND, CurveTraining, Descent
        from landscape_gui.core.curves import on_the_chord

        yield Progress(done=0, total=1, note="preparing")
        a, b = ends_of(problem, self.towards)
        training = CurveTraining(
            problem.minibatches(split=self.split, batch=self.batch, seed=self.seed),
            on_the_chord(a, b, self.bends),
            kind=self.path,  # type: ignore[arg-type]
            descent=Descent(self.optimiser, self.lr, self.momentum),  # type: ignore[arg-type]
            weight_decay=self.weight_decay,
            seed=self.seed,
        )
        return (yield from Running(self, problem, ask, training, every=ROUND).train())


@dataclass(frozen=True, kw_only=True)
class CurveSoFar(CurveQuestion):
    """The training of a curve, however long: kept by the questions that train it, to be gone on from; it is asked for by none."""

    name: ClassVar[str] = "curve-training"
    title: ClassVar[str] = "The training of a curve"
    summary: ClassVar[str] = "How far the training of a curve has come"

    def completed(self, problem: Problem) -> Probe:
        return self

    def run(self, problem: Problem, ask: Ask) -> Run:
        raise unasked(self)
        yield
