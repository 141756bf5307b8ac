"""Files as an attacker or an accident would make them: pickles instruction by instruction, archives put together by hand."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from typing import Any


def text(value: str) -> bytes:
    """A text, pushed."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def whole(value: int) -> bytes:
    """An integer, pushed."""
    raw = value.to_bytes(max(1, (value.bit_length() + 8) // 8), "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def sizes(values: tuple[int, ...]) -> bytes:
    """A tuple of integers, pushed."""
    return b"(" + b"".join(whole(value) for value in values) + b"t"


def storage(key: str = "0", count: int = 4, kind: str = "FloatStorage") -> bytes:
    """A reference to a storage, pushed."""
    return b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + whole(count) + b"tQ"


def tensor(shape: tuple[int, ...] = (4,), stride: tuple[int, ...] = (1,), offset: int = 0, source: bytes | None = None) -> bytes:
    """A call of torch._utils._rebuild_tensor_v2, pushed; `source` pushes its storage."""
    args = b"(" + (source or storage()) + whole(offset) + sizes(shape) + sizes(stride) + b"\x89" + b"Nt"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + args + b"R"


def table(items: Mapping[str, bytes]) -> bytes:
    """A dictionary whose values are pushed by the given instructions."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def pickled(value: bytes) -> bytes:
    """A whole pickle of protocol 2 with one value."""
    return b"\x80\x02" + value + b"."


def archive(structure: bytes, records: Mapping[str, bytes] | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file as torch.save lays it out: the pickle and the records (default: one of 16 bytes, "data/0")."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        file.writestr("archive/data.pkl", structure)
        for name, data in (records if records is not None else {"data/0": bytes(16)}).items():
            file.writestr(f"archive/{name}", data)
    return target.getvalue()


def safetensors(header: Any, data: bytes = b"") -> bytes:
    """A safetensors file with this header (JSON-able, or bytes as they are)."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data
