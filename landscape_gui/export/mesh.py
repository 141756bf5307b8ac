"""A surface with its paths as triangles in space: what every writer of meshes starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from landscape_gui.errors import LandscapeError
from landscape_gui.export.solids import Solid, ball, tube
from landscape_gui.figure import Figure, Panel
from landscape_gui.results import Array
from landscape_gui.scene3d.frame import Frame
from landscape_gui.scene3d.model import Model, Trace, model_of, rgb
from landscape_gui.style import END, START

Heights = Literal["shown", "true"]
HEIGHTS: dict[Heights, str] = {
    "shown": "as in the picture: the box is 1 wide and deep, and as high as its relief",
    "true": "in the data's own units, the decimal logarithm of the value on a logarithmic scale",
}
THICK = 0.007
"""Radius of a path, in widths of the box."""
STOP, PIN = 0.016, 0.014
"""Radii of the balls at both ends of a path and at marked places."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """One object of a mesh: points (n, 3), z up; unit normals (n, 3); triangles (m, 3), counter-clockwise seen from outside;
    colours (n, 3), sRGB in [0, 1]; place (n,) of each point on the colour map, 0 to 1 (None: a body of one colour)."""

    name: str
    points: Array
    normals: Array
    triangles: Array
    colours: Array
    place: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """The bodies, the surface first, and the colour map (256, 3) that `Body.place` is a place on."""

    bodies: tuple[Body, ...]
    colours: Array


def mesh_of(figure: Figure, heights: Heights = "shown") -> Mesh:
    """The first surface of a figure as it is drawn in 3-D: heights and colours between its limits, on its scale; cut off along
    the limits; holes left out. Paths are tubes on it, with balls at both ends. About 0.1 s for 201 x 201 points.

    heights: see `HEIGHTS`. Raises LandscapeError where the figure has no surface.
    """
    model = model_of(surface_panel(figure))
    bodies = [surface_body(model), *(body for trace in model.traces for body in trace_bodies(trace))]
    if not len(bodies[0].triangles):
        raise LandscapeError("This surface has no cell to export: nothing in it is finite and inside its limits.")
    if heights == "true":
        bodies = [stretched(body, model.frame) for body in bodies]
    return Mesh(bodies=tuple(bodies), colours=model.table)


def surface_panel(figure: Figure) -> Panel:
    """The first panel with a surface that can be drawn in space."""
    for panel in figure.panels:
        if panel.surface is not None and not panel.heat_map:
            return panel
    raise LandscapeError("This figure has no surface to make a mesh of.", remedy="Export a surface or a trajectory.")


def surface_body(model: Model) -> Body:
    """The height field, cut off below 0 and above 1."""
    h = model.heights
    x, y = np.broadcast_arrays(model.x[None, :], model.y[:, None])
    points = np.stack([x.ravel(), y.ravel(), h.ravel()], axis=1)
    triangles = whole_triangles(h)
    if (model.x[-1] - model.x[0]) * (model.y[-1] - model.y[0]) < 0:
        triangles = triangles[:, ::-1]
    for sign, offset in ((1.0, 0.0), (-1.0, 1.0)):
        points, triangles = cut(points, triangles, sign * points[:, 2] + offset)
    used = np.unique(triangles)
    points, triangles = points[used], np.searchsorted(used, triangles)
    place = np.clip(points[:, 2], 0.0, 1.0)
    points = np.column_stack([points[:, :2], place * model.frame.top])
    colours = model.table[np.clip(np.rint(255 * place), 0, 255).astype(int)]
    name = model.surface.label or "surface"
    return Body(name=name, points=points, normals=normals_of(points, triangles), triangles=triangles, colours=colours, place=place)


def whole_triangles(heights: Array) -> Array:
    """(m, 3) of the cells whose four corners are known, split along their (0, 0)-(1, 1) diagonal as on the screen."""
    corners = quads(heights)
    return np.stack([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]], axis=1).reshape(-1, 3)


def quads(heights: Array) -> Array:
    """(m, 4) numbers i, i + 1, i + n + 1, i + n of the corners of each cell without a hole, n points a row."""
    rows, n = heights.shape
    i = (np.arange(rows - 1)[:, None] * n + np.arange(n - 1)).ravel()
    corners = np.stack([i, i + 1, i + n + 1, i + n], axis=1)
    known = np.isfinite(heights).ravel()
    return np.asarray(corners[known[corners].all(axis=1)])


def cut(points: Array, triangles: Array, inside: Array) -> tuple[Array, Array]:
    """What of the triangles lies where `inside` (n,), linear in between, is not negative; new points stand on the edges cut."""
    within = inside[triangles] >= 0
    count = within.sum(axis=1)
    kept = [triangles[count == 3]]
    edges: list[Array] = []
    for lone in (True, False):  # one corner inside, or one outside, that corner first
        some = (count == 1) if lone else (count == 2)
        turn = np.argmax(within[some] == lone, axis=1)
        corners = np.take_along_axis(triangles[some], (turn[:, None] + np.arange(3)) % 3, axis=1)
        first = len(points) + 2 * sum(len(e) for e in edges)
        edges.append(np.stack([corners[:, [0, 1]], corners[:, [0, 2]]], axis=1))
        a = first + 2 * np.arange(len(corners))
        if lone:
            kept.append(np.stack([corners[:, 0], a, a + 1], axis=1))
        else:
            kept += [np.stack([a, corners[:, 1], corners[:, 2]], axis=1), np.stack([a, corners[:, 2], a + 1], axis=1)]
    ends, which = np.unique(np.sort(np.concatenate(edges).reshape(-1, 2), axis=1), axis=0, return_inverse=True)
    part = inside[ends[:, 0]] / np.where(ends[:, 0] == ends[:, 1], 1.0, inside[ends[:, 0]] - inside[ends[:, 1]])
    new = points[ends[:, 0]] + part[:, None] * (points[ends[:, 1]] - points[ends[:, 0]])
    number = np.append(np.arange(len(points)), len(points) + which)
    return np.concatenate([points, new]), number[np.concatenate(kept)]


def normals_of(points: Array, triangles: Array) -> Array:
    """(n, 3) unit vectors, the mean over the triangles around each point by their areas."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    sums = np.stack([np.bincount(triangles.ravel(), np.repeat(across[:, k], 3), len(points)) for k in range(3)], axis=1)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(length > 1e-300, sums / np.maximum(length, 1e-300), (0.0, 0.0, 1.0))


def trace_bodies(trace: Trace) -> Iterator[Body]:
    """A path as tubes, one for each piece without a hole, and its stops as balls."""
    colour = trace.colour
    for piece in pieces(trace.points):
        found = tube(piece, THICK)
        if found is not None:
            yield solid_body("path", found, colour)
    ends = [(trace.stops[0], rgb(START)), (trace.stops[-1], rgb(END))] if len(trace.stops) else []
    places = [(stop, colour) for stop in trace.stops] if trace.pins else ends
    for at, shade in places:
        if np.isfinite(at).all():
            yield solid_body("place" if trace.pins else "stop", ball(at, PIN if trace.pins else STOP), shade)


def pieces(points: Array) -> Iterator[Array]:
    """Runs of rows that are finite."""
    known = np.asarray(np.isfinite(points).all(axis=1)) if len(points) else np.zeros(0, bool)
    for piece in np.split(np.arange(len(points)), np.flatnonzero(np.diff(known.astype(int))) + 1):
        if len(piece) and known[piece[0]]:
            yield points[piece]


def solid_body(name: str, solid: Solid, colour: tuple[float, float, float]) -> Body:
    points, normals, triangles = solid
    return Body(name=name, points=points, normals=normals, triangles=triangles, colours=np.tile(colour, (len(points), 1)))


def stretched(body: Body, frame: Frame) -> Body:
    """From the box to the data's own units."""
    offset, factor = units(frame)
    normals = body.normals / factor
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    triangles = body.triangles[:, ::-1] if (factor < 0).sum() % 2 else body.triangles
    return replace(body, points=offset + body.points * factor, normals=normals, triangles=triangles)


def units(frame: Frame) -> tuple[Array, Array]:
    """(3,) offset and (3,) factor that take a place in the box to x, y and the value or its decimal logarithm."""
    low, high = (np.log10(frame.z) if frame.scale == "log" else np.asarray(frame.z)).tolist()
    wide, deep = frame.x[1] - frame.x[0], frame.y[1] - frame.y[0]
    return np.array([frame.x[0] + wide / 2, frame.y[0] + deep / 2, low]), np.array([wide, deep, (high - low) / frame.top])
