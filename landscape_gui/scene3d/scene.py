"""The 3-D view: a canvas that shows a panel's surface, turns it, and says what lies under the cursor. vispy, no Qt."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from vispy import app, gloo

from landscape_gui.figure import Camera, Panel
from landscape_gui.results import Array
from landscape_gui.scene3d import camera as cameras
from landscape_gui.scene3d.axes import Layout, Lettering, layout, margins
from landscape_gui.scene3d.camera import PRESETS, Projection, project
from landscape_gui.scene3d.lettering import text_width
from landscape_gui.scene3d.model import Model, model_of, rgb
from landscape_gui.scene3d.picking import pick
from landscape_gui.scene3d.renderer import Renderer
from landscape_gui.style import LIGHT, Theme

LIVE: weakref.WeakSet[SurfaceScene] = weakref.WeakSet()
"""Scenes whose canvas has an OpenGL context; `raster.render` borrows one of them."""

CLICK = 4.0
"""A press and release within so many pixels is a click, not a turn."""


class SurfaceScene:
    """A canvas showing the surface and paths of one panel.

    Drag turns (turntable), wheel zooms, middle or shift-drag moves, double click resets. `canvas.native` is the widget to embed
    when the application is Qt's. Callbacks, each a list: `on_hover(x, y, value)` or `on_hover(None, None, None)` off the surface;
    `on_pick(x, y, value)` at a click, `on_menu` at one with the right button; `on_camera(camera)` after every turn by hand;
    `on_change()` when it must be drawn anew.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] = (900, 700),
        samples: int = 0,
        theme: Theme = LIGHT,
        application: Any = None,
        show: bool = False,
        **canvas: Any,
    ) -> None:
        """samples: multisampling; 0 on software rendering, where 4 costs two to three times as much; canvas: of vispy's Canvas."""
        self._theme, self._camera = theme, Camera()
        self._model: Model | None = None
        self._renderer: Renderer | None = None
        self._stale = True
        self._view: tuple[Projection, Layout] | None = None
        self._seen: tuple[object, ...] = ()
        self._cursor: tuple[float, float] | None = None
        self._drag: tuple[Array, Array, Camera, bool] | None = None
        self.on_hover: list[Callable[[float | None, float | None, float | None], None]] = []
        self.on_pick: list[Callable[[float, float, float], None]] = []
        self.on_menu: list[Callable[[float, float, float], None]] = []
        self.on_camera: list[Callable[[Camera], None]] = []
        self.on_change: list[Callable[[], None]] = []
        self.font_scale = 1.0
        self.thread = threading.get_ident()
        config = {"samples": samples, "depth_size": 24, "double_buffer": True}
        self.canvas = app.Canvas(
            keys=None, size=size, config=config, show=False, app=application, autoswap=canvas.pop("autoswap", True), **canvas
        )
        for name in ("draw", "resize", "mouse_press", "mouse_move", "mouse_release", "mouse_wheel", "mouse_double_click"):
            getattr(self.canvas.events, name).connect(getattr(self, f"_{name}"))
        if show:
            self.canvas.show()

    # -- what is shown ----------------------------------------------------------------------------------------------------

    def show(self, panel: Panel, theme: Theme | None = None) -> None:
        """Shows the panel's surface and paths from `panel.camera` if that changed since the last panel; redraws what differs."""
        last = self._model.panel.camera if self._model is not None else None
        self._theme = theme or self._theme
        self._model = model_of(panel)
        if last is None or last != panel.camera:
            self._camera = panel.camera
        self._refresh()

    def set_theme(self, theme: Theme) -> None:
        """Light or dark surroundings."""
        self._theme = theme
        self._refresh()

    def clear(self) -> None:
        """An empty view."""
        self._model = None
        self._refresh()

    @property
    def camera(self) -> Camera:
        """Where it is looked at from; setting it redraws and calls nothing back."""
        return self._camera

    @camera.setter
    def camera(self, camera: Camera) -> None:
        self._camera = camera
        self._moved()

    def look(self, name: str) -> None:
        """One of `camera.PRESETS`."""
        self._set_by_hand(PRESETS[name])

    def reset(self) -> None:
        """The panel's own camera."""
        self._set_by_hand(self._model.panel.camera if self._model is not None else Camera())

    def set_cursor(self, x: float | None, y: float | None = None) -> None:
        """A small sphere on the surface at data x, y; None hides it."""
        self._cursor = None if x is None or y is None else (float(x), float(y))
        self._moved()

    # -- asking -----------------------------------------------------------------------------------------------------------

    def pick(self, pos: tuple[float, float]) -> tuple[float, float, float] | None:
        """Data x and y under a canvas position (logical pixels) and the value of the nearest grid cell; None off the surface."""
        if self._model is None:
            return None
        m, (projection, _) = self._model, self._current()
        found = pick(projection, m.frame, m.surface.x, m.surface.y, m.heights, (float(pos[0]), float(pos[1])))
        if found is None:
            return None
        i = int(np.abs(np.asarray(m.surface.x) - found[0]).argmin())
        j = int(np.abs(np.asarray(m.surface.y) - found[1]).argmin())
        return found[0], found[1], float(m.surface.z[j, i])

    def where(self, x: float, y: float) -> tuple[float, float] | None:
        """Canvas position of the surface point above data x, y; None where there is a hole."""
        if self._model is None:
            return None
        place = self._model.lift(np.array([x]), np.array([y]))
        at = self._current()[0].points(place)[0]
        return (float(at[0]), float(at[1])) if np.isfinite(at).all() else None

    def _current(self) -> tuple[Projection, Layout]:
        """Projection and labels for the canvas as it is now."""
        assert self._model is not None
        size = (float(self.canvas.size[0]), float(self.canvas.size[1]))
        frame, panel = self._model.frame, self._model.panel
        title = panel.surface.label if panel.surface is not None else ""
        seen = (self._camera, size, frame, panel.x, panel.y, panel.z, title, self.font_scale)
        if self._view is None or self._seen != seen:
            style = lettering(size, self.font_scale)
            projection = project(self._camera, size, frame.top, margins(frame, panel, style))
            self._view, self._seen = (projection, layout(frame, panel, projection, style)), seen
        return self._view

    # -- drawing ----------------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        self._stale = True
        self._moved()

    def _moved(self) -> None:
        self.canvas.update()
        for callback in self.on_change:
            callback()

    def _draw(self, event: Any = None) -> None:
        LIVE.add(self)
        size = tuple(int(v) for v in self.canvas.physical_size)
        self.paint((size[0], size[1]), float(self.canvas.pixel_scale))

    def paint(self, size: tuple[int, int], pixel_scale: float) -> None:
        """Draws into the bound framebuffer; the canvas must be current."""
        background = np.array([*rgb(self._theme.background), 1.0])
        if self._model is None:
            gloo.set_viewport(0, 0, *size)
            gloo.clear(color=tuple(background), depth=True)
            return
        if self._renderer is None:
            self._renderer = Renderer()
        if self._stale:
            self._renderer.set_model(self._model, self._theme)
            self._stale = False
        place = None if self._cursor is None else self._model.lift(*(np.array([v]) for v in self._cursor))[0]
        self._renderer.set_cursor(place)
        self._renderer.draw(*self._current(), size, pixel_scale, background, draft=self._drag is not None)

    # -- by hand ----------------------------------------------------------------------------------------------------------

    def _set_by_hand(self, camera: Camera) -> None:
        self.camera = camera
        for callback in self.on_camera:
            callback(camera)

    def _resize(self, event: Any) -> None:
        self._moved()

    def _mouse_press(self, event: Any) -> None:
        modifiers = [getattr(m, "name", m) for m in (event.modifiers or ())]
        slide = event.button == 3 or "Shift" in modifiers
        if event.button in (1, 2, 3):
            at = np.asarray(event.pos[:2], float)
            self._drag = at, at, self._camera, slide

    def _mouse_move(self, event: Any) -> None:
        at = np.asarray(event.pos[:2], float)
        if self._drag is None:
            if self.on_hover:
                found = self.pick((at[0], at[1])) or (None, None, None)
                for callback in self.on_hover:
                    callback(*found)
            return
        start, _, camera, slide = self._drag
        self._drag = start, at, camera, slide
        if np.hypot(*(at - start)) < CLICK and self._camera == camera:
            return
        dx, dy = at - start
        if slide:
            scale = self._current()[0].scale if self._model is not None else 400.0
            self._set_by_hand(cameras.shift(camera, dx / scale, -dy / scale))
        else:
            self._set_by_hand(cameras.turn(camera, -0.45 * dx, 0.45 * dy))

    def _mouse_release(self, event: Any) -> None:
        if self._drag is None:
            return
        start, _, camera, _ = self._drag
        self._drag = None
        self._moved()
        at = np.asarray(event.pos[:2], float)
        if event.button in (1, 2) and np.hypot(*(at - start)) < CLICK and self._camera == camera:
            found = self.pick((at[0], at[1]))
            if found is not None:
                for callback in self.on_pick if event.button == 1 else self.on_menu:
                    callback(*found)

    def _mouse_wheel(self, event: Any) -> None:
        self._set_by_hand(cameras.zoom(self._camera, 1.12 ** float(event.delta[1])))

    def _mouse_double_click(self, event: Any) -> None:
        self._drag = None
        self.reset()


def lettering(size: tuple[float, float], font_scale: float = 1.0) -> Lettering:
    """Letters for a view on the screen: a little smaller in a small view."""
    shrink = float(np.clip(min(size) / 420.0, 0.72, 1.0)) * font_scale
    return Lettering(
        measure=text_width, tick=12.0 * shrink, title=13.0 * shrink, tick_length=5 * shrink, gap=4.5 * shrink, margin=8 * shrink
    )
