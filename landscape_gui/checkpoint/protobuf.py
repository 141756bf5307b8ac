"""Models that are protocol buffers, told apart by their first fields: ONNX, TensorFlow and Core ML. Standard library only."""

from __future__ import annotations

_TENSORFLOW = "a TensorFlow model"
_LENGTH = 2  # wire type: a length, then so many bytes
# Fields of ONNX's ModelProto that may follow its version, as they are written: names and texts, graph, operator sets, metadata.
_ONNX = frozenset({0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72})


def model_in(head: bytes) -> str:
    """What the file that starts so is, completing "it is ..."; "" where it is none of these."""
    if head[:1] == b"\x0a":
        return _frozen(head)
    if len(head) < 8 or head[0] != 0x08 or not 0 < head[1] < 0x80:
        return ""
    tag = head[2]
    if tag == 0x12:
        return _described(head)
    if tag not in _ONNX:
        return ""
    size, at = _varint(head, 3)
    inside = head[at : at + 1]
    return "an ONNX model" if tag == 0x28 or (size and _fits(tag, inside)) else ""


def _described(head: bytes) -> str:
    """By the second field: the producer's name (ONNX), a graph (SavedModel), or a description of inputs (Core ML)."""
    size, at = _varint(head, 3)
    if not size:
        return ""
    text = head[at : at + min(size, 40)]
    if text[:1] != b"\x0a":
        return "an ONNX model" if size < 0x100 and text.isascii() and text.decode("ascii").isprintable() else ""
    _, at = _varint(head, at + 1)
    return {0x0A: "a Core ML model", 0x12: _TENSORFLOW}.get(head[at] if at < len(head) else 0, "")


def _frozen(head: bytes) -> str:
    """A graph of TensorFlow starts with a node: its name, then its kind."""
    size, at = _varint(head, 1)
    if not size or head[at : at + 1] != b"\x0a":
        return ""
    name, at = _varint(head, at + 1)
    kind = head[at + name : at + name + 2]
    return _TENSORFLOW if 0 < name < size and len(kind) == 2 and kind[0] == 0x12 and head[at : at + name].isascii() else ""


def _fits(tag: int, inside: bytes) -> bool:
    """Whether a text starts with text, and a message with a field of its own."""
    return inside.isascii() and inside >= b" " if tag in (0x1A, 0x22, 0x32) else bool(inside) and inside[0] & 7 in (0, _LENGTH)


def _varint(head: bytes, at: int) -> tuple[int, int]:
    """The number there and where it ends; 0 where there is none."""
    value = shift = 0
    for place in range(at, min(at + 5, len(head))):
        value |= (head[place] & 0x7F) << shift
        if head[place] < 0x80:
            return value, place + 1
        shift += 7
    return 0, at
