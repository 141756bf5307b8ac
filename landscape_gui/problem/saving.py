"""Weights of a flat vector as a .safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from landscape_gui.core.vector import Layout
from landscape_gui.errors import ProblemError
from landscape_gui.whole_files import write_whole


def write_state(path: Path, module: nn.Module, layout: Layout, state: Tensor, metadata: Mapping[str, str]) -> None:
    """Every tensor of the module's state dict: what moves from `state`, the rest (counters) from the module. The file appears
    whole or not at all. Raises ProblemError where it cannot be written."""
    moved = layout.unflatten(state.detach().to("cpu", torch.float32))
    first: dict[int, str] = {}
    tensors: dict[str, Tensor] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        source = first.setdefault(id(tensor), name)
        tensors[name] = moved.get(name, moved.get(source, tensor.detach().cpu())).clone().contiguous()
    content = save(tensors, metadata={"format": "pt", **metadata})
    try:
        write_whole(path, content)
    except OSError as error:
        raise ProblemError(f"{path} cannot be written: {error.strerror}.") from error
