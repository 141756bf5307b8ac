"""The data of a checkpoint's tensors: copies in memory, never a mapping of the file, which training may be rewriting."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import torch

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.containers import open_archive
from landscape_gui.checkpoint.contents import Contents
from landscape_gui.checkpoint.limits import DAMAGED, HALF, SPARE_BYTES, Broken, shown
from landscape_gui.checkpoint.manifest import ITEM_BYTES, Archive, Layout, Piece, Scalar, Span
from landscape_gui.checkpoint.rebuilt import tensor_of
from landscape_gui.checkpoint.source import Source, Window, read_at
from landscape_gui.checkpoint.zipped import inflate

_PIECE = 1 << 30  # bytes asked for in one read; the system gives at most 2 GiB


def load(source: Source, archive: Archive, contents: Contents) -> dict[str, torch.Tensor]:
    """Every tensor, its storages read once each in the order in which they lie in the files."""
    layouts = {name: layout for name, _, layout in contents.tensors}
    split = {name: _assemble(source, name, layout) for name, layout in layouts.items() if layout.pieces}
    plain = {name: layout for name, layout in layouts.items() if not layout.pieces}
    views = _load(source, archive.spans, plain, archive.big_endian)
    return {name: split[name] if name in split else views[name] for name in layouts}


def _load(source: Source, spans: Mapping[str, Span], layouts: Mapping[str, Layout], big_endian: bool) -> dict[str, torch.Tensor]:
    keys = sorted({layout.storage for layout in layouts.values()}, key=lambda key: (spans[key].file, spans[key].start))
    storages = {key: _read_storage(source.file(spans[key].file), spans[key]) for key in keys}
    if big_endian != (sys.byteorder == "big"):
        dtypes = {layout.storage: layout.dtype for layout in layouts.values()}
        for key, dtype in dtypes.items():
            _swap_bytes(storages[key], dtype)
    return {name: _view(name, layout, storages[layout.storage]) for name, layout in layouts.items()}


def loose_numbers(source: Source, archive: Archive, contents: Contents) -> dict[str, Scalar]:
    """Metadata that was saved as tensors of one element."""
    numbers: dict[str, Scalar] = {}
    for key, layout in contents.loose:
        span = archive.spans.get(layout.storage)
        if span is None or span.packed or span.data is not None or layout.reach > span.size or layout.dtype.startswith("complex"):
            continue
        item = ITEM_BYTES[layout.dtype]
        storage = _read_storage(source.file(span.file), Span(span.start + layout.offset * item, item))
        if archive.big_endian != (sys.byteorder == "big"):
            _swap_bytes(storage, layout.dtype)
        numbers[key] = _view(key, Layout(layout.dtype, (), (), 0, "", item), storage).item()
    return numbers


def _assemble(source: Source, name: str, layout: Layout) -> torch.Tensor:
    """The tensor, put together from its pieces."""
    dtype = _dtype(name, layout.dtype)
    whole = torch.zeros(layout.shape, dtype=dtype)
    for piece in layout.pieces:
        tensor = _read_piece(source, name, piece)
        if tensor.dtype != dtype:
            raise Broken(f"a piece of the tensor {shown(name)} has another type than the folder says", DAMAGED)
        if layout.shape == piece.shape:
            return tensor
        whole[tuple(slice(start, start + size) for start, size in zip(piece.offsets, piece.shape, strict=True))] = tensor
    return whole


def _read_piece(source: Source, name: str, piece: Piece) -> torch.Tensor:
    """The one tensor in a file inside a file."""
    spend(50)
    file = cast(BinaryIO, Window(source.file(piece.file), piece.start, piece.size))
    archive = open_archive(file, piece.size)
    held = archive.root
    if isinstance(held, dict):
        held = held.get(piece.name) if piece.name else next(iter(held.values()), None)
    layout = held if isinstance(held, Layout) else tensor_of(held)
    span = archive.spans.get(layout.storage) if isinstance(layout, Layout) and not layout.pieces else None
    if not isinstance(layout, Layout) or span is None or layout.shape != piece.shape or layout.reach > span.size:
        raise Broken(f"a piece of the tensor {shown(name)} is none, or is damaged", DAMAGED)
    if layout.size > 4 * span.size + SPARE_BYTES // 64 or span.size > max(SPARE_BYTES, 4 * piece.size):
        raise Broken(f"a piece of the tensor {shown(name)} would take far more than the file has")
    storage = _read_storage(file, span)
    if archive.big_endian != (sys.byteorder == "big"):
        _swap_bytes(storage, layout.dtype)
    return _view(name, layout, storage)


def _read_storage(file: BinaryIO, span: Span) -> torch.Tensor:
    """The span's bytes (uint8), in memory of their own."""
    if span.data is not None or span.packed:
        raw = _bytes_of(file, span)
        return torch.frombuffer(bytearray(raw), dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
    try:
        storage = torch.empty(span.size, dtype=torch.uint8)
    except RuntimeError:
        raise MemoryError from None
    view = memoryview(cast(Any, storage.numpy()))
    file.seek(span.start)
    done = 0
    while done < span.size:
        count = file.readinto(view[done : done + _PIECE])  # type: ignore[attr-defined]
        if not count:
            raise Broken("it ends before its tensors do", HALF)
        done += count
    return storage


def _bytes_of(file: BinaryIO, span: Span) -> bytes:
    count = span.packed or span.size
    piece = read_at(file, span.start, count) if span.data is None else span.data[span.start : span.start + count]
    raw = piece.encode("latin-1", "replace") if isinstance(piece, str) else piece
    return inflate(raw, span.size) if span.packed else raw


def _swap_bytes(storage: torch.Tensor, dtype: str) -> None:
    width = ITEM_BYTES[dtype] // 2 if dtype.startswith("complex") else ITEM_BYTES[dtype]
    whole = storage[: storage.numel() // width * width].view(-1, width)
    whole.copy_(whole.flip(1))


def _dtype(name: str, dtype: str) -> torch.dtype:
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype):
        raise Broken(f"the tensor {shown(name)} is stored as {dtype}, which this torch does not know", "Install a newer torch.")
    return found


def _view(name: str, layout: Layout, storage: torch.Tensor) -> torch.Tensor:
    """The tensor in the storage, contiguous, with a conjugate or negative bit resolved."""
    dtype = _dtype(name, layout.dtype)
    if math.prod(layout.shape) == 0:
        return torch.empty(layout.shape, dtype=dtype)
    tensor = torch.empty(0, dtype=dtype).set_(storage.untyped_storage(), layout.offset, layout.shape, layout.stride)
    if layout.conjugate:
        tensor = tensor.conj().resolve_conj()
    if layout.negative:
        tensor = tensor.neg()
    tensor = tensor.contiguous()
    shares = tensor.untyped_storage().data_ptr() == storage.untyped_storage().data_ptr()
    return tensor.clone() if shares and storage.numel() > 2 * layout.size else tensor
