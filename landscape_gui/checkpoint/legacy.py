"""Files of torch.save before 1.6 (four pickles, then the storages one after the other) and plain pickles."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

from landscape_gui.checkpoint.embedded import MAGIC, VERSION, lay_out, nodes
from landscape_gui.checkpoint.limits import HALF, PICKLE_BYTES, PLAIN_PICKLE_BYTES, TENSORS, Broken
from landscape_gui.checkpoint.manifest import Archive, Span
from landscape_gui.checkpoint.rebuilt import storage_of
from landscape_gui.checkpoint.source import read_at
from landscape_gui.checkpoint.unpickle import unpickle

_TORCH = (b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", b"L119547037146038801333356L")  # the magic number, binary and as text
_FEW = 1000  # steps of the small pickles around the structure
_FIRST = 1 << 18  # bytes tried first; the structure of most files is smaller


def open_pickle(file: BinaryIO, size: int) -> Archive:
    """The pickled value and the places of the storages. Reads the structure and 8 bytes per storage; raises Broken."""
    head = read_at(file, 0, min(size, _FIRST))
    if not any(magic in head[:40] for magic in _TORCH):
        return _open_plain(file, size)
    try:
        return _parse(file, size, head)
    except Broken:
        if len(head) == size:
            raise
    return _parse(file, size, read_at(file, 0, min(size, PICKLE_BYTES)))


def _open_plain(file: BinaryIO, size: int) -> Archive:
    if size > PLAIN_PICKLE_BYTES:
        most = f"{PLAIN_PICKLE_BYTES:,} is the most that is read"
        raise Broken(f"it is a plain pickle of {size:,} bytes; {most}", "Load it where it was made and save it with torch.save.")
    return _parse(file, size, read_at(file, 0, size))


def _parse(file: BinaryIO, size: int, head: bytes) -> Archive:
    value, at = unpickle(head)
    if value != MAGIC or type(value) is not int:
        return Archive("pickle", value, lay_out(value))
    version, at = unpickle(head, at, _FEW)
    if type(version) is not int or version != VERSION:
        raise Broken("it says that it is from torch.save but of an unknown version")
    _, at = unpickle(head, at, _FEW)
    value, at = unpickle(head, at)
    keys, at = unpickle(head, at, 4 * TENSORS)
    if type(keys) is not list or not all(type(key) in (str, int) for key in keys):
        raise Broken("its list of storages is malformed")
    spans = _storages(file, size, value, [str(key) for key in keys], at) or lay_out(value)  # arrays, where there is no tensor
    return Archive("torch legacy", value, spans)


def _storages(file: BinaryIO, size: int, value: Any, keys: list[str], at: int) -> dict[str, Span]:
    item = _item_sizes(value)
    spans: dict[str, Span] = {}
    for key in keys:
        if key not in item or key in spans:
            raise Broken("its list of storages does not fit its tensors")
        if at + 8 > size:
            raise Broken("it ends before its tensors do", HALF)
        count = struct.unpack("<q", read_at(file, at, 8))[0]
        length = count * item[key]
        if count < 0 or at + 8 + length > size:
            raise Broken("it ends before its tensors do", HALF)
        spans[key] = Span(at + 8, length)
        at += 8 + length
    return spans


def _item_sizes(value: Any) -> dict[str, int]:
    """Bytes per element of every storage that the value refers to."""
    sizes: dict[str, int] = {}
    for node in nodes(value):
        storage = storage_of(node)
        if storage is not None:
            sizes.setdefault(storage.key, storage.item)
    return sizes
