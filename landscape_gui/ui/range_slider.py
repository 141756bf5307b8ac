"""A slider with two handles. Painted here: the library that offers one takes as long to import as the whole first page."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from landscape_gui.ui import theme

RADIUS = 6.0
STEP = 10


class RangeSlider(QWidget):
    """Whole numbers from 0 to `steps`. Drag a handle, or the bar between them; arrow keys move the handle used last."""

    changed = Signal(int, int)

    def __init__(self, steps: int = 1000, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps = steps
        self.values = (0, steps)
        self.held = -1
        self.last = 1
        self._grip = (0.0, self.values)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(64)

    def sizeHint(self) -> QSize:
        return QSize(160, 24)

    def set_values(self, low: int, high: int) -> None:
        """Place the handles without telling anyone."""
        if self.held < 0:
            self.values = (min(low, high), max(low, high))
            self.update()

    def _x(self, value: int) -> float:
        return RADIUS + 1 + (self.width() - 2 * RADIUS - 2) * value / self.steps

    def _value(self, x: float) -> float:
        return (x - RADIUS - 1) / max(1.0, self.width() - 2 * RADIUS - 2) * self.steps

    def _move(self, low: float, high: float) -> None:
        values = round(min(max(low, 0), self.steps)), round(min(max(high, 0), self.steps))
        if values != self.values and values[0] < values[1]:
            self.values = values
            self.update()
            self.changed.emit(*values)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        ends = [self._x(v) for v in self.values]
        near = min((0, 1), key=lambda k: abs(x - ends[k]))
        between = ends[0] + 2 * RADIUS < x < ends[1] - 2 * RADIUS and self.values != (0, self.steps)
        self.held = 2 if between else near
        self.last = near
        self._grip = (self._value(x), self.values)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        value = self._value(event.position().x())
        low, high = self.values
        if self.held == 0:
            self._move(min(value, high - 5), high)
        elif self.held == 1:
            self._move(low, max(value, low + 5))
        elif self.held == 2:
            (start, (low, high)), wide = self._grip, self._grip[1][1] - self._grip[1][0]
            low = round(min(max(low + value - start, 0), self.steps - wide))
            self._move(low, low + wide)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.held = -1

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        low, high = self.values
        self._move(low + step, high) if self.last == 0 else self._move(low, high + step)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.border))
        painter.drawRoundedRect(QRectF(RADIUS, middle - 2, self.width() - 2 * RADIUS, 4), 2, 2)
        accent = QColor(c.accent if self.isEnabled() else c.faint)
        painter.setBrush(accent)
        low, high = (self._x(v) for v in self.values)
        painter.drawRect(QRectF(low, middle - 2, high - low, 4))
        painter.setBrush(QColor(c.base))
        for number, x in enumerate((low, high)):
            wide = 2.4 if self.hasFocus() and number == self.last else 1.6
            painter.setPen(QPen(accent, wide))
            painter.drawEllipse(QPointF(x, middle), RADIUS - 0.5, RADIUS - 0.5)
        painter.end()
