"""A .safetensors file of tensors that are written again and again: its head is made once by safetensors, and their memory follows.

safetensors' `save` copies all tensors twice while other threads wait for it, which costs three times what writing does; its
`save_file` gives files to their owner alone, whatever the system is set to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

Piece = bytes | memoryview
LENGTH = 8
"""Bytes at the beginning, that say how long the head is; it ends at a multiple of them."""


class Head:
    """Keeps a head for tensors of the same names, shapes and types; makes it anew for others."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[torch.Size, torch.dtype]] = {}
        self._order: list[str] = []
        self._places = ""

    def file_of(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> list[Piece]:
        """The pieces of a file of contiguous tensors on the processor: they are not copied, and must not change until written."""
        known = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
        if known != self._known:
            places = places_of(tensors)
            self._known, self._order, self._places = known, list(places), json.dumps(places)[1:]
        separator = ", " if self._order else ""
        head = f'{{"__metadata__": {json.dumps(dict(metadata))}{separator}{self._places}'.encode()
        head += b" " * (-len(head) % LENGTH)
        return [len(head).to_bytes(LENGTH, "little") + head, *(memory_of(tensors[name]) for name in self._order)]


def places_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the head says of each tensor, in the order in which their memory follows it."""
    places = head_of(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
    return dict(sorted(places.items(), key=lambda item: item[1]["data_offsets"]))


def head_of(content: bytes) -> dict[str, Any]:
    """What a file's head says: of each tensor, and as "__metadata__". ValueError where it is no JSON."""
    found: dict[str, Any] = json.loads(content[LENGTH : LENGTH + int.from_bytes(content[:LENGTH], "little")])
    return found


def memory_of(tensor: Tensor) -> Piece:
    return tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b""
