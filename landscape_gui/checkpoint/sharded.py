"""Weights that lie in several files (shards), which an index beside them lists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from landscape_gui.checkpoint.containers import open_archive
from landscape_gui.checkpoint.json_text import parse_object
from landscape_gui.checkpoint.limits import INDEX_BYTES, Broken, shown
from landscape_gui.checkpoint.manifest import Archive, Layout, Span
from landscape_gui.checkpoint.rebuilt import Foreign, entries_of, tensor_of
from landscape_gui.checkpoint.source import Source, read_at
from landscape_gui.checkpoint.whole import shards_of

_AGAIN = "Download or copy the whole folder again."


def open_sharded(source: Source) -> Archive:
    """The tensors of all shards in the order of the index, which is the file that was opened. Reads headers only; raises Broken."""
    if source.size() > INDEX_BYTES:
        raise Broken(f"its index has {source.size():,} bytes; {INDEX_BYTES:,} is the most that is read")
    table = parse_object(read_at(source.file(), 0, source.size()), "its index").get("weight_map")
    if not isinstance(table, dict) or not table:
        raise Broken("its index lists no weights", _AGAIN)
    shards = shards_of(table)
    found: dict[str, Layout | Foreign] = {}
    spans: dict[str, Span] = {}
    kinds: set[tuple[str, bool]] = set()
    for shard, names in shards.items():
        archive = _open_shard(source, shard)
        kinds.add((archive.format, archive.big_endian))
        found |= _tensors(archive, shard, names)
        spans |= {
            f"{shard}/{key}": span if span.data is not None else replace(span, file=shard) for key, span in archive.spans.items()
        }
    if len(kinds) > 1:
        raise Broken("its shards are of different kinds", _AGAIN)
    kind, big = kinds.pop()
    notes = (f"Read from {len(shards)} shards.",) if len(shards) > 1 else ()
    return Archive(f"sharded {kind}", {name: found[name] for name in table}, spans, big, notes=notes)


def _open_shard(source: Source, shard: str) -> Archive:
    try:
        return open_archive(source.file(shard), source.size(shard))
    except FileNotFoundError:
        raise Broken(f"its shard {shown(shard)} is missing", _AGAIN) from None
    except Broken as error:
        raise Broken(f"its shard {shown(shard)} cannot be read: {error.reason}", error.remedy or _AGAIN) from error


def _tensors(archive: Archive, shard: str, names: list[str]) -> dict[str, Layout | Foreign]:
    """Those of the shard's tensors that the index lists, with the shard's name before the keys of their storages."""
    held: dict[str, Any] = dict(entries_of(archive.root) or [])
    found: dict[str, Layout | Foreign] = {}
    for name in names:
        item = held.get(name)
        tensor = item if isinstance(item, Layout) else tensor_of(item)
        if tensor is None:
            raise Broken(f"the tensor {shown(name)} is not in the shard {shown(shard)}, where its index has it", _AGAIN)
        if isinstance(tensor, Layout) and tensor.pieces:
            raise Broken(f"its shard {shown(shard)} is no plain file of weights", _AGAIN)
        found[name] = replace(tensor, storage=f"{shard}/{tensor.storage}") if isinstance(tensor, Layout) else tensor
    return found
