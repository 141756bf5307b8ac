"""An adaptive surface: evaluated where it bends, interpolated elsewhere, with the largest error at cells held out."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np

from landscape_gui.probes import grid, refinement
from landscape_gui.probes.base import Progress, Run
from landscape_gui.results import Array, SurfaceResult, freeze

if TYPE_CHECKING:
    from landscape_gui.probes.surface import Running

HELD_OUT = 96
"""Points that the surface has not seen, computed at the end to find its error: those where it is least sure. On the surfaces of the
samples the largest error there was 0.6 to 1.0 of the largest anywhere; at random points it was 0.2 to 0.8."""


class Refining:
    """A running surface, the fields that refinement looks at, and how far the work has come."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.shape = (running.ny, running.nx)
        self.computed = np.zeros(self.shape, dtype=bool)
        self.before = running.blocks.finished
        running.blocks.finished = 0
        self.fields: dict[str, Array] = {}
        self.level, self.levels = 0, 2 * len(grid.lattices(*self.shape, adaptive=True))

    def compute(self, wanted: Array) -> Generator[Progress, None, None]:
        """The points with these flat indices, in blocks; those that an interrupted answer already holds are not computed again."""
        blocks = self.running.blocks
        for _, start, stop in grid.blocks((len(wanted),), size=blocks.size):
            where = wanted[start:stop]
            share = (self.level + start / len(wanted)) / self.levels, (stop - start) / len(wanted) / self.levels
            if blocks.finished + len(where) > self.before:
                for progress in self.running.evaluate(self.running.plane, 0, where, 0, len(where)):
                    done = share[0] + share[1] * progress.done / len(where)
                    yield Progress(done=done, total=1.0, note=f"{blocks.finished:,} points")
            blocks.finished += len(where)
            self.computed.flat[where] = True
            self.take()
            if blocks.finished > self.before:
                yield Progress(done=sum(share), total=1.0, partial=self.partial(), note=f"{blocks.finished:,} points")
        self.level += 1

    def take(self) -> None:
        """Bring the tally's new values into the fields; what is not computed is NaN there."""
        tally = self.running.blocks.tally
        found = {name: means[0] for name, means in tally.means.items()}
        found |= {f"{name} error": e for name, e in tally.errors.items() if e is not None}
        for name, values in found.items():
            self.fields.setdefault(name, np.full(self.shape, np.nan))[self.computed] = values.reshape(self.shape)[self.computed]

    def partial(self) -> SurfaceResult:
        """What is computed so far, without anything interpolated."""
        return self.running.result(computed=freeze(self.computed, bool))

    def deciding(self) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name.endswith("_loss"))


def refine(running: Running) -> Run:
    """Answer an adaptive surface."""
    state = Refining(running)
    first = np.zeros(state.shape, dtype=bool)
    first[np.ix_(*grid.lattices(*state.shape, adaptive=True)[0])] = True
    yield from state.compute(np.flatnonzero(first))  # names of the fields are known from now on
    steps = refinement.refine(running.x, running.y, state.fields, state.deciding(), running.probe.tolerance)
    next(steps)  # the first lattice, which is there
    while True:
        try:
            wanted = next(steps)
        except StopIteration as stop:
            surfaces: dict[str, Array] = stop.value
            break
        yield from state.compute(wanted)
    state.level = state.levels - 1
    held = yield from hold_out(state, surfaces)
    return whole(state, surfaces, held)


def hold_out(state: Refining, surfaces: dict[str, Array]) -> Generator[Progress, None, tuple[int, float]]:
    """Compute the points that were interpolated with the most doubt, and compare: how many there were, and the largest difference
    in ln loss; NaN where none is left."""
    rest = int((~state.computed).sum())
    if not rest:
        return 0, float("nan")
    doubt = refinement.doubts(surfaces, state.computed, state.deciding())
    order = np.argsort(np.where(state.computed, np.inf, -doubt), axis=None, kind="stable")
    chosen = np.sort(order[: min(HELD_OUT, rest)])
    expected = {name: surfaces[name].flat[chosen] for name in state.deciding()}
    yield from state.compute(chosen)
    error = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, before in expected.items():
            found = state.fields[name].flat[chosen]
            both = np.isfinite(before) & np.isfinite(found)
            error = max(error, float(np.abs(np.log(found[both]) - np.log(before[both])).max(initial=0.0)))
    return len(chosen), error


def whole(state: Refining, surfaces: dict[str, Array], held: tuple[int, float]) -> SurfaceResult:
    """The answer: measured values where there are any, interpolated ones elsewhere. held: cells held out, largest error there."""
    tally = state.running.blocks.tally
    for name, surface in surfaces.items():
        values = np.where(state.computed, state.fields[name], surface).reshape(-1)
        if name.endswith(" error"):
            tally.errors[name.removesuffix(" error")] = np.maximum(values, 0.0)
        else:
            tally.means[name] = values[None]
    answer = state.running.result(computed=freeze(state.computed, bool), adaptive=True, interpolation_error=held[1])
    where = dataclasses.replace(answer.provenance, environment={**answer.provenance.environment, "held_out": held[0]})
    return dataclasses.replace(answer, provenance=where)
