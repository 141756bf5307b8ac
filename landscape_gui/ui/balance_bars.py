"""How many examples each class has, as bars."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from landscape_gui import style
from landscape_gui.ui import theme

MOST_NAMED = 24
NARROWEST = 22
"""Pixels that a class's name or number wants under its bar."""


class BalanceBars(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("balance")
        self.setAccessibleName("Examples of each class")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.counts: tuple[int, ...] = ()
        self.names: tuple[str, ...] = ()

    def sizeHint(self) -> QSize:
        return QSize(240, 96)

    def show_counts(self, counts: Sequence[int], names: Sequence[str]) -> None:
        self.counts, self.names = tuple(counts), tuple(names)
        self.setAccessibleDescription(self.sentence)
        self.update()

    def name(self, number: int) -> str:
        return self.names[number] if number < len(self.names) else str(number)

    @property
    def sentence(self) -> str:
        """ "10 classes of 5,000 examples each", or the fewest and the most with their names."""
        if not self.counts:
            return ""
        low, high = min(self.counts), max(self.counts)
        if low == high:
            return f"{len(self.counts):,} classes of {low:,} examples each"
        fewest, most = self.name(self.counts.index(low)), self.name(self.counts.index(high))
        return f"{len(self.counts):,} classes: from {low:,} examples ({fewest}) to {high:,} ({most})"

    def bar(self, number: int) -> QRectF:
        foot = QFontMetricsF(self.font()).height() if self._named else 0.0
        room, high = self.width() / max(len(self.counts), 1), self.height() - foot - 2
        gap = min(4.0, 0.2 * room)
        tall = high * self.counts[number] / max(max(self.counts), 1)
        return QRectF(number * room + gap / 2, 1 + high - tall, room - gap, tall)

    @property
    def _named(self) -> bool:
        return len(self.counts) <= MOST_NAMED and self.width() / max(len(self.counts), 1) >= NARROWEST

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.counts:
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(self.font())
        room = self.width() / len(self.counts)
        for number in range(len(self.counts)):
            painter.fillRect(self.bar(number), QColor(style.series_colour(0, colours.figure)))
            if self._named:
                painter.setPen(QColor(colours.muted))
                text = metrics.elidedText(self.name(number), Qt.TextElideMode.ElideRight, room - 2)
                below = QRectF(number * room, self.height() - metrics.height(), room, metrics.height())
                painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, text)
        painter.end()

    def tip(self, number: int) -> str:
        """The words over a bar, in which a class's name is never read as markup."""
        return f"<qt>{html.escape(self.name(number))}: {self.counts[number]:,} examples</qt>"

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and self.counts:
            number = int(event.pos().x() * len(self.counts) / max(self.width(), 1))
            if 0 <= number < len(self.counts):
                QToolTip.showText(event.globalPos(), self.tip(number), self)
                return True
        return bool(super().event(event))
