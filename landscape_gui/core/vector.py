"""A network's weights as one flat vector, with the names and shapes that belong to each stretch of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape_gui.errors import ProblemError


@dataclass(frozen=True)
class Segment:
    """Where one tensor lies in the flat vector: `vector[start:stop].view(shape)`. buffer: a float statistic, no parameter."""

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int
    buffer: bool

    @property
    def size(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Layout:
    """The order of tensors in a flat vector of `size` scalars: `parameters` of them first, then the float buffers.

    Parameters stand in the order of `module.named_parameters()`, tied ones once; then the float buffers that a state dict holds
    (running means and variances). Integer buffers, such as `num_batches_tracked`, never move and are not part of the vector.
    """

    segments: tuple[Segment, ...]
    parameters: int
    size: int

    @classmethod
    def from_module(cls, module: nn.Module) -> Layout:
        """The layout of a module's parameters and float buffers; costs nothing, copies nothing."""
        kept = module.state_dict(keep_vars=True)
        buffers = [(name, b) for name, b in module.named_buffers() if name in kept and b.is_floating_point()]
        parameters = list(module.named_parameters())
        segments: list[Segment] = []
        start = 0
        for moving, is_buffer in ((parameters, False), (buffers, True)):
            for name, tensor in moving:
                segments.append(Segment(name, tuple(tensor.shape), start, start + tensor.numel(), is_buffer))
                start += tensor.numel()
        return cls(tuple(segments), sum(p.numel() for _, p in parameters), start)

    def flatten(
        self, tensors: Mapping[str, Tensor], *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> Tensor:
        """One vector (size,) of named tensors, a copy. ProblemError names what is missing or has another shape; more is ignored."""
        vector = torch.empty(self.size, dtype=dtype, device=device)
        for segment in self.segments:
            tensor = tensors.get(segment.name)
            if tensor is None:
                kind = "buffer" if segment.buffer else "parameter"
                raise ProblemError(
                    f"The {kind} {segment.name} of shape {segment.shape} is missing.",
                    remedy="Take the architecture that this checkpoint was saved from.",
                )
            if tuple(tensor.shape) != segment.shape:
                raise ProblemError(
                    f"{segment.name} has shape {tuple(tensor.shape)}, but the architecture expects {segment.shape}.",
                    remedy="Take the architecture that this checkpoint was saved from.",
                )
            vector[segment.start : segment.stop] = tensor.detach().reshape(-1).to(device=device, dtype=dtype)
        return vector

    def unflatten(self, vector: Tensor) -> dict[str, Tensor]:
        """Named views of a vector (size,); writing into one writes into the vector."""
        if vector.shape != (self.size,):
            raise ProblemError(f"A weight vector has shape {tuple(vector.shape)}, but the network has {self.size} scalars.")
        return {s.name: vector[s.start : s.stop].view(s.shape) for s in self.segments}

    def layers(self) -> tuple[tuple[str, tuple[Segment, ...]], ...]:
        """Parameters by the module that owns them, in order: ((module name, segments), ...). Buffers are left out."""
        grouped: dict[str, list[Segment]] = {}
        for segment in self.segments:
            if not segment.buffer:
                grouped.setdefault(owner(segment.name), []).append(segment)
        return tuple((name, tuple(segments)) for name, segments in grouped.items())


def owner(name: str) -> str:
    """The module that owns a parameter; a parametrised weight's originals belong to the module itself."""
    module, _, last = name.partition(".parametrizations.")[0].rpartition(".")
    if ".parametrizations." in name:
        return name.partition(".parametrizations.")[0]
    return module or last


def norm(vector: Tensor) -> float:
    """2-norm of a vector, accumulated in float64 without a float64 copy of the whole."""
    return math.sqrt(dot(vector, vector))


def dot(a: Tensor, b: Tensor, *, piece: int = 1 << 20) -> float:
    """Inner product accumulated in float64, in pieces, so that memory stays small."""
    total = 0.0
    for i in range(0, a.numel(), piece):
        total += float(torch.dot(a[i : i + piece].double(), b[i : i + piece].double()))
    return total


def gram(vectors: Iterable[Tensor]) -> Tensor:
    """All inner products (k, k) of k vectors, in float64 on the CPU."""
    rows = list(vectors)
    products = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for i, a in enumerate(rows):
        for j in range(i + 1):
            products[i, j] = products[j, i] = dot(a, rows[j])
    return products
