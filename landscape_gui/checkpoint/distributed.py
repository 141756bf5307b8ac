"""Folders of torch.distributed.checkpoint: `.metadata`, a pickle that is read inertly, and the files that it names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.json_text import contiguous, whole_numbers
from landscape_gui.checkpoint.limits import DAMAGED, DIMENSIONS, PICKLE_BYTES, TENSORS, Broken, shown
from landscape_gui.checkpoint.manifest import ITEM_BYTES, Archive, Layout, Piece
from landscape_gui.checkpoint.rebuilt import Foreign, attributes_of
from landscape_gui.checkpoint.source import Source, plain_name, read_at
from landscape_gui.checkpoint.unpickle import unpickle
from landscape_gui.checkpoint.values import Global, Object

FORMAT = "distributed checkpoint"
_SAVE = "Save it with torch.distributed.checkpoint.format_utils.dcp_to_torch_save and open that file."
_MALFORMED = "its .metadata is malformed"


@dataclass(frozen=True, slots=True)
class _Place:
    file: str
    start: int
    size: int
    name: str = ""


def open_distributed(source: Source) -> Archive:
    """The tensors that .metadata (the file that was opened) lists, in pieces where they were split over devices.

    Nested dictionaries come back as they were saved. The pieces' own headers are read with their data; their places are checked
    here. Raises Broken.
    """
    if source.size() > PICKLE_BYTES:
        raise Broken(f"its .metadata has {source.size():,} bytes; {PICKLE_BYTES:,} is the most that is read")
    value, _ = unpickle(read_at(source.file(), 0, source.size()))
    said = attributes_of(value) if isinstance(value, Object) and value.name.endswith(".Metadata") else None
    if said is None or not isinstance(said.get("state_dict_metadata"), dict):
        raise Broken("its .metadata is none of torch.distributed.checkpoint", "Give a folder that it saved.")
    listed: dict[Any, Any] = said["state_dict_metadata"]
    if len(listed) > TENSORS:
        raise Broken(f"it lists {len(listed):,} tensors, more than any checkpoint has")
    places = _places(source, said.get("storage_data"))
    planned = said.get("planner_data")
    paths: dict[Any, Any] = planned if isinstance(planned, dict) else {}
    root: dict[str, Any] = {}
    for name, entry in listed.items():
        if isinstance(name, str) and isinstance(entry, Object) and entry.name.endswith(".TensorStorageMetadata"):
            _put(root, name, paths.get(name), _tensor(name, entry, places))
    return Archive(FORMAT, root, {})


def _put(root: dict[str, Any], name: str, path: Any, tensor: Layout | Foreign) -> None:
    """The tensor where it stood before the dictionary was flattened; at the top where that is not known."""
    parts = [str(part) for part in path] if isinstance(path, tuple | list) and 0 < len(path) < DIMENSIONS else [name]
    here = root
    for part in parts[:-1]:
        inner = here.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Broken(_MALFORMED, DAMAGED)
        here = inner
    if parts[-1] in here:
        raise Broken(f"its .metadata lists {shown(name)} twice", DAMAGED)
    here[parts[-1]] = tensor


def _places(source: Source, table: Any) -> dict[tuple[str, tuple[int, ...]], _Place]:
    """Where each piece lies, by the tensor's name and the piece's offsets; checked against the files and one another."""
    if not isinstance(table, dict):
        raise Broken(_MALFORMED, DAMAGED)
    places: dict[tuple[str, tuple[int, ...]], _Place] = {}
    for index, info in table.items():
        key, where = _said(index), _said(info)
        if not where or not isinstance(key.get("fqn"), str):
            raise Broken(_MALFORMED, DAMAGED)
        if where.get("transform_descriptors"):
            raise Broken("its data is compressed or encrypted by an extension", _SAVE)
        start, size = where.get("offset"), where.get("length")
        if type(start) is not int or type(size) is not int or start < 0 or size < 0:
            raise Broken(_MALFORMED, DAMAGED)
        offsets = _sizes(key["offset"]) if key.get("offset") is not None else ()
        places[key["fqn"], offsets] = _Place(plain_name(where.get("relative_path")), start, size)
    sizes = {file: _size_of(source, file) for file in sorted({place.file for place in places.values()})}
    shared = {(file, start) for file, start in _last_starts(places.values()) if _is_safetensors(source, file, start, sizes[file])}
    _check_places([place for place in places.values() if (place.file, place.start) not in shared], sizes)
    return {
        key: _Place(place.file, place.start, sizes[place.file] - place.start, key[0])
        if (place.file, place.start) in shared
        else place
        for key, place in places.items()
    }


def _size_of(source: Source, file: str) -> int:
    try:
        return source.size(file)
    except FileNotFoundError:
        raise Broken(f"its file {shown(file)} is missing", "Copy the whole folder again.") from None


def _last_starts(places: Iterable[_Place]) -> set[tuple[str, int]]:
    """Where the last items of each file start: torch gives that place for all tensors of one that it saved as safetensors."""
    last: dict[str, int] = {}
    for place in places:
        last[place.file] = max(last.get(place.file, 0), place.start)
    return set(last.items())


def _is_safetensors(source: Source, file: str, start: int, size: int) -> bool:
    return start + 9 <= size and read_at(source.file(file), start, 9)[5:] == b"\0\0\0{"


def _check_places(places: list[_Place], sizes: Mapping[str, int]) -> None:
    occupied = sorted((place.file, place.start, place.start + place.size) for place in places if place.size)
    for (file, _, stop), (other, start, _) in pairwise(occupied):
        if file == other and start < stop:
            raise Broken("two of its tensors overlap", DAMAGED)
    for file, _, stop in occupied:
        if stop > sizes[file]:
            raise Broken(f"its file {shown(file)} ends before its data does", "Copy the whole folder again.")


def _tensor(name: str, entry: Object, places: dict[tuple[str, tuple[int, ...]], _Place]) -> Layout | Foreign:
    said = _said(entry)
    shape, dtype = _sizes(said.get("size")), _dtype(said.get("properties"))
    if dtype not in ITEM_BYTES:
        return Foreign(f"is stored as {shown(dtype)}, which is not read")
    if math.prod(shape) >= 1 << 48:
        raise Broken("it has a tensor that is larger than any memory")
    chunks = said.get("chunks")
    if not isinstance(chunks, list) or len(chunks) > TENSORS:
        raise Broken(_MALFORMED, DAMAGED)
    spend(20 * len(chunks))
    pieces = tuple(_piece(name, chunk, shape, places) for chunk in chunks)
    if sum(math.prod(piece.shape) for piece in pieces) != math.prod(shape):
        raise Broken(f"only a part of the tensor {shown(name)} is there", "Copy the whole folder again.")
    return Layout(dtype, shape, contiguous(shape), 0, "", 0, pieces=pieces)


def _piece(name: str, chunk: Any, whole: tuple[int, ...], places: dict[tuple[str, tuple[int, ...]], _Place]) -> Piece:
    said = _said(chunk)
    offsets, shape = _sizes(said.get("offsets")), _sizes(said.get("sizes"))
    if len(offsets) != len(whole) or len(shape) != len(whole):
        raise Broken(_MALFORMED, DAMAGED)
    if any(start + count > size for start, count, size in zip(offsets, shape, whole, strict=True)):
        raise Broken(f"a piece of the tensor {shown(name)} reaches past it", DAMAGED)
    place = places.get((name, offsets)) or places.get((name, ()))
    if place is None:
        raise Broken(f"the data of the tensor {shown(name)} is not in its files", "Copy the whole folder again.")
    return Piece(offsets, shape, place.file, place.start, place.size, place.name)


def _dtype(properties: Any) -> str:
    state = properties.state if isinstance(properties, Object) else None
    kind = state.get("dtype") if isinstance(state, dict) else state[0] if isinstance(state, tuple) and state else None
    return kind.name.rpartition(".")[2] if isinstance(kind, Global) else ""


def _sizes(value: Any) -> tuple[int, ...]:
    if isinstance(value, Object) and value.name == "torch.Size":
        value = value.args[0] if value.args else ()
    return whole_numbers(value, "its .metadata")


def _said(value: Any) -> dict[Any, Any]:
    """An object's attributes; empty for anything else."""
    return (attributes_of(value) or {}) if isinstance(value, Object) else {}
