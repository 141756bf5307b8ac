"""NumPy's files: archives of arrays (.npz), and dictionaries that numpy.save pickled (.npy)."""

from __future__ import annotations

import re
import struct
from typing import Any, BinaryIO

from landscape_gui.checkpoint.embedded import lay_out
from landscape_gui.checkpoint.json_text import contiguous
from landscape_gui.checkpoint.limits import ARRAYS, DAMAGED, DIMENSIONS, PLAIN_PICKLE_BYTES, Broken, shown
from landscape_gui.checkpoint.manifest import ITEM_BYTES, Archive, Layout, Scalar, Span
from landscape_gui.checkpoint.ordinal import COUNTS
from landscape_gui.checkpoint.peers import peer_words
from landscape_gui.checkpoint.rebuilt import Foreign, entries_of
from landscape_gui.checkpoint.source import read_at
from landscape_gui.checkpoint.unpickle import unpickle
from landscape_gui.checkpoint.values import Object
from landscape_gui.checkpoint.zipped import Zip

MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{\s*'descr':\s*(?:'([^']{0,20})'|\[.*\]),\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\dL, ]*)\),?\s*\}\s*",
    re.DOTALL,
)
_HEADER_BYTES = 1 << 13
_DTYPES = {
    "f2": "float16",
    "f4": "float32",
    "f8": "float64",
    "b1": "bool",
    "c8": "complex64",
    "c16": "complex128",
    **{f"i{width}": f"int{8 * width}" for width in (1, 2, 4, 8)},
    **{f"u{width}": f"uint{8 * width}" for width in (1, 2, 4, 8)},
}
_NUMBERS = {"int64": "q", "int32": "i", "int16": "h", "uint8": "B", "float32": "f", "float64": "d"}
_DATA = re.compile(
    r"(?:(?:x|y|images?|labels?|data|targets?|inputs?|outputs?|features?)(?:[_-]?(?:train|tr|test|te|val|valid|validation))?"
    r"|(?:train|test|val|valid|validation)[_-]?(?:x|y|images?|labels?|data|targets?|inputs?|features?))",
    re.IGNORECASE,
)


def is_arrays(names: list[str]) -> bool:
    """Whether an archive with these members is a .npz."""
    return bool(names) and all(name.endswith(".npy") for name in names)


def open_arrays(archive: Zip) -> Archive:
    """The arrays by name. Reads their headers only; raises Broken, also where the names are those of data."""
    names = {name.removesuffix(".npy"): name for name in archive.members}
    if len(names) > ARRAYS:
        raise Broken(f"it holds more than {ARRAYS:,} arrays")
    if all(_DATA.fullmatch(name) for name in names):
        listed = ", ".join(shown(name) for name in list(names)[:4])
        raise Broken(
            f"it is a NumPy archive (.npz) of data ({listed}), not of weights", "Name it in landscape.json or with --data."
        )
    result = peer_words(names)
    if result is not None:
        raise Broken(f"it is {result[0]}", result[1])
    places = archive.spans({name: name for name in names.values()})
    root: dict[str, Any] = {}
    spans: dict[str, Span] = {}
    orders: set[str] = set()
    for name, member in names.items():
        descr, fortran, shape, start = parse_header(archive.head(member, _HEADER_BYTES), name)
        if descr == "|O":
            root[name], found = _pickled(archive.content(member, PLAIN_PICKLE_BYTES)[start:], f"{name}/")
            spans |= found
        elif descr[:2] not in ("<U", ">U", "|S"):
            orders |= {descr[0]} if descr[0] in "<>" else set()
            root[name], spans[member] = _array(name, member, descr, fortran, shape, start, places[member])
    if orders == {"<", ">"}:
        raise Broken("some of its arrays are big-endian and some are not", "Save them again.")
    metadata = {name: value for name in COUNTS if (value := _count(archive, root.get(name), spans, orders)) is not None}
    tensors = {name: value for name, value in root.items() if name not in metadata}
    return Archive("NumPy archive", tensors, spans, orders == {">"}, metadata)


def open_dictionary(file: BinaryIO, size: int) -> Archive:
    """The dictionary in a .npy that numpy.save wrote with allow_pickle=True; a plain array is refused."""
    descr, _, _, start = parse_header(read_at(file, 0, min(size, _HEADER_BYTES)), "")
    if descr != "|O":
        raise Broken(
            "it is a single NumPy array (.npy), not a network's weights",
            "If it is data, name its folder with --data; save weights with numpy.savez(path, **weights).",
        )
    if size > PLAIN_PICKLE_BYTES:
        raise Broken(
            f"it is a pickle of {size:,} bytes; {PLAIN_PICKLE_BYTES:,} is the most that is read", "Save it with numpy.savez."
        )
    root, spans = _pickled(read_at(file, start, size - start), "")
    return Archive("NumPy dictionary", root, spans)


def parse_header(head: bytes, name: str) -> tuple[str, bool, tuple[int, ...], int]:
    """Type, order and shape of the array, and where its data starts. NumPy itself evaluates this header as Python."""
    what = f"the array {shown(name)}" if name else "it"
    wide = head[6:7] >= b"\2"
    start = 12 if wide else 10
    if head[:6] != MAGIC or len(head) < start:
        raise Broken(f"{what} is no NumPy array, or a damaged one (.npy)", DAMAGED)
    start += struct.unpack("<L", head[8:12])[0] if wide else struct.unpack("<H", head[8:10])[0]
    found = _HEADER.fullmatch(head[12 if wide else 10 : start].decode("latin-1")) if start <= len(head) else None
    if found is None:
        raise Broken(f"{what} is a NumPy array (.npy) with a malformed header", DAMAGED)
    sizes = [part.strip().removesuffix("L") for part in found[3].split(",") if part.strip()]
    if len(sizes) > DIMENSIONS or not all(size.isdecimal() and len(size) < 15 for size in sizes):
        raise Broken(f"{what} is a NumPy array (.npy) with a malformed shape", DAMAGED)
    return found[1] or "structured", found[2] == "True", tuple(map(int, sizes)), start


def _array(
    name: str, member: str, descr: str, fortran: bool, shape: tuple[int, ...], start: int, place: Span
) -> tuple[Layout | Foreign, Span]:
    dtype = _DTYPES.get(descr[1:], "") if descr[0] in "<>|=" else ""
    if not dtype:
        return Foreign(f"is an array of the type {shown(descr)}, which is not read", "Save it as float32."), place
    item = ITEM_BYTES[dtype]
    if place.packed:
        span, offset = place, start // item
        if start % item:
            raise Broken(f"the array {shown(name)} starts between two elements", DAMAGED)
    else:
        span, offset = Span(place.start + start, place.size - start), 0
    steps = contiguous(shape[::-1])[::-1] if fortran else contiguous(shape)
    layout = Layout(dtype, shape, steps, offset, member, span.size)
    if layout.reach > span.size:
        raise Broken(f"the array {shown(name)} reaches past its data", DAMAGED)
    return layout, span


def _pickled(raw: bytes, prefix: str) -> tuple[Any, dict[str, Span]]:
    """What an array of objects holds: the one object, or all of them."""
    value, _ = unpickle(raw)
    spans = lay_out(value, prefix)
    state = value.state if isinstance(value, Object) else None
    objects = state[4] if isinstance(state, tuple) and len(state) == 5 else None
    if not isinstance(objects, list):
        raise Broken("it holds a malformed array of objects", DAMAGED)
    return objects[0] if len(objects) == 1 else [item for _, item in entries_of(objects) or []], spans


def _count(archive: Zip, layout: Any, spans: dict[str, Span], orders: set[str]) -> Scalar | None:
    """The number in an array of one element that is called `epoch` or the like."""
    if not isinstance(layout, Layout) or layout.shape not in ((), (1,)) or layout.dtype not in _NUMBERS:
        return None
    span = spans[layout.storage]
    if span.packed:
        raw = archive.content(layout.storage, _HEADER_BYTES)[layout.offset * ITEM_BYTES[layout.dtype] :]
    else:
        raw = read_at(archive.file, span.start, layout.reach)
    code = (">" if orders == {">"} else "<") + _NUMBERS[layout.dtype]
    value: Scalar = struct.unpack(code, raw[: struct.calcsize(code)])[0]
    return value
