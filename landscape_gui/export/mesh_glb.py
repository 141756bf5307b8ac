"""A mesh as binary glTF 2.0 (.glb), which Blender, browsers and slides read."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from landscape_gui import __version__
from landscape_gui.export.mesh import Body, Mesh
from landscape_gui.results import Array

FLOAT, UNSIGNED = 5126, 5125
VERTICES, INDICES = 34962, 34963
"""What a part of the buffer is for."""


class Buffer:
    """The binary chunk as it grows, each part aligned to four bytes, and what describes it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: Array, *, ends: bool = False) -> int:
        """The accessor's number: (n, 3) as float32, (n,) as uint32. ends: with smallest and largest, as positions need them."""
        flat = values.ndim == 1
        stored = np.ascontiguousarray(values, "<u4" if flat else "<f4")
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": stored.nbytes, "target": INDICES if flat else VERTICES}
        found: dict[str, Any] = {"bufferView": len(self.views), "componentType": UNSIGNED if flat else FLOAT}
        found |= {"count": len(stored), "type": "SCALAR" if flat else "VEC3"}
        if ends:
            found |= {"min": stored.min(axis=0).tolist(), "max": stored.max(axis=0).tolist()}
        self.data += stored.tobytes()
        self.views.append(view)
        self.accessors.append(found)
        return len(self.accessors) - 1


def as_glb(mesh: Mesh, told: Mapping[str, Any] = {}) -> bytes:
    """y is up, as glTF wants it: (x, y, z) stands at (x, z, -y). COLOR_0 is linear light, as glTF wants it. told: what stands in
    `asset.extras`, JSON-able. The same bytes every time."""
    buffer = Buffer()
    meshes = [{"name": body.name, "primitives": [_primitive(body, buffer)]} for body in mesh.bodies]
    material = {
        "name": "colours", "doubleSided": True,
        "pbrMetallicRoughness": {"baseColorFactor": [1.0, 1.0, 1.0, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.65},
    }  # fmt: skip
    content = {
        "asset": {"version": "2.0", "generator": f"landscape_gui {__version__}", "extras": dict(told)},
        "scene": 0,
        "scenes": [{"name": "loss landscape", "nodes": list(range(len(meshes)))}],
        "nodes": [{"name": m["name"], "mesh": k} for k, m in enumerate(meshes)],
        "meshes": meshes,
        "materials": [material],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str).encode()
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", bytes(buffer.data), b"\0")
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _primitive(body: Body, buffer: Buffer) -> dict[str, Any]:
    attributes = {
        "POSITION": buffer.add(upright(body.points), ends=True),
        "NORMAL": buffer.add(upright(body.normals)),
        "COLOR_0": buffer.add(linear(body.colours)),
    }
    return {"attributes": attributes, "indices": buffer.add(body.triangles.ravel()), "material": 0, "mode": 4}


def upright(points: Array) -> Array:
    """(n, 3) with z up as (n, 3) with y up; a turn, so that nothing is mirrored."""
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)


def linear(colours: Array) -> Array:
    """sRGB as linear light (IEC 61966-2-1)."""
    c = np.clip(np.asarray(colours, np.float64), 0.0, 1.0)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def _chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    data += filler * (-len(data) % 4)
    return struct.pack("<I4s", len(data), kind) + data
