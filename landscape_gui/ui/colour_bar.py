"""The colour bar beside the canvases: what a colour means, which range is shown, and where the value under the cursor stands."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from landscape_gui import style
from landscape_gui.figure import Surface

WIDTH = 13
SHORTEST = 150.0


class ColourBar(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("colour_bar")
        self.setAccessibleName("Colour bar")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.surface: Surface | None = None
        self.theme = style.LIGHT
        self.value: float | None = None
        self.extent: tuple[float, float] | None = None

    def show_surface(self, surface: Surface | None) -> None:
        """None, or a surface without a finite cell, leaves the bar empty: there is no scale to show."""
        self.surface = surface if surface is not None and surface.has_scale else None
        self.updateGeometry()
        self.update()

    def set_theme(self, theme: style.Theme) -> None:
        self.theme = theme
        self.update()

    def set_value(self, value: float | None) -> None:
        """Where the small pointer stands (None: nowhere)."""
        if value != self.value:
            self.value = value
            self.update()

    def set_extent(self, extent: tuple[float, float] | None) -> None:
        """Top and bottom in pixels, so that the bar stands beside the plot (None: the whole height)."""
        if extent != self.extent:
            self.extent = extent
            self.update()

    def ticks(self) -> list[tuple[float, str]]:
        """Positions as parts of the height from below, and their texts."""
        if self.surface is None:
            return []
        low, high = self.surface.limits
        values = style.log_ticks(low, high) if self.surface.scale == "log" else style.nice_ticks(low, high, 6)
        return [(self._share(float(v)), style.format_number(float(f"{v:.6g}"))) for v in values]

    def _share(self, value: float) -> float:
        assert self.surface is not None
        low, high = self.surface.limits
        if self.surface.scale == "log":
            if value <= 0:
                return 0.0
            low, high, value = math.log10(max(low, 1e-300)), math.log10(max(high, 1e-300)), math.log10(value)
        return (value - low) / ((high - low) or 1.0)

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(self.font())
        widest = max((metrics.horizontalAdvance(text) for _, text in self.ticks()), default=20.0)
        return QSize(math.ceil(WIDTH + 14 + widest + metrics.height() + 10), 120)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.theme.background))
        if self.surface is None:
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top, bottom = self.extent or (30.0, self.height() - 44.0)
        grow = max(0.0, SHORTEST - (bottom - top)) / 2
        bar = QRectF(8.5, round(top - grow) + 0.5, WIDTH, round(bottom - top + 2 * grow))
        table = np.round(style.colour_table(self.surface.colour_map)[::-1] * 255).astype(np.uint8)
        data = np.ascontiguousarray(np.concatenate([table, np.full((256, 1), 255, np.uint8)], 1))
        painter.drawImage(bar, QImage(data.data, 1, 256, 4, QImage.Format.Format_RGBA8888))
        painter.setPen(QPen(QColor(self.theme.muted), 1))
        painter.drawRect(bar)
        self._paint_ticks(painter, bar)
        self._paint_pointer(painter, bar)
        painter.end()

    def _paint_ticks(self, painter: QPainter, bar: QRectF) -> None:
        metrics = QFontMetricsF(self.font())
        widest, last = 0.0, math.inf
        for share, text in self.ticks():
            y = bar.bottom() - share * bar.height()
            if last - y < metrics.height() * 0.95:
                continue
            last = y
            painter.setPen(QPen(QColor(self.theme.muted), 1))
            painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 4, y))
            painter.setPen(QColor(self.theme.ink))
            painter.drawText(QPointF(bar.right() + 7, y + metrics.ascent() / 2 - 1), text)
            widest = max(widest, metrics.horizontalAdvance(text))
        assert self.surface is not None
        label = f"{self.surface.label} ({self.surface.unit})" if self.surface.unit else self.surface.label
        painter.save()
        painter.translate(bar.right() + 12 + widest + metrics.ascent(), bar.center().y())
        painter.rotate(-90)
        painter.drawText(
            QRectF(-self.height() / 2, -metrics.height(), self.height(), metrics.height() * 1.2),
            Qt.AlignmentFlag.AlignCenter,
            label,
        )
        painter.restore()

    def _paint_pointer(self, painter: QPainter, bar: QRectF) -> None:
        if self.value is None or not math.isfinite(self.value):
            return
        y = bar.bottom() - min(max(self._share(self.value), 0.0), 1.0) * bar.height()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.ink))
        painter.drawPolygon(QPolygonF([QPointF(bar.left() - 1, y), QPointF(bar.left() - 7, y - 4), QPointF(bar.left() - 7, y + 4)]))
