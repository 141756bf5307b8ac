"""Draws a model into the current OpenGL framebuffer: surface, box, paths, cursor, labels. vispy, no Qt."""

from __future__ import annotations

import numpy as np
from vispy import gloo

from landscape_gui.results import Array
from landscape_gui.scene3d.axes import Layout
from landscape_gui.scene3d.camera import Projection
from landscape_gui.scene3d.heightfield import HeightField, border
from landscape_gui.scene3d.model import Model, rgb
from landscape_gui.scene3d.ribbon import Ribbons, polyline
from landscape_gui.scene3d.sprites import Marks, Texts
from landscape_gui.style import END, START, Theme

GHOST = 0.22
"""How much of a path shows through the surface in front of it."""


class Renderer:
    """OpenGL objects of one picture; make it, and call it, while its canvas is current."""

    def __init__(self) -> None:
        self._surface = HeightField()
        self._grid, self._edges, self._ticks = Ribbons(width=0.8), Ribbons(width=1.0), Ribbons(width=1.0)
        self._rim = Ribbons(width=1.0, bias=1.5e-4)
        self._casing, self._paths = Ribbons(width=4.4, bias=3e-3), Ribbons(width=2.4, bias=4e-3)
        self._stops, self._cursor = Marks(bias=0.016), Marks(bias=0.018)
        self._texts = Texts()
        self._ink = (0.0, 0.0, 0.0)
        self._paper = (1.0, 1.0, 1.0)
        self._layout: Layout | None = None

    @property
    def rows_uploaded(self) -> int:
        """Rows of the surface that the last `set_model` sent to the graphics card."""
        return self._surface.rows_uploaded

    def set_model(self, model: Model, theme: Theme) -> None:
        """Takes over what changed since the last model."""
        if self._ink != rgb(theme.ink):
            self._ink, self._layout = rgb(theme.ink), None
        self._paper = rgb(theme.background)
        surface = self._surface
        surface.set_grid(model.x, model.y)
        surface.set_heights(model.heights, model.sure)
        surface.set_colours(model.table)
        surface.set_levels(model.levels)
        surface.set_style(top=model.frame.top, shade=model.surface.shading, paper=self._paper, line=(0.5, 0.34))
        self._rim.set(border(model.x, model.y, model.heights, model.frame.top), (0.04, 0.04, 0.07, 0.6))
        self._set_paths(model)

    def _set_paths(self, model: Model) -> None:
        pieces = [polyline(t.points) for t in model.traces if len(t.points) > 1]
        colours = [np.tile((*t.colour, 1.0), (len(t.points) - 1, 1)) for t in model.traces if len(t.points) > 1]
        lines = np.concatenate(pieces) if pieces else np.zeros((0, 2, 3))
        self._paths.set(lines, np.concatenate(colours) if colours else (1, 1, 1, 1))
        self._casing.set(lines, (1.0, 1.0, 1.0, 0.85))
        marked = [t for t in model.traces if len(t.stops)]
        places = [t.stops for t in marked]
        radii = [np.full(len(t.stops), 6.0) if t.pins else _radii(t.stops) for t in marked]
        faces = [np.tile((*t.colour, 1.0), (len(t.stops), 1)) if t.pins else _faces(len(t.stops)) for t in marked]
        shapes = [s for t in marked for s in (["disc"] * len(t.stops) if t.pins else _shapes(len(t.stops)))]
        if places:
            self._stops.set(np.concatenate(places), np.concatenate(radii), np.concatenate(faces), shapes)
        else:
            self._stops.set(np.zeros((0, 3)), np.zeros(0), np.zeros((0, 4)), [])

    def set_cursor(self, place: Array | None) -> None:
        """place: (3,) in the scene; None hides it."""
        at = np.zeros((0, 3)) if place is None else np.asarray(place, float).reshape(1, 3)
        count = len(at)
        self._cursor.set(at, np.full(count, 7.0), np.tile((1.0, 1.0, 1.0, 1.0), (count, 1)), ["sphere"] * count)

    def draw(
        self,
        projection: Projection,
        layout: Layout | None,
        size: tuple[int, int],
        pixel_scale: float,
        background: Array,
        *,
        draft: bool = False,
    ) -> None:
        """Everything, into the framebuffer that is bound, of `size` pixels; layout None: no axes; background: (4,)."""
        gloo.set_viewport(0, 0, *size)
        gloo.set_state(depth_test=False, blend=True, cull_face=False, depth_mask=True)
        gloo.set_state(blend_func=("src_alpha", "one_minus_src_alpha", "one", "one_minus_src_alpha"))
        gloo.set_clear_color(tuple(float(v) for v in background))
        gloo.clear(color=True, depth=True)
        if layout is not None:
            self._draw_box(projection, layout, size, pixel_scale)
        clip = projection.clip()
        gloo.set_state(depth_test=True, blend=False, depth_func="less")
        self._surface.draw(clip, projection.eye, projection.right, pixel_scale, width=projection.scale, draft=draft)
        gloo.set_state(depth_test=True, blend=True, depth_func="lequal", depth_mask=False)
        self._rim.draw(clip, size, pixel_scale)
        gloo.set_state(depth_test=False)
        self._paths.draw(clip, size, pixel_scale, opacity=GHOST)
        self._stops.draw(clip, size, pixel_scale, opacity=GHOST)
        self._cursor.draw(clip, size, pixel_scale, opacity=0.35)
        gloo.set_state(depth_test=True)
        for part in (self._casing, self._paths, self._stops, self._cursor):
            part.draw(clip, size, pixel_scale)
        gloo.set_state(depth_test=False, depth_mask=True)
        if layout is not None:
            self._texts.draw(layout.labels, size, pixel_scale, self._ink)

    def _draw_box(self, projection: Projection, layout: Layout, size: tuple[int, int], pixel_scale: float) -> None:
        if layout is not self._layout:
            self._grid.set(layout.grid, (*self._ink, 0.15))
            self._edges.set(layout.edges, (*self._ink, 0.5))
            self._ticks.set(layout.ticks, (*self._ink, 0.65))
            self._layout = layout
        flat = flat_matrix(projection.size)
        for part in (self._grid, self._edges, self._ticks):
            part.draw(flat, size, pixel_scale)


def flat_matrix(size: tuple[float, float]) -> Array:
    """(4, 4) from logical pixels, y down, to clip space."""
    return np.array([[2 / size[0], 0, 0, -1], [0, -2 / size[1], 0, 1], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def _radii(stops: Array) -> Array:
    """Logical pixels; stops that would touch the last one shown are not marked."""
    count = len(stops)
    radii = np.zeros(count)
    last = stops[0]
    for k in range(1, count - 1):
        if np.hypot(*(stops[k] - last)[:2]) >= 0.04:
            radii[k], last = 2.4, stops[k]
    radii[0] = 5.2
    radii[-1] = 9.5
    return radii


def _faces(count: int) -> Array:
    faces = np.tile((*rgb(START), 1.0), (count, 1))
    faces[-1] = (*rgb(END), 1.0)
    return faces


def _shapes(count: int) -> list[str]:
    return ["disc"] * (count - 1) + ["star"]
