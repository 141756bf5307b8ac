"""The accuracy of each class as bars, and what it is at the two ends of the way as ticks beside them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from landscape_gui import style
from landscape_gui.connection_results import WaypointResult
from landscape_gui.ui import theme

FOOT = 15
"""Pixels under the bars for the classes' numbers."""
MOST_NAMED = 40


class ClassBars(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("class_bars")
        self.setAccessibleName("Accuracy of each class")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.result: WaypointResult | None = None
        self.colour = 0
        self.names = ("A", "B")

    def minimumSizeHint(self) -> QSize:
        return QSize(130, 58)

    def sizeHint(self) -> QSize:
        return QSize(220, 76)

    def show_result(self, result: WaypointResult | None, colour: int, names: tuple[str, str]) -> None:
        self.result, self.colour, self.names = result, colour, names
        self.update()

    def bar(self, number: int, share: float) -> QRectF:
        """Where the bar of a class stands whose accuracy is `share`."""
        count = max(len(self.result.per_class), 1) if self.result is not None else 1
        room, high = self.width() / count, self.height() - FOOT - 2
        gap = min(4.0, 0.22 * room)
        tall = high * (share if np.isfinite(share) else 0.0)
        return QRectF(number * room + gap / 2, 1 + high - tall, room - gap, tall)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.result is None or not len(self.result.per_class):
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small(self.font()))
        for number, share in enumerate(self.result.per_class):
            whole = self.bar(number, 1.0)
            painter.fillRect(whole, QColor(colours.hover))
            painter.fillRect(self.bar(number, float(share)), QColor(style.series_colour(self.colour, colours.figure)))
            for side, ends in enumerate((self.result.per_class_first, self.result.per_class_second)):
                if number < len(ends) and np.isfinite(ends[number]):
                    tick(painter, whole, float(ends[number]), side, QColor(colours.ink))
            if len(self.result.per_class) <= MOST_NAMED:
                painter.setPen(QColor(colours.muted))
                below = QRectF(whole.left() - 6, self.height() - FOOT, whole.width() + 12, FOOT)
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, str(number))
        painter.end()

    def words(self, number: int) -> str:
        """What is known of a class: 62.1 % of 36 examples; at the ends 100 % and 97 %."""
        assert self.result is not None
        found = self.result
        parts = [f"Class {number}: {100 * found.per_class[number]:.1f} %"]
        if number < len(found.class_examples):
            parts[0] += f" of {int(found.class_examples[number]):,} {found.split} examples"
        for name, ends in zip(self.names, (found.per_class_first, found.per_class_second), strict=True):
            if number < len(ends):
                parts.append(f"{name}: {100 * ends[number]:.1f} %")
        return "\n".join(parts)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and self.result is not None and len(self.result.per_class):
            number = int(event.pos().x() * len(self.result.per_class) / max(self.width(), 1))
            if 0 <= number < len(self.result.per_class):
                QToolTip.showText(event.globalPos(), self.words(number), self)
                return True
        return bool(super().event(event))


def small(font: QFont) -> QFont:
    made = QFont(font)
    made.setPointSizeF(max(6.5, font.pointSizeF() * 0.82))
    return made


def tick(painter: QPainter, bar: QRectF, share: float, side: int, colour: QColor) -> None:
    """The height of one end: on the left half of the bar the first, on the right half the second."""
    y = bar.bottom() - share * bar.height()
    left = bar.left() if side == 0 else bar.center().x() + 0.5
    painter.setPen(QPen(colour, 1.6))
    painter.drawLine(QPointF(left, y), QPointF(left + bar.width() / 2 - 0.5, y))
