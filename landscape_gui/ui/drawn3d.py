"""A surface without OpenGL: facets painted back to front. Fewer of them, but the shape is there."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from landscape_gui import style
from landscape_gui.figure import Camera, Panel, Surface
from landscape_gui.results import Array

MOST = 61
"""Points an axis; more are thinned."""


class DrawnSurface(QWidget):
    def __init__(self, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("drawn_surface")
        self.sentence = sentence
        self.theme = style.LIGHT
        self.camera = Camera()
        self.panel: Panel | None = None

    def show_panel(self, panel: Panel | None) -> None:
        self.panel = panel
        if panel is not None:
            self.camera = panel.camera
        self.update()

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.update()

    def set_camera(self, camera: Camera) -> None:
        self.camera = camera
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(self.theme.background))
        surface = self.panel.surface if self.panel is not None else None
        if surface is not None and min(surface.z.shape) >= 2:
            self._paint_surface(painter, surface)
        painter.setPen(QColor(self.theme.muted))
        foot = QRect(16, self.height() - 52, self.width() - 32, 44)
        painter.drawText(
            foot, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap, self.sentence
        )
        painter.end()

    def _paint_surface(self, painter: QPainter, surface: Surface) -> None:
        heights = unit_heights(surface)
        rows, columns = (np.unique(np.linspace(0, n - 1, min(n, MOST)).round().astype(int)) for n in heights.shape)
        heights = heights[np.ix_(rows, columns)]
        x, y = np.meshgrid(np.linspace(-0.5, 0.5, heights.shape[1]), np.linspace(-0.5, 0.5, heights.shape[0]))
        across, up, depth = project(x, y, heights * 0.6 - 0.3, self.camera)
        scale = 0.72 * min(self.width(), self.height() - 40)
        px, py = self.width() / 2 + across * scale, (self.height() - 40) / 2 - up * scale
        table = np.round(style.colour_table(surface.colour_map) * 255).astype(int)
        middle = (depth[:-1, :-1] + depth[1:, 1:]) / 2
        pen = QPen(QColor(0, 0, 0, 40), 0.5)
        for flat in np.argsort(-middle, axis=None):
            j, i = np.unravel_index(flat, middle.shape)
            corners = ((j, i), (j, i + 1), (j + 1, i + 1), (j + 1, i))
            height = float(np.mean([heights[c] for c in corners]))
            if not math.isfinite(height):
                continue
            painter.setPen(pen)
            painter.setBrush(QColor(*(int(v) for v in table[int(np.clip(height, 0, 1) * 255)])))
            painter.drawPolygon(QPolygonF([QPointF(float(px[c]), float(py[c])) for c in corners]))


def unit_heights(surface: Surface) -> Array:
    """Heights from 0 to 1 inside the limits, clipped above; NaN where there is none."""
    low, high = surface.limits
    z = np.where(np.isfinite(surface.z), surface.z, np.nan)
    if surface.scale == "log":
        z = np.log10(np.where(z > 0, z, np.nan))
        low, high = math.log10(max(low, 1e-300)), math.log10(max(high, 1e-300))
    return np.clip((z - low) / ((high - low) or 1.0), 0.0, 1.0)


def project(x: Array, y: Array, z: Array, camera: Camera) -> tuple[Array, Array, Array]:
    """Across, up and depth as the turntable camera sees points of the unit box."""
    a, e = math.radians(camera.azimuth), math.radians(camera.elevation)
    across = x * math.cos(a) + y * math.sin(a)
    inward = -x * math.sin(a) + y * math.cos(a)
    return (
        across / camera.distance,
        (z * math.cos(e) + inward * math.sin(e)) / camera.distance,
        inward * math.cos(e) - z * math.sin(e),
    )
