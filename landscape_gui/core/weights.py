"""Weights that move: one flat buffer whose views are the network's tensors, rewritten by one fused operation per point."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape_gui.core.vector import Layout

ALIGNMENT = 16
"""Tensors start at multiples of so many scalars (64 bytes of float32), as freshly allocated ones do."""


@dataclass(frozen=True)
class MovingTensor:
    """One tensor of the network: where it is at the origin and how far it moves along each axis.

    channels_last: a 4-D tensor that is kept in that memory format.
    """

    name: str
    origin: Tensor
    axes: tuple[Tensor, ...]
    channels_last: bool = False


class MovingWeights:
    """theta = (origin + c[m-1] d[m-1] + ...) + c[0] d[0] for the tensors given, with no drift from point to point.

    views: name -> the tensor at the current point, to be put into a network. The sum over all axes but the first is kept while
    their coordinates stay, so that a row of a grid costs one pass per point. Memory: m + 3 times the tensors.
    """

    def __init__(self, tensors: Sequence[MovingTensor]) -> None:
        self._places: list[tuple[MovingTensor, int, int]] = []
        size = 0
        for tensor in tensors:
            self._places.append((tensor, size, size + tensor.origin.numel()))
            size += -(-tensor.origin.numel() // ALIGNMENT) * ALIGNMENT
        example = tensors[0].origin if tensors else torch.empty(0)
        count = len(tensors[0].axes) if tensors else 0
        self.origin = self._gather([t.origin for t in tensors], size, example)
        self.axes = [self._gather([t.axes[j] for t in tensors], size, example) for j in range(count)]
        self.flat = self.origin.clone()
        self._base = self.origin if count < 2 else self.origin.clone()
        self._base_at: tuple[float, ...] | None = () if count < 2 else None
        self.views = {t.name: _view(t, self.flat[start:stop]) for t, start, stop in self._places}

    def _gather(self, parts: Sequence[Tensor], size: int, example: Tensor) -> Tensor:
        flat = torch.zeros(size, dtype=example.dtype, device=example.device)
        for (tensor, start, stop), part in zip(self._places, parts, strict=True):
            flat[start:stop] = (part.permute(0, 2, 3, 1) if tensor.channels_last else part).reshape(-1)
        return flat

    def move(self, point: Sequence[float]) -> None:
        """Write the weights at these coordinates, one per axis."""
        if not self.axes:
            return
        rest = tuple(point[1:])
        if rest != self._base_at:
            torch.add(self.origin, self.axes[-1], alpha=point[-1], out=self._base)
            for axis, c in list(zip(self.axes, point, strict=True))[-2:0:-1]:
                self._base.add_(axis, alpha=c)
            self._base_at = rest
        torch.add(self._base, self.axes[0], alpha=point[0], out=self.flat)


def _view(tensor: MovingTensor, part: Tensor) -> Tensor:
    shape = tensor.origin.shape
    if tensor.channels_last:
        return part.view(shape[0], shape[2], shape[3], shape[1]).permute(0, 3, 1, 2)
    return part.view(shape)


def split_axes(
    layout: Layout, origin: Tensor, axes: Sequence[Tensor], *, moving_buffers: bool
) -> tuple[list[MovingTensor], dict[str, Tensor]]:
    """Tensors that move along some axis, and those that stay at the origin. Without `moving_buffers` no buffer moves."""
    moving: list[MovingTensor] = []
    still: dict[str, Tensor] = {}
    for segment in layout.segments:
        part = slice(segment.start, segment.stop)
        value = origin[part].view(segment.shape)
        steps = tuple(axis[part].view(segment.shape) for axis in axes)
        if (moving_buffers or not segment.buffer) and any(bool((step != 0).any()) for step in steps):
            moving.append(MovingTensor(segment.name, value, steps))
        else:
            still[segment.name] = value
    return moving, still


def install(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Let a module's parameters and buffers of these names be these very tensors (no copy). Tied ones follow."""
    own: dict[str, Tensor] = dict(module.named_parameters())
    own.update(module.named_buffers())
    for name, tensor in tensors.items():
        own[name].data = tensor


def private_copy(module: nn.Module) -> nn.Module:
    """A deep copy in evaluation mode without gradients; the original is only read.

    Tensors that autograd computed and the module keeps as attributes (an old weight_norm's weight) are copied by value.
    """
    memo: dict[int, object] = {}
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    duplicate = copy.deepcopy(module, memo).eval()
    return duplicate.requires_grad_(False)
