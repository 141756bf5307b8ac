"""A trajectory that grows with a run which is being trained: new checkpoints are projected into the plane that is there."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.probes import sampling
from landscape_gui.probes.plane import Plane, lay
from landscape_gui.probes.read_back import make
from landscape_gui.probes.stopping import until
from landscape_gui.probes.trajectory import Trajectory, Walk, along_run
from landscape_gui.results import Quantity, TrajectoryResult, freeze

if TYPE_CHECKING:
    from landscape_gui.probes.base import Ask
    from landscape_gui.problem import Problem
    from landscape_gui.run import RunEntry

SECONDS = 1.5
"""Of measuring at a time; the checkpoint that is begun is ended."""
HELD = 0.5
"""The plane holds a checkpoint as long as so much of its squared distance from the centre lies within."""


class TrajectoryGrowth:
    """A trajectory with its plane and surface, from one `grow` to the next; for one thread at a time."""

    def __init__(self, result: TrajectoryResult) -> None:
        self.result = self.laid = result
        question = make(Trajectory, result.provenance.question)
        assert isinstance(question, Trajectory)
        self.question = question
        self.plane: Plane | None = None
        self.evaluator: Any = None
        self.entries: dict[str, RunEntry] = {}
        self.left = False
        """The newest checkpoint lies off the plane, or beside its surface."""

    def grow(self, problem: Problem, ask: Ask, stop: Callable[[], bool]) -> TrajectoryResult | None:
        """The trajectory with checkpoints that have come, the newest first, for `SECONDS`. Two evaluations a checkpoint. None where
        it was stopped. Raises LandscapeError, also where checkpoints that the plane was laid by are there no more."""
        entries = problem.run.checkpoints if problem.run is not None else ()
        self.entries |= {entry.label: entry for entry in entries}
        new = [entry for entry in entries if entry.label not in self.result.names]
        if new and not self._prepare(problem, ask, stop):
            return None
        ends = time.monotonic() + SECONDS
        for entry in reversed(new):
            walk = self._walk(problem, entry, stop)
            if walk is None:
                return None
            self.result = self._with(walk)
            if time.monotonic() > ends:
                break
        return self.result

    def _prepare(self, problem: Problem, ask: Ask, stop: Callable[[], bool]) -> bool:
        """The vectors of the plane, once; False where it was stopped."""
        if self.plane is None:
            self.evaluator = sampling.make_evaluator(self.question, problem)
            self.plane = until(stop, lay(self.question, problem, ask))
        return self.plane is not None

    def _walk(self, problem: Problem, entry: RunEntry, stop: Callable[[], bool]) -> Walk | None:
        assert self.plane is not None
        reference = problem.reference(entry.path)
        steps = self.question.walk(problem, self.plane, (reference,), (problem.state_of(reference),), self.evaluator, 1.0)
        walk = until(stop, steps)
        return walk if walk is None else dataclasses.replace(walk, names=(entry.label,))

    def _with(self, walk: Walk) -> TrajectoryResult:
        """One checkpoint more, in the order of training."""
        known, unit = self.result, next((q.unit for n, q in self.result.quantities.items() if n.endswith("_loss")), "")
        names = (*known.names, *walk.names)
        order = self._order(names, np.append(known.order, np.nan))
        by = np.argsort(order, kind="stable")
        columns = {"x": walk.coordinates[:, 0], "y": walk.coordinates[:, 1], "off_plane": walk.off_plane, "distance": walk.distance}
        grown: dict[str, Any] = {name: freeze(np.append(getattr(known, name), more)[by]) for name, more in columns.items()}
        true, flat = along_run(walk.true, unit), along_run(walk.flat, unit)
        self.left = self.left or self._leaves(walk)
        return dataclasses.replace(
            known,
            names=tuple(names[k] for k in by),
            order=freeze(order[by]),
            quantities={name: joined(q, true[name], by) for name, q in known.quantities.items()},
            plane_quantities={name: joined(q, flat[name], by) for name, q in known.plane_quantities.items()},
            notes=(*self.laid.notes, self._note(len(names))),
            **grown,
        )

    def _note(self, count: int) -> str:
        laid, more = self.laid.names, count - len(self.laid.names)
        which = f"{len(laid)} checkpoints, {laid[0]} to {laid[-1]}"
        return f"Plane and surface are those of {which}; {more} more {'is' if more == 1 else 'are'} projected into the plane."

    def _order(self, names: tuple[str, ...], known: Any) -> Any:
        """Epochs where all have one, else steps, else as they are listed."""
        found = [self.entries.get(name) for name in names]
        for kind in ("epoch", "step"):
            values = [getattr(entry, kind, None) for entry in found]
            if all(value is not None for value in values):
                return np.array(values, dtype=np.float64)
        places = {name: float(k) for k, name in enumerate(self.entries)}
        return np.array([places.get(name, old) for name, old in zip(names, known, strict=True)])

    def _leaves(self, walk: Walk) -> bool:
        surface, (x, y) = self.result.surface, walk.coordinates[0]
        beside = not (surface.x[0] <= x <= surface.x[-1] and surface.y[0] <= y <= surface.y[-1])
        return bool(beside or walk.off_plane[0] ** 2 > (1 - HELD) * walk.distance[0] ** 2)


def joined(quantity: Quantity, more: Quantity, by: Any) -> Quantity:
    """Values with one more, in this order; errors only where both have them."""
    errors = (quantity.standard_error, more.standard_error)
    both = errors[0] is not None and errors[1] is not None
    return dataclasses.replace(
        quantity,
        values=freeze(np.append(quantity.values, more.values)[by]),
        standard_error=freeze(np.append(*errors)[by]) if both else None,  # type: ignore[arg-type]
    )
