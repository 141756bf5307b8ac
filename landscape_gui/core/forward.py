"""Ways to run a network at a point of a plane. Each owns a private copy of the module; the caller's is only read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from landscape_gui.core.splits import Chunk, call
from landscape_gui.core.vector import Layout
from landscape_gui.core.weights import MovingWeights, install, private_copy, split_axes


class ForwardPath(Protocol):
    """How outputs are had: lay the plane, then for each chunk move from point to point."""

    description: dict[str, Any]
    """What this path does, for an answer's provenance."""

    def lay(self, origin: Tensor, axes: Sequence[Tensor]) -> None:
        """Take a plane; all on the path's device and in its dtype."""

    def begin(self, split: int, chunk: Chunk) -> Chunk:
        """Make a chunk ready; what comes back is what `forward` wants."""

    def move(self, point: Sequence[float]) -> None:
        """Go to these coordinates."""

    def forward(self, chunk: Chunk) -> Any:
        """The network's output on the chunk at the current point."""


class PlainPath:
    """The module itself on views of one flat buffer: bit-equal to functional_call with the same weights and batches."""

    def __init__(
        self, module: nn.Module, layout: Layout, *, device: torch.device, dtype: torch.dtype, moving_buffers: bool = False
    ) -> None:
        self.module = private_copy(module).to(device=device, dtype=dtype)
        self.layout, self.device = layout, device
        self.moving_buffers = moving_buffers
        self.weights = MovingWeights([])
        self.description: dict[str, Any] = {"path": "plain"}

    def lay(self, origin: Tensor, axes: Sequence[Tensor]) -> None:
        moving, still = split_axes(self.layout, origin, axes, moving_buffers=self.moving_buffers)
        self.weights = MovingWeights(moving)
        install(self.module, {name: tensor.clone() for name, tensor in still.items()})
        install(self.module, self.weights.views)

    def begin(self, split: int, chunk: Chunk) -> Chunk:
        return chunk

    def move(self, point: Sequence[float]) -> None:
        self.weights.move(point)

    def forward(self, chunk: Chunk) -> Any:
        return call(self.module, chunk.inputs)

    def in_precision(self, dtype: torch.dtype) -> PlainPath:
        """The same path with a copy of the module in another precision."""
        return PlainPath(self.module, self.layout, device=self.device, dtype=dtype, moving_buffers=self.moving_buffers)


class BatchPath(PlainPath):
    """As PlainPath, for a `batch_loss(module, batch)` that runs the network itself: its output is the loss."""

    def __init__(
        self,
        module: nn.Module,
        layout: Layout,
        function: Callable[[nn.Module, Any], Any],
        *,
        device: torch.device,
        dtype: torch.dtype,
        moving_buffers: bool = False,
    ) -> None:
        super().__init__(module, layout, device=device, dtype=dtype, moving_buffers=moving_buffers)
        self._function = function

    def forward(self, chunk: Chunk) -> Any:
        return self._function(self.module, chunk.inputs)

    def in_precision(self, dtype: torch.dtype) -> PlainPath:
        return BatchPath(
            self.module, self.layout, self._function, device=self.device, dtype=dtype, moving_buffers=self.moving_buffers
        )


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Convolutions and products in float32 proper on a GPU; the settings are put back."""
    if not torch.cuda.is_available():
        yield
        return
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products
