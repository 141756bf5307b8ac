"""The 3-D canvas: the vispy scene inside a widget, made once; a drawn picture with a sentence where there is no OpenGL."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QOffscreenSurface, QOpenGLContext
from PySide6.QtWidgets import QVBoxLayout, QWidget

from landscape_gui import style
from landscape_gui.figure import Camera, Panel
from landscape_gui.ui.scene_picture import ScenePicture

if TYPE_CHECKING:
    from landscape_gui.scene3d import SurfaceScene
    from landscape_gui.ui.drawn3d import DrawnSurface

SENTENCE = "No OpenGL here: the surface is drawn without turning. “landscape-gui doctor” says what is missing."


def opengl_works() -> bool:
    """Whether a context can be made and made current. Without one a vispy canvas would silently stay blank."""
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    works = context.create() and surface.isValid() and context.makeCurrent(surface)
    if works:
        context.doneCurrent()
    return bool(works)


@lru_cache(maxsize=1)
def hardware_samples() -> int:
    """4 where a graphics card draws, 0 where software does (there multisampling costs two to three times as much)."""
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    if not (context.create() and context.makeCurrent(surface)):
        return 0
    try:
        name = context.functions().glGetString(0x1F01)
    except Exception:
        name = ""
    finally:
        context.doneCurrent()
    words = str(name).lower()
    return 0 if not words or any(w in words for w in ("llvmpipe", "softpipe", "swrast", "software")) else 4


class Canvas3D(QWidget):
    """Draws a `Panel` of view "3d"."""

    cursor_moved = Signal(object)
    picked = Signal(float, float)
    menu_asked = Signal(float, float)
    camera_moved = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, offscreen: bool | None = None) -> None:
        """offscreen: draw beside the window and show the pixels (None: where software draws)."""
        super().__init__(parent)
        self.setObjectName("canvas3d")
        self.setAccessibleName("Surface in three dimensions")
        self.setMinimumSize(260, 220)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.theme = style.LIGHT
        self.scene: SurfaceScene | None = None
        self.drawn: DrawnSurface | None = None
        self.view: QWidget
        """What shows the surface and takes the mouse."""
        if opengl_works():
            self.view = self._make_scene(hardware_samples() == 0 if offscreen is None else offscreen)
        else:
            from landscape_gui.ui.drawn3d import DrawnSurface

            self.view = self.drawn = DrawnSurface(SENTENCE)
        column.addWidget(self.view)

    def _make_scene(self, offscreen: bool) -> QWidget:
        from PySide6.QtCore import qInstallMessageHandler
        from vispy import app

        handler = qInstallMessageHandler(None)
        app.use_app("pyside6")
        from landscape_gui.scene3d import SurfaceScene

        scene = self.scene = SurfaceScene(samples=hardware_samples(), autoswap=False)
        qInstallMessageHandler(handler)
        scene.on_hover.append(self._hovered)
        scene.on_pick.append(lambda x, y, value: self.picked.emit(x, y))
        scene.on_menu.append(lambda x, y, value: self.menu_asked.emit(x, y))
        scene.on_camera.append(self.camera_moved.emit)
        view: QWidget = ScenePicture(scene) if offscreen else scene.canvas.native
        view.setObjectName("scene")
        view.setMouseTracking(True)
        view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        view.setAccessibleName("Surface: drag turns, wheel zooms, shift-drag moves, click picks, double click resets")
        view.installEventFilter(self)
        return view

    def show_panel(self, panel: Panel) -> None:
        if panel.surface is None:
            self.clear_panel()
        elif self.scene is not None:
            self.scene.show(panel, self.theme)
        elif self.drawn is not None:
            self.drawn.show_panel(panel)

    def give_way(self, milliseconds: int) -> None:
        """Put off what is about to be drawn (where software draws: that takes tens of milliseconds)."""
        if isinstance(self.view, ScenePicture):
            self.view.give_way(milliseconds)

    def clear_panel(self) -> None:
        if self.scene is not None:
            self.scene.clear()
        elif self.drawn is not None:
            self.drawn.show_panel(None)

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        if self.scene is not None:
            self.scene.set_theme(theme)
        elif self.drawn is not None:
            self.drawn.set_theme(theme)

    @property
    def camera(self) -> Camera:
        return self.scene.camera if self.scene is not None else Camera()

    @camera.setter
    def camera(self, camera: Camera) -> None:
        if self.scene is not None:
            self.scene.camera = camera
        elif self.drawn is not None:
            self.drawn.set_camera(camera)

    def set_cursor(self, place: tuple[float, float] | None) -> None:
        if self.scene is not None:
            self.scene.set_cursor(*(place or (None, None)))

    def _hovered(self, x: float | None, y: float | None, value: float | None) -> None:
        self.cursor_moved.emit(None if x is None else (x, y))

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.cursor_moved.emit(None)
        return False
