"""A path between two models that is trained so that the loss stays low along it; a question that others ask."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.connection_results import CurveResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.results import Array, Provenance, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.curve_training import CurveTraining
    from landscape_gui.core.minibatches import MiniBatchLoss
    from landscape_gui.problem import Problem

PATHS = {
    "bezier": "Bezier curve: smooth, of degree one more than it has bends",
    "chain": "polygonal chain: straight from bend to bend",
}
OPTIMISERS = {"adam": "Adam; the learning rate hardly depends on the network", "sgd": "gradient descent with momentum"}
LEARNING_RATES = {"adam": 0.005, "sgd": 0.05}
STEPS = 1000
SMALL, FEWEST = 60, 250
"""Networks of more tensors than `SMALL` take fewer steps by default, in proportion, but so many at least."""
TELL_EVERY = 0.3
"""Seconds between two partial answers, or ten times as long as whoever takes them needs for one."""
KEPT_BYTES = 256 << 20
"""A training whose vectors would take more is not kept to be gone on from by a question with more steps."""


@dataclass(frozen=True, kw_only=True)
class PathTraining(Probe):
    """The fields that say between which models, on which data and how a path is trained. 0: chosen by the network."""

    purpose: ClassVar[str] = "Connectivity"

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
            steps=0 if self.seconds else self.steps or self.usual_steps(problem),
            lr=self.lr or LEARNING_RATES[self.optimiser],
            batch=self.batch or 64,
        )

    def usual_steps(self, problem: Problem) -> int:
        raise NotImplementedError

    def cost(self, problem: Problem) -> Cost:
        whole = self.completed(problem)
        assert isinstance(whole, PathTraining)
        points = 3 * whole.steps
        return Cost(points=points, examples=whole.batch, seconds=whole.seconds or float("nan"), unit="forward pass")


@dataclass(frozen=True, kw_only=True)
class CurveQuestion(PathTraining):
    """A curve from the problem's own checkpoint (t = 0) to `towards` (t = 1) whose bends are trained. Gives a CurveResult.

    Garipov et al. 2018. More steps go on from what fewer came to, equal to the bit. Cost: a step is about one of plain training.
    """

    name: ClassVar[str] = "curve"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Curve"
    summary: ClassVar[str] = "A curve between two models, trained so that the loss stays low along it"

    path: str = field("bezier", label="Path", help="What kind of curve", choices=PATHS)
    bends: int = field(1, label="Bends", help="Control points between the ends", minimum=1, maximum=100)

    def usual_steps(self, problem: Problem) -> int:
        tensors = sum(not segment.buffer for segment in problem.layout.segments)
        return max(FEWEST, round(STEPS * min(1.0, SMALL / max(tensors, 1))))

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        ends = ends_of(problem, self.towards)
        running = Running(self, problem, ask, *ends)
        running.take_up()
        return (yield from running.train())


@dataclass(frozen=True, kw_only=True)
class CurveSoFar(PathTraining):
    """The training of a curve, however long: kept by the questions that train it, to be gone on from; it is asked for by none."""

    name: ClassVar[str] = "curve-training"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Training of a curve"
    summary: ClassVar[str] = "How far the training of a curve has come"

    path: str = field("bezier", label="Path", help="What kind of curve", choices=PATHS)
    bends: int = field(1, label="Bends", help="Control points between the ends", minimum=1, maximum=100)

    def completed(self, problem: Problem) -> Probe:
        return self

    def run(self, problem: Problem, ask: Ask) -> Run:
        raise QuestionError("The training of a curve is kept by the question that trains it.", remedy="Ask for the curve.")
        yield


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


class Pace:
    """Says when the next partial answer is due: every 0.3 s, and never so often that taking it takes a tenth of the time."""

    def __init__(self) -> None:
        self._last = self._began = time.monotonic()
        self.pause = TELL_EVERY

    def due(self) -> bool:
        return time.monotonic() - self._last >= self.pause

    def telling(self) -> None:
        """Before a partial answer is made."""
        self._began = time.monotonic()

    def told(self) -> None:
        """After it was taken."""
        self._last = time.monotonic()
        self.pause = max(TELL_EVERY, 10 * (self._last - self._began))


class History:
    """Mean training loss by rounds of steps."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.losses: list[float] = []
        self.steps: list[int] = []
        self._since: list[float] = []

    def see(self, step: int, loss: float) -> None:
        self._since.append(loss)
        if step % self.every == 0:
            self.losses.append(float(np.mean(self._since)))
            self.steps.append(step)
            self._since = []

    def state(self) -> Array:
        return freeze(self._since)

    def restore(self, losses: Array, steps: Array, since: Array) -> None:
        self.losses, self.steps, self._since = list(map(float, losses)), list(map(int, steps)), list(map(float, since))


class Running:
    """A curve being trained."""

    def __init__(self, probe: CurveQuestion, problem: Problem, ask: Ask, a: Tensor, b: Tensor) -> None:
        from landscape_gui.core.curve_training import ROUND, CurveTraining, Descent
        from landscape_gui.core.curves import on_the_chord

        self.probe, self.problem, self.ask = probe, problem, ask
        self.loss: MiniBatchLoss = problem.minibatches(split=probe.split, batch=probe.batch, seed=probe.seed)
        self.training: CurveTraining = CurveTraining(
            self.loss,
            on_the_chord(a, b, probe.bends),
            kind=probe.path,  # type: ignore[arg-type]
            descent=Descent(probe.optimiser, probe.lr, probe.momentum),  # type: ignore[arg-type]
            weight_decay=probe.weight_decay,
            seed=probe.seed,
        )
        self.history = History(ROUND)
        self._seconds, self._began, self._kept = 0.0, time.monotonic(), 0
        self.question = CurveSoFar(
            **{f.name: getattr(probe, f.name) for f in dataclasses.fields(probe) if f.name not in ("steps", "seconds")}
        )

    @property
    def seconds(self) -> float:
        """Of training, in all."""
        return self._seconds + time.monotonic() - self._began

    @property
    def done(self) -> tuple[float, float]:
        """How much of the budget is spent, and the budget, in steps."""
        if not self.probe.seconds:
            return self.training.step, self.probe.steps
        pace = self.training.step / max(self.seconds, 1e-9)
        return min(self.seconds, self.probe.seconds) * pace, max(1.0, self.probe.seconds * pace)

    def enough(self) -> bool:
        if self.probe.seconds:
            return self.seconds >= self.probe.seconds
        return self.training.step >= self.probe.steps

    def train(self) -> Run:
        pace = Pace()
        try:
            while not self.enough():
                loss = self.training.advance()
                self.history.see(self.training.step, loss)
                done, total = self.done
                if pace.due():
                    pace.telling()
                    yield Progress(done=done, total=total, partial=self.result(complete=False), note=self.note())
                    pace.told()
                else:
                    yield Progress(done=done, total=total, note=self.note())
        finally:
            self.keep()
        return self.result(complete=True)

    def note(self) -> str:
        step = f"step {self.training.step:,}"
        return f"{step}, training loss {self.history.losses[-1]:.4g}" if self.history.losses else step

    def take_up(self) -> None:
        """Go on from this very question's partial answer, or from the kept training of fewer steps, whichever is further."""
        known: Callable[[Any], Any] | None = getattr(self.ask, "known", None)
        found = [self.ask.partial, known(self.question) if known is not None else None]
        fitting = [each for each in found if isinstance(each, CurveResult) and self.fits(each)]
        self._kept = max((each.steps for each in found[1:] if isinstance(each, CurveResult)), default=0)
        if fitting:
            self.restore(max(fitting, key=lambda each: each.steps))

    def fits(self, found: CurveResult) -> bool:
        """Whether a training is one that this one would come by, computed in the same surroundings."""
        here = json.loads(json.dumps(self.environment(), default=str))
        same = all(found.provenance.environment.get(name) == value for name, value in here.items())
        budget = found.seconds <= self.probe.seconds if self.probe.seconds else found.steps <= self.probe.steps
        return same and budget and "iterate" in found.state and found.points.shape == tuple(self.training.average.shape)

    def restore(self, found: CurveResult) -> None:
        state = {name: torch_of(value) for name, value in found.state.items() if name != "since"}
        self.training.restore(found.steps, torch_of(found.points), state)
        self.history.restore(found.losses, found.loss_steps, found.state.get("since", freeze([])))
        self._seconds, self._began = found.seconds, time.monotonic()

    def keep(self) -> None:
        """Keep the training for questions with more steps, if it is longer than what is kept and not too large."""
        keep: Callable[[Any, Any], bool] | None = getattr(self.ask, "keep", None)
        if keep is None or self.training.step <= self._kept:
            return
        found = self.result(complete=False)
        if found.points.nbytes + sum(value.nbytes for value in found.state.values()) <= KEPT_BYTES:
            keep(self.question, found)

    def environment(self) -> dict[str, Any]:
        return dict(self.loss.environment)

    def result(self, *, complete: bool) -> CurveResult:
        curve = self.training.curve
        state: Mapping[str, Array] = {}
        if not complete:
            state = {name: array_of(value) for name, value in self.training.state().items()} | {"since": self.history.state()}
        return CurveResult(
            split=self.probe.split,
            subset=subset_words(self.problem, self.probe.split),
            batchnorm="batch statistics in training" if self.problem.has_batchnorm else "",
            precision="float32",
            kind=curve.kind,
            points=array_of(curve.points),
            places=freeze(curve.knots),
            losses=freeze(self.history.losses),
            loss_steps=freeze(self.history.steps, np.int64),
            steps=self.training.step,
            seconds=self.seconds,
            state=state,
            complete=complete,
            notes=self.notes(),
            provenance=Provenance(environment=self.environment()),
        )

    def notes(self) -> tuple[str, ...]:
        losses = self.history.losses
        if len(losses) > 2 and losses[-1] > 2 * losses[0]:
            return ("The training loss rose: the learning rate (lr) is too high.",)
        return ()


def subset_words(problem: Problem, split: str) -> str:
    count = problem.splits[split]
    return f"all {count:,} {split}" if count else f"all of the stream {split}"


def array_of(tensor: Tensor) -> Array:
    return freeze(tensor.detach().cpu().numpy(), np.float32)


def torch_of(array: Array) -> Tensor:
    import torch

    return torch.from_numpy(np.array(array))
