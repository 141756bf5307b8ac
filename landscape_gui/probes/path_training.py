"""What every question about a path that is trained asks for, and its ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef, Cost, Probe, field

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.problem import Problem

OPTIMISERS = {"adam": "Adam; the learning rate hardly depends on the network", "sgd": "gradient descent with momentum"}
BATCH = 64
SMALL = 30
"""Networks of more tensors than so many take fewer steps by default, in proportion: deep ones are slow and have more room."""


@dataclass(frozen=True, kw_only=True)
class PathTraining(Probe):
    """The fields that say between which models, on which data and how a path is trained. 0: chosen by the network."""

    purpose: ClassVar[str] = "Connectivity"
    usual_rates: ClassVar[Mapping[str, float]]
    """Learning rate by optimiser where none is asked for."""
    usual_steps: ClassVar[tuple[int, int]]
    """Steps where none are asked for: of a small network, and of a deep one at least."""

    towards: CheckpointRef = field(CheckpointRef(""), label="Towards", help="The other model", metavar="CHECKPOINT")
    steps: int = field(0, label="Steps", help="Gradient steps; 0 chooses by the network", minimum=0, maximum=10_000_000)
    seconds: float = field(0.0, label="Seconds", help="Train for so long instead", unit="s", minimum=0.0, maximum=1e6)
    optimiser: str = field("adam", label="Optimiser", help="How the bends move", choices=OPTIMISERS)
    lr: float = field(0.0, label="Learning rate", help="Of the bends; 0 chooses by the optimiser", minimum=0.0, maximum=1e3)
    momentum: float = field(0.9, label="Momentum", help="Heavy ball's, or Adam's first", minimum=0.0, maximum=0.999, advanced=True)
    weight_decay: float = field(
        0.0, label="Weight decay", help="Of the weights along the path", minimum=0.0, maximum=10.0, advanced=True
    )
    batch: int = field(0, label="Batch", help="Examples a step; 0: 64, or all where there are fewer", minimum=0, advanced=True)
    split: str = field("", label="Data", help="The split that is trained on; the first one where none is named", metavar="NAME")
    seed: int = field(0, label="Seed", help="Seed of batches and places on the path", minimum=0, maximum=2**62)

    def completed(self, problem: Problem) -> Probe:
        """The question with what it left open filled in, so that it counts in the key."""
        split = self.split or next(iter(problem.splits))
        if split not in problem.splits:
            raise QuestionError(f"There is no split {split!r}.", remedy=f"Choose one of {', '.join(problem.splits)}.")
        return dataclasses.replace(
            self,
            split=split,
            steps=0 if self.seconds else self.steps or self.steps_for(problem),
            lr=self.lr or self.usual_rates[self.optimiser],
            batch=self.batch or BATCH,
        )

    def steps_for(self, problem: Problem) -> int:
        """How many steps a network like this one takes by default."""
        tensors = sum(not segment.buffer for segment in problem.layout.segments)
        most, least = self.usual_steps
        return max(least, round(most * min(1.0, SMALL / max(tensors, 1))))

    def most_bends(self) -> int:
        """Between the ends, at most."""
        raise NotImplementedError

    def so_far(self) -> Probe:
        """The question under which the training is kept, however long it is, to be gone on from."""
        raise NotImplementedError

    def cost(self, problem: Problem) -> Cost:
        whole = self.completed(problem)
        assert isinstance(whole, PathTraining)
        return Cost(
            points=3 * whole.steps,
            examples=whole.batch,
            seconds=whole.seconds or float("nan"),
            unit="forward pass",
            memory=4.0 * problem.layout.size * (5 * self.most_bends() + 7),
        )


def ends_of(problem: Problem, towards: CheckpointRef) -> tuple[Tensor, Tensor]:
    """The two ends' weights; a sentence where they are the same."""
    import torch

    if not towards.path and not towards.digest:
        raise QuestionError("The other end of the path is not named.", remedy="Name another checkpoint of this architecture.")
    a, b = problem.state, problem.state_of(towards)
    if torch.equal(a, b):
        raise QuestionError(
            f"{towards.label or towards.path} has the same weights as {problem.title}: there is no path between them.",
            remedy="Choose another checkpoint of this architecture.",
        )
    return a, b


def unasked(probe: PathTraining) -> QuestionError:
    """Why a training as it is kept is no question of its own."""
    return QuestionError(
        f"{type(probe).title} is kept by the question that trains it.", remedy="Ask for the curve or the band between two models."
    )
