"""Data as the numerics see it: whole splits of tensors cut into chunks, or batches streamed from a loader."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.errors import ProblemError


@dataclass(frozen=True)
class Split:
    """Named data. inputs: a tensor, a tuple or list (positional) or mapping (by keyword) of tensors with examples first; or an
    iterable that gives batches (input, target) and can be iterated again. targets: the same kinds, or None where the batches of an
    iterable hold them or where a `batch_loss` takes the inputs as its batch. examples: how many there are (0: not known)."""

    name: str
    inputs: Any
    targets: Any = None
    examples: int = 0

    @property
    def streams(self) -> bool:
        """Whether the data come in batches of its own from an iterable."""
        return not isinstance(self.inputs, (Tensor, tuple, list, Mapping))


@dataclass(frozen=True)
class Chunk:
    """Examples that go through the network in one call. index: its place in the split; start: its first example (-1: streamed)."""

    inputs: Any
    targets: Any
    examples: int
    index: int
    start: int


def map_tensors(tree: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """The same nest of tuples, lists and mappings with `function` applied to every tensor; other leaves stay."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, Mapping):
        return {key: map_tensors(value, function) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [map_tensors(value, function) for value in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return tree


def tensors_of(tree: Any) -> Iterator[Tensor]:
    """Every tensor in a nest of tuples, lists and mappings."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from tensors_of(value)
    elif isinstance(tree, (tuple, list)):
        for value in tree:
            yield from tensors_of(value)


def length_of(tree: Any) -> int:
    """How many examples a nest of tensors holds: the first tensor's first dimension."""
    for tensor in tensors_of(tree):
        if tensor.dim():
            return int(tensor.shape[0])
    raise ProblemError("A batch holds no tensor with examples along its first dimension.")


def place(tree: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """The same data on a device, floating-point tensors in `dtype`; integers keep their type."""
    return map_tensors(tree, lambda t: t.to(device=device, dtype=dtype if t.is_floating_point() else t.dtype))


def call(module: nn.Module, inputs: Any) -> Any:
    """The network's output for a chunk's inputs: a tuple or list is spread as arguments, a mapping as keywords."""
    if isinstance(inputs, Tensor):
        return module(inputs)
    if isinstance(inputs, Mapping):
        return module(**inputs)
    return module(*inputs)


def bounds(examples: int, batch: int) -> list[tuple[int, int]]:
    """Cut so many examples into the fewest chunks of at most `batch`, of equal size to within one."""
    count = max(1, -(-examples // batch))
    size, more = divmod(examples, count)
    edges = [i * size + min(i, more) for i in range(count + 1)]
    return list(itertools.pairwise(edges))


def cut(tree: Any, start: int, stop: int, examples: int) -> Any:
    """The examples from start to stop; tensors without that many along dimension 0 are passed on whole (a shared mask, say)."""
    return map_tensors(tree, lambda t: t[start:stop] if t.dim() and t.shape[0] == examples else t)


def unpack(batch: Any) -> tuple[Any, Any]:
    """A loader's batch (input, target), (input, ..., target) or anything else as (inputs, targets); targets None: not told."""
    if isinstance(batch, (tuple, list)) and len(batch) >= 2:
        return (batch[0] if len(batch) == 2 else tuple(batch[:-1])), batch[-1]
    return batch, None
