"""The 3-D scene as an image in a plain widget, for software OpenGL.

One OpenGL widget in a window makes Qt compose the whole window with OpenGL, at every change of any widget: 20 ms each time where
software draws. Here the scene's own widget stays hidden and draws into its framebuffer, only when the scene has changed, at most
once a turn of the event loop; the window shows the pixels and is composed without OpenGL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QSize, QTimer
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from landscape_gui.scene3d import SurfaceScene


class ScenePicture(QWidget):
    """Shows a scene and hands the mouse on to it."""

    def __init__(self, scene: SurfaceScene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene = scene
        self.native: Any = scene.canvas.native
        self.native.setUpdatesEnabled(False)  # it draws when it is grabbed, and at no other time
        self.destroyed.connect(self.native.deleteLater)
        self.image = QImage()
        self._drawn_size, self._drawn_ratio = QSize(), 0.0
        self._stale = True
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.render_scene)
        scene.on_change.append(self._changed)

    def _changed(self) -> None:
        self._stale = True
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(0)

    def give_way(self, milliseconds: int) -> None:
        """Put off what is about to be drawn, for something that is more urgent."""
        if self._soon.isActive():
            self._soon.start(milliseconds)

    def render_scene(self) -> None:
        """Draw the scene as it is now, and show it with the next paint."""
        self._soon.stop()
        if self.width() < 1 or self.height() < 1:
            return
        self._fit()
        self._stale = False
        self.image = self.native.grabFramebuffer()
        self.update()

    def _fit(self) -> None:
        """The hidden widget as large, and on the same screen, as this one. Hidden widgets are not told of their size by Qt."""
        if self.native.screen() is not self.screen():
            self.native.setScreen(self.screen())
        ratio = self.native.devicePixelRatioF()
        if (self.native.size(), ratio) != (self._drawn_size, self._drawn_ratio) or self.native.size() != self.size():
            self.native.resize(self.size())
            QApplication.sendEvent(self.native, QResizeEvent(self.size(), self._drawn_size))
            self._drawn_size, self._drawn_ratio = self.size(), ratio
            self._soon.stop()

    def _fits(self) -> bool:
        return bool(self.image.deviceIndependentSize().toSize() == self.size())

    def sizeHint(self) -> QSize:
        return QSize(560, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._stale and not self._fits():
            self.render_scene()
        painter = QPainter(self)
        painter.drawImage(0, 0, self.image)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._changed()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._changed()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._changed()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.native.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.native.mouseReleaseEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.native.mouseMoveEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.native.mouseDoubleClickEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.native.wheelEvent(event)
