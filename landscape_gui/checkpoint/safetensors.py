"""Safetensors: eight bytes of length, a JSON header, then the data."""

from __future__ import annotations

import math
import struct
from itertools import pairwise
from typing import Any, BinaryIO

from landscape_gui.checkpoint.json_text import contiguous, parse_object, whole_numbers
from landscape_gui.checkpoint.limits import DAMAGED, HALF, HEADER_BYTES, TENSORS, TEXT, Broken, shown
from landscape_gui.checkpoint.manifest import ITEM_BYTES, Archive, Layout, Scalar, Span
from landscape_gui.checkpoint.source import read_at

_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}


def open_safetensors(file: BinaryIO, size: int) -> Archive:
    """A dictionary of Layouts and their spans. Reads the header only; raises Broken."""
    length = struct.unpack("<Q", read_at(file, 0, 8))[0]
    if length > HEADER_BYTES:
        raise Broken(f"its header claims {length:,} bytes; {HEADER_BYTES:,} is the most that is read")
    if 8 + length > size:
        raise Broken("it ends inside its header", HALF)
    header = parse_object(read_at(file, 8, length), "its header")
    said = header.pop("__metadata__", None)
    if len(header) > TENSORS:
        raise Broken(f"it lists {len(header):,} tensors, more than any checkpoint has")
    spans = {name: _span(name, entry, 8 + length, size) for name, entry in header.items()}
    layouts = {name: _layout(name, entry, spans[name]) for name, entry in header.items()}
    _check_overlap(spans)
    return Archive("safetensors", layouts, spans, metadata=_metadata(said))


def _span(name: str, entry: Any, base: int, size: int) -> Span:
    offsets = whole_numbers(entry.get("data_offsets"), "its header") if isinstance(entry, dict) else ()
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise Broken(f"its header is malformed at the tensor {shown(name)}", DAMAGED)
    if base + offsets[1] > size:
        raise Broken(f"it ends before the tensor {shown(name)} does", HALF)
    return Span(base + offsets[0], offsets[1] - offsets[0])


def _layout(name: str, entry: dict[str, Any], span: Span) -> Layout:
    code = entry.get("dtype")
    if not isinstance(code, str) or code not in _DTYPES:
        raise Broken(f"the tensor {shown(name)} is stored as {shown(code)}, which is not read", "Save it as F32, F16 or BF16.")
    dtype = _DTYPES[code]
    shape = whole_numbers(entry.get("shape"), "its header")
    if math.prod(shape) * ITEM_BYTES[dtype] != span.size:
        raise Broken(f"the tensor {shown(name)} has another size than its shape says", DAMAGED)
    return Layout(dtype, shape, contiguous(shape), 0, name, span.size)


def _check_overlap(spans: dict[str, Span]) -> None:
    places = sorted((span.start, span.start + span.size) for span in spans.values() if span.size)
    for (_, stop), (start, _) in pairwise(places):
        if start < stop:
            raise Broken("two of its tensors overlap", DAMAGED)


def _metadata(said: Any) -> dict[str, Scalar]:
    if not isinstance(said, dict):
        return {}
    return {key[:TEXT]: _number(value) for key, value in list(said.items())[:300] if isinstance(value, str)}


def _number(text: str) -> Scalar:
    """Safetensors keeps text only: a plain decimal number comes back as one."""
    digits = text[1:] if text.startswith("-") else text
    if digits.isdecimal() and digits.isascii() and len(digits) < 18:
        return int(text)
    whole, _, fraction = digits.partition(".")
    if (whole + fraction.partition("e")[0]).isdecimal() and len(text) < 30:
        try:
            return float(text)
        except ValueError:
            pass
    return text[:TEXT]
