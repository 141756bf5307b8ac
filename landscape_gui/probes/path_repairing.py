"""The line to an aligned model, measured with the statistics of its layers repaired at each place (REPAIR)."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from landscape_gui.connection_results import EndpointResult, PathResult
from landscape_gui.probes import sampling
from landscape_gui.probes.base import Progress, Run
from landscape_gui.probes.path_measuring import Found, Measuring, everything
from landscape_gui.results import Array

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.problem import Problem


class Repairing(Measuring):
    """A path whose every place is repaired before it is measured. The ends are what REPAIR leaves as they are.

    Statistics of layers come from the first split, or from its subset; those of BatchNorm are recalculated from it.
    """

    def __init__(self, probe: Any, problem: Problem, found: Found, ends: tuple[EndpointResult, EndpointResult]) -> None:
        from landscape_gui.core.repair import Repair

        super().__init__(probe, problem, sampling.make_evaluator(everything(probe), problem, batchnorm="frozen"), found, ends)
        points = found.curve.points
        passes = problem.passes(split=next(iter(problem.splits)), limit=probe.limit, seed=probe.seed)
        self.repair = Repair(passes, points[0], points[-1])

    def every_place(self) -> Run:
        for _ in self.repair.measure():
            yield Progress(done=0, total=1, note="measuring the ends' layers")
        return (yield from super().every_place())

    def block(self, where: Array, done: float, total: float) -> Generator[Progress, None, None]:
        for index in where:
            repaired = yield from self.repaired(float(self.t[index]), done, total)
            values = yield from sampling.relay(self.evaluator.evaluate(repaired, (), (), keep=True), done + 0.5, 0.5, total)
            done += 1
            self.take(where[where == index], values)

    def repaired(self, t: float, done: float, total: float) -> Generator[Progress, None, Tensor]:
        steps = self.repair.at(self.found.curve.at(t), t)
        while True:
            try:
                fraction = next(steps)
            except StopIteration as stop:
                state: Tensor = stop.value
                return state
            yield Progress(done=done + 0.5 * fraction, total=total)

    def result(self) -> PathResult:
        found = super().result()
        mode = "repaired" if self.problem.has_batchnorm else ""
        return dataclasses.replace(found, batchnorm=mode, notes=(*self.repair.notes, *found.notes))
