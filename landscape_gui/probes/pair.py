"""Two checkpoints as every question about them sees them: in one order, whichever of them was named first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.probes.model_names import model_names
from landscape_gui.probes.plane import called

if TYPE_CHECKING:
    from landscape_gui.problem import Problem


@dataclass(frozen=True)
class Pair:
    """The problem of the checkpoint of the smaller digest and a reference to the other one; mirrored: they were named the other
    way round."""

    first: Problem
    second: CheckpointRef
    mirrored: bool


def canonical(problem: Problem, towards: CheckpointRef) -> Pair:
    """The pair in the order in which it is computed once for both. Reads a file where that begins at `towards`."""
    own = own_reference(problem)
    if own.digest and towards.digest and towards.digest < own.digest:
        return Pair(problem.at(towards), own, True)
    return Pair(problem, towards, False)


def own_reference(problem: Problem) -> CheckpointRef:
    """A problem's own checkpoint, as another question would name it."""
    checkpoint = problem.checkpoint
    run = problem.run
    place = checkpoint.path.resolve()
    entries = [e for e in run.checkpoints if e.path.resolve() == place] if run is not None else []
    label = entries[0].label if entries else f"{checkpoint.path.parent.name}/{checkpoint.path.name}"
    return CheckpointRef(str(checkpoint.path), checkpoint.digest, label)


def names_of(problem: Problem, towards: CheckpointRef) -> tuple[str, str]:
    """What a picture calls the two, as short as tells them apart."""
    first, second = model_names((own_reference(problem), towards))
    return first, second


def check_pair(problem: Problem, towards: CheckpointRef | None) -> CheckpointRef:
    """The other checkpoint. QuestionError where none is named or both are one."""
    if towards is None:
        raise QuestionError(
            "The question does not say which model to connect this one with.",
            remedy="Choose a checkpoint of the same architecture.",
        )
    if towards.digest and towards.digest == problem.checkpoint.digest:
        raise QuestionError(
            f"{called(towards)} holds the same weights as {problem.title}: there is nothing between them.",
            remedy="Choose another checkpoint of the same architecture.",
        )
    return towards
