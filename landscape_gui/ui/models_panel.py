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
    QVBoxLayout,
    QWidget,
)

from landscape_gui.curvature_results import ReportResult
from landscape_gui.export.comparison_latex import as_latex
from landscape_gui.export.comparison_tables import RELATED_HEADS, as_markdown, cell_text, gap_words, head_text, related_texts
from landscape_gui.model_comparison import COLUMNS, ModelComparison, compared, kind
from landscape_gui.number_texts import TEXTS
from landscape_gui.ui.frozen_column import FrozenColumn
from landscape_gui.ui.icons import icon
from landscape_gui.ui.panel import plain
from landscape_gui.ui.report_panel import ARROWS, RIGHT, TITLE, copy_from, text_item

APART = 18
"""Pixels between columns."""
WIDEST = 300
"""Pixels that a model's name takes at most; a longer one ends in dots and is whole at hover."""
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RELATED_TIPS = (
    "",
    "Models that have both the measure and the gap.",
    "Kendall's tau-b between the measure and the gap over these models.",
    "95 % interval of tau for models drawn independently from one population; of fewer than four models there is none.",
    "Share of the gap's orders that would give a tau as far from 0, counted or drawn.",
    "The same for the largest of all measures: it allows for how many are looked at.",
    "Spearman's correlation of ranks.",
    "Its 95 % interval.",
    "Between what tau lies when values and gaps are drawn anew from their standard errors.",
)
USUAL = "Click a heading to read what the number is and to sort the models by it. No value is marked as the best: none is."

UNRELATED = (
    "How the numbers go with the generalisation gap stands here once the reports of two models are whole.\n"
    "Click a heading above to read what its number is."
)


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
        self.table = table_named("models_table", "Models and their numbers")
        self.table.horizontalHeader().sectionClicked.connect(self._head_clicked)
        self.related = table_named("related_table", "Rank correlation of measures with the generalisation gap")
        self.unrelated = plain(UNRELATED, "muted")
        self.unrelated.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.about = plain("", "muted")
        self.warnings = plain("", "muted")
        self.words = plain(USUAL, "caption")
        self.words.setMinimumHeight(54)
        for label in (self.warnings, self.words):
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table, 2)
        column.addWidget(self.words)
        column.addWidget(self.about)
        column.addWidget(self.related, 3)
        column.addWidget(self.unrelated, 3)
        column.addWidget(self.warnings)
        column.addLayout(self._buttons())
        self.show_reports(())

    def _buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        self.markdown, self.latex = QPushButton(icon("copy"), " Copy Markdown"), QPushButton(icon("copy"), " Copy LaTeX")
        self.export = QPushButton(icon("export"), " Export …")
        self.surfaces = QPushButton("Surfaces in one scale")
        self.columns = QPushButton("Columns")
        self.menu = QMenu(self.columns)
        self.columns.setMenu(self.menu)
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
            self.related.setRowCount(0)
            self._relate(False)
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
        self.about.setText(f"{gap_words(comparison)}. {' '.join(comparison.cautions)}")
        self.related.setColumnCount(len(RELATED_HEADS))
        self.related.setRowCount(len(comparison.related))
        self.related.setHorizontalHeaderLabels(list(RELATED_HEADS))
        for column, (head, tip) in enumerate(zip(RELATED_HEADS, RELATED_TIPS, strict=True)):
            item = self.related.horizontalHeaderItem(column)
            if item is not None:
                item.setTextAlignment(RIGHT if column else LEFT)
                item.setToolTip(f"<p>{html.escape(tip or head)}</p>")
        for row, one in enumerate(comparison.related):
            for column, text in enumerate(related_texts(one)):
                cell = text_item(text, bold=column == 0, tip=help_of(one.name) if column == 0 else one.why)
                cell.setTextAlignment(RIGHT if column else LEFT)
                self.related.setItem(row, column, cell)
        fit(self.related)
        self._relate(bool(comparison.related))

    def _relate(self, known: bool) -> None:
        """The correlations, or why there are none yet."""
        self.related.setVisible(known)
        self.about.setVisible(known)
        self.unrelated.setVisible(not known)

    def _fill(self, comparison: ModelComparison) -> None:
        names = ("", *comparison.columns)
        self.table.setColumnCount(len(names))
        self.table.setRowCount(len(comparison.titles))
        heads = [f"Model{self._arrow(TITLE)}", *(head_text(comparison, n) + self._arrow(n) for n in comparison.columns)]
        self.table.setHorizontalHeaderLabels(heads)
        for column, name in enumerate(names):
            head = self.table.horizontalHeaderItem(column)
            if head is not None:
                head.setTextAlignment(RIGHT if column else LEFT)
                head.setToolTip(f"<p>{html.escape(help_of(name))}</p>" if name else "The models, by name")
        for row, title in enumerate(comparison.titles):
            self.table.setItem(row, 0, text_item(title, bold=True, tip=title))
            for column, name in enumerate(comparison.columns, 1):
                number = comparison.number(row, name)
                item = text_item(cell_text(number), tip=number.label if number is not None else "This model has no such number.")
                item.setTextAlignment(RIGHT)
                self.table.setItem(row, column, item)
        fit(self.table)

    def _arrow(self, name: str) -> str:
        return ARROWS[self.direction] if name == self.sorted_by else ""

    # columns, order, words

    def _fill_menu(self) -> None:
        menu = self.menu
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


def table_named(name: str, words: str) -> QTableWidget:
    """A table that is read and copied from, not written in."""
    table = QTableWidget()
    table.setObjectName(name)
    table.setAccessibleName(words)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(26)
    table.horizontalHeader().setHighlightSections(False)
    table.setMinimumHeight(110)
    FrozenColumn(table)
    return table


def fit(table: QTableWidget) -> None:
    """Columns as wide as what stands in them."""
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    table.resizeColumnsToContents()
    for column in range(table.columnCount()):
        width = header.sectionSize(column) + APART
        header.resizeSection(column, min(width, WIDEST) if column == 0 else width)


def help_of(name: str) -> str:
    text = TEXTS.get(kind(name))
    return f"{text.label[:1].upper()}{text.label[1:]}. {text.help}" if text is not None else name
