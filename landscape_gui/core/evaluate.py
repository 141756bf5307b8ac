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

from landscape_gui.core import batchnorm as norms
from landscape_gui.core import memory
from landscape_gui.core.fast import NotApplicable, fast_paths
from landscape_gui.core.forward import BatchPath, ForwardPath, PlainPath, full_precision
from landscape_gui.core.judging import Judge, by_rows, of_means
from landscape_gui.core.losses import LossHead, Metric
from landscape_gui.core.moments import ExampleMoments, Moments
from landscape_gui.core.pooling import strided_pooling
from landscape_gui.core.splits import Chunk, Split, length_of, place
from landscape_gui.core.sweep import Data, Point, Sums, sweep, sweep_recalculating
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError

__all__ = ["Evaluator", "Split", "Values"]

Array = NDArray[Any]

PIECE_SECONDS = 0.03
"""Work between two places to cancel, or one chunk's forward pass where that takes longer."""

TOLERANCE = 1e-5
"""Relative difference of a loss above which a fast path is not used."""

PIECES = 8
"""Chunks of a split at least, where a loss gives only means over chunks: their scatter is all that is known of its error."""

CHECKED_EXAMPLES = 16
CHECKED_FROM = 64
"""Forward passes from which on some finished points are checked again at the end."""


@dataclass(frozen=True)
class Values:
    """What was found at k points, by "<split>_<metric>" ("loss" is always there).

    mean: (k,) float64, as it came out, NaN and infinities included (metrics are NaN where the loss is); standard_error: (k,)
    between examples, or between batches for a loss of which only means are known (then in `from_batches`); None: not known.
    examples: how many were seen, by the same names. overflow: (k,) True where a loss is infinite in float32 and finite in float64.
    rows: only where asked for: (k, n) every example's own sum (see core.moments), and (n,) how many rows of it count.
    """

    mean: dict[str, Array]
    standard_error: dict[str, Array | None]
    examples: dict[str, int]
    overflow: Array
    from_batches: frozenset[str] = field(default_factory=frozenset)
    rows: dict[str, tuple[Array, Array]] = field(default_factory=dict)


class Evaluator:
    """Many weights, one data set. The caller's module is only read.

    tier: "exact" is bit-equal to a loop over torch.func.functional_call at the same batches; "fast" is checked against it and falls
    back to it above 1e-5. batchnorm: "frozen" (statistics stay at the origin's), "interpolated" (they move along the axes), or
    "recalculated" at each point from all of `statistics` (None: the first split), see core.batchnorm. batch: examples per chunk;
    None chooses by the largest activation, and cuts a split into at least eight chunks if the loss may be known as means alone.
    Memory: up to four copies of the weights for each axis and two more, the data, and 512 MiB of stored first-layer values.
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
        statistics: Split | None = None,
    ) -> None:
        memory.keep_allocations()
        if not splits:
            raise ProblemError("There is no data to evaluate on.")
        self.layout, self.head, self.metrics = layout, head, dict(metrics or {}) if head.kind != "batch" else {}
        self.tier, self.precision, self.batchnorm = tier, precision, batchnorm
        self.device = torch.device(device)
        dtype: torch.dtype = getattr(torch, precision)
        placed = [self._placed(split, dtype) for split in splits]
        self._data = Data(placed, head, self.device, dtype)
        self._plain = self._plain_path(module, dtype)
        self._data.pieces = PIECES if head.kind != "rows" and batch is None else 1
        self._data.batch = batch or self._choose_batch()
        self._statistics = Data([self._placed(statistics, dtype) if statistics else placed[0]], head, self.device, dtype)
        if self.batchnorm == "recalculated":
            self._statistics.batch = max(1, norms.SCALARS // self._scalars(self._statistics))
        self._candidates: list[ForwardPath] | None = None
        self._path: ForwardPath = self._plain
        self._plane: list[tuple[Tensor, int]] = []
        self._difference: float | None = None
        self._seconds: float | None = None
        self._units: dict[str, int] = {}

    def _placed(self, split: Split, dtype: torch.dtype) -> Split:
        if split.streams:
            return split
        examples = split.examples or length_of(split.inputs)
        inputs, targets = (place(tree, self.device, dtype) for tree in (split.inputs, split.targets))
        return Split(split.name, inputs, targets, examples)

    def _plain_path(self, module: nn.Module, dtype: torch.dtype) -> PlainPath:
        moving = self.batchnorm == "interpolated"
        if self.head.kind == "batch":
            return BatchPath(module, self.layout, self.head.function, device=self.device, dtype=dtype, moving_buffers=moving)
        return PlainPath(module, self.layout, device=self.device, dtype=dtype, moving_buffers=moving)

    def _sample(self, count: int, data: Data | None = None) -> Chunk:
        """The first examples of the first split."""
        split = (data or self._data).splits[0]
        small = Data([split], self.head, self.device, self._data.dtype, count)
        for whole in small.chunks(split):
            return small.smaller(whole)[0]
        raise ProblemError(f"The split {split.name} is empty.")

    def _scalars(self, data: Data) -> int:
        """Scalars per example of the largest activation, the inputs' at least."""
        sample = self._sample(2, data)
        size = memory.largest_activation(self._plain.module, lambda: self._plain.forward(sample), sample.inputs, sample.examples)
        return max(1, size // data.dtype.itemsize)

    def _choose_batch(self) -> int:
        whole = all(split.streams for split in self._data.splits)
        if whole or self.head.kind == "batch":
            return 1 << 62 if whole else 128
        size = self._scalars(self._data) * self._data.dtype.itemsize
        return memory.choose_batch(self._plain.module, size, self.device)

    @property
    def environment(self) -> dict[str, Any]:
        """What an answer's bits depend on: device, threads, precision, tier, batch partition, versions, what the fast path does.

        difference: the largest relative difference of a loss between the fast path and the plain one that was measured.
        statistics: what BatchNorm is recalculated from, and in how many chunks (-1: an iterable's own batches). batches: by name,
        from how many batches a standard error is known where it is not from examples; 1: it is not known.
        """
        recalculated = {"statistics": self._cuts(self._statistics)} if self.batchnorm == "recalculated" else {}
        return {
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device),
            "threads": torch.get_num_threads(),
            "dtype": self.precision,
            "tier": self.tier,
            "batchnorm": self.batchnorm,
            "batch": 0 if self._data.batch == 1 << 62 else self._data.batch,
            "partition": self._cuts(self._data),
            **recalculated,
            "torch": torch.__version__,
            **self._path.description,
            "difference": self._difference,
            **({"batches": dict(self._units)} if self._units else {}),
        }

    def _cuts(self, data: Data) -> dict[str, int]:
        return {s.name: -1 if s.streams else len(data.bounds(s)) for s in data.splits}

    @property
    def examples(self) -> int:
        """Examples that pass through the network for each point, those for BatchNorm's statistics counted as well."""
        return self._data.total() + (self._statistics.total() if self.batchnorm == "recalculated" else 0)

    @property
    def seconds_per_point(self) -> float:
        """Wall-clock seconds that one more point takes on all splits, measured once on a piece of the data; for estimates."""
        if self._seconds is None:
            self._seconds = self._measure()
        return self._seconds

    def evaluate(
        self, origin: Tensor, axes: Sequence[Tensor], coordinates: Any, *, keep: bool = False
    ) -> Generator[float, None, Values]:
        """Values at origin + sum of coordinates[:, j] axes[j]; origin and axes (size,), coordinates (k, len(axes)).

        Without axes, every row of coordinates (k, 0) is the origin; () is one such point. keep: also what each example adds.
        Yields the fraction done after every piece of at most 50 ms, or one chunk's forward pass: stop there to cancel. The same
        call gives the same bits; a point's values depend on the other points asked for at once by rounding alone. A fast path that
        is given up at the end of a call is given up for this plane: the call's points are computed again by the plain one.
        """
        points = self._points(coordinates, len(axes))
        self._lay(origin, axes, points)
        while True:
            kind = ExampleMoments if keep else Moments
            sums = [Sums({name: kind(len(points), self.device) for name in self._names()}) for _ in self._data.splits]
            yield from self._drive(self._steps(points, sums, self._judge(len(points), kind)))
            if self._path is self._plain or len(points) * sum(s.examples for s in self._data.splits) == 0:
                break
            if self._confirmed(points, sums):
                break
            self._use_plain()
        overflow = np.zeros(len(points), dtype=bool)
        yield from self._drive(self._tell_overflow(points, sums, overflow))
        return self._values(sums, overflow)

    def _points(self, coordinates: Any, axes: int) -> list[Point]:
        """Rows of coordinates as the arithmetic sees them: what float32 cannot hold is infinite."""
        if not axes:
            return [()] * (len(coordinates) if np.ndim(coordinates) > 1 else 1)
        with np.errstate(over="ignore"):
            rows = np.asarray(coordinates, dtype=np.float64).reshape(-1, axes).astype(self.precision)
        return [tuple(map(float, row)) for row in rows]

    def _names(self) -> list[str]:
        return ["loss"] if self.head.kind == "batch" else ["loss", *by_rows(self.metrics)]

    def _judge(self, count: int, moments: type[Moments] = Moments) -> Judge:
        return Judge(self.head, self.metrics, count, self.device, stacking=self.tier == "fast", moments=moments)

    def _steps(self, points: Sequence[Point], sums: Sequence[Sums], judge: Judge) -> Iterator[float]:
        if self.batchnorm == "recalculated":
            return sweep_recalculating(self._plain, self._data, self._statistics, judge, points, sums)
        return sweep(self._path, self._data, judge, points, sums)

    def _drive(self, steps: Iterator[float]) -> Iterator[float]:
        """Run steps in pieces, with torch's modes set inside a piece only, never while a caller holds control."""
        while True:
            stop = time.perf_counter() + PIECE_SECONDS
            with torch.inference_mode(), strided_pooling(), full_precision():
                fraction = next(steps, None)
                while fraction is not None and time.perf_counter() < stop:
                    fraction = next(steps, None)
            yield 1.0 if fraction is None else fraction
            if fraction is None:
                return

    def _lay(self, origin: Tensor, axes: Sequence[Tensor], points: Sequence[Point]) -> None:
        """Take a plane, unless it is the one that is laid, and choose the path for it."""
        given = [origin, *axes]
        for vector in given:
            if vector.shape != (self.layout.size,):
                raise ProblemError(
                    f"A weight vector has shape {tuple(vector.shape)}, but the network has {self.layout.size} scalars."
                )
        versions = [(t, -1 if t.is_inference() else t._version) for t in given]
        same = len(versions) == len(self._plane) and all(
            a is b and i == j >= 0 for (a, i), (b, j) in zip(versions, self._plane, strict=True)
        )
        if same:
            return
        self._plane = versions
        with torch.inference_mode():
            self._vectors = [t.to(device=self.device, dtype=self._data.dtype) for t in given]
            self._plain.lay(self._vectors[0], self._vectors[1:])
        self._path, self._difference = self._plain, None
        if axes and self.tier == "fast" and self.precision == "float32" and self.batchnorm != "recalculated":
            self._choose_path(points)

    def _choose_path(self, points: Sequence[Point]) -> None:
        """The first fast path that fits the network and the plane and agrees with the plain one on a few examples."""
        if self._candidates is None:
            self._candidates = self._fast_paths()
        sample = self._sample(CHECKED_EXAMPLES)
        tried = [points[i] for i in sorted({0, len(points) // 2, len(points) - 1})] if points else []
        for path in self._candidates:
            try:
                with torch.inference_mode(), strided_pooling(), full_precision():
                    path.lay(self._vectors[0], self._vectors[1:])
                    difference = self._disagreement(path, sample, tried)
            except NotApplicable:
                continue
            except RuntimeError:  # a forward pass that does not allow the layout (.view after channels last), no such operator
                continue
            if difference <= TOLERANCE:
                self._path, self._difference = path, difference
                return

    def _fast_paths(self) -> list[ForwardPath]:
        if self.head.kind == "batch":
            return []
        with torch.inference_mode():
            return fast_paths(
                self._plain,
                dtype=self._data.dtype,
                folds=self.batchnorm == "frozen",
                sample=self._sample(2).inputs,
                chunk=min(self._data.batch, max(s.examples for s in self._data.splits) or 1),
            )

    def _disagreement(self, path: ForwardPath, chunk: Chunk, points: Sequence[Point]) -> float:
        """The largest relative difference of the chunk's mean loss from the plain path's; infinite where only one is a number."""
        found = []
        for each in (path, self._plain):
            judge = self._judge(len(points))
            judge.open(chunk)
            ready = each.begin(-1, chunk)
            for index, point in enumerate(points):
                each.move(point)
                judge.take(index, each.forward(ready))
            found.append(judge.close()["loss"].mean())
        fast, plain = found
        if not np.array_equal(np.isfinite(fast), np.isfinite(plain)):
            return float("inf")
        with np.errstate(invalid="ignore"):
            difference = np.abs(fast - plain) / np.maximum(np.abs(plain), 1e-300)
        return float(np.max(difference, where=np.isfinite(plain), initial=0.0))

    def _confirmed(self, points: Sequence[Point], sums: Sequence[Sums]) -> bool:
        """Whether the fast path still agrees, at two finished points on the last chunk's examples; not asked of short calls."""
        last = sums[-1].last
        if last is None or len(points) < CHECKED_FROM:
            return True
        small = Data(self._data.splits, self.head, self.device, self._data.dtype, CHECKED_EXAMPLES).smaller(last)[-1]
        chosen = [points[len(points) // 3], points[2 * len(points) // 3]]
        with torch.inference_mode(), strided_pooling(), full_precision():
            difference = self._disagreement(self._path, small, chosen)
        self._difference = max(self._difference or 0.0, difference)
        return difference <= TOLERANCE

    def _use_plain(self) -> None:
        self._path, self._difference = self._plain, None

    def _tell_overflow(self, points: Sequence[Point], sums: Sequence[Sums], overflow: Array) -> Iterator[float]:
        """Mark points whose infinite loss is finite in float64 on the chunk where it arose."""
        told = [(index, chunk) for into in sums for index, chunk in into.infinite.items()]
        if not told or self.precision == "float64" or self.batchnorm == "recalculated":
            return
        path = self._plain.in_precision(torch.float64)
        path.lay(self._vectors[0].double(), [v.double() for v in self._vectors[1:]])
        judge = Judge(self.head, self.metrics, 1, self.device, stacking=False)
        for done, (index, chunk) in enumerate(told):
            inputs, targets = (place(tree, self.device, torch.float64) for tree in (chunk.inputs, chunk.targets))
            wide = Chunk(inputs, targets, chunk.examples, chunk.index, chunk.start)
            judge.open(wide)
            path.move(points[index])
            judge.take(0, path.forward(wide))
            overflow[index] = bool(np.isfinite(judge.close()["loss"].mean()[0]))
            yield done / len(told)

    def _values(self, sums: Sequence[Sums], overflow: Array) -> Values:
        mean: dict[str, Array] = {}
        error: dict[str, Array | None] = {}
        examples: dict[str, int] = {}
        rows: dict[str, tuple[Array, Array]] = {}
        from_batches = set()
        for split, into in zip(self._data.splits, sums, strict=True):
            lost = np.isnan(into.parts["loss"].mean())
            for name, part in into.parts.items():
                key = f"{split.name}_{name}"
                mean[key], error[key] = np.where(lost, np.nan, part.mean()), part.standard_error()
                examples[key] = into.examples
                if isinstance(part, ExampleMoments):
                    rows[key] = part.examples()
                if part.units < into.examples:
                    from_batches.add(key)
                if part.units < max(into.examples, 2):
                    self._units[key] = part.units
            for name, (value, spread) in of_means(self.metrics, mean[f"{split.name}_loss"], error[f"{split.name}_loss"]).items():
                key = f"{split.name}_{name}"
                mean[key], error[key], examples[key] = value, spread, into.examples
        return Values(mean, error, examples, overflow, frozenset(from_batches), rows)

    def _measure(self) -> float:
        """Time three points on the first chunk of each split along a short random axis, after one for warming up."""
        state = dict(self._plain.module.named_parameters()) | dict(self._plain.module.named_buffers())
        origin = self.layout.flatten({name: t.cpu() for name, t in state.items()})
        axis = 1e-3 * torch.randn(self.layout.size, generator=torch.Generator().manual_seed(0))
        axis[self.layout.parameters :] = 0
        self._lay(origin, [axis], [(0.0,), (1.0,)])
        seconds = 0.0
        for split in self._data.splits:
            piece = Data([split], self.head, self.device, self._data.dtype, self._data.batch)
            chunk = next(piece.chunks(split))
            seconds += self._time(chunk) * max(1.0, split.examples / chunk.examples)
        if self.batchnorm == "recalculated":
            seconds *= self.examples / self._data.total()
        return seconds

    def _time(self, chunk: Chunk, repeats: int = 3) -> float:
        alone = self.device.type == "cpu" and torch.get_num_threads() == 1
        clock = time.thread_time if alone else time.perf_counter  # what other threads do at the moment does not count
        judge = self._judge(repeats + 1)
        start = clock()
        with torch.inference_mode(), strided_pooling(), full_precision():
            judge.open(chunk)
            ready = self._path.begin(-1, chunk)
            for index in range(repeats + 1):
                if index == 1:
                    start = clock()
                self._path.move((index / repeats,))
                judge.take(index, self._path.forward(ready))
            judge.flush()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        return (clock() - start) / repeats
