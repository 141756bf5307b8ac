"""Tensors whose data stands inside a plain pickle (`pickle.dump` of a state dictionary, or of NumPy arrays)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

from landscape_gui.checkpoint.limits import NODES, Broken
from landscape_gui.checkpoint.manifest import Span
from landscape_gui.checkpoint.rebuilt import STORAGE_BYTES, storage_of
from landscape_gui.checkpoint.unpickle import unpickle
from landscape_gui.checkpoint.values import Global, Object, Persistent

MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of torch.save before 1.6
VERSION = 1001  # second pickle
_MOST = 20_000  # storages and arrays
_STEPS = 300  # of the pickles inside a storage, which have some sixty
_STORAGE = "torch.storage._load_from_bytes"
_ARRAY = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
_JAX = ("jax._src.array._reconstruct_array",)  # a function of NumPy's, its arguments, and the state of the array that it makes
_BUFFER = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
_NUMPY = {
    "f2": "HalfStorage",
    "f4": "FloatStorage",
    "f8": "DoubleStorage",
    "b1": "BoolStorage",
    "i1": "CharStorage",
    "i2": "ShortStorage",
    "i4": "IntStorage",
    "i8": "LongStorage",
    "u1": "ByteStorage",
    "c8": "ComplexFloatStorage",
    "c16": "ComplexDoubleStorage",
    "bf16": "BFloat16Storage",
}
_SMALL = {"ml_dtypes.bfloat16": "bf16"}


def lay_out(root: Any, prefix: str = "") -> dict[str, Span]:
    """Make storages and arrays inside the value look like those of torch.save; where each one's data is, by key.

    prefix: what the keys begin with, where the spans of several values are kept together.
    """
    spans: dict[str, Span] = {}
    known: dict[int, Persistent] = {}
    for node in nodes(root):
        if not isinstance(node, Object):
            continue
        if node.name == _STORAGE and node.args:
            _storage(node, spans, known, prefix)
        elif node.name in _JAX and len(node.args) > 2 and isinstance(node.args[2], tuple) and len(node.args[2]) == 5:
            _, shape, kind, fortran, data = node.args[2]
            _array(node, spans, shape, kind, fortran is True, data, prefix)
        elif node.name in _ARRAY and isinstance(node.state, tuple) and len(node.state) == 5:
            _, shape, kind, fortran, data = node.state
            _array(node, spans, shape, kind, fortran is True, data, prefix)
        elif node.name in _BUFFER and len(node.args) == 4:
            data, kind, shape, order = node.args
            _array(node, spans, shape, kind, order == "F", data, prefix)
        if len(spans) > _MOST:
            raise Broken(f"it is a plain pickle with more than {_MOST:,} tensors", "Save it with torch.save.")
    return spans


def _content(value: Any) -> bytes | str | None:
    """Bytes, or the text of the same length that stands for them in pickles below protocol 3."""
    if isinstance(value, Object) and value.name == "_codecs.encode" and value.args:
        value = value.args[0]
    return value if isinstance(value, bytes | str) else None


def nodes(root: Any) -> Iterator[Any]:
    """Every reference and container in the value, each container once, however it is shared."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Persistent):
            yield node
            continue
        if not isinstance(node, dict | list | tuple | Object) or id(node) in seen:
            continue
        seen.add(id(node))
        if len(seen) > NODES:
            raise Broken(f"it holds more than {NODES:,} values")
        if isinstance(node, Object):
            yield node
            stack += [node.callee, node.args, node.state, node.items, node.elements]
        elif isinstance(node, dict):
            stack += node.values()
        else:
            stack += node


def _storage(node: Object, spans: dict[str, Span], known: dict[int, Persistent], prefix: str) -> None:
    """The object becomes a reference to the storage that torch.save wrote (as before 1.6) into its bytes.

    known: references by the identity of the bytes, so that bytes which many objects share are read once.
    """
    content = _content(node.args[0])
    if content is None:
        raise Broken("it has a malformed storage")
    if id(content) not in known:
        key = f"{prefix}{len(spans)}"
        raw = content.encode("latin-1", "replace") if isinstance(content, str) else content
        known[id(content)], spans[key] = _parse_storage(raw, key)
    node.callee, node.args = known[id(content)], (content,)


def _parse_storage(raw: bytes, key: str) -> tuple[Persistent, Span]:
    at = 0
    parts: list[Any] = []
    for _ in range(5):
        part, at = unpickle(raw, at, _STEPS)
        parts.append(part)
    storage = storage_of(parts[3])
    if parts[:2] != [MAGIC, VERSION] or storage is None or at + 8 > len(raw):
        raise Broken("it has a malformed storage")
    count = struct.unpack("<q", raw[at : at + 8])[0]
    if count != storage.count or at + 8 + count * storage.item > len(raw):
        raise Broken("it has a storage that is shorter than it says")
    reference = Persistent(("storage", parts[3].identity[1], key, "cpu", count))
    return reference, Span(at + 8, count * storage.item, data=raw)


def _array(node: Object, spans: dict[str, Span], shape: Any, kind: Any, fortran: bool, data: Any, prefix: str) -> None:
    """The object becomes a tensor over its own bytes; left alone when it is no array of plain numbers."""
    code = kind.args[0] if isinstance(kind, Object) and kind.args else None
    code = _SMALL.get(code.name, code) if isinstance(code, Global) else code
    order = kind.state[1] if isinstance(kind, Object) and isinstance(kind.state, tuple) and len(kind.state) > 1 else "<"
    content = _content(data)
    storage = _NUMPY.get(code) if isinstance(code, str) else None
    if storage is None or content is None:
        return
    if not isinstance(shape, tuple) or len(shape) > 32 or not all(type(size) is int and 0 <= size < 1 << 48 for size in shape):
        return
    width = STORAGE_BYTES[storage]
    count = math.prod(shape)
    if count * width != len(content):
        return
    if order == ">":
        content = _swapped(content, width // 2 if storage.startswith("Complex") else width)
    sizes = shape[::-1] if fortran else shape
    steps = tuple(math.prod(sizes[index + 1 :]) for index in range(len(sizes)))
    key = f"{prefix}{len(spans)}"
    spans[key] = Span(0, len(content), data=content)
    reference = Persistent(("storage", Global("torch", storage), key, "cpu", count))
    node.callee, node.args = Global("torch._utils", "_rebuild_tensor"), (reference, 0, shape, steps[::-1] if fortran else steps)
    node.state = None


def _swapped(content: bytes | str, width: int) -> bytes:
    """Numbers of `width` bytes with the low byte first."""
    raw = content.encode("latin-1", "replace") if isinstance(content, str) else content
    turned = bytearray(len(raw))
    for index in range(width):
        turned[index::width] = raw[width - 1 - index :: width]
    return bytes(turned)
