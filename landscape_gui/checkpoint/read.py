"""Read a checkpoint's tensors: copies in memory, never a mapping of the file, which training may be rewriting."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
import xxhash

from landscape_gui.checkpoint.contents import Contents, survey
from landscape_gui.checkpoint.limits import HALF, Broken, shown
from landscape_gui.checkpoint.manifest import ITEM_BYTES, Archive, Layout, Scalar, Span
from landscape_gui.checkpoint.peek import make_manifest, open_archive, open_plain, refusing
from landscape_gui.checkpoint.zipped import inflate, read_at

_SAVING = "It seems to be being written right now: open it again when training has saved it."
_PIECE = 1 << 30  # bytes asked for in one read; the system gives at most 2 GiB


@dataclass(frozen=True)
class Checkpoint:
    """The weights in one file, as they are stored.

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
        """The file's name."""
        return self.path.name


def read_checkpoint(path: str | os.PathLike[str], *, group: str = "") -> Checkpoint:
    """The weights of a torch (zip, legacy, TorchScript) or safetensors file; nothing in the file runs.

    group: the state dictionary to take where there are several (see `Manifest.groups`; "" takes the first by the order in
    `contents.ORDER`). Costs about the time to read the file once. Raises CheckpointError: not a checkpoint, damaged, holds what
    is not read (quantised, sparse), or changed twice while it was read.
    """
    place = Path(path)
    with refusing(place):
        for _ in range(2):
            checkpoint = _read_once(place, group)
            if checkpoint is not None:
                return checkpoint
        raise Broken("it changed while it was read, twice", _SAVING)


def _read_once(path: Path, group: str) -> Checkpoint | None:
    """The checkpoint, or None when the file changed meanwhile."""
    with open_plain(path) as file:
        before = _state(os.fstat(file.fileno()))
        try:
            checkpoint = _read(path, file, before[0], group)
        except Broken:
            if _state(os.stat(path)) != before:
                return None
            raise
        return checkpoint if _state(os.fstat(file.fileno())) == before == _state(os.stat(path)) else None


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _read(path: Path, file: BinaryIO, size: int, group: str) -> Checkpoint:
    archive = open_archive(file, size)
    contents = survey(archive, group)
    manifest = make_manifest(path, archive, contents)
    tensors = _load(file, archive, contents)
    metadata = {**manifest.metadata, **_loose_numbers(file, archive, contents)}
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


def _load(file: BinaryIO, archive: Archive, contents: Contents) -> dict[str, torch.Tensor]:
    """Every tensor, its storages read once each in the order in which they lie in the file."""
    layouts = {name: layout for name, _, layout in contents.tensors}
    keys = sorted({layout.storage for layout in layouts.values()}, key=lambda key: archive.spans[key].start)
    storages = {key: _read_storage(file, archive.spans[key]) for key in keys}
    swap = archive.big_endian != (sys.byteorder == "big")
    if swap:
        dtypes = {layout.storage: layout.dtype for layout in layouts.values()}
        for key, dtype in dtypes.items():
            _swap_bytes(storages[key], dtype)
    return {name: _view(name, layout, storages[layout.storage]) for name, layout in layouts.items()}


def _read_storage(file: BinaryIO, span: Span) -> torch.Tensor:
    """The span's bytes (uint8), in memory of their own."""
    if span.data is not None:
        piece = span.data[span.start : span.start + span.size]
        raw = piece.encode("latin-1", "replace") if isinstance(piece, str) else piece
        return torch.frombuffer(bytearray(raw), dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
    if span.packed:
        raw = inflate(read_at(file, span.start, span.packed), span.size)
        return torch.frombuffer(bytearray(raw), dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
    storage = torch.empty(span.size, dtype=torch.uint8)
    view = memoryview(cast(Any, storage.numpy()))
    file.seek(span.start)
    done = 0
    while done < span.size:
        count = file.readinto(view[done : done + _PIECE])  # type: ignore[attr-defined]
        if not count:
            raise Broken("it ends before its tensors do", HALF)
        done += count
    return storage


def _swap_bytes(storage: torch.Tensor, dtype: str) -> None:
    width = ITEM_BYTES[dtype] // 2 if dtype.startswith("complex") else ITEM_BYTES[dtype]
    whole = storage[: storage.numel() // width * width].view(-1, width)
    whole.copy_(whole.flip(1))


def _view(name: str, layout: Layout, storage: torch.Tensor) -> torch.Tensor:
    """The tensor in the storage, contiguous, with a conjugate or negative bit resolved."""
    dtype = getattr(torch, layout.dtype, None)
    if dtype is None:
        raise Broken(
            f"the tensor {shown(name)} is stored as {layout.dtype}, which this torch does not know", "Install a newer torch."
        )
    if layout.count == 0:
        return torch.empty(layout.shape, dtype=dtype)
    tensor = torch.empty(0, dtype=dtype).set_(storage.untyped_storage(), layout.offset, layout.shape, layout.stride)
    if layout.conjugate:
        tensor = tensor.conj().resolve_conj()
    if layout.negative:
        tensor = tensor.neg()
    tensor = tensor.contiguous()
    shares = tensor.untyped_storage().data_ptr() == storage.untyped_storage().data_ptr()
    return tensor.clone() if shares and storage.numel() > 2 * layout.size else tensor


def _loose_numbers(file: BinaryIO, archive: Archive, contents: Contents) -> dict[str, Scalar]:
    """Metadata that was saved as tensors of one element."""
    numbers: dict[str, Scalar] = {}
    for key, layout in contents.loose:
        span = archive.spans.get(layout.storage)
        if span is None or span.packed or span.data is not None or layout.reach > span.size or layout.dtype.startswith("complex"):
            continue
        item = ITEM_BYTES[layout.dtype]
        storage = _read_storage(file, Span(span.start + layout.offset * item, item))
        if archive.big_endian != (sys.byteorder == "big"):
            _swap_bytes(storage, layout.dtype)
        numbers[key] = _view(key, Layout(layout.dtype, (), (), 0, "", item), storage).item()
    return numbers


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
