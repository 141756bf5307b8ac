"""Words at places of a chart: as large as their room allows at every zoom, and left out where nobody could read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QTransform

from landscape_gui import style
from landscape_gui.figure import Texts
from landscape_gui.results import Array

LARGEST = 12.0
"""Pixels of a text of size 1."""
SMALLEST = 6.0
"""Pixels below which words are left out."""
FILLED = 0.94
"""Part of the room that words may fill."""


class TextItems(pg.GraphicsObject):
    """Every text of a mark, painted in pixels, so that zooming moves them apart and does not stretch them."""

    def __init__(self, mark: Texts, ground: Any) -> None:
        super().__init__()
        self.mark, self.ground = mark, ground
        self.x, self.y = np.zeros(0), np.zeros(0)
        self.items = (self,)
        self.setZValue(60)

    def fill(self, mark: Texts, ground: Any) -> None:
        from landscape_gui.ui.chart_marks import scaled

        self.prepareGeometryChange()
        self.mark, self.ground = mark, ground
        self.x, self.y = scaled(mark.x, ground.log_x), scaled(mark.y, ground.log_y)
        self.update()

    def boundingRect(self) -> QRectF:
        """All that is in view: words reach beyond their places by pixels, not by units."""
        return QRectF(self.viewRect())

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        super().viewTransformChanged()

    def paint(self, painter: QPainter, *_: object) -> None:
        to_pixels = painter.transform()
        font = fitted(self.mark, to_pixels, painter.font())
        if font is None:
            return
        painter.save()
        painter.resetTransform()
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        for k, words in enumerate(self.mark.texts):
            middle = to_pixels.map(QPointF(float(self.x[k]), float(self.y[k])))
            self._write(painter, metrics, words, middle, self.mark.ink[k] if self.mark.ink else "")
        painter.restore()

    def _write(self, painter: QPainter, metrics: QFontMetricsF, words: str, middle: QPointF, ink: str) -> None:
        size = metrics.size(0, words)
        size.setHeight(metrics.height() + (words.count("\n")) * metrics.lineSpacing())
        place = QRectF(0.0, 0.0, size.width() + 6, size.height())
        place.moveCenter(middle - QPointF(0.0, self.mark.lift * painter.font().pixelSize()))
        theme: style.Theme = self.ground.theme
        if self.mark.backed:
            patch = QColor(theme.background)
            patch.setAlpha(215)
            painter.fillRect(place, patch)
        painter.setPen(QColor(ink or theme.ink))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)


def fitted(mark: Texts, to_pixels: QTransform, font: QFont) -> QFont | None:
    """The font in which the longest of the texts fits into its room; None where it would be too small to read."""
    found = QFont(font)
    largest = mark.size * LARGEST
    found.setPixelSize(round(largest))
    if mark.room is None or not mark.texts:
        return found
    metrics = QFontMetricsF(found)
    sizes: Array = np.array([[metrics.size(0, t).width(), (t.count("\n") + 1) * metrics.lineSpacing()] for t in mark.texts])
    room = np.array([abs(mark.room[0] * to_pixels.m11()), abs(mark.room[1] * to_pixels.m22())])
    size = largest * min(1.0, *(FILLED * room / np.maximum(sizes.max(axis=0), 1e-9)))
    if size < SMALLEST:
        return None
    found.setPixelSize(int(size))
    return found
