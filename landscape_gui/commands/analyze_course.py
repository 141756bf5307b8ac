"""The course of training that an analysis follows: the run that the checkpoint belongs to, or a copy that is optimised from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.errors import LandscapeError

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

FEWEST_CHECKPOINTS = 3
CONTINUED = "optimised-copy"
"""The folder of a copy's checkpoints."""
RATE, BATCH, EVERY = 0.01, 64, 10
"""Of the copy: plain SGD on the training data at this rate, or at 1/lambda_max where that is less, half of what is stable;
BatchNorm's statistics held, dropout off; looked at each `EVERY` steps, more seldom where there is little time."""
FEW = 256
"""Examples that lambda_max is sought on: on few it is too large, which errs on the stable side."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """problem: in the run that is followed; words: which one it is, for a reader who might take it for another."""

    problem: Problem
    words: str
    own: bool

    @property
    def checkpoints(self) -> int:
        return len(self.problem.run.checkpoints) if self.problem.run is not None else 0


def own_course(problem: Problem, *, trained_here: bool = False) -> Course | None:
    """That of the run which the checkpoint belongs to; None where it belongs to none that is long enough."""
    run = problem.run
    if run is None or len(run.checkpoints) < FEWEST_CHECKPOINTS:
        return None
    whose = "The run that was trained for this report" if trained_here else f"The network's own run, {run.path}"
    return Course(problem=problem, words=f"{whose}: its {len(run.checkpoints)} checkpoints, as training saved them.", own=True)


def marks(updates: int, moments: int) -> tuple[int, ...]:
    """After which steps the copy is kept: each EVERY steps, or fewer where no more may be measured."""
    count = max(2, min(moments, updates // EVERY + 1))
    return tuple(sorted({round(k * updates / (count - 1)) for k in range(count)}))


def continued_course(
    problem: Problem,
    folder: Path,
    *,
    updates: int,
    moments: int,
    examples: int = 0,
    seed: int,
    cancelled: Callable[[], bool],
    tell: Callable[[float, str], None],
) -> Course | None:
    """A copy is optimised from the checkpoint for so many steps, and kept in the folder now and then; None: cancelled. One that is
    there already is taken. Raises ProblemError where the loss has no gradient."""
    place, kept, rate = folder / CONTINUED, marks(updates, moments), stable_rate(problem, examples or FEW, seed)
    training = {
        "optimizer": "SGD", "lr": rate, "momentum": 0.0, "batch_size": BATCH, "steps": updates, "seed": seed,
        "from": problem.fingerprint,
    }  # fmt: skip
    card = {"title": f"A copy of {problem.title}, optimised from its checkpoint", "training": training}
    if not is_there(place, card, kept):
        if place.exists():
            aside(place)
        place.mkdir(parents=True)
        if not optimise(problem, place, kept, rate, seed, cancelled, tell):
            return None
        (place / "landscape.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return course_in(problem, place, kept, training)


def stable_rate(problem: Problem, examples: int, seed: int) -> float:
    """RATE, or less where the checkpoint's curvature would throw such steps out; two digits. Cost: about ten products."""
    from landscape_gui.jobs import answer
    from landscape_gui.probes.eigenvalues import Eigenvalues
    from landscape_gui.store import Store

    question = Eigenvalues(largest=1, smallest=0, limit=min(examples, FEW), seed=seed, tolerance=0.1, most=10)
    try:
        found: Any = answer(question, problem, store=Store())
    except LandscapeError:  # a loss that can be differentiated only once is still descended
        return RATE
    largest = float(found.eigenvalues[0]) if len(found.eigenvalues) else 0.0
    return RATE if largest * RATE <= 1 else float(f"{1 / largest:.2g}")


def course_in(problem: Problem, place: Path, kept: tuple[int, ...], training: dict[str, Any]) -> Course:
    from landscape_gui.checkpoint import read_checkpoint
    from landscape_gui.run import find_run

    run = find_run(place)
    assert run is not None
    how = f"plain SGD, rate {training['lr']:g}, batches of {BATCH}, dropout off"
    words = (
        f"This is not how the network was trained: no run of {FEWEST_CHECKPOINTS} or more checkpoints is there. A copy of it was "
        f"optimised from this checkpoint for {kept[-1]} steps ({how}, "
        f"BatchNorm with the checkpoint's statistics), and looked at after {', '.join(map(str, kept))} of them. The network itself "
        "stays as it is. Open a folder of checkpoints, or record one with landscape_gui.Recorder, to see a run's own way."
    )
    followed, first = problem.with_run(run), read_checkpoint(place / name_of(0))
    # limits of stability follow from the copy's learning rate, not from what the network's own card and file say
    followed.description = {**problem.description, "training": training}
    if first.digest == problem.checkpoint.digest:
        followed.checkpoint = first
    return Course(problem=followed, words=words, own=False)


def optimise(
    problem: Problem,
    place: Path,
    kept: tuple[int, ...],
    rate: float,
    seed: int,
    cancelled: Callable[[], bool],
    tell: Callable[[float, str], None],
) -> bool:
    """Write the copy as it is after each of these steps. False: cancelled before the last."""
    from landscape_gui.core.descent import Descent, Rule

    descent = Descent(problem.minibatches(batch=BATCH, seed=seed), problem.state, Rule("sgd", rate), frozen=True)
    problem.save_state(descent.weights, place / name_of(0))
    while descent.updates < kept[-1]:
        if cancelled():
            return False
        descent.update()
        tell(descent.updates / kept[-1], f"step {descent.updates} of {kept[-1]}")
        if descent.updates in kept:
            problem.save_state(descent.weights, place / name_of(descent.updates))
    return True


def name_of(step: int) -> str:
    return f"step-{step:05}.safetensors"


def is_there(place: Path, card: dict[str, Any], kept: tuple[int, ...]) -> bool:
    try:
        known = json.loads((place / "landscape.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(known == card) and {path.name for path in place.glob("step-*")} == {name_of(step) for step in kept}


def aside(place: Path, word: str = "before") -> None:
    """Give a folder another name: what was made for another analysis, or cut short, is kept."""
    number = next(k for k in range(1, 10_000) if not place.with_name(f"{place.name}-{word}-{k}").exists())
    place.rename(place.with_name(f"{place.name}-{word}-{number}"))
