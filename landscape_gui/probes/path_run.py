"""A path being trained: how far it is, what it tells on the way, and what is kept of it to be gone on from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.connection_results import CurveResult
from landscape_gui.environment import environment
from landscape_gui.probes.base import Ask, Progress, Run
from landscape_gui.probes.path_training import PathTraining
from landscape_gui.results import Array, Provenance, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.band import BandTraining
    from landscape_gui.core.curve_training import CurveTraining
    from landscape_gui.problem import Problem

    Training = CurveTraining | BandTraining

TELL_EVERY = 0.3
"""Seconds between two partial answers, or ten times as long as whoever takes them needs for one."""
KEPT_BYTES = 256 << 20
"""A training whose vectors would take more is not kept to be gone on from by a question with more steps."""


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
    """Mean training loss by rounds of so many steps."""

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
    """A path being trained. every: steps of which the history gives one mean."""

    def __init__(self, probe: PathTraining, problem: Problem, ask: Ask, training: Training, *, every: int) -> None:
        self.probe, self.problem, self.ask, self.training = probe, problem, ask, training
        self.question = probe.so_far()
        self.history = History(every)
        self._seconds, self._began, self._kept = 0.0, time.monotonic(), 0

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
        """Go on from what is there until the budget is spent; gives the path. Ended early, what there is is kept."""
        self.take_up()
        pace = Pace()
        try:
            while not self.enough():
                loss = self.training.advance()
                if loss is not None:
                    self.history.see(self.training.step, loss)
                done, total = self.done
                if pace.due():
                    pace.telling()
                    yield Progress(done=done, total=total, partial=self.result(complete=False), note=self.note())
                    pace.told()
                else:
                    yield Progress(done=done, total=total, note=self.note())
        except GeneratorExit:
            self.keep()
            raise
        self.keep()
        return self.result(complete=True)

    def note(self) -> str:
        step = f"step {self.training.step:,}"
        return f"{step}, training loss {self.history.losses[-1]:.4g}" if self.history.losses else step

    def take_up(self) -> None:
        """Go on from this very question's partial answer, or from the kept training of fewer steps, whichever is further."""
        known: Callable[[Any], Any] | None = getattr(self.ask, "known", None)
        kept = known(self.question) if known is not None else None
        self._kept = kept.steps if isinstance(kept, CurveResult) else 0
        fitting = [each for each in (self.ask.partial, kept) if isinstance(each, CurveResult) and self.fits(each)]
        if fitting:
            self.restore(max(fitting, key=lambda each: each.steps))

    def fits(self, found: CurveResult) -> bool:
        """Whether a training is one that this one would come by, computed in the same surroundings between the same ends."""
        here = json.loads(json.dumps({**self.environment(), **environment()}, default=str))
        same = all(found.provenance.environment.get(name) == value for name, value in here.items())
        budget = found.seconds <= self.probe.seconds if self.probe.seconds else found.steps <= self.probe.steps
        ends = np.array_equal(found.points[[0, -1]], array_of(self.training.average[[0, -1]]), equal_nan=True)
        return same and budget and ends and "iterate" in found.state

    def restore(self, found: CurveResult) -> None:
        state = {name: tensor_of(value) for name, value in found.state.items() if name != "since"}
        self.training.restore(found.steps, tensor_of(found.points), state)
        self.history.restore(found.losses, found.loss_steps, found.state["since"])
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
        return dict(self.training.loss.environment)

    def result(self, *, complete: bool) -> CurveResult:
        curve = self.training.curve
        state: Mapping[str, Array] = {}
        if not complete:
            state = {name: array_of(value) for name, value in self.training.state().items()} | {"since": self.history.state()}
        return CurveResult(
            split=self.probe.split,
            subset=subset_words(self.problem, self.probe.split),
            batchnorm="batch statistics in training" if self.problem.has_batchnorm else "",
            precision=str(self.training.loss.dtype).removeprefix("torch."),
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
    """A tensor's values as an answer holds them, in its own dtype."""
    values = tensor.detach().cpu().numpy()
    return freeze(values, values.dtype)


def tensor_of(array: Array) -> Tensor:
    import torch

    return torch.from_numpy(np.array(array))
