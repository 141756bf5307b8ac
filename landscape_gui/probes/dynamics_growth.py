"""Training dynamics that grow with a run which is being trained: what is known stays, a few checkpoints more at a time."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.dynamics_results import DynamicsResult, MomentResult, RunDynamics
from landscape_gui.errors import ProblemError
from landscape_gui.probes.dynamics import Dynamics
from landscape_gui.probes.dynamics_run import Growing, Line
from landscape_gui.probes.stopping import until

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.probes.base import Ask, CheckpointRef
    from landscape_gui.problem import Problem

    Turn = tuple[Line, int]

KEPT_BYTES = 256 << 20
"""Weights that would take more are read from their files again each time."""
LAID_AGAIN = 1.5
"""The plane is laid anew when there are so many times the checkpoints that it was laid by: seldom, and less and less often."""
SECONDS = 1.5
"""Of measuring at a time; the checkpoint that is begun is ended."""
LIMITS = (0, 4096, 1024, 256)
"""Examples on which a checkpoint's geometry may be measured while a run is followed (0: all); the first that is quick enough."""


def affordable(problem: Problem, seconds: float = SECONDS) -> Dynamics:
    """The question that is asked of a run that is followed: rough, on as many examples as a checkpoint in that time allows."""
    for limit in LIMITS:
        probe = Dynamics(limit=limit, tolerance=1e-2, most=40, pairs=4)
        if probe.moment.cost(problem).seconds <= seconds:
            break
    return probe


class DynamicsGrowth:
    """What is known of the dynamics of one problem's run, from one `grow` to the next; for one thread at a time."""

    def __init__(self, probe: Dynamics | None = None, result: DynamicsResult | None = None) -> None:
        """result: an answer that is there; whatever it knows of is asked for at once, so that nothing of it is lost to the eye."""
        self.probe = probe
        self.shown = {(run.name, run.names[k]) for run in ahead(result) for k in np.flatnonzero(run.computed)}
        self.measures = True
        """Whether the next `grow` measures anything; without, it shows what is logged, and known of the weights, at once."""
        self.moments: dict[str, tuple[MomentResult, dict[str, Any]]] = {}
        self.states: dict[str, Tensor] = {}
        self.axes: tuple[Tensor, ...] = ()
        self.explained: Any = None
        self.laid: tuple[str, ...] = ()
        """The names of the run's checkpoints by which the plane was laid."""

    def grow(self, problem: Problem, ask: Ask, stop: Callable[[], bool]) -> tuple[Dynamics, DynamicsResult] | None:
        """The question as it is by now and what is known of it: the newest checkpoint is measured first, then those left out
        before, for `SECONDS`; what the run logged stands beside at once. None where it was stopped. Raises LandscapeError."""
        self.probe = self.probe or affordable(problem)
        plain = dataclasses.replace(self.probe, run_checkpoints=(), other_checkpoints=(), counts=(), records="")
        question = plain.completed(problem)
        assert isinstance(question, Dynamics)
        growing = Followed(question, problem, self)
        for _ in growing.walk():
            if stop():
                return None
        self._forget(growing)
        left = [turn for turn in growing.turns() if not self._known(growing, *turn)]
        left.sort(key=lambda turn: turn[1] < turn[0].count - 1)  # the newest of each run first
        if not self._fill(growing, [turn for turn in left if self._is_shown(*turn)], ask, stop):
            return None
        new = [turn for turn in left if not self._is_shown(*turn)]
        if self.measures and not self._fill(growing, new, ask, stop, SECONDS):
            return None
        self.shown = set()
        whole = all(bool(line.computed.all()) for line in growing.lines)
        return question, dataclasses.replace(growing.result(), complete=whole)

    def _fill(self, growing: Growing, turns: list[Turn], ask: Ask, stop: Callable[[], bool], seconds: float = math.inf) -> bool:
        """Checkpoints, until the time is over; False where it was stopped."""
        ends = time.monotonic() + seconds
        for line, place in turns:
            if stop() or not self._measure(growing, line, place, ask, stop):
                return False
            if time.monotonic() > ends:
                break
        return True

    def _is_shown(self, line: Line, place: int) -> bool:
        return (line.track.name, line.track.names[place]) in self.shown

    def _known(self, growing: Growing, line: Line, place: int) -> bool:
        found = self.moments.get(line.track.references[place].digest)
        if found is not None:
            growing.take(line, place, *found)
        return found is not None

    def _measure(self, growing: Growing, line: Line, place: int, ask: Ask, stop: Callable[[], bool]) -> bool:
        """One checkpoint; False where it was stopped."""
        reference = line.track.references[place]
        try:
            there = growing.problem.at(reference)
        except ProblemError as error:
            growing.skip(line, place, error.message)
            return True
        answer = until(stop, ask(growing.probe.moment, there))
        if not isinstance(answer, MomentResult):
            return False
        self.moments[reference.digest] = answer, dict(getattr(there.checkpoint, "metadata", None) or {})
        growing.take(line, place, *self.moments[reference.digest])
        return True

    def _forget(self, growing: Growing) -> None:
        """Weights of checkpoints that are no part of the runs any more."""
        there = {reference.digest for line in growing.lines for reference in line.track.references}
        self.states = {digest: state for digest, state in self.states.items() if digest in there}


def ahead(result: DynamicsResult | None) -> tuple[RunDynamics, ...]:
    """The runs of an answer whose numbers come from checkpoints."""
    return tuple(run for run in result.runs.values() if len(run.names) == len(run.computed)) if result is not None else ()


class Followed(Growing):
    """Runs of which weights and plane are kept from one time to the next."""

    def __init__(self, probe: Dynamics, problem: Problem, kept: DynamicsGrowth) -> None:
        super().__init__(probe, problem)
        self.kept = kept
        self.room = 4 * int(problem.layout.size) * self.total <= KEPT_BYTES

    def state_of(self, reference: CheckpointRef) -> Tensor:
        known = self.kept.states.get(reference.digest)
        state = known if known is not None else super().state_of(reference)
        if self.room:
            self.kept.states[reference.digest] = state
        return state

    def _lay(self, states: list[Tensor]) -> None:
        """Into the plane of the last time, until there are enough more checkpoints for another one."""
        kept, names = self.kept, self.lines[0].track.names
        if not kept.axes or len(names) >= LAID_AGAIN * len(kept.laid):
            super()._lay(states)
            kept.axes, kept.explained, kept.laid = self.axes, self.explained, names
            return
        self.axes, self.explained = kept.axes, kept.explained
        self._place(states, [k for k, state in enumerate(states) if bool(state.isfinite().all())])
        if names[-1] != kept.laid[-1]:
            laid = f"{len(kept.laid)} checkpoints, {kept.laid[0]} to {kept.laid[-1]}"
            self.notes.append(f"The plane of the trajectory is that of {laid}; later ones are projected into it.")
