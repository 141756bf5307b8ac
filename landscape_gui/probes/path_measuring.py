"""A path between two models being measured: coarse first, in blocks that are the same whatever happened before."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.connection_results import EndpointResult, PathResult
from landscape_gui.probes import blocks, grid, path_numbers, sampling
from landscape_gui.probes.base import Progress, Run
from landscape_gui.results import Array, Provenance, freeze

if TYPE_CHECKING:
    from landscape_gui.core.curves import Curve
    from landscape_gui.core.evaluate import Evaluator, Values
    from landscape_gui.problem import Problem

COARSE = 1
"""Up to this level of a grid's order the first picture goes: nine places, ends included."""
KEPT_BYTES = 64 << 20
"""What the examples of a block's places may take in memory."""


@dataclass(frozen=True)
class Found:
    """A path that was found, and how: what it is called, how many control points it has, and its finding in words."""

    name: str
    label: str
    curve: Curve
    training: str = ""
    notes: tuple[str, ...] = ()


def places(points: int, beyond: float) -> Array:
    """(k,) ascending: `points` from 0 to 1, both exact, and as dense ones beyond both ends up to -beyond and 1 + beyond, exact."""
    within = grid.positions(0.0, 1.0, points)
    if not beyond:
        return freeze(within)
    inner = np.arange(1, np.ceil(beyond * (points - 1) - 1e-9)) / (points - 1)
    outer = np.append(inner, beyond)
    return freeze(np.concatenate([-outer[::-1], within, 1 + outer]))


@dataclass
class Tally:
    """What has come in: by name, means, standard errors and paired errors (k,), NaN elsewhere, and how many examples."""

    count: int
    means: dict[str, Array] = field(default_factory=dict)
    errors: dict[str, Array | None] = field(default_factory=dict)
    paired: dict[str, Array] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)

    def put(self, into: dict[str, Array], name: str, where: Any, values: Any) -> None:
        if name not in into:
            into[name] = np.full(self.count, np.nan)
        into[name][where] = values

    def add(self, name: str, where: Any, mean: Any, error: Any, examples: int) -> None:
        self.put(self.means, name, where, mean)
        self.examples[name] = int(examples)
        if error is None:
            self.errors.setdefault(name, None)
        else:
            known = self.errors.get(name)
            self.errors[name] = known = np.full(self.count, np.nan) if known is None else known
            known[where] = error

    def restore(self, partial: PathResult) -> None:
        for name, q in partial.quantities.items():
            self.add(name, slice(None), q.values, q.standard_error, q.examples)
        self.paired = {name: np.array(values) for name, values in partial.errors.items()}


class Measuring:
    """One path being measured on all splits. ends: measured already, at t = 0 and t = 1; split: whose loss the numbers are of."""

    def __init__(
        self, probe: Any, problem: Problem, evaluator: Evaluator, found: Found, ends: tuple[EndpointResult, EndpointResult]
    ) -> None:
        self.probe, self.problem, self.evaluator, self.found, self.ends = probe, problem, evaluator, found, ends
        self.t = places(probe.points, probe.beyond)
        self.curve = self._laid(found.curve)
        self.arc = self._lengths(found.curve)
        self.tally = Tally(len(self.t))
        self.order, level_ends = grid.order(1, len(self.t))
        self.order = self.order[(self.t[self.order] != 0) & (self.t[self.order] != 1)]
        self.first = level_ends[min(COARSE, len(level_ends) - 1)]
        self.size = self._block_size()
        self.finished = 0
        self.difference: float | None = None
        self.variance_notes = self._negative_variances()
        self._measured_ends()

    def _laid(self, curve: Curve) -> Curve:
        """The control points as the evaluator takes them: in its precision, and with the first one's statistics where those are
        frozen."""
        points = curve.points
        n = self.problem.layout.parameters
        if self.probe.precision == "float64":
            points = points.double()
        if self.evaluator.batchnorm == "frozen" and self.problem.has_batchnorm:
            points = points.clone()
            points[:, n:] = points[0, n:]
        return dataclasses.replace(curve, points=points)

    def _lengths(self, curve: Curve) -> Array:
        """Over parameters alone."""
        points = curve.points[:, : self.problem.layout.parameters].double()
        return freeze(dataclasses.replace(curve, points=points).lengths(self.t))

    def _negative_variances(self) -> tuple[str, ...]:
        """A sentence where running variances that move with the weights fall below zero at the path's outermost places."""
        if self.evaluator.batchnorm != "interpolated":
            return ()
        for t in (float(self.t[0]), float(self.t[-1])):
            state = self.curve.at(t)
            for s in self.problem.layout.segments:
                if s.buffer and s.name.endswith("running_var") and bool((state[s.start : s.stop] < 0).any()):
                    return (f"The extrapolated running variance {s.name} is negative at t = {t:g}; the loss is not defined there.",)
        return ()

    def _block_size(self) -> int:
        names = 1 + len(self.problem.metrics)
        return min(blocks.block_size(self.evaluator), max(grid.SMALLEST, KEPT_BYTES // (8 * names * self.evaluator.examples)))

    def _measured_ends(self) -> None:
        for at, end in zip((0.0, 1.0), self.ends, strict=True):
            (where,) = np.nonzero(self.t == at)
            for name, q in end.quantities.items():
                self.tally.add(name, where, q.values, q.standard_error, q.examples)
            self._pair(where, {name: (rows[None], end.weights[name]) for name, rows in end.rows.items()})

    def _pair(self, where: Array, rows: Mapping[str, tuple[Array, Array]]) -> None:
        first, second = self.ends
        for name, (each, weights) in rows.items():
            if name in first.rows and name in second.rows:
                found = path_numbers.paired_errors(self.t[where], each, first.rows[name], second.rows[name], weights)
                for kind, values in found.items():
                    self.tally.put(self.tally.paired, f"{name}_{kind}", where, values)

    def take_up(self, partial: Any) -> None:
        """Go on from a partial answer if it is of this very path, computed in the same way to the bit; else begin anew."""
        if not isinstance(partial, PathResult) or not np.array_equal(partial.arc, self.arc):
            return
        before = partial.provenance.environment
        points = int(before.get("points", 0))
        if sampling.stable(before) != sampling.stable(self.environment) or not points:
            return
        if not np.array_equal(partial.computed, self.computed(points)):
            return
        self.tally.restore(partial)
        self.finished = points
        self.difference = before.get("difference")

    def computed(self, finished: int) -> Array:
        known = (self.t == 0) | (self.t == 1)
        known[self.order[:finished]] = True
        return freeze(known, bool)

    @property
    def environment(self) -> dict[str, Any]:
        """The evaluator's, with the size of the blocks, how many places are finished, and the largest difference met so far."""
        told = self.evaluator.environment
        known = [d for d in (self.difference, told.get("difference")) if d is not None]
        return {**told, "block": self.size, "points": self.finished, "difference": max(known, default=None)}

    def blocks(self) -> Iterator[tuple[int, int]]:
        """From and to in `order`: the first picture, then the rest."""
        start, total = 0, len(self.order)
        for end in (min(self.first, total), total):
            while start < end:
                stop = end if end - start < 2 * self.size else start + self.size
                yield start, stop
                start = stop

    def every_place(self) -> Run:
        total = max(len(self.order), 1)
        if not self.finished:
            yield Progress(done=0, total=total, partial=self.result())
        for start, stop in self.blocks():
            if stop <= self.finished:
                continue
            yield from self.block(self.order[start:stop], start, total)
            self.finished = stop
            if stop < total:
                yield Progress(done=stop, total=total, partial=self.result())
        return self.result()

    def block(self, where: Array, done: float, total: float) -> Generator[Progress, None, None]:
        """Measure some places, whatever the evaluator did before: a copy of the origin makes it choose its path afresh."""
        for stretch in self.curve.stretches(self.t[where]):
            chosen = where[stretch.chosen]
            steps = self.evaluator.evaluate(stretch.origin.clone(), stretch.axes, stretch.coordinates, keep=True)
            values: Values = yield from sampling.relay(steps, done, len(chosen), total)
            done += len(chosen)
            self.take(chosen, values)

    def take(self, where: Array, values: Values) -> None:
        for name, mean in values.mean.items():
            self.tally.add(name, where, mean, values.standard_error.get(name), values.examples[name])
        self._pair(where, values.rows)
        self.difference = self.environment["difference"]

    def result(self) -> PathResult:
        unit = self.problem.loss_unit
        quantities = {
            name: sampling.quantity(name, means, self.tally.errors[name], self.tally.examples[name], axes=("t",), loss_unit=unit)
            for name, means in self.tally.means.items()
        }
        points = self.found.curve.points[:, : self.problem.layout.parameters]
        path = PathResult(
            name=self.found.name,
            label=self.found.label,
            t=self.t,
            computed=self.computed(self.finished),
            quantities=quantities,
            arc=self.arc,
            errors={name: freeze(values) for name, values in self.tally.paired.items()},
            length=float(self.arc[self.t == 1][0]),
            end_distance=distance(points[0], points[-1]),
            controls=len(points),
            training=self.found.training,
            complete=self.finished == len(self.order),
            split=self.probe.split,
            subset=sampling.describe_subset(everything(self.probe), self.problem),
            batchnorm=self.evaluator.batchnorm if self.problem.has_batchnorm else "",
            precision=self.probe.precision,
            notes=self.found.notes,
            provenance=Provenance(environment=self.environment),
        )
        notes = (*path.notes, *self.variance_notes, *path_numbers.holes(path))
        return dataclasses.replace(path, numbers=path_numbers.numbers_of(path, path.split), notes=notes)


def everything(probe: Any) -> Any:
    """The same question about all splits: a path is always measured on all of them."""
    return dataclasses.replace(probe, split="all")


def distance(a: Any, b: Any) -> float:
    """2-norm of the difference, in float64."""
    from landscape_gui.core.vector import norm

    return float(norm(b.double() - a.double()))
