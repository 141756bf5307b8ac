"""Reports side by side: a column a checkpoint, a row a number. A click on a number explains it and sorts by it."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFont, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.curvature_results import ReportResult
from landscape_gui.export.report_latex import as_latex
from landscape_gui.export.report_tables import Row, as_markdown, base, sections, titles
from landscape_gui.export.rounding import rounded
from landscape_gui.reading_aids import AIDS, reading
from landscape_gui.results import Number
from landscape_gui.ui.frozen_column import FrozenColumn
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain

LABELS = 320
"""Pixels for the numbers' names at least; where there is no room for more, a longer one ends in dots and is whole at hover."""
APART = 22
"""Pixels between columns."""
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
TITLE = "title"
"""Sorts the checkpoints by what they are called."""
ARROWS = {1: " ▲", -1: " ▼", 0: ""}


class ReportPanel(QWidget):
    """`export_asked`: the person wants the reports as a file, in the order in which they stand."""

    export_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("report")
        self.setAccessibleName("Report")
        self.reports: tuple[ReportResult, ...] = ()
        self.rows: list[Row | None] = []
        """What stands in each line: a number, or None for a section's title."""
        self.sorted_by, self.direction = "", 0
        self.order: list[int] = []
        """Which report stands in each column."""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.table = QTableWidget()
        self.table.setObjectName("report_table")
        self.table.setAccessibleName("Numbers of the checkpoints")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setWordWrap(False)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.horizontalHeader().setDefaultAlignment(RIGHT)
        self.table.cellClicked.connect(self._clicked)
        self.table.currentCellChanged.connect(lambda row, *_: self._explain(row))
        self.table.horizontalHeader().setSectionsClickable(True)
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.horizontalHeader().sectionClicked.connect(self._head_clicked)
        FrozenColumn(self.table)
        column.addWidget(self.table, 1)
        self.words = plain(
            "Click a number's name to read what it is and to sort the checkpoints by it, a checkpoint's to sort them by name.",
            "caption",
        )
        self.words.setMinimumHeight(96)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.words)
        column.addLayout(self._buttons())
        self.show_reports(())

    def _buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        self.markdown, self.latex = QPushButton(icon("copy"), " Copy Markdown"), QPushButton(icon("copy"), " Copy LaTeX")
        self.export = QPushButton(icon("export"), " Export …")
        self.markdown.clicked.connect(lambda: self._copy(self.markdown, as_markdown(self.arranged(), explained=False)))
        self.latex.clicked.connect(lambda: self._copy(self.latex, as_latex(self.arranged())))
        self.export.clicked.connect(self.export_asked)
        self.markdown.setToolTip("The table for an issue or a page")
        self.latex.setToolTip("The table for a paper: booktabs, with the references as comments")
        self.export.setToolTip("Markdown with explanations, LaTeX, CSV or JSON")
        for button in (self.markdown, self.latex, self.export):
            line.addWidget(button)
        line.addStretch(1)
        return line

    def _copy(self, button: QPushButton, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        copy_from(button)

    # what is shown

    def show_reports(self, reports: Sequence[ReportResult]) -> None:
        """Other reports, or more of the same; the order is kept where there are as many."""
        if len(reports) != len(self.reports):
            self.order, self.sorted_by, self.direction = list(range(len(reports))), "", 0
        self.reports = tuple(reports)
        for button in (self.markdown, self.latex, self.export):
            button.setEnabled(bool(reports))
        self._sort()
        self._fill()

    def arranged(self) -> list[ReportResult]:
        """The reports in the order of the columns."""
        return [self.reports[k] for k in self.order]

    def _fill(self) -> None:
        reports, names = self.arranged(), titles(self.reports)
        self.rows = [entry for section in sections(reports) for entry in (None, *section.rows)]
        heads = iter(section.title for section in sections(reports))
        self.table.setColumnCount(len(reports) + 2)
        self.table.setRowCount(len(self.rows))
        mark = ARROWS[self.direction] if self.sorted_by == TITLE else ""
        self.table.setHorizontalHeaderLabels(["", *(names[k] + mark for k in self.order), "error"])
        for place in range(1, len(reports) + 2):
            self._align_head(place, RIGHT if place <= len(reports) else Qt.AlignmentFlag.AlignCenter)
        self.table.clearSpans()
        for line, row in enumerate(self.rows):
            cells = [text_item(next(heads), bold=True, still=True)] if row is None else self._cells(row)
            for column in range(len(reports) + 2):
                self.table.setItem(line, column, cells[column] if column < len(cells) else text_item("", still=True))
            if row is None:
                self.table.setSpan(line, 0, 1, len(reports) + 2)
        self._fit()

    def _align_head(self, column: int, where: Qt.AlignmentFlag) -> None:
        head = self.table.horizontalHeaderItem(column)
        if head is not None:
            head.setTextAlignment(where)

    def _fit(self) -> None:
        """Numbers as wide as they are, and what is left for their names."""
        header, last = self.table.horizontalHeader(), self.table.columnCount() - 1
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.table.resizeColumnsToContents()
        for column in range(1, last + 1):
            header.resizeSection(column, header.sectionSize(column) + APART)
        others = sum(header.sectionSize(column) for column in range(1, last + 1))
        header.resizeSection(0, max(LABELS, self.table.viewport().width() - others))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.reports:
            self._fit()

    def _cells(self, row: Row) -> list[QTableWidgetItem]:
        mark = ARROWS[self.direction] if row.name == self.sorted_by else ""
        found = [
            text_item(row.head + mark, tip=f"{row.head}. {help_of(row)}"),
            *(number_item(row, number) for number in row.numbers),
        ]
        kind = text_item(row.kind)
        kind.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        return [*found, kind]

    # sorting and explaining

    def _clicked(self, line: int, column: int) -> None:
        row = self.rows[line] if line < len(self.rows) else None
        if row is not None and column == 0:
            self.sort_by(row.name)

    def _head_clicked(self, column: int) -> None:
        if 1 <= column <= len(self.reports):
            self.sort_by(TITLE)

    def sort_by(self, name: str) -> None:
        """The checkpoints by a number: rising, then falling, then as they were named."""
        self.direction = {0: 1, 1: -1, -1: 0}[self.direction if name == self.sorted_by else 0]
        self.sorted_by = name if self.direction else ""
        line = self.table.currentRow()
        self._sort()
        self._fill()
        if line >= 0:
            self.table.selectRow(line)

    def _sort(self) -> None:
        """A checkpoint without the number stands last, either way."""
        self.order = list(range(len(self.reports)))
        if self.sorted_by == TITLE:
            names = titles(self.reports)
            self.order.sort(key=lambda k: names[k].casefold(), reverse=self.direction < 0)
        elif self.sorted_by:
            values = [value_of(report, self.sorted_by) for report in self.reports]
            self.order.sort(key=lambda k: (math.isnan(values[k]), self.direction * values[k] if values[k] == values[k] else 0.0))

    def _explain(self, line: int) -> None:
        row = self.rows[line] if 0 <= line < len(self.rows) else None
        if row is None:
            return
        told = [help_of(row)]
        if base(row.name) in AIDS:
            told.append(f"As a rule of thumb, and no verdict: {aid_words(row)}. {AIDS[base(row.name)].caveat}")
        details = [f"{title}: {detail}" for title, detail in zip(titles(self.arranged()), row.details, strict=False) if detail]
        self.words.setText("\n".join(filter(None, [*told, "; ".join(details)])))


def copy_from(button: QPushButton) -> None:
    """Say on the button, for a moment, that what it copies is in the clipboard."""
    words = button.text()
    button.setText(" Copied")
    button.setEnabled(False)
    QTimer.singleShot(1200, button, lambda: restore(button, words))


def restore(button: QPushButton, words: str) -> None:
    button.setText(words)
    button.setEnabled(True)


def text_item(text: str, *, bold: bool = False, still: bool = False, tip: str = "") -> QTableWidgetItem:
    """still: it cannot be selected."""
    item = QTableWidgetItem(text)
    if bold:
        font = QFont(item.font())
        font.setBold(True)
        item.setFont(font)
    if still:
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
    if tip:
        item.setToolTip(f"<p>{html.escape(tip)}</p>")
    return item


def number_item(row: Row, number: Number | None) -> QTableWidgetItem:
    """Value and error, and the reading aid's words."""
    if number is None:
        return text_item("")
    words = reading(base(row.name), number.value).partition(":")[0]
    item = text_item(rounded(number.value, number.error).plain + (f"  ({words})" if words else ""), tip=number.help)
    item.setTextAlignment(RIGHT)
    return item


def help_of(row: Row) -> str:
    return next((n.help for n in row.numbers if n is not None and n.help), "")


def aid_words(row: Row) -> str:
    """What the rule of thumb calls each checkpoint's value."""
    return "; ".join(dict.fromkeys(reading(base(row.name), n.value) for n in row.numbers if n is not None))


def value_of(report: ReportResult, name: str) -> float:
    number = report.numbers.get(name)
    return number.value if number is not None else math.nan
