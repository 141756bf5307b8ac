"""Nine examples of the data, each with its label and what the network says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from landscape_gui import style
from landscape_gui.data_choice import Example
from landscape_gui.ui import theme

ACROSS = 3
GAP = 10
SMOOTH_FROM = 96
"""Sides of pictures from which they are scaled smoothly; smaller ones show their pixels."""


class ExampleTiles(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("examples")
        self.setAccessibleName("Nine examples")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.examples: tuple[Example, ...] = ()

    def sizeHint(self) -> QSize:
        return QSize(440, 440)

    def minimumSizeHint(self) -> QSize:
        return QSize(270, 270)

    def show_examples(self, examples: Sequence[Example]) -> None:
        self.examples = tuple(examples)
        self.setAccessibleDescription("; ".join(" ".join(caption(e)) for e in self.examples))
        self.update()

    def tile(self, number: int) -> QRectF:
        """Where an example stands, its two lines of words included."""
        wide, high = (self.width() - (ACROSS - 1) * GAP) / ACROSS, (self.height() - (ACROSS - 1) * GAP) / ACROSS
        return QRectF(number % ACROSS * (wide + GAP), number // ACROSS * (high + GAP), wide, high)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, example in enumerate(self.examples):
            self._paint(painter, self.tile(number), example)
        painter.end()

    def _paint(self, painter: QPainter, tile: QRectF, example: Example) -> None:
        colours = theme.current()
        metrics = QFontMetricsF(self.font())
        foot = 2 * metrics.height() + 4
        area = tile.adjusted(0, 0, 0, -foot)
        if example.picture is not None:
            area = paint_picture(painter, area, example.picture)
        elif example.values is not None:
            paint_values(painter, area, example.values)
        else:
            paint_text(painter, area, example.text)
        first, second = caption(example)
        line = QRectF(tile.left(), area.bottom() + 3, tile.width(), metrics.height())
        middle = Qt.AlignmentFlag.AlignHCenter
        painter.setFont(self.font())
        painter.setPen(QColor(colours.ink))
        painter.drawText(line, middle, metrics.elidedText(first, Qt.TextElideMode.ElideRight, tile.width()))
        painter.setPen(QColor(colours.error if example.right is False else colours.muted))
        line.translate(0, metrics.height())
        painter.drawText(line, middle, metrics.elidedText(second, Qt.TextElideMode.ElideRight, tile.width()))


def caption(example: Example) -> tuple[str, str]:
    """The label (of a text what comes next), and the prediction: "right, 99 %" or "said dog, 61 %"; of a number what the network
    gives."""
    label = f"next {example.label}" if example.text and example.label and not example.whole else example.label
    share = "" if math.isnan(example.share) else f", {example.share:.0%}".replace("%", " %")
    if example.right is None:
        return label, f"gives {example.prediction}" if example.prediction else ""
    return label, f"right{share}" if example.right else f"said {example.prediction}{share}"


def paint_picture(painter: QPainter, area: QRectF, pixels: np.ndarray) -> QRectF:
    """The picture in the middle of the area, as large as fits; answers the area that it leaves words under."""
    data = np.ascontiguousarray(pixels)
    high, wide = data.shape[:2]
    image = QImage(data.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)
    scale = min(area.width() / wide, area.height() / high)
    target = QRectF(
        area.center().x() - wide * scale / 2, area.top() + (area.height() - high * scale) / 2, wide * scale, high * scale
    )
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, max(high, wide) >= SMOOTH_FROM)
    painter.drawImage(target, image)
    painter.setPen(QPen(QColor(theme.current().border), 1))
    painter.drawRect(target)
    return area


def paint_values(painter: QPainter, area: QRectF, values: np.ndarray) -> None:
    """Values as a line; a few of them as bars from zero."""
    colours = theme.current()
    painter.fillRect(area, QColor(colours.base))
    painter.setPen(QPen(QColor(colours.border), 1))
    painter.drawRect(area)
    known = values[np.isfinite(values)]
    if not len(known):
        return
    low, high = min(float(known.min()), 0.0), max(float(known.max()), 0.0)
    inside = area.adjusted(6, 6, -6, -6)

    def y(value: float) -> float:
        return inside.bottom() - (value - low) / ((high - low) or 1.0) * inside.height()

    ink = QColor(style.series_colour(0, colours.figure))
    step = inside.width() / max(len(values), 1)
    if len(values) <= 24:
        for i, value in enumerate(values):
            if np.isfinite(value):
                bar = QRectF(
                    inside.left() + (i + 0.15) * step, y(max(float(value), 0.0)), 0.7 * step, abs(y(0.0) - y(float(value)))
                )
                painter.fillRect(bar, ink)
        return
    painter.setPen(QPen(ink, 1.3))
    points = [QPointF(inside.left() + (i + 0.5) * step, y(float(v))) for i, v in enumerate(values) if np.isfinite(v)]
    painter.drawPolyline(QPolygonF(points))


def paint_text(painter: QPainter, area: QRectF, text: str) -> None:
    """The end of a text, in letters of one width, on its own ground."""
    colours = theme.current()
    painter.fillRect(area, QColor(colours.base))
    painter.setPen(QPen(QColor(colours.border), 1))
    painter.drawRect(area)
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    font.setPointSizeF(max(7.0, painter.font().pointSizeF() * 0.85))
    painter.setFont(font)
    painter.setPen(QColor(colours.ink))
    painter.save()
    painter.setClipRect(area)
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWrapAnywhere
    painter.drawText(area.adjusted(6, 4, -6, -4), flags, text)
    painter.restore()
