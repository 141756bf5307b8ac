"""How training went, epoch by epoch: what a run logged of itself, or another program measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from landscape_gui.dynamics_results import DynamicsResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Ask, Probe, Run

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Dynamics(Probe):
    """Losses, accuracies and geometry over the epochs of one run or several. Its answers, DynamicsResult, are read from files."""

    name: ClassVar[str] = "dynamics"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Training dynamics"
    summary: ClassVar[str] = "Loss, accuracy, gradient and curvature over the epochs of a run"
    purpose: ClassVar[str] = "Over a run"

    def run(self, problem: Problem, ask: Ask) -> Run:
        raise QuestionError(
            "The dynamics of a run are read from a file of its metrics.", remedy="Open the JSON that training wrote for each epoch."
        )
        yield

    def figure(self, result: DynamicsResult, look: Look) -> Figure:
        from landscape_gui.probes.dynamics_pictures import dynamics_figure

        return dynamics_figure(result, look)
