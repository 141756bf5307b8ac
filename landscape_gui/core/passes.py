"""A network's forward passes over one split at any weights, for whoever looks inside with hooks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core import batchnorm, memory
from landscape_gui.core.forward import BatchPath, PlainPath, full_precision
from landscape_gui.core.losses import LossHead
from landscape_gui.core.splits import Chunk, Split, length_of, map_tensors, place
from landscape_gui.core.sweep import Data
from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError


class Passes:
    """One data set, many weights, no loss: `install` weights, then `run`. The caller's module is only read.

    module: a private copy in evaluation mode, to put hooks on. Chunks hold as many examples as BatchNorm's statistics are
    recalculated from at once, so that both see the same batches. Memory: two copies of the weights, and the data.
    """

    def __init__(
        self, module: nn.Module, layout: Layout, split: Split, head: LossHead, *, device: torch.device | str = "cpu"
    ) -> None:
        memory.keep_allocations()
        self.layout, self.device, self.split = layout, torch.device(device), split
        if not split.streams:
            inputs, targets = (place(tree, self.device, torch.float32) for tree in (split.inputs, split.targets))
            self.split = Split(split.name, inputs, targets, split.examples or length_of(inputs))
        kind = partial(BatchPath, function=head.function) if head.kind == "batch" else PlainPath
        self._path: PlainPath = kind(module, layout, device=self.device, dtype=torch.float32)
        self._data = Data([self.split], head, self.device, torch.float32, 2)
        self.module = self._path.module
        chunk = next(self._data.chunks(self.split), None)
        if chunk is None:
            raise ProblemError(f"The split {split.name} is empty.")
        first = self._data.smaller(chunk)[0]
        scalars = memory.largest_activation(self.module, partial(self._path.forward, first), first.inputs, first.examples) // 4
        self._data.batch = max(1, batchnorm.SCALARS // max(1, scalars))

    @property
    def examples(self) -> int:
        """How many there are; 0 where the data stream and do not tell."""
        return self.split.examples

    @property
    def partition(self) -> int:
        """Into how many chunks the examples are cut; -1: an iterable's own batches."""
        return -1 if self.split.streams else len(self._data.bounds(self.split))

    def install(self, state: Tensor) -> None:
        """Let the network have these weights and statistics (layout.size,), a copy."""
        with torch.inference_mode(False):
            self._path.lay(state.detach().to(self.device, torch.float32), ())

    def run(self, *also: Passes) -> Iterator[float]:
        """Every example once through the network as it is, each chunk right after that through the networks of `also`.

        Yields the fraction done after each chunk: stop there to cancel.
        """
        yield from self._fractions([each._forward(chunk) for each in (self, *also)] for chunk in self._chunks())

    def recalculate(self) -> Iterator[float]:
        """As `run`, and BatchNorm's running statistics are recalculated from the data on the way (core.batchnorm)."""
        steps = batchnorm.recalculate(self.module, (partial(self._forward, chunk) for chunk in self._chunks()))
        yield from self._fractions(steps)

    def running(self) -> dict[str, Tensor]:
        """The network's float buffers as they are now, by name: views."""
        own = dict(self.module.named_buffers())
        return {s.name: own[s.name] for s in self.layout.segments if s.buffer}

    def sample(self, count: int = 2) -> Any:
        """The first few examples as the network is called with them (see `splits.call`). One forward pass of these."""
        chunk = next(self._data.chunks(self.split))
        first = Data([self.split], self._data.head, self.device, torch.float32, count).smaller(chunk)[0]
        seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        handle = self.module.register_forward_pre_hook(lambda _module, args, kwargs: seen.append((args, kwargs)), with_kwargs=True)
        try:
            with torch.no_grad():
                self._path.forward(first)
        finally:
            handle.remove()
        if not seen:
            raise ProblemError("The loss never calls the network as a whole, so that its inputs are not known.")
        args, kwargs = seen[0]
        if args and kwargs:
            raise ProblemError(
                "The loss calls the network with arguments by position and by name at once.", remedy="Give all of them by name."
            )
        return map_tensors(kwargs or (args[0] if len(args) == 1 else args), lambda t: t.detach().cpu().clone())

    def _chunks(self) -> Iterator[Chunk]:
        return (chunk for whole in self._data.chunks(self.split) for chunk in self._data.smaller(whole))

    def _forward(self, chunk: Chunk) -> Any:
        with torch.no_grad(), full_precision():
            return self._path.forward(chunk)

    def _fractions(self, steps: Iterator[Any]) -> Iterator[float]:
        total = self.partition
        for done, _ in enumerate(steps, 1):
            yield min(done / total, 1.0) if total > 0 else done / (done + 1)
