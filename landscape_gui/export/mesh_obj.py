"""A mesh as Wavefront's .obj, which Blender, MeshLab and nearly everything else reads, with its materials and colours."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from landscape_gui.export.mesh import Body, Mesh
from landscape_gui.results import Array

STRIP = 16
"""Pixels that the picture of the colour map is high."""


def as_obj(mesh: Mesh, materials: str, remarks: Sequence[str] = ()) -> str:
    """z is up. Colours stand behind each point ("v x y z r g b", sRGB), and as a place on a picture of the colour map for programs
    that overlook them. materials: name of the .mtl file; remarks: lines of a comment."""
    lines = [*(f"# {' '.join(text.split())}" for text in remarks), f"mtllib {materials}"]
    first = 1
    for number, body in enumerate(mesh.bodies):
        lines += _body(body, number, first)
        first += len(body.points)
    return "\n".join(lines) + "\n"


def _body(body: Body, number: int, first: int) -> list[str]:
    lines = [f"o {_word(body.name)}_{number}" if number else f"o {_word(body.name)}"]
    rows = np.column_stack([body.points, body.colours])
    lines += ["v {:.7g} {:.7g} {:.7g} {:.4f} {:.4f} {:.4f}".format(*row) for row in rows.tolist()]
    place = body.place if body.place is not None else np.zeros(len(body.points))
    lines += [f"vt {on_strip(p):.6f} 0.5" for p in place.tolist()]
    lines += ["vn {:.5f} {:.5f} {:.5f}".format(*row) for row in body.normals.tolist()]
    lines.append(f"usemtl {material(body, number)}")
    lines += [f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}" for a, b, c in (body.triangles + first).tolist()]
    return lines


def on_strip(place: float) -> float:
    """Where a place on the colour map lies across the picture: in the middle of its pixel at both ends."""
    return (0.5 + 255 * place) / 256


def material(body: Body, number: int) -> str:
    return "surface" if body.place is not None else f"colour_{number}"


def as_mtl(mesh: Mesh, picture: str) -> str:
    """The materials; picture: name of the colour map's .png."""
    lines = []
    for number, body in enumerate(mesh.bodies):
        red, green, blue = (1.0, 1.0, 1.0) if body.place is not None else body.colours[0].tolist()
        lines += [f"newmtl {material(body, number)}", f"Kd {red:.4f} {green:.4f} {blue:.4f}", "Ks 0.1 0.1 0.1", "Ns 20", "illum 2"]
        lines += [f"map_Kd {picture}", ""] if body.place is not None else [""]
    return "\n".join(lines)


def strip(colours: Array) -> bytes:
    """The colour map as a .png, its lower end on the left."""
    from PIL import Image

    row = np.rint(255 * colours).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.broadcast_to(row, (STRIP, *row.shape)).copy()).save(buffer, "PNG")
    return buffer.getvalue()


def _word(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)
