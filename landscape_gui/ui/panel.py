"""The panel "What this shows": everything a reader needs to judge the picture, and the caption for a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from landscape_gui.figure import Figure
from landscape_gui.ui.icons import icon


def plain(text: str, name: str = "", *, wrap: bool = True) -> QLabel:
    """A label that shows what it is given and never reads it as markup."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if name:
        label.setObjectName(name)
    return label


class Elided(QLabel):
    """One line that ends in dots where there is no room; the whole of it is the tooltip."""

    def __init__(self, text: str = "", name: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.mode = mode
        if name:
            self.setObjectName(name)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self.mode, rect.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(rect, self.alignment() | Qt.AlignmentFlag.AlignVCenter, text)
        self.setToolTip(self.text() if text != self.text() else "")


def empty(layout: QLayout) -> None:
    """Take everything out of a layout, for good."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.deleteLater()


def breakable(text: str) -> str:
    """Long words (paths, digests) with invisible places to break them at."""
    return re.sub(r"\S{24,}", lambda word: re.sub(r"([/_.,;:-]|.{20})", "\\1\N{ZERO WIDTH SPACE}", word.group()), text)


class FactsPanel(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("facts")
        self.setAccessibleName("What this shows")
        self.caption = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.addWidget(self.area, 1)
        foot = QFrame()
        foot.setObjectName("foot")
        below = QVBoxLayout(foot)
        below.setContentsMargins(12, 8, 12, 10)
        self.copy_button = QPushButton(icon("copy"), " Copy caption")
        self.copy_button.setAccessibleName("Copy caption")
        self.copy_button.setToolTip("Copies these facts as sentences, for the caption of a figure")
        self.copy_button.clicked.connect(self.copy)
        below.addWidget(self.copy_button)
        column.addWidget(foot)
        self.show_figure(None)

    def show_figure(self, figure: Figure | None) -> None:
        self.caption = figure.caption if figure is not None else ""
        self.copy_button.setEnabled(bool(self.caption))
        place = self.area.verticalScrollBar().value()
        self.area.setWidget(facts_table(figure.facts, self.caption) if figure is not None else empty_note())
        self.area.verticalScrollBar().setValue(place)

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.caption)
        self.copy_button.setText(" Copied")
        QTimer.singleShot(1500, self.copy_button, lambda: self.copy_button.setText(" Copy caption"))


def facts_table(facts: Sequence[tuple[str, str]], caption: str) -> QWidget:
    page = QWidget()
    table = QGridLayout(page)
    table.setContentsMargins(12, 12, 12, 12)
    table.setHorizontalSpacing(12)
    table.setVerticalSpacing(6)
    table.setColumnStretch(1, 1)
    table.setColumnMinimumWidth(0, 84)
    for row, (label, value) in enumerate(facts):
        name = plain(label, "muted")
        said = plain(breakable(value))
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        table.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        table.addWidget(said, row, 1, Qt.AlignmentFlag.AlignTop)
    if caption:
        rule = QFrame()
        rule.setObjectName("rule")
        table.addWidget(rule, len(facts), 0, 1, 2)
        words = plain(breakable(caption), "caption")
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        table.addWidget(words, len(facts) + 1, 0, 1, 2)
    table.setRowStretch(len(facts) + 2, 1)
    return page


def empty_note() -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(12, 12, 12, 12)
    column.addWidget(plain("Directions, norms, data, BatchNorm, precision and seed of the picture stand here.", "muted"))
    column.addStretch(1)
    return page
