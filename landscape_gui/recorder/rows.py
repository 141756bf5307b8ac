"""The rows of a log, made in the thread that writes of what training handed over at its steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from landscape_gui.recorder.scalars import Value

OF_EPOCHS = ("loss", "accuracy")
"""What is handed over at steps and stands as its mean in an epoch's row, as train_loss and train_accuracy."""

Step = tuple[int, float, Mapping[str, Value] | None, dict[str, Value]]
"""What a step hands over: its number; when, by the clock; the learning rates, where a row ends with it; its numbers."""


@dataclass
class Row:
    """A row that does more than end with a step. An epoch's has numbers of its own; any other holds the means of what was handed
    over since the row before, and where there is none (`only_if_any`) it is left out."""

    step: int
    at: float
    rates: Mapping[str, Value]
    epoch: int | None = None
    found: Mapping[str, float] = field(default_factory=dict)
    scalars: dict[str, Value] = field(default_factory=dict)
    only_if_any: bool = False


Entry = Step | Row


class Rows:
    """Makes rows of entries, in their order. began: what the clock said `seconds` = 0 at."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._open: dict[str, list[float]] = {}
        self._of_epoch: dict[str, list[float]] = {}

    def of(self, entries: Sequence[Entry]) -> list[dict[str, Any]]:
        """The rows that these complete. Waits for GPUs; one transfer for tensors of one kind."""
        arrive(entries)
        return list(self._complete(entries))

    def waiting(self) -> dict[str, list[float]]:
        """What was handed over and stands in no row yet, by the row that it waits for ("step", "epoch") and its name."""
        both = {"step": self._open, "epoch": self._of_epoch}
        return {f"{row}/{name}": list(values) for row, found in both.items() for name, values in found.items()}

    def go_back(self, waiting: Mapping[str, list[float]]) -> None:
        """To what waited at an earlier moment."""
        both: dict[str, dict[str, list[float]]] = {"step": {}, "epoch": {}}
        for place, values in waiting.items():
            row, _, name = place.partition("/")
            both[row][name] = list(values)
        self._open, self._of_epoch = both["step"], both["epoch"]

    def _complete(self, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
        for entry in entries:
            if isinstance(entry, Row):
                if entry.epoch is not None:
                    own = {**self._of_steps(), **entry.scalars}
                    yield {"step": entry.step, "epoch": entry.epoch, **entry.rates, **own, **entry.found, **self._seconds(entry.at)}
                elif self._open or not entry.only_if_any:
                    yield {"step": entry.step, **entry.rates, **self._means(), **entry.found, **self._seconds(entry.at)}
                continue
            step, at, rates, scalars = entry
            if rates is not None and not self._open:  # as most: a row of its own numbers
                self._keep_for_epoch(scalars)
                yield {"step": step, **rates, **scalars, "seconds": round(at - self._began, 3)}
                continue
            for name, value in scalars.items():
                self._open.setdefault(name, []).append(value)  # type: ignore[arg-type]
            if rates is not None:
                yield {"step": step, **rates, **self._means(), **self._seconds(at)}

    def _keep_for_epoch(self, scalars: Mapping[str, Any]) -> None:
        for name in OF_EPOCHS:
            if name in scalars:
                self._of_epoch.setdefault(name, []).append(scalars[name])

    def _means(self) -> dict[str, float]:
        """Means of what was handed over since the row before; begins again."""
        values, self._open = self._open, {}
        for name in OF_EPOCHS:
            if name in values:
                self._of_epoch.setdefault(name, []).extend(values[name])
        return {name: sum(part) / len(part) for name, part in values.items()}

    def _of_steps(self) -> dict[str, float]:
        """Means over an epoch's steps; begins again."""
        values, self._of_epoch = self._of_epoch, {}
        return {f"train_{name}": mean(part) for name, part in values.items()}

    def _seconds(self, at: float) -> dict[str, float]:
        return {"seconds": round(at - self._began, 3)}


def mean(values: Sequence[float]) -> float:
    return (math.fsum(values) if all(map(math.isfinite, values)) else sum(values)) / len(values)


def arrive(entries: Sequence[Entry]) -> None:
    """Put numbers in the place of tensors."""
    places: dict[tuple[torch.dtype, torch.device], list[tuple[dict[str, Value], str]]] = {}
    for entry in entries:
        for kept in (entry.rates, entry.scalars) if isinstance(entry, Row) else entry[2:]:
            for name, value in (kept or {}).items():
                if isinstance(value, Tensor):
                    places.setdefault((value.dtype, value.device), []).append((kept, name))  # type: ignore[arg-type]
    for group in places.values():
        tensors = [kept[name] for kept, name in group]
        numbers = torch.stack([tensor.reshape(()) for tensor in tensors if isinstance(tensor, Tensor)]).double().tolist()
        for (kept, name), number in zip(group, numbers, strict=True):
            kept[name] = number
