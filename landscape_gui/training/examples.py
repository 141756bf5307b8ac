"""The examples that are trained on, on the device, in an order that is drawn anew for each epoch and can be gone back to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from landscape_gui.core.splits import Split

SHARE = 4
"""Data are moved to a GPU at once where they take no more than a fourth of its free memory; else batch by batch."""


class Examples:
    """Batches of a split. batch: examples of one, all of them where there are no more; order: the random generator's state before
    the epoch under way was shuffled, from which its batches come again."""

    def __init__(self, split: Split, batch: int, seed: int, device: torch.device) -> None:
        self.device = device
        self.split = at_once(split, device)
        self.batch = min(batch, split.examples) or split.examples
        self._generator = torch.Generator().manual_seed(seed)
        self.order = self._generator.get_state()

    def batches(self, done: int) -> Iterator[Tensor | None]:
        """The examples of each step that is left of an epoch after `done` of them; None is all. One alone makes no step."""
        self.order = self._generator.get_state()
        if self.batch >= self.split.examples:
            parts: list[Tensor | None] = [None]
        else:
            shuffled = torch.randperm(self.split.examples, generator=self._generator)
            parts = [part for part in shuffled.split(self.batch) if len(part) > 1 or self.batch == 1]  # type: ignore[no-untyped-call]
        return itertools.islice(parts, done, None)

    def next_epoch(self) -> None:
        """What `order` says is from now on of the epoch to come."""
        self.order = self._generator.get_state()

    def go_back(self, order: Tensor) -> None:
        """To the beginning of an epoch. RuntimeError, TypeError: this is no generator's state."""
        self._generator.set_state(order)
        self.order = order

    def of(self, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step."""
        x, y = self.split.inputs, self.split.targets
        x, y = (x, y) if batch is None else (x[batch], y[batch])
        return x.to(self.device), y.to(self.device)


def at_once(split: Split, device: torch.device) -> Split:
    """The split on the device, where it does not take too much of it."""
    if device.type != "cuda":
        return split
    size = sum(t.numel() * t.element_size() for t in (split.inputs, split.targets))
    if size * SHARE > torch.cuda.mem_get_info(device)[0]:
        return split
    return Split(split.name, split.inputs.to(device), split.targets.to(device), split.examples)
