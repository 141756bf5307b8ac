"""Models as rows, the numbers of their reports as columns: sorted by a click on a heading, which also says what the number is."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QTableWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from landscape_gui.curvature_results import ReportResult
from landscape_gui.export.comparison_latex import as_latex
from landscape_gui.export.comparison_tables import as_markdown, cell_text, head_text
from landscape_gui.model_comparison import COLUMNS, ModelComparison, compared, kind
from landscape_gui.number_texts import TEXTS
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain
from landscape_gui.ui.report_panel import ARROWS, RIGHT, TITLE, copy_from, text_item

APART = 18
"""Pixels between columns."""
WIDEST = 300
"""Pixels that a model's name takes at most; a longer one ends in dots and is whole at hover."""
USUAL = "Click a heading to read what the number is and to sort the models by it. No value is marked as the best: none is."


class ModelsPanel(QWidget):
    """`export_asked`: the person wants the comparison as a file; `surfaces_asked`: the models' surfaces in one scale; `changed`:
    other columns or another order."""

    export_asked = Signal()
    surfaces_asked = Signal()
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models")
        self.reports: tuple[ReportResult, ...] = ()
        self.comparison: ModelComparison | None = None
        self.hidden: set[str] = set()
        self.added: set[str] = set()
        self.sorted_by, self.direction = "", 0
        self.table = QTableWidget()
        self.table.setObjectName("models_table")
        self.table.setAccessibleName("Models and their numbers")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setWordWrap(False)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(28)
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.horizontalHeader().sectionClicked.connect(self._head_clicked)
        self.warnings = plain("", "muted")
        self.words = plain(USUAL, "caption")
        self.words.setMinimumHeight(76)
        for label in (self.warnings, self.words):
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table, 1)
        column.addWidget(self.words)
        column.addWidget(self.warnings)
        column.addLayout(self._buttons())
        self.show_reports(())

    def _buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        self.markdown, self.latex = QPushButton(icon("copy"), " Copy Markdown"), QPushButton(icon("copy"), " Copy LaTeX")
        self.export = QPushButton(icon("export"), " Export …")
        self.surfaces = QPushButton("Surfaces in one scale")
        self.columns = QToolButton()
        self.columns.setText("Columns")
        self.columns.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.columns.setMenu(QMenu(self.columns))
        self.columns.setToolTip("Which numbers of the reports stand in the table")
        self.markdown.setToolTip("Table and correlations for an issue or a page")
        self.latex.setToolTip("The same for a paper: booktabs")
        self.export.setToolTip("Markdown, LaTeX, CSV, JSON, a page for a browser, or the figure as PDF, SVG or PNG")
        self.surfaces.setToolTip("A figure of the loss surfaces of these models side by side: one scale, one span, one camera")
        self.markdown.clicked.connect(lambda: self._copy(self.markdown, as_markdown, explained=False))
        self.latex.clicked.connect(lambda: self._copy(self.latex, as_latex))
        self.export.clicked.connect(self.export_asked)
        self.surfaces.clicked.connect(self.surfaces_asked)
        for button in (self.markdown, self.latex, self.export):
            line.addWidget(button)
        line.addStretch(1)
        line.addWidget(self.columns)
        line.addWidget(self.surfaces)
        return line

    def _copy(self, button: QPushButton, text_of: object, **how: bool) -> None:
        if self.comparison is not None:
            assert callable(text_of)
            QGuiApplication.clipboard().setText(text_of(self.comparison, **how))
            copy_from(button)

    # what is shown

    def show_reports(self, reports: Sequence[ReportResult]) -> None:
        """Other reports, or more of the same."""
        self.reports = tuple(reports)
        for button in (self.markdown, self.latex, self.export, self.columns):
            button.setEnabled(bool(reports))
        self.surfaces.setEnabled(len(reports) > 1)
        self._fill_menu()
        self.refresh()

    def chosen(self) -> tuple[str, ...]:
        """Names of the columns."""
        known = list(dict.fromkeys(name for report in self.reports for name in report.numbers))
        usual = [name for one in COLUMNS for name in known if kind(name) == one]
        return tuple(n for n in (*usual, *(k for k in known if k in self.added and k not in usual)) if n not in self.hidden)

    def refresh(self) -> None:
        """The table as it is asked for; correlations are computed elsewhere."""
        if not self.reports:
            self.comparison = None
            self.table.setRowCount(0)
            self.table.setColumnCount(0)
            return
        self.comparison = compared(
            self.reports,
            columns=self.chosen(),
            sort=self.sorted_by if self.sorted_by == TITLE or self.sorted_by in self.chosen() else "",
            descending=self.direction < 0,
            correlate=False,
        )
        self._fill(self.comparison)
        self.warnings.setText("\n".join(self.comparison.warnings))
        self.warnings.setVisible(bool(self.comparison.warnings))
        self.changed.emit()

    def take(self, comparison: ModelComparison) -> None:
        """The same with its correlations."""
        self.comparison = comparison

    def _fill(self, comparison: ModelComparison) -> None:
        names = ("", *comparison.columns)
        self.table.setColumnCount(len(names))
        self.table.setRowCount(len(comparison.titles))
        heads = [f"Model{self._arrow(TITLE)}", *(head_text(comparison, n) + self._arrow(n) for n in comparison.columns)]
        self.table.setHorizontalHeaderLabels(heads)
        for column, name in enumerate(names):
            head = self.table.horizontalHeaderItem(column)
            if head is not None:
                head.setTextAlignment(RIGHT if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
                head.setToolTip(f"<p>{html.escape(help_of(name))}</p>" if name else "The models, by name")
        for row, title in enumerate(comparison.titles):
            self.table.setItem(row, 0, text_item(title, bold=True, tip=title))
            for column, name in enumerate(comparison.columns, 1):
                number = comparison.number(row, name)
                item = text_item(cell_text(number), tip=number.label if number is not None else "This model has no such number.")
                item.setTextAlignment(RIGHT)
                self.table.setItem(row, column, item)
        self._fit()

    def _fit(self) -> None:
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.table.resizeColumnsToContents()
        for column in range(self.table.columnCount()):
            width = header.sectionSize(column) + APART
            header.resizeSection(column, min(width, WIDEST) if column == 0 else width)

    def _arrow(self, name: str) -> str:
        return ARROWS[self.direction] if name == self.sorted_by else ""

    # columns, order, words

    def _fill_menu(self) -> None:
        menu = self.columns.menu()
        menu.clear()
        shown = set(self.chosen())
        for name in dict.fromkeys(n for report in self.reports for n in report.numbers):
            label = next(r.numbers[name].label for r in self.reports if name in r.numbers)
            action = QAction(label, menu, checkable=True, checked=name in shown)
            action.toggled.connect(lambda on, name=name: self.show_column(name, on))
            menu.addAction(action)

    def show_column(self, name: str, on: bool) -> None:
        (self.hidden.discard if on else self.hidden.add)(name)
        (self.added.add if on else self.added.discard)(name)
        self.refresh()

    def _head_clicked(self, column: int) -> None:
        if self.comparison is None:
            return
        name = self.comparison.columns[column - 1] if column else TITLE
        self.sort_by(name)
        self.words.setText(help_of(name) if column else USUAL)

    def sort_by(self, name: str) -> None:
        """Rising, then falling, then as they were selected."""
        self.direction = {0: 1, 1: -1, -1: 0}[self.direction if name == self.sorted_by else 0]
        self.sorted_by = name if self.direction else ""
        self.refresh()


def help_of(name: str) -> str:
    text = TEXTS.get(kind(name))
    return f"{text.label[:1].upper()}{text.label[1:]}. {text.help}" if text is not None else name
