"""The panel "Numbers": what an answer comes down to, each with its error, what it says at hover, and how it is usually read."""

from __future__ import annotations

import html
from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from landscape_gui.export.number_table import as_markdown, as_tsv, kind_text, value_text
from landscape_gui.reading_aids import AIDS
from landscape_gui.results import Number, Result
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain

Numbers = Mapping[str, Number]
AT_ONCE = 5
"""So many rows are made in one turn of the event loop."""


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
        self._more = QTimer(self)
        self._more.setSingleShot(True)
        self._more.timeout.connect(self._fill)
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
        if self.table is None:
            self.table = NumbersTable()
            self.area.setWidget(self.table)
        if not self.table.change(self.numbers):
            self._more.start(0)


class NumbersTable(QWidget):
    """A row for each number; a reading aid stands beneath, its caveat one click away."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, NumberRow] = {}
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 10, 12, 12)
        self.column.setSpacing(0)
        self.words = plain("", "caption")
        self.words.setContentsMargins(0, 8, 0, 0)
        self.column.addWidget(self.words)
        self.column.addStretch(1)

    def change(self, numbers: Numbers) -> bool:
        """Other values: a row stays under its name, and only what is new is made; False where more is to be made than at once."""
        made = 0
        for name in [name for name in self.rows if name not in numbers]:
            row = self.rows.pop(name)
            self.column.removeWidget(row)
            row.deleteLater()
        for place, (name, number) in enumerate(numbers.items()):
            if name not in self.rows:
                self.rows[name] = NumberRow(number)
                self.column.insertWidget(place, self.rows[name])
                made += 1
            else:
                self.rows[name].show_number(number)
            if self.column.indexOf(self.rows[name]) != place:
                self.column.removeWidget(self.rows[name])
                self.column.insertWidget(place, self.rows[name])
            if made == AT_ONCE:
                break
        self.words.setText(error_words(numbers))
        return len(self.rows) == len(numbers)


class NumberRow(QWidget):
    def __init__(self, number: Number) -> None:
        super().__init__()
        self.label, self.value, self.kind = plain("", "muted"), plain("", "heading", wrap=False), plain("", "muted", wrap=False)
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.aid: ReadingAid | None = None
        self.column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 5, 0, 5)
        column.setSpacing(1)
        column.addWidget(self.label)
        beside = QHBoxLayout()
        beside.setSpacing(8)
        beside.addWidget(self.value)
        beside.addStretch(1)
        beside.addWidget(self.kind)
        column.addLayout(beside)
        self.show_number(number)

    def show_number(self, number: Number) -> None:
        text, kind = value_text(number), kind_text(number)
        for widget, words in ((self.label, number.label), (self.value, text), (self.kind, kind)):
            if widget.text() != words:
                widget.setText(words)
        told = f"<p>{html.escape(number.help)}</p>" if number.help else ""
        if told != self.toolTip():
            self.setToolTip(told)
        self.setAccessibleName(f"{number.label}: {text} {kind}".strip())
        rule = AIDS.get(number.name.partition(":")[0])
        if rule is None:
            return
        if self.aid is None:
            self.aid = ReadingAid(rule.caveat)
            self.column.addWidget(self.aid)
        self.aid.show_words(rule.read(number.value))


class ReadingAid(QWidget):
    """How a number is usually read, and a button for why that is no verdict."""

    def __init__(self, caveat: str) -> None:
        super().__init__()
        self.words, self.caveat = plain("", "muted"), plain(caveat, "caption")
        self.why = QToolButton()
        self.why.setObjectName("quiet")
        self.why.setIcon(icon("question"))
        self.why.setCheckable(True)
        self.why.setAccessibleName("Why this is no verdict")
        self.why.setToolTip("A rule of thumb, no verdict: why")
        self.why.toggled.connect(self.caveat.setVisible)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        beside = QHBoxLayout()
        beside.setSpacing(4)
        beside.addWidget(self.words, 1)
        beside.addWidget(self.why)
        column.addLayout(beside)
        column.addWidget(self.caveat)
        self.caveat.hide()

    def show_words(self, words: str) -> None:
        """Other words; hidden where there are none."""
        self.words.setText(words)
        self.setVisible(bool(words))


def error_words(numbers: Numbers) -> str:
    """What stands behind ±, for the kinds that occur."""
    kinds = {kind_text(n) for n in numbers.values()}
    parts = ["bound: some eigenvalue, or the true value, lies within it"] if "bound" in kinds else []
    parts += ["s.e.: one standard error"] if "s.e." in kinds else []
    told = f"Behind ±: {'; '.join(parts)}. " if parts else ""
    return f"{told}Hold the cursor over a number to read what it says."
