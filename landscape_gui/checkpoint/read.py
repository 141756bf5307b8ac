"""Read a checkpoint's tensors: copies in memory, never a mapping of the file, which training may be rewriting."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import xxhash

from landscape_gui.checkpoint.budget import bounded
from landscape_gui.checkpoint.contents import survey
from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.manifest import Scalar
from landscape_gui.checkpoint.peek import make_manifest, open_source, refusing
from landscape_gui.checkpoint.source import Source
from landscape_gui.checkpoint.storages import load as _load
from landscape_gui.checkpoint.storages import loose_numbers
from landscape_gui.checkpoint.whole import Whole, find_whole

_SAVING = "It seems to be being written right now: open it again when training has saved it."


@dataclass(frozen=True)
class Checkpoint:
    """The weights in one file, or in one folder whose files belong together, as they are stored.

    tensors: CPU copies in their own dtypes, by name after stripping, in the file's order (tied ones may share memory: do not
    write into them); digest: xxh3-128 over (name, dtype, shape, bytes) sorted by name, the same for a .pt and a .safetensors of
    the same tensors; metadata: what the file says of itself; epoch, step: from the metadata or the file's name; groups: the
    state dictionaries in the file, the one that was read first; stored_names: name -> name in the file, before stripping;
    notes: what was chosen, stripped or left out.
    """

    path: Path
    format: str
    tensors: Mapping[str, torch.Tensor]
    digest: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    epoch: float | None = None
    step: int | None = None
    notes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ("",)
    stored_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's or the folder's name."""
        return self.path.name


def read_checkpoint(path: str | os.PathLike[str], *, group: str = "") -> Checkpoint:
    """The weights of a file or of a folder that is one checkpoint (docs/files.md lists the kinds); nothing in them runs.

    group: the state dictionary to take where there are several (see `Manifest.groups`; "" takes the first by the order in
    `contents.ORDER`). Costs about the time to read the file once. Raises CheckpointError: not a checkpoint, damaged, holds what
    is not read (quantised, sparse), or changed twice while it was read.
    """
    place = Path(path)
    with refusing(place), bounded():
        for _ in range(2):
            checkpoint = _read_once(place, group)
            if checkpoint is not None:
                return checkpoint
        raise Broken("it changed while it was read, twice", _SAVING)


def _read_once(path: Path, group: str) -> Checkpoint | None:
    """The checkpoint, or None when a file changed meanwhile."""
    whole = find_whole(path)
    with Source(path if whole is None else whole.main) as source:
        try:
            checkpoint = _read(path, source, whole, group)
        except Broken:
            if not source.unchanged:
                return None
            raise
        return checkpoint if source.unchanged else None


def _read(path: Path, source: Source, whole: Whole | None, group: str) -> Checkpoint:
    archive = open_source(source, whole)
    contents = survey(archive, group)
    manifest = make_manifest(path, archive, contents)
    tensors = _load(source, archive, contents)
    metadata = {**manifest.metadata, **loose_numbers(source, archive, contents)}
    return Checkpoint(
        path=path,
        format=manifest.format,
        tensors=tensors,
        digest=digest(tensors),
        metadata=metadata,
        epoch=manifest.epoch,
        step=manifest.step,
        notes=manifest.notes,
        groups=manifest.groups,
        stored_names={name: stored for name, stored, _ in contents.tensors},
    )


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """xxh3-128 in hexadecimal over (name, dtype, shape, bytes) of the tensors, sorted by name; about 0.1 s a gigabyte."""
    hasher = xxhash.xxh3_128()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        dtype = str(tensor.dtype).removeprefix("torch.")
        hasher.update(repr((name, dtype, tuple(tensor.shape))).encode("utf-8", "surrogatepass"))
        if tensor.numel():
            hasher.update(cast(Any, tensor.reshape(-1).view(torch.uint8).numpy()))
    return hasher.hexdigest()
