"""A nudged elastic band between two models: pivots that slide down to a valley; a question that others ask."""

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

RECORD = 30
"""Steps of which the history gives one mean: some rounds of all pivots."""


@dataclass(frozen=True, kw_only=True)
class BandQuestion(PathTraining):
    """A nudged elastic band from the problem's own checkpoint (t = 0) to `towards` (t = 1). Gives a CurveResult of kind "chain".

    AutoNEB (Draxler et al. 2018): it begins with three pivots, and gets one where the loss between two stands out, up to `pivots`.
    More steps go on from what fewer came to, equal to the bit. Cost: a step moves one pivot and is about one of plain training.
    """

    name: ClassVar[str] = "band"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Elastic band"
    summary: ClassVar[str] = "A nudged elastic band between two models, with pivots inserted where the loss is highest"

    usual_rates: ClassVar[Mapping[str, float]] = {"adam": 0.002, "sgd": 0.02}
    usual_steps: ClassVar[tuple[int, int]] = (4000, 500)

    pivots: int = field(7, label="Pivots", help="Points between the ends, at most", minimum=1, maximum=100)

    def most_bends(self) -> int:
        return self.pivots

    def so_far(self) -> Probe:
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return BandSoFar(**{**own, "steps": 0, "seconds": 0.0})

    def run(self, problem: Problem, ask: Ask) -> Run:
        import torch

        from landscape_gui.core.band import BandTraining
        from landscape_gui.core.curve_training import Descent

        yield Progress(done=0, total=1, note="preparing")
        training = BandTraining(
            problem.minibatches(split=self.split, batch=self.batch, seed=self.seed),
            torch.stack(ends_of(problem, self.towards)),
            most=self.pivots,
            descent=Descent(self.optimiser, self.lr, self.momentum),  # type: ignore[arg-type]
            weight_decay=self.weight_decay,
            seed=self.seed,
        )
        return (yield from Running(self, problem, ask, training, every=RECORD).train())


@dataclass(frozen=True, kw_only=True)
class BandSoFar(BandQuestion):
    """The training of a band, however long: kept by the questions that train it, to be gone on from; it is asked for by none."""

    name: ClassVar[str] = "band-training"
    title: ClassVar[str] = "The training of a band"
    summary: ClassVar[str] = "How far the training of a band has come"

    def completed(self, problem: Problem) -> Probe:
        return self

    def run(self, problem: Problem, ask: Ask) -> Run:
        raise unasked(self)
        yield
