"""A surface as VTK's PolyData in text (.vtp), laid out as tomgoldstein/loss-landscape's h52vtp writes it, for ParaView."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from landscape_gui.errors import LandscapeError
from landscape_gui.export.mesh import Heights, pieces, quads, surface_panel, units
from landscape_gui.figure import Figure
from landscape_gui.results import Array
from landscape_gui.scene3d.model import Model, model_of

ACROSS = 6
"""Numbers in a line."""


def as_vtp(figure: Figure, heights: Heights = "true", remarks: Sequence[str] = ()) -> str:
    """Points (x, y, z), point data `zvalue`, cell data `averaged zvalue`, quads i, i+1, i+n+1, i+n for n points a row; paths as
    polylines, whose points stand behind the surface's (cell data: lines first, which is VTK's order).

    `zvalue` is the value, its decimal logarithm on a logarithmic scale; beyond the limits it is the limit (h52vtp's zmax). z is
    the same where heights are "true", as h52vtp has it; "shown": x, y and z are places in the box. Points in holes and cells
    beside them are left out. remarks: lines of a comment.
    """
    model = model_of(surface_panel(figure))
    points, cells = surface(model)
    lines = [line for trace in model.traces for line in pieces(trace.points) if len(line) > 1]
    ends = np.cumsum([len(line) for line in lines], dtype=int)
    places = np.concatenate([points, *lines])
    offset, factor = units(model.frame)
    true = offset + places * factor
    values = true[:, 2]
    means = [values[part].mean() for part in np.split(np.arange(len(points), len(places)), ends)[:-1]]
    told = [f"  <!-- {_comment(text)} -->" for text in remarks]
    head = '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">'
    shapes = {"Lines": (np.arange(len(points), len(places)), ends), "Polys": (cells.ravel(), 4 * np.arange(1, len(cells) + 1))}
    averages = np.append(means, values[cells].mean(axis=1))
    body = _piece(true if heights == "true" else places, values, averages, shapes)
    return "\n".join([head, *told, "  <PolyData>", *body, "  </PolyData>", "</VTKFile>", ""])


def surface(model: Model) -> tuple[Array, Array]:
    """Places in the box (n, 3), held within it, and the cells (m, 4) without holes."""
    h = np.clip(model.heights, 0.0, 1.0)
    cells = quads(h)
    if not len(cells):
        raise LandscapeError("This surface has no cell to export: nothing in it is finite.")
    x, y = np.broadcast_arrays(model.x[None, :], model.y[:, None])
    points = np.stack([x.ravel(), y.ravel(), h.ravel() * model.frame.top], axis=1)
    if np.isfinite(h).all():
        return points, cells
    used = np.unique(cells)
    return points[used], np.searchsorted(used, cells)


def _piece(points: Array, values: Array, averages: Array, shapes: Mapping[str, tuple[Array, Array]]) -> list[str]:
    """shapes: corners and where each cell ends, by VTK's name of the kind."""
    none = np.zeros(0, int)
    every = {name: shapes.get(name, (none, none)) for name in ("Verts", "Lines", "Strips", "Polys")}
    told = " ".join(f'NumberOf{name}="{len(ends)}"' for name, (_, ends) in every.items())
    found = [f'    <Piece NumberOfPoints="{len(points)}" {told}>']
    found += ["      <PointData>", *_floats("zvalue", values), "      </PointData>"]
    found += ["      <CellData>", *_floats("averaged zvalue", averages), "      </CellData>"]
    found += ["      <Points>", *_floats("Points", points), "      </Points>"]
    for name, (corners, ends) in every.items():
        found += [f"      <{name}>", *_whole("connectivity", corners), *_whole("offsets", ends), f"      </{name}>"]
    return [*found, "    </Piece>"]


def _floats(name: str, values: Array) -> list[str]:
    parts = values.shape[1] if values.ndim == 2 else 1
    return _array(f'type="Float32" Name="{name}" NumberOfComponents="{parts}"', [repr(v) for v in values.ravel().tolist()], values)


def _whole(name: str, values: Array) -> list[str]:
    return _array(f'type="Int64" Name="{name}"', [str(v) for v in values.tolist()], values)


def _array(what: str, words: list[str], values: Array) -> list[str]:
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    rows = [f"          {' '.join(words[k : k + ACROSS])}" for k in range(0, len(words), ACROSS)]
    head = f'        <DataArray {what} format="ascii" RangeMin="{low}" RangeMax="{high}">'
    return [head, *rows, "        </DataArray>"]


def _comment(text: str) -> str:
    """What XML allows in a comment: no two hyphens beside one another, and none at the end."""
    safe = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return safe.replace("-", "\N{HYPHEN}") if "--" in safe or safe.endswith("-") else safe
