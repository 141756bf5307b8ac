"""Answers that grow with the run that they are about, as the window asks for them while training goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landscape_gui.dynamics_results import DynamicsResult
from landscape_gui.probes.base import Probe, Run
from landscape_gui.results import Result, TrajectoryResult


def growth_of(probe: Probe | None, result: Result | None) -> Any:
    """What lets this answer grow (`grow`), or one that is not there yet (None: the dynamics, roughly); None for other answers."""
    from landscape_gui.probes.dynamics import Dynamics
    from landscape_gui.probes.dynamics_growth import DynamicsGrowth
    from landscape_gui.probes.trajectory_growth import TrajectoryGrowth

    if result is None:
        return DynamicsGrowth()
    if isinstance(result, TrajectoryResult):
        return TrajectoryGrowth(result)
    return DynamicsGrowth(probe, result) if isinstance(result, DynamicsResult) and isinstance(probe, Dynamics) else None


def grow(growth: Any, problem: Any, stop: Callable[[], bool]) -> tuple[Probe, Result] | None:
    """The answer with what its problem's run holds by now, and the question that it answers; None where it was stopped. What was
    measured of each checkpoint is kept in the store, the whole is not: it is soon out of date. Raises LandscapeError."""
    import landscape_gui.probes.dynamics_pictures  # noqa: F401  what draws it: imported here, and not while the window waits
    from landscape_gui.jobs import answering, signed
    from landscape_gui.store import Store

    store = Store()

    def ask(asked: Probe, /, about: Any = None) -> Run:
        return answering(asked, about or problem, store, part=True)

    found = growth.grow(problem, ask, stop)
    if found is None:
        return None
    if isinstance(found, TrajectoryResult):
        return growth.question, found
    question, result = found
    return growth.probe, signed(result, question, problem)
