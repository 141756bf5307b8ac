"""The loops of an evaluation: splits, then chunks of data, then points, one forward pass a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landscape_gui.core import batchnorm
from landscape_gui.core.forward import ForwardPath, PlainPath
from landscape_gui.core.judging import Judge
from landscape_gui.core.losses import LossHead
from landscape_gui.core.moments import Moments
from landscape_gui.core.splits import Chunk, Split, bounds, cut, length_of, place, unpack

Point = tuple[float, ...]


@dataclass
class Data:
    """Splits placed on a device, and how they are cut. batch: examples per chunk at most, halved where a GPU's memory does not
    suffice; pieces: chunks of a split at least, if it has two examples for each, so that means over chunks have an error."""

    splits: Sequence[Split]
    head: LossHead
    device: torch.device
    dtype: torch.dtype
    batch: int = 1
    pieces: int = 1

    def bounds(self, split: Split) -> list[tuple[int, int]]:
        """Where a split of tensors is cut."""
        pieces = min(self.pieces, max(2, split.examples // 2))
        return bounds(split.examples, max(1, min(self.batch, split.examples // pieces)))

    def chunks(self, split: Split) -> Iterator[Chunk]:
        """A split's chunks in order; an iterable's own batches where it streams."""
        if split.streams:
            yield from self._streamed(split)
            return
        for index, (start, stop) in enumerate(self.bounds(split)):
            yield self._cut(split.inputs, split.targets, start, stop, split.examples, index, start)

    def _streamed(self, split: Split) -> Iterator[Chunk]:
        for index, batch in enumerate(split.inputs):
            placed = place(batch, self.device, self.dtype)
            inputs, targets = (placed, None) if self.head.kind == "batch" else unpack(placed)
            yield Chunk(inputs, targets, length_of(inputs), index, -1)

    def _cut(self, inputs: Any, targets: Any, start: int, stop: int, examples: int, index: int, place_: int) -> Chunk:
        return Chunk(cut(inputs, start, stop, examples), cut(targets, start, stop, examples), stop - start, index, place_)

    def smaller(self, chunk: Chunk) -> list[Chunk]:
        """The same examples in chunks of at most `batch`."""
        if chunk.examples <= self.batch:
            return [chunk]
        return [
            self._cut(chunk.inputs, chunk.targets, a, b, chunk.examples, chunk.index, chunk.start + a if chunk.start >= 0 else -1)
            for a, b in bounds(chunk.examples, self.batch)
        ]

    def total(self) -> int:
        """Examples in all splits, 1 for one that does not say."""
        return sum(max(split.examples, 1) for split in self.splits)


@dataclass
class Sums:
    """One split's sums at k points, and the first chunk on which a point's loss became infinite."""

    parts: dict[str, Moments]
    infinite: dict[int, Chunk] = field(default_factory=dict)
    last: Chunk | None = None
    examples: int = 0

    def add(self, chunk: Chunk, found: dict[str, Moments], *, recount: bool = True) -> NDArray[np.bool_]:
        """Add a chunk; returns which points still go on (a loss that is not a number stays so). recount: not seen before."""
        for name, part in found.items():
            self.parts[name].merge(part, recount=recount)
        self.last = chunk
        self.examples += chunk.examples if recount else 0
        total = self.parts["loss"].total.cpu().numpy()
        for index in np.flatnonzero(np.isinf(total)):
            self.infinite.setdefault(int(index), chunk)
        alive: NDArray[np.bool_] = ~np.isnan(total)
        return alive


def sweep(path: ForwardPath, data: Data, judge: Judge, points: Sequence[Point], sums: Sequence[Sums]) -> Iterator[float]:
    """Fill `sums` (one per split) chunk by chunk, all points on each; yields the fraction done after each forward pass."""
    total, done = data.total() * max(len(points), 1), 0
    for number, (split, into) in enumerate(zip(data.splits, sums, strict=True)):
        alive = np.ones(len(points), dtype=bool)
        for whole in data.chunks(split):
            waiting = data.smaller(whole)
            while waiting:
                chunk = waiting.pop(0)
                steps = _chunk_steps(path, number, chunk, judge, points, alive)
                outcome = Outcome()
                for count in _guarded(steps, outcome):
                    yield min((done + count * chunk.examples) / total, 1.0)
                if outcome.exhausted:
                    waiting = _halve(data, chunk) + waiting
                    continue
                done += chunk.examples * len(points)
                alive = into.add(chunk, judge.close())


@dataclass
class Outcome:
    """exhausted: the device's memory did not suffice."""

    exhausted: bool = False


def _guarded(steps: Iterator[int], outcome: Outcome) -> Iterator[int]:
    """Steps until they end or the GPU's memory does; the exception is left behind before anything is tried again."""
    while True:
        try:
            count = next(steps, None)
        except torch.cuda.OutOfMemoryError:
            outcome.exhausted = True
            return
        if count is None:
            return
        yield count


def _halve(data: Data, chunk: Chunk) -> list[Chunk]:
    if chunk.examples < 2:
        raise torch.cuda.OutOfMemoryError("The device's memory does not suffice for a single example.")
    torch.cuda.empty_cache()
    data.batch = max(1, chunk.examples // 2)
    return data.smaller(chunk)


def _chunk_steps(
    path: ForwardPath, number: int, chunk: Chunk, judge: Judge, points: Sequence[Point], alive: NDArray[np.bool_]
) -> Iterator[int]:
    judge.open(chunk)
    ready = path.begin(number, chunk)
    for index, point in enumerate(points):
        if alive[index]:
            path.move(point)
            judge.take(index, path.forward(ready))
        yield index + 1
    judge.flush()


def sweep_recalculating(
    path: PlainPath, data: Data, statistics: Data, judge: Judge, points: Sequence[Point], sums: Sequence[Sums]
) -> Iterator[float]:
    """As `sweep`, points outermost: at each, running statistics are recalculated from all of `statistics` before it is judged."""
    total, done = (data.total() + statistics.total()) * max(len(points), 1), 0
    for index, point in enumerate(points):
        path.move(point)
        for seen in _renew(path, statistics):
            yield min((done + seen) / total, 1.0)
        done += statistics.total()
        for number, (split, into) in enumerate(zip(data.splits, sums, strict=True)):
            for whole in data.chunks(split):
                waiting = data.smaller(whole)
                while waiting:
                    chunk = waiting.pop(0)
                    if not _judged(path, number, chunk, judge, index):
                        waiting = _halve(data, chunk) + waiting
                        continue
                    into.add(chunk, judge.close(), recount=not index)
                    done += chunk.examples
                    yield min(done / total, 1.0)


def _judged(path: PlainPath, number: int, chunk: Chunk, judge: Judge, index: int) -> bool:
    """Judge one point on a chunk; False where the GPU's memory does not suffice."""
    judge.open(chunk)
    try:
        judge.take(index, path.forward(path.begin(number, chunk)))
    except torch.cuda.OutOfMemoryError:
        return False
    return True


def _renew(path: PlainPath, statistics: Data) -> Iterator[int]:
    """Recalculate running statistics; yields the examples seen. Where memory does not suffice, anew in smaller batches."""
    (split,) = statistics.splits
    while True:
        seen, tried = 0, 0
        try:
            passes = (partial(path.forward, chunk) for chunk in statistics.chunks(split))
            for _ in batchnorm.recalculate(path.module, passes):
                seen = min(seen + statistics.batch, statistics.total())
                yield seen
            return
        except torch.cuda.OutOfMemoryError:
            tried = min(statistics.batch, split.examples)
        if split.streams or tried < 4:
            raise torch.cuda.OutOfMemoryError("The device's memory does not suffice for recalculating BatchNorm statistics.")
        torch.cuda.empty_cache()
        statistics.batch = tried // 2
