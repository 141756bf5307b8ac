"""Numbers that training hands over at every step, read later: a tensor on a GPU is not waited for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landscape_gui.errors import RecorderError

ROW_DIGITS = 12
"""Significant binary digits of a step that has a row of its own in the log: each of the first 4,096, then 2,048 an octave."""

Value = float | Tensor


def has_row(step: int) -> bool:
    return step.bit_length() - ((step & -step).bit_length() - 1) <= ROW_DIGITS


def handed(name: str, value: Any) -> Value:
    """A number as it is kept until it is read: a copy without its graph. Raises RecorderError for what is none."""
    if isinstance(value, Tensor):
        return value.detach().clone() if value.numel() == 1 else value.detach().double().mean()
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise RecorderError(
            f"{name} is a {type(value).__name__}, not a number.", remedy="Hand over numbers, or tensors with one element."
        ) from error


def moment() -> Any:
    """What says that a GPU has come to where it is told to be now; None without one."""
    if not (torch.cuda.is_available() and torch.cuda.is_initialized()):  # type: ignore[no-untyped-call]
        return None
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return event


def read(values: Sequence[Value]) -> list[float]:
    """The numbers. Waits for GPUs; one transfer for tensors of one kind."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    kinds = {(tensor.dtype, tensor.device) for tensor in tensors}
    if len(tensors) == len(values) and len(kinds) == 1:
        found: list[float] = torch.stack([tensor.reshape(()) for tensor in tensors]).double().tolist()
        return found
    return [float(value) for value in values]


class Stretch:
    """What was handed over since the last row of the log."""

    def __init__(self) -> None:
        self.values: dict[str, list[Value]] = {}

    def add(self, scalars: Mapping[str, Any]) -> None:
        for name, value in scalars.items():
            kept = handed(name, value)
            self.values.setdefault(name, []).append(kept)


class Means:
    """Means over an epoch of what was handed over at its steps, from the stretches as they are read."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, name: str, values: Sequence[float]) -> None:
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = (
            total + math.fsum(values) if all(map(math.isfinite, values)) else total + sum(values),
            count + len(values),
        )

    def take(self) -> dict[str, float]:
        """The means, and begin again."""
        found = {name: total / count for name, (total, count) in self._sums.items()}
        self._sums.clear()
        return found
