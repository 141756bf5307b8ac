"""The panel "What this shows": everything a reader needs to judge the picture, and the caption for a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from landscape_gui.figure import Figure
from landscape_gui.ui.icons import icon

COPIED = "Copied"
AXES = (
    "\N{GREEK SMALL LETTER ALPHA} (first axis) and \N{GREEK SMALL LETTER BETA} (second axis) are the coordinates in the plane, "
    "in units of its two directions; 0, 0 is its origin."
)


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
        painter.end()


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
        self.figure: Figure | None = None
        self.table: FactsTable | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.addWidget(self.area, 1)
        foot = QFrame()
        foot.setObjectName("foot")
        below = QHBoxLayout(foot)
        below.setContentsMargins(12, 8, 12, 10)
        below.setSpacing(6)
        self.copy_button = self._button("Copy caption", "Copies these facts as sentences, for the caption of a figure", self.copy)
        self.copy_button.setIcon(icon("copy"))
        self.latex_button = self._button("LaTeX", "Copies the caption for LaTeX, its symbols in math mode", self.copy_latex)
        self.bibtex_button = self._button("BibTeX", "Copies the papers whose methods the picture uses", self.copy_bibtex)
        for button, share in ((self.copy_button, 2), (self.latex_button, 1), (self.bibtex_button, 1)):
            below.addWidget(button, share)
        column.addWidget(foot)
        self.show_figure(None)

    def _button(self, text: str, tip: str, copy: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text if text.startswith("Copy") else f"Copy {text}")
        button.setToolTip(tip)
        button.clicked.connect(lambda: copy())
        return button

    def show_figure(self, figure: Figure | None) -> None:
        """Show a figure's facts; nothing is laid out while the panel is hidden, and only words change where the labels stay."""
        self.figure = figure
        self.caption = figure.caption if figure is not None else ""
        for button in (self.copy_button, self.latex_button, self.bibtex_button):
            button.setEnabled(bool(self.caption))
        if self.isVisible() or figure is None:
            self._fill()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()

    def _fill(self) -> None:
        figure = self.figure
        if figure is None:
            self.area.setWidget(empty_note())
            self.table = None
        elif self.table is None or not self.table.change(figure.facts, self.caption):
            self.table = FactsTable(figure.facts, self.caption)
            self.area.setWidget(self.table)

    def copy(self) -> None:
        self._take(self.caption, self.copy_button)

    def copy_latex(self) -> None:
        from landscape_gui.export.report_latex import latex

        self._take(latex(self.caption), self.latex_button)

    def copy_bibtex(self) -> None:
        from landscape_gui.export.references import references

        if self.figure is not None:
            self._take(references(self.figure), self.bibtex_button)

    def _take(self, text: str, button: QPushButton) -> None:
        """Onto the clipboard; the button says so for a moment."""
        QGuiApplication.clipboard().setText(text)
        words = button.text()
        if words != COPIED:
            button.setText(COPIED)
            QTimer.singleShot(1500, button, lambda: button.setText(words))


class FactsTable(QWidget):
    """Labels and values, and the caption beneath them."""

    def __init__(self, facts: Sequence[tuple[str, str]], caption: str) -> None:
        super().__init__()
        table = QGridLayout(self)
        table.setContentsMargins(12, 12, 12, 12)
        table.setHorizontalSpacing(12)
        table.setVerticalSpacing(6)
        table.setColumnStretch(1, 1)
        table.setColumnMinimumWidth(0, 84)
        self.labels = tuple(label for label, _ in facts)
        self.values = [selectable(value) for _, value in facts]
        for row, (label, value) in enumerate(zip(self.labels, self.values, strict=True)):
            table.addWidget(narrow(label), row, 0, Qt.AlignmentFlag.AlignTop)
            table.addWidget(value, row, 1, Qt.AlignmentFlag.AlignTop)
        rule = QFrame()
        rule.setObjectName("rule")
        self.caption = selectable(caption, "caption")
        table.addWidget(rule, len(facts), 0, 1, 2)
        table.addWidget(self.caption, len(facts) + 1, 0, 1, 2)
        table.setRowStretch(len(facts) + 2, 1)

    def change(self, facts: Sequence[tuple[str, str]], caption: str) -> bool:
        """Other values under the same labels; False where the labels differ."""
        if tuple(label for label, _ in facts) != self.labels:
            return False
        for widget, text in zip((*self.values, self.caption), (*(v for _, v in facts), caption), strict=True):
            if widget.text() != breakable(text):
                widget.setText(breakable(text))
        return True


def narrow(text: str) -> QLabel:
    """A label of the first column, which leaves room for the second."""
    label = plain(text, "muted")
    label.setMaximumWidth(112)
    return label


def selectable(text: str, name: str = "") -> QLabel:
    label = plain(breakable(text), name)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMinimumWidth(40)
    return label


def empty_note() -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(12, 12, 12, 12)
    column.addWidget(plain("Directions, norms, data, BatchNorm, precision and seed of the picture stand here.", "muted"))
    column.addStretch(1)
    return page
