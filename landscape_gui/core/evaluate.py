"""Losses and metrics of one network at many points of a line or plane through its weights."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape_gui.core import memory
from landscape_gui.core.forward import ForwardPath, PlainPath
from landscape_gui.core.judging import Judge
from landscape_gui.core.losses import LossHead, Metric
from landscape_gui.core.moments import Moments
from landscape_gui.core.pooling import strided_pooling
from landscape_gui.core.splits import Chunk, Split, bounds, cut, length_of, place, unpack
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

__all__ = ["Evaluator", "Split", "Values"]

Array = NDArray[Any]

PIECE_SECONDS = 0.03
"""Work between two places to cancel, or one chunk's forward pass where that takes longer."""


@dataclass(frozen=True)
class Values:
    """What was found at k points, by "<split>_<metric>" ("loss" is always there).

    mean: (k,) float64, as it came out, NaN and infinities included (metrics are NaN where the loss is); standard_error: (k,)
    between examples, or between batches for a loss of which only means are known (then in `from_batches`); None: not known.
    examples: how many were seen, by the same names. overflow: (k,) True where a loss is infinite in float32 and finite in float64.
    """

    mean: dict[str, Array]
    standard_error: dict[str, Array | None]
    examples: dict[str, int]
    overflow: Array
    from_batches: frozenset[str] = field(default_factory=frozenset)


class Evaluator:
    """Many weights, one data set. The caller's module is only read, at construction.

    tier: "exact" is bit-equal to a loop over torch.func.functional_call at the same batches; "fast" is checked against it and falls
    back to it above 1e-5. batchnorm: "frozen" (statistics stay at the origin's), "interpolated" (they move along the axes), or
    "recalculated" (from the first split at each point). batch: examples per chunk; None chooses by the largest activation.
    Not thread-safe: one thread at a time.
    """

    def __init__(
        self,
        module: nn.Module,
        layout: Layout,
        splits: Sequence[Split],
        head: LossHead,
        metrics: Mapping[str, Metric] | None = None,
        *,
        tier: Literal["fast", "exact"] = "fast",
        precision: Literal["float32", "float64"] = "float32",
        batchnorm: Literal["frozen", "interpolated", "recalculated"] = "frozen",
        device: torch.device | str = "cpu",
        batch: int | None = None,
    ) -> None:
        memory.keep_allocations()
        self.layout, self.head, self.metrics = layout, head, dict(metrics or {})
        self.tier, self.precision, self.batchnorm = tier, precision, batchnorm
        self.device, self.dtype = torch.device(device), getattr(torch, precision)
        if not splits:
            raise ProblemError("There is no data to evaluate on.")
        self.splits = [self._placed(split) for split in splits]
        self._plain = PlainPath(module, layout, device=self.device, dtype=self.dtype, moving_buffers=batchnorm == "interpolated")
        self._path: ForwardPath = self._plain
        self._batch = batch or self._choose_batch()

    def _placed(self, split: Split) -> Split:
        if split.streams:
            return split
        examples = split.examples or length_of(split.inputs)
        inputs, targets = (place(tree, self.device, self.dtype) for tree in (split.inputs, split.targets))
        return Split(split.name, inputs, targets, examples)

    def _choose_batch(self) -> int:
        whole = [split for split in self.splits if not split.streams]
        if not whole:
            return 1
        if self.head.kind == "batch":
            return 128
        inputs = memory.first_examples(whole[0].inputs, 2, whole[0].examples)
        count = min(2, whole[0].examples)
        return memory.choose_batch(memory.largest_activation(self._plain.module, inputs, count), self.device)

    @property
    def environment(self) -> dict[str, Any]:
        """What an answer's bits depend on: device, threads, precision, tier, batch partition, versions, what the fast path does."""
        return {
            "device": str(self.device),
            "threads": torch.get_num_threads(),
            "dtype": self.precision,
            "tier": self.tier,
            "batchnorm": self.batchnorm,
            "batch": self._batch,
            "partition": {s.name: "streamed" if s.streams else len(bounds(s.examples, self._batch)) for s in self.splits},
            "torch": torch.__version__,
            **self._path.description,
        }

    def evaluate(self, origin: Tensor, axes: Sequence[Tensor], coordinates: Any) -> Generator[float, None, Values]:
        """Values at origin + sum of coordinates[:, j] axes[j]; origin and axes (size,), coordinates (k, len(axes)).

        Yields the fraction done after every piece of at most 50 ms, or one chunk's forward pass: stop there to cancel. The same
        call gives the same bits; a point's values depend on the other points asked for at once by rounding alone.
        """
        points = np.asarray(coordinates, dtype=np.float64).reshape(-1, len(axes)) if len(axes) else np.zeros((len(coordinates), 0))
        self._lay(origin, axes)
        sums = [{name: Moments(len(points), self.device) for name in self._names()} for _ in self.splits]
        yield from self._drive(self._steps(points, sums))
        return self._values(points, sums)

    def _names(self) -> list[str]:
        return ["loss"] if self.head.kind == "batch" else ["loss", *self.metrics]

    def _lay(self, origin: Tensor, axes: Sequence[Tensor]) -> None:
        moved = [t.to(device=self.device, dtype=self.dtype) for t in (origin, *axes)]
        for vector in moved:
            if vector.shape != (self.layout.size,):
                raise ProblemError(
                    f"A weight vector has shape {tuple(vector.shape)}, but the network has {self.layout.size} scalars."
                )
        self._path.lay(moved[0], moved[1:])

    def _drive(self, steps: Iterator[float]) -> Iterator[float]:
        """Run steps in pieces, with torch's modes set inside a piece only, never while a caller holds control."""
        done = False
        while not done:
            stop = time.perf_counter() + PIECE_SECONDS
            fraction = None
            with torch.inference_mode(), strided_pooling():
                while True:
                    fraction = next(steps, None)
                    if fraction is None or time.perf_counter() >= stop:
                        break
            done = fraction is None
            yield 1.0 if fraction is None else fraction

    def _steps(self, points: Array, sums: list[dict[str, Moments]]) -> Iterator[float]:
        places = [tuple(map(float, p)) for p in points]
        judge = Judge(self.head, self.metrics, len(places), self.device, stacking=self.tier == "fast")
        total = sum(max(split.examples, 1) for split in self.splits) * max(len(places), 1)
        done = 0.0
        for number, split in enumerate(self.splits):
            alive = np.ones(len(places), dtype=bool)
            for chunk in self._chunks(split):
                judge.open(chunk)
                ready = self._path.begin(number, chunk)
                for index, place_ in enumerate(places):
                    if alive[index]:
                        self._path.move(place_)
                        judge.take(index, self._forward(ready))
                    done += chunk.examples
                    yield min(done / total, 1.0)
                for name, part in judge.close().items():
                    sums[number][name].merge(part)
                alive &= ~np.isnan(sums[number]["loss"].total.cpu().numpy())

    def _forward(self, chunk: Chunk) -> Any:
        if self.head.kind == "batch":
            return self.head.function(self._plain.module, chunk.inputs)
        return self._path.forward(chunk)

    def _chunks(self, split: Split) -> Iterator[Chunk]:
        if not split.streams:
            for index, (start, stop) in enumerate(bounds(split.examples, self._batch)):
                inputs, targets = (cut(tree, start, stop, split.examples) for tree in (split.inputs, split.targets))
                yield Chunk(inputs, targets, stop - start, index, start)
            return
        start = 0
        for index, batch in enumerate(split.inputs):
            placed = place(batch, self.device, self.dtype)
            inputs, targets = (placed, None) if self.head.kind == "batch" else unpack(placed)
            yield Chunk(inputs, targets, length_of(inputs), index, start)
            start += length_of(inputs)

    def _values(self, points: Array, sums: list[dict[str, Moments]]) -> Values:
        mean: dict[str, Array] = {}
        error: dict[str, Array | None] = {}
        examples: dict[str, int] = {}
        for split, parts in zip(self.splits, sums, strict=True):
            lost = np.isnan(parts["loss"].mean())
            for name, part in parts.items():
                key = f"{split.name}_{name}"
                mean[key], error[key] = np.where(lost, np.nan, part.mean()), part.standard_error()
                examples[key] = split.examples or part.units
        return Values(mean, error, examples, np.zeros(len(points), dtype=bool))
