"""From outputs to sums of losses and metrics: several points' outputs are judged in one call where rows do not interact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_gui.core.losses import (
    CROSS_ENTROPY,
    IGNORED,
    LossHead,
    Metric,
    RowFunction,
    accuracy_rows,
    cross_entropy_and_accuracy,
)
from landscape_gui.core.moments import Array, Moments
from landscape_gui.core.splits import Chunk
from landscape_gui.errors import ProblemError

STACKED = 65_536
"""So many output scalars are judged in one call."""


class Judge:
    """Takes the outputs of k points on one chunk after the other; gives each chunk's Moments by name ("loss" and the metrics).

    stacking: judge several points in one call (equal up to rounding); without it each output is judged by itself. moments: what
    sums are kept.
    """

    def __init__(
        self,
        head: LossHead,
        metrics: Mapping[str, Metric],
        points: int,
        device: torch.device,
        *,
        stacking: bool,
        moments: type[Moments] = Moments,
    ) -> None:
        self.head, self.points, self.device, self.moments = head, points, device, moments
        self.metrics = {} if head.kind == "batch" else by_rows(metrics)
        rowwise = head.kind == "rows" and head.stackable and all(metrics[name].stackable for name in self.metrics)
        self._stacking = stacking and rowwise
        self._fused = head is CROSS_ENTROPY and all(function is accuracy_rows for function in self.metrics.values())

    def open(self, chunk: Chunk) -> None:
        """Begin a chunk with empty sums."""
        self._chunk, self._counted = chunk, set[str]()
        self._outputs: list[Tensor] = []
        self._where: list[int] = []
        self._pending = 0
        self._targets: dict[int, Any] = {}
        self._sums = {name: self.moments(self.points, self.device) for name in ("loss", *self.metrics)}
        target = chunk.targets
        self._simple = self._fused and isinstance(target, Tensor) and not target.is_floating_point()
        self._simple = self._simple and not bool((target == IGNORED).any())

    def take(self, point: int, output: Any) -> None:
        """One point's output on the open chunk (of a head of kind "batch": its value)."""
        if not (self._stacking and isinstance(output, Tensor) and isinstance(self._chunk.targets, Tensor)):
            self._judge([point], output, self._chunk.targets)
            return
        self._outputs.append(output)
        self._where.append(point)
        self._pending += output.numel()
        if self._pending >= STACKED:
            self.flush()

    def flush(self) -> None:
        """Judge what is waiting."""
        if self._outputs:
            outputs = self._outputs[0] if len(self._outputs) == 1 else stack(self._outputs)
            self._judge(self._where, outputs, self._repeated(len(self._outputs)))
        self._outputs, self._where, self._pending = [], [], 0

    def close(self) -> dict[str, Moments]:
        """The chunk's sums."""
        self.flush()
        return self._sums

    def _repeated(self, times: int) -> Tensor:
        if times not in self._targets:
            target = self._chunk.targets
            self._targets[times] = target if times == 1 else target.repeat(times, *[1] * (target.dim() - 1))
        return self._targets[times]  # type: ignore[no-any-return]

    def _judge(self, where: list[int], output: Any, target: Any) -> None:
        if self._simple:
            losses, right = cross_entropy_and_accuracy(output, target, accuracy=bool(self.metrics))
            self._add("loss", where, losses)
            for name in self.metrics:
                self._add(name, where, right)
            return
        value = output if self.head.kind == "batch" else self.head.function(output, target)
        self._add("loss", where, value)
        for name, function in self.metrics.items():
            self._add(name, where, function(output, target))

    def _add(self, name: str, where: list[int], value: Any) -> None:
        values, weights = value if isinstance(value, tuple) else (value, None)
        units = self._chunk.examples
        if not isinstance(values, Tensor):
            raise ProblemError(f"The {name} of a batch is a {type(values).__name__}, not a tensor.")
        if values.numel() == 1 and units != 1:
            values, weights, units = values.reshape(1) * units, values.new_tensor([float(units)]), 1
        elif values.numel() % (len(where) * units) or not values.numel():
            raise ProblemError(f"The {name} of {units} examples has {values.numel()} values, not one per example.")
        values = values.detach().reshape(-1)
        places = torch.tensor(where, device=self.device)
        self._sums[name].add(places, values, weights, units)
        if name not in self._counted:
            self._counted.add(name)
            first = None if weights is None else weights.reshape(-1)[: values.numel() // len(where)]
            self._sums[name].count(first, units, values.numel() // len(where) // units)


def by_rows(metrics: Mapping[str, Metric]) -> dict[str, RowFunction]:
    """The functions of the metrics that are means over rows."""
    return {name: metric.function for name, metric in metrics.items() if metric.function is not None}


def of_means(metrics: Mapping[str, Metric], loss: Array, error: Array | None) -> dict[str, tuple[Array, Array | None]]:
    """Metrics that are exp of the mean loss (k,), with their standard errors to first order."""
    with np.errstate(over="ignore"):
        mean = np.exp(loss)
        spread = None if error is None else mean * error
    return {name: (mean, spread) for name, metric in metrics.items() if metric.of_mean}


def stack(outputs: list[Tensor]) -> Tensor:
    """Outputs one after the other along dimension 0; those stored by columns stay so."""
    if all(o.dim() == 2 and o.stride(0) == 1 and o.shape[1] > 1 for o in outputs):
        return torch.cat([o.t() for o in outputs], 1).t()
    return torch.cat(outputs)
