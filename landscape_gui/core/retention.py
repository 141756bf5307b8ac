"""Graphs of chunks of data, kept between products where they fit into the memory allowed, else built anew for each block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor

from landscape_gui.core.differentiation import differentiating
from landscape_gui.core.objective import Objective
from landscape_gui.core.splits import Chunk

Graph = TypeVar("Graph")

SHARE = 0.25
"""Share of the memory that is free, which graphs may take where nothing else is said."""

UNKNOWN_BYTES = 2 << 30


class Retained(Generic[Graph]):
    """Iterate to get every chunk's graph, in order; those that fit are kept from the first time on.

    memory: bytes that kept graphs may take (None: a quarter of what is free). per_example: bytes of graph that an example takes,
    measured on a few; needed: of all examples (0 for a stream that does not tell how many); batch: examples of one graph at most.
    Of data that stream, all graphs are kept or none.
    """

    def __init__(self, objective: Objective, build: Callable[[Chunk], Graph], memory: int | None) -> None:
        self._objective, self._build = objective, build
        self.memory = int(SHARE * free_bytes(objective.device)) if memory is None else memory
        self.per_example = self._measure()
        self.needed = self.per_example * objective.examples
        cuts = objective.head.kind == "rows"
        self.batch = max(1, self.memory // self.per_example) if cuts else 1 << 62
        self._kept: list[Graph] = []
        self._keeps = not objective.split.streams or not self.needed or self.needed <= self.memory
        self._whole = False

    @property
    def kept(self) -> int:
        """How many graphs are kept by now."""
        return len(self._kept)

    def __iter__(self) -> Iterator[Graph]:
        if self._whole:
            yield from self._kept
            return
        count = seen = 0
        for count, chunk in enumerate(self._objective.chunks(self.batch), 1):
            seen += chunk.examples
            if count <= len(self._kept):
                yield self._kept[count - 1]
                continue
            graph = self._build(chunk)
            if self._keeps and count == len(self._kept) + 1 and seen * self.per_example <= self.memory:
                self._kept.append(graph)
            yield graph
        self._whole = 0 < count == len(self._kept)
        if self._objective.split.streams and not self._whole:
            self._kept, self._keeps = [], False

    def _measure(self) -> int:
        """Bytes of graph per example: the difference between graphs of a few examples and of half as many."""
        sample = self._objective.sample(4)
        sizes = []
        for part in self._objective.halved(sample):
            saved: dict[int, int] = {}
            storages: list[object] = []  # held, or what comes later might lie at the same address and be taken for the same

            def note(tensor: Tensor, saved: dict[int, int] = saved, storages: list[object] = storages) -> Tensor:
                storage = tensor.untyped_storage()
                storages.append(storage)
                saved[storage.data_ptr()] = max(saved.get(storage.data_ptr(), 0), tensor.numel() * tensor.element_size())
                return tensor

            with differentiating(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
                graph = self._build(part)
            for tensor in held_by(graph):
                note(tensor)
            sizes.append((part.examples, sum(saved.values())))
        (many, large), (few, small) = sizes[0], sizes[-1]
        return max(1, math.ceil((large - small) / (many - few)) if many > few else large)


def held_by(graph: object) -> list[Tensor]:
    """The tensors that a graph keeps beside what autograd saved for it."""
    if isinstance(graph, tuple):
        return [tensor for part in graph for tensor in held_by(part)]
    return list(getattr(graph, "held", ()))


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device, without what the system would have to write out."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return UNKNOWN_BYTES
