"""Memory: how the allocator is set, how many examples go through the network at once, how much may be kept."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.core.splits import map_tensors, tensors_of

CONVOLUTION_BYTES = 4 << 20
PRODUCT_BYTES = 8 << 20
"""The largest activation of a chunk on a CPU, of networks with and without convolutions: sweeps put the best between 2 and 4 MB for
convolutions, which are bound by the cache; matrix products gain from more rows."""

GPU_SHARE = 0.25
"""Share of a GPU's free memory that one chunk's activations may take, four of the largest counted at a time."""


@functools.cache
def keep_allocations() -> bool:
    """Let glibc keep freed memory instead of returning it to the system after every layer: halves a forward pass's time at large
    batches. Once a process, before the first large allocation; False where there is no glibc."""
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    m_trim_threshold, m_top_pad, m_mmap_threshold, m_arena_max = -1, -2, -3, -8
    mallopt(m_arena_max, 1)
    accepted = any(mallopt(m_mmap_threshold, size) for size in (1 << 30, 32 << 20))
    return bool(accepted and mallopt(m_trim_threshold, 2**31 - 1) and mallopt(m_top_pad, 64 << 20))


def largest_activation(module: nn.Module, run: Callable[[], Any], inputs: Any, examples: int) -> int:
    """Bytes per example of the largest output of any submodule, measured by hooks while `run` passes a few examples through."""
    largest = 0

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        nonlocal largest
        largest = max([largest, *(t.numel() * t.element_size() for t in tensors_of(output))])

    handles = [part.register_forward_hook(hook) for part in module.modules() if not list(part.children())]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    if not largest:
        largest = max((t.numel() * t.element_size() for t in tensors_of(inputs)), default=1)
    return max(1, largest // max(1, examples))


def choose_batch(module: nn.Module, activation: int, device: torch.device) -> int:
    """Examples per chunk for a largest activation of so many bytes per example: the same on every run on the same CPU."""
    if device.type == "cuda":
        free, _total = torch.cuda.mem_get_info(device)
        return max(1, int(free * GPU_SHARE / (4 * activation)))
    convolves = any(isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) for part in module.modules())
    return max(1, (CONVOLUTION_BYTES if convolves else PRODUCT_BYTES) // activation)


def first_examples(tree: Any, count: int, examples: int) -> Any:
    """The first few examples of a nest of tensors."""

    def take(t: Tensor) -> Tensor:
        return t[:count] if t.dim() and t.shape[0] == examples else t

    return map_tensors(tree, take)
