"""A progress bar that asks to be painted and goes on. Qt's own paints itself and the whole window at once at each new value."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from landscape_gui.ui import theme


class ThinBar(QWidget):
    """Per cent, from 0 to 100."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.percent = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(80, 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(20, 6)

    def set_percent(self, percent: int) -> None:
        if percent != self.percent:
            self.percent = percent
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.pressed))
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)
        if self.percent > 0:
            painter.setBrush(QColor(c.accent))
            painter.drawRoundedRect(QRectF(0, 0, max(6.0, self.width() * self.percent / 100), self.height()), 3, 3)
        painter.end()
