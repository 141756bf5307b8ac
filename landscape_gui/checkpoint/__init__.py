"""Checkpoints, read inertly: nothing in a file is imported or run, time and memory are bounded.

`peek` reads a file's header without torch; `read_checkpoint`, `Checkpoint` and `digest` bring torch in when first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landscape_gui.checkpoint.manifest import Manifest, TensorInfo
from landscape_gui.checkpoint.peek import peek

if TYPE_CHECKING:
    from landscape_gui.checkpoint.read import Checkpoint, digest, read_checkpoint

__all__ = ["Checkpoint", "Manifest", "TensorInfo", "digest", "peek", "read_checkpoint"]


def __getattr__(name: str) -> Any:
    if name in ("Checkpoint", "digest", "read_checkpoint"):
        from landscape_gui.checkpoint import read

        return getattr(read, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
