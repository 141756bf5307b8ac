"""One descent from a place of a plane, as it is and as the plane sees it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.probes import sampling
from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.blocks import evaluate_anew
from landscape_gui.probes.plane import Plane, PlaneProbe, lay
from landscape_gui.results import Array, Provenance, Quantity, freeze
from landscape_gui.training_results import DescentResult

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.descent import Descent as Moving
    from landscape_gui.core.evaluate import Values
    from landscape_gui.problem import Problem

OPTIMIZERS = {
    "sgd": "plain stochastic gradient descent",
    "momentum": "with heavy-ball momentum",
    "adam": "Adam (Kingma and Ba 2015)",
    "sam": "sharpness-aware minimisation with plain steps (Foret et al. 2021)",
}
LABELS = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam", "sam": "SAM"}
RATES = {"sgd": 0.05, "momentum": 0.01, "adam": 0.001, "sam": 0.05}
"""Usual learning rates, taken where none is given."""
PAUSE = 0.01
"""Seconds of updates between two places to stop at, where an update does not take longer."""


@dataclass(frozen=True, kw_only=True)
class Descent(sampling.SampledProbe, PlaneProbe):
    """An optimiser's updates from theta0 + x d1 + y d2, looked at now and then. A DescentResult.

    Batches are of the training data (the first split, all of it), in an order drawn from `order_seed`. Dropout is off. BatchNorm as
    on the surface: frozen and interpolated statistics are held where the descent begins, recalculated ones go by each batch in the
    updates and are recalculated for every loss that is told. Cost: a gradient an update (two for SAM) and two evaluations a record.

    One that was interrupted keeps its records: it makes the same updates once more, without evaluations, and goes on from the last
    record if it comes there to the bit; else it begins again.
    """

    name: ClassVar[str] = "descent"
    title: ClassVar[str] = "Descent"
    summary: ClassVar[str] = "What an optimiser does from a place of a plane"

    x: float = field(0.0, label="x", help="Where it begins, along the first axis")
    y: float = field(0.0, label="y", help="Where it begins, along the second axis")
    optimizer: str = field("sgd", label="Optimizer", help="Which", choices=OPTIMIZERS)
    lr: float = field(0.05, label="Learning rate", help="Of the updates", minimum=0.0)
    momentum: float = field(0.9, label="Momentum", help="Of the optimizer momentum", minimum=0.0, maximum=0.999999)
    rho: float = field(0.05, label="Radius", help="Of SAM", minimum=0.0)
    batch: int = field(64, label="Batch", help="Examples of an update", minimum=1)
    updates: int = field(500, label="Updates", help="How many", minimum=1, maximum=10_000_000)
    seconds: float | None = field(None, label="Seconds", help="At most so long", silent=True)
    records: int = field(60, label="Records", help="How often it is looked at, about", minimum=1, maximum=10_000)
    order_seed: int = field(0, label="Order", help="Seed of the order of the examples", minimum=0, maximum=2**62)

    def cost(self, problem: Problem) -> Cost:
        pace = sampling.seconds_per_point(self, problem)
        count = sampling.examples_of(self, problem)
        train = next(iter(problem.splits.values()))
        part = 3 * pace * min(self.batch, train or self.batch) / max(count, 1) + 2e-4 * len(problem.layout.layers())
        updates = self.updates * (2 if self.optimizer == "sam" else 1) * part
        return Cost(points=self.updates, examples=self.batch, seconds=updates + 2 * pace * self.records, unit="gradient")

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=self.updates, note="laying the plane")
        plane = yield from lay(self, problem, ask)
        running = Running(self, problem, plane)
        if isinstance(ask.partial, DescentResult):
            yield from running.take_up(ask.partial)
        return (yield from running.every_update())


def label_of(probe: Descent) -> str:
    """ "SAM, lr 0.05"."""
    extra = f", rho {probe.rho:g}" if probe.optimizer == "sam" and probe.rho != 0.05 else ""
    return f"{LABELS[probe.optimizer]}, lr {probe.lr:g}{extra}"


class Running:
    """A descent under way: what has been seen of it so far."""

    def __init__(self, probe: Descent, problem: Problem, plane: Plane) -> None:
        from landscape_gui.core.descent import records

        self.probe, self.problem, self.plane = probe, problem, plane
        self.evaluator = sampling.make_evaluator(probe, problem)
        self.mode = self.evaluator.batchnorm
        held = "recalculated" if self.mode == "recalculated" else "frozen"
        self.own = sampling.make_evaluator(probe, problem, batchnorm=held)
        self.start = self._start()
        self.descent = self._descent()
        self.batch = self.descent.loss.batch
        self.when = records(probe.updates, probe.records)
        self.due = frozenset(self.when)
        self.kept: DescentResult | None = None
        self.rows: list[tuple[int, float, float, float, float]] = []
        self.true: list[Values] = []
        self.flat: list[Values] = []
        self.stopped = ""
        self.seconds = self.told = 0.0

    def _descent(self) -> Moving:
        """The optimiser, where it begins."""
        from landscape_gui.core import descent

        probe = self.probe
        rule = descent.Rule(probe.optimizer, probe.lr, probe.momentum, probe.rho)  # type: ignore[arg-type]
        loss = self.problem.minibatches(batch=probe.batch, seed=probe.order_seed)
        return descent.Descent(loss, self.start, rule, frozen=self.mode != "recalculated")

    def _start(self) -> Tensor:
        """The weights there; statistics move with them where they do on the surface."""
        state = self.plane.origin.clone()
        moving = state if self.mode == "interpolated" else state[: self.problem.layout.parameters]
        for axis, distance in zip(self.plane.axes, (self.probe.x, self.probe.y), strict=True):
            moving.add_(axis[: moving.numel()], alpha=distance)
        return state

    def take_up(self, kept: DescentResult) -> Generator[Progress, None, None]:
        """Make the updates that an interrupted descent had made, without evaluations, and go on from its last record."""
        last = int(kept.step[-1]) if len(kept.step) else 0
        if not last or tuple(int(step) for step in kept.step) != self.when[: len(kept.step)]:
            return
        for update in range(last):
            yield from self._update(f"{self._note(last)}, where it was interrupted: walking there again, {update:,}")
        here = self._place()
        there = (kept.x[-1], kept.y[-1], kept.off_plane[-1], kept.distance[-1])
        if here == tuple(map(float, there)):
            self.kept, self.seconds = kept, kept.seconds
        else:
            self.descent = self._descent()

    def every_update(self) -> Run:
        total, first = self.probe.updates, self.descent.updates
        begun = time.monotonic() - self.seconds
        for update in range(first, total + 1):
            known = self.kept is not None and update == first
            if (update in self.due and not known) or self.stopped:
                yield from self._look(update, total)
                self.seconds = time.monotonic() - begun
                if self.stopped or update == total:
                    break
                yield Progress(done=update, total=total, partial=self.result(complete=False), note=self._note(update))
            loss = yield from self._update(self._note(update))
            self._judge(loss, time.monotonic() - begun)
        return self.result(complete=True)

    def _note(self, update: int) -> str:
        return f"{LABELS[self.probe.optimizer]}, update {update:,} of {self.probe.updates:,}"

    def _update(self, note: str) -> Generator[Progress, None, float]:
        """One update; now and then a place to stop at, within it too where batches are large. The batch's loss before it."""
        update = self.descent.updates
        pieces = self.descent.updating()
        while True:
            try:
                next(pieces)
            except StopIteration as stop:
                return float(stop.value)
            if time.monotonic() - self.told >= PAUSE:
                self.told = time.monotonic()
                yield Progress(done=update, total=self.probe.updates, note=note)

    def _judge(self, loss: float, seconds: float) -> None:
        if not math.isfinite(loss):
            self.stopped = f"The loss of a batch was not finite at update {self.descent.updates:,}: the steps are too large."
        elif self.probe.seconds is not None and seconds > self.probe.seconds:
            self.stopped = f"It was stopped after {self.probe.seconds:g} s."

    def _look(self, update: int, total: int) -> Generator[Progress, None, None]:
        """Where it stands, what the loss is there and in the plane beneath."""
        x, y, off, moved = self._place()
        true = yield from sampling.relay(self.own.evaluate(self.descent.weights.clone(), (), ()), update, 0.5, total)
        flat = yield from evaluate_anew(self.evaluator, self.plane, np.array([[x, y]]), update, total)
        self.rows.append((update, x, y, off, moved))
        self.true.append(true)
        self.flat.append(flat)

    def _place(self) -> tuple[float, float, float, float]:
        """Coordinates in the plane, distance off it, distance from the start."""
        from landscape_gui.core.directions import project
        from landscape_gui.core.vector import norm

        state, count = self.descent.weights, self.problem.layout.parameters
        coordinates, off = project([state], self.plane.origin, self.plane.axes, count)
        moved = norm(state[:count].double() - self.start[:count].double())
        return float(coordinates[0, 0]), float(coordinates[0, 1]), float(off[0]), moved

    def result(self, *, complete: bool) -> DescentResult:
        """The answer so far: a snapshot that later work does not touch."""
        rows = np.array(self.rows, dtype=np.float64).reshape(-1, 5)
        probe, kept = self.probe, self.kept
        if kept is not None:
            rows = np.concatenate([np.stack([kept.step, kept.x, kept.y, kept.off_plane, kept.distance], axis=1), rows])
        return DescentResult(
            name=probe.optimizer,
            label=label_of(probe),
            step=freeze(rows[:, 0]),
            x=freeze(rows[:, 1]),
            y=freeze(rows[:, 2]),
            off_plane=freeze(rows[:, 3]),
            distance=freeze(rows[:, 4]),
            quantities=self._quantities(self.true, kept.quantities if kept else {}),
            plane_quantities=self._quantities(self.flat, kept.plane_quantities if kept else {}),
            lr=probe.lr,
            momentum=probe.momentum if probe.optimizer == "momentum" else 0.0,
            rho=probe.rho if probe.optimizer == "sam" else 0.0,
            batch=self.batch,
            seed=probe.order_seed,
            updates=probe.updates,
            seconds=self.seconds,
            stopped=self.stopped,
            complete=complete,
            split=next(iter(self.problem.splits)),
            subset=sampling.describe_subset(probe, self.problem),
            batchnorm=self.mode if self.problem.has_batchnorm else "",
            precision=probe.precision,
            notes=(self.stopped,) if self.stopped else (),
            provenance=Provenance(environment=dict(self.evaluator.environment)),
        )

    def _quantities(self, values: list[Values], kept: Mapping[str, Quantity]) -> dict[str, Quantity]:
        """What was measured, after what is kept of it."""
        if not values:
            return dict(kept)
        found: dict[str, Quantity] = {}
        for name in values[0].mean:
            errors = [v.standard_error[name] for v in values]
            known: Array | None = None if any(e is None for e in errors) else np.array([float(e[0]) for e in errors])  # type: ignore[index]
            means = np.array([float(v.mean[name][0]) for v in values])
            if name in kept:
                earlier = kept[name].standard_error
                known = None if known is None or earlier is None else np.concatenate([earlier, known])
                means = np.concatenate([kept[name].values, means])
            examples = values[0].examples[name]
            found[name] = sampling.quantity(
                name, means, known, examples, axes=("record",), loss_unit=self.problem.loss_unit
            )  # fmt: skip
        return found


def descent_of(fields: dict[str, Any]) -> Descent:
    """The question with those of these fields that it has."""
    names = {f.name for f in dataclasses.fields(Descent)}
    return Descent(**{name: value for name, value in fields.items() if name in names})


def check_start(probe: Probe, x: float, y: float) -> None:
    if not (math.isfinite(x) and math.isfinite(y)):
        raise QuestionError(f"{probe.title} begins at ({x}, {y}).", remedy="Give two finite coordinates.")
