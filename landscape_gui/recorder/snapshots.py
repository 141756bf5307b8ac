"""A network's weights as they are at one moment, copied so that training goes on while they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from landscape_gui.errors import RecorderError
from landscape_gui.recorder.safetensors_head import Head, Piece


@dataclass(frozen=True)
class Snapshot:
    """Tensors on the processor, in the network's own types. ready: what the copies from a GPU wait for, or None; size: bytes."""

    tensors: dict[str, Tensor]
    ready: Any
    size: int

    def content(self, head: Head, **metadata: str) -> list[Piece]:
        """A .safetensors file in pieces, the tensors' own memory among them. Waits for the copies."""
        if self.ready is not None:
            self.ready.synchronize()
        return head.file_of(self.tensors, {"format": "pt", **metadata})


def unwrapped(model: nn.Module) -> nn.Module:
    """The network inside DataParallel, DistributedDataParallel and torch.compile. Raises RecorderError where its weights are in
    pieces on several processes."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if not isinstance(inner, nn.Module):
            break
        model = inner
    if any(type(p).__name__ == "DTensor" for p in model.parameters()) or "FullyShardedDataParallel" in type(model).__name__:
        raise RecorderError(
            "The network's weights are spread over several processes (FSDP), and no process has them all.",
            remedy="Save gathered checkpoints into a folder yourself; the window opens it as a run.",
        )
    return model


def size_of(module: nn.Module) -> int:
    """Bytes of a checkpoint."""
    return sum(t.numel() * t.element_size() for t in module.state_dict(keep_vars=True).values() if savable(t))


def savable(value: Any) -> bool:
    return isinstance(value, Tensor) and not is_lazy(value) and value.layout == torch.strided


def is_begun(module: nn.Module) -> bool:
    """Whether all weights have their shapes: those of lazy layers come with the first batch."""
    return not any(is_lazy(t) for t in (*module.parameters(), *module.buffers()))


def first_trained(module: nn.Module) -> Tensor:
    """The first parameter that is trained and whose changes torch counts: an optimiser changes it before the others."""
    trained = (p for p in module.parameters() if p.requires_grad and (is_lazy(p) or not p.is_inference()))
    return next(trained, torch.empty(0))


def take(module: nn.Module, used: dict[str, Tensor] | None = None) -> Snapshot:
    """Copy every tensor of the state dict: on the processor at once, from a GPU into pinned memory behind what it is doing.

    used: tensors of an earlier snapshot that is written by now, to copy into: fresh memory costs more than the copy.
    """
    tensors: dict[str, Tensor] = {}
    used = used or {}
    on_gpu = False
    for name, tensor in module.state_dict(keep_vars=True).items():
        if not savable(tensor):
            continue
        tensor = tensor.detach()
        on_gpu |= tensor.is_cuda
        place = used.get(name)
        if place is not None and place.shape == tensor.shape and place.dtype == tensor.dtype:
            tensors[name] = place.copy_(tensor, non_blocking=True)
        else:
            tensors[name] = pinned_copy(tensor) if tensor.is_cuda else processor_copy(tensor)
    ready = None
    if on_gpu:
        ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
        ready.record()
    return Snapshot(tensors, ready, sum(t.numel() * t.element_size() for t in tensors.values()))


def processor_copy(tensor: Tensor) -> Tensor:
    return tensor.to("cpu", copy=True, memory_format=torch.contiguous_format)


def pinned_copy(tensor: Tensor) -> Tensor:
    """A copy that is under way; on the processor at once where no memory can be pinned."""
    try:
        target = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    except RuntimeError:
        return processor_copy(tensor)
    return target.copy_(tensor, non_blocking=True)
