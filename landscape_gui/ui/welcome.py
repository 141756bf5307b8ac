"""The first page: samples as pictures, one click each; recent files; where to drop one's own."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.ui import theme
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import Elided, empty, plain

PICTURE = 1.5
"""Width over height of a card's picture."""
NARROWEST = 212


@dataclass(frozen=True, kw_only=True)
class Sample:
    """name opens it; title and summary say what it is; picture is a file, or None."""

    name: str
    title: str
    summary: str
    picture: Path | None = None


class Card(QAbstractButton):
    """A sample: its picture, its title, a sentence."""

    def __init__(self, sample: Sample) -> None:
        super().__init__()
        self.sample = sample
        self.setObjectName(f"sample_{sample.name}")
        self.setAccessibleName(f"Open the sample {sample.title}")
        self.setToolTip(sample.summary)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.picture = QPixmap(str(sample.picture)) if sample.picture is not None else QPixmap()

    def sizeHint(self) -> QSize:
        return QSize(NARROWEST, self.height_for(NARROWEST))

    def height_for(self, width: int) -> int:
        return round((width - 2) / PICTURE) + self._text_height()

    def _text_height(self) -> int:
        return QFontMetrics(self._bold()).height() + 2 * QFontMetrics(self._small()).height() + 24

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.9))
        return font

    def resizeEvent(self, event: object) -> None:
        self.setFixedHeight(self.height_for(self.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        outline = QPainterPath()
        outline.addRoundedRect(frame, 8, 8)
        over = self.underMouse() or self.hasFocus()
        painter.fillPath(outline, QColor(c.hover if self.isDown() else c.raised))
        painter.save()
        painter.setClipPath(outline)
        area = QRectF(frame.left(), frame.top(), frame.width(), round(frame.width() / PICTURE))
        self._paint_picture(painter, area)
        painter.restore()
        painter.setPen(QPen(QColor(c.accent if over else c.border), 1.6 if over else 1.0))
        painter.drawPath(outline)
        self._paint_words(painter, area, c)
        painter.end()

    def _paint_picture(self, painter: QPainter, area: QRectF) -> None:
        if self.picture.isNull():
            paint_placeholder(painter, area)
            return
        size = self.picture.size().scaled(area.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        target = QRectF(area.center().x() - size.width() / 2, area.center().y() - size.height() / 2, size.width(), size.height())
        painter.drawPixmap(target, self.picture, QRectF(self.picture.rect()))

    def _paint_words(self, painter: QPainter, area: QRectF, c: theme.Colours) -> None:
        left, width = round(area.left()) + 12, round(area.width()) - 24
        bold = QFontMetrics(self._bold())
        painter.setFont(self._bold())
        painter.setPen(QColor(c.ink))
        top = round(area.bottom()) + 9
        painter.drawText(
            QRect(left, top, width, bold.height()), 0, bold.elidedText(self.sample.title, Qt.TextElideMode.ElideRight, width)
        )
        painter.setFont(self._small())
        painter.setPen(QColor(c.muted))
        small = QFontMetrics(self._small())
        for number, text in enumerate(two_lines(self.sample.summary, small, width)):
            painter.drawText(QRect(left, top + bold.height() + 2 + number * small.height(), width, small.height()), 0, text)


def two_lines(text: str, metrics: QFontMetrics, width: int) -> list[str]:
    """The text broken at words into at most two lines, the second one ended with dots where it does not fit."""
    words, first = text.split(), ""
    while words and metrics.horizontalAdvance(f"{first} {words[0]}".strip()) <= width:
        first = f"{first} {words.pop(0)}".strip()
    return [first, metrics.elidedText(" ".join(words), Qt.TextElideMode.ElideRight, width)] if words else [first]


def paint_placeholder(painter: QPainter, area: QRectF) -> None:
    """A quiet contour drawing where there is no picture yet."""
    c = theme.current()
    painter.fillRect(area, QColor(c.window))
    painter.setPen(QPen(QColor(c.faint), 1.0))
    middle = QPointF(area.center().x() - area.width() * 0.06, area.center().y() + area.height() * 0.05)
    for ring in range(1, 8):
        path = QPainterPath()
        for k in range(73):
            angle = math.tau * k / 72
            radius = ring * area.height() * 0.085 * (1 + 0.16 * math.sin(2 * angle + 0.5) + 0.05 * math.sin(3 * angle + ring * 0.4))
            point = middle + QPointF(radius * 1.5 * math.cos(angle), radius * math.sin(angle))
            path.moveTo(point) if k == 0 else path.lineTo(point)
        painter.setOpacity(0.9 - 0.1 * ring)
        painter.drawPath(path)
    painter.setOpacity(1.0)


class Welcome(QScrollArea):
    sample_chosen = Signal(str)
    open_asked = Signal()
    folder_asked = Signal()
    recent_chosen = Signal(str)

    def __init__(self, samples: Sequence[Sample], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome_area")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        page.setObjectName("welcome")
        self.setWidget(page)
        outer = QHBoxLayout(page)
        outer.setContentsMargins(32, 28, 32, 24)
        self.body = QWidget()
        self.body.setMaximumWidth(1180)
        outer.addWidget(self.body)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(plain("Explore a loss landscape", "display"))
        column.addWidget(plain("Open a trained network's checkpoint, or drop files or a folder anywhere in this window.", "muted"))
        column.addSpacing(10)
        column.addLayout(self._buttons())
        column.addSpacing(16)
        column.addWidget(plain("Samples", "section"))
        self.grid = QGridLayout()
        self.grid.setSpacing(16)
        column.addLayout(self.grid)
        self.cards = [self._card(sample) for sample in samples]
        if not samples:
            column.addWidget(plain("The samples are not installed beside the program.", "muted"))
        column.addSpacing(14)
        self.recent_title = plain("Recent", "section")
        column.addWidget(self.recent_title)
        self.recent = QVBoxLayout()
        self.recent.setSpacing(0)
        column.addLayout(self.recent)
        column.addStretch(1)
        self.columns = 0
        self._arrange(4)

    def _buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        self.open_button = QPushButton(icon("folder-open", "#FFFFFF"), " Open checkpoint …")
        self.open_button.setObjectName("primary")
        self.folder_button = QPushButton(icon("folders"), " Open run …")
        self.folder_button.setToolTip("A folder of checkpoints of one training run")
        self.open_button.clicked.connect(self.open_asked)
        self.folder_button.clicked.connect(self.folder_asked)
        line.addWidget(self.open_button)
        line.addWidget(self.folder_button)
        line.addStretch(1)
        return line

    def _card(self, sample: Sample) -> Card:
        card = Card(sample)
        card.clicked.connect(lambda: self.sample_chosen.emit(sample.name))
        return card

    def _arrange(self, columns: int) -> None:
        if columns == self.columns:
            return
        for k in range(self.columns):
            self.grid.setColumnStretch(k, 0)
        self.columns = columns
        for number, card in enumerate(self.cards):
            self.grid.addWidget(card, number // columns, number % columns)
        for k in range(columns):
            self.grid.setColumnStretch(k, 1)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        room = min(self.viewport().width() - 64, 1180)
        self._arrange(max(2, min(4, (room + 16) // (NARROWEST + 16))))

    def show_recent(self, paths: Sequence[str]) -> None:
        """The files opened last, newest first."""
        empty(self.recent)
        self.recent_title.setVisible(bool(paths))
        for path in paths[:6]:
            self.recent.addWidget(recent_row(path, functools.partial(self.recent_chosen.emit, path)))


def recent_row(path: str, chosen: Callable[[], None]) -> QWidget:
    """A link with the file's name, and its folder beside it."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(10)
    place = Path(path.removeprefix("samples:"))
    link = QPushButton(place.name.replace("&", "&&") or path)
    link.setObjectName("link")
    link.setCursor(Qt.CursorShape.PointingHandCursor)
    link.setToolTip(path)
    link.clicked.connect(chosen)
    folder = Elided("sample" if path.startswith("samples:") else str(place.parent), "muted", Qt.TextElideMode.ElideMiddle)
    line.addWidget(link)
    line.addWidget(folder, 1)
    return row


def sample_of(name: str, card: Mapping[str, object], pictures: Path) -> Sample:
    """A sample as its card describes it."""
    picture = pictures / f"{name}.png"
    return Sample(
        name=name,
        title=str(card.get("title") or name),
        summary=str(card.get("summary") or ""),
        picture=picture if picture.exists() else None,
    )
