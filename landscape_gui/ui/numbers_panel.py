"""The panel "Numbers": what an answer comes down to, each with its error, what it says at hover, and how it is usually read."""

from __future__ import annotations

import html
from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from landscape_gui.export.number_table import as_markdown, as_tsv, kind_text, value_text
from landscape_gui.reading_aids import AIDS
from landscape_gui.results import Number, Result
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain

Numbers = Mapping[str, Number]


def numbers_of(result: Result | None) -> Numbers:
    """The numbers that an answer comes down to, by name; none for most."""
    found: Numbers = getattr(result, "numbers", None) or {}
    return found


class NumbersPanel(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("numbers")
        self.setAccessibleName("Numbers")
        self.numbers: Numbers = {}
        self.table: NumbersTable | None = None
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
        self.markdown = self._button("Copy Markdown", "Copies a table with rounded values, for a paper or an issue")
        self.tsv = self._button("Copy TSV", "Copies every digit, tab-separated, for a spreadsheet")
        self.markdown.clicked.connect(lambda: self._copy(self.markdown, as_markdown(self.numbers.values())))
        self.tsv.clicked.connect(lambda: self._copy(self.tsv, as_tsv(self.numbers.values())))
        for button in (self.markdown, self.tsv):
            below.addWidget(button)
        column.addWidget(foot)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(icon("copy"), f" {text.removeprefix('Copy ')}")
        button.setAccessibleName(text)
        button.setToolTip(tip)
        return button

    def _copy(self, button: QPushButton, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        words = f" {button.accessibleName().removeprefix('Copy ')}"
        button.setText(" Copied")
        QTimer.singleShot(1500, button, lambda: button.setText(words))

    def show_numbers(self, numbers: Numbers) -> None:
        """Other numbers; nothing is laid out while the panel is hidden, and only words change where the labels stay."""
        self.numbers = numbers
        for button in (self.markdown, self.tsv):
            button.setEnabled(bool(numbers))
        if self.isVisible():
            self._fill()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()

    def _fill(self) -> None:
        if self.table is None or not self.table.change(self.numbers):
            self.table = NumbersTable(self.numbers)
            self.area.setWidget(self.table)


class NumbersTable(QWidget):
    """A row for each number; a reading aid stands beneath, its caveat one click away."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__()
        self.names = tuple(numbers)
        self.rows: dict[str, NumberRow] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(0)
        for name, number in numbers.items():
            self.rows[name] = NumberRow(number)
            column.addWidget(self.rows[name])
        self.words = plain(error_words(numbers), "caption")
        self.words.setContentsMargins(0, 8, 0, 0)
        column.addWidget(self.words)
        column.addStretch(1)

    def change(self, numbers: Numbers) -> bool:
        """Other values under the same names; False where the names differ."""
        if tuple(numbers) != self.names:
            return False
        for name, number in numbers.items():
            self.rows[name].show_number(number)
        self.words.setText(error_words(numbers))
        return True


class NumberRow(QWidget):
    def __init__(self, number: Number) -> None:
        super().__init__()
        self.label, self.value, self.kind = plain("", "muted"), plain("", "heading", wrap=False), plain("", "muted", wrap=False)
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.aid, self.caveat = plain("", "muted"), plain("", "caption")
        self.why = QToolButton()
        self.why.setObjectName("quiet")
        self.why.setIcon(icon("question"))
        self.why.setCheckable(True)
        self.why.setAccessibleName("Why this is no verdict")
        self.why.setToolTip("A rule of thumb, no verdict: why")
        self.why.toggled.connect(self.caveat.setVisible)
        table = QGridLayout(self)
        table.setContentsMargins(0, 5, 0, 5)
        table.setHorizontalSpacing(8)
        table.setVerticalSpacing(1)
        table.setColumnStretch(0, 1)
        table.addWidget(self.label, 0, 0, 1, 2)
        table.addWidget(self.value, 1, 0, Qt.AlignmentFlag.AlignLeft)
        table.addWidget(self.kind, 1, 1, Qt.AlignmentFlag.AlignRight)
        beside = QHBoxLayout()
        beside.setSpacing(4)
        beside.addWidget(self.aid, 1)
        beside.addWidget(self.why)
        table.addLayout(beside, 2, 0, 1, 2)
        table.addWidget(self.caveat, 3, 0, 1, 2)
        self.caveat.hide()
        self.show_number(number)

    def show_number(self, number: Number) -> None:
        text = value_text(number)
        aid = AIDS.get(number.name.partition(":")[0])
        read = aid.read(number.value) if aid is not None else ""
        kind = kind_text(number)
        for widget, words in ((self.label, number.label), (self.value, text), (self.kind, kind), (self.aid, read)):
            if widget.text() != words:
                widget.setText(words)
        self.setToolTip(f"<p>{html.escape(number.help)}</p>" if number.help else "")
        self.setAccessibleName(f"{number.label}: {text} {kind}".strip())
        self.aid.setVisible(bool(read))
        self.why.setVisible(bool(read))
        if aid is not None:
            self.caveat.setText(aid.caveat)
        self.caveat.setVisible(bool(read) and self.why.isChecked())


def error_words(numbers: Numbers) -> str:
    """What stands behind ±, for the kinds that occur."""
    kinds = {kind_text(n) for n in numbers.values()}
    parts = ["bound: some eigenvalue, or the true value, lies within it"] if "bound" in kinds else []
    parts += ["s.e.: one standard error"] if "s.e." in kinds else []
    told = f"Behind ±: {'; '.join(parts)}. " if parts else ""
    return f"{told}Hold the cursor over a number to read what it says."
